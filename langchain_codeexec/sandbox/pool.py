"""The worker that runs are forked from, replaced when it is dead or old; and runs made ready in advance."""

from __future__ import annotations

import os
import weakref
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Any

from langchain_codeexec.errors import ExecutorError
from langchain_codeexec.executors.child_process import at_shutdown
from langchain_codeexec.sandbox.modes import start_in_any_mode
from langchain_codeexec.sandbox.worker import BrokenLibraryError, Connection, Worker, WorkerEndedError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Pool"]


_CONNECTIONS_PER_WORKER = 10_000
"""A zygote collects nothing from its runs; it is replaced now and then all the same."""


@dataclass(eq=False)
class Pool:
    """Keeps one worker at hand.

    Attributes:
        python: The interpreter.
        modes: Ways of isolation, in the order in which they are tried.
        settings: What the zygote is told.
        complain: Called with words about a library that cannot be loaded in advance.
        spares: How many runs are made ready in advance, each for one use like any other.
    """

    python: str
    modes: tuple[str, ...]
    settings: dict[str, Any]
    complain: Callable[[str], None]
    spares: int = 1
    _worker: Worker | None = field(default=None, init=False)
    _retired: list[Worker] = field(default_factory=list, init=False)
    _spares: deque[tuple[Worker, Connection]] = field(default_factory=deque, init=False)
    _lock: Lock = field(default_factory=Lock, init=False)
    _process: int = field(default_factory=os.getpid, init=False)
    _closed: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        _POOLS.add(self)

    def worker(self) -> Worker:
        """A worker that is alive.

        Raises:
            SandboxUnavailableError: The system cannot isolate programs.
            ExecutorError: The interpreter cannot be started, or the pool is closed.
        """
        self._notice_fork()
        with self._lock:
            if self._closed:
                raise ExecutorError("the sandbox is closed")
            worker = self._worker
            if worker is None or not worker.is_alive() or worker.connections >= _CONNECTIONS_PER_WORKER:
                if worker is not None:
                    self._retired.append(worker)
                self._worker = None
                self._worker = worker = start_in_any_mode(self.modes, self._start)
            for old in [old for old in self._retired if not old.is_busy()]:
                self._retired.remove(old)
                old.close()
            return worker

    def connect(self) -> Connection:
        """Have a run or a session forked; a worker that turns out to be dead is replaced.

        What is handed out has been made ready before where possible, and the next one is begun.

        Raises:
            SandboxUnavailableError: The system cannot isolate programs.
            ExecutorError: The sandbox cannot be started, or the pool is closed.
        """
        try:
            return self._connect(self.worker())
        except WorkerEndedError:
            return self._connect(self.worker())

    def _connect(self, worker: Worker) -> Connection:
        connection = self._take_spare(worker) or worker.connect()
        with suppress(WorkerEndedError):  # the connection may still be good
            while len(self._spares) < self.spares:
                spare = worker.connect()
                self._spares.append((worker, spare))
                spare.prepare()
        return connection

    def _take_spare(self, worker: Worker) -> Connection | None:
        with suppress(IndexError):  # there is none, or another thread was faster
            while True:
                owner, spare = self._spares.popleft()
                if owner is worker and spare.is_alive():
                    return spare
                spare.close()
        return None

    def close(self) -> None:
        """End all workers with all their runs."""
        self._notice_fork()
        with self._lock:
            workers = [*self._retired, *([self._worker] if self._worker else [])]
            self._retired, self._worker, self._closed = [], None, True
        while self._spares:
            self._spares.pop()[1].close()
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

    def _notice_fork(self) -> None:
        """In a fork of the host start anew: the workers are the parent's, the lock may be held for ever."""
        if self._process != os.getpid():
            self._process, self._lock = os.getpid(), Lock()
            self._worker, self._retired = None, []
            self._spares.clear()


_POOLS: weakref.WeakSet[Pool] = weakref.WeakSet()


@at_shutdown
def _close_pools() -> None:
    for pool in list(_POOLS):
        pool.close()
