"""Files that content blocks carry by value, in the spellings of every provider.

User content to parts: text, images, sound, video and files in every spelling of the ecosystem.
"""

from __future__ import annotations

import binascii
import mimetypes
import re
from base64 import b64decode, b64encode
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote_to_bytes

from langchain_codeexec.errors import MessageError
from langchain_codeexec.executions import InlineFile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

__all__ = [
    "DATA_URI",
    "bytes_from_base64",
    "inline_file",
    "inline_image",
    "inline_image_from_uri",
    "is_media",
    "parts_from_content",
    "text_of",
]

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


Json = dict[str, Any]

_DEFAULT_MIME: Final = {"image": "image/jpeg", "audio": "audio/mpeg", "video": "video/mp4"}
_MEDIA: Final = frozenset({"image", "audio", "video", "file", "document", "image_url", "media"})
_RAW_KEYS: Final = frozenset(
    {"text", "inlineData", "inline_data", "fileData", "file_data", "functionResponse", "function_response"}
)


def parts_from_content(content: str | list[Any]) -> Iterator[Json]:
    """The parts of a user's or system message.

    Args:
        content: Message content: text, or blocks in LangChain's standard, OpenAI's or Gemini's own shape.

    Raises:
        MessageError: A block is of a kind that Gemini takes no input of.
    """
    if isinstance(content, str):
        yield {"text": content}
        return
    for block in content:
        yield {"text": block} if isinstance(block, str) else _part(block)


def text_of(block: Any) -> str | None:
    """The text of a text block or plain string, `None` for anything else."""
    if isinstance(block, str):
        return block
    if isinstance(block, dict) and block.get("type", "text") == "text" and isinstance(block.get("text"), str):
        return str(block["text"])
    return None


def is_media(block: Any) -> bool:
    """Whether a block carries bytes or points to them."""
    kind = block.get("type") if isinstance(block, dict) else None
    return isinstance(kind, str) and kind in _MEDIA


def _part(block: Any) -> Json:
    if not isinstance(block, dict):
        raise MessageError(f"a content block must be a string or a dict, not {type(block).__name__}")
    kind = block.get("type")
    if kind is None and not _RAW_KEYS.isdisjoint(block):
        return block
    convert = _BY_TYPE.get(kind) if isinstance(kind, str) else None
    part = convert(block) if convert else None
    if part is None:
        raise MessageError(
            f"a content block of type {kind!r} with the keys {sorted(map(str, block))} cannot be sent; "
            f"use one of {', '.join(sorted(_BY_TYPE))}, or a raw Gemini part in a `non_standard` block"
        )
    return part


def _media(block: Json) -> Json | None:
    """LangChain's standard data blocks; the URL may be a data URI."""
    kind = str(block["type"])
    mime_type = block.get("mime_type")
    if "base64" in block:
        return _with_settings(block, _by_value(block["base64"], mime_type or _DEFAULT_MIME.get(kind, _BYTES)))
    uri = block.get("url") or block.get("file_id")
    return _with_settings(block, _from_uri(uri, kind, mime_type)) if isinstance(uri, str) else None


def _by_value(data: Any, mime_type: str) -> Json | None:
    if isinstance(data, bytes | bytearray):
        data = b64encode(data).decode()
    return {"inlineData": {"mimeType": mime_type, "data": data}} if isinstance(data, str) else None


def _from_uri(uri: str, kind: str, mime_type: str | None) -> Json | None:
    if embedded := DATA_URI.fullmatch(uri):
        data = embedded["data"] if embedded["base64"] else unquote_to_bytes(embedded["data"])
        return _by_value(data, embedded["mime"] or mime_type or _DEFAULT_MIME.get(kind, "text/plain"))
    guessed = mime_type or mimetypes.guess_type(uri.partition("?")[0])[0] or _DEFAULT_MIME.get(kind)
    return {"fileData": {**({"mimeType": guessed} if guessed else {}), "fileUri": uri}}


def _with_settings(block: Json, part: Json | None) -> Json | None:
    """Video offsets and media resolution travel beside the data, whichever way they are spelt."""
    if part is None:
        return None
    extras = block.get("extras")
    around = {**(extras if isinstance(extras, dict) else {}), **block}
    for wire_key, key in (("videoMetadata", "video_metadata"), ("mediaResolution", "media_resolution")):
        setting = around.get(wire_key) or around.get(key)
        if setting:
            part[wire_key] = setting
    return part


def _plain_text(block: Json) -> Json | None:
    if isinstance(block.get("text"), str):
        return {"text": "\n".join(str(block[key]) for key in ("title", "context", "text") if block.get(key))}
    return _media({"mime_type": "text/plain", **block})


def _anthropic(block: Json) -> Json | None:
    """Anthropic's data blocks keep what they carry in a `source`; LangChain's own of that name have none."""
    source = block.get("source")
    if not isinstance(source, dict):
        return _media(block)
    data = source.get("data")
    if source.get("type") == "text" and isinstance(data, str):
        data = data.encode()
    carried = {"url": source.get("url")} if data is None else {"base64": data}
    return _media({"type": block["type"], "mime_type": source.get("media_type"), **carried})


def _image_url(block: Json) -> Json | None:
    image = block.get("image_url")
    uri = image.get("url") if isinstance(image, dict) else image
    return _from_uri(uri, "image", None) if isinstance(uri, str) else None


def _google_media(block: Json) -> Json | None:
    """The `media` block of LangChain's Google packages."""
    mime_type = block.get("mime_type")
    kind = str(mime_type or "file").partition("/")[0]
    if "data" in block:
        return _media({**block, "type": kind, "base64": block["data"]})
    uri = block.get("file_uri") or block.get("url")
    return _with_settings(block, _from_uri(uri, kind, mime_type)) if isinstance(uri, str) else None


_BY_TYPE: Final[Mapping[str, Callable[[Json], Json | None]]] = {
    "text": lambda block: {"text": block["text"]} if isinstance(block.get("text"), str) else None,
    "image": _anthropic,
    "audio": _media,
    "video": _media,
    "file": _media,
    "document": _anthropic,
    "text-plain": _plain_text,
    "image_url": _image_url,
    "media": _google_media,
    "non_standard": lambda block: block["value"] if isinstance(block.get("value"), dict) else None,
}
