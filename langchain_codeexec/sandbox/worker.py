"""The sandbox's process, seen from the host: started, asked for runs, and gone when its socket is closed."""

from __future__ import annotations

import atexit
import concurrent.futures.thread  # noqa: F401 -- so that what it registers itself comes after what is registered here
import math
import os
import select
import socket
import subprocess
import tempfile
import threading
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from threading import Lock
from typing import Any, cast

from langchain_codeexec.errors import ExecutorError
from langchain_codeexec.executors.files import text_from_bytes
from langchain_codeexec.sandbox.calls import RunningCalls
from langchain_codeexec.sandbox.child import frames

__all__ = [
    "BrokenLibraryError",
    "Connection",
    "ModeUnavailableError",
    "Worker",
    "WorkerEndedError",
    "at_shutdown",
]

_SCRIPT = Path(__file__).with_name("_zygote.py")
_STARTING = 120.0  # seconds; loading libraries from a cold disk is slow
_ENDING = 5.0  # seconds from the end of its socket to its own
_LONGEST_ERROR = 2000  # characters
_LOOK_AROUND = 0.5  # seconds between looks at whether anybody still waits for a run

_ENVIRONMENT = {
    "HOME": "/tmp",  # noqa: S108 -- within the sandbox
    "JOBLIB_MULTIPROCESSING": "0",  # so that what it would do in processes is done one after the other
    "LANG": "C.UTF-8",
    "LC_ALL": "C.UTF-8",
    "MALLOC_ARENA_MAX": "2",  # every arena of glibc reserves 64 MiB of address space
    "MPLBACKEND": "Agg",
    "MPLCONFIGDIR": "/tmp/matplotlib",  # noqa: S108 -- as above
    "NUMEXPR_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",  # threads of numerical libraries would not survive a fork
    "OPENBLAS_NUM_THREADS": "1",
    "PATH": os.defpath,
    "TMPDIR": "/tmp",  # noqa: S108 -- as above
    "USER": "sandbox",
}
"""All that a program finds in its environment; folders may be others."""


def _environment(mode: str) -> dict[str, str]:
    """What a worker's programs find; where they can start processes, joblib may."""
    left_out = "JOBLIB_MULTIPROCESSING" if mode == "process" else ""
    return {name: value for name, value in _ENVIRONMENT.items() if name != left_out}


class ModeUnavailableError(ExecutorError):
    """The system lacks what this mode of isolation needs; the message says what."""


class WorkerEndedError(ExecutorError):
    """The worker has ended before it was asked for anything."""


class BrokenLibraryError(ExecutorError):
    """A library to load in advance is installed and cannot be loaded.

    Attributes:
        library: Its name.
    """

    def __init__(self, library: str, reason: str) -> None:
        super().__init__(f"{library} cannot be loaded: {reason}")
        self.library = library


