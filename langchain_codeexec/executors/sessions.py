"""Running in a session from a coroutine, whoever made the session."""

from __future__ import annotations

from typing import TYPE_CHECKING

from langchain_codeexec.executors.base import AsyncExecutorSession
from langchain_codeexec.executors.waiting import in_thread

if TYPE_CHECKING:
    from langchain_codeexec.executions import ExecutionRequest, ExecutionResult
    from langchain_codeexec.executors.base import ExecutorSession

__all__ = ["arun_in"]


async def arun_in(session: ExecutorSession, request: ExecutionRequest) -> ExecutionResult:
    """Run a program in a session without blocking the event loop.

    Cancelling the task kills the run; in a session that only has `run` it waits for the run's end.

    Raises:
        ExecutorError: The sandbox itself is broken.
    """
    if isinstance(session, AsyncExecutorSession):
        return await session.arun(request)
    return await in_thread(lambda: session.run(request), cancel=lambda: None)
