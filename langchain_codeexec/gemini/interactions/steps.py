"""The steps of interactions as contents of generateContent and back.

The parts that `parts` and `reading` give of steps become the same steps again, whatever JSON objects with a type
these are: what a part cannot say of its step travels in the part's field `interactionStep`, and a step of an
unknown type is kept whole in it. The field is for this package alone: `plain_parts` takes it away where another
API is asked.

| key of `interactionStep` | meaning |
|---|---|
| `whole` | the step that the part stands for, which nothing else expresses |
| `step`, `content` | what is different in the step, or in the content of a step, that the part gives |
| `amends` | the same for the content before, from a part of its own: text streams, what belongs to it follows |
| `ends`, `of` | the same for the step before, which ends here, and its type |
| `result` | the contents that the result of code consists of; `null` for one that follows as a part |
| `in_result` | the part is such a content |
| `interaction` | id and digest of the interaction that ends here; see `requests` |

Source of the shapes: google-genai's `interactions` types, release 3.6.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, cast

from langchain_codeexec.gemini.interactions.contents import (
    GROUPED,
    MARK,
    changed,
    content_of,
    is_grouped,
    renamed,
    text_key,
)

__all__ = ["is_remark", "plain_parts", "step_from_part", "steps_from_contents"]

Json = dict[str, Any]

_OUTPUT: Final = {"model": "model_output", "user": "user_input"}


def steps_from_contents(contents: Iterable[Mapping[str, Any]]) -> list[Json]:
    """The steps of a conversation, whichever API its turns came from.

    Calls and results without ids, which older models give, are given some by their order.
    """
    steps: list[Json] = []
    ids = _CallIds()
    for content in contents:
        role = "model" if content.get("role") == "model" else "user"
        steps += map(ids.with_id, _Steps(role).read(content.get("parts") or ()))
    return steps


class _Steps:
    """Reads the parts of one turn.

    Args:
        role: Whose turn it is.
    """

    def __init__(self, role: str) -> None:
        self._output = _OUTPUT[role]
        self._open: Json | None = None

    def read(self, parts: Iterable[Any]) -> Iterator[Json]:
        """Yield the steps that the parts stand for."""
        for part in parts:
            yield from self._step(part)
        yield from self._closed()

    def _closed(self) -> Iterator[Json]:
        step, self._open = self._open, None
        if step is not None:
            yield step

    def _step(self, part: Json) -> Iterator[Json]:
        mark: Json = part.get(MARK) or {}
        if "whole" in mark:
            yield from self._closed()
            yield mark["whole"]
        elif "ends" in mark:
            if self._open is None or self._open["type"] != mark["of"]:
                yield from self._closed()
                self._open = {"type": mark["of"]}
            self._open = changed(self._open, mark["ends"])
            yield from self._closed()
        elif "amends" in mark:
            self._amend(mark["amends"])
        elif mark.get("in_result") and self._open is not None and None in self._open.get("result", ()):
            result = self._open["result"]
            result[result.index(None)] = changed(content_of(part) or {}, mark.get("content", {}))
        elif (content := content_of(part)) is not None or "content" in mark:
            yield from self._with_content(part, changed(content or {}, mark.get("content", {})))
        elif (step := step_from_part(part)) is None:
            if part.keys() - _BARE:  # of a kind that is not known
                yield from self._with_content(part, {"type": "text", "text": _json(part)})
        else:
            yield from self._closed()
            step = changed(step, mark.get("step", {}))
            if "result" in mark:
                # It stays open for what it drew, which follows.
                self._open = {**step, "result": list(mark["result"])}
            else:
                yield step

    def _amend(self, difference: Json) -> None:
        if self._open is not None and is_grouped(self._open):
            contents = self._open[text_key(self._open)]
            contents[-1] = changed(contents[-1], difference)

    def _with_content(self, part: Json, content: Json) -> Iterator[Json]:
        kind = "thought" if part.get("thought") is True else self._output
        signature = part.get("thoughtSignature") if kind == "thought" else None
        is_said = content.get("text") != "" or MARK in part
        if not (is_said or signature):
            return
        goes_on = self._open is not None and self._open["type"] == kind and "signature" not in self._open
        if not goes_on:
            yield from self._closed()
            self._open = {"type": kind}
        step = cast("Json", self._open)
        if is_said:
            step.setdefault(GROUPED[kind], []).append(content)
        if signature:
            step["signature"] = signature


def step_from_part(part: Json) -> Json | None:
    """The step that a call or a result stands for; `None` for any other part."""
    for key, convert in _TO_STEP.items():
        if isinstance(payload := part.get(key), dict):
            step = convert(payload)
            signature = part.get("thoughtSignature")
            return {**step, "signature": signature} if signature and step["type"] not in _UNSIGNED else step
    return None


def _from_call(call: Json) -> Json:
    return {
        "type": "function_call",
        **renamed(call, id="id", name="name"),
        "arguments": call.get("args") or {},
    }


def _from_response(response: Json) -> Json:
    payload: Any = response.get("response") or {}
    step = {"type": "function_result", **renamed(response, call_id="id", name="name"), "result": payload}
    if isinstance(payload, dict) and len(payload) == 1:
        [(key, value)] = payload.items()
        if key in ("output", "error") and isinstance(value, str):
            step["result"] = value
            if key == "error":
                step["is_error"] = True
    media = [content for part in response.get("parts") or () if (content := content_of(part))]
    if media:
        text = step["result"] if isinstance(step["result"], str) else _json(step["result"])
        step["result"] = [{"type": "text", "text": text}, *media]
    return step


def _from_code(code: Json) -> Json:
    language = str(code.get("language") or "PYTHON").lower()
    arguments = {"code": code.get("code") or "", "language": language}
    return {"type": "code_execution_call", **renamed(code, id="id"), "arguments": arguments}


def _from_code_result(result: Json) -> Json:
    failed = {} if result.get("outcome", "OUTCOME_OK") == "OUTCOME_OK" else {"is_error": True}
    named = renamed(result, call_id="id")
    return {"type": "code_execution_result", **named, "result": result.get("output") or "", **failed}


def _from_tool_call(call: Json) -> Json:
    return {"type": "", **renamed(call, id="id", arguments="args")}


def _from_tool_response(response: Json) -> Json:
    payload = response.get("response")
    result = renamed(payload, result="result") if isinstance(payload, dict) else {}
    return {"type": "", **renamed(response, call_id="id"), **result}


_TO_STEP: Final[Mapping[str, Callable[[Json], Json]]] = {
    "functionCall": _from_call,
    "functionResponse": _from_response,
    "executableCode": _from_code,
    "codeExecutionResult": _from_code_result,
    "toolCall": _from_tool_call,
    "toolResponse": _from_tool_response,
}
_UNSIGNED: Final = frozenset({"function_result"})
_BARE: Final = frozenset({MARK, "thought", "thoughtSignature"})
"""Fields of a part that is of no kind."""


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


class _CallIds:
    """Gives calls and results ids where they have none: a result answers the first call still open."""

    def __init__(self) -> None:
        self._count = 0
        self._open: list[tuple[str, str]] = []

    def with_id(self, step: Json) -> Json:
        kind, _, half = str(step.get("type")).rpartition("_")
        if kind not in ("function", "code_execution"):
            return step
        called = f"{kind} {step.get('name', '')}"
        if half == "call":
            self._count += 1
            step = {"id": f"call_{self._count}", **step}
            self._open.append((called, step["id"]))
        else:
            first = next((call_id for name, call_id in self._open if name == called), "")
            step = {"call_id": first, **step}
            self._open = [each for each in self._open if each[1] != step["call_id"]]
        return step


def plain_parts(parts: Iterable[Json]) -> list[Json]:
    """Parts as generateContent knows them: what it has no part for is text, and no part has a mark."""
    return [plain for part in parts if (plain := _plain(part) if MARK in part else part) is not None]


def is_remark(part: Json) -> bool:
    """Whether a part is nothing but a remark on the parts before it."""
    return part.keys() == {MARK} and part[MARK].keys().isdisjoint(("whole", "content"))


def _plain(part: Json) -> Json | None:
    """A part without its mark; `None` if that leaves nothing."""
    if is_remark(part):
        return None
    mark = part[MARK]
    plain = {key: value for key, value in part.items() if key != MARK}
    if "toolCall" in plain or "toolResponse" in plain or not plain.keys() - {"thought"}:
        [step] = _Steps("model").read([part])
        unknown = step[text_key(step)][0] if "content" in mark else step
        return {"text": _json(unknown)} if unknown.get("text") != "" else None
    return plain
