"""Chunks of several requests as the chunks of one answer.

What the user sees of an answer.

Carrying a plan out: the requests to make one after the other, and what is shown of their answers.

No request is made here. `steps` is a generator of requests that is told each answer; `run` and `arun` drive it
over a transport. So sync and async, whole and streamed answers share all there is to decide.
"""

from __future__ import annotations

from contextlib import aclosing, closing
from dataclasses import dataclass
from itertools import chain, count
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

from langchain_codeexec.messages.from_wire import candidates_of, parts_of
from langchain_codeexec.messages.parts import STAND_IN_SIGNATURE
from langchain_codeexec.planning.repair import Repair

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator, Iterable, Sequence

    from langchain_codeexec.gemini.wire import (
        Content,
        FunctionDeclaration,
        GenerateContentRequest,
        GenerateContentResponse,
    )
    from langchain_codeexec.planning.plan import Plan
    from langchain_codeexec.planning.specification import Draft

__all__ = ["Ask", "AsyncChunks", "Chunks", "Showing", "Spending", "arun", "joined", "run", "steps"]

Json = dict[str, Any]


class Spending:
    """Adds up the token counts of requests made one after the other.

    Within a request the counts of a later chunk replace those of an earlier one; those of finished requests are
    added to every chunk.
    """

    def __init__(self) -> None:
        self._before: Json = {}
        self._current: Json = {}

    def settle(self) -> None:
        """A request is finished."""
        self._before, self._current = _sum(self._before, self._current), {}

    def count(self, chunk: GenerateContentResponse) -> GenerateContentResponse:
        """A chunk with the counts of all requests so far."""
        usage = chunk.get("usageMetadata")
        if not isinstance(usage, dict):
            return chunk
        self._current = cast("Json", usage)
        if not self._before:
            return chunk
        return cast("GenerateContentResponse", {**chunk, "usageMetadata": _sum(self._before, self._current)})


def joined(chunks: Sequence[GenerateContentResponse]) -> GenerateContentResponse:
    """Whole answers of requests made one after the other as one; a single one stays as it came."""
    if len(chunks) == 1:
        return chunks[0]
    *_, last = chunks
    parts = [part for chunk in chunks for part in _parts(chunk)]
    candidate = (last.get("candidates") or [{}])[0]
    answer = {**candidate, "content": {**(candidate.get("content") or {}), "parts": parts}}
    response_id = chunks[0].get("responseId")
    known = {"responseId": response_id} if response_id else {}
    return cast("GenerateContentResponse", {**last, **known, "candidates": [answer]})


def _parts(chunk: GenerateContentResponse) -> Iterable[Any]:
    candidate = (chunk.get("candidates") or [{}])[0]
    return (candidate.get("content") or {}).get("parts") or []


def _sum(left: Json, right: Json) -> Json:
    """Counts added, lists of counts by modality joined, everything else as told last."""
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


class Showing:
    """Shows the parts of one answer as they come, and remembers the calls among them.

    Attributes:
        delegated: Calls of the function that stands for code execution; they are not shown.
        called: Whether the user's own functions were called.

    Args:
        repair: Turns calls that were written as code into calls; `None` shows the code.
        delegate: Name of the function that stands for code execution.
        text_as_thought: Whether text is shown as a thought, because the answer proper is still to come.
    """

    def __init__(self, repair: Repair | None, *, delegate: str | None, text_as_thought: bool) -> None:
        self._repair = repair
        self._delegate = delegate
        self._text_as_thought = text_as_thought
        self._signature_hidden = False
        self.delegated: list[Json] = []
        self.called = False

    def __call__(self, parts: list[Json]) -> list[Json]:
        """The parts to be shown of those that came."""
        if self._repair:
            parts = self._repair.parts(parts)
        return [shown for part in parts if (shown := self._part(part)) is not None]

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
        self.called = True
        if self._signature_hidden and "thoughtSignature" not in part:
            # Of parallel calls only the first is signed, and that one is hidden now.
            self._signature_hidden = False
            return {**part, "thoughtSignature": STAND_IN_SIGNATURE}
        return part


Chunks: TypeAlias = "Generator[GenerateContentResponse, None, None]"
AsyncChunks: TypeAlias = "AsyncGenerator[GenerateContentResponse, None]"
"""Chunks of an answer; closing them gives up the connection they come from."""

_MAX_ROUNDS: Final = 8
"""Times a model may delegate code in one call before its last word is taken for the answer."""

_DESCRIPTION: Final = (
    "Have Python written and run for you, for anything that must be computed exactly: arithmetic, statistics, "
    "dates, text processing, plots. State the whole task with all the values it needs."
)


@dataclass(frozen=True, slots=True)
class Ask:
    """A request to make.

    Attributes:
        request: Its body.
        show: Told the parts of the answer as they come, gives those the user sees.
    """

    request: GenerateContentRequest
    show: Callable[[list[Json]], list[Json]]


