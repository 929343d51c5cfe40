"""What an attack is, and what it is aimed at: decoys on the host, made for one attack and watched from outside."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeAlias

from langchain_codeexec.executions import ExecutionRequest, ExecutionResult, Outcome
from langchain_codeexec.sandbox import battery
from langchain_codeexec.sandbox.battery import DECOY

Evidence: TypeAlias = Callable[["Decoys", ExecutionResult], bool]

_WAITING = ("/bin/sh", "-c", "read never")  # the cheapest process to start for every attack
_OPEN = 0o777


class Decoys:
    """Files, sockets and a process of the host that no program should reach."""

    def __init__(self) -> None:
        self.token = secrets.token_hex(16)
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        stack = self._stack
        self.folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="codeexec-decoys-")))
        self.folder.chmod(_OPEN)
        self.secret = self.folder / "secret.txt"
        self.secret.write_text(f"{self.token} {PROOF}", encoding="ascii")
        self.target = self.folder / "target.txt"
        self.target.write_text("untouched", encoding="ascii")
        self.target.chmod(0o666)
        (self.folder / f"to-{self.token}").mkdir()
        (self.folder / "link").symlink_to(f"to-{self.token}")
        self._inherited = os.open(self.secret, os.O_RDONLY)
        os.set_inheritable(self._inherited, True)
        stack.callback(os.close, self._inherited)
        self.victim = stack.enter_context(
            subprocess.Popen(
                [*_WAITING, self.token],
                stdin=subprocess.PIPE,
                env={**os.environ, DECOY: self.token},
            )
        )
        stack.callback(self.victim.kill)
        self.listeners = {
            "tcp": self._listen(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0)),
            "udp": self._listen(socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 0)),
            "abstract": self._listen(socket.AF_UNIX, socket.SOCK_STREAM, self._without_path()),
            "path": self._listen(socket.AF_UNIX, socket.SOCK_STREAM, str(self.folder / "socket")),
        }
        return self

    def __exit__(self, *exc_info: object) -> None:
        for pid in self.strays():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for path in self.traces():
            path.unlink()
        self._stack.close()

    def facts(self) -> dict[str, object]:
        """All that a program is told; an attacker could guess or know it."""
        return {
            "folder": str(self.folder),
            "secret": str(self.secret),
            "target": str(self.target),
            "name": f"trace-{self.token}",
            "seconds": self._seconds,
            "descriptor": self._inherited,
            "victim": self.victim.pid,
            "tcp": self.listeners["tcp"].getsockname()[1],
            "udp": self.listeners["udp"].getsockname()[1],
            "abstract": self.token,
            "path": str(self.folder / "socket"),
            "link": str(self.folder / "link"),
            "home": str(Path.home()),
            "host": os.uname().nodename,
        }

    def was_reached(self, listener: str) -> bool:
        """Whether somebody has connected or sent something."""
        try:
            if listener == "udp":
                return bool(self.listeners[listener].recv(100))
            self.listeners[listener].accept()[0].close()
        except BlockingIOError:
            return False
        return True

    def victim_is_hurt(self) -> bool:
        """Whether the process of the host has been killed or stopped."""
        with suppress(subprocess.TimeoutExpired):
            self.victim.wait(0.1)
            return True
        return False

    def strays(self) -> list[int]:
        """Processes that a program has started and that are still there; they sleep an odd time."""
        strays = []
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if self._seconds.encode() in (folder / "cmdline").read_bytes():
                    strays.append(int(folder.name))
        return strays

    def traces(self) -> list[Path]:
        """Files that a program has left where the host, or another program, would find them."""
        name = f"trace-{self.token}"
        places = ("/tmp", "/var/tmp", "/dev/shm", "/work", "/box")
        folders = [*map(Path, places), self.folder, *map(Path, sys.path)]
        paths = (folder / f"{name}{suffix}" for folder in dict.fromkeys(folders) for suffix in ("", ".pth"))
        return [path for path in paths if path.is_file()]

    @property
    def _seconds(self) -> str:
        return f"30.{int(self.token[:8], 16)}"

    def _without_path(self) -> str:
        """The address of a socket that lies in no folder; other systems have no such thing."""
        return f"\0{self.token}" if sys.platform == "linux" else str(self.folder / "abstract")

    def _listen(self, family: int, kind: int, address: object) -> socket.socket:
        listener = self._stack.enter_context(socket.socket(family, kind))
        listener.bind(address)  # type: ignore[arg-type]  # a pair or a path, as the family wants it
        if kind == socket.SOCK_STREAM:
            listener.listen()
        if family == socket.AF_UNIX and isinstance(address, str) and not address.startswith("\0"):
            Path(address).chmod(_OPEN)
        listener.setblocking(False)
        return listener


PROOF = "breached"
"""Printed by programs that can tell by themselves that they have got what they wanted."""


def _proof_printed(_: Decoys, result: ExecutionResult) -> bool:
    return PROOF in result.stdout


def token_printed(decoys: Decoys, result: ExecutionResult) -> bool:
    """Whether the program has found the secret and printed it."""
    return decoys.token in result.stdout


@dataclass(frozen=True)
class Attack:
    """A program that tries to get something it must not have.

    Attributes:
        name: What it tries.
        code: The program; `decoys` is a dict that tells it where things are, `PROOF` what to print.
        seen: Whether it has succeeded, judged from outside where that is possible.
        earlier: A program that is run before, in a run of its own.
        timeout: Seconds it is given.
    """

    name: str
    code: str
    seen: Evidence = _proof_printed
    earlier: str = ""
    timeout: float = 10.0

    def breaches(self, run: Callable[[ExecutionRequest], ExecutionResult]) -> bool:
        """Whether it gets what it wants.

        Args:
            run: Runs a program.

        Raises:
            ExecutorError: The sandbox failed.
        """
        with Decoys() as decoys:
            start = f"decoys = {decoys.facts()!r}\nPROOF = {PROOF!r}\n"
            if self.earlier:
                run(ExecutionRequest(start + self.earlier, timeout=self.timeout))
            return self.seen(decoys, run(ExecutionRequest(start + self.code, timeout=self.timeout)))


def breaches(run: Callable[[ExecutionRequest], ExecutionResult], attacks: Sequence[Attack]) -> list[str]:
    """The names of the attacks that get what they want where `run` runs them."""
    os.environ[DECOY] = secrets.token_hex(16)  # once: it must not change while threads start processes
    try:
        with ThreadPoolExecutor(4) as threads:
            results = threads.map(lambda attack: attack.breaches(run), attacks)
            return [attack.name for attack, breached in zip(attacks, results, strict=True) if breached]
    finally:
        del os.environ[DECOY]


_MIB = 1 << 20


LIMITS: dict[str, Any] = {
    "memory_bytes": 1536 * _MIB,
    "file_bytes": 8 * _MIB,
    "disk_bytes": 16 * _MIB,
    "output_bytes": _MIB,
    "processes": 32,
    "open_files": 220,
}
"""What the sandbox is given for the battery; some attacks want more of each."""


def target_changed(decoys: Decoys, _: ExecutionResult) -> bool:
    """Whether a file of the host is not what it was."""
    return not decoys.target.exists() or decoys.target.read_text(encoding="utf-8") != "untouched"


def mode_changed(decoys: Decoys, _: ExecutionResult) -> bool:
    """Whether its mode or its times are not."""
    status = decoys.target.stat()
    return status.st_mode & 0o777 != 0o666 or status.st_mtime == 1


def trace_left(decoys: Decoys, _: ExecutionResult) -> bool:
    """Whether a file has been left where others find it."""
    return bool(decoys.traces())


def victim_hurt(decoys: Decoys, _: ExecutionResult) -> bool:
    """Whether a process of the host has been killed or stopped."""
    return decoys.victim_is_hurt()


def reached(listener: str) -> Evidence:
    """Whether somebody has connected to a socket of the host."""
    return lambda decoys, _: decoys.was_reached(listener)


def runs_on(_: Decoys, result: ExecutionResult) -> bool:
    """Whether it was not stopped in time."""
    return result.outcome is not Outcome.DEADLINE_EXCEEDED


def kernel_call(name: str, x86: int, arm: int, arguments: str) -> Attack:
    return Attack(name, battery.kernel_call(x86, arm, arguments))


SYSCALL = """\
import ctypes, os, platform, signal
libc = ctypes.CDLL(None, use_errno=True)
arm = platform.machine() == 'aarch64'
"""
"""What system calls need."""

LEAVE = """\
import builtins, json, os, sys, tempfile
mark = decoys['abstract']
builtins.mark = json.mark = mark
for folder in ('.', '/tmp', '/dev/shm', '/box', '/work', tempfile.gettempdir()):
    try: open(folder + '/trace-' + mark, 'w').write(mark)
    except OSError: pass
"""
"""What an earlier run leaves."""
