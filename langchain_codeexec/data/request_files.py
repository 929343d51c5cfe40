"""The files of a conversation that Gemini lays out for code, under the names it gives them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from langchain_core.messages import AIMessage, BaseMessage

from langchain_codeexec.executions import InlineFile
from langchain_codeexec.gemini.input_files import input_file_name
from langchain_codeexec.messages.media import Media, media_from_block
from langchain_codeexec.messages.to_wire import is_native, origin_of

__all__ = ["files_in", "is_users", "media_in", "replies_are_files"]

_USER: Final = frozenset({"human", "HumanMessageChunk"})
_TOOLS: Final = frozenset({"tool", "ToolMessageChunk"})
_USER_ROLES: Final = frozenset({"user", "human"})


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
        InlineFile(_content(media), media.sent_type, input_file_name(place, media.sent_type))
        for place, media in enumerate(media_in(messages, tool_replies=tool_replies))
    )


def media_in(messages: Iterable[BaseMessage], *, tool_replies: bool = False) -> Iterator[Media]:
    """What the user's messages carry by value, in order; see `files_in`."""
    for message in messages:
        counts = is_users(message) or (tool_replies and message.type in _TOOLS)
        if counts and not isinstance(message.content, str):
            for block in message.content:
                media = media_from_block(block)
                if media is not None and media.data is not None:
                    yield media


def is_users(message: BaseMessage) -> bool:
    """Whether a message is one of the user's, by its type or its role."""
    return message.type in _USER or getattr(message, "role", "") in _USER_ROLES


def replies_are_files(messages: Sequence[BaseMessage]) -> bool:
    """Whether the requests of a conversation carry the media of tools' replies beside the function responses.

    Our chat model puts them there for Gemini 2.x, which takes none inside a response; langchain-google-genai
    always does, langchain-google-vertexai never. The last answer tells which of them the conversation is held
    with.
    """
    answer = next((message for message in reversed(messages) if isinstance(message, AIMessage)), None)
    if answer is None:
        return False
    if is_native(answer):
        return not origin_of(answer).accepts.media_in_responses
    return answer.response_metadata.get("model_provider") == "google_genai"


def _content(media: Media) -> bytes:
    try:
        return media.content
    except ValueError:
        return b""
