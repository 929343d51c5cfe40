"""What executors have in common whose programs run on other machines: runs in steps, ended whatever happens."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final, Generic, TypeVar

from langchain_codeexec._steps import arun_steps, run_steps
from langchain_codeexec.executions import ExecutionRequest, ExecutionResult
from langchain_codeexec.executors.base import (
    STATE_LOST,
    FairSemaphore,
    check_durations,
    refused_language,
    source_bytes,
    timeout_of,
)
from langchain_codeexec.executors.files import files_of

__all__ = ["RemoteExecutor", "RemoteSession"]

Step = TypeVar("Step")

_MOST_WAITING: Final = 1000
_LONGEST: Final = 1e6  # seconds


class RemoteExecutor(ABC):
    """Runs each program in a session of its own, unless it is given one.

    Args:
        timeout: Wall-clock seconds for a run whose request names none.

    Raises:
        ConfigurationError: The time-out is not a positive number.
    """

    name: str

    def __init__(self, timeout: float) -> None:
        check_durations(timeout=timeout)
        self.timeout = timeout

    @abstractmethod
    def _open(self, *, lasts: bool) -> RemoteSession[Any]:
        """A session, for one program or for more."""

    def run(self, request: ExecutionRequest | str) -> ExecutionResult:
        """Run one program, given as a request or as its source text.

        Raises:
            ExecutionRequestError: The request cannot be run as it stands: a file's name, the time-out.
            ExecutorError: The sandbox is broken; a `SandboxUnavailableError` where nothing was run.
            GeminiError: Google's service did not answer.
        """
        session = self._open(lasts=False)
        try:
            return session.run(request)
        finally:
            session.close()

    async def arun(self, request: ExecutionRequest | str) -> ExecutionResult:
        """Run one program without blocking the event loop; cancelling the task kills the run. See `run`."""
        session = self._open(lasts=False)
        try:
            return await session.arun(request)
        finally:
            await asyncio.shield(session.aclose())

    @contextmanager
    def session(self) -> Iterator[RemoteSession[Any]]:
        """Open a session; leaving it ends what it has started."""
        session = self._open(lasts=True)
        try:
            yield session
        finally:
            session.close()


class RemoteSession(ABC, Generic[Step]):
    """Runs that share their state, one at a time.

    Where the state is lost between two runs, the later one starts with nothing, and its result says so in
    `detail`; so it does after a run that was cancelled.

    Args:
        timeout: Wall-clock seconds for a run whose request names none.
    """

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self._is_open = self._has_state = False
        self._semaphore = FairSemaphore(1, _MOST_WAITING)

    def run(self, request: ExecutionRequest | str) -> ExecutionResult:
        """Run a program after those that ran in this session before; see `RemoteExecutor.run`."""
        steps = self._checked(ExecutionRequest.of(request))
        with self._semaphore:
            try:
                return run_steps(steps, self._take)
            except BaseException:
                self.close()
                raise

    async def arun(self, request: ExecutionRequest | str) -> ExecutionResult:
        """Run a program without blocking the event loop; cancelling the task loses the state. See `run`."""
        steps = self._checked(ExecutionRequest.of(request))
        async with self._semaphore:
            try:
                return await arun_steps(steps, self._atake)
            except BaseException:
                await asyncio.shield(self.aclose())
                raise

    def close(self) -> None:
        """Kill what runs, and leave nothing behind; should the session be used again, it has no state."""
        if self._is_open:
            self._is_open = False
            run_steps(self._end(), self._take)

    async def aclose(self) -> None:
        """Do the same without blocking the event loop."""
        if self._is_open:
            self._is_open = False
            await arun_steps(self._end(), self._atake)

    def _checked(self, request: ExecutionRequest) -> Generator[Step, Any, ExecutionResult]:
        """The steps of a run.

        Raises:
            ExecutionRequestError: It cannot be run as it stands.
        """
        source_bytes(request)
        timeout = min(timeout_of(request, self._timeout), _LONGEST)
        request = replace(request, files=tuple(files_of(request).values()))

        def steps() -> Generator[Step, Any, ExecutionResult]:
            refused = refused_language(request.language)
            return (yield from self._steps(request, timeout)) if refused is None else refused

        return steps()

    @abstractmethod
    def _steps(self, request: ExecutionRequest, timeout: float) -> Generator[Step, Any, ExecutionResult]:
        """Yields what is to be done for a run whose files have names.

        It sets `_is_open` before anything is left behind.
        """

    @abstractmethod
    def _end(self) -> Generator[Step, Any, None]:
        """Yields what is to be done in the end; logs what fails."""

    @abstractmethod
    def _take(self, step: Step) -> Any:
        """Take a step."""

    @abstractmethod
    async def _atake(self, step: Step) -> Any:
        """Take a step without blocking the event loop."""

    def _noted(self, result: ExecutionResult, *, is_new: bool) -> ExecutionResult:
        """The result of a run, which says what is lost if what it began with was new."""
        has_lost, self._has_state = self._has_state and is_new, True
        remarks = (result.detail, f"{STATE_LOST}, and its files" * has_lost)
        return replace(result, detail="; ".join(filter(None, remarks)))
