"""Gemini code execution for LangChain."""

from __future__ import annotations

from typing import TYPE_CHECKING

from langchain_codeexec._lazy import lazy_exports

if TYPE_CHECKING:
    from langchain_codeexec.chat_model import ChatGeminiCodeExecution
    from langchain_codeexec.data.files import data_message
    from langchain_codeexec.errors import CodeExecError
    from langchain_codeexec.executions import CodeExecution, ExecutionRequest
    from langchain_codeexec.grounding.calculation import DocumentCalculation
    from langchain_codeexec.grounding.verification import verify_executions
    from langchain_codeexec.messages.code_blocks import code_executions
    from langchain_codeexec.middleware.code_execution import CodeExecutionMiddleware
    from langchain_codeexec.sandbox.local import LocalSandbox
    from langchain_codeexec.tools.code_execution import CodeExecutionTool
    from langchain_codeexec.tools.python import PythonTool

__all__ = [
    "ChatGeminiCodeExecution",
    "CodeExecError",
    "CodeExecution",
    "CodeExecutionMiddleware",
    "CodeExecutionTool",
    "DocumentCalculation",
    "ExecutionRequest",
    "LocalSandbox",
    "PythonTool",
    "__version__",
    "code_executions",
    "data_message",
    "verify_executions",
]

__version__ = "0.1.0"

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "chat_model": ["ChatGeminiCodeExecution"],
        "data.files": ["data_message"],
        "errors": ["CodeExecError"],
        "executions": ["ExecutionRequest", "CodeExecution"],
        "grounding.calculation": ["DocumentCalculation"],
        "grounding.verification": ["verify_executions"],
        "messages.code_blocks": ["code_executions"],
        "middleware.code_execution": ["CodeExecutionMiddleware"],
        "sandbox.local": ["LocalSandbox"],
        "tools.code_execution": ["CodeExecutionTool"],
        "tools.python": ["PythonTool"],
    },
)
