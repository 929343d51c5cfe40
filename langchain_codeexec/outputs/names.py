"""Names for files, made of their content: stable, safe on every system, and nobody else's."""

from __future__ import annotations

import mimetypes
import re
import unicodedata
from hashlib import sha256
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from langchain_codeexec.executions import InlineFile

__all__ = ["names_for"]

_DIGITS: Final = (12, 24, 64)
"""Hex digits of the hash in a name. More are taken where other bytes have the shorter name already."""

_STEM_BYTES: Final = 120
"""With hash and suffix a name stays below the 255 bytes that file systems allow."""

_OWN_SUFFIX: Final = re.compile(r"\.[A-Za-z0-9]{1,10}\Z")
_SEPARATORS: Final = re.compile(r"[/\\]")
_UNNAMED: Final = re.compile(r"_{2,}")
_ANY_TYPE: Final = frozenset({"", "application/octet-stream"})
_FAMILIES: Final = frozenset({"image", "audio", "video"})
_SUFFIXES: Final = {
    "application/vnd.apache.parquet": ".parquet",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ".xlsx",
    "audio/mpeg": ".mp3",
    "audio/wav": ".wav",
    "image/jpeg": ".jpg",
    "image/webp": ".webp",
    "text/markdown": ".md",
    "text/plain": ".txt",
    "text/xml": ".xml",
    "video/mp4": ".mp4",
}
"""Where Python's own table has none, several, or others in other releases."""

_TYPES: Final = mimetypes.MimeTypes()
"""Python's own table: what a system adds to it would make names differ from machine to machine."""


def names_for(file: InlineFile) -> Iterator[str]:
    """Names for a file, the shortest first.

    `{stem}-{hash}{suffix}`: the stem is that of the file's name without all that could leave a folder, steer a
    terminal or mean something to a file system; where it has no name, its family (`image`, `file`). The suffix
    is that of its MIME type; the one of its name stays if it fits, or if the type tells none.
    """
    digest = sha256(file.data).hexdigest()
    mime_type = file.mime_type.partition(";")[0].strip().lower()
    own_name = _SEPARATORS.split(file.name)[-1]
    suffix = _suffix(mime_type, own_name)
    stem = _stem(own_name) or _family(mime_type)
    for digits in _DIGITS:
        yield f"{stem}-{digest[:digits]}{suffix}"


def _stem(name: str) -> str:
    """Letters, digits and hyphens of a name without its suffix; one underscore for any run of other signs."""
    stem = unicodedata.normalize("NFC", _OWN_SUFFIX.sub("", name))
    kept = "".join(sign if sign == "-" or unicodedata.category(sign)[0] in "LMN" else "_" for sign in stem)
    cut = _UNNAMED.sub("_", kept).encode()[:_STEM_BYTES].decode(errors="ignore")
    return cut.strip("_-")


def _suffix(mime_type: str, name: str) -> str:
    found = _OWN_SUFFIX.search(name)
    own = found[0].lower() if found else ""
    known = _SUFFIXES.get(mime_type) or _TYPES.guess_extension(mime_type, strict=False)
    if own and (
        not known or mime_type in _ANY_TYPE or _TYPES.guess_type(f"x{own}", strict=False)[0] == mime_type
    ):
        return own
    return known or ".bin"


def _family(mime_type: str) -> str:
    family = mime_type.partition("/")[0]
    return family if family in _FAMILIES else "file"
