"""Messages as text where a call is bound to one side: what the other side did is told, not replayed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from langchain_core.messages import AIMessage, HumanMessage, ToolMessage

from langchain_codeexec.executions.halves import CodeCall
from langchain_codeexec.executions.reading import blocks_with_halves
from langchain_codeexec.translation.prose import code_as_text, result_as_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from langchain_core.messages import AnyMessage

    from langchain_codeexec.executions.halves import Half

__all__ = ["with_code_as_text", "with_functions_as_text"]

Json = dict[str, Any]

_CALL_TYPES: Final = frozenset(
    {"tool_call", "tool_call_chunk", "tool_use", "function_call", "function_call_signature"}
)


def with_functions_as_text(messages: Iterable[AnyMessage]) -> list[AnyMessage]:
    """Messages whose function calls and replies are text."""
    return [_without_functions(message) for message in messages]


def with_code_as_text(messages: Iterable[AnyMessage]) -> list[AnyMessage]:
    """Messages whose code and results are text; images that the code drew stay images."""
    return [_without_code(message) for message in messages]


def _without_functions(message: AnyMessage) -> AnyMessage:
    if isinstance(message, ToolMessage):
        said = [{"type": "text", "text": f"{message.name or 'The function'} returned:"}]
        return HumanMessage([*said, *_blocks(message.content)], id=message.id)
    if not isinstance(message, AIMessage) or not message.tool_calls:
        return message
    kept = [block for block in _blocks(message.content) if block.get("type") not in _CALL_TYPES]
    told = [
        {"type": "text", "text": f"I called {call['name']} with {json.dumps(call['args'])}."}
        for call in message.tool_calls
    ]
    return message.model_copy(
        update={
            "content": [*kept, *told],
            "tool_calls": [],
            "additional_kwargs": {},
            "invalid_tool_calls": [],
        }
    )


def _without_code(message: AnyMessage) -> AnyMessage:
    if not isinstance(message, AIMessage):
        return message
    blocks = list(blocks_with_halves(message))
    if not any(halves for _, halves in blocks):
        return message
    return message.model_copy(update={"content": [said for block in blocks for said in _told(*block)]})


def _told(block: Any, halves: list[Half]) -> Iterator[Any]:
    for half in halves:
        yield {"type": "text", "text": _in_words(half)}
    if not halves:
        yield block


def _in_words(half: Half) -> str:
    if isinstance(half, CodeCall):
        return code_as_text(half.code, half.language)
    return result_as_text(half.outcome.value, half.output)


def _blocks(content: str | list[Any]) -> list[Json]:
    blocks = [content] if isinstance(content, str) else content
    return [{"type": "text", "text": block} if isinstance(block, str) else block for block in blocks if block]