class Worker:
    """A zygote that forks a supervised run for every connection.

    Args:
        python: The interpreter.
        mode: `namespaces`, `landlock`, or `process` for no isolation.
        settings: What else the zygote is told: limits, libraries to load, further readable paths.

    Raises:
        ModeUnavailableError: The system does not allow this mode.
        BrokenLibraryError: A library cannot be loaded.
        ExecutorError: The interpreter cannot be started.
    """

    def __init__(self, python: str, mode: str, settings: Mapping[str, Any]) -> None:
        self.mode = mode
        self.connections = 0
        self._lock = Lock()
        self._open: weakref.WeakSet[Connection] = weakref.WeakSet()
        self._control, theirs = _socket_pair()
        with theirs, ExitStack() as stack:
            try:
                errors = stack.enter_context(tempfile.TemporaryFile())
                self._process = subprocess.Popen(  # noqa: S603 -- our own script; no shell
                    [python, "-I", "-B", str(_SCRIPT)],
                    stdin=theirs.fileno(),
                    stdout=subprocess.DEVNULL,
                    stderr=errors,
                    env=_environment(mode),
                    cwd="/",
                    start_new_session=True,
                )
            except (OSError, TypeError, ValueError) as error:
                self._control.close()
                raise ExecutorError(f"cannot start {python!r}: {error}") from error
            _WORKERS.add(self)
            theirs.close()
            try:
                self.loaded = self._greet(python, {**settings, "mode": mode}, errors)
            except BaseException:
                self.close()
                raise

    def connect(self) -> Connection:
        """Have a run or a session forked.

        Raises:
            WorkerEndedError: The sandbox has ended.
            ExecutorError: This process has no descriptors left.
        """
        ours, theirs = _socket_pair()
        with theirs:
            try:
                with self._lock:
                    socket.send_fds(self._control, [b"r"], [theirs.fileno()])
            except OSError as error:
                ours.close()
                raise WorkerEndedError(f"the sandbox has ended: {error}") from error
        connection = Connection(ours)
        self.connections += 1
        self._open.add(connection)
        return connection

    def is_alive(self) -> bool:
        """Whether it can be expected to answer."""
        return self._control.fileno() >= 0 and self._process.poll() is None

    def is_busy(self) -> bool:
        """Whether a run or a session has begun that is not over."""
        return any(connection.is_used and not connection.closed for connection in list(self._open))

    def is_lent(self) -> bool:
        """Whether somebody has a connection, used or not."""
        return any(connection.is_lent and not connection.closed for connection in list(self._open))

    def close(self) -> None:
        """End it with all its runs, and wait until it is gone."""
        self._control.close()
        for connection in list(self._open):
            connection.close()
        try:
            self._process.wait(_ENDING)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def forget(self) -> None:
        """Leave it to the process that this one was forked from."""
        self._control.close()
        for connection in list(self._open):
            connection.forget()
        self._process.returncode = 0  # else Popen would wait for a process that is no child of ours

    def _greet(self, python: str, settings: dict[str, Any], errors: Any) -> tuple[str, ...]:
        """Send the settings, and receive what came of them."""
        self._control.settimeout(_STARTING)
        reply = None
        with suppress(ConnectionError):
            frames.send(self._control, settings)
            reply, _ = frames.receive(self._control) or (None, [])
        if reply is None:
            errors.seek(0)
            stderr = text_from_bytes(errors.read())[-_LONGEST_ERROR:].strip()
            raise ExecutorError(f"{python!r} cannot run programs: {stderr or 'it ended without a word'}")
        if "broken" in reply:
            raise BrokenLibraryError(*reply["broken"])
        if "error" in reply:
            raise ModeUnavailableError(str(reply["error"]))
        self._control.settimeout(None)
        return tuple(reply["loaded"])