def steps(draft: Draft, plan: Plan, *, repair: bool = True) -> Generator[Ask, list[Json], None]:
    """The requests that carry a plan out, each made from what was answered before.

    Args:
        draft: The call.
        plan: What it gets.
        repair: Whether function calls written as code become function calls.

    Yields:
        A request; its answer's parts are to be sent back, as they came.
    """
    tooled = bool(plan.code_execution or plan.functions or draft.others)
    apart = draft.wants_schema and tooled and not draft.accepts.tools_with_schema
    mend = Repair(draft.functions) if repair and draft.functions else None
    functions = [function for function in draft.functions if function.get("name") in plan.functions]
    name, delegate = _free_name(draft), None
    if plan.way == "delegated" and plan.code_execution and functions:
        delegate = _delegate(name)
        functions.append(delegate)
    contents = list(draft.contents)
    for _ in range(_MAX_ROUNDS):
        showing = Showing(mend, delegate=name if delegate else None, text_as_thought=apart)
        code = plan.code_execution and delegate is None
        request = draft.request(code=code, functions=functions, schema=not apart, contents=contents)
        answer = yield Ask(request, showing)
        results = yield from _run_delegated(draft, contents, showing.delegated)
        if answer:
            contents.append(_content("model", answer))
        if showing.called:
            return
        if not results:
            break
        contents.append(_content("user", results))
    if apart:
        contents.append(
            _content("user", [{"text": "Give the answer now, as JSON, from what is found above."}])
        )
        yield Ask(draft.request(code=False, functions=[], contents=contents), list)


def _run_delegated(
    draft: Draft, contents: Sequence[Content], calls: Sequence[Json]
) -> Generator[Ask, list[Json], list[Json]]:
    """Have delegated tasks done by code execution; gives the responses to the calls."""
    responses: list[Json] = []
    for call in calls:
        task = (call.get("args") or {}).get("task") or "Do what the conversation asks for."
        wanted = {"text": f"Write and run Python code for this, and answer from what it prints: {task}"}
        told = [*contents, _content("user", [wanted])]
        answer = yield Ask(draft.request(code=True, functions=[], schema=False, contents=told), _executed)
        response = {"name": call.get("name", ""), "response": {"output": _said(answer)}}
        responses.append({"functionResponse": {**response, **({"id": call["id"]} if "id" in call else {})}})
    return responses


def _executed(parts: list[Json]) -> list[Json]:
    """Code, results and images: what the code said in prose, the delegating model says again."""
    return [part for part in parts if "text" not in part]


def _said(parts: list[Json]) -> str:
    told = []
    for part in parts:
        if isinstance(result := part.get("codeExecutionResult"), dict):
            told.append(f"[{result.get('outcome')}] {result.get('output', '')}")
        elif "text" in part and not part.get("thought"):
            told.append(str(part["text"]))
    return "\n".join(told)


def _delegate(name: str) -> FunctionDeclaration:
    """The function that stands for code execution."""
    parameters = {"type": "object", "properties": {"task": {"type": "string"}}, "required": ["task"]}
    return {"name": name, "description": _DESCRIPTION, "parametersJsonSchema": parameters}


def _free_name(draft: Draft) -> str:
    """A name for it that no declared function has."""
    taken = {function.get("name") for function in draft.functions}
    numbered = (f"code_execution_{number}" for number in count(2))
    return next(name for name in chain(("code_execution", "run_python"), numbered) if name not in taken)


def _content(role: str, parts: list[Json]) -> Content:
    return cast("Content", {"role": role, "parts": parts})


def run(
    plan: Generator[Ask, list[Json], None],
    ask: Callable[[GenerateContentRequest], Chunks],
) -> Chunks:
    """Carry a plan out.

    Args:
        plan: What `steps` gave.
        ask: Makes a request; gives the chunks of the answer, or the whole of it as the only one.

    Yields:
        Chunks as the user sees them; token counts are those of all requests so far.
    """
    asked, spending = next(plan), Spending()
    while True:
        answer: list[Json] = []
        with closing(ask(asked.request)) as chunks:
            for chunk in chunks:
                yield _shown(spending.count(chunk), asked, answer)
        spending.settle()
        try:
            asked = plan.send(answer)
        except StopIteration:
            return


async def arun(
    plan: Generator[Ask, list[Json], None],
    ask: Callable[[GenerateContentRequest], AsyncChunks],
) -> AsyncChunks:
    """Carry a plan out without blocking the event loop; see `run`."""
    asked, spending = next(plan), Spending()
    while True:
        answer: list[Json] = []
        async with aclosing(ask(asked.request)) as chunks:
            async for chunk in chunks:
                yield _shown(spending.count(chunk), asked, answer)
        spending.settle()
        try:
            asked = plan.send(answer)
        except StopIteration:
            return


def _shown(chunk: GenerateContentResponse, asked: Ask, answer: list[Json]) -> GenerateContentResponse:
    """A chunk as the user sees it; its parts as they came are added to the answer."""
    candidates = candidates_of(chunk)
    if not candidates:
        return chunk
    first, *others = candidates
    parts = parts_of(first)
    answer += parts
    shown = asked.show(parts)
    if shown == parts:
        return chunk
    candidate = {**first, "content": {**first.get("content", {}), "parts": shown}}
    return cast("GenerateContentResponse", {**chunk, "candidates": [candidate, *others]})
