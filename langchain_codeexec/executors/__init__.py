"""Where model-written code can run besides Google's servers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from langchain_codeexec._lazy import lazy_exports

if TYPE_CHECKING:
    from langchain_codeexec.executors.agent_engine import AgentEngineExecutor
    from langchain_codeexec.executors.base import AsyncExecutorSession, CodeExecutor, ExecutorSession
    from langchain_codeexec.executors.failover import FailoverExecutor
    from langchain_codeexec.executors.gemini import GeminiExecutor
    from langchain_codeexec.executors.managed import BackendExecutor
    from langchain_codeexec.executors.process import ProcessExecutor

__all__ = [
    "AgentEngineExecutor",
    "AsyncExecutorSession",
    "BackendExecutor",
    "CodeExecutor",
    "ExecutorSession",
    "FailoverExecutor",
    "GeminiExecutor",
    "ProcessExecutor",
]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "agent_engine": ["AgentEngineExecutor"],
        "base": ["CodeExecutor", "ExecutorSession", "AsyncExecutorSession"],
        "failover": ["FailoverExecutor"],
        "gemini": ["GeminiExecutor"],
        "managed": ["BackendExecutor"],
        "process": ["ProcessExecutor"],
    },
)
