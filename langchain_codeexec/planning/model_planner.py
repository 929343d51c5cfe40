"""Having a chat model choose, by structured output: the prompt, and the plan that its answer stands for."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator
from dataclasses import replace
from typing import Any, Final

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage, HumanMessage, SystemMessage
from langchain_core.runnables import Runnable
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from langchain_codeexec._steps import arun_steps, run_steps
from langchain_codeexec.errors import PlanningError
from langchain_codeexec.gemini.wire import FunctionDeclaration
from langchain_codeexec.messages.code_blocks import code_executions
from langchain_codeexec.messages.media import is_media, text_of
from langchain_codeexec.planning.plan import Plan, PlanRequest, checked_plan, inner_call_config
from langchain_codeexec.planning.planners import NativePlanner

__all__ = ["ModelPlanner"]

_RULE: Final = """\
You decide what an assistant gets for its next step. Do not answer the user.

- code_execution: it may run Python in a sandbox with numpy, pandas, sympy and matplotlib, without network, \
files of the user's or installs. Right for whatever can be computed from what the conversation gives.
- functions: it may call the functions listed, which run on the user's side. Right where the user's own data, \
actions or the outside world are needed. Choose only names from the list, all that the next step needs.
- neither: for small talk, general knowledge, or when an argument must first be asked for.

{both} Calls that are answered need not be made again: if only computing is left, choose code execution."""
_ONE: Final = "Choose one of the two, never both."
_BOTH: Final = "Choose both only if the next step needs both."

_LAST_MESSAGES: Final = 8
_LONGEST_TEXT: Final = 1500
_LONGEST_DESCRIPTION: Final = 300


def _planning_prompt(request: PlanRequest) -> list[BaseMessage]:
    """The messages that ask a model for a plan; they show the end of the conversation."""
    functions = "\n".join(map(_signature, request.functions))
    conversation = "\n".join(
        line for message in request.messages[-_LAST_MESSAGES:] for line in _lines(message)
    )
    rule = _RULE.format(both=_ONE if request.way == "one_sided" else _BOTH)
    return [
        SystemMessage(rule),
        HumanMessage(
            f"Functions:\n{functions}\n\nEnd of the conversation:\n{conversation}\n\n"
            "What does the assistant get for its next step?"
        ),
    ]


def _signature(function: FunctionDeclaration) -> str:
    """One line on a function: its name, parameters (`?` marks optional ones) and description."""
    declared: Any = function
    schema = declared.get("parametersJsonSchema") or declared.get("parameters")
    schema = schema if isinstance(schema, dict) else {}
    properties = schema.get("properties")
    required = schema.get("required") or ()
    names = properties if isinstance(properties, dict) else {}
    parameters = ", ".join(name if name in required else f"{name}?" for name in names)
    description = _short(str(declared.get("description") or ""), _LONGEST_DESCRIPTION)
    return f"- {declared.get('name')}({parameters}): {description}"


def _lines(message: BaseMessage) -> Iterator[str]:
    blocks = message.content if isinstance(message.content, list) else [message.content]
    if text := _short("\n".join(filter(None, map(text_of, blocks)))):
        yield f"{message.type}: {text}"
    for block in blocks:
        if isinstance(block, dict) and is_media(block):
            yield f"{message.type}: [attached {block['type']}]"
    for call in getattr(message, "tool_calls", None) or ():
        arguments = _short(json.dumps(call.get("args"), default=str))
        yield f"{message.type}: [calls {call.get('name')}({arguments})]"
    for run in code_executions(message):
        outcome = run.outcome or "no result"
        yield f"{message.type}: [ran code: {_short(run.code)} -> {outcome}: {_short(run.output or '')}]"


def _short(text: str, longest: int = _LONGEST_TEXT) -> str:
    """A text in one line, its middle left out if it is long."""
    flat = " ".join(text.split())
    half = longest // 2
    return flat if len(flat) <= longest else f"{flat[:half]} … {flat[-half:]}"


class PlanChoice(BaseModel):
    """What the assistant gets for its next step."""

    model_config = ConfigDict(extra="ignore", strict=True)

    code_execution: bool = Field(description="Whether it needs to run Python.")
    functions: list[str] = Field(
        default_factory=list, description="Names of the functions it needs; empty for none."
    )
    reason: str = Field(default="", description="Why, in one short sentence.")


class ModelPlanner:
    """Has a chat model choose; where it cannot, everything is offered.

    Whatever goes wrong (the model cannot be reached or has no structured output, its answer has another shape,
    names functions that are not declared or wants both sides where only one can go), the plan withholds nothing,
    and its reason says what went wrong.

    Args:
        llm: Any LangChain chat model with structured output; a small, fast one will do. One of this package
            should have its own code execution off, which would take a second request.
    """

    def __init__(self, llm: BaseChatModel) -> None:
        self._llm = llm

    def __repr__(self) -> str:
        return f"ModelPlanner({type(self._llm).__name__})"

    def plan(self, request: PlanRequest) -> Plan:
        """Plan one call, by a request to the model."""
        return run_steps(self._steps(request), lambda step: step[0].invoke(step[1], inner_call_config()))

    async def aplan(self, request: PlanRequest) -> Plan:
        """Plan one call, by a request to the model, without blocking the event loop."""
        return await arun_steps(
            self._steps(request), lambda step: step[0].ainvoke(step[1], inner_call_config())
        )

    def _steps(self, request: PlanRequest) -> Generator[tuple[Runnable[Any, Any], Any], Any, Plan]:
        """Yields the model and what to ask it."""
        try:
            answer = yield self._llm.with_structured_output(PlanChoice), _planning_prompt(request)
            return _plan_of(answer, request)
        except Exception as error:  # noqa: BLE001 -- whatever a model raises, the call must still be planned
            return _everything(request, error)


def _plan_of(answer: Any, request: PlanRequest) -> Plan:
    """The plan that a structured answer stands for.

    Raises:
        PlanningError: It stands for none.
    """
    if answer is None:
        raise PlanningError("it gave no structured answer")
    try:
        choice = answer if isinstance(answer, PlanChoice) else PlanChoice.model_validate(answer)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "answer"
        raise PlanningError(f"its answer is malformed: {place}: {first['msg']}") from error
    if choice.code_execution and choice.functions and request.way == "one_sided":
        raise PlanningError("it chose both sides, and only one can go")
    functions = tuple(dict.fromkeys(choice.functions))
    why = " ".join(choice.reason.split())[:_LONGEST_REASON]
    reason = f"the model chose: {why}" if why else "the model chose so"
    return checked_plan(Plan(choice.code_execution, functions, request.way, reason), request)


def _everything(request: PlanRequest, error: Exception) -> Plan:
    why = " ".join(str(error).split())[:_LONGEST_REASON] or type(error).__name__
    plan = NativePlanner().plan(request)
    return replace(plan, reason=f"{plan.reason}, as the planning model failed: {why}")


_LONGEST_REASON: Final = 300
