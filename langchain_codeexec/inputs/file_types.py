"""What a file is: by its first bytes, else by its suffix; and what it is called in the working directory."""

from __future__ import annotations

import mimetypes
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "CSV",
    "PLAIN_TEXT",
    "SIGNED",
    "code_can_open",
    "guessed_type",
    "suffix_of",
    "type_by_content",
    "type_by_suffix",
]

CSV: Final = "text/csv"
PLAIN_TEXT: Final = "text/plain"

_BY_SUFFIX: Final[Mapping[str, str]] = {
    ".cpp": "text/x-c++src",
    ".css": "text/css",
    ".csv": CSV,
    ".htm": "text/html",
    ".html": "text/html",
    ".java": "text/x-java",
    ".jpeg": "image/jpeg",
    ".jpg": "image/jpeg",
    ".js": "text/javascript",
    ".md": "text/markdown",
    ".pdf": "application/pdf",
    ".png": "image/png",
    ".py": "text/x-python",
    ".rtf": "text/rtf",
    ".svg": "text/xml",
    ".ts": "text/x-typescript",
    ".txt": PLAIN_TEXT,
    ".wav": "audio/wav",
    ".webp": "image/webp",
    ".xml": "text/xml",
}
"""Types Gemini documents for its input; a system's own table may know `.csv` as Excel and `.ts` as video."""

_SUFFIXES: Final[Mapping[str, str]] = {
    "application/xml": ".xml",
    **{mime_type: suffix for suffix, mime_type in _BY_SUFFIX.items()},
    "image/jpeg": ".jpeg",
    "text/html": ".html",
    "text/xml": ".xml",
}

_CODE_SUFFIXES: Final = frozenset(".cpp .csv .java .jpeg .js .png .py .ts .xml".split())
"""What the service's Python environment takes. Source: the Gemini API's guide to code execution."""

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
    return _BY_SUFFIX.get(suffix.lower())


def guessed_type(name: str) -> str | None:
    """Sound, pictures and film of other formats, as the platform knows them."""
    guessed = mimetypes.guess_type(name)[0]
    return guessed if guessed and guessed.startswith(("image/", "audio/", "video/")) else None


def suffix_of(mime_type: str) -> str:
    """The suffix of a file in the working directory; empty for a type nobody knows."""
    bare = mime_type.partition(";")[0].strip().lower()
    return _SUFFIXES.get(bare) or mimetypes.guess_extension(bare) or ""


def code_can_open(mime_type: str) -> bool:
    """Whether the service puts a file of that type into the working directory of the code."""
    return suffix_of(mime_type) in _CODE_SUFFIXES
