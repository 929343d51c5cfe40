"""Runs of model-written code: one shape for all, and reading them out of any provider's message."""

from langchain_codeexec.executions.reading import code_executions
from langchain_codeexec.executions.records import (
    CodeExecution,
    ExecutionRequest,
    ExecutionResult,
    InlineFile,
    Outcome,
)

__all__ = ["CodeExecution", "ExecutionRequest", "ExecutionResult", "InlineFile", "Outcome", "code_executions"]
