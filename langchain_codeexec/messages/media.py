"""Media in content blocks, in every provider's spelling: read as one value, sent as parts, kept as files.

The spellings: LangChain's standard data blocks and those of its releases before 1.0, the blocks of OpenAI,
Anthropic and LangChain's Google packages, and Gemini's own parts. User content as parts stands here too, since
all of it but plain text is media.
"""

from __future__ import annotations

import binascii
import logging
import mimetypes
import re
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote_to_bytes

from langchain_codeexec.errors import MessageError
from langchain_codeexec.executions import InlineFile

__all__ = [
    "Media",
    "inline_file",
    "inline_image",
    "is_media",
    "media_from_block",
    "part_from_media",
    "parts_from_content",
    "text_of",
]

Json = dict[str, Any]

_logger = logging.getLogger(__name__)

_DATA_URI: Final = re.compile(
    r"data:(?P<mime>[^;,]*)(?:;[^;,]+)*?(?P<base64>;base64)?,(?P<data>.*)", re.DOTALL | re.IGNORECASE
)
"""Source: RFC 2397."""

_URL_SAFE: Final = {ord("-"): "+", ord("_"): "/", ord("\n"): None, ord("\r"): None}
_BYTES: Final = "application/octet-stream"
_DEFAULT_TYPES: Final = {"image": "image/jpeg", "audio": "audio/mpeg", "video": "video/mp4"}

_KINDS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("image", "input_image"), "image"),
    "image_url": "image",
    "image_generation_call": "image",
    "audio": "audio",
    "input_audio": "audio",
    "video": "video",
    **dict.fromkeys(("file", "document", "media", "text-plain", "input_file"), "file"),
}
"""`type` of a block to the kind of its media."""

_PARTS: Final = ("inlineData", "inline_data", "fileData", "file_data")
_NAMES: Final = ("filename", "name", "title")
_ADDRESSES: Final = ("url", "image_url", "file_url", "file_uri", "fileUri")
_HOLDERS: Final = frozenset({"source", "image_url", "input_audio", "file", *_PARTS})
"""Keys under which a block may keep its fields in an object of their own."""

_TEXTS: Final = ("text", "input_text")
"""`type` of a block of text; OpenAI's Responses have a type of their own for what people say."""

_BLOB: Final = frozenset({"mime_type", "data"})
"""Keys of a blob as Google's older client libraries take it, without a type."""

_QUALIFIERS: Final = (
    "videoMetadata",
    "mediaResolution",
    "mediaProcessing",
    "documentMetadata",
    "spreadsheetMetadata",
    "audioMetadata",
    "audioTranscription",
    "speechMetadata",
    "partMetadata",
)
_SETTINGS: Final[Mapping[str, str]] = {
    spelling: key for key in _QUALIFIERS for spelling in (key, re.sub("([A-Z])", r"_\1", key).lower())
}
"""What may stand beside the data of a part, by its key in a block, in either case, to its key in the part."""

_DETAIL: Final = {"low": "MEDIA_RESOLUTION_LOW", "high": "MEDIA_RESOLUTION_HIGH"}

_OURS: Final = frozenset({"signature", "signature_apart", "part", "outcome", "block_type", "tool_type"})
"""Extras of the blocks of answers, which mean nothing in a question."""

_RAW_KEYS: Final = frozenset({"text", "functionResponse", "function_response", *_PARTS})


@dataclass(frozen=True, slots=True)
class Media:
    """What a content block carries by value, or refers to.

    Attributes:
        kind: `image`, `audio` or `video`; `file` for anything else.
        mime_type: The MIME type that the block gives; empty if it gives none.
        data: The bytes, or the base64 of them as the block has it; `None` for a reference.
        uri: The URL or file id of a reference; empty for data by value.
        name: The file name or title that the block gives, if any.
    """

    kind: str
    mime_type: str = ""
    data: str | bytes | None = None
    uri: str = ""
    name: str = ""

    @property
    def sent_type(self) -> str:
        """The MIME type with which data by value is sent."""
        return self.mime_type or _DEFAULT_TYPES.get(self.kind, _BYTES)

    @property
    def content(self) -> bytes:
        """The bytes of data by value; base64 may be standard or URL-safe, padded or not, in lines or in one.

        Raises:
            ValueError: The data is no base64.
        """
        if self.data is None or isinstance(self.data, bytes):
            return self.data or b""
        standard = self.data.translate(_URL_SAFE).rstrip("=")
        try:
            return b64decode(standard + "=" * (-len(standard) % 4), validate=True)
        except binascii.Error as error:
            raise ValueError(str(error)) from error


