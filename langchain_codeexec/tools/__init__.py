"""Code execution as a tool, for any agent and any model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from langchain_codeexec.lazy import lazy_exports

if TYPE_CHECKING:
    from langchain_codeexec.tools.code_execution import CodeExecutionTool
    from langchain_codeexec.tools.local import LocalCodeExecutionTool

__all__ = ["CodeExecutionTool", "LocalCodeExecutionTool"]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "code_execution": ["CodeExecutionTool"],
        "local": ["LocalCodeExecutionTool"],
    },
)
