"""What a model call gets, code execution, functions or both: the request to a planner, the plan, its checks."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Final, Literal, Protocol, TypeAlias, get_args, runtime_checkable

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.callbacks.manager import (
    adispatch_custom_event,
    ahandle_event,
    dispatch_custom_event,
    handle_event,
)
from langchain_core.messages import BaseMessage
from langchain_core.runnables import RunnableConfig
from langchain_core.runnables.config import ensure_config, merge_configs, var_child_runnable_config

from langchain_codeexec._steps import arun_steps, run_steps
from langchain_codeexec.errors import CodeExecError, PlanningError
from langchain_codeexec.gemini.capabilities import Destination
from langchain_codeexec.gemini.wire import FunctionDeclaration, ToolConfig

__all__ = [
    "PLAN_EVENT",
    "Combination",
    "Plan",
    "PlanRequest",
    "Planner",
    "Way",
    "aplan_call",
    "areport_plan",
    "checked_plan",
    "inner_call_config",
    "plan_call",
    "report_plan",
]

PLAN_EVENT: Final = "gemini_code_execution_plan"
"""Name of the custom event that tells the plan of a call; its data is `Plan.to_dict()`."""

Way: TypeAlias = Literal["native", "delegated", "one_sided"]
"""How a plan is carried out.

- `native`: code execution and functions in one request;
- `delegated`: functions in the request, one of them standing for code execution, which is carried out by a
  request of its own;
- `one_sided`: only what the plan chose; what the history holds of the other side goes along as text.
"""

Combination: TypeAlias = Literal["auto", "native", "delegated", "one_sided"]
"""How code execution and functions may come together; `auto`: native where both go, else delegated."""


@dataclass(frozen=True)
class PlanRequest:
    """One model call to be planned.

    Attributes:
        messages: The conversation so far, ending on what is to be answered.
        functions: The declared functions.
        destination: The model that is called and where; `None` for another provider's model.
        code_execution: Whether code execution is to be had at all.
        obstacle: Why it is not, where it is not.
        way: How both sides are carried out if the plan is for both.
        tool_choice: The choice among the functions, as the wire has it. No plan overrules it.
        callable_from_code: Names of the agent's tools that code can call, where it runs on an executor.
    """

    messages: Sequence[BaseMessage]
    functions: Sequence[FunctionDeclaration] = ()
    destination: Destination | None = None
    code_execution: bool = True
    way: Way = "native"
    tool_choice: ToolConfig = field(default_factory=ToolConfig)
    obstacle: str = ""
    callable_from_code: tuple[str, ...] = ()

    @cached_property
    def function_names(self) -> tuple[str, ...]:
        """Names of the declared functions, in order."""
        return tuple(str(function.get("name")) for function in self.functions)

    @property
    def mode(self) -> str:
        """What the tool choice demands of functions: AUTO, ANY, NONE or VALIDATED."""
        return self.tool_choice.get("functionCallingConfig", {}).get("mode", "AUTO")

    @property
    def demanded(self) -> tuple[str, ...]:
        """Names of the functions that the tool choice is limited to; empty if it is not."""
        return tuple(self.tool_choice.get("functionCallingConfig", {}).get("allowedFunctionNames") or ())


@dataclass(frozen=True, slots=True)
class Plan:
    """What one model call gets.

    Attributes:
        code_execution: Whether the model may run code.
        functions: Names of the functions it may call.
        way: How that is carried out.
        reason: Why, in one sentence for people.
        callable_from_code: Names of the agent's tools that its code can call.
    """

    code_execution: bool
    functions: tuple[str, ...] = ()
    way: Way = "one_sided"
    reason: str = ""
    callable_from_code: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The plan as JSON, as `response_metadata["plan"]` keeps it."""
        return {
            "code_execution": self.code_execution,
            "functions": list(self.functions),
            "way": self.way,
            "reason": self.reason,
            **({"callable_from_code": list(self.callable_from_code)} if self.callable_from_code else {}),
        }


@runtime_checkable
class Planner(Protocol):
    """Decides what a model call gets."""

    def plan(self, request: PlanRequest) -> Plan:
        """Plan one call."""
        ...

    async def aplan(self, request: PlanRequest) -> Plan:
        """Plan one call without blocking the event loop."""
        ...


def plan_call(request: PlanRequest, planner: Planner) -> Plan:
    """The plan of a call: the planner's where something is left to choose, and never against the tool choice.

    Raises:
        PlanningError: The planner failed, or gave no plan that can be carried out.
    """
    return run_steps(_planning(request, planner), planner.plan)


async def aplan_call(request: PlanRequest, planner: Planner) -> Plan:
    """The plan of a call without blocking the event loop; see `plan_call`."""
    return await arun_steps(_planning(request, planner), planner.aplan)


def _planning(request: PlanRequest, planner: Planner) -> Generator[PlanRequest, object, Plan]:
    """The plan of a call, by what the planner answers where it is asked."""
    if plan := _settled_plan(request):
        return plan
    try:
        with _no_tokens_shown():
            answer = yield request
    except CodeExecError:
        raise
    except Exception as error:
        raise PlanningError(f"the planner {planner!r} failed: {type(error).__name__}: {error}") from error
    return _plan_to_carry_out(answer, request)


def inner_call_config() -> RunnableConfig:
    """The config of a model call that serves another one: traced, but none of its tokens in the user's stream.

    LangGraph leaves out calls with the tag `nostream`, LangChain's agents those with the mark of an internal
    call, which only a loaded `langchain` knows.
    """
    marks = sys.modules.get("langchain.agents.middleware.internal_call_transformer")
    internal = marks.internal_call_metadata() if marks else {}
    return {"tags": ["nostream"], "metadata": {"lc_source": "code_execution", **internal}}


