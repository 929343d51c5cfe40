"""Carrying a plan out: the requests to make one after the other, and what is shown of their answers.

No request is made here. `exchanges` is a generator of requests that is told each answer, so that sync and async,
whole and streamed answers share all there is to decide.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, TypeAlias, cast

from langchain_codeexec.errors import InvalidRequestError
from langchain_codeexec.gemini.wire import (
    Content,
    FunctionDeclaration,
    GenerateContentRequest,
    GenerateContentResponse,
)
from langchain_codeexec.messages.from_wire import candidates_of, parts_of
from langchain_codeexec.messages.parts import STAND_IN_SIGNATURE
from langchain_codeexec.messages.stream import collect
from langchain_codeexec.planning.delegate import (
    MOST_DELEGATED,
    delegate_function,
    output_from_parts,
    response_to_call,
    task_from_call,
)
from langchain_codeexec.planning.plan import Plan
from langchain_codeexec.planning.repair import Repair
from langchain_codeexec.planning.specification import Specification

__all__ = ["Exchange", "UsageSum", "exchanges", "joined"]

Json = dict[str, Any]

_CODE: Final = frozenset({"executableCode", "codeExecutionResult"})
_NOT_OFFERED: Final = "Code execution is no longer available in this turn: go on with what there is."


class VisibleParts:
    """A filter of the parts of one answer, as they come.

    Attributes:
        delegated: Calls of the function that stands for code execution; they are not shown.
        has_calls: Whether the user's own functions are called.

    Args:
        functions: Those whose calls become calls where they were written as code.
        delegate: Name of the function that stands for code execution.
        text_as_thought: Whether text is shown as a thought, because the answer proper is still to come.
    """

    def __init__(
        self, functions: Sequence[FunctionDeclaration], *, delegate: str | None, text_as_thought: bool
    ) -> None:
        self._functions = functions
        self._delegate = delegate
        self._text_as_thought = text_as_thought
        self._signature_hidden = False
        self.delegated: list[Json] = []
        self.has_calls = False

    def __call__(self, parts: list[Json]) -> list[Json]:
        """The parts to be shown of those that came."""
        if self._functions and any(part.keys() & _CODE for part in parts):
            parts = self._repair.parts(parts)
        return [visible for part in parts if (visible := self._part(part)) is not None]

    @cached_property
    def _repair(self) -> Repair:
        return Repair(self._functions)

    def _part(self, part: Json) -> Json | None:
        if self._text_as_thought and "text" in part:
            return {**part, "thought": True}
        call = part.get("functionCall")
        if not isinstance(call, dict):
            return part
        if self._delegate and call.get("name") == self._delegate:
            self.delegated.append(call)
            self._signature_hidden |= "thoughtSignature" in part
            return None
        self.has_calls = True
        if self._signature_hidden and "thoughtSignature" not in part:
            # Of parallel calls only the first is signed, and that one is hidden now.
            self._signature_hidden = False
            return {**part, "thoughtSignature": STAND_IN_SIGNATURE}
        return part


def _code_and_media(parts: list[Json]) -> list[Json]:
    """Code, results and images: what the code's request says in prose, the delegating model says again."""
    return [part for part in parts if "text" not in part]


@dataclass(slots=True)
class Exchange:
    """A request to make, and what becomes of its answer.

    Attributes:
        request: The body.
        visible: Takes the parts of the answer as they come, gives those the user sees.
        cut_off: Why the answer is not whole: its finish reason or the prompt's block reason; empty if it is.
    """

    request: GenerateContentRequest
    visible: VisibleParts | Any = list
    cut_off: str = ""

    def shown(self, chunk: GenerateContentResponse, answer: list[Json]) -> GenerateContentResponse:
        """A chunk as the user sees it; its parts as they came are added to the answer."""
        candidates = candidates_of(chunk)
        if not candidates:
            feedback = chunk.get("promptFeedback")
            if isinstance(feedback, dict):
                self.cut_off = str(feedback.get("blockReason") or self.cut_off)
            return chunk
        first, *rest = candidates
        if (reason := first.get("finishReason")) not in _WHOLE:
            self.cut_off = str(reason)
        parts = parts_of(first)
        answer += parts
        visible = self.visible(parts)
        if visible == parts:
            return chunk
        candidate = {**first, "content": {**first.get("content", {}), "parts": visible}}
        return cast("GenerateContentResponse", {**chunk, "candidates": [candidate, *rest]})


_WHOLE: Final = (None, "STOP", "FINISH_REASON_UNSPECIFIED")

Exchanges: TypeAlias = Generator[Exchange, list[Json], None]
"""Requests; the parts of each answer are sent back, as they came."""


