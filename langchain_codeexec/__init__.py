"""Gemini code execution for LangChain."""

from __future__ import annotations

from typing import TYPE_CHECKING

from langchain_codeexec.lazy import lazy_exports

if TYPE_CHECKING:
    from langchain_codeexec.chat_models import ChatGeminiCodeExecution
    from langchain_codeexec.errors import CodeExecError
    from langchain_codeexec.executions import (
        CodeExecution,
        ExecutionRequest,
        ExecutionResult,
        InlineFile,
        Outcome,
        code_executions,
    )
    from langchain_codeexec.executors.failover import FailoverExecutor
    from langchain_codeexec.executors.process import ProcessExecutor
    from langchain_codeexec.executors.sandbox import LocalSandbox
    from langchain_codeexec.gemini.genai import GenAITransport
    from langchain_codeexec.gemini.rest import RestTransport
    from langchain_codeexec.middleware import CodeExecutionMiddleware
    from langchain_codeexec.tools import CodeExecutionTool

__all__ = [
    "ChatGeminiCodeExecution",
    "CodeExecError",
    "CodeExecution",
    "CodeExecutionMiddleware",
    "CodeExecutionTool",
    "ExecutionRequest",
    "ExecutionResult",
    "FailoverExecutor",
    "GenAITransport",
    "InlineFile",
    "LocalSandbox",
    "Outcome",
    "ProcessExecutor",
    "RestTransport",
    "code_executions",
]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "chat_models": ["ChatGeminiCodeExecution"],
        "errors": ["CodeExecError"],
        "executions": [
            "CodeExecution",
            "ExecutionRequest",
            "ExecutionResult",
            "InlineFile",
            "Outcome",
            "code_executions",
        ],
        "executors.failover": ["FailoverExecutor"],
        "executors.process": ["ProcessExecutor"],
        "executors.sandbox": ["LocalSandbox"],
        "gemini.genai": ["GenAITransport"],
        "gemini.rest": ["RestTransport"],
        "middleware": ["CodeExecutionMiddleware"],
        "tools": ["CodeExecutionTool"],
    },
)
