"""Choosing between code execution and functions, and saying why."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

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

_ROOM_OF = {
    "ModelPlanner": "model",
    "NativePlanner": "native",
    "PlannerFunction": "custom",
    "RulePlanner": "rules",
    "checked_plan": "custom",
    "planner": "custom",
}


def __getattr__(name: str) -> Any:
    """Import a public name on first use."""
    if name not in _ROOM_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_ROOM_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
