"""Steps as parts: what the contents, calls and results of an answer are to generateContent."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, cast

from langchain_codeexec.gemini.interactions.contents import (
    GROUPED,
    MARK,
    content_of,
    difference_between,
    is_grouped,
    media_part,
    renamed,
    text_key,
)
from langchain_codeexec.gemini.interactions.steps import step_from_part
from langchain_codeexec.gemini.wire import Content

__all__ = [
    "content_parts",
    "contents_from_steps",
    "end_of_step",
    "parts_from_steps",
    "signature_part",
    "step_parts",
    "unsaid_of_step",
]

Json = dict[str, Any]

_OF_USER: Final = ("user_input", "function_result")
_CODE: Final = "codeExecutionResult"


def contents_from_steps(steps: Sequence[Json]) -> list[Content]:
    """Steps as turns: what the user said and what functions returned, and what the model did between."""
    contents: list[Json] = []
    before: Json | None = None
    for step in steps:
        role = "user" if step.get("type") in _OF_USER else "model"
        is_new = not contents or contents[-1]["role"] != role or step.get("type") == "user_input"
        if is_new:
            contents.append({"role": role, "parts": []})
        contents[-1]["parts"] += step_parts(step, None if is_new else before)
        before = step
    return cast("list[Content]", contents)


def parts_from_steps(steps: Iterable[Json]) -> list[Json]:
    """Steps of one turn as its parts."""
    parts: list[Json] = []
    before: Json | None = None
    for step in steps:
        parts += step_parts(step, before)
        before = step
    return parts


def step_parts(step: Json, before: Json | None = None) -> list[Json]:
    """The parts of a step; `before` is the step in front of it in the same turn."""
    if not is_grouped(step) or not isinstance(step.get(text_key(step), []), list):
        return _single(step)
    is_thought = step["type"] == "thought"
    contents: list[Any] = step.get(text_key(step), [])
    if not all(isinstance(content, dict) for content in contents):
        return [{MARK: {"whole": step}}]
    parts = end_of_step(before, step)
    for content in contents:
        parts += content_parts(content, is_thought=is_thought)
    if is_thought:
        parts += signature_part(step)
    return [*parts, *unsaid_of_step(step)]


def end_of_step(before: Json | None, step: Json) -> list[Json]:
    """What ends a step in front of one of its own type, whose contents would go on with its own."""
    if before is None or before.get("type") != step.get("type") or unsaid_of_step(before):
        return []
    return [{MARK: {"ends": {}, "of": step["type"]}}]


def content_parts(content: Json, *, is_thought: bool) -> list[Json]:
    """The parts of one content of a step."""
    thought = {"thought": True} if is_thought else {}
    if content.get("type") == "text" and isinstance(content.get("text"), str) and content["text"]:
        plain = {"type": "text", "text": content["text"]}
        rest = [{MARK: {"amends": difference_between(plain, content)}}] if content != plain else []
        return [{"text": content["text"], **thought}, *rest]
    part = {**(media_part(content) or {}), **thought}
    if (default := content_of(part)) != content:
        part[MARK] = {"content": difference_between(default or {}, content)}
    return [part]


def signature_part(step: Json) -> list[Json]:
    """The part of a thought's signature."""
    signature = step.get("signature")
    has_one = isinstance(signature, str) and signature
    return [{"text": "", "thought": True, "thoughtSignature": signature}] if has_one else []


def unsaid_of_step(step: Json) -> list[Json]:
    """What the contents and the signature of a step do not say of it."""
    key = text_key(step)
    said: Json = {"type": step["type"]}
    if step.get(key):
        said[key] = step[key]
    if step["type"] == "thought" and signature_part(step):
        said["signature"] = step["signature"]
    is_nothing = len(said) == 1
    return (
        [{MARK: {"ends": difference_between(said, step), "of": step["type"]}}]
        if step != said or is_nothing
        else []
    )


def _single(step: Json) -> list[Json]:
    """The parts of a step that has no contents: a call, a result, or something unknown."""
    convert = _TO_PART.get(str(step.get("type"))) or _tool_parts
    parts = convert(step)
    if not parts:
        return [{MARK: {"whole": step}}]
    signature = step.get("signature")
    if isinstance(signature, str) and signature:
        parts[0]["thoughtSignature"] = signature
    default = step_from_part(parts[0]) or {}
    if "result" in parts[0].get(MARK, {}):
        default["result"] = step["result"]
    if default != step:
        parts[0].setdefault(MARK, {})["step"] = difference_between(default, step)
    return parts


def _function_call(step: Json) -> list[Json]:
    return [{"functionCall": renamed(step, id="id", name="name", args="arguments")}]


def _function_result(step: Json) -> list[Json]:
    result = step.get("result")
    if isinstance(result, str):
        response: Any = {"error" if step.get("is_error") is True else "output": result}
    elif isinstance(result, dict):
        response = result
    else:
        response = {"output": _text_of(result)}
    return [{"functionResponse": {**renamed(step, id="call_id", name="name"), "response": response}}]


def _code_call(step: Json) -> list[Json]:
    arguments = step.get("arguments")
    if not isinstance(arguments, dict):
        return []
    language = str(arguments.get("language") or "python").upper()
    return [
        {
            "executableCode": {
                **renamed(step, id="id"),
                "language": language,
                **renamed(arguments, code="code"),
            }
        }
    ]


def _code_result(step: Json) -> list[Json]:
    result = step.get("result")
    outcome = "OUTCOME_FAILED" if step.get("is_error") is True else "OUTCOME_OK"
    part: Json = {_CODE: {"outcome": outcome, **renamed(step, id="call_id")}}
    text = result if isinstance(result, str) else _text_of(result)
    if text:
        part[_CODE]["output"] = text
    if not isinstance(result, list):
        return [part]
    media = [media_part(content) if isinstance(content, dict) else None for content in result]
    part[MARK] = {"result": [None if each else content for content, each in zip(result, media, strict=True)]}
    drawn = []
    for content, each in zip(result, media, strict=True):
        if each:
            difference = difference_between(content_of(each) or {}, content)
            drawn.append({**each, MARK: {"in_result": True, "content": difference}})
    return [part, *drawn]


def _tool_parts(step: Json) -> list[Json]:
    """The call of another built-in tool, or its result."""
    tool, _, half = str(step.get("type")).rpartition("_")
    if half == "call" and tool and isinstance(step.get("arguments", {}), dict):
        call = {"toolType": tool.upper(), **renamed(step, id="id", args="arguments")}
        return [{"toolCall": call}]
    if half == "result" and tool:
        response = {"response": {"result": step["result"]}} if "result" in step else {}
        named = {"toolType": tool.upper(), **renamed(step, id="call_id"), **response}
        return [{"toolResponse": named}]
    return []


_TO_PART: Final[Mapping[str, Callable[[Json], list[Json]]]] = {
    "function_call": _function_call,
    "function_result": _function_result,
    "code_execution_call": _code_call,
    "code_execution_result": _code_result,
    **dict.fromkeys(GROUPED, lambda _: []),
}


def _text_of(contents: Any) -> str:
    """The text among contents."""
    texts = (
        [content.get("text") for content in contents if isinstance(content, dict)]
        if isinstance(contents, list)
        else []
    )
    return "".join(text for text in texts if isinstance(text, str))
