"""The planner that goes by rules, without asking a model."""

from langchain_codeexec.planning.rules.planner import RulePlanner

__all__ = ["RulePlanner"]
