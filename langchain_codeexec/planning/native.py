"""Leaving the choice to the model: both sides are offered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from langchain_codeexec.planning.plan import Plan

if TYPE_CHECKING:
    from langchain_codeexec.planning.plan import PlanRequest

__all__ = ["NativePlanner"]


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
