"""Files that content blocks carry by value, in the spellings of every provider."""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from typing import Any, Final
from urllib.parse import unquote_to_bytes

from langchain_codeexec.executions.records import InlineFile

__all__ = ["DATA_URI", "bytes_from_base64", "inline_file", "inline_image", "inline_image_from_uri"]

DATA_URI: Final = re.compile(
    r"data:(?P<mime>[^;,]*)(?:;[^;,]+)*?(?P<base64>;base64)?,(?P<data>.*)", re.DOTALL | re.IGNORECASE
)
"""Source: RFC 2397."""

_PLAIN: Final = {ord("-"): "+", ord("_"): "/", ord("\n"): None, ord("\r"): None}
_BYTES: Final = "application/octet-stream"
_DATA_TYPES: Final = {
    "image": "image/png",
    **dict.fromkeys(("audio", "video", "file", "media", "document"), _BYTES),
}
"""Blocks that carry data, and the type of the data where they do not say."""


def bytes_from_base64(text: str) -> bytes:
    """Decode base64, standard or URL-safe, padded or not, in lines or in one.

    Raises:
        ValueError: It is no base64.
    """
    plain = text.translate(_PLAIN).rstrip("=")
    try:
        return b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except binascii.Error as error:
        raise ValueError(str(error)) from error


def inline_file(block: object) -> InlineFile | None:
    """The file that a block carries by value; `None` for anything else, and for what is no base64."""
    return _inline(block, "")


def inline_image(block: object) -> InlineFile | None:
    """The image that a block carries by value; `None` for anything else, and for what is no base64."""
    return _inline(block, "image/")


def inline_image_from_uri(uri: object) -> InlineFile | None:
    """The image in a data URI; `None` for anything else."""
    return _file_from_uri(uri, "image/")


def _inline(block: object, family: str) -> InlineFile | None:
    if not isinstance(block, dict):
        return None
    if block.get("type") == "non_standard":
        return _inline(block.get("value"), family)
    raw = block.get("inlineData") or block.get("inline_data")
    if isinstance(raw, dict):
        return _file(raw.get("data"), raw.get("mimeType") or raw.get("mime_type"), family)
    if block.get("type") == "image_url":
        url = block.get("image_url")
        return _file_from_uri(url.get("url") if isinstance(url, dict) else url, family)
    kind = block.get("type")
    if not (isinstance(kind, str) and kind in _DATA_TYPES):
        return None
    source = block.get("source")  # Anthropic's
    held: dict[Any, Any] = source if isinstance(source, dict) else block
    mime_type = held.get("mime_type") or held.get("media_type") or _DATA_TYPES[kind]
    return _file(held.get("base64", held.get("data")), mime_type, family) or _file_from_uri(
        held.get("url"), family
    )


def _file(data: object, mime_type: object, family: str) -> InlineFile | None:
    if not (isinstance(data, str | bytes) and isinstance(mime_type, str) and mime_type.startswith(family)):
        return None
    try:
        return InlineFile(data if isinstance(data, bytes) else bytes_from_base64(data), mime_type)
    except ValueError:
        return None


def _file_from_uri(uri: object, family: str) -> InlineFile | None:
    found = DATA_URI.fullmatch(uri) if isinstance(uri, str) else None
    if found is None:
        return None
    data = found["data"] if found["base64"] else unquote_to_bytes(found["data"])
    return _file(data, found["mime"] or "text/plain", family)
