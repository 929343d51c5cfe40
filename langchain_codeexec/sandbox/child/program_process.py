"""The process that a program runs in, seen from its supervisor, which waits for nothing that it does."""

from __future__ import annotations

import json
import os
import signal
import socket
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from .limits import Capture, peak_memory

if TYPE_CHECKING:
    import resource
    from collections.abc import Callable, Sequence

    from .threads import ThreadGate

__all__ = ["ProgramProcess"]

_READ = 1 << 16  # bytes
_LONGEST_LINE = 1 << 20  # bytes of a report
_REPORTS = 2  # lines that a run has to say: that it begins, and how it has ended; more are not read
_STOPPING = 1.0  # seconds for all threads to come to rest
_ENDING = 2.0  # seconds to die; one that waits for a file system that does not answer may take longer
_NICENESS = 10
_FIRST_PAUSE, _LONGEST_PAUSE = 2e-5, 0.01  # seconds between looks at whether they have
_PIPE_READS = 64  # a pipe holds 64 KiB, and only an unconfined program can enlarge it
_HAS_WAITID = hasattr(os, "waitid")  # not on macOS before Python 3.13
_AT_REST = os.WSTOPPED | os.WEXITED | os.WNOWAIT | os.WNOHANG if _HAS_WAITID else 0


class ProgramProcess:
    """A program's process. All it says may be lies.

    Args:
        pid: Its number.
        channel: Where sources go and reports come from.
        outputs: Its stdout and stderr.

    Attributes:
        begun: Whether it has begun with the last source.
        has_run: Whether it has begun with any.
        report: The first report of the run, empty if there is none.
        captures: What came on stdout and stderr.
        status: Its exit status, negative for the signal that killed it; `None` while it lives.
        exit: A descriptor that can be read when it has ended, or -1.
        gate: Where it asks for threads, if it has to.
    """

    def __init__(self, pid: int, channel: socket.socket, outputs: tuple[int, int]) -> None:
        self.pid, self.channel = pid, channel
        self.begun = self.has_run = False
        self.report: dict[str, Any] = {}
        self.captures = (Capture(), Capture())
        self.status: int | None = None
        self.exit = _exit_of(pid)
        self.gate: ThreadGate | None = None
        self._outputs = outputs
        self._unread, self._awaited, self._unsent = b"", 0, memoryview(b"")
        self._descriptors: Sequence[int] = ()
        self._clock = (~pid << 3) | 2  # CPUCLOCK_SCHED of linux/posix-timers.h: the whole process
        self._usage: resource.struct_rusage | None = None
        channel.setblocking(False)
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
        return peak_memory(self._usage) if self._usage else 0

    @property
    def wants_more(self) -> bool:
        """Whether a part of the request has not been sent."""
        return bool(self._unsent)

    def readers(self) -> dict[int, Callable[[], bool]]:
        """What to call when which descriptor can be read; false says that it has ended."""
        out, err = self._outputs
        gates = {self.gate.fd: self.gate.serve} if self.gate else {}
        exits = {self.exit: self.wait} if self.exit >= 0 else {}
        return exits | gates | {
            out: lambda: self._read_output(0),
            err: lambda: self._read_output(1),
            self.channel.fileno(): self._read_report,
        }  # fmt: skip

    def begin(self, output_bytes: int, request: bytes, descriptors: Sequence[int]) -> None:
        """Forget what earlier runs have said, and go on after `stop`; `feed` sends the request."""
        self.drain()
        self.report, self.begun = {}, False
        self._unread, self._awaited = b"", _REPORTS
        self.captures = (Capture(output_bytes), Capture(output_bytes))
        self._unsent, self._descriptors = memoryview(request), descriptors
        self._signal(signal.SIGCONT)

    def feed(self) -> None:
        """Send as much of the request as it takes by now."""
        try:
            while self._unsent:
                sent = socket.send_fds(self.channel, [self._unsent], self._descriptors)
                self._unsent, self._descriptors = self._unsent[sent:], ()
        except BlockingIOError:
            return
        except OSError:  # it has closed its end, or has ended
            self._unsent = memoryview(b"")

    def give_way(self) -> None:
        """Leave the processors to the host where both want them, as do threads that it starts from now on."""
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, self.pid, _NICENESS)

    def stop(self) -> bool:
        """Let it rest, threads and all, until `begin`; false where it does not come to rest.

        That is so while a thread waits for one that it has cloned with CLONE_VFORK, which is stopped itself.
        """

        def rests() -> bool:
            # Each time: a SIGCONT of the program's may have made an end of the last.
            self._signal(signal.SIGSTOP)
            return self.status is not None or self._is_at_rest()

        return _comes_true(rests, _STOPPING)

    def kill(self) -> None:
        """Kill it with all it has started; should it not die in time, its supervisor does not wait for it."""
        self._signal(signal.SIGKILL)
        _comes_true(lambda: not self.wait(), _ENDING)

    def wait(self) -> bool:
        """Whether it lives; note its end, and end what it has started."""
        if self.status is None and (
            not _HAS_WAITID or self._is_at_rest(os.WEXITED | os.WNOWAIT | os.WNOHANG)
        ):
            if _HAS_WAITID:  # while nobody else can have its number
                self._signal(signal.SIGKILL)
            pid, status, usage = os.wait4(self.pid, os.WNOHANG)
            if pid:
                if not _HAS_WAITID:
                    self._signal(signal.SIGKILL)
                self.status, self._usage = os.waitstatus_to_exitcode(status), usage
        return self.status is None

    def close(self) -> None:
        """Free everything."""
        self.kill()
        self.channel.close()
        for fd in (*self._outputs, self.exit):
            if fd >= 0:
                os.close(fd)
        if self.gate:
            os.close(self.gate.fd)

    def drain(self) -> None:
        """Read what is in the pipes by now."""
        for read in (*(lambda n=n: self._read_output(n) for n in (0, 1)), self._read_report):
            for _ in range(_PIPE_READS):
                if not read():
                    break

    def _is_at_rest(self, which: int = _AT_REST) -> bool:
        """Whether it is stopped or has ended; it stays a zombie."""
        return not _HAS_WAITID or bool(os.waitid(os.P_PID, self.pid, which))

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
        self._unread += data if self._awaited else b""
        while self._awaited and b"\n" in self._unread:
            line, _, self._unread = self._unread.partition(b"\n")
            self._awaited -= 1
            with suppress(ValueError, RecursionError):
                self._note(json.loads(line))
        self._unread = self._unread[:_LONGEST_LINE]
        return bool(data)

    def _note(self, report: object) -> None:
        if isinstance(report, dict) and "begun" in report:
            self.begun = self.has_run = True
        elif isinstance(report, dict):
            self.report = report

    def _signal(self, number: int) -> None:
        if self.status is None:
            for kill in (os.kill, os.killpg):  # it leads a group, unless it is still being confined
                with suppress(ProcessLookupError, PermissionError):
                    kill(self.pid, number)


def _exit_of(pid: int) -> int:
    """A descriptor that can be read when a process has ended; -1 where the system has no such thing."""
    with suppress(AttributeError, OSError):  # not on macOS, nor in every sandbox that emulates Linux
        return os.pidfd_open(pid)
    return -1


def _comes_true(holds: Callable[[], bool], seconds: float) -> bool:
    """Whether something comes true within some time."""
    pause, end = _FIRST_PAUSE, time.monotonic() + seconds
    while not holds():
        if time.monotonic() >= end:
            return False
        time.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE)
    return True
