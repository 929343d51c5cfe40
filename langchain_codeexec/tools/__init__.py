"""Code execution as a tool, for any agent and any model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from langchain_codeexec._lazy import lazy_exports

if TYPE_CHECKING:
    from langchain_codeexec.tools.code_execution import CodeExecutionTool
    from langchain_codeexec.tools.python import PythonTool

__all__ = ["CodeExecutionTool", "PythonTool"]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "code_execution": ["CodeExecutionTool"],
        "python": ["PythonTool"],
    },
)
