"""Files of the user's as content blocks."""

from __future__ import annotations

import mimetypes
from base64 import b64encode
from typing import TYPE_CHECKING, Any, Final

from langchain_codeexec.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

__all__ = ["MAX_BYTES", "question_with_files"]

MAX_BYTES: Final = 14 * 1024 * 1024
"""All files of a request together: in base64 they must leave room in the 20 MB of an inline request."""

_MIME_TYPES: Final[Mapping[str, str]] = {
    ".csv": "text/csv",
    ".css": "text/css",
    ".html": "text/html",
    ".js": "text/javascript",
    ".md": "text/markdown",
    ".py": "text/x-python",
    ".rtf": "text/rtf",
    ".txt": "text/plain",
    ".xml": "text/xml",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".pdf": "application/pdf",
    ".png": "image/png",
    ".webp": "image/webp",
}
"""Types Gemini documents for its input, by suffix; a system's own table may know `.csv` as Excel."""

_MEDIA: Final = ("image/", "audio/", "video/")


def question_with_files(question: str, files: Iterable[Path]) -> str | list[Any]:
    """Content of a user's message: the question, and its files by value.

    Raises:
        ConfigurationError: A file cannot be read, is empty, too large or of an unknown type.
    """
    blocks: list[Any] = []
    room = MAX_BYTES
    for path in files:
        data = _read(path, room)
        room -= len(data)
        mime_type = _mime_type(path, data)
        family = mime_type.partition("/")[0] if mime_type.startswith(_MEDIA) else "file"
        blocks.append({"type": family, "base64": b64encode(data).decode(), "mime_type": mime_type})
    return [{"type": "text", "text": question}, *blocks] if blocks else question


def _read(path: Path, room: int) -> bytes:
    try:
        size = path.stat().st_size
        if size > room:
            raise ConfigurationError(
                f"{path} has {size / 1e6:.1f} MB; the files of a question may have {MAX_BYTES / 1e6:.1f} MB "
                "together, as they travel in the request. Send a part of it, or what it boils down to."
            )
        data = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror or error}") from error
    if not data:
        raise ConfigurationError(f"{path} is empty; there is nothing to send")
    return data


def _mime_type(path: Path, data: bytes) -> str:
    """The type by suffix where Gemini or the media say so; any other text is plain text."""
    known = _MIME_TYPES.get(path.suffix.lower())
    if known:
        return known
    if _is_text(data):
        return "text/plain"
    guessed = mimetypes.guess_type(path.name)[0]
    if guessed and guessed.startswith(_MEDIA):
        return guessed
    raise ConfigurationError(
        f"{path} is neither text nor of a type Gemini takes; send text, CSV, PDF, images, sound or video"
    )


def _is_text(data: bytes) -> bool:
    try:
        return "\0" not in data.decode()
    except UnicodeDecodeError:
        return False
