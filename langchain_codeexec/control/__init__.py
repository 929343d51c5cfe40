"""In control of what runs: limits, policies, audit, cost and tracing of executions, wherever they run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from langchain_codeexec._lazy import lazy_exports

if TYPE_CHECKING:
    from langchain_codeexec.control.policy import ExecutionPolicy, Finding, PolicyDecision
    from langchain_codeexec.control.program import ParsedProgram, Use

__all__ = ["ExecutionPolicy", "Finding", "ParsedProgram", "PolicyDecision", "Use"]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {"policy": ["ExecutionPolicy", "Finding", "PolicyDecision"], "program": ["ParsedProgram", "Use"]},
)
