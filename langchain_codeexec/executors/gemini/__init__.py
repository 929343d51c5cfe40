"""Given programs, run by Gemini's own code execution."""

from langchain_codeexec.executors.gemini.executor import GeminiExecutor, GeminiSession

__all__ = ["GeminiExecutor", "GeminiSession"]
