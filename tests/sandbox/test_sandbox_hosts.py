"""Hosts of sandboxes that end, are killed or fork; and what is left then: nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from langchain_codeexec import ExecutionRequest
from langchain_codeexec.errors import ExecutorError
from langchain_codeexec.sandbox.local import LocalSandbox
from tests.sandbox.processes import FOREVER, PRINT, descendants, gone, is_under_way, settles

HOST = """
import os, signal, sys, threading, time
from langchain_codeexec import ExecutionRequest
from langchain_codeexec.sandbox import LocalSandbox
sandbox = LocalSandbox(preload=(), mode=sys.argv[1])
sandbox.run(ExecutionRequest("print(1)"))
thread = threading.Thread(target=lambda: sandbox.run(ExecutionRequest("import time; time.sleep(600)")), daemon=True)
thread.start()
while not sandbox._pool.worker().is_busy(): time.sleep(0.01)
print("ready", flush=True)
input()
{ending}
"""


ENDINGS = [
    "sys.exit(0)",
    "raise ValueError",
    "os._exit(1)",
    "os.kill(os.getpid(), signal.SIGTERM); time.sleep(9)",
    "os.kill(os.getpid(), signal.SIGINT); time.sleep(9)",
    "if not os.fork(): sys.stdin.read()\nos._exit(0)",  # the fork lives on
]
KILLED = "os.kill(os.getpid(), signal.SIGKILL); time.sleep(9)"


@pytest.mark.parametrize("ending", ENDINGS)
def test_however_the_host_ends_nothing_is_left(ending: str):
    assert nothing_is_left("auto", ending)


def test_if_the_host_is_killed_nothing_is_left(confined: LocalSandbox):
    assert nothing_is_left(confined.mode, KILLED)


ENDING = """
import asyncio, sys, threading, time
from concurrent.futures import ThreadPoolExecutor
from langchain_codeexec import ExecutionRequest
from langchain_codeexec.executors import ProcessExecutor
from langchain_codeexec.errors import ExecutorError
from langchain_codeexec.sandbox import LocalSandbox
executor = {executor}
executor.run(ExecutionRequest("1"))
def is_under_way(): return executor._pool.worker().is_busy()
def run():
    try: print(executor.run(ExecutionRequest("import time; time.sleep(600)")).outcome)
    except ExecutorError as error: print(error)
{begin}
while not is_under_way(): time.sleep(0.01)
{end}
"""


@pytest.mark.parametrize("executor", ["LocalSandbox(preload=())", "ProcessExecutor()"])
@pytest.mark.parametrize(
    ("begin", "end"),
    [
        ("threading.Thread(target=run).start()", ""),
        ("ThreadPoolExecutor(1).submit(run)", "raise KeyboardInterrupt"),
        ("asyncio.new_event_loop().run_in_executor(None, run)", "sys.exit(3)"),
    ],
)
def test_the_end_of_the_interpreter_is_the_end_of_all_runs(executor: str, begin: str, end: str):
    code = ENDING.format(executor=executor, begin=begin, end=end)
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=False, text=True, timeout=300
    )

    assert done.stdout in {
        "the run was killed: it has been cancelled, or its sandbox closed\n",
        "the sandbox has ended\n",  # before it read the program
        "OUTCOME_FAILED\n",
    }


def nothing_is_left(mode: str, ending: str) -> bool:
    """Whether no process and no folder of a sandbox outlives its host."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o777)
        command = [sys.executable, "-c", HOST.format(ending=ending), mode]
        streams = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        with subprocess.Popen(command, env={**os.environ, "TMPDIR": folder}, **streams) as host:
            host.stdout.readline()
            left = {pid for pid in descendants(host.pid) if "_zygote.py" in cmdline(pid)}
            host.stdin.write(b"go on\n")
            host.stdin.flush()
            host.wait()
            assert left
            return gone(left) and settles(lambda: not [*Path(folder).iterdir()])


def cmdline(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


@pytest.mark.parametrize("busy", [False, True])
def test_a_fork_of_the_host_has_a_sandbox_of_its_own(*, busy: bool):
    """Even while all places are occupied by runs of the parent, whose locks may be held."""
    with (
        LocalSandbox(preload=(), workers=1) as sandbox,
        sandbox.session() as session,
        ThreadPoolExecutor() as threads,
    ):
        sandbox.run(PRINT)
        run = threads.submit(session.run, FOREVER) if busy else None
        assert not busy or settles(lambda: is_under_way(sandbox))
        reading, writing = os.pipe()
        pid = os.fork()
        if not pid:
            status = 1
            try:
                signal.alarm(60)
                os.write(writing, sandbox.run(ExecutionRequest("print('child')")).stdout.encode())
                with suppress(ExecutorError):
                    session.run(PRINT)
                    os.write(writing, b"in the parent's session")
                sandbox.close()
                status = 0
            finally:
                os._exit(status)
        os.close(writing)
        with os.fdopen(reading) as answer:
            assert answer.read() == "child\n"
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        if run is not None:
            assert not run.done()
            session.cancel()
            assert isinstance(run.exception(), ExecutorError)

        assert sandbox.run(PRINT).stdout == "1\n"
