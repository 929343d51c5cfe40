"""What executors have in common: protocols, waiting for runs, checks of requests, words for how a run ended."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import AbstractContextManager
from functools import partial
from threading import Lock, Thread
from typing import Any, Generic, Protocol, TypeVar, runtime_checkable

from langchain_codeexec.errors import (
    ConfigurationError,
    ExecutionRequestError,
    ExecutorError,
    SandboxBusyError,
)
from langchain_codeexec.executions import ExecutionRequest, ExecutionResult, Outcome

__all__ = [
    "LEFT_OUT",
    "STATE_LOST",
    "AsyncExecutorSession",
    "CodeExecutor",
    "ExecutorSession",
    "FairSemaphore",
    "check_counts",
    "check_durations",
    "checked_executor",
    "in_thread",
    "refused_language",
    "source_bytes",
    "timeout_of",
    "words_for_limit",
    "words_for_status",
    "words_for_time",
]


@runtime_checkable
class ExecutorSession(Protocol):
    """Runs that share their state: variables, imports and files of one run are there in the next.

    A broken sandbox is an `ExecutorError`.
    """

    def run(self, request: ExecutionRequest) -> ExecutionResult:
        """Run a program after those that ran in this session before."""
        ...


@runtime_checkable
class AsyncExecutorSession(ExecutorSession, Protocol):
    """A session whose runs can be cancelled; all sessions of this package are."""

    async def arun(self, request: ExecutionRequest) -> ExecutionResult:
        """Run a program without blocking the event loop; cancelling the task kills the run."""
        ...


@runtime_checkable
class CodeExecutor(Protocol):
    """Runs programs, each by itself unless in a session.

    A failing program or a time-out is data (`ExecutionResult.outcome`); a broken sandbox is an `ExecutorError`.
    """

    @property
    def name(self) -> str:
        """Short name of the executor, recorded as `CodeExecution.origin`."""
        ...

    def run(self, request: ExecutionRequest) -> ExecutionResult:
        """Run one program."""
        ...

    async def arun(self, request: ExecutionRequest) -> ExecutionResult:
        """Run one program without blocking the event loop; cancelling the task kills the run."""
        ...

    def session(self) -> AbstractContextManager[ExecutorSession]:
        """Open a session; leaving it frees whatever it holds."""
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


async def in_thread(
    function: Callable[[], T], cancel: Callable[[], None], semaphore: FairSemaphore | None = None
) -> T:
    """Call a function in a thread of its own.

    Args:
        function: What to call.
        cancel: Makes the function return soon; called when the task is cancelled, which then waits for it.
        semaphore: Gives it a place, which the thread gives back when the function has returned: that the event
            loop may be closed meanwhile keeps no place occupied.

    Raises:
        SandboxBusyError: Too many are waiting for a place.
        ExecutorError: No thread can be started.
    """
    call = _Call(function, semaphore)
    result = asyncio.wrap_future(call.result)
    try:
        return await asyncio.shield(result)
    except (asyncio.CancelledError, GeneratorExit) as end:  # the latter where the loop was closed
        if not call.ticket.cancel():
            cancel()
            if isinstance(end, asyncio.CancelledError):
                await asyncio.gather(result, return_exceptions=True)
        raise


class _Call(Generic[T]):
    """A function that a thread calls for a task of the event loop; its `ticket` is done when it may begin."""

    def __init__(self, function: Callable[[], T], semaphore: FairSemaphore | None) -> None:
        self._function = function
        self._semaphore = semaphore or FairSemaphore(1, 0)
        self._loop = asyncio.get_running_loop()
        self.result: Future[Any] = Future()
        self.result.set_running_or_notify_cancel()
        self.ticket = self._semaphore.queue()
        self.ticket.add_done_callback(self._start)

    def _start(self, ticket: Future[None]) -> None:
        if ticket.cancelled():
            return
        try:
            Thread(target=self._run, name="codeexec").start()
        except RuntimeError as error:
            self._semaphore.release()
            self.result.set_exception(ExecutorError(f"no thread can be started: {error}"))

    def _run(self) -> None:
        try:
            settle = partial(self.result.set_result, None if self._loop.is_closed() else self._function())
        except BaseException as error:  # noqa: BLE001 -- belongs to whoever waits
            settle = partial(self.result.set_exception, error)
        self._semaphore.release()
        if not self._loop.is_closed():
            settle()


class FairSemaphore:
    """Lets in as many as there are places; the others wait, first come, first served.

    It serves threads and event loops together (`with` and `async with`); those of the standard library do not.
    """

    def __init__(self, places: int, most_waiting: int) -> None:
        self._free = places
        self._most_waiting = most_waiting
        self._waiting: deque[Future[None]] = deque()
        self._lock = Lock()

    def __enter__(self) -> None:
        ticket = self.queue()
        try:
            ticket.result()
        except BaseException:
            self._give_up(ticket)
            raise

    def __exit__(self, *exc_info: object) -> None:
        self.release()

    async def __aenter__(self) -> None:
        ticket = self.queue()
        try:
            await asyncio.wrap_future(ticket)
        except BaseException:
            self._give_up(ticket)
            raise

    async def __aexit__(self, *exc_info: object) -> None:
        self.release()

    @property
    def waiting(self) -> int:
        """How many wait."""
        return sum(not ticket.cancelled() for ticket in tuple(self._waiting))

    def queue(self) -> Future[None]:
        """Ask for a place: the future is done when there is one, which is to be given back by `release`.

        Raises:
            SandboxBusyError: Too many are waiting.
        """
        ticket: Future[None] = Future()
        with self._lock:
            if self._free:
                self._free -= 1
                ticket.set_running_or_notify_cancel()
                ticket.set_result(None)
            elif self.waiting < self._most_waiting:
                self._waiting.append(ticket)
            else:
                raise SandboxBusyError(
                    f"{self._most_waiting} runs are waiting already: run fewer at a time, or give the sandbox "
                    "more workers"
                )
        return ticket

    def release(self) -> None:
        """Give a place back."""
        with self._lock:
            waiting = (self._waiting.popleft() for _ in range(len(self._waiting)))
            ticket = next(filter(Future.set_running_or_notify_cancel, waiting), None)
            self._free += ticket is None
        if ticket is not None:
            ticket.set_result(None)

    def _give_up(self, ticket: Future[None]) -> None:
        """Stop waiting, or give the place back if it has been given meanwhile."""
        if not ticket.cancel():
            self.release()


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


def words_for_limit(limit: str, sizes: Mapping[str, int]) -> str:
    """What a program failed for want of, in words; empty where nobody knows.

    Args:
        limit: `memory`, `file`, `disk`, or `library:` and a name, as `child.program` reports it.
        sizes: The limits that were set, by their names.
    """
    kind, _, library = limit.partition(":")
    if kind == "library" and library.isidentifier():
        return f"the library {library!r} is not installed here and cannot be: do without it"
    return _LIMITS[kind].format_map(sizes) if kind in _LIMITS and kind in sizes else ""


_LIMITS = {
    "memory": "the limit of memory was reached ({memory} bytes)",
    "file": "the limit of a file's size was reached ({file} bytes)",
    "disk": "the limit of the disk was reached ({disk} bytes, {files} files)",
}


def refused_language(language: str) -> ExecutionResult | None:
    """The result of a program that is not in Python."""
    if str(language).upper() == "PYTHON":
        return None
    return ExecutionResult(Outcome.FAILED, detail=f"{language!r} does not run here: only PYTHON")


def source_bytes(request: ExecutionRequest) -> bytes:
    """A request's program.

    Raises:
        ExecutionRequestError: It is no text.
    """
    if not isinstance(request.code, str):
        raise ExecutionRequestError(f"a program is a str, not {type(request.code).__name__}")
    return request.code.encode("utf-8", "surrogatepass")


def timeout_of(request: ExecutionRequest, default: float) -> float:
    """The wall-clock seconds a request may take.

    Raises:
        ExecutionRequestError: It asks for something that is no duration.
    """
    timeout = default if request.timeout is None else request.timeout
    if not _is_duration(timeout):
        raise ExecutionRequestError(f"timeout must be a positive number of seconds, not {timeout!r}")
    return timeout


def check_durations(**durations: object) -> None:
    """Check settings by their names.

    Raises:
        ConfigurationError: One is no positive number of seconds.
    """
    for name, value in durations.items():
        if not _is_duration(value):
            raise ConfigurationError(f"{name} must be a positive number of seconds, not {value!r}")


def check_counts(**counts: object) -> None:
    """Check settings by their names.

    Raises:
        ConfigurationError: One is no positive whole number.
    """
    for name, value in counts.items():
        if not isinstance(value, int) or isinstance(value, bool) or value <= 0:
            raise ConfigurationError(f"{name} must be a positive whole number, not {value!r}")


def _is_duration(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return 0 < value <= sys.float_info.max  # an int can be too large for what waits
