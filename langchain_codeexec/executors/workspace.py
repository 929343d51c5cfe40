"""The folder a program runs in: what is put there before, and what is found there afterwards."""

from __future__ import annotations

import hashlib
import mimetypes
import os
import stat
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from langchain_codeexec.errors import ExecutionRequestError
from langchain_codeexec.executions import InlineFile

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["Workspace"]

MAX_FILES = 100
"""So many files or images are brought back from one run at the most."""

_LONGEST_NAME = 255  # bytes, on every common file system


class Workspace:
    """A new folder with room for one run, or for the runs of one session; gone when closed.

    Attributes:
        work: The working directory.
        exchange: Where the source goes in and drawings come out.
        home: `HOME` and `TMPDIR` of the program.
    """

    def __init__(self, file_bytes: int) -> None:
        self._folder = TemporaryDirectory(prefix="codeexec-", ignore_cleanup_errors=True)
        self._file_bytes = file_bytes
        self._known: dict[str, bytes] = {}
        root = Path(self._folder.name)
        self.work, self.exchange, self.home = root / "work", root / "exchange", root / "home"
        for folder in (self.work, self.home, self.exchange / "images"):
            folder.mkdir(parents=True)

    def close(self) -> None:
        """Remove the folder and all that is in it."""
        self._folder.cleanup()

    def place(self, code: str, files: Iterable[InlineFile]) -> None:
        """Lay out a program and its files.

        A file without a name is called `input_file_0.csv` and so on, as in Gemini's own environment.

        Raises:
            ExecutionRequestError: A file's name is not a plain file name, or two files have the same.
        """
        named = [(_plain_name(file, index), file.data) for index, file in enumerate(files)]
        if len(dict(named)) < len(named):
            raise ExecutionRequestError(f"two files have the same name: {sorted(name for name, _ in named)}")
        for image in (self.exchange / "images").iterdir():
            image.unlink()
        (self.exchange / "source").write_bytes(code.encode("utf-8", "surrogatepass"))
        for name, data in named:
            target = self.work / name
            target.unlink(missing_ok=True)
            target.write_bytes(data)
            self._known[name] = _digest(data)

    def images(self) -> tuple[InlineFile, ...]:
        """What the program drew."""
        found = _regular_files(self.exchange / "images", self._file_bytes)
        return tuple(InlineFile(data, "image/png", name) for name, data in found if name.endswith(".png"))[
            :MAX_FILES
        ]

    def files(self) -> tuple[tuple[InlineFile, ...], str]:
        """The files that are new or changed, and a remark if there were more than may be brought back."""
        kept: list[InlineFile] = []
        left_out = ""
        room = self._file_bytes
        for name, data in _regular_files(self.work, self._file_bytes):
            digest = _digest(data)
            if self._known.get(name) == digest:
                continue
            if len(kept) == MAX_FILES or len(data) > room:
                left_out = f"not all files were brought back (at most {MAX_FILES}, {self._file_bytes} bytes)"
                continue
            self._known[name] = digest
            room -= len(data)
            kept.append(InlineFile(data, mimetypes.guess_type(name)[0] or "application/octet-stream", name))
        return tuple(kept), left_out


def _digest(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=16).digest()


def _plain_name(file: InlineFile, index: int) -> str:
    """The name to store a file under."""
    if not file.name:
        return f"input_file_{index}{mimetypes.guess_extension(file.mime_type) or ''}"
    try:
        encoded = file.name.encode()
    except UnicodeEncodeError:
        encoded = b"/"
    if file.name in {".", ".."} or any(byte in encoded for byte in b"/\\\0") or len(encoded) > _LONGEST_NAME:
        raise ExecutionRequestError(
            f"{file.name!r} cannot name a file of the program: give a plain name without a folder"
        )
    return file.name


def _regular_files(folder: Path, size: int) -> Iterator[tuple[str, bytes]]:
    """Names and contents of the regular files of a folder, by name; links and larger ones are passed over."""
    for name in sorted(os.listdir(folder)):
        try:
            fd = os.open(folder / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:  # a link, a socket, gone, or not ours to read
            continue
        with open(fd, "rb") as file:
            status = os.fstat(fd)
            if stat.S_ISREG(status.st_mode) and status.st_size <= size:
                yield name, file.read(size)
