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
    from langchain_codeexec.executors.gemini import GeminiExecutor
    from langchain_codeexec.executors.process import ProcessExecutor
    from langchain_codeexec.executors.sandbox import LocalSandbox
    from langchain_codeexec.gemini.genai import GenAITransport
    from langchain_codeexec.gemini.rest import RestTransport
    from langchain_codeexec.grounding import DocumentCalculation
    from langchain_codeexec.inputs import data_files, data_message
    from langchain_codeexec.middleware import (
        CodeExecutionMiddleware,
        DocumentCalculationMiddleware,
        OutputsMiddleware,
        VerificationMiddleware,
    )
    from langchain_codeexec.outputs import FileSystemSink, FolderSink, save_outputs
    from langchain_codeexec.tools import CodeExecutionTool, LocalCodeExecutionTool
    from langchain_codeexec.verification import verify_executions

__all__ = [
    "ChatGeminiCodeExecution",
    "CodeExecError",
    "CodeExecution",
    "CodeExecutionMiddleware",
    "CodeExecutionTool",
    "DocumentCalculation",
    "DocumentCalculationMiddleware",
    "ExecutionRequest",
    "ExecutionResult",
    "FailoverExecutor",
    "FileSystemSink",
    "FolderSink",
    "GeminiExecutor",
    "GenAITransport",
    "InlineFile",
    "LocalCodeExecutionTool",
    "LocalSandbox",
    "Outcome",
    "OutputsMiddleware",
    "ProcessExecutor",
    "RestTransport",
    "VerificationMiddleware",
    "code_executions",
    "data_files",
    "data_message",
    "save_outputs",
    "verify_executions",
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
        "executors.gemini": ["GeminiExecutor"],
        "executors.process": ["ProcessExecutor"],
        "executors.sandbox": ["LocalSandbox"],
        "gemini.genai": ["GenAITransport"],
        "gemini.rest": ["RestTransport"],
        "grounding": ["DocumentCalculation"],
        "inputs": ["data_files", "data_message"],
        "middleware": [
            "CodeExecutionMiddleware",
            "DocumentCalculationMiddleware",
            "OutputsMiddleware",
            "VerificationMiddleware",
        ],
        "outputs": ["FileSystemSink", "FolderSink", "save_outputs"],
        "tools": ["CodeExecutionTool", "LocalCodeExecutionTool"],
        "verification": ["verify_executions"],
    },
)
