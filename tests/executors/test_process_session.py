"""Runs that share a process, and runs in an event loop."""

import asyncio
import os
import select
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from langchain_codeexec import ExecutionRequest
from langchain_codeexec.errors import ExecutionRequestError, ExecutorError
from langchain_codeexec.executions import ExecutionResult, InlineFile, Outcome
from langchain_codeexec.executors.base import ExecutorSession
from langchain_codeexec.executors.process import ProcessExecutor

LOST = "the variables and imports of the session are lost"


@pytest.fixture
def session_of(process: ProcessExecutor) -> Any:
    """What becomes of programs that share a session."""

    def run(*programs: str) -> list[ExecutionResult]:
        with process.session() as session:
            assert isinstance(session, ExecutorSession)
            return [
                session.run(ExecutionRequest(code, timeout=0.5 if "while True" in code else 100))
                for code in programs
            ]

    return run


def gone(process: int) -> bool:
    """Whether a process has ended or is about to."""
    try:
        handle = os.pidfd_open(process)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([handle], [], [], 60)[0])
    finally:
        os.close(handle)


def is_there(folder: str) -> bool:
    return os.path.lexists(folder)


@pytest.mark.parametrize(
    ("programs", "stdouts"),
    [
        (["x = 1", "print(x)"], ["", "1\n"]),
        (["import math", "print(math.floor(2.5))"], ["", "2\n"]),
        (["def f(): return y", "y = 3", "print(f())"], ["", "", "3\n"]),
        (["open('a', 'w').write('hi')", "print(open('a').read())"], ["", "hi\n"]),
        (["import os; os.mkdir('d'); os.chdir('d')", "print(os.path.basename(os.getcwd()))"], ["", "d\n"]),
        (["x = 1; 1 / 0", "print(x)"], ["", "1\n"]),
        (["x = 1; raise SystemExit(2)", "print(x)"], ["", "1\n"]),
        (["print('a', end='')", "print('b')"], ["a", "b\n"]),
        (["import sys; sys.stdout.close(); sys.stderr.close()", "print('b')"], ["", "b\n"]),
        (["import os; os.close(1)", "print('b')"], ["", "b\n"]),
        (["import sys, io; sys.stdout = io.StringIO(); print('a')", "print('b')"], ["", "b\n"]),
        (["import sys; sys.stdout = None", "print('b')"], ["", "b\n"]),
        (["print('0 -\\nready\\n1 memory')", "print('b')"], ["0 -\nready\n1 memory\n", "b\n"]),
        (["import atexit; atexit.register(print, 'bye')", "print('b')"], ["", "b\n"]),
        (["import os\nif not os.fork(): print('child')\nelse: os.wait()", "print('b')"], ["child\n", "b\n"]),
        (["from __future__ import annotations", "def f(x: nope): pass\nprint('no')"], ["", ""]),
    ],
)
def test_state_is_kept(session_of: Any, programs: list[str], stdouts: list[str]):
    assert [result.stdout for result in session_of(*programs)] == stdouts


@pytest.mark.parametrize(
    ("last_words", "outcome", "detail"),
    [
        ("while True: pass", Outcome.DEADLINE_EXCEEDED, f"killed at the time limit of 0.5 s; {LOST}"),
        ("import os; os._exit(0)", Outcome.OK, LOST),
        ("import os; os._exit(3)", Outcome.FAILED, f"exit status 3; {LOST}"),
        ("import os; os.kill(os.getpid(), 15)", Outcome.FAILED, f"killed by SIGTERM; {LOST}"),
        ("import os; os.closerange(3, 4096)", Outcome.OK, LOST),
        ("import os; os.closerange(3, 4096); 1 / 0", Outcome.FAILED, LOST),
    ],
)
def test_a_run_that_ends_the_process(session_of: Any, last_words: str, outcome: Outcome, detail: str):
    _, ended, after, again = session_of(
        "x = 1; open('kept', 'w').close()",
        last_words,
        "import os; print(os.listdir(), 'x' in globals())",
        "print(os.listdir())",
    )
    assert (ended.outcome, ended.detail) == (outcome, detail)
    assert (after.stdout, after.detail) == ("['kept'] False\n", "")
    assert again.stdout == "['kept']\n"