def exchanges(call: Specification, plan: Plan, *, repair: bool = True) -> Exchanges:
    """The requests that carry a plan out, each made from what was answered before.

    Args:
        call: What the call is about.
        plan: What it gets.
        repair: Whether function calls written as code become function calls.

    Raises:
        InvalidRequestError: Thrown in by whoever makes the requests, where one was refused; a refused request for
            delegated code is told to the model instead.
    """
    accepts = call.destination.accepts
    tooled = bool(plan.code_execution or plan.functions or call.built_in_tools)
    apart = call.wants_schema and tooled and not accepts.tools_with_schema
    functions = [function for function in call.functions if function.get("name") in plan.functions]
    delegate = None
    if plan.way == "delegated" and plan.code_execution and functions:
        delegate = delegate_function({str(function.get("name")) for function in call.functions})
    mode = call.tool_choice.get("functionCallingConfig", {}).get("mode", "AUTO")
    left = MOST_DELEGATED.get(mode, MOST_DELEGATED["AUTO"])
    contents = list(call.contents)
    is_told = False
    while True:
        is_offered = left > 0 and call.destination.accepts.code_execution
        offered = [*functions, delegate] if delegate and is_offered else functions
        request = call.request(
            code=plan.code_execution and delegate is None,
            functions=offered,
            schema=not apart,
            contents=contents,
        )
        visible = VisibleParts(
            call.functions if repair else (),
            delegate=delegate.get("name") if delegate else None,
            text_as_thought=apart,
        )
        answer = yield Exchange(request, visible)
        # Beside a call of the user's, no answer follows in which the model could say again what was said here.
        prose = VisibleParts((), delegate=None, text_as_thought=apart) if visible.has_calls else None
        results = yield from _delegated_results(
            call,
            contents,
            visible.delegated,
            most=left if is_offered else 0,
            visible=prose or _code_and_media,
        )
        left -= len(visible.delegated)
        if answer:
            contents.append(_content("model", answer))
        if visible.has_calls:
            return
        if not results or is_told:
            break
        contents.append(_content("user", results))
        is_told = not is_offered
    if apart:
        demand = {"text": "Give the answer now, as JSON, from what is found above."}
        yield Exchange(
            call.request(code=False, functions=[], contents=[*contents, _content("user", [demand])])
        )


def _delegated_results(
    call: Specification,
    contents: Sequence[Content],
    delegated: Sequence[Json],
    *,
    most: int,
    visible: Callable[[list[Json]], list[Json]],
) -> Generator[Exchange, list[Json], list[Json]]:
    """Have delegated tasks done by code execution.

    Args:
        call: What the call is about.
        contents: The conversation before the delegating answer.
        delegated: The calls.
        most: How many of them are carried out.
        visible: What is shown of the answers.

    Returns:
        The responses to all calls.
    """
    responses: list[Json] = []
    for number, function_call in enumerate(delegated):
        response: Json = {"error": _NOT_OFFERED}
        if number < most:
            history = [*contents, _content("user", [{"text": task_from_call(function_call)}])]
            request = call.request(code=True, functions=[], schema=False, contents=history)
            exchange = Exchange(request, visible)
            try:
                answer = yield exchange
            except InvalidRequestError as refusal:
                response = {"error": refusal.message}
            else:
                cut_off = exchange.cut_off
                error = {"error": f"It was stopped before its end: {cut_off}."} if cut_off else {}
                response = {"output": output_from_parts(answer), **error}
        responses.append(response_to_call(function_call, response))
    return responses


def _content(role: str, parts: list[Json]) -> Content:
    return cast("Content", {"role": role, "parts": parts})


class UsageSum:
    """A sum of the token counts of requests made one after the other.

    Within a request the counts of a later chunk replace those of an earlier one, key by key; those of finished
    requests are added to every chunk.
    """

    def __init__(self) -> None:
        self._finished: Json = {}
        self._current: Json = {}

    def finish_request(self) -> None:
        """Add the counts of the current request to those of finished ones."""
        self._finished, self._current = _sum(self._finished, self._current), {}

    def count(self, chunk: GenerateContentResponse) -> GenerateContentResponse:
        """A chunk with the counts of all requests so far."""
        usage = chunk.get("usageMetadata")
        if not isinstance(usage, dict):
            return chunk
        self._current = {**self._current, **usage}
        if not self._finished:
            return chunk
        return cast(
            "GenerateContentResponse", {**chunk, "usageMetadata": _sum(self._finished, self._current)}
        )


def joined(responses: Sequence[GenerateContentResponse]) -> GenerateContentResponse:
    """Whole responses to requests made one after the other as one; a single one stays as it came."""
    if len(responses) == 1:
        return responses[0]
    answer: Json = {}
    candidate: Json = {}
    parts: list[Json] = []
    for response in responses:
        collect(answer, {key: value for key, value in response.items() if key != "candidates"})
        for first in candidates_of(response)[:1]:
            parts += parts_of(first)
            collect(candidate, {key: value for key, value in first.items() if key != "content"})
    content = {"role": "model", "parts": parts}
    return cast("GenerateContentResponse", {**answer, "candidates": [{**candidate, "content": content}]})


def _sum(left: Json, right: Json) -> Json:
    """Counts added, lists of counts by modality joined, everything else as the later one has it."""
    total = {**left, **right}
    for key in left.keys() & right.keys():
        if isinstance(left[key], list):
            total[key] = _by_modality([*left[key], *right[key]])
        elif isinstance(left[key], int):
            total[key] = left[key] + right[key]
    return total


def _by_modality(entries: list[Json]) -> list[Json]:
    counts: dict[Any, int] = {}
    for entry in entries:
        counts[entry.get("modality")] = counts.get(entry.get("modality"), 0) + entry.get("tokenCount", 0)
    return [{"modality": modality, "tokenCount": count} for modality, count in counts.items()]
