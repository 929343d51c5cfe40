"""What a case expects of an answer: patterns of its JSON, and laws that hold for every good answer.

In a pattern a mapping expects its keys and allows others, a list expects its elements, anything else expects itself.
A mapping of one key that begins with `$` is one of `OPERATORS`. A law takes the bodies of an answer (one, or one for
each chunk of a stream) and the generation of the model.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_ABSENT: Any = object()


def mismatches(value: Any, expected: Any, path: str = "the body") -> Iterator[str]:
    """What is not as expected, each with its place; nothing where all is."""
    if isinstance(expected, dict):
        (operator, operand), *more = expected.items() if expected else [("", None)]
        if operator.startswith("$") and not more:
            if not OPERATORS[operator](value, operand):
                yield f"{path} is {_shown(value)}, expected {operator} {operand!r}"
        elif not isinstance(value, dict):
            yield f"{path} is {_shown(value)}, not an object"
        else:
            for name, inner in expected.items():
                yield from mismatches(value.get(name, _ABSENT), inner, f"{path}.{name}")
    elif isinstance(expected, list):
        if not isinstance(value, list) or len(value) != len(expected):
            yield f"{path} is {_shown(value)}, not a list of {len(expected)}"
            return
        for index, (item, inner) in enumerate(zip(value, expected, strict=True)):
            yield from mismatches(item, inner, f"{path}[{index}]")
    elif value != expected or isinstance(value, bool) is not isinstance(expected, bool):
        yield f"{path} is {_shown(value)}, not {expected!r}"


def _shown(value: Any) -> str:
    return "missing" if value is _ABSENT else json.dumps(value, ensure_ascii=False)[:160]


def _fits(value: Any, pattern: Any) -> bool:
    return next(mismatches(value, pattern), None) is None


def _is_json(value: Any, pattern: Any) -> bool:
    try:
        return _fits(json.loads(value), pattern)
    except (TypeError, ValueError):
        return False


OPERATORS = {
    "$absent": lambda value, wanted: (value is _ABSENT) == wanted,
    "$present": lambda value, wanted: (value is not _ABSENT) == wanted,
    "$contains": lambda value, part: isinstance(value, str) and part.casefold() in value.casefold(),
    "$regex": lambda value, regex: isinstance(value, str) and re.search(regex, value) is not None,
    "$json": _is_json,
    "$some": lambda value, inner: isinstance(value, list) and any(_fits(item, inner) for item in value),
    "$each": lambda value, inner: isinstance(value, list) and all(_fits(item, inner) for item in value),
    "$none": lambda value, inner: isinstance(value, list) and not any(_fits(item, inner) for item in value),
    "$count": lambda value, count: isinstance(value, list) and len(value) == count,
    "$in": lambda value, choices: value in choices,
    "$above": lambda value, bound: isinstance(value, int | float) and value > bound,
}


# -- laws ----------------------------------------------------------------------------------------------

LINKING = 3
"""The generation from which code has ids, and code and calls have signatures."""
_SIDES = ("promptTokenCount", "candidatesTokenCount", "toolUsePromptTokenCount", "thoughtsTokenCount")


def _candidates(bodies: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [candidate for body in bodies for candidate in body.get("candidates") or []]


def answer_content(bodies: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The content of an answer as it goes back as history; the parts of all chunks, in order."""
    contents = [candidate.get("content") or {} for candidate in _candidates(bodies)]
    return {"role": "model", "parts": [part for content in contents for part in content.get("parts") or []]}


def _usage_adds_up(bodies: Sequence[dict[str, Any]], generation: int) -> Iterator[str]:
    usage = bodies[-1].get("usageMetadata") or {}
    total, sides = usage.get("totalTokenCount"), [usage.get(side, 0) for side in _SIDES]
    if total != sum(sides):
        yield f"totalTokenCount is {total}, but its sides are {sides}"


def _results_follow_code(bodies: Sequence[dict[str, Any]], generation: int) -> Iterator[str]:
    """Each code is followed by its result, linked by an id from Gemini 3 on and by none before."""
    code: dict[str, Any] | None = None
    for part in answer_content(bodies)["parts"]:
        if "executableCode" in part:
            if code is not None:
                yield "a code part follows another without a result between them"
            code = part["executableCode"]
        elif "codeExecutionResult" in part:
            result = part["codeExecutionResult"]
            if code is None:
                yield "a result has no code before it"
            elif code.get("id") != result.get("id"):
                yield f"code has the id {code.get('id')!r} and its result {result.get('id')!r}"
            if bool(result.get("id")) != (generation >= LINKING):
                yield f"a result of generation {generation} has the id {result.get('id')!r}"
            code = None
    if code is not None:
        yield "the last code has no result"


def _signed(bodies: Sequence[dict[str, Any]], generation: int) -> Iterator[str]:
    """From Gemini 3 on, code has a signature, and so has the first function call; Gemini 2.5 may sign that too."""
    parts = answer_content(bodies)["parts"]
    first_call = [part for part in parts if "functionCall" in part][:1] if generation >= LINKING else []
    for part in [*(part for part in parts if "executableCode" in part), *first_call]:
        if bool(part.get("thoughtSignature")) != (generation >= LINKING):
            yield f"a part of generation {generation} has the keys {sorted(part)}"


def _finished(bodies: Sequence[dict[str, Any]], generation: int) -> Iterator[str]:
    """The last body says why the answer ended, and no other does."""
    reasons = [candidate.get("finishReason") for candidate in _candidates(bodies)]
    if not reasons or not reasons[-1] or any(reasons[:-1]):
        yield f"the finish reasons are {reasons}"


def _one_identity(bodies: Sequence[dict[str, Any]], generation: int) -> Iterator[str]:
    for name in ("responseId", "modelVersion"):
        values = {str(body.get(name)) for body in bodies}
        if len(values) != 1 or "None" in values:
            yield f"{name} is {', '.join(sorted(values))}"


LAWS = {
    "usage adds up": _usage_adds_up,
    "results follow code": _results_follow_code,
    "signed": _signed,
    "finished": _finished,
    "one identity": _one_identity,
}