def test_results_of_one_run_do_not_show_in_the_next(session_of: Any):
    results = session_of(
        "x = 'a' * 10**15", "1 / 0", "import sys; sys.exit(7)", "print('x' * 2_000_000)", "print('fine')"
    )
    assert [result.detail for result in results] == [
        "the limit of memory was reached (4294967296 bytes)",
        "",
        "exit status 7",
        "",
        "",
    ]
    assert [result.truncated for result in results] == [False, False, False, True, False]
    assert [bool(result.stderr) for result in results] == [True, True, False, False, False]


def test_each_traceback_shows_its_own_source(session_of: Any):
    first, second = session_of("def f():\n    1 / 0  # one\nf()", "f()  # two")
    assert "1 / 0  # one" in first.stderr
    assert "f()  # two" in second.stderr


def test_only_new_and_changed_files_come_back(session_of: Any):
    results = session_of(
        "open('a', 'w').write('1')",
        "open('b', 'w').write('2')",
        "open('a', 'w').write('3')",
        "open('a', 'w').write('3')",
    )
    assert [[(file.name, file.data) for file in result.files] for result in results] == [
        [("a", b"1")],
        [("b", b"2")],
        [("a", b"3")],
        [],
    ]


def test_files_of_the_request_replace_what_is_there():
    with ProcessExecutor().session() as session:
        session.run(ExecutionRequest("import os; os.symlink('/etc/passwd', 'x')"))
        result = session.run(
            ExecutionRequest("print(open('x').read())", files=(InlineFile(b"new", "text/plain", "x"),))
        )
        assert (result.stdout, result.files) == ("new\n", ())


def test_a_folder_in_the_way_of_a_file():
    with ProcessExecutor().session() as session:
        session.run(ExecutionRequest("import os; os.mkdir('x')"))
        result = session.run(
            ExecutionRequest("print(open('x').read())", files=(InlineFile(b"new", "text/plain", "x"),))
        )
        assert result.stdout == "new\n"
        with pytest.raises(ExecutionRequestError):
            session.run(ExecutionRequest("", timeout=-1))
        assert session.run(ExecutionRequest("print(os.listdir())")).stdout == "['x']\n"


def test_figures_belong_to_the_run_that_drew_them(session_of: Any):
    results = session_of(
        "import matplotlib.pyplot as plt", "plt.plot([1])", "x = 1", "plt.plot([1]); plt.show()"
    )
    assert [len(result.images) for result in results] == [0, 1, 0, 1]


def test_what_is_said_between_runs_is_dropped():
    with ProcessExecutor().session() as session:
        pid = int(
            session.run(
                ExecutionRequest(
                    "import os, sys, threading\ngo, done = threading.Event(), os.getpid()\n"
                    "r, w = os.pipe()\n"
                    "threading.Thread(target=lambda: (go.wait(), print('late'), os.write(w, b'x')), daemon=True).start()\nprint(done)"
                )
            ).stdout
        )
        assert pid
        session.run(ExecutionRequest("import signal; signal.signal(signal.SIGUSR1, lambda *a: None)"))
        said = session.run(ExecutionRequest("go.set(); os.read(r, 1)"))
        quiet = session.run(ExecutionRequest("print('now')"))
    assert (said.stdout, quiet.stdout) == ("late\n", "now\n")


def test_nothing_is_left_when_the_session_ends():
    with ProcessExecutor().session() as session:
        result = session.run(
            ExecutionRequest(
                "import os, subprocess\nprint(os.getpid(), subprocess.Popen(['sleep', '99']).pid, os.getcwd())"
            )
        )
        process, child, folder = result.stdout.split()
        assert not result.detail
    assert gone(int(process))
    assert gone(int(child))
    assert not Path(folder).exists()