def media_from_block(block: object) -> Media | None:
    """The media of a content block in any provider's spelling; `None` for anything else."""
    if not isinstance(block, dict):
        return None
    if block.get("type") == "non_standard":
        return media_from_block(block.get("value"))
    holder = _holder(block)
    if holder is None or not isinstance(holder.get("mime_type") or "", str):
        return None
    mime_type = _mime_type(block, holder)
    kind = _KINDS.get(str(block.get("type")), "file")
    if kind == "file":
        family = mime_type.partition("/")[0]
        kind = family if family in _DEFAULT_TYPES else "file"
    name = _name(block, holder)
    data = _data(holder)
    uri = _first_text(holder, "url", "image_url", "file_url", "file_uri", "fileUri") or _first_text(
        block, "file_id"
    )
    if isinstance(data, str) and data.startswith("data:"):
        uri = data
        data = None
    if data is None and (embedded := _DATA_URI.fullmatch(uri)):
        data = embedded["data"] if embedded["base64"] else unquote_to_bytes(embedded["data"])
        untyped = "" if embedded["base64"] and kind in _DEFAULT_TYPES else "text/plain"
        mime_type = embedded["mime"] or mime_type or untyped
    if data is None:
        return Media(kind, mime_type, uri=uri, name=name) if uri else None
    return Media(kind, mime_type, data, name=name)


def is_media(block: object) -> bool:
    """Whether a block carries bytes or refers to them."""
    return media_from_block(block) is not None


def inline_file(block: object, family: str = "") -> InlineFile | None:
    """The file that a block carries by value; `None` for anything else, and for what is no base64.

    Its MIME type must begin with `family`.
    """
    media = media_from_block(block)
    if media is None or media.data is None:
        return None
    mime_type = "image/png" if media.kind == "image" and not media.mime_type else media.sent_type
    if not mime_type.startswith(family):
        return None
    try:
        return InlineFile(media.content, mime_type)
    except ValueError:
        return None


def inline_image(block: object) -> InlineFile | None:
    """The image that a block carries by value; `None` for anything else, and for what is no base64."""
    return inline_file(block, "image/")


def part_from_media(media: Media) -> Json:
    """The part that sends media: by value or by reference, as it came."""
    if media.data is not None:
        data = b64encode(media.data).decode() if isinstance(media.data, bytes) else media.data
        return {"inlineData": {"mimeType": media.sent_type, "data": data}}
    guessed = mimetypes.guess_type(media.uri.partition("?")[0])[0]
    mime_type = media.mime_type or guessed or _DEFAULT_TYPES.get(media.kind)
    return {"fileData": {**({"mimeType": mime_type} if mime_type else {}), "fileUri": media.uri}}


def parts_from_content(content: str | list[Any]) -> Iterator[Json]:
    """The parts of a user's or system message.

    Args:
        content: Message content: text, or blocks in LangChain's, another provider's or Gemini's own spelling.

    Raises:
        MessageError: A block is of a kind that Gemini takes no input of.
    """
    if isinstance(content, str):
        yield {"text": content}
        return
    for block in content:
        yield {"text": block} if isinstance(block, str) else _part_from_block(block)


def text_of(block: Any) -> str | None:
    """The text of a text block or plain string, `None` for anything else."""
    if isinstance(block, str):
        return block
    if isinstance(block, dict) and block.get("type", "text") == "text" and isinstance(block.get("text"), str):
        return str(block["text"])
    return None


