"""Choosing between code execution and functions, and saying why."""

from langchain_codeexec.planning.plan import Plan, Planner, PlanRequest, Way

__all__ = ["Plan", "PlanRequest", "Planner", "Way"]
