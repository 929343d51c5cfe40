"""What the host makes of a worker that does not do as it should: sockets end, answers are none, time is up."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from langchain_codeexec.errors import ExecutorError, SandboxUnavailableError
from langchain_codeexec.executions import ExecutionRequest, ExecutionResult, Outcome
from langchain_codeexec.sandbox import battery
from langchain_codeexec.sandbox import worker as worker_module
from langchain_codeexec.sandbox.child import frames
from langchain_codeexec.sandbox.local import LocalSandbox
from langchain_codeexec.sandbox.worker import (
    BrokenLibraryError,
    Connection,
    ModeUnavailableError,
    Worker,
    WorkerEndedError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def ends() -> Iterator[tuple[Connection, socket.socket]]:
    """A connection, and what would be its run."""
    ours, theirs = socket.socketpair()
    connection = Connection(ours)
    with theirs:
        yield connection, theirs
    connection.close()


def exchange(connection: Connection) -> tuple[dict, list[bytes]]:
    return connection.exchange({"timeout": 1}, [b"code"], 5.0)


@pytest.mark.parametrize(
    ("behave", "words"),
    [
        (lambda end: end.shutdown(socket.SHUT_WR), "^the sandbox has ended$"),
        (lambda end: end.sendall(b"\xff\xff\xff\xffnonsense"), "^the sandbox has ended$"),
        (lambda end: end.sendall(b"\0\0\0\x03{]}"), "^the sandbox has ended: "),
        (lambda end: end.close(), "^the sandbox has ended"),
        (lambda end: frames.send(end, {"error": "mount: no room"}), "^the sandbox failed: mount: no room$"),
    ],
)
def test_a_run_that_does_not_answer_properly(
    ends: tuple[Connection, socket.socket], behave: Callable[[socket.socket], None], words: str
):
    behave(ends[1])

    with pytest.raises(ExecutorError, match=words):
        exchange(ends[0])


def test_a_run_that_does_not_answer_in_time(ends: tuple[Connection, socket.socket]):
    with pytest.raises(ExecutorError, match="the sandbox does not answer"):
        ends[0].exchange({}, [], 0.05)


def test_the_answer_comes_after_the_word_that_all_is_ready(ends: tuple[Connection, socket.socket]):
    ends[0].prepare()
    frames.send(ends[1], {"ready": True})
    frames.send(ends[1], {"status": 0}, [b"out"])

    assert exchange(ends[0]) == ({"status": 0}, [b"out"])


@pytest.mark.parametrize("end", [Connection.cancel, Connection.close])
def test_a_run_that_is_ended_from_another_thread(
    ends: tuple[Connection, socket.socket], end: Callable[[Connection], None], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(worker_module, "_ENDING", 0.1)
    connection, theirs = ends
    ender = threading.Thread(target=lambda: (frames.receive(theirs), end(connection)))
    ender.start()

    with pytest.raises(
        ExecutorError, match="the run was killed: it has been cancelled, or its sandbox closed"
    ):
        exchange(connection)
    ender.join()


def test_a_connection_knows_whether_the_other_end_is_there(ends: tuple[Connection, socket.socket]):
    connection, theirs = ends
    assert connection.is_alive()
    theirs.close()
    assert not connection.is_alive()
    with pytest.raises(WorkerEndedError, match="the sandbox has ended"):
        connection.prepare()
    connection.close()
    assert (connection.is_alive(), connection.closed) == (False, True)


FAKE = """\
#!{python}
import json, socket, sys, time
control = socket.socket(fileno=0)
import struct
(length,) = struct.unpack("!I", control.recv(4))
control.recv(length)
def answer(message):
    encoded = json.dumps({{**message, "blobs": []}}).encode()
    control.sendall(struct.pack("!I", len(encoded)) + encoded)
{behaviour}
"""


@pytest.fixture
def fake(tmp_path: Path) -> Callable[[str], str]:
    """An interpreter that behaves as told instead of being a zygote."""

    def make(behaviour: str) -> str:
        path = tmp_path / "python"
        path.write_text(FAKE.format(python=sys.executable, behaviour=behaviour))
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return str(path)

    return make


@pytest.mark.parametrize(
    ("behaviour", "mode", "error", "words"),
    [
        ("answer({'error': 'no such thing'})", "landlock", ModeUnavailableError, "^no such thing$"),
        (
            "answer({'broken': ['numpy', 'ImportError: x']})",
            "landlock",
            BrokenLibraryError,
            "^numpy cannot be loaded: ImportError: x$",
        ),
        ("print('x' * 9000, file=sys.stderr)", "landlock", ExecutorError, "cannot run programs: x{1999}$"),
        ("pass", "landlock", ExecutorError, "cannot run programs: it ended without a word$"),
    ],
)  # fmt: skip
def test_a_worker_that_does_not_start(
    fake: Callable[[str], str], behaviour: str, mode: str, error: type[ExecutorError], words: str
):
    with pytest.raises(error, match=words) as caught:
        Worker(fake(behaviour), mode, {})

    assert caught.type is error


def test_a_worker_that_does_not_end_is_killed(fake: Callable[[str], str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(worker_module, "_ENDING", 0.1)
    ready = "answer({'loaded': []})\ntime.sleep(60)"
    worker = Worker(fake(ready), "landlock", {})
    assert worker.is_alive()

    worker.close()

    assert not worker.is_alive()
    with pytest.raises(WorkerEndedError):
        worker.connect()


WINDOWS = """
import langchain_core.exceptions, langchain_core.messages  # which must not see what follows
import asyncio, concurrent.futures, logging, os, shutil, subprocess, sys, tempfile
sys.modules |= dict.fromkeys(("fcntl", "grp", "pwd", "resource", "termios"))
for name in ("O_CLOEXEC", "O_DIRECTORY", "O_NOFOLLOW", "fork", "geteuid", "pidfd_open", "register_at_fork"):
    delattr(os, name)
