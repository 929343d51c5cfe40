"""The process beside a program's that nothing in the program can reach: it feeds, watches, kills and collects."""

from __future__ import annotations

import json
import os
import selectors
import signal
import socket
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import frames, usage
from .confinement import CHANNEL, LISTENER, run_programs
from .folder import collect, digest, remove_tree
from .kernel import die_with_parent
from .limits import Capture
from .lookups import Listener, Lookups, Memory
from .namespaces import DEVICES
from .usage import limit_threads

if TYPE_CHECKING:
    import resource
    from collections.abc import Callable, Sequence

    from .isolation import Box
    from .limits import Limits
    from .lookups import Call

__all__ = ["Supervisor"]

_READ = 1 << 16  # bytes
_LONGEST_LINE = 1 << 20  # bytes of a report
_STOPPING = 1.0  # seconds for all threads to come to rest
_FIRST_PAUSE = 2e-5  # seconds until the first look at whether they have
_PIPE_READS = 32  # a pipe holds 64 KiB, and nobody can enlarge it
_AT_REST = os.WSTOPPED | os.WEXITED | os.WNOWAIT | os.WNOHANG


class ProgramProcess:
    """The process that a program runs in, seen from its supervisor. All it says may be lies.

    Args:
        pid: Its number.
        channel: Where sources go and reports come from.
        outputs: Its stdout and stderr.

    Attributes:
        reports: The first report of the run, if there is one.
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


_TICK = 0.05  # seconds between looks at what gives no event: time on processors, threads, the disk
_LONGEST_VALUE, _LONGEST_LIMIT, _LAST_STATUS = 20_000, 100, 255  # whatever the program says
_STARTING = 10.0  # seconds for a process to be forked and confined


class _NoRoomError(Exception):
    """What the programs of a session have left leaves no room for a file."""


@dataclass
class Supervisor:
    """Runs the programs of one connection, one after the other, in one box.

    Attributes:
        host: The connection: requests come in, results go out; its end is the end of everything.
        box: Where the programs may write.
        limits: What they may use.
        readable: What of the host they may read; `None` where they have namespaces of their own.
    """

    host: socket.socket
    box: Box
    limits: Limits
    readable: list[str] | None

    def __post_init__(self) -> None:
        self._process: ProgramProcess | None = None
        self._known: dict[str, bytes] = {}

    def serve(self) -> None:
        """Answer requests until there are no more.

        Raises:
            OSError: The host is gone, or the sandbox does not work.
        """
        try:
            while (request := frames.receive(self.host)) is not None:
                self._answer(*request)
        finally:
            self._end_process()

    def _answer(self, header: dict[str, Any], blobs: list[bytes]) -> None:
        if header.get("prepare"):
            self._start()
            frames.send(self.host, {"ready": True})
            return
        start = time.monotonic()
        code, *files = blobs
        current = self._process or self._start()
        cpu = current.cpu_time
        try:
            self._place(header["files"], files)  # while nothing of the program runs that could get in the way
            current.begin(self.limits.output)
            end = self._run(current, header, code, start + header["timeout"], cpu)
        except _NoRoomError:
            end = "disk"
        wall = time.monotonic() - start
        stays = end == "replied" and not header["last"]
        if stays and not current.stop():
            stays, end = False, "restless"
        if not stays:
            current.kill()
        current.drain()
        self._reply(current, {"end": end, "wall": wall, "cpu": current.cpu_time - cpu})
        if not stays:
            self._end_process()

    def _run(
        self, current: ProgramProcess, header: dict[str, Any], code: bytes, deadline: float, cpu: float
    ) -> str:
        """Feed the program to its process, and find out how it ends."""
        current.channel.settimeout(max(0.001, deadline - time.monotonic()))
        try:
            frames.send(current.channel, {"last": header["last"]}, [code])
        except TimeoutError:
            return "deadline"
        except OSError:  # it has closed its end, or has ended
            if not header["last"]:
                current.kill()
        current.channel.setblocking(False)
        with selectors.DefaultSelector() as selector:
            for fd, read in current.readers().items():
                selector.register(fd, selectors.EVENT_READ, read)
            selector.register(self.host, selectors.EVENT_READ, None)
            look = 0.0
            while True:
                end = self._end(current, deadline, last=header["last"])
                if time.monotonic() >= look:
                    end = end or self._excess(current, cpu)
                    look = time.monotonic() + _TICK
                end = end or _read(selector, min(look, deadline) - time.monotonic())
                if end:
                    return end

    def _end(self, current: ProgramProcess, deadline: float, *, last: bool) -> str | None:
        if current.status is not None:
            return "exited"
        if current.reports and not last:
            return "replied"
        return "deadline" if time.monotonic() >= deadline else None

    def _excess(self, current: ProgramProcess, cpu: float) -> str | None:
        """Which limit is exceeded that the kernel does not enforce."""
        if self.limits.cpu and current.cpu_time - cpu > self.limits.cpu:
            return "cpu"
        if self.readable is None:
            return None
        if usage.tasks(current.pid) > self.limits.tasks:
            return "tasks"
        within = usage.disk_within(self.box.top, current.pid, self.limits.disk, self.limits.files)
        return None if within else "disk"

    def _reply(self, current: ProgramProcess, header: dict[str, Any]) -> None:
        """Send what became of the run, with all it left."""
        report = current.reports[0] if current.reports else {}
        images, images_left = collect(self.box.images, {}, self.limits.file)
        files, files_left = collect(self.box.work, self._known, self.limits.file)
        for name, _ in images:
            with suppress(OSError):
                Path(self.box.images, name).unlink()
        status = report.get("status", 0) if current.status is None else current.status
        value, limit, peak = (report.get(name) for name in ("value", "limit", "peak"))
        believable = isinstance(peak, int) and 0 <= peak <= self.limits.memory
        header |= {
            "status": status if isinstance(status, int) and abs(status) <= _LAST_STATUS else 1,
            "value": value[:_LONGEST_VALUE] if isinstance(value, str) else "",
            "limit": limit[:_LONGEST_LIMIT] if isinstance(limit, str) else "",
            "peak": current.peak_memory or (peak if believable else 0),
            "truncated": [capture.truncated for capture in current.captures],
            "images": [name for name, _ in images],
            "files": [name for name, _ in files],
            "more": images_left or files_left,
        }
        outputs = [capture.head for capture in current.captures]
        frames.send(self.host, header, [*outputs, *(data for _, data in (*images, *files))])

    def _place(self, names: Sequence[str], contents: Sequence[bytes]) -> None:
        """Lay out a program's files; what has a name already may be a link or a folder by now."""
        for name, data in zip(names, contents, strict=True):
            target = f"{self.box.work}/{name}"
            try:
                if os.path.isdir(target) and not os.path.islink(target):  # noqa: PTH112, PTH114 -- a string
                    remove_tree(target)
                with suppress(FileNotFoundError):
                    os.unlink(target)  # noqa: PTH108 -- as above
                fd = os.open(
                    target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644
                )
                with os.fdopen(fd, "wb") as file:
                    file.write(data)
            except OSError as error:
                raise _NoRoomError(name) from error
            self._known[name] = digest(data)

    def _start(self) -> ProgramProcess:
        """Fork the process that programs run in.

        Raises:
            OSError: It cannot be confined.
        """
        ours, theirs = socket.socketpair()
        out, err = os.pipe(), os.pipe()
        parent = os.getpid()
        pid = os.fork()
        if not pid:
            if self.readable is not None:
                die_with_parent(parent)
            os._exit(self._be_program(theirs, (out[1], err[1])))
        for fd in (theirs.detach(), out[1], err[1]):
            os.close(fd)
        self._process = ProgramProcess(pid, ours, (out[0], err[0]))
        ours.settimeout(_STARTING)
        line, listeners = b"", []
        while not line.endswith(b"\n"):
            data, descriptors, _, _ = socket.recv_fds(ours, 1 << 12, 1)
            if not data:
                raise OSError(0, "it ended before it was confined", "the program's process")
            line += data.removeprefix(LISTENER)
            listeners += descriptors
        if line != b'{"confined": true}\n':
            raise OSError(0, line.decode().strip(), "the program's process")
        ours.setblocking(False)
        for listener in listeners:
            self._process.answer(listener, limit_threads(pid, self.limits.tasks, self._lookups(pid)))
        return self._process

    def _lookups(self, pid: int) -> Callable[[Call], int] | None:
        """What tells the program about files; `None` where the system lets nobody look into a child's memory."""
        with suppress(OSError):
            return Lookups(Memory(pid), self.readable or [], [*self.box.writable, *DEVICES]).answer
        return None

    def _be_program(self, channel: socket.socket, outputs: tuple[int, int]) -> int:
        """Be the program's process."""
        self.host.close()
        try:
            return run_programs(channel, outputs, self.box, self.limits, self.readable)
        except BaseException as error:  # noqa: BLE001 -- nothing but its end may follow
            where = getattr(error, "filename", None) or type(error).__name__
            reason = f"{where}: {getattr(error, 'strerror', None) or error}\n".encode()
            for fd in (CHANNEL, channel.fileno()):
                with suppress(OSError):
                    os.write(fd, reason)
                    break
            return 70  # EX_SOFTWARE of sysexits.h

    def _end_process(self) -> None:
        if self._process is not None:
            self._process.close()
            self._process = None


def _read(selector: selectors.BaseSelector, seconds: float) -> str | None:
    """Read what comes within some time; the host has nothing to say but that it has lost interest."""
    for key, _ in selector.select(max(0.0, seconds)):
        if key.data is None:
            return "cancelled"
        if not key.data():
            selector.unregister(key.fd)
    return None
