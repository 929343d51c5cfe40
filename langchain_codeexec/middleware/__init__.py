"""Code execution in `langchain.agents.create_agent`, with any chat model."""

from __future__ import annotations

from langchain_codeexec.errors import MissingDependencyError

try:
    import langchain.agents.middleware  # noqa: F401 -- an optional library
except ModuleNotFoundError as error:
    raise MissingDependencyError("langchain", "agents") from error

from langchain_codeexec.middleware.code_execution import CodeExecutionMiddleware, CodeExecutionState
from langchain_codeexec.middleware.documents import DocumentCalculationMiddleware
from langchain_codeexec.middleware.limits import ExecutionLimitsMiddleware
from langchain_codeexec.middleware.outputs import OutputsMiddleware, OutputsState
from langchain_codeexec.middleware.policy import ExecutionPolicyMiddleware
from langchain_codeexec.middleware.verification import VerificationMiddleware

__all__ = [
    "CodeExecutionMiddleware",
    "CodeExecutionState",
    "DocumentCalculationMiddleware",
    "ExecutionLimitsMiddleware",
    "ExecutionPolicyMiddleware",
    "OutputsMiddleware",
    "OutputsState",
    "VerificationMiddleware",
]