def _part_from_block(block: Any) -> Json:
    if not isinstance(block, dict):
        raise MessageError(f"a content block must be a string or a dict, not {type(block).__name__}")
    block_type, text, value = block.get("type"), block.get("text"), block.get("value")
    if block_type is None and not _RAW_KEYS.isdisjoint(block):
        return block
    if block_type in _TEXTS and isinstance(text, str):
        return {"text": text, **_settings(block)}
    if block_type == "text-plain" and isinstance(text, str):
        text = "\n".join(str(block[key]) for key in ("title", "context", "text") if block.get(key))
        return {"text": text, **_settings(block)}
    media = media_from_block(block)
    if block_type == "non_standard" and isinstance(value, dict) and (media is None or "type" not in value):
        return value
    if media is None:
        raise MessageError(
            f"a content block of type {block_type!r} with the keys {sorted(map(str, block))} cannot be sent; "
            f"use one of {', '.join(sorted(('text', *_KINDS)))}, or a raw Gemini part in a `non_standard` block"
        )
    return part_from_media(media) | _settings(block)


def _settings(block: Json) -> Json:
    """What a block says beside its data, as fields of the part."""
    extras = block.get("extras") or {}
    if not isinstance(extras, dict):
        extras = {"extras": extras}
    if unknown := extras.keys() - _SETTINGS.keys() - _OURS - set(_NAMES):
        names = ", ".join(sorted(map(str, unknown)))
        _logger.warning(
            "Gemini takes no %s in the extras of a block; a part has %s", names, sorted(_SETTINGS)
        )
    settings = {
        _SETTINGS[key]: fields[key] for fields in (extras, block) for key in _SETTINGS if fields.get(key)
    }
    resolution = settings.get("mediaResolution") or _DETAIL.get(_detail(block))
    if resolution and not isinstance(resolution, dict):
        settings["mediaResolution"] = {"level": getattr(resolution, "value", resolution)}
    return settings


def _detail(block: Json) -> str:
    """How closely an image is to be looked at, in OpenAI's blocks of both its interfaces."""
    holder = block.get("image_url")
    return _first_text(holder if isinstance(holder, dict) else block, "detail")


def _holder(block: Json) -> Json | None:
    """What has the fields of a block's media: the block or an object in it; `None` for a block of no media."""
    block_type = block.get("type")
    is_typed = isinstance(block_type, str) and block_type in _KINDS
    is_part = not block.keys().isdisjoint(_PARTS) or (block_type is None and block.keys() >= _BLOB)
    if not (is_typed or is_part):
        return None
    if _HOLDERS.isdisjoint(block):
        return block
    return next((value for key, value in block.items() if key in _HOLDERS and isinstance(value, dict)), block)


def _mime_type(block: Json, holder: Json) -> str:
    block_type = block.get("type")
    if block_type == "text-plain":
        default = "text/plain"
    elif block_type == "image_generation_call":  # OpenAI's, as the sound below: they name a format
        default = f"image/{_first_text(block, 'output_format') or 'png'}"
    else:
        sound = _first_text(holder, "format") if block_type == "input_audio" else ""
        default = f"audio/{sound}" if sound else ""
    return _first_text(holder, "mime_type", "mimeType", "media_type") or default


def _name(block: Json, holder: Json) -> str:
    for fields in (holder, block, block.get("extras")):
        if isinstance(fields, dict):
            for key in _NAMES:
                if fields.get(key):
                    return str(fields[key])
    return ""


def _data(holder: Json) -> str | bytes | None:
    key = next((key for key in ("base64", "data", "file_data", "result") if key in holder), "")
    data = holder.get(key)
    if isinstance(data, bytearray):
        return bytes(data)
    if isinstance(data, str) and holder.get("type") == "text":  # Anthropic's documents of plain text
        return data.encode()
    return data if isinstance(data, str | bytes) else None


def _first_text(fields: Json, *keys: str) -> str:
    for key in keys:
        value = fields.get(key)
        if isinstance(value, str) and value:
            return value
    return ""
