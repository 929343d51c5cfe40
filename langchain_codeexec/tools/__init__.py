"""Code execution as a tool, for any agent and any model."""

from langchain_codeexec.tools.code_execution import CodeExecutionTool
from langchain_codeexec.tools.local import LocalCodeExecutionTool

__all__ = ["CodeExecutionTool", "LocalCodeExecutionTool"]
