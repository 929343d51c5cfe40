"""What sessions of every executor have in common: runs from a coroutine, and files that stay."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from langchain_codeexec.executors.base import AsyncExecutorSession
from langchain_codeexec.executors.carrying import named_files
from langchain_codeexec.executors.waiting import in_thread

if TYPE_CHECKING:
    from collections.abc import Mapping

    from langchain_codeexec.executions import ExecutionRequest, ExecutionResult, InlineFile
    from langchain_codeexec.executors.base import ExecutorSession

__all__ = ["arun_in", "files_of", "with_files"]


async def arun_in(session: ExecutorSession, request: ExecutionRequest) -> ExecutionResult:
    """Run a program in a session without blocking the event loop.

    Cancelling the task kills the run; in a session that only has `run` it waits for the run's end.

    Raises:
        ExecutorError: The sandbox itself is broken.
    """
    if isinstance(session, AsyncExecutorSession):
        return await session.arun(request)
    return await in_thread(lambda: session.run(request), cancel=lambda: None)


def files_of(request: ExecutionRequest) -> dict[str, InlineFile]:
    """The files of a request by the names its program finds them under.

    Raises:
        ExecutionRequestError: A file's name is not a plain file name, or two files have the same.
    """
    named = zip(request.files, named_files(request.files), strict=True)
    return {name: replace(file, name=name) for file, (name, _) in named}


def with_files(request: ExecutionRequest, earlier: Mapping[str, InlineFile]) -> ExecutionRequest:
    """A request with files of earlier ones; its own take the place of those with the same name.

    Raises:
        ExecutionRequestError: A file's name is not a plain file name, or two files have the same.
    """
    return replace(request, files=tuple({**earlier, **files_of(request)}.values())) if earlier else request
