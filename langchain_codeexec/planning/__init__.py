"""Choosing between code execution and functions, and saying why.

By default nothing is withheld and the called model chooses (`NativePlanner`). Whoever wants a narrower request
gives a function of a `PlanRequest` or a `ModelPlanner`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from langchain_codeexec._lazy import lazy_exports

if TYPE_CHECKING:
    from langchain_codeexec.planning.model_planner import ModelPlanner
    from langchain_codeexec.planning.plan import Plan, Planner, PlanRequest, Way
    from langchain_codeexec.planning.planners import NativePlanner, PlannerFunction

__all__ = ["ModelPlanner", "NativePlanner", "Plan", "PlanRequest", "Planner", "PlannerFunction", "Way"]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "model_planner": ["ModelPlanner"],
        "plan": ["Plan", "PlanRequest", "Planner", "Way"],
        "planners": ["NativePlanner", "PlannerFunction"],
    },
)
