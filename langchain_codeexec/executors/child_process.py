"""A child process and its pipes: started, fed, listened to, and killed with all it has started."""

from __future__ import annotations

import atexit
import concurrent.futures.thread  # noqa: F401 -- so that what it registers itself comes after what is registered here
import os
import selectors
import signal
import subprocess
import threading
import time
import weakref
from contextlib import suppress
from enum import Enum, auto
from typing import IO, TYPE_CHECKING, cast

from langchain_codeexec.errors import ExecutorError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path
    from threading import Event

    from langchain_codeexec.sandbox.child.limits import Capture

__all__ = ["Child", "RunEnd", "at_shutdown"]


def at_shutdown(function: Callable[[], None]) -> Callable[[], None]:
    """Call a function when the interpreter ends, while threads still run.

    The interpreter joins threads before it calls what `atexit` has registered, and those may wait for a program.
    """
    getattr(threading, "_register_atexit", atexit.register)(function)
    return function


_LOOK_AROUND = (
    0.05  # seconds; a cancellation gives no event, nor does an exit while offspring holds the pipes
)
_READ = 1 << 16  # bytes
_PIPE_READS = 64  # a pipe holds 64 KiB, 1 MiB at the most


class RunEnd(Enum):
    """Why listening to a child has ended."""

    REPLIED = auto()
    EXITED = auto()
    DEADLINE = auto()
    CANCELLED = auto()


class Child:
    """A process in a session of its own, with pipes for requests and replies beside its output.

    The command is followed by the numbers of three descriptors: requests, replies, and a pipe whose end is
    the end of the parent. The first line on replies is a greeting that says that the child has started.

    Args:
        command: What to start.
        arguments: What follows the three numbers.
        cwd: Its working directory.
        env: Its whole environment.

    Raises:
        ExecutorError: It cannot be started.
    """

    def __init__(
        self, command: Sequence[str], arguments: Sequence[str], *, cwd: Path, env: Mapping[str, str]
    ) -> None:
        requests, self._requests = os.pipe()
        self._replies, replies = os.pipe()
        lifeline, self._lifeline = os.pipe()
        theirs = (requests, replies, lifeline)
        try:
            self._process = subprocess.Popen(  # noqa: S603 -- our own runner; no shell
                [*command, *map(str, theirs), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=cwd,
                env=dict(env),
                pass_fds=theirs,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            self._close_pipes()
            raise ExecutorError(f"cannot start {command[0]!r}: {error}") from error
        finally:
            for fd in theirs:
                os.close(fd)
        self._streams = cast("tuple[IO[bytes], IO[bytes]]", (self._process.stdout, self._process.stderr))
        self._fds = (*(stream.fileno() for stream in self._streams), self._replies)
        for fd in self._fds:
            os.set_blocking(fd, False)
        self._lines: list[str] = []
        self._unread = b""
        self.started = False
        _CHILDREN.add(self)

    @property
    def returncode(self) -> int | None:
        """Its exit status; negative for the signal that killed it; `None` while it lives."""
        return self._process.poll()

    def send(self, line: str) -> None:
        """Send a short line; whether anybody reads it shows in what `listen` returns."""
        with suppress(BrokenPipeError):
            os.write(self._requests, line.encode())

    def end_requests(self) -> None:
        """Let the child know that no more requests follow."""
        if self._requests >= 0:
            os.close(self._requests)
            self._requests = -1

    def listen(
        self,
        outputs: Sequence[Capture],
        *,
        deadline: float,
        until_exit: bool = False,
        cancelled: Event | None = None,
    ) -> tuple[RunEnd, str]:
        """Read all that the child writes until it replies or exits; kill it at the deadline.

        Args:
            outputs: Where its stdout and stderr go.
            deadline: On the monotonic clock.
            until_exit: Wait for its exit even if it has replied.
            cancelled: Set from another thread, it is as if the deadline had come.

        Returns:
            Why listening ended, and the reply, empty if there was none. Unless it replied the child is dead.
        """
        with selectors.DefaultSelector() as selector:
            for fd, sink in self._sinks(outputs):
                selector.register(fd, selectors.EVENT_READ, sink)
            while (end := self._end(deadline, until_exit, cancelled)) is None:
                self._await(selector, min(deadline - time.monotonic(), _LOOK_AROUND))
        if end is not RunEnd.REPLIED:
            self.kill()
        self.drain(outputs)
        reply = self._lines[0] if self._lines else ""
        self._lines.clear()
        return end, reply

    def drain(self, outputs: Sequence[Capture]) -> None:
        """Read what is in the pipes by now: no more than they hold, should somebody go on writing."""
        for fd, sink in self._sinks(outputs):
            for _ in range(_PIPE_READS):
                try:
                    if not self._read(fd, sink):
                        break
                except BlockingIOError:
                    break

    def kill(self) -> None:
        """Kill the child and everything it has started that has not left its process group."""
        with suppress(ProcessLookupError, PermissionError):  # macOS: not permitted if only zombies are left
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def close(self) -> None:
        """Kill and free everything."""
        self.kill()
        for stream in self._streams:
            stream.close()
        self._close_pipes()

    def _sinks(self, outputs: Sequence[Capture]) -> zip[tuple[int, Capture | None]]:
        return zip(self._fds, (*outputs, None), strict=True)

    def _end(self, deadline: float, until_exit: bool, cancelled: Event | None) -> RunEnd | None:
        if self.returncode is not None:
            return RunEnd.EXITED
        if self._lines and not until_exit:
            return RunEnd.REPLIED
        if cancelled is not None and cancelled.is_set():
            return RunEnd.CANCELLED
        return RunEnd.DEADLINE if time.monotonic() >= deadline else None

    def _await(self, selector: selectors.BaseSelector, seconds: float) -> None:
        """Read what comes within some time."""
        if not selector.get_map():  # it has closed all pipes and is about to exit
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(seconds)
            return
        for key, _ in selector.select(max(0.0, seconds)):
            if not self._read(key.fd, key.data):
                selector.unregister(key.fd)

    def _read(self, fd: int, sink: Capture | None) -> bool:
        """Read once and return false at the end of the stream; without a sink it is the replies' pipe."""
        data = os.read(fd, _READ)
        if sink is not None:
            sink.add(data)
        else:
            *lines, self._unread = (self._unread + data).split(b"\n")
            self._lines += [line.decode("ascii", "replace") for line in lines]
            if self._lines and not self.started:
                self.started = self._lines.pop(0) == "ready"
        return bool(data)

    def _close_pipes(self) -> None:
        self.end_requests()
        os.close(self._replies)
        os.close(self._lifeline)


_CHILDREN: weakref.WeakSet[Child] = weakref.WeakSet()


@at_shutdown
def _kill_children() -> None:
    for child in list(_CHILDREN):
        child.kill()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_CHILDREN.clear)  # they are the parent's, and live on when a fork ends
