"""Code and its result as text, for where the wire's own parts cannot go.

Contents as text where a request declares only one side: what the other side did is told, not replayed.

Messages as text where a call is bound to one side: what the other side did is told, not replayed.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, cast

from langchain_core.messages import AIMessage, HumanMessage, ToolMessage

from langchain_codeexec.messages.code_blocks import CodeCall, blocks_with_halves

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from langchain_core.messages import AnyMessage

    from langchain_codeexec.gemini.wire import Content
    from langchain_codeexec.messages.code_blocks import Half

__all__ = [
    "code_as_text",
    "contents_with_code_as_text",
    "contents_with_functions_as_text",
    "messages_with_code_as_text",
    "messages_with_functions_as_text",
    "result_as_text",
]

Json = dict[str, Any]


def code_as_text(code: str, language: str = "PYTHON") -> str:
    """Code the model ran, as text a model can read."""
    return _fenced(code, language.lower(), before="I ran this code:")


def result_as_text(outcome: str | None, output: str | None) -> str:
    """What running it gave, as text a model can read."""
    ended = {"OUTCOME_OK": "It printed:", "OUTCOME_DEADLINE_EXCEEDED": "It ran out of time:"}.get(
        outcome or "", "It failed:"
    )
    return _fenced(output, "", before=ended) if output else f"{ended} nothing"


def _fenced(text: str, language: str, *, before: str) -> str:
    fence = "```"
    while fence in text:
        fence += "`"
    end = "" if text.endswith("\n") or not text else "\n"
    return f"{before}\n{fence}{language}\n{text}{end}{fence}"


def contents_with_functions_as_text(contents: Sequence[Content]) -> list[Content]:
    """Contents whose function calls and responses are text; files that came with a response stay files."""
    return _told(contents, _FUNCTIONS)


def contents_with_code_as_text(contents: Sequence[Content]) -> list[Content]:
    """Contents whose code and results are text; images that the code drew stay images."""
    return _told(contents, _CODE)


def _told(contents: Sequence[Content], in_words: Mapping[str, Callable[[Json], list[Json]]]) -> list[Content]:
    told: list[Any] = []
    for content in contents:
        parts = content.get("parts", [])
        if any(key in part for part in parts for key in in_words):
            said = [words for part in parts for words in _part(cast("Json", part), in_words)]
            told.append({**content, "parts": said})
        else:
            told.append(content)
    return told


def _part(part: Json, in_words: Mapping[str, Callable[[Json], list[Json]]]) -> list[Json]:
    for key, words in in_words.items():
        if isinstance(part.get(key), dict):
            return words(part[key])
    return [part]


def _call(call: Json) -> list[Json]:
    return [{"text": f"I called {call.get('name')} with {_compact(call.get('args') or {})}."}]


def _response(response: Json) -> list[Json]:
    said = f"{response.get('name')} returned: {_compact(response.get('response') or {})}"
    return [{"text": said}, *(response.get("parts") or [])]


def _code(code: Json) -> list[Json]:
    return [{"text": code_as_text(code.get("code", ""), code.get("language", ""))}]


def _result(result: Json) -> list[Json]:
    return [{"text": result_as_text(result.get("outcome"), result.get("output"))}]


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


_FUNCTIONS: Final = {"functionCall": _call, "functionResponse": _response}
_CODE: Final = {"executableCode": _code, "codeExecutionResult": _result}


_CALL_TYPES: Final = frozenset(
    {"tool_call", "tool_call_chunk", "tool_use", "function_call", "function_call_signature"}
)


def messages_with_functions_as_text(messages: Iterable[AnyMessage]) -> list[AnyMessage]:
    """Messages whose function calls and replies are text."""
    return [_without_functions(message) for message in messages]


def messages_with_code_as_text(messages: Iterable[AnyMessage]) -> list[AnyMessage]:
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
    return message.model_copy(
        update={"content": [said for block in blocks for said in _told_history(*block)]}
    )


def _told_history(block: Any, halves: list[Half]) -> Iterator[Any]:
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
