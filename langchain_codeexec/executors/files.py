"""Files and text on their way into a child process and back, and the folder that they are exchanged in."""

from __future__ import annotations

import codecs
import mimetypes
import os
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import replace

from langchain_codeexec.errors import ExecutionRequestError
from langchain_codeexec.executions import ExecutionRequest, InlineFile
from langchain_codeexec.gemini.input_files import input_file_name

__all__ = [
    "files_from_left",
    "files_of",
    "images_from_left",
    "named_files",
    "pictures_once",
    "text_from_bytes",
    "with_files",
]

_PNG = b"\x89PNG\r\n\x1a\n"
_MOST_PIXELS = 1 << 26  # a quarter of a gigabyte once it is unpacked
_LONGEST_NAME = 255  # bytes, on every common file system


def named_files(files: Iterable[InlineFile]) -> list[tuple[str, bytes]]:
    """Names and contents of a program's files.

    A file without a name is called `input_file_0.csv` and so on, as in Gemini's own environment.

    Raises:
        ExecutionRequestError: A file's name is not a plain file name, or two files have the same.
    """
    named = [(_plain_name(file, index), file.data) for index, file in enumerate(files)]
    if len(dict(named)) < len(named):
        raise ExecutionRequestError(f"two files have the same name: {sorted(name for name, _ in named)}")
    return named


def files_of(request: ExecutionRequest) -> dict[str, InlineFile]:
    """The files of a request by the names its program finds them under; see `named_files`."""
    named = zip(request.files, named_files(request.files), strict=True)
    return {name: replace(file, name=name) for file, (name, _) in named}


def with_files(request: ExecutionRequest, earlier: Mapping[str, InlineFile]) -> ExecutionRequest:
    """A request with files of earlier ones; its own replace those of the same name; see `named_files`."""
    return replace(request, files=tuple({**earlier, **files_of(request)}.values())) if earlier else request


def files_from_left(left: Iterable[tuple[str, bytes]]) -> tuple[InlineFile, ...]:
    """The files a program left, their types guessed by their names, which can be shown and are all different."""
    files: dict[str, InlineFile] = {}
    for name, data in left:
        shown = _shown(name)
        while shown in files:
            shown = f"_{shown}"
        files[shown] = InlineFile(data, mimetypes.guess_type(shown)[0] or "application/octet-stream", shown)
    return tuple(files.values())


def _shown(name: str) -> str:
    """A name with escapes for what is no UTF-8, controls a terminal, or turns the direction of writing."""
    text = os.fsencode(name).decode("utf-8", "backslashreplace")
    return "".join(
        character.encode("unicode_escape").decode()
        if unicodedata.category(character) in _CONTROLS or unicodedata.bidirectional(character) in _TURNING
        else character
        for character in text
    )


_CONTROLS = ("Cc", "Cs", "Zl", "Zp")
_TURNING = ("LRE", "RLE", "PDF", "LRO", "RLO", "LRI", "RLI", "FSI", "PDI")


def images_from_left(left: Iterable[tuple[str, bytes]]) -> tuple[InlineFile, ...]:
    """The PNG images among the drawings a program left, named by their order."""
    drawn = (data for name, data in left if name.endswith(".png") and _is_png(data))
    return tuple(InlineFile(data, "image/png", f"image_{n}.png") for n, data in enumerate(drawn))


def pictures_once(
    images: tuple[InlineFile, ...], files: tuple[InlineFile, ...]
) -> tuple[tuple[InlineFile, ...], tuple[InlineFile, ...]]:
    """Images under the names that their program saved them under, and the files that are none of these."""
    names = {file.data: file.name for file in reversed(files)}
    named = tuple(replace(image, name=names.pop(image.data, image.name)) for image in images)
    return named, tuple(file for file in files if file not in named)


def text_from_bytes(data: bytes | bytearray, *, truncated: bool = False) -> str:
    """As UTF-8 with replacement; a character cut in two at the end is left out."""
    return codecs.getincrementaldecoder("utf-8")("replace").decode(bytes(data), final=not truncated)


def _is_png(data: bytes) -> bool:
    """Whether it begins as a PNG image does, of a size that whoever shows it can bear (www.w3.org/TR/png-3)."""
    width, height = (int.from_bytes(data[at : at + 4]) for at in (16, 20))
    return data.startswith(_PNG) and data[12:16] == b"IHDR" and 0 < width * height <= _MOST_PIXELS


def _plain_name(file: InlineFile, index: int) -> str:
    """The name to store a file under."""
    is_bytes = isinstance(file.data, bytes | bytearray | memoryview)
    if not (is_bytes and isinstance(file.name, str | None) and isinstance(file.mime_type, str)):
        raise ExecutionRequestError(
            f"a file is bytes with a type and a name, not {type(file.data).__name__}, "
            f"{file.mime_type!r} and {file.name!r}"
        )
    if not file.name:
        return input_file_name(index, file.mime_type)
    encoded = file.name.encode("utf-8", "surrogatepass")
    plain = (
        file.name not in {".", ".."}
        and len(encoded) <= _LONGEST_NAME
        and not any(forbidden in file.name for forbidden in "/\\\0")
        and encoded == file.name.encode("utf-8", "ignore")
    )
    if not plain:
        raise ExecutionRequestError(
            f"{file.name!r} cannot name a program's file: give a name without a folder"
        )
    return file.name
