"""Gemini code execution for LangChain."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

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
    from langchain_codeexec.executors.process import ProcessExecutor
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
    "GenAITransport",
    "InlineFile",
    "Outcome",
    "ProcessExecutor",
    "RestTransport",
    "code_executions",
]

_ROOMS = {
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
    "executors.process": ["ProcessExecutor"],
    "gemini.genai": ["GenAITransport"],
    "gemini.rest": ["RestTransport"],
    "middleware": ["CodeExecutionMiddleware"],
    "tools": ["CodeExecutionTool"],
}
_ROOM_OF = {name: room for room, names in _ROOMS.items() for name in names}


def __getattr__(name: str) -> Any:
    """Import a public name on first use, so that importing the package costs nothing."""
    if name not in _ROOM_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_ROOM_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
