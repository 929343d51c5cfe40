"""Carrying a plan out: the requests to make one after the other, and what is shown of their answers.

No request is made here. `exchanges` is a generator of requests that is told each answer, so that sync and async,
whole and streamed answers share all there is to decide.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from itertools import chain, count
from types import MappingProxyType
from typing import Any, Final, cast

from langchain_codeexec.errors import InvalidRequestError, ResponseFormatError
from langchain_codeexec.gemini.responses import summed_usage
from langchain_codeexec.gemini.wire import Content, FunctionDeclaration, GenerateContentResponse
from langchain_codeexec.messages.call_pieces import whole_calls
from langchain_codeexec.planning.exchange import Exchange, VisibleParts, answered, content_of
from langchain_codeexec.planning.plan import Plan
from langchain_codeexec.planning.specification import Specification

__all__ = ["MOST_DELEGATED", "UsageSum", "delegate_function", "exchanges"]

Json = dict[str, Any]

_NOT_OFFERED: Final = "Code execution is no longer available in this turn: go on with what there is."


def exchanges(
    call: Specification, plan: Plan, *, repair: bool = True, retries: int = 1
) -> Generator[Exchange, None, list[GenerateContentResponse]]:
    """The exchanges that carry a plan out, each made from what was answered before.

    Args:
        call: What the call is about.
        plan: What it gets.
        repair: Whether function calls written as text become function calls.
        retries: How often an answer that is none is asked for again.

    Returns:
        Further candidates, which can be shown only after the first one turned out to be the whole answer.

    Raises:
        GeminiError: Thrown in by whoever makes the requests, where one failed; a refused request for delegated
            code is told to the model instead.
    """
    accepts = call.destination.accepts
    tooled = bool(plan.code_execution or plan.functions or call.built_in_tools)
    apart = call.wants_schema and tooled and not accepts.tools_with_schema
    functions = [function for function in call.functions if function.get("name") in plan.functions]
    delegates: list[FunctionDeclaration] = []
    if plan.way == "delegated" and plan.code_execution and functions:
        delegates.append(delegate_function({str(function.get("name")) for function in call.functions}))
    mode = call.tool_choice.get("functionCallingConfig", {}).get("mode", "AUTO")
    left = MOST_DELEGATED.get(mode, MOST_DELEGATED["AUTO"])
    contents = list(call.contents)
    shown: list[Json] = []
    is_told = False
    while True:
        is_offered = left > 0 and call.destination.accepts.code_execution
        request = call.request(
            code=plan.code_execution and not delegates,
            functions=[*functions, *delegates] if is_offered else functions,
            schema=not apart,
            contents=contents,
        )
        visible = VisibleParts(
            [*call.functions, *delegates],
            delegate=delegates[0].get("name") if delegates else None,
            text_as_thought=apart,
            json_begins="" if apart or not plan.code_execution else _json_begins(call),
            repair=repair,
            signs=accepts.signatures,
        )
        exchange = Exchange(request, visible, retries, is_only=not (delegates or apart))
        yield from answered(exchange)
        # Beside a call of the user's, no answer follows in which the model could say again what was said here.
        prose = VisibleParts((), text_as_thought=apart) if visible.has_calls else None
        results, runs = yield from _delegated_results(
            call,
            contents,
            visible.delegated,
            most=left if is_offered else 0,
            visible=prose or _code_and_media,
            retries=retries,
        )
        left -= len(visible.delegated)
        shown += [*runs, *(part for part in exchange.answer if "functionCall" not in part)]
        is_first = len(contents) == len(call.contents)
        if exchange.answer:
            contents.append(content_of("model", whole_calls(exchange.answer)))
        if visible.has_calls or not results or is_told:
            break
        contents.append(content_of("user", results))
        is_told = not is_offered
    if apart and not visible.has_calls:
        demand = {"text": "Give the answer now, as JSON, from what is found above."}
        # Without functions, a run that a function stood for is told as the code and the result that it was.
        turn = [content_of("model", shown)] if shown else []
        contents = [*call.contents, *turn, content_of("user", [demand])]
        request = call.request(code=False, functions=[], contents=contents)
        yield from answered(Exchange(request, retries=retries))
        return []
    return exchange.held if is_first and not results else []


def _code_and_media(parts: list[Json]) -> list[Json]:
    """Code, results and images: what the code's request says in prose, the delegating model says again."""
    return [part for part in parts if "text" not in part]