class Connection:
    """One run, or the runs of one session.

    Args:
        channel: Its end is the end of the run.
    """

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._is_cancelled = False
        self._end = math.inf
        self._calls: RunningCalls | None = None
        self._writing = Lock()
        self.is_lent = self.is_used = False

    def prepare(self) -> None:
        """Have everything made ready for a run, and do not wait for it.

        Raises:
            WorkerEndedError: The sandbox has ended.
        """
        try:
            frames.send(self._channel, {"prepare": True})
        except OSError as error:
            raise WorkerEndedError(f"the sandbox has ended: {error}") from error

    def is_alive(self) -> bool:
        """Whether the other end is still there, whatever it has sent."""
        try:
            [(_, events)] = self._poll(0.0) or [(0, 0)]
        except (OSError, ValueError):
            return False
        return not events & (select.POLLHUP | select.POLLERR | select.POLLNVAL)

    def exchange(
        self,
        request: dict[str, Any],
        blobs: Sequence[bytes],
        timeout: float,
        is_over: Callable[[], bool] = lambda: False,
        calls: RunningCalls | None = None,
    ) -> tuple[dict[str, Any], list[bytes]]:
        """Send a request and wait for the result.

        Args:
            request: What to run, and how.
            blobs: What belongs to it.
            timeout: Seconds until the sandbox is given up.
            is_over: Whether nobody waits for the result any more; asked now and then.
            calls: What answers the program's calls.

        Raises:
            WorkerEndedError: The sandbox had ended before it took the request: nothing was run.
            ExecutorError: The sandbox failed, or has not answered in time.
        """
        taken, self._calls = False, calls
        try:
            self._channel.settimeout(timeout)
            self._end = time.monotonic() + (_ENDING if self._is_cancelled else timeout)
            frames.send(self._channel, request, blobs, calls.descriptors if calls else ())
            while (reply := self._receive(is_over)) is not None:
                if "status" in reply[0]:
                    return reply
                if "taken" in reply[0]:
                    taken = self.is_used = True
                    if calls:
                        calls.start(lambda reason: self._say({"stop": reason}))
                if "clock" in reply[0] and calls:
                    self._say({"worked": calls.worked()})
                if "error" in reply[0]:
                    failure = f"the sandbox failed: {reply[0]['error']}"
                    words = self._words_for_end() if self._is_cancelled else failure
                    break
            else:
                words = self._words_for_end()
        except TimeoutError as error:
            words = self._words_for_end() if self._is_cancelled else "the sandbox does not answer"
            raise ExecutorError(words) from error
        except (OSError, ValueError) as error:
            words = self._words_for_end(error)
        raise (ExecutorError if taken or self._is_cancelled else WorkerEndedError)(words)

    def _receive(self, is_over: Callable[[], bool]) -> tuple[dict[str, Any], list[bytes]] | None:
        while not self._poll(min(_LOOK_AROUND, self._seconds_left())):
            if self._seconds_left() <= 0:
                raise TimeoutError
            if is_over():
                self.cancel()
            if self._calls:
                self._calls.cancel_late()
        return frames.receive(self._channel)

    def _seconds_left(self) -> float:
        worked = self._calls.worked() if self._calls and not self._is_cancelled else 0.0
        return self._end + worked - time.monotonic()

    def _say(self, message: dict[str, Any]) -> None:
        """Send something in the middle of a run, from any thread."""
        with suppress(OSError), self._writing:
            frames.send(self._channel, message)

    def _poll(self, seconds: float) -> list[tuple[int, int]]:
        poll = select.poll()
        poll.register(self._channel, select.POLLIN)
        return poll.poll(max(0.0, seconds) * 1e3)

    def _words_for_end(self, error: Exception | None = None) -> str:
        if self._is_cancelled:
            return "the run was killed: it has been cancelled, or its sandbox closed"
        return f"the sandbox has ended: {error}" if error else "the sandbox has ended"

    @property
    def closed(self) -> bool:
        """Whether it has been closed."""
        return self._channel.fileno() < 0

    def cancel(self) -> None:
        """End the run from another thread: whoever waits for its result gets an error when it has ended."""
        self._is_cancelled = True
        self._end = min(self._end, time.monotonic() + _ENDING)
        with suppress(OSError):
            self._channel.shutdown(socket.SHUT_WR)

    def close(self, *, wait: bool = False) -> None:
        """End the run or the session, even if another thread waits for its result.

        Args:
            wait: Come back when it has left nothing behind.
        """
        self.cancel()
        with suppress(OSError):
            self._channel.settimeout(_ENDING)
            while wait and self._channel.recv(1 << 16):
                pass
        self._channel.close()

    def forget(self) -> None:
        """Leave it to the process that this one was forked from."""
        self._channel.close()


def _socket_pair() -> tuple[socket.socket, socket.socket]:
    try:
        return socket.socketpair()
    except OSError as error:
        raise ExecutorError(f"no connection to a sandbox can be made: {error}; see `ulimit -n`") from error


def at_shutdown(function: Callable[[], None]) -> Callable[[], None]:
    """Call a function when the interpreter ends, while threads still run.

    The interpreter joins threads before it calls what `atexit` has registered, and those may wait for a program.
    """
    getattr(threading, "_register_atexit", atexit.register)(function)
    return function


_WORKERS: weakref.WeakSet[Worker] = weakref.WeakSet()


def _forget_workers() -> None:
    """In a fork of the host: its workers are not ours, and must not wait for us to close their sockets."""
    for worker in cast("list[Worker]", list(_WORKERS)):
        worker.forget()
    _WORKERS.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_workers)
