"""The process beside a program's that nothing in the program can reach: it feeds, watches, kills and collects."""

from __future__ import annotations

import os
import select
import socket
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from . import frames
from .confinement import CHANNEL, LISTENER, run_programs
from .folder import collect, digest, empty, remove_tree
from .kernel import die_with_parent
from .program_process import ProgramProcess
from .threads import ThreadGate
from .usage import disk_within

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .isolation import Box
    from .limits import Limits

__all__ = ["Supervisor"]

_TICK = 0.02  # seconds between looks at what gives no event: time on processors, the disk
_PATIENCE = 0.25  # seconds that a program may be as important as its host
_SHARE = 4  # looks may take this part of the time
_LONGEST_VALUE, _LONGEST_LIMIT, _LAST_STATUS = 20_000, 100, 255  # whatever the program says
_STARTING = 10.0  # seconds for a process to be forked and confined
_RAISED = "raised"  # how a run ends whose result the host throws away, for an exception of its own
_READ, _WRITE = select.POLLIN, select.POLLOUT


class _NoRoomError(Exception):
    """What the programs of a session have left leaves no room for a file."""


class _Clock:
    """The wall clock of a run. It stands still while the host works for the program, which only the host knows.

    Args:
        timeout: Seconds that the program has.
        most: Seconds that the host may work; 0 where the program can call nothing.

    Attributes:
        start: When the run began.
        deadline: When there is something to be done.
    """

    def __init__(self, timeout: float, most: float) -> None:
        self.start, self._timeout, self._most = time.monotonic(), timeout, most
        self.deadline = self.start + timeout
        self._asked = 0.0
        self._stop: str | None = None

    def end(self, host: socket.socket) -> str | None:
        """Why the run is over, if it is: its time is up, on which the host is heard first, or the host says so."""
        now = time.monotonic()
        if self._stop or now < self.deadline:
            return self._stop
        if self._most and not self._asked:
            frames.send(host, {"clock": True})
            self._asked, self.deadline = now, self.start + self._timeout + self._most
        return "deadline" if now >= self.deadline else None

    def hear(self, host: socket.socket) -> None:
        """Take what the host says in the middle of a run: that it is to end, or how long it has worked.

        Raises:
            OSError: It says that it is gone.
        """
        message = frames.receive(host)
        if message is None:
            raise ConnectionAbortedError
        self._stop = message[0].get("stop")
        self.deadline = self.start + self._timeout + min(message[0].get("worked", 0.0), self._most)
        if self.deadline > self._asked:
            self._asked = 0.0


