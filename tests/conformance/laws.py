"""What holds for every good answer, whatever it says.

A law takes the bodies of an answer (one, or one for each chunk of a stream) and the generation of the model.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    _Law = Callable[[Sequence[Mapping[str, Any]], int], Iterator[str]]

__all__ = ["LAWS", "answer_content"]

_LINKING = 3  # the generation from which ids and signatures are given
_SIDES = ("promptTokenCount", "candidatesTokenCount", "toolUsePromptTokenCount", "thoughtsTokenCount")


def _candidates(bodies: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    for body in bodies:
        yield from body.get("candidates") or []


def answer_content(bodies: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The content of an answer as it goes back as history; the parts of all chunks, in order."""
    contents = (candidate.get("content") or {} for candidate in _candidates(bodies))
    return {"role": "model", "parts": [part for content in contents for part in content.get("parts") or []]}


def _usage_adds_up(bodies: Sequence[Mapping[str, Any]], generation: int) -> Iterator[str]:
    usage = bodies[-1].get("usageMetadata") or {}
    total, sides = usage.get("totalTokenCount"), [usage.get(side, 0) for side in _SIDES]
    if total != sum(sides):
        yield f"totalTokenCount is {total}, but its sides are {sides}"


def _results_follow_code(bodies: Sequence[Mapping[str, Any]], generation: int) -> Iterator[str]:
    """Each code is followed by its result, linked by an id from Gemini 3 on and by none before."""
    code: Mapping[str, Any] | None = None
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
            if bool(result.get("id")) != (generation >= _LINKING):
                yield f"a result of generation {generation} has the id {result.get('id')!r}"
            code = None
    if code is not None:
        yield "the last code has no result"


def _signed(bodies: Sequence[Mapping[str, Any]], generation: int) -> Iterator[str]:
    """From Gemini 3 on, code has a signature, and so has the first function call."""
    parts = answer_content(bodies)["parts"]
    called = [part for part in parts if "functionCall" in part][:1]
    for part in [*(part for part in parts if "executableCode" in part), *called]:
        if bool(part.get("thoughtSignature")) != (generation >= _LINKING):
            kind = "executableCode" if "executableCode" in part else "functionCall"
            with_or_without = "without a" if generation >= _LINKING else "with a"
            yield f"{kind} {with_or_without} thoughtSignature in generation {generation}"


def _finished(bodies: Sequence[Mapping[str, Any]], generation: int) -> Iterator[str]:
    """The last body says why the answer ended, and no other does."""
    reasons = [candidate.get("finishReason") for candidate in _candidates(bodies)]
    if not reasons or not reasons[-1] or any(reasons[:-1]):
        yield f"the finish reasons are {reasons}"


def _one_identity(bodies: Sequence[Mapping[str, Any]], generation: int) -> Iterator[str]:
    for name in ("responseId", "modelVersion"):
        values = {str(body.get(name)) for body in bodies}
        if len(values) != 1 or "None" in values:
            yield f"{name} is {', '.join(sorted(values))}"


LAWS: Mapping[str, _Law] = MappingProxyType(
    {
        "usage adds up": _usage_adds_up,
        "results follow code": _results_follow_code,
        "signed": _signed,
        "finished": _finished,
        "one identity": _one_identity,
    }
)
