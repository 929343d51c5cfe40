"""Code execution as a tool, for any agent and any model."""

from langchain_codeexec.tools.code_execution import CodeExecutionTool

__all__ = ["CodeExecutionTool"]
