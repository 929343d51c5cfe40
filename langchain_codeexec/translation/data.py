"""User content to parts: text, images, sound, video and files in every spelling of the ecosystem."""

from __future__ import annotations

import mimetypes
import re
from base64 import b64encode
from typing import TYPE_CHECKING, Any, Final

from langchain_codeexec.errors import MessageError
from langchain_codeexec.translation.parts import part_from_block

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

__all__ = ["is_media", "parts_from_content", "text_of"]

Json = dict[str, Any]

_DATA_URI: Final = re.compile(r"data:(?P<mime>[^;,]*)(?:;[^;,]+)*;base64,(?P<data>.*)", re.DOTALL)
_DEFAULT_MIME: Final = {"image": "image/jpeg", "audio": "audio/mpeg", "video": "video/mp4"}
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
    return isinstance(block, dict) and block.get("type") in {
        "image",
        "audio",
        "video",
        "file",
        "image_url",
        "media",
    }


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
    if "base64" in block:
        return _with_settings(
            block, {"inlineData": {"mimeType": _mime(block, kind), "data": _base64(block["base64"])}}
        )
    uri = block.get("url") or block.get("file_id")
    return (
        _with_settings(block, _from_uri(uri, kind, block.get("mime_type"))) if isinstance(uri, str) else None
    )


def _from_uri(uri: str, kind: str, mime_type: str | None) -> Json:
    if embedded := _DATA_URI.fullmatch(uri):
        found = embedded["mime"] or mime_type or _DEFAULT_MIME.get(kind, "text/plain")
        return {"inlineData": {"mimeType": found, "data": embedded["data"]}}
    guessed = mime_type or mimetypes.guess_type(uri.partition("?")[0])[0] or _DEFAULT_MIME.get(kind)
    return {"fileData": {**({"mimeType": guessed} if guessed else {}), "fileUri": uri}}


def _base64(data: str | bytes) -> str:
    return data if isinstance(data, str) else b64encode(data).decode()


def _mime(block: Json, kind: str) -> str:
    return block.get("mime_type") or _DEFAULT_MIME.get(kind, "application/octet-stream")


def _with_settings(block: Json, part: Json) -> Json:
    """Video offsets and media resolution travel beside the data, whichever way they are spelt."""
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
    "image": _media,
    "audio": _media,
    "video": _media,
    "file": _media,
    "text-plain": _plain_text,
    "image_url": _image_url,
    "media": _google_media,
    "non_standard": part_from_block,
}