@contextmanager
def _no_tokens_shown() -> Iterator[None]:
    """Have models that a planner of the user's own calls run as inner calls."""
    inner = var_child_runnable_config.set(merge_configs(ensure_config(), inner_call_config()))
    try:
        yield
    finally:
        var_child_runnable_config.reset(inner)


def checked_plan(plan: object, request: PlanRequest) -> Plan:
    """The plan that a planner gave, if it can be carried out; a list of function names in it becomes a tuple.

    Raises:
        PlanningError: It is no plan, has a value of a wrong type, names a function twice or one that is not
            declared, or wants code execution where there is none.
    """
    if not isinstance(plan, Plan):
        raise PlanningError(f"a planner answered {plan!r:.200}; it must answer a Plan")
    problem = _type_problem(plan) or _name_problem(plan, request)
    if problem:
        raise PlanningError(f"this plan cannot be carried out: {problem}")
    return plan if isinstance(plan.functions, tuple) else replace(plan, functions=tuple(plan.functions))


def _settled_plan(request: PlanRequest) -> Plan | None:
    """The plan of a call that leaves nothing to choose; `None` if a planner is to be asked."""
    names = request.function_names
    if not request.code_execution:
        reason = request.obstacle or "code execution is off"
        return Plan(code_execution=False, functions=names, way="native", reason=reason)
    if not names:
        return Plan(code_execution=True, way="native", reason="no functions are declared")
    if request.way == "native":
        return None
    if request.mode == "NONE":
        return Plan(code_execution=True, reason="tool_choice rules the functions out")
    if request.mode == "ANY" and (request.demanded or request.way == "one_sided"):
        reason = f"tool_choice demands {' or '.join(request.demanded) or 'a function'}"
        return Plan(code_execution=False, functions=names, reason=reason)
    return None


def _plan_to_carry_out(plan: object, request: PlanRequest) -> Plan:
    """A planner's plan, checked, with the functions that the tool choice demands.

    A plan for both sides where only one can go gets the functions, which nothing else could stand for.
    """
    plan = checked_plan(plan, request)
    if request.mode == "ANY" or (request.demanded and plan.functions):
        demanded = request.demanded or (() if plan.functions else request.function_names)
        if missing := set(demanded) - set(plan.functions):
            kept = tuple(name for name in request.function_names if name in missing or name in plan.functions)
            reason = f"{plan.reason}; tool_choice demands {', '.join(sorted(missing))}"
            plan = replace(plan, functions=kept, reason=reason)
    if not (plan.code_execution and plan.functions):
        return replace(plan, way="one_sided")
    if request.way == "one_sided":
        reason = f"{plan.reason}; both sides cannot go together"
        return replace(plan, code_execution=False, way="one_sided", reason=reason)
    return replace(plan, way=request.way)


def _type_problem(plan: Any) -> str:
    functions = plan.functions
    if not isinstance(plan.code_execution, bool):
        return f"code_execution must be True or False, not {plan.code_execution!r:.80}"
    if not isinstance(functions, tuple | list) or not all(isinstance(name, str) for name in functions):
        return f"functions must be a tuple of names, not {functions!r:.80}"
    if plan.way not in get_args(Way):
        return f"way must be one of {', '.join(map(repr, get_args(Way)))}, not {plan.way!r:.80}"
    return "" if isinstance(plan.reason, str) else f"reason must be text, not {plan.reason!r:.80}"


def _name_problem(plan: Plan, request: PlanRequest) -> str:
    declared = request.function_names
    unknown = [name for name in plan.functions if name not in declared]
    if unknown:
        known = f"declared are {', '.join(map(repr, declared))}" if declared else "no functions are declared"
        return f"unknown function {unknown[0]!r}; {known}"
    repeated = [name for name, count in Counter(plan.functions).items() if count > 1]
    if repeated:
        return f"function {repeated[0]!r} is named twice"
    if plan.code_execution and not request.code_execution:
        return "it wants code execution, which is switched off for this request"
    return ""


def report_plan(plan: Plan | None, run_manager: CallbackManagerForLLMRun | None) -> None:
    """Tell the callbacks of a run its plan.

    langchain-core gives a streaming model no run manager: the run that called the model is told then, if any.
    """
    if plan is None:
        return
    if run_manager is None:
        with suppress(RuntimeError):  # there is no parent run
            dispatch_custom_event(PLAN_EVENT, plan.to_dict())
    elif run_manager.handlers:
        handle_event(run_manager.handlers, *_EVENT, plan.to_dict(), **_run_of(run_manager))


async def areport_plan(plan: Plan | None, run_manager: AsyncCallbackManagerForLLMRun | None) -> None:
    """Tell the callbacks of a run its plan; see `report_plan`."""
    if plan is None:
        return
    if run_manager is None:
        with suppress(RuntimeError):
            await adispatch_custom_event(PLAN_EVENT, plan.to_dict())
    elif run_manager.handlers:
        await ahandle_event(run_manager.handlers, *_EVENT, plan.to_dict(), **_run_of(run_manager))


def _run_of(run_manager: CallbackManagerForLLMRun | AsyncCallbackManagerForLLMRun) -> dict[str, Any]:
    return {"run_id": run_manager.run_id, "tags": run_manager.tags, "metadata": run_manager.metadata}


_EVENT: Final = ("on_custom_event", "ignore_custom_event", PLAN_EVENT)
