"""What every place that runs code has in common.

Running something that blocks without blocking the event loop.

Places for so many at a time, given in the order in which they were asked for.

What sessions of every executor have in common: runs from a coroutine, and files that stay.

How a run ended, in Gemini's outcomes and in words.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from threading import Lock
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, runtime_checkable

from langchain_codeexec.errors import ConfigurationError, ExecutionRequestError, SandboxBusyError
from langchain_codeexec.executions import ExecutionResult, Outcome
from langchain_codeexec.executors.files import named_files

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager

    from langchain_codeexec.executions import ExecutionRequest, InlineFile

__all__ = [
    "LEFT_OUT",
    "STATE_LOST",
    "AsyncExecutorSession",
    "CodeExecutor",
    "ExecutorSession",
    "Turnstile",
    "arun_in",
    "checked_executor",
    "files_of",
    "in_thread",
    "is_duration",
    "refused_language",
    "wished_timeout",
    "with_files",
    "words_for_library",
    "words_for_status",
    "words_for_time",
]


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


T = TypeVar("T")


async def in_thread(function: Callable[[], T], cancel: Callable[[], None]) -> T:
    """Call a function in a thread of its own.

    Args:
        function: What to call.
        cancel: Makes the function return soon; called when the task is cancelled, which then waits for it.
    """
    thread = ThreadPoolExecutor(1, thread_name_prefix="codeexec")
    run = asyncio.get_running_loop().run_in_executor(thread, function)
    try:
        return await asyncio.shield(run)
    except asyncio.CancelledError:
        cancel()
        await asyncio.gather(run, return_exceptions=True)
        raise
    except GeneratorExit:  # the loop was closed with the task pending
        cancel()
        raise
    finally:
        thread.shutdown(wait=False)


class Turnstile:
    """Lets in as many as there are places; the others wait, first come, first served.

    Args:
        places: How many are in at a time.
        waiting: How many may wait.
    """

    def __init__(self, places: int, waiting: int) -> None:
        self._free = places
        self._most = waiting
        self._waiting: deque[Future[None]] = deque()
        self._lock = Lock()

    def queue(self) -> Future[None]:
        """Ask for a place: the future is done when it is yours. Cancel it to give up waiting.

        Raises:
            SandboxBusyError: Too many are waiting.
        """
        ticket: Future[None] = Future()
        with self._lock:
            if not self._free and len(self._waiting) >= self._most:
                self._waiting = deque(other for other in self._waiting if not other.cancelled())
            if not self._free and len(self._waiting) >= self._most:
                raise SandboxBusyError(
                    f"{self._most} runs are waiting already: run fewer at a time, or give the sandbox more workers"
                )
            if self._free:
                self._free -= 1
                _admit(ticket)
            else:
                self._waiting.append(ticket)
        return ticket

    def leave(self) -> None:
        """Give a place back."""
        with self._lock:
            while self._waiting:
                if _admit(self._waiting.popleft()):
                    return
            self._free += 1

    def give_up(self, ticket: Future[None]) -> None:
        """Stop waiting, or give the place back if it has been given meanwhile."""
        if not ticket.cancel():
            self.leave()


def _admit(ticket: Future[None]) -> bool:
    """Whether whoever holds the ticket still wants in."""
    if not ticket.set_running_or_notify_cancel():
        return False
    ticket.set_result(None)
    return True


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


STATE_LOST = "the variables and imports of the session are lost"
LEFT_OUT = "more files or images were left than are brought back"

_SIGNALS = {
    "SIGKILL": "killed by SIGKILL, as the system does when it runs out of memory",
    "SIGSEGV": "killed by SIGSEGV: native code failed, perhaps at the limit of memory",
    "SIGSYS": "killed by SIGSYS: a system call of another architecture",
    "SIGXCPU": "killed at the limit of CPU time",
}


def words_for_status(code: int) -> str:
    """What an exit status says that a traceback does not; negative for the signal that killed."""
    if code < 0:
        name = next((known.name for known in signal.Signals if known == -code), f"signal {-code}")
        return _SIGNALS.get(name, f"killed by {name}")
    return f"exit status {code}" if code > 1 else ""


def words_for_time(timeout: float) -> str:
    """What to say of a run that took too long."""
    return f"killed at the time limit of {timeout:g} s"


def words_for_library(name: str) -> str:
    """What to say of a library that is not there, for a model that could do without."""
    return f"the library {name!r} is not installed here and cannot be: do without it"


def refused_language(language: str) -> ExecutionResult | None:
    """The result of a program that is not in Python."""
    if str(language).upper() == "PYTHON":
        return None
    return ExecutionResult(Outcome.FAILED, detail=f"{language!r} does not run here: only PYTHON")


def wished_timeout(request: ExecutionRequest, default: float) -> float:
    """The wall-clock seconds a request may take.

    Raises:
        ExecutionRequestError: It asks for something that is no duration.
    """
    timeout = default if request.timeout is None else request.timeout
    if not is_duration(timeout):
        raise ExecutionRequestError(f"timeout must be a positive number of seconds, not {timeout!r}")
    return timeout


def is_duration(number: object) -> bool:
    """Whether it is a positive number of seconds."""
    if isinstance(number, bool) or not isinstance(number, int | float):
        return False
    return 0 < number <= sys.float_info.max  # an int can be too large for what waits
