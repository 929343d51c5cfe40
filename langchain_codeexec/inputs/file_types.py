"""What a file is: by its first bytes, else by its suffix."""

from __future__ import annotations

import mimetypes
from typing import Final

from langchain_codeexec.gemini.input_files import INPUT_TYPES

__all__ = [
    "CSV",
    "PLAIN_TEXT",
    "SIGNED",
    "guessed_type",
    "type_by_content",
    "type_by_suffix",
]

CSV: Final = "text/csv"
PLAIN_TEXT: Final = "text/plain"

_SIGNATURES: Final[tuple[tuple[int, bytes, str], ...]] = (
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8", "image/jpeg"),
    (0, b"GIF8", "image/gif"),
    (8, b"WEBP", "image/webp"),
    (8, b"WAVE", "audio/wav"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"fLaC", "audio/flac"),
    (0, b"OggS", "audio/ogg"),
    (0, b"%PDF-", "application/pdf"),
    (4, b"ftypheic", "image/heic"),
    (4, b"ftypmif1", "image/heif"),
    (4, b"ftypM4A", "audio/mp4"),
    (4, b"ftypqt", "video/quicktime"),
    (4, b"ftyp", "video/mp4"),
    (0, b"PAR1", "application/vnd.apache.parquet"),
    (0, b"ARROW1", "application/vnd.apache.arrow.file"),
    (0, b"PK\x03\x04", "application/zip"),
    (0, b"\xd0\xcf\x11\xe0", "application/x-ole-storage"),
    (0, b"\x1f\x8b", "application/gzip"),
)
"""Place, bytes and type, as the formats' own specifications give them."""

SIGNED: Final = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
"""Types whose files always begin with their signature."""


def type_by_content(data: bytes) -> str | None:
    """The type that the first bytes of a binary format show; `None` for text and formats not listed."""
    return next((kind for place, mark, kind in _SIGNATURES if data.startswith(mark, place)), None)


def type_by_suffix(suffix: str) -> str | None:
    """The type Gemini documents for a suffix such as `.csv`."""
    return INPUT_TYPES.get(suffix.lower())


def guessed_type(name: str) -> str | None:
    """Sound, pictures and film of other formats, as the platform knows them."""
    guessed = mimetypes.guess_type(name)[0]
    return guessed if guessed and guessed.startswith(("image/", "audio/", "video/")) else None
