"""One child process and its pipes: started, fed, listened to, and killed with all its offspring."""

from __future__ import annotations

import codecs
import os
import selectors
import signal
import subprocess
import time
from contextlib import suppress
from enum import Enum, auto
from typing import TYPE_CHECKING

from langchain_codeexec.errors import ExecutorError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from threading import Event

__all__ = ["Capture", "Child", "Ending"]

_LOOK_AROUND = 0.05  # seconds; a child whose own children hold its pipes open ends without an event
_READ = 1 << 16  # bytes
_PIPE_READS = 64  # a pipe holds 64 KiB, 1 MiB at the most


class Ending(Enum):
    """Why listening to a child has ended."""

    REPLIED = auto()
    EXITED = auto()
    DEADLINE = auto()
    CANCELLED = auto()


class Capture:
    """The head of a stream, up to a limit of bytes; what comes after is read and dropped."""

    def __init__(self, limit: int) -> None:
        self._head = bytearray()
        self._limit = limit
        self.truncated = False

    def add(self, data: bytes) -> None:
        """Take what has arrived."""
        room = self._limit - len(self._head)
        self._head += data[:room]
        self.truncated = self.truncated or len(data) > room

    @property
    def text(self) -> str:
        """As UTF-8 with replacement; a character cut in two by the limit is left out."""
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        return decoder.decode(bytes(self._head), final=not self.truncated)


class Child:
    """A process of its own session, with a pipe for requests and one for replies beside its output.

    Args:
        command: What to start; the numbers of three descriptors are put at `{}` places: requests, replies and a
            pipe whose end is the end of the parent.
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
            self._process = subprocess.Popen(
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
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        self._outputs = (self._process.stdout.fileno(), self._process.stderr.fileno())
        for fd in (*self._outputs, self._replies):
            os.set_blocking(fd, False)
        self.replies: list[str] = []
        self._unread = b""

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
        outputs: tuple[Capture, Capture],
        *,
        deadline: float,
        until_exit: bool,
        cancelled: Event | None = None,
    ) -> Ending:
        """Read all that the child writes until it replies or exits, or until the deadline (monotonic clock).

        Every reply is kept in `replies`; the greeting of the runner counts as none.
        """
        before = len(self.replies)
        with selectors.DefaultSelector() as selector:
            for fd, sink in zip((*self._outputs, self._replies), (*outputs, None), strict=True):
                selector.register(fd, selectors.EVENT_READ, sink)
            ending = None
            while ending is None:
                exited = self.returncode is not None
                for key, _ in selector.select(
                    0 if exited else max(0.0, min(deadline - time.monotonic(), _LOOK_AROUND))
                ):
                    if not self._read(key.fd, key.data):
                        selector.unregister(key.fd)
                if exited:
                    ending = Ending.EXITED
                elif not until_exit and len(self.replies) > before:
                    ending = Ending.REPLIED
                elif cancelled is not None and cancelled.is_set():
                    ending = Ending.CANCELLED
                elif time.monotonic() >= deadline:
                    ending = Ending.DEADLINE
        if ending is not Ending.REPLIED:
            self.kill()
        self.drain(outputs)
        return ending

    def drain(self, outputs: tuple[Capture, Capture]) -> None:
        """Read what is in the pipes by now: never more than they hold, should somebody go on writing."""
        for fd, sink in zip((*self._outputs, self._replies), (*outputs, None), strict=True):
            for _ in range(_PIPE_READS):
                if not self._read(fd, sink, when_empty=False):
                    break

    def _read(self, fd: int, sink: Capture | None, *, when_empty: bool = True) -> bool:
        """Read once; false at the end of the stream, `when_empty` if there is nothing to read yet."""
        try:
            data = os.read(fd, _READ)
        except BlockingIOError:
            return when_empty
        if sink is not None:
            sink.add(data)
        else:
            *lines, self._unread = (self._unread + data).split(b"\n")
            self.replies += [line.decode("ascii", "replace") for line in lines]
        return bool(data)

    def kill(self) -> None:
        """Kill the child and everything it has started that has not left its process group."""
        with suppress(ProcessLookupError, PermissionError):  # macOS: not permitted when only zombies are left
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def close(self) -> None:
        """Kill and free everything."""
        self.kill()
        for stream in (self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()
        self._close_pipes()

    def _close_pipes(self) -> None:
        self.end_requests()
        os.close(self._replies)
        os.close(self._lifeline)
