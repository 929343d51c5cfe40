"""What the supervisor reads from and knows of a program's process."""

from __future__ import annotations

import json
import os
import signal
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from .capture import Capture
from .listener import Listener

if TYPE_CHECKING:
    import resource
    import socket
    from collections.abc import Callable

    from .listener import Call

__all__ = ["Player"]

_READ = 1 << 16  # bytes
_LONGEST_LINE = 1 << 20  # bytes of a report
_STOPPING = 1.0  # seconds for all threads to come to rest
_FIRST_PAUSE = 2e-5  # seconds until the first look at whether they have
_PIPE_READS = 32  # a pipe holds 64 KiB, and nobody can enlarge it
_AT_REST = os.WSTOPPED | os.WEXITED | os.WNOWAIT | os.WNOHANG


class Player:
    """The process that a program runs in, seen from its supervisor. All it says may be lies.

    Args:
        pid: Its number.
        channel: Where sources go and reports come from.
        outputs: Its stdout and stderr.

    Attributes:
        reports: What it has told, oldest first.
        captures: What came on stdout and stderr.
        status: Its exit status, negative for the signal that killed it; `None` while it lives.
    """

    def __init__(self, pid: int, channel: socket.socket, outputs: tuple[int, int]) -> None:
        self.pid, self.channel = pid, channel
        self.reports: list[dict[str, Any]] = []
        self.captures = (Capture(), Capture())
        self.status: int | None = None
        self.exit = os.pidfd_open(pid)
        self._outputs = outputs
        self._unread = b""
        self._clock = (~pid << 3) | 2  # CPUCLOCK_SCHED of linux/posix-timers.h: the whole process
        self._usage: resource.struct_rusage | None = None
        self._listener: Listener | None = None
        for fd in outputs:
            os.set_blocking(fd, False)

    @property
    def cpu_time(self) -> float:
        """Seconds on all processors so far."""
        if self._usage is not None:
            return self._usage.ru_utime + self._usage.ru_stime
        with suppress(OSError):
            return time.clock_gettime(self._clock)
        return 0.0

    @property
    def peak_memory(self) -> int:
        """Bytes resident at the most, once it has ended."""
        return self._usage.ru_maxrss * 1024 if self._usage else 0

    def answer(self, listener: int, answer: Callable[[Call], int | None]) -> None:
        """Answer the calls that arrive at a descriptor."""
        self._listener = Listener(listener, answer)

    def readers(self) -> dict[int, Any]:
        """What to call when which descriptor can be read; false says that it has ended."""
        out, err = self._outputs
        listening = {self._listener.fd: self._listener.serve} if self._listener else {}
        return listening | {
            out: lambda: self._read_output(0),
            err: lambda: self._read_output(1),
            self.channel.fileno(): self._read_report,
            self.exit: self.wait,
        }

    def begin(self, output_bytes: int) -> None:
        """Forget what earlier runs have said, and go on after `stop`."""
        self.drain()
        self.reports.clear()
        self.captures = (Capture(output_bytes), Capture(output_bytes))
        self._signal(signal.SIGCONT)

    def stop(self) -> bool:
        """Let it rest, threads and all, until `begin`; false where it does not come to rest.

        That is so while a thread keeps sending SIGCONT, and while one waits for a thread that it has cloned
        with CLONE_VFORK, which is stopped itself.
        """
        self._signal(signal.SIGSTOP)
        pause, end = _FIRST_PAUSE, time.monotonic() + _STOPPING
        while self.status is None and not os.waitid(os.P_PID, self.pid, _AT_REST):
            if time.monotonic() >= end:
                return False
            time.sleep(pause)
            pause *= 2
        return True

    def kill(self) -> None:
        """Kill it."""
        self._signal(signal.SIGKILL)
        if self.status is None:
            self._reap(0)

    def wait(self) -> bool:
        """Note that it has ended."""
        if self.status is None:
            self._reap(os.WNOHANG)
        return False

    def close(self) -> None:
        """Free everything."""
        self.kill()
        self.channel.close()
        for fd in (*self._outputs, self.exit):
            os.close(fd)
        if self._listener:
            self._listener.close()

    def drain(self) -> None:
        """Read what is in the pipes by now."""
        for read in (*(lambda n=n: self._read_output(n) for n in (0, 1)), self._read_report):
            for _ in range(_PIPE_READS):
                if not read():
                    break

    def _read_output(self, index: int) -> bool:
        with suppress(BlockingIOError):
            data = os.read(self._outputs[index], _READ)
            self.captures[index].add(data)
            return bool(data)
        return False

    def _read_report(self) -> bool:
        try:
            data = self.channel.recv(_READ)
        except OSError:
            return False
        *lines, self._unread = (self._unread + data).split(b"\n")
        self._unread = self._unread[:_LONGEST_LINE]
        for line in lines:
            with suppress(ValueError, RecursionError):
                report = json.loads(line)
                if isinstance(report, dict) and not self.reports:
                    self.reports.append(report)
        return bool(data)

    def _signal(self, number: int) -> None:
        if self.status is None:
            os.kill(self.pid, number)

    def _reap(self, flags: int) -> None:
        pid, status, usage = os.wait4(self.pid, flags)
        if pid:
            self.status = os.waitstatus_to_exitcode(status)
            self._usage = usage