sys.platform = "win32"
from langchain_codeexec import ExecutionRequest, LocalSandbox
from langchain_codeexec.executors import ProcessExecutor
from langchain_codeexec.errors import ExecutorError
os_name, os.name = os.name, "nt"
for executor in (LocalSandbox(), ProcessExecutor()):
    try:
        executor.run(ExecutionRequest("1"))
    except ExecutorError as error:
        print(type(error).__name__, str(error).splitlines()[0])
os.name = os_name
"""


def test_where_there_is_nothing_of_linux_it_still_refuses_in_words():
    done = subprocess.run([sys.executable, "-c", WINDOWS], capture_output=True, check=False, text=True)

    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        "SandboxUnavailableError there is no sandbox for win32; nothing was run.",
        "ExecutorError ProcessExecutor needs Linux or macOS: choose another executor",
    ]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs forks")
def test_a_fork_leaves_the_workers_of_its_parent_alone(fake: Callable[[str], str]):
    ready = "answer({'loaded': []})\ncontrol.recv(1)"
    worker = Worker(fake(ready), "landlock", {})
    pid = os.fork()
    if not pid:
        os._exit(1 if worker.is_alive() else 0)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

    assert (status, worker.is_alive()) == (0, True)
    worker.close()


@pytest.mark.parametrize("missing", ["", "no user namespaces"])
def test_what_the_battery_reports(missing: str, monkeypatch: pytest.MonkeyPatch):
    def start(sandbox: LocalSandbox) -> LocalSandbox:
        if missing:
            raise SandboxUnavailableError("refused", {"namespaces": missing})
        return sandbox

    def run(sandbox: LocalSandbox, request: ExecutionRequest) -> ExecutionResult:  # holds all but two
        proof = request.code.partition("\n")[0].split("'")[-2]
        held = not any(request.code.endswith(battery.ATTACKS[name]) for name in broken)
        return ExecutionResult(Outcome.OK, "" if held else f"{proof}\n")

    broken = ["look at a file's size", "mount"]
    monkeypatch.setattr(LocalSandbox, "start", start)
    monkeypatch.setattr(LocalSandbox, "run", run)

    report = battery.report_of_mode("namespaces" if missing else "landlock")

    held = {"attacks": len(battery.ATTACKS), "breaches": broken, "known": broken[:1]}
    nothing = {"attacks": 0, "breaches": [], "known": []}
    assert report == ({"missing": missing} | (nothing if missing else held))
