"""One session of an executor for each thread of conversation."""

from __future__ import annotations

import sys
import weakref
from collections import OrderedDict
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import replace
from hashlib import sha256
from threading import Lock
from typing import Any, Final

from langchain_codeexec._fork import abandon, renew_after_fork
from langchain_codeexec.errors import ExecutionRequestError, GeminiError, SandboxBusyError
from langchain_codeexec.executions import ExecutionRequest, ExecutionResult, InlineFile
from langchain_codeexec.executors.base import CodeExecutor, ExecutorSession, FairSemaphore
from langchain_codeexec.executors.calls import HostCalls, arun_in, run_in

__all__ = ["ThreadSession", "ThreadSessions"]

_REMEMBERED: Final = 10_000
"""Threads whose session was closed, so that they can be told."""

_HARMLESS: Final = (ExecutionRequestError, GeminiError, SandboxBusyError)
"""Errors that leave a session as it was."""


class ThreadSession:
    """What a thread has: at most one open session, and what is known of it.

    Attributes:
        has_state: Whether a program ran in the open session.
        has_lost: Whether the state of earlier programs is gone and nobody was told yet.
        users: Calls that run in it or wait for their turn.
        semaphore: Lets in one call at a time.

    Args:
        executor: Opens the session.
        has_lost: Whether the thread had one that was closed.
    """

    def __init__(self, executor: CodeExecutor, *, has_lost: bool) -> None:
        self._executor = executor
        self._stack = ExitStack()
        self._session: ExecutorSession | None = None
        self._placed: dict[str, bytes] = {}
        self.has_state, self.has_lost = False, has_lost
        self.users = 0
        self.semaphore = FairSemaphore(places=1, most_waiting=sys.maxsize)

    def request(self, request: ExecutionRequest) -> ExecutionRequest:
        """The request with the files that the session has not got yet; programs may have changed the others."""
        new = tuple(file for file in request.files if self._placed.get(file.name) != _digest(file))
        return replace(request, files=new)

    def run(self, request: ExecutionRequest, calls: HostCalls | None = None) -> ExecutionResult:
        """Run a program after the thread's earlier ones."""
        with self._noting(request):
            return run_in(self._opened(), request, calls)

    async def arun(self, request: ExecutionRequest, calls: HostCalls | None = None) -> ExecutionResult:
        """Run a program without blocking the event loop; cancelling the task kills it and ends the session."""
        with self._noting(request):
            return await arun_in(self._opened(), request, calls)

    def end(self) -> None:
        """Close the session; the thread's next call opens another one."""
        self._session = None
        self.has_lost = self.has_lost or self.has_state
        self.has_state = False
        self._placed = {}
        self._stack.close()

    def _opened(self) -> ExecutorSession:
        if self._session is None:
            self._session = self._stack.enter_context(self._executor.session())
        return self._session

    @contextmanager
    def _noting(self, request: ExecutionRequest) -> Iterator[None]:
        """Note what a run leaves; most failures end the session."""
        try:
            yield
        except _HARMLESS:
            raise
        except BaseException:
            self.end()
            raise
        self.has_state, self.has_lost = True, False
        self._placed |= {file.name: _digest(file) for file in request.files}


def _digest(file: InlineFile) -> bytes:
    return sha256(file.data).digest()


class ThreadSessions:
    """Opens a session for each thread that calls, and closes the one that was used least recently.

    A copy or an unpickled instance starts without sessions. When nobody refers to it any more, and when the
    program ends, its sessions are closed.

    Args:
        executor: Opens the sessions.
        most: Sessions open at a time; more only while so many have a call under way.
    """

    def __init__(self, executor: CodeExecutor, most: int) -> None:
        self._executor = executor
        self._most = most
        self._closed: OrderedDict[str, None] = OrderedDict()
        self._start()
        renew_after_fork(self)

    def _start(self) -> None:
        self._threads: OrderedDict[str, ThreadSession] = OrderedDict()
        self._lock = Lock()
        self._end = weakref.finalize(self, _end_each, self._threads.values())

    def renew(self) -> None:
        """Start afresh in a child process; the sessions are still the parent's."""
        self._end.detach()
        abandon(self._threads)
        self._closed.update(dict.fromkeys(self._threads))
        self._start()

    def __reduce__(self) -> tuple[Any, ...]:
        return ThreadSessions, (self._executor, self._most)

    @contextmanager
    def turn(self, thread: str) -> Iterator[ThreadSession]:
        """Have a thread's session to oneself; calls of one thread come one after the other."""
        with self._used(thread) as session, session.semaphore:
            yield session

    @asynccontextmanager
    async def aturn(self, thread: str) -> AsyncIterator[ThreadSession]:
        """Have a thread's session to oneself without blocking the event loop; see `turn`."""
        with self._used(thread) as session:
            async with session.semaphore:
                yield session

    def close(self) -> None:
        """Close all sessions, those with a call under way when it has ended; later calls open new ones."""
        with self._lock:
            idle = self._taken_out(len(self._threads))
            for thread in list(self._threads):
                self._take_out(thread)
        _end_each(idle)

    @contextmanager
    def _used(self, thread: str) -> Iterator[ThreadSession]:
        with self._lock:
            session = self._threads.get(thread)
            if session is None:
                session = ThreadSession(self._executor, has_lost=thread in self._closed)
                self._threads[thread] = session
                self._closed.pop(thread, None)
            self._threads.move_to_end(thread)
            session.users += 1
            surplus = self._taken_out(len(self._threads) - self._most)
        try:
            _end_each(surplus)
            yield session
        finally:
            with self._lock:
                session.users -= 1
                surplus = self._taken_out(len(self._threads) - self._most)
                if not session.users and self._threads.get(thread) is not session:
                    surplus.append(session)
            _end_each(surplus)

    def _taken_out(self, count: int) -> list[ThreadSession]:
        """So many idle sessions, least recently used first. From now on no call can reach them."""
        idle = [thread for thread, session in self._threads.items() if not session.users]
        return [self._take_out(thread) for thread in idle[: max(0, count)]]

    def _take_out(self, thread: str) -> ThreadSession:
        session = self._threads.pop(thread)
        if session.has_state or session.has_lost or session.users:
            self._closed[thread] = None
            while len(self._closed) > _REMEMBERED:
                self._closed.popitem(last=False)
        return session


def _end_each(sessions: Iterable[ThreadSession]) -> None:
    for session in sessions:
        session.end()