def test_sessions_used_by_several_threads_take_turns():
    results: list[str] = []
    with ProcessExecutor().session() as session:
        session.run(ExecutionRequest("x = 0"))

        def step() -> None:
            results.append(session.run(ExecutionRequest("x += 1; print(x)")).stdout)

        threads = [threading.Thread(target=step) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(results) == [f"{n}\n" for n in range(1, 9)]


def test_the_end_of_the_host_is_the_end_of_its_runs(tmp_path: Path):
    host = (
        "from langchain_codeexec import ExecutionRequest\n"
        "from langchain_codeexec.executors.process import ProcessExecutor\n"
        'code = \'import os, subprocess, time; p = subprocess.Popen(["sleep", "99"]);'
        ' open("/proc/%d/fd/1", "w").write(f"{os.getpid()} {p.pid}\\\\n"); time.sleep(99)\'\n'
        "import os; ProcessExecutor().run(ExecutionRequest(code % os.getpid()))\n"
    )
    env = {"TMPDIR": str(tmp_path)}  # what a killed host leaves there goes with the test's folder
    with subprocess.Popen(
        [sys.executable, "-c", host], stdout=subprocess.PIPE, text=True, env=env
    ) as process:
        assert process.stdout is not None
        pids = [int(pid) for pid in process.stdout.readline().split()]
        process.send_signal(signal.SIGKILL)
    assert len(pids) == 2
    assert all(gone(pid) for pid in pids)


async def test_cancelling_the_task_kills_the_run(tmp_path: Path):
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    code = (
        f"import os, time; open({str(fifo)!r}, 'w').write(f'{{os.getpid()}} {{os.getcwd()}}'); time.sleep(99)"
    )
    task = asyncio.create_task(ProcessExecutor().arun(ExecutionRequest(code)))
    process, folder = (await asyncio.to_thread(fifo.read_text)).split()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert gone(int(process))
    assert not is_there(folder)


async def test_a_broken_sandbox_in_an_event_loop():
    with pytest.raises(ExecutorError, match="cannot start"):
        await ProcessExecutor(python="/no/such/python").arun(ExecutionRequest(""))


FORKING = """
import os, sys, threading
from langchain_codeexec import ExecutionRequest
from langchain_codeexec.executors import ProcessExecutor
results = []
begun, end = sys.argv[1:]
code = f"open({begun!r}, 'w').close(); print(open({end!r}).read())"
def run(): results.append(ProcessExecutor().run(ExecutionRequest(code, timeout=100)))
thread = threading.Thread(target=run)
thread.start()
open(begun).close()
if not os.fork():
    sys.exit(0)
os.wait()
open(end, "w").write("done")
thread.join()
print(results[0].stdout.strip())
"""


def test_the_end_of_a_fork_of_the_host_leaves_runs_alone(tmp_path: Path):
    fifos = [tmp_path / "begun", tmp_path / "end"]
    for fifo in fifos:
        os.mkfifo(fifo)
    done = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", FORKING, *fifos],
        capture_output=True,
        check=False,
        text=True,
    )
    assert (done.stdout, done.stderr) == ("done\n", "")


def test_where_no_folder_can_be_made_it_says_so(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("tempfile.tempdir", "/no/such/folder")
    with pytest.raises(ExecutorError, match=r"cannot start .*No such file or directory: '/no/such/folder"):
        ProcessExecutor().run(ExecutionRequest(""))


WITHOUT_LINUX = """#!/bin/sh
exec {python} -I -B -c '
import ctypes, os, runpy, socket, subprocess, sys, sysconfig, tempfile
sysconfig.get_paths()
for name in "waitid pidfd_open WNOWAIT WSTOPPED WEXITED P_PID".split(): delattr(os, name)
sys.platform = "darwin"
runpy.run_path(sys.argv[1], run_name="__main__")' "$3"
"""


def test_it_needs_nothing_that_only_linux_has(tmp_path: Path):
    python = tmp_path / "python"
    python.write_text(WITHOUT_LINUX.format(python=sys.executable))
    python.chmod(0o755)
    with ProcessExecutor(python=str(python)) as executor, executor.session() as session:
        first = session.run(
            ExecutionRequest("import os, subprocess\nx = 6\nprint(subprocess.Popen(['sleep', '99']).pid)")
        )
        second = session.run(ExecutionRequest("x * 7"))
        late = session.run(ExecutionRequest("while True: pass", timeout=0.3))
        alone = executor.run(ExecutionRequest("import os; os._exit(3)"))
        assert (second.value, late.outcome, alone.detail) == (
            "42",
            Outcome.DEADLINE_EXCEEDED,
            "exit status 3",
        )
        assert gone(int(first.stdout))
