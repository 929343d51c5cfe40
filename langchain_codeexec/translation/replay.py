"""Answers of our own chat model as parts again: verbatim, unless they go where they cannot go as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from langchain_codeexec.errors import MessageError
from langchain_codeexec.gemini.capabilities import capabilities
from langchain_codeexec.translation.parts import APART_KEY, closed_parts, part_from_block

if TYPE_CHECKING:
    from collections.abc import Iterable

    from langchain_core.messages import AIMessage

    from langchain_codeexec.gemini.transport import EndpointKind

__all__ = ["calls_were_edited", "is_own", "own_parts"]

Json = dict[str, Any]

_CALL_TYPES: Final = frozenset({"tool_call", "tool_call_chunk"})
_CALL_KEYS: Final = ("functionCall", "executableCode", "codeExecutionResult", "toolCall", "toolResponse")


def is_own(message: AIMessage) -> bool:
    """Whether our chat model made a message, so that its blocks hold everything the wire said."""
    metadata = message.response_metadata
    return (
        "endpoint" in metadata
        and metadata.get("output_version") == "v1"
        and isinstance(message.content, list)
    )


def calls_were_edited(message: AIMessage) -> bool:
    """Whether calls were taken out of `tool_calls` or put in, so that a signature may be missing."""
    shown = [
        block.get("id")
        for block in message.content
        if isinstance(block, dict) and block.get("type") in _CALL_TYPES
    ]
    return shown != [call["id"] for call in message.tool_calls]


def own_parts(message: AIMessage, *, model: str, endpoint: EndpointKind) -> list[Json]:
    """The parts of an answer, in order.

    `tool_calls` has the last word on function calls: one edited there is sent as edited, one removed there
    is not sent, one added there follows at the end.

    Args:
        message: An answer for which `is_own` holds.
        model: Name of the model the parts go to.
        endpoint: The service they go to; the two do not accept each other's signatures.

    Raises:
        MessageError: A content block was changed so that it stands for no part.
    """
    try:
        parts = list(_verbatim(message))
    except (AttributeError, KeyError, TypeError) as error:
        raise MessageError(
            f"an answer cannot be sent back, one of its content blocks was changed into something else: {error}; "
            "leave the blocks as they came, or replace the content by a text"
        ) from error
    metadata = message.response_metadata
    if metadata["endpoint"] != endpoint:
        unsigned = (_without(part, "thoughtSignature") for part in parts)
        parts = [part for part in unsigned if part != {"text": ""}]
    had_ids = capabilities(str(metadata.get("model_name", model)), metadata["endpoint"]).call_ids
    if had_ids and not capabilities(model, endpoint).call_ids:
        parts = [_without_id(part) for part in parts]
    return parts


def _verbatim(message: AIMessage) -> Iterable[Json]:
    calls = list(message.tool_calls)
    for block in message.content:
        if isinstance(block, str):
            yield {"text": block}
        elif block.get("type") not in _CALL_TYPES:
            extras = block.get("extras")
            if extras and APART_KEY in extras:
                yield from closed_parts(block)
            elif (part := part_from_block(block)) is not None:
                yield part
        elif call := next((call for call in calls if call["id"] == block.get("id")), None):
            calls.remove(call)
            yield _call_part(block, call["name"], call["args"])
    for call in calls:
        yield {"functionCall": {"name": call["name"], "args": call["args"]}}


def _call_part(block: Json, name: str, args: Json) -> Json:
    edited = block["type"] == "tool_call" and (block.get("name"), block.get("args")) != (name, args)
    current = {**block, "type": "tool_call", "name": name, "args": args}
    if edited and "extras" in block:
        current["extras"] = _without(block["extras"], "part")
    return part_from_block(current) or {}


def _without_id(part: Json) -> Json:
    return {key: _without(value, "id") if key in _CALL_KEYS else value for key, value in part.items()}


def _without(mapping: Any, key: str) -> Any:
    if not isinstance(mapping, dict) or key not in mapping:
        return mapping
    return {name: value for name, value in mapping.items() if name != key}
