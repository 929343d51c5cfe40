"""The images of a run: their names, what there is to say about them, and putting them on disk."""

from __future__ import annotations

import mimetypes
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from langchain_codeexec.errors import ConfigurationError
from langchain_codeexec.executions import code_executions

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from langchain_core.messages import BaseMessage

    from langchain_codeexec.executions import InlineFile

__all__ = ["describe_image", "image_name", "images_of", "save_images"]

_PNG_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_KILO: Final = 1000


def image_name(image: InlineFile) -> str:
    """File name of an image, made of its content: the same picture keeps it, no other one takes it."""
    return f"image-{sha256(image.data).hexdigest()[:8]}{mimetypes.guess_extension(image.mime_type) or '.bin'}"


def describe_image(image: InlineFile) -> str:
    """Type, size in pixels (of a PNG) and in bytes."""
    facts = [image.mime_type, _pixels(image.data), _bytes(len(image.data))]
    return ", ".join(filter(None, facts))


def images_of(message: BaseMessage) -> list[InlineFile]:
    """What the runs of a message drew, in order."""
    return [image for execution in code_executions(message) for image in execution.images]


def save_images(images: Iterable[InlineFile], directory: Path) -> list[Path]:
    """Write images under their names; the directory is made if there is anything to write.

    Raises:
        ConfigurationError: The directory or a file cannot be written.
    """
    paths = []
    for image in images:
        path = directory / image_name(image)
        try:
            directory.mkdir(parents=True, exist_ok=True)
            path.write_bytes(image.data)
        except OSError as error:
            raise ConfigurationError(
                f"the image cannot be written to {str(directory)!r}: {error.strerror or error}. Choose a "
                "directory that can be written."
            ) from error
        paths.append(path)
    return paths


def _pixels(data: bytes) -> str:
    """Width and height as PNG's first chunk has them."""
    if not data.startswith(_PNG_SIGNATURE) or data[12:16] != b"IHDR":
        return ""
    width, height = int.from_bytes(data[16:20]), int.from_bytes(data[20:24])
    return f"{width} x {height} pixels"


def _bytes(count: int) -> str:
    return f"{count} bytes" if count < _KILO else f"{count / _KILO:.1f} kB"
