"""The worker that runs are forked from, replaced when it is dead or old; and runs made ready in advance."""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from langchain_codeexec._fork import abandon, renew_after_fork
from langchain_codeexec.errors import ExecutorError
from langchain_codeexec.sandbox.modes import start_in_any_mode
from langchain_codeexec.sandbox.worker import (
    BrokenLibraryError,
    Connection,
    Worker,
    WorkerEndedError,
    at_shutdown,
)

__all__ = ["Pool"]


_CONNECTIONS_PER_WORKER = 10_000
"""A zygote collects nothing from its runs; it is replaced now and then all the same."""


@dataclass(eq=False)
class Pool:
    """Keeps one worker at hand."""

    python: str
    modes: tuple[str, ...]  # in the order in which they are tried
    settings: dict[str, Any]  # what the zygote is told
    complain: Callable[[str], None]  # about a library that cannot be loaded in advance
    spares: int = 1  # runs made ready in advance, each for one use like any other
    _worker: Worker | None = field(default=None, init=False)
    _retired: list[Worker] = field(default_factory=list, init=False)
    _spares: deque[Connection] = field(default_factory=deque, init=False)
    _lock: Lock = field(default_factory=Lock, init=False)
    _closed: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        _POOLS.add(self)
        renew_after_fork(self)

    def worker(self) -> Worker:
        """A worker that is alive.

        Raises:
            ExecutorError: The system cannot isolate programs, or start them, or the pool is closed.
        """
        with self._lock:
            return self._living_worker()

    def connect(self, failures: int = 0) -> Connection:
        """Have a run or a session forked; a worker that turns out to be dead is replaced.

        What is handed out has been made ready before where possible, and the next one is begun.

        Args:
            failures: How many connections have turned out to be dead. After one nothing is used that has been made
                ready before, after two the worker is replaced.

        Raises:
            ExecutorError: As in `worker`.
        """
        with self._lock:
            if failures:
                self._close_spares()
            if failures > 1:
                self._retire()
            try:
                return self._connect(self._living_worker())
            except WorkerEndedError:
                self._retire()
                return self._connect(self._living_worker())

    def _living_worker(self) -> Worker:
        if self._closed:
            raise ExecutorError("the sandbox is closed")
        worker = self._worker
        if worker is None or not worker.is_alive() or worker.connections >= _CONNECTIONS_PER_WORKER:
            self._retire()
            self._worker = worker = start_in_any_mode(self.modes, self._start)
        for old in [old for old in self._retired if not old.is_lent()]:
            self._retired.remove(old)
            old.close()
        return worker

    def _retire(self) -> None:
        """Let go of the worker; its runs come to their end."""
        if self._worker is not None:
            self._retired.append(self._worker)
        self._worker = None
        self._close_spares()

    def _close_spares(self) -> None:
        while self._spares:
            self._spares.pop().close()

    def _connect(self, worker: Worker) -> Connection:
        connection = next(filter(Connection.is_alive, self._taken_spares()), None) or worker.connect()
        connection.is_lent = True
        with suppress(ExecutorError):  # the connection may still be good
            while len(self._spares) < self.spares:
                spare = worker.connect()
                self._spares.append(spare)
                spare.prepare()
        return connection

    def _taken_spares(self) -> Iterator[Connection]:
        while self._spares:
            spare = self._spares.popleft()
            yield spare
            spare.close()

    def close(self) -> None:
        """End all workers with all their runs."""
        with self._lock:
            self._closed = True
            self._retire()
            workers, self._retired = self._retired, []
        for worker in workers:
            worker.close()

    def _start(self, mode: str) -> Worker:
        """Start a worker, without the libraries that cannot be loaded."""
        while True:
            try:
                return Worker(self.python, mode, self.settings)
            except BrokenLibraryError as error:
                self.complain(str(error))
                left = [name for name in self.settings["preload"] if name != error.library]
                self.settings = {**self.settings, "preload": left}

    def renew(self) -> None:
        """In a fork of the host start anew: the workers are the parent's, the lock may be held for ever."""
        abandon((self._worker, self._retired, self._spares))
        self._lock, self._worker, self._retired, self._spares = Lock(), None, [], deque()


_POOLS: weakref.WeakSet[Pool] = weakref.WeakSet()


@at_shutdown
def _close_pools() -> None:
    for pool in list(_POOLS):
        pool.close()
