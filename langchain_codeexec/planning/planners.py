"""Planners: everything offered, which is the default, and a function of one's own."""

from __future__ import annotations

import asyncio
import inspect
import reprlib
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Any, Final, Literal, TypeAlias

from langchain_codeexec.errors import ConfigurationError, PlanningError
from langchain_codeexec.planning.plan import Plan, Planner, PlanRequest, checked_plan

__all__ = ["Choice", "NativePlanner", "PlannerFunction", "checked_planner"]

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


class NativePlanner:
    """Plans for all there is, code execution and every function: the called model chooses."""

    def __repr__(self) -> str:
        return "NativePlanner()"

    def plan(self, request: PlanRequest) -> Plan:
        """Plan one call."""
        offered = [
            *(["code execution"] if request.code_execution else []),
            *(["all functions"] if request.functions else []),
        ]
        reason = f"the model chooses; it is offered {' and '.join(offered) or 'nothing'}"
        return Plan(request.code_execution, request.function_names, request.way, reason)

    async def aplan(self, request: PlanRequest) -> Plan:
        """Plan one call."""
        return self.plan(request)


class PlannerFunction:
    """A planner made of a function; wherever a planner is taken, the function itself is taken as well.

    Args:
        function: Takes a `PlanRequest` and gives a `Plan` or a `Choice`. It may be a coroutine function; where
            `plan` is called instead of `aplan` it then runs in an event loop of its own.

    Examples:
        >>> def by_digits(request: PlanRequest) -> str:
        ...     return "code_execution" if any(map(str.isdigit, request.messages[-1].text)) else "both"
        >>> llm = ChatGeminiCodeExecution(model="gemini-2.5-flash", planner=by_digits)  # doctest: +SKIP
    """

    def __init__(
        self, function: Callable[[PlanRequest], Plan | Choice | str | Awaitable[Plan | Choice | str]]
    ) -> None:
        self._function = function
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
            answer = _result_of(answer, self._name)
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
        if isinstance(answer, Plan):
            return checked_plan(answer, request)
        if not isinstance(answer, str) or answer not in _SIDES:
            raise PlanningError(
                f"{self._name} chose {answer!r:.200}; it may choose {', '.join(map(repr, _SIDES))} or give a Plan"
            )
        code_execution, functions = _SIDES[answer]
        return Plan(
            code_execution=code_execution and request.code_execution,
            functions=request.function_names if functions else (),
            way=request.way,
            reason=f"{self._name} chose {answer.replace('_', ' ')}",
        )


def checked_planner(planner: Any) -> Planner:
    """The planner that a setting stands for: a `Planner`, a function of a `PlanRequest`, or the default.

    Raises:
        ConfigurationError: It is none of these.
    """
    if planner is None:
        return NativePlanner()
    function: Any = planner
    if not isinstance(planner, type):
        if isinstance(planner, Planner):
            return planner
        if callable(planner) and not hasattr(planner, "invoke"):
            return PlannerFunction(function)
    remedy = (
        "ModelPlanner(llm) lets a chat model plan" if hasattr(planner, "bind_tools") else "pass an instance"
    )
    raise ConfigurationError(
        f"planner={reprlib.repr(planner)} is no planner: it needs plan() and aplan(), or is a function that takes "
        f"a PlanRequest and gives a Plan or one of {', '.join(map(repr, _SIDES))}; {remedy}"
    )


def _result_of(answer: Awaitable[Any], name: str) -> Any:
    async def wait() -> Any:
        return await answer

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(wait())
    if inspect.iscoroutine(answer):
        answer.close()
    raise PlanningError(f"{name} is a coroutine function and an event loop is running; call aplan instead")