@dataclass
class Supervisor:
    """Runs the programs of one connection, one after the other, in one box.

    Attributes:
        host: The connection: requests come in, results go out; its end is the end of everything.
        box: Where the programs may write.
        limits: What they may use.
    """

    host: socket.socket
    box: Box
    limits: Limits

    def __post_init__(self) -> None:
        self._process: ProgramProcess | None = None
        self._descriptors: list[int] = []
        self._lost = False
        self._known: dict[str, bytes] = {}

    def serve(self) -> None:
        """Answer requests until there are no more.

        Raises:
            OSError: The host is gone, or the sandbox does not work.
        """
        try:
            while (request := self._next_request()) is not None:
                self._answer(*request)
        finally:
            self._end_process()

    def _next_request(self) -> tuple[dict[str, Any], list[bytes]] | None:
        """Wait for the host; a process that ends meanwhile, though it rests, is let go."""
        while True:
            poll = select.poll()
            poll.register(self.host, _READ)
            if self._process is not None and self._process.exit >= 0:
                poll.register(self._process.exit, _READ)
            if any(fd == self.host.fileno() for fd, _ in poll.poll()):
                return frames.receive(self.host, self._descriptors)
            self._lose_process()

    def _answer(self, header: dict[str, Any], blobs: list[bytes]) -> None:
        if header.get("prepare"):
            self._start()
            frames.send(self.host, {"ready": True})
        if "timeout" not in header:  # but what was said to a run that has ended meanwhile
            return
        frames.send(self.host, {"taken": True})  # until then nothing has been run
        calls = header["calls"]
        clock = _Clock(header["timeout"], calls["total_seconds"] if calls else 0.0)
        code, *files = blobs
        current = self._process or self._start()
        cpu = current.cpu_time
        try:
            self._place(header["files"], files)  # while nothing of the program runs that could get in the way
            end = self._run(current, header, code, clock)
            if end == "exited" and not current.begun:  # as where the system has killed it in its sleep
                self._lose_process()
                current, cpu = self._start(), 0.0
                end = self._run(current, header, code, clock)
        except _NoRoomError:
            end = "disk"
        if end == "exited" and not current.begun:
            raise OSError(0, "it has ended before the program began", "the program's process")
        while self._descriptors:
            os.close(self._descriptors.pop())
        wall = time.monotonic() - clock.start
        stays = end == "replied" and not header["last"]
        if stays and not current.stop():
            stays, end = False, "restless"
        if not stays:
            current.kill()
        current.drain()
        cpu_time = current.cpu_time - cpu
        self._reply(current, {"end": end, "wall": wall, "cpu": cpu_time, "lost": self._lost})
        self._lost = end == _RAISED and not header["last"]  # what is said of this run, nobody will see
        if not stays:
            self._end_process()

    def _run(self, current: ProgramProcess, header: dict[str, Any], code: bytes, clock: _Clock) -> str:
        """Feed the program to its process, and find out how it ends."""
        cpu = current.cpu_time + time.process_time()  # what it makes its supervisor do is its own
        request = frames.encode({"last": header["last"], "calls": header["calls"]}, [code])
        current.begin(self.limits.output, request, self._descriptors)
        readers = current.readers()
        poll, channel, look = select.poll(), current.channel.fileno(), 0.0
        patience = time.monotonic() + _PATIENCE
        for fd in (self.host.fileno(), *readers):
            poll.register(fd, _READ)
        while True:
            current.feed()
            end, now = self._end(current, clock, last=header["last"]), time.monotonic()
            if now >= look:
                end = end or self._excess(current, cpu - time.process_time())
                if now >= patience:
                    current.give_way()
                look = time.monotonic() + max(_TICK, _SHARE * (time.monotonic() - now))
            if end:
                current.drain()  # what it said last may not have been read
                return end
            if channel in readers:
                poll.modify(channel, _READ | _WRITE if current.wants_more else _READ)
            for fd, event in poll.poll(max(0.0, min(look, clock.deadline) - time.monotonic()) * 1e3):
                if fd == self.host.fileno():
                    clock.hear(self.host)
                elif event & ~_WRITE and not readers[fd]():
                    poll.unregister(fd)
                    del readers[fd]

    def _end(self, current: ProgramProcess, clock: _Clock, *, last: bool) -> str | None:
        if not current.wait():
            return "exited"
        return "replied" if current.report and not last else clock.end(self.host)

    def _excess(self, current: ProgramProcess, cpu: float) -> str | None:
        """Which limit is exceeded that the kernel does not enforce."""
        if self.limits.cpu and current.cpu_time - cpu > self.limits.cpu:
            return "cpu"
        if self.box.mode != "landlock":
            return None
        within = disk_within(self.box.top, current.pid, self.limits.disk, self.limits.files)
        return None if within else "disk"

    def _reply(self, current: ProgramProcess, header: dict[str, Any]) -> None:
        """Send what became of the run, with all it left."""
        report = current.report
        most = self.limits.disk or sys.maxsize
        images, images_left = collect(self.box.images, {}, self.limits.file, most)
        known = dict(self._known) if header["end"] == _RAISED else self._known
        files, files_left = collect(self.box.work, known, self.limits.file, most)
        with suppress(OSError):
            empty(self.box.images)
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
            if self.box.mode != "namespaces":
                die_with_parent(parent)
            os._exit(self._be_program(theirs, (out[1], err[1])))
        for fd in (theirs.detach(), out[1], err[1]):
            os.close(fd)
        self._process = ProgramProcess(pid, ours, (out[0], err[0]))
        self._process.gate = self._await_confinement(ours, pid)
        return self._process

    def _await_confinement(self, channel: socket.socket, pid: int) -> ThreadGate | None:
        """Wait until a process is ready for programs, and nothing of one is in it.

        Raises:
            OSError: It cannot be confined.
        """
        channel.settimeout(_STARTING)
        line, listeners = b"", []
        while not line.endswith(b"\n"):
            data, descriptors, _, _ = socket.recv_fds(channel, 1 << 12, 1)
            if not data:
                raise OSError(0, "it ended before it was confined", "the program's process")
            line += data.removeprefix(LISTENER)
            listeners += descriptors
        channel.setblocking(False)
        if line != b'{"confined": true}\n':
            raise OSError(0, line.decode().strip(), "the program's process")
        return ThreadGate(listeners[0], pid, self.limits.tasks) if listeners else None

    def _be_program(self, channel: socket.socket, outputs: tuple[int, int]) -> int:
        """Be the program's process."""
        self.host.close()
        try:
            return run_programs(channel, outputs, self.box, self.limits)
        except BaseException as error:  # noqa: BLE001 -- nothing but its end may follow
            where = getattr(error, "filename", None) or type(error).__name__
            reason = f"{where}: {getattr(error, 'strerror', None) or error}\n".encode()
            for fd in (CHANNEL, channel.fileno()):
                with suppress(OSError):
                    os.write(fd, reason)
                    break
            return 70  # EX_SOFTWARE of sysexits.h

    def _lose_process(self) -> None:
        """Let go of a process that has ended by itself, and note what went with it."""
        self._lost = self._lost or (self._process is not None and self._process.has_run)
        self._end_process()

    def _end_process(self) -> None:
        if self._process is not None:
            self._process.close()
            self._process = None