def _delegated_results(  # noqa: PLR0913 -- one keyword for each thing that varies
    call: Specification,
    contents: Sequence[Content],
    delegated: Sequence[Json],
    *,
    most: int,
    visible: Callable[[list[Json]], list[Json]],
    retries: int,
) -> Generator[Exchange, None, tuple[list[Json], list[Json]]]:
    """Have delegated tasks done by code execution, so many of them at most.

    Returns:
        The responses to all calls, and the code and media of the answers.
    """
    responses: list[Json] = []
    runs: list[Json] = []
    for number, function_call in enumerate(delegated):
        response: Json = {"error": _NOT_OFFERED}
        if number < most:
            history = [*contents, content_of("user", [{"text": _task_from_call(function_call)}])]
            request = call.request(code=True, functions=[], schema=False, contents=history)
            exchange = Exchange(request, visible, retries)
            try:
                yield from answered(exchange)
            except InvalidRequestError as refusal:
                response = {"error": refusal.message}
            else:
                runs += _code_and_media(exchange.answer)
                cut_off = exchange.cut_off
                error = {"error": f"It was stopped before its end: {cut_off}."} if cut_off else {}
                response = {"output": _output_from_parts(exchange.answer), **error}
        responses.append(_response_to_call(function_call, response))
    return responses, runs


# -- the delegate: the function that stands for code execution where a model takes it beside no functions -------

MOST_DELEGATED: Final[Mapping[str, int]] = MappingProxyType({"ANY": 3, "AUTO": 8})
"""Calls of the delegate in one turn before it is no longer offered, by the mode of the tool choice: where a
function is demanded, the answer is a call, which the delegate only prepares."""

_DESCRIPTION: Final = (
    "Have Python written and run for you, for anything that must be computed exactly: arithmetic, statistics, "
    "dates, text processing, plots. State the whole task with all the values it needs."
)
_TASK: Final = "Write and run Python code for this, and answer from what it prints: "
_DELEGATE_NAMES: Final = ("code_execution", "run_python")


def delegate_function(names: set[str]) -> FunctionDeclaration:
    """The declaration of the delegate, under none of the names of the user's functions."""
    free = (
        name
        for name in chain(_DELEGATE_NAMES, map("code_execution_{}".format, count(2)))
        if name not in names
    )
    parameters = {"type": "object", "properties": {"task": {"type": "string"}}, "required": ["task"]}
    return {"name": next(free), "description": _DESCRIPTION, "parametersJsonSchema": parameters}


def _task_from_call(function_call: Json) -> str:
    """What the request for code says, for a call of the delegate."""
    args = function_call.get("args")
    task = args.get("task") if isinstance(args, dict) else None
    return f"{_TASK}{task or 'Do what the conversation asks for.'}"


def _output_from_parts(parts: Sequence[Json]) -> str:
    """What running code gave, and what was said of it, as the delegate's output."""
    texts = []
    for part in parts:
        if isinstance(result := part.get("codeExecutionResult"), dict):
            texts.append(f"[{result.get('outcome')}] {result.get('output', '')}")
        elif "text" in part and not part.get("thought"):
            texts.append(str(part["text"]))
    return "\n".join(texts)


def _response_to_call(function_call: Json, response: Json) -> Json:
    """The part that answers a call of the delegate."""
    ids = {"id": function_call["id"]} if "id" in function_call else {}
    return {"functionResponse": {"name": function_call.get("name", ""), "response": response, **ids}}


# -- what the answer begins with, and what all requests cost --------------------------------------------------


def _json_begins(call: Specification) -> str:
    """How the JSON begins that a call demands, by the type of its schema; a fence may stand around it."""
    schema = call.config.get("responseJsonSchema") or call.config.get("responseSchema")
    kind = schema.get("type") if isinstance(schema, dict) else None
    return _BRACKETS.get(kind.lower(), "") if isinstance(kind, str) else ""


_BRACKETS: Final = {"object": "{`", "array": "[`"}


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
        self._finished, self._current = summed_usage(self._finished, self._current), {}

    def count(self, chunk: GenerateContentResponse) -> GenerateContentResponse:
        """A chunk with the counts of all requests so far."""
        if not isinstance(chunk, dict):
            raise ResponseFormatError("a response is no JSON object", body=repr(chunk)[:500])
        usage = chunk.get("usageMetadata")
        if not isinstance(usage, dict):
            return chunk
        self._current = {**self._current, **usage}
        if not self._finished:
            return chunk
        return cast(
            "GenerateContentResponse", {**chunk, "usageMetadata": summed_usage(self._finished, self._current)}
        )
