"""Files in content blocks, in every spelling of the ecosystem."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import unquote_to_bytes

from langchain_core.messages import HumanMessage

from langchain_codeexec.executions import InlineFile
from langchain_codeexec.gemini.input_files import input_file_name
from langchain_codeexec.messages.media import DATA_URI, bytes_from_base64

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from langchain_core.messages import BaseMessage

__all__ = ["Carried", "carried", "carried_in", "files_in"]

Json = dict[str, Any]

_DEFAULT_MIME: Final[Mapping[str, str]] = {
    "image": "image/jpeg",
    "audio": "audio/mpeg",
    "video": "video/mp4",
    "text-plain": "text/plain",
}
_USER: Final = frozenset({"human", "HumanMessageChunk"})
_TOOLS: Final = frozenset({"tool", "ToolMessageChunk"})
_USER_ROLES: Final = frozenset({"user", "human"})


class Carried(NamedTuple):
    """Bytes that a block carries by value.

    Attributes:
        mime_type: Their type, or what the service takes the block for where it names none.
        encoded: Base64, or the bytes themselves.
        name: The name the block gives them, if any.
    """

    mime_type: str
    encoded: str | bytes
    name: str = ""

    @property
    def data(self) -> bytes:
        """The bytes.

        Raises:
            ValueError: They are no base64.
        """
        if isinstance(self.encoded, bytes):
            return self.encoded
        return bytes_from_base64(self.encoded)


def files_in(messages: Iterable[BaseMessage], *, tool_replies: bool = False) -> tuple[InlineFile, ...]:
    """The files that the user's messages carry, as the service names them in the working directory.

    The same question can so be carried out elsewhere: `ExecutionRequest(code, files=files_in(messages))`.

    Args:
        messages: The whole conversation, from its beginning.
        tool_replies: Whether media in tools' replies count. They are files of the request where the model takes
            none in function responses, as Gemini 2.x, and where langchain-google-genai sends them.

    Returns:
        Files called `input_file_0.csv`, `input_file_1.png` and so on; what is no base64 is empty.
    """
    return tuple(
        InlineFile(_bytes(one), one.mime_type, input_file_name(place, one.mime_type))
        for place, one in enumerate(carried_in(messages, tool_replies=tool_replies))
    )


def carried_in(messages: Iterable[BaseMessage], *, tool_replies: bool = False) -> Iterator[Carried]:
    """What the user's messages carry by value, in order; see `files_in`."""
    counted = _USER | _TOOLS if tool_replies else _USER
    for message in messages:
        counts = message.type in counted or getattr(message, "role", "") in _USER_ROLES
        if counts and not isinstance(message.content, str):
            yield from (found for block in message.content if (found := carried(block)))


def carried(block: object) -> Carried | None:
    """What a block carries by value; `None` for text, references and what is no block."""
    if not isinstance(block, dict):
        return None
    raw = block.get("value") if block.get("type") == "non_standard" else block
    if not isinstance(raw, dict):
        return None
    if "type" not in raw or raw["type"] == "media":
        blob = raw.get("inlineData") or raw.get("inline_data") or raw
        mime_type = blob.get("mimeType") or blob.get("mime_type") if isinstance(blob, dict) else None
        return _by_value(blob.get("data"), str(mime_type or ""), "") if isinstance(blob, dict) else None
    return _standard(_normal(raw))


def _normal(block: Json) -> Json:
    """OpenAI's, Anthropic's and LangChain's older spellings in LangChain's own."""
    try:
        [found] = HumanMessage(content=[block]).content_blocks
    except (
        KeyError,
        TypeError,
        ValueError,
        AttributeError,
    ):  # malformed in a way its translators do not expect
        return block
    return block if found["type"] == "non_standard" else dict(found)


def _standard(block: Json) -> Carried | None:
    kind = str(block.get("type"))
    mime_type = str(block.get("mime_type") or _DEFAULT_MIME.get(kind, "application/octet-stream"))
    extras = block.get("extras")
    named = {**(extras if isinstance(extras, dict) else {}), **block}
    name = next((str(named[key]) for key in ("filename", "name", "title") if named.get(key)), "")
    url = block.get("url") or block.get("image_url")
    if "base64" not in block and isinstance(url, str) and (embedded := DATA_URI.fullmatch(url)):
        encoded = embedded["data"] if embedded["base64"] else unquote_to_bytes(embedded["data"])
        return _by_value(encoded, embedded["mime"] or mime_type, name)
    return _by_value(block.get("base64"), mime_type, name)


def _by_value(encoded: object, mime_type: str, name: str) -> Carried | None:
    if isinstance(encoded, bytearray):
        encoded = bytes(encoded)
    return Carried(mime_type, encoded, name) if isinstance(encoded, str | bytes) else None


def _bytes(one: Carried) -> bytes:
    try:
        return one.data
    except ValueError:
        return b""
