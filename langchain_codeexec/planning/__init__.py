"""Choosing between code execution and functions, and saying why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from langchain_codeexec.lazy import lazy_exports
from langchain_codeexec.planning.plan import Plan, Planner, PlanRequest, Way

if TYPE_CHECKING:
    from langchain_codeexec.planning.custom import PlannerFunction, checked_plan, planner
    from langchain_codeexec.planning.model import ModelPlanner
    from langchain_codeexec.planning.native import NativePlanner
    from langchain_codeexec.planning.rules import RulePlanner

__all__ = [
    "ModelPlanner",
    "NativePlanner",
    "Plan",
    "PlanRequest",
    "Planner",
    "PlannerFunction",
    "RulePlanner",
    "Way",
    "checked_plan",
    "planner",
]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "custom": ["PlannerFunction", "checked_plan", "planner"],
        "model": ["ModelPlanner"],
        "native": ["NativePlanner"],
        "rules": ["RulePlanner"],
    },
)
