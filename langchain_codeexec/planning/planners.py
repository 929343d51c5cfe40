"""A planner of one's own out of a plain function, and the check that every plan passes.

Leaving the choice to the model: both sides are offered.

When a planner is asked at all, which one, and what comes of its answer.
"""

from __future__ import annotations

import asyncio
import inspect
from collections import Counter
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, get_args

from langchain_codeexec.errors import PlanningError
from langchain_codeexec.planning.plan import Plan, PlanRequest, Way

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from langchain_core.messages import BaseMessage

    from langchain_codeexec.planning.plan import Planner
    from langchain_codeexec.planning.specification import Draft

__all__ = [
    "Choice",
    "Combination",
    "NativePlanner",
    "PlannerFunction",
    "as_carried_out",
    "checked_plan",
    "planned_without_asking",
    "planner",
    "planner_for",
    "request_for",
]

Choice: TypeAlias = Literal["code_execution", "functions", "both", "neither"]
"""A plan in one word: `functions` and `both` mean all declared functions."""

_SIDES: Final[Mapping[str, tuple[bool, bool]]] = MappingProxyType(
    {
        "code_execution": (True, False),
        "functions": (False, True),
        "both": (True, True),
        "neither": (False, False),
    }
)
_WAYS: Final = get_args(Way)


class PlannerFunction:
    """A planner that asks a function.

    Args:
        function: Takes a `PlanRequest` and gives a `Plan` or a `Choice`. It may be a coroutine function; where
            `plan` is called instead of `aplan` it then runs in an event loop of its own.

    Examples:
        >>> @planner
        ... def by_digits(request: PlanRequest) -> str:
        ...     return "code_execution" if any(map(str.isdigit, request.messages[-1].text)) else "functions"
    """

    def __init__(
        self, function: Callable[[PlanRequest], Plan | Choice | str | Awaitable[Plan | Choice | str]]
    ) -> None:
        self._function = function
        self.__doc__ = function.__doc__
        self._name = getattr(function, "__name__", type(function).__name__)

    def __repr__(self) -> str:
        return f"PlannerFunction({self._name})"

    def plan(self, request: PlanRequest) -> Plan:
        """Plan one call.

        Raises:
            PlanningError: The function gave no usable plan, or it is a coroutine function and an event loop
                is running (call `aplan` there).
        """
        answer = self._function(request)
        if inspect.isawaitable(answer):
            answer = _waited_for(answer, self._name)
        return self._checked(answer, request)

    async def aplan(self, request: PlanRequest) -> Plan:
        """Plan one call without blocking the event loop; a plain function runs in it, so keep that short.

        Raises:
            PlanningError: The function gave no usable plan.
        """
        answer = self._function(request)
        if inspect.isawaitable(answer):
            answer = await answer
        return self._checked(answer, request)

    def _checked(self, answer: object, request: PlanRequest) -> Plan:
        if not isinstance(answer, str):
            return checked_plan(answer, request)
        if answer not in _SIDES:
            raise PlanningError(
                f"{self._name} chose {answer!r}; it may choose {', '.join(map(repr, _SIDES))}"
            )
        code_execution, functions = _SIDES[answer]
        return Plan(
            code_execution=code_execution and request.code_execution,
            functions=request.function_names if functions else (),
            way=request.way,
            reason=f"{self._name} chose {answer.replace('_', ' ')}",
        )


def planner(function: Callable[[PlanRequest], Any]) -> PlannerFunction:
    """Make a planner of a function; also a decorator."""
    return PlannerFunction(function)


def checked_plan(plan: object, request: PlanRequest) -> Plan:
    """The plan, if it can be carried out for the request.

    Args:
        plan: What a planner answered.
        request: What it was asked.

    Returns:
        The same plan; a list of function names in it becomes a tuple.

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


def _type_problem(plan: Any) -> str:
    functions = plan.functions
    if not isinstance(plan.code_execution, bool):
        return f"code_execution must be True or False, not {plan.code_execution!r:.80}"
    if not isinstance(functions, tuple | list) or not all(isinstance(name, str) for name in functions):
        return f"functions must be a tuple of names, not {functions!r:.80}"
    if plan.way not in _WAYS:
        return f"way must be one of {', '.join(map(repr, _WAYS))}, not {plan.way!r:.80}"
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


def _waited_for(answer: Awaitable[Any], name: str) -> Any:
    async def wait() -> Any:
        return await answer

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(wait())
    if inspect.iscoroutine(answer):
        answer.close()
    raise PlanningError(f"{name} is a coroutine function and an event loop is running; call aplan instead")


class NativePlanner:
    """Plans for all there is: code execution and every function, carried out in the request's way."""

    def plan(self, request: PlanRequest) -> Plan:
        """Plan one call."""
        names = request.function_names
        offered = ["code execution"] * request.code_execution + ["all functions"] * bool(names)
        what = " and ".join(offered) or "nothing"
        return Plan(request.code_execution, names, request.way, f"the model chooses; it is offered {what}")

    async def aplan(self, request: PlanRequest) -> Plan:
        """Plan one call."""
        return self.plan(request)


Combination: TypeAlias = Literal["auto", "native", "delegated", "one_sided"]
"""How code execution and functions may come together; `auto` is native where the service allows it."""


def planned_without_asking(draft: Draft) -> Plan | None:
    """The plan of a call that leaves nothing to choose; `None` if a planner is to be asked."""
    names = tuple(str(function.get("name")) for function in draft.functions)
    if not names:
        reason = "no functions are declared" if draft.wants_code else "no tools are declared"
        return Plan(draft.wants_code, (), "native", reason)
    if not draft.wants_code:
        return Plan(code_execution=False, functions=names, way="native", reason="code execution is off")
    if not draft.accepts.code_with_functions and draft.choice_mode == "ANY":
        return Plan(code_execution=False, functions=names, reason="tool_choice demands a function")
    return None


def request_for(draft: Draft, messages: Sequence[BaseMessage], combination: Combination) -> PlanRequest:
    """What a planner is asked about a call."""
    return PlanRequest(
        messages=messages,
        tools=draft.tools,
        model=draft.model,
        endpoint=draft.endpoint,
        code_execution=draft.wants_code,
        way=_way(draft, combination),
    )


def planner_for(planner: Planner | None) -> Planner:
    """The user's planner; else everything is offered and the model decides."""
    return NativePlanner() if planner is None else planner


def _way(draft: Draft, combination: Combination) -> Way:
    if combination != "auto":
        return combination
    return "native" if draft.accepts.code_with_functions else "delegated"


def as_carried_out(plan: Plan, request: PlanRequest) -> Plan:
    """A planner's answer as it is carried out.

    A plan for both sides where only one can go gets the functions, which nothing else could stand for.

    Raises:
        PlanningError: It is no plan, or names functions that are not declared.
    """
    plan = checked_plan(plan, request)
    if plan.code_execution and plan.functions:
        plan = replace(plan, way=request.way)
        if request.way == "one_sided":
            return replace(plan, code_execution=False, reason=f"{plan.reason}; both sides cannot go together")
    return plan
