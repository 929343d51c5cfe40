"""When a planner is asked at all, which one, and what comes of its answer."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal, TypeAlias

from langchain_codeexec.planning.custom import checked_plan
from langchain_codeexec.planning.native import NativePlanner
from langchain_codeexec.planning.plan import Plan, PlanRequest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from langchain_core.messages import BaseMessage

    from langchain_codeexec.planning.plan import Planner, Way
    from langchain_codeexec.translation.drafts import Draft

__all__ = ["Combination", "as_carried_out", "planned_without_asking", "planner_for", "request_for"]

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


def planner_for(request: PlanRequest, planner: Planner | None) -> Planner:
    """The user's planner; else the model decides where the request can hold both sides, and rules elsewhere."""
    if planner is not None:
        return planner
    if request.way == "native":
        return NativePlanner()
    from langchain_codeexec.planning.rules import RulePlanner  # noqa: PLC0415 -- where both fit, none is needed

    return RulePlanner()


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
