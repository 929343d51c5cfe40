"""Carrying a plan out: the requests to make one after the other, and what is shown of their answers.

No request is made here. `steps` is a generator of requests that is told each answer; `run` and `arun` drive it
over a transport. So sync and async, whole and streamed answers share all there is to decide.
"""

from __future__ import annotations

from contextlib import aclosing, closing
from dataclasses import dataclass
from itertools import chain, count
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

from langchain_codeexec.planning.repair import Repair
from langchain_codeexec.planning.showing import Showing
from langchain_codeexec.planning.spending import Spending
from langchain_codeexec.translation.responses import candidates_of, parts_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator, Sequence

    from langchain_codeexec.gemini.wire import (
        Content,
        FunctionDeclaration,
        GenerateContentRequest,
        GenerateContentResponse,
    )
    from langchain_codeexec.planning.plan import Plan
    from langchain_codeexec.translation.drafts import Draft

__all__ = ["Ask", "AsyncChunks", "Chunks", "arun", "run", "steps"]

Json = dict[str, Any]

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
