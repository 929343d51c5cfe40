"""Gemini code execution for LangChain."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from langchain_codeexec.executions import (
        CodeExecution,
        ExecutionRequest,
        ExecutionResult,
        InlineFile,
        Outcome,
    )

__all__ = ["CodeExecution", "ExecutionRequest", "ExecutionResult", "InlineFile", "Outcome"]

_ROOMS = {
    "CodeExecution": "executions",
    "ExecutionRequest": "executions",
    "ExecutionResult": "executions",
    "InlineFile": "executions",
    "Outcome": "executions",
}


def __getattr__(name: str) -> Any:
    """Import a public name on first use, so that importing the package costs nothing."""
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_ROOMS[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
