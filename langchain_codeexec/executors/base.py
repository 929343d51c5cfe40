"""What every place that runs code has in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from langchain_codeexec.errors import ConfigurationError

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from langchain_codeexec.executions import ExecutionRequest, ExecutionResult

__all__ = ["AsyncExecutorSession", "CodeExecutor", "ExecutorSession", "checked_executor"]


@runtime_checkable
class ExecutorSession(Protocol):
    """Runs that share their state: variables, imports and files of one run are there in the next."""

    def run(self, request: ExecutionRequest) -> ExecutionResult:
        """Run a program after those that ran in this session before.

        Raises:
            ExecutorError: The sandbox itself is broken.
        """
        ...


@runtime_checkable
class AsyncExecutorSession(ExecutorSession, Protocol):
    """A session whose runs can be cancelled; all sessions of this package are."""

    async def arun(self, request: ExecutionRequest) -> ExecutionResult:
        """Run a program without blocking the event loop; cancelling the task kills the run.

        Raises:
            ExecutorError: The sandbox itself is broken.
        """
        ...


@runtime_checkable
class CodeExecutor(Protocol):
    """Runs programs, each by itself unless in a session.

    A failing program or a time-out is data (`ExecutionResult.outcome`); a broken sandbox is an exception.
    """

    @property
    def name(self) -> str:
        """Short name of the executor, recorded as `CodeExecution.origin`."""
        ...

    def run(self, request: ExecutionRequest) -> ExecutionResult:
        """Run one program.

        Raises:
            ExecutorError: The sandbox itself is broken.
        """
        ...

    async def arun(self, request: ExecutionRequest) -> ExecutionResult:
        """Run one program without blocking the event loop; cancelling the task kills the run.

        Raises:
            ExecutorError: The sandbox itself is broken.
        """
        ...

    def session(self) -> AbstractContextManager[ExecutorSession]:
        """Open a session; leaving it frees whatever it holds.

        Raises:
            ExecutorError: The sandbox itself is broken.
        """
        ...


def checked_executor(executor: Any) -> CodeExecutor:
    """An executor that somebody was given.

    Raises:
        ConfigurationError: It is none, but a class of executors, say, or a tool.
    """
    runs = hasattr(executor, "run") or hasattr(executor, "session")
    if not runs or isinstance(executor, type) or hasattr(executor, "invoke"):
        raise ConfigurationError(f"an executor is an object such as LocalSandbox(), not {executor!r}")
    checked: CodeExecutor = executor
    return checked
