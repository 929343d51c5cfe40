"""Function calls, or code, as text, for a request that declares only the other: in messages and in contents.

The service refuses or misreads calls of functions, and code, that a request does not declare. As text the model
still knows of them; files and images stay what they are.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final, cast

from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolMessage

from langchain_codeexec.errors import MessageError
from langchain_codeexec.executions import Outcome
from langchain_codeexec.gemini.wire import Content
from langchain_codeexec.messages.code_blocks import CodeBlock, CodeCall, CodeReader, blocks_with_code

__all__ = [
    "contents_with_code_as_text",
    "contents_with_functions_as_text",
    "json_text",
    "messages_with_code_as_text",
    "messages_with_functions_as_text",
    "part_with_tool_as_text",
    "parts_with_open_code_as_text",
    "text_from_call",
    "text_from_code",
    "text_from_response",
]

Json = dict[str, Any]

_ENDINGS: Final = {Outcome.OK: "It printed:", Outcome.DEADLINE_EXCEEDED: "It ran out of time:"}
_CODE: Final = frozenset({"executableCode", "codeExecutionResult"})
_CALL_TYPES: Final = frozenset(
    {"tool_call", "tool_call_chunk", "tool_use", "function_call", "function_call_signature"}
)


def text_from_code(code: CodeBlock) -> str:
    """Code that the model ran, or what running it gave."""
    if isinstance(code, CodeCall):
        return _fenced("I ran this code:", code.code, code.language.lower())
    ending = _ENDINGS.get(code.outcome, "It failed:")
    return _fenced(ending, code.output, "") if code.output else f"{ending} nothing"


def text_from_call(name: str, arguments: object) -> str:
    """A call that the model made."""
    return f"I called {name} with {json_text(arguments)}."


def text_from_response(name: str | None, response: object) -> str:
    """What a call returned."""
    return f"{name or 'The tool'} returned: {response if isinstance(response, str) else json_text(response)}"


def json_text(value: object) -> str:
    """A value as JSON; what has no place in JSON as text.

    Raises:
        MessageError: The value holds itself, or is nested too deeply.
    """
    try:
        return json.dumps(value, ensure_ascii=False, default=str, skipkeys=True)
    except (ValueError, RecursionError) as error:
        raise MessageError(f"a value in a message cannot be written as JSON: {error}") from error


def part_with_tool_as_text(part: Json) -> Json:
    """A call of another built-in tool, or its response, as a text; any other part as it is."""
    call, response = part.get("toolCall"), part.get("toolResponse")
    if isinstance(call, dict):
        return {"text": text_from_call(str(call.get("toolType")).lower(), call.get("args") or {})}
    if isinstance(response, dict):
        name = str(response.get("toolType")).lower()
        return {"text": text_from_response(name, response.get("response") or {})}
    return part


def parts_with_open_code_as_text(parts: list[Json]) -> list[Json]:
    """The parts of an answer that was cut; code at its end of which no result came is a text."""
    last = max((index for index, part in enumerate(parts) if part.keys() & _CODE), default=None)
    if last is None or "executableCode" not in parts[last]:
        return parts
    return [*parts[:last], *_without_code(parts[last]), *parts[last + 1 :]]


def contents_with_functions_as_text(contents: Sequence[Content]) -> list[Content]:
    """Contents whose function calls and responses are text; files that came with a response stay files."""
    return _contents(contents, _without_function)


def contents_with_code_as_text(contents: Sequence[Content]) -> list[Content]:
    """Contents whose code and results are text; images that the code drew stay images."""
    return _contents(contents, _without_code)


def messages_with_functions_as_text(messages: Iterable[AnyMessage]) -> list[AnyMessage]:
    """Messages whose function calls and replies are text."""
    return [_message_without_functions(message) for message in messages]


def messages_with_code_as_text(messages: Iterable[AnyMessage]) -> list[AnyMessage]:
    """Messages whose code and results are text; images that the code drew stay images."""
    return [_message_without_code(message) for message in messages]


def _contents(contents: Sequence[Content], convert: Callable[[Json], list[Json]]) -> list[Content]:
    converted = []
    for content in contents:
        parts = [new for part in content.get("parts", ()) for new in convert(cast("Json", part))]
        converted.append(cast("Content", {**content, "parts": parts}))
    return converted


def _without_function(part: Json) -> list[Json]:
    call, response = part.get("functionCall"), part.get("functionResponse")
    if isinstance(call, dict):
        name = call.get("name")
        named = name if isinstance(name, str) else json_text(name)
        return [{"text": text_from_call(named, call.get("args") or {})}]
    if isinstance(response, dict):
        text = text_from_response(response.get("name"), response.get("response") or {})
        return [{"text": text}, *(response.get("parts") or [])]
    return [part]


def _without_code(part: Json) -> list[Json]:
    return [{"text": text_from_code(code)} for code in CodeReader().read(part)] or [part]


def _message_without_functions(message: AnyMessage) -> AnyMessage:
    content = message.content
    if isinstance(message, ToolMessage):
        if isinstance(content, str):
            return HumanMessage(text_from_response(message.name, content), id=message.id)
        return HumanMessage([text_from_response(message.name, ""), *content], id=message.id)
    if not isinstance(message, AIMessage) or not message.tool_calls:
        return message
    blocks = [content] if isinstance(content, str) else content
    kept = [block for block in blocks if isinstance(block, str) or block.get("type") not in _CALL_TYPES]
    calls = [text_from_call(call["name"], call["args"]) for call in message.tool_calls]
    return _edited(message, [*kept, *calls], tool_calls=[], invalid_tool_calls=[], additional_kwargs={})


def _message_without_code(message: AnyMessage) -> AnyMessage:
    if not isinstance(message, AIMessage):
        return message
    blocks = list(blocks_with_code(message))
    if not any(codes for _, codes in blocks):
        return message
    return _edited(message, [new for block, codes in blocks for new in _blocks_without_code(block, codes)])


def _blocks_without_code(block: Any, codes: list[CodeBlock]) -> Iterator[str | Json]:
    if not codes:
        yield block
    for code in codes:
        yield text_from_code(code)
        for image in () if isinstance(code, CodeCall) else code.images:
            yield {"type": "image", "base64": image.base64, "mime_type": image.mime_type}


def _edited(message: AIMessage, blocks: list[str | Json], **fields: Any) -> AIMessage:
    """The message with other blocks; empty texts are left out, which providers refuse."""
    content = [
        {"type": "text", "text": block} if isinstance(block, str) else block for block in blocks if block
    ]
    return message.model_copy(update={"content": content, **fields})


def _fenced(heading: str, text: str, language: str) -> str:
    fence = "```"
    while fence in text:
        fence += "`"
    end = "" if text.endswith("\n") or not text else "\n"
    return f"{heading}\n{fence}{language}\n{text}{end}{fence}"
