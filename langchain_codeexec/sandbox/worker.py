"""The sandbox's process, seen from the host: started, asked for runs, and gone when its socket is closed."""

from __future__ import annotations

import os
import socket
import subprocess
import tempfile
import weakref
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, cast

from langchain_codeexec.errors import ExecutorError
from langchain_codeexec.executors.files import text_from_bytes
from langchain_codeexec.sandbox.child import frames

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["BrokenLibraryError", "Connection", "ModeUnavailableError", "Worker", "WorkerEndedError"]

_SCRIPT = Path(__file__).with_name("_zygote.py")
_STARTING = 120.0  # seconds; loading libraries from a cold disk is slow
_ENDING = 5.0  # seconds from the end of its socket to its own
_LONGEST_ERROR = 2000  # characters

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
        mode: `namespaces`, `bubblewrap` or `landlock`.
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
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs, tempfile.TemporaryFile() as errors:
            try:
                self._process = subprocess.Popen(  # noqa: S603 -- our own script; no shell
                    [python, "-I", "-B", str(_SCRIPT)],
                    stdin=theirs.fileno(),
                    stdout=subprocess.DEVNULL,
                    stderr=errors,
                    env=_ENVIRONMENT,
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
        """
        ours, theirs = socket.socketpair()
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
        """Whether a run or a session is open."""
        return any(connection.is_used and not connection.closed for connection in list(self._open))

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
            frames.send_packet(self._control, settings)
            reply = frames.receive_packet(self._control)
        if reply is None:
            errors.seek(0)
            stderr = text_from_bytes(errors.read())[-_LONGEST_ERROR:].strip()
            if self.mode == "bubblewrap" and stderr.startswith("bwrap:"):
                raise ModeUnavailableError(stderr)
            raise ExecutorError(f"{python!r} cannot run a sandbox: {stderr or 'it ended without a word'}")
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
        self._is_prepared = self._is_cancelled = False
        self.is_used = False

    def prepare(self) -> None:
        """Have everything made ready for a run, and do not wait for it.

        Raises:
            ExecutorError: The sandbox has ended.
        """
        try:
            frames.send(self._channel, {"prepare": True})
        except OSError as error:
            raise WorkerEndedError(f"the sandbox has ended: {error}") from error
        self._is_prepared = True

    def is_alive(self) -> bool:
        """Whether the other end is still there."""
        try:
            return bool(self._channel.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT))
        except BlockingIOError:
            return True
        except OSError:
            return False

    def exchange(
        self, request: dict[str, Any], blobs: Sequence[bytes], timeout: float
    ) -> tuple[dict[str, Any], list[bytes]]:
        """Send a request and wait for the result.

        Raises:
            ExecutorError: The sandbox failed, or has not answered in time.
        """
        try:
            self._channel.settimeout(timeout)
            self.is_used = True
            frames.send(self._channel, request, blobs)
            reply = frames.receive(self._channel)
            if self._is_prepared and reply is not None and "ready" in reply[0]:
                self._is_prepared = False
                reply = frames.receive(self._channel)
        except TimeoutError as error:
            raise ExecutorError("the sandbox does not answer") from error
        except (OSError, ValueError) as error:
            raise ExecutorError(self._words_for_end(error)) from error
        if reply is None:
            raise ExecutorError(self._words_for_end())
        if "error" in reply[0]:
            raise ExecutorError(f"the sandbox failed: {reply[0]['error']}")
        return reply

    def _words_for_end(self, error: Exception | None = None) -> str:
        if self._is_cancelled:
            return "the run was killed: it has been cancelled, or its sandbox closed"
        return f"the sandbox has ended: {error}" if error else "the sandbox has ended"

    @property
    def closed(self) -> bool:
        """Whether it has been closed."""
        return self._channel.fileno() < 0

    def cancel(self) -> None:
        """End the run from another thread: whoever waits for its result gets an error."""
        self._is_cancelled = True
        with suppress(OSError):
            self._channel.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """End the run or the session, even if another thread waits for its result."""
        self.cancel()
        self._channel.close()

    def forget(self) -> None:
        """Leave it to the process that this one was forked from."""
        self._channel.close()


_WORKERS: weakref.WeakSet[Worker] = weakref.WeakSet()


def _forget_workers() -> None:
    """In a fork of the host: its workers are not ours, and must not wait for us to close their sockets."""
    for worker in cast("list[Worker]", list(_WORKERS)):
        worker.forget()
    _WORKERS.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_workers)
