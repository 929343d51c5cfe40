"""Sandboxes that end, are cancelled, crowded, forked, collected, killed; and what they leave behind: nothing."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext, suppress
from pathlib import Path

import pytest

from langchain_codeexec import ExecutionRequest
from langchain_codeexec.errors import ExecutorError, SandboxBusyError
from langchain_codeexec.executions import Outcome
from langchain_codeexec.sandbox import pool as pool_module
from langchain_codeexec.sandbox.local import LocalSandbox, SandboxWarning
from tests.sandbox.processes import FOREVER, PRINT, descendants, gone, is_under_way, settles


def worker_pid(sandbox: LocalSandbox) -> int:
    return sandbox._pool.worker()._process.pid


def test_closing_ends_everything_and_twice_is_once(confined: LocalSandbox):
    sandbox = LocalSandbox(preload=(), mode=confined.mode)
    sandbox.run(PRINT)
    pids = {worker_pid(sandbox), *descendants(worker_pid(sandbox))}
    assert len(pids) >= 2

    sandbox.close()
    sandbox.close()

    assert gone(pids)
    with pytest.raises(ExecutorError, match="the sandbox is closed"):
        sandbox.run(PRINT)


def test_a_sandbox_nobody_refers_to_ends():
    sandbox = LocalSandbox(preload=())
    sandbox.run(PRINT)
    pids = {worker_pid(sandbox), *descendants(worker_pid(sandbox))}

    del sandbox
    gc.collect()

    assert gone(pids)


def test_runs_leave_nothing_behind(confined: LocalSandbox):
    confined.run(PRINT)
    worker = worker_pid(confined)
    resident = 1 + 2 * confined._pool.spares
    before = (
        len([*Path("/proc/self/fd").iterdir()]),
        Path("/proc/self/mounts").read_text(),
        threading.active_count(),
    )

    for _ in range(30):
        confined.run(ExecutionRequest("open('x', 'w').write('x')"))

    after = (
        len([*Path("/proc/self/fd").iterdir()]),
        Path("/proc/self/mounts").read_text(),
        threading.active_count(),
    )
    assert after == before
    assert settles(lambda: len(descendants(worker)) == resident)


async def test_cancelling_a_task_kills_its_run(confined: LocalSandbox):
    mark = f"run{os.getpid()}{confined.mode[:4]}"
    name_itself = (
        f"import ctypes, time\nctypes.CDLL(None).prctl(15, {mark.encode()!r}, 0, 0, 0)\ntime.sleep(600)"
    )
    task = asyncio.create_task(confined.arun(ExecutionRequest(name_itself)))
    assert await asyncio.to_thread(settles, lambda: bool(named(mark)))
    started = named(mark)

    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    assert await asyncio.to_thread(gone, started)
    assert (await confined.arun(PRINT)).stdout == "1\n"


def named(name: str) -> set[int]:
    """The processes that call themselves so."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/comm"):
        with suppress(OSError):
            if path.read_text().strip() == name:
                found.add(int(path.parent.name))
    return found


async def test_a_task_that_is_cancelled_while_it_waits_gives_up_its_turn():
    with LocalSandbox(preload=(), workers=1) as sandbox:
        first, second, third = (asyncio.create_task(sandbox.arun(run)) for run in (FOREVER, FOREVER, PRINT))
        assert await asyncio.to_thread(settles, lambda: sandbox._semaphore.waiting == 2)
        second.cancel()
        first.cancel()
        results = await asyncio.gather(first, second, third, return_exceptions=True)

    assert [type(result) for result in results[:2]] == [asyncio.CancelledError] * 2
    assert results[2].stdout == "1\n"


@pytest.mark.filterwarnings("ignore:.*was never awaited")
@pytest.mark.parametrize("cancelled", [True, False])
def test_a_loop_that_is_closed_with_runs_pending_frees_their_places(*, cancelled: bool):
    with LocalSandbox(preload=(), workers=1) as sandbox:
        sandbox.start()
        loop = asyncio.new_event_loop()
        tasks = [loop.create_task(sandbox.arun(FOREVER)) for _ in range(2)]
        loop.run_until_complete(asyncio.to_thread(settles, lambda: is_under_way(sandbox)))
        if cancelled:
            for task in tasks:
                task.cancel()
            loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        loop.close()

        assert sandbox.run(PRINT).stdout == "1\n"
        for task in tasks:
            task._log_destroy_pending = False


def test_a_worker_that_dies_is_replaced(confined: LocalSandbox):
    with LocalSandbox(preload=(), mode=confined.mode) as sandbox:
        pids = {worker_pid(sandbox), *descendants(worker_pid(sandbox))}
        worker = sandbox._pool.worker()
        os.kill(worker_pid(sandbox), signal.SIGKILL)
        assert settles(lambda: not worker.is_alive())

        assert sandbox.run(PRINT).stdout == "1\n"
        assert gone(pids)


SUPERVISORS, PROGRAMS, EVERYTHING = 1, 2, 3


@pytest.mark.parametrize("victims", [SUPERVISORS, PROGRAMS, EVERYTHING])
def test_what_waits_for_a_program_and_is_killed_is_replaced(confined: LocalSandbox, victims: int):
    with LocalSandbox(preload=(), mode=confined.mode) as sandbox:
        sandbox.run(PRINT)
        worker = worker_pid(sandbox)
        (zygote,) = children(worker)
        assert settles(lambda: len(descendants(zygote)) == 2 * sandbox._pool.spares)
        supervisors = children(zygote)
        programs = {program for supervisor in supervisors for program in children(supervisor)}
        everything = {worker, zygote, *supervisors}
        for pid in {SUPERVISORS: supervisors, PROGRAMS: programs, EVERYTHING: everything}[victims]:
            with suppress(ProcessLookupError):  # another's end was its own
                os.kill(pid, signal.SIGKILL)

        assert [sandbox.run(PRINT) for _ in range(3)] == [RAN] * 3


@pytest.mark.parametrize("mode", ["landlock", "process"])
def test_runs_go_on_where_what_they_were_forked_from_is_killed(mode: str):
    settings = {"unsafe": True} if mode == "process" else {"mode": mode}
    with (
        pytest.warns(SandboxWarning) if mode == "process" else nullcontext(),
        LocalSandbox(preload=(), disk_bytes=1 << 24, **settings) as sandbox,
        sandbox.session() as session,
    ):
        session.run(ExecutionRequest("x = 1; open('kept', 'w').write('1')"))
        (zygote,) = children(worker_pid(sandbox))
        os.kill(zygote, signal.SIGKILL)
        assert settles(lambda: not Path(f"/proc/{zygote}").exists())

        result = session.run(ExecutionRequest("import time; time.sleep(0.5); print(x, open('kept').read())"))

        assert (result.outcome, result.stdout, result.detail) == (Outcome.OK, "1 1\n", "")
        assert sandbox.run(PRINT).stdout == "1\n"


class Ran:
    """Equal to the result of a program that ran."""

    def __eq__(self, result: object) -> bool:
        return (result.outcome, result.stdout, result.detail) == (Outcome.OK, "1\n", "")

    __hash__ = None


RAN = Ran()


def test_a_session_whose_process_is_killed_at_rest_says_what_is_lost(confined: LocalSandbox):
    with LocalSandbox(preload=(), mode=confined.mode, workers=1) as sandbox, sandbox.session() as session:
        mark = f"rest{os.getpid()}"
        session.run(
            ExecutionRequest(f"import ctypes\nctypes.CDLL(None).prctl(15, {mark.encode()!r}, 0, 0, 0)")
        )
        for pid in named(mark):
            os.kill(pid, signal.SIGKILL)
        after = session.run(ExecutionRequest("print('ctypes' in globals())"))
        again = session.run(PRINT)

    assert (after.outcome, after.stdout) == (Outcome.OK, "False\n")
    assert after.detail == "the variables and imports of the session are lost"
    assert again == RAN


def children(pid: int) -> set[int]:
    return {int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}


def test_a_connection_that_is_handed_out_outlives_the_worker_that_made_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(pool_module, "_CONNECTIONS_PER_WORKER", 1)
    with LocalSandbox(preload=()) as sandbox:
        first, second = sandbox._pool.connect(), sandbox._pool.connect()

        assert first.is_alive()
        for connection in (first, second):
            connection.close()


def test_sessions_are_bounded():
    with LocalSandbox(preload=(), sessions=2) as sandbox, sandbox.session() as one, sandbox.session():
        with (
            pytest.raises(SandboxBusyError, match=r"2 sessions are open already.*`sessions`"),
            sandbox.session(),
        ):
            pass
        assert one.run(PRINT) == RAN
    with sandbox.session():
        pass


NO_DESCRIPTORS = """
import os, resource
from langchain_codeexec import ExecutionRequest
from langchain_codeexec.errors import ExecutorError
from langchain_codeexec.sandbox import LocalSandbox
sandbox, fresh = LocalSandbox(preload=()).start(), LocalSandbox(preload=())
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
taken = []
try:
    while True: taken.append(os.dup(0))
except OSError: pass
for one in (sandbox, sandbox, sandbox, fresh):
    try: print(one.run(ExecutionRequest("print(1)")).stdout, end="")
    except ExecutorError as error: print("Too many open files" in str(error))
while taken: os.close(taken.pop())
print(sandbox.run(ExecutionRequest("print(2)")).stdout)
"""


def test_where_no_descriptors_are_left_it_says_so():
    done = subprocess.run([sys.executable, "-c", NO_DESCRIPTORS], capture_output=True, check=False, text=True)

    lines = done.stdout.split()
    assert (set(lines[:3]) <= {"1", "True"}, lines[3:], done.stderr) == (True, ["True", "2"], "")


def test_a_worker_that_dies_under_a_run_is_an_error_and_the_next_run_works():
    with LocalSandbox(preload=()) as sandbox:
        sandbox.start()
        with ThreadPoolExecutor() as threads:
            run = threads.submit(sandbox.run, FOREVER)
            assert settles(lambda: is_under_way(sandbox))
            os.kill(worker_pid(sandbox), signal.SIGKILL)
            with pytest.raises(ExecutorError, match="the sandbox has ended"):
                run.result()

        assert sandbox.run(PRINT).stdout == "1\n"


def test_an_old_worker_is_replaced_when_its_sessions_are_over(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(pool_module, "_CONNECTIONS_PER_WORKER", 2)
    with LocalSandbox(preload=()) as sandbox:
        with sandbox.session() as session:
            session.run(ExecutionRequest("x = 1"))
            first = worker_pid(sandbox)
            sandbox.run(PRINT)
            sandbox.run(PRINT)
            assert worker_pid(sandbox) != first
            assert session.run(ExecutionRequest("print(x)")).stdout == "1\n"
        sandbox.run(PRINT)
        sandbox.run(PRINT)

        assert gone({first})


def test_a_library_that_cannot_be_loaded_is_left_out(tmp_path: Path):
    (tmp_path / "broken_library.py").write_text("1 / 0")
    tmp_path.chmod(0o755)
    with LocalSandbox(preload=["no_such_library", "json"]) as sandbox:
        assert sandbox._pool.worker().loaded == ("json",)
        assert sandbox.run(ExecutionRequest("import sys; print('json' in sys.modules)")).stdout == "True\n"
    with (
        LocalSandbox(preload=["antigravity.nothing", "json"]) as sandbox,
        pytest.warns(SandboxWarning, match=r"antigravity\.nothing cannot be loaded"),
    ):
        assert sandbox._pool.worker().loaded == ("json",)


LOADED = "import sys; print('typing_extensions' in sys.modules)"
WITHOUT_LIBRARIES = [
    "",
    "import math, os.path as path\nfrom json import loads",
    "# from annotated_types import Gt",
]
WITH_LIBRARIES = [
    "import annotated_types",
    "if True: import json, annotated_types as types  # both",
    "import json; from annotated_types import Gt",
    "import importlib\nimportlib.import_module('annotated_types')",
]


def test_a_program_without_libraries_is_forked_from_where_none_is():
    with LocalSandbox(preload=["typing_extensions"]) as sandbox:
        for imports in WITHOUT_LIBRARIES:
            assert sandbox.run(f"{imports}\n{LOADED}").stdout == "False\n"
        for imports in WITH_LIBRARIES:
            assert sandbox.run(f"{imports}\n{LOADED}").stdout == "True\n"
        with sandbox.session() as session:
            assert session.run(LOADED).stdout == "True\n"


def test_closing_kills_the_runs_under_way_and_refuses_those_that_wait():
    sandbox = LocalSandbox(preload=(), workers=1, waiting=1).start()
    with ThreadPoolExecutor() as threads:
        runs = [threads.submit(sandbox.run, FOREVER) for _ in range(2)]
        assert settles(lambda: sandbox._semaphore.waiting == 1 and is_under_way(sandbox))
        with pytest.raises(SandboxBusyError, match="1 runs are waiting already"):
            sandbox.run(PRINT)
        sandbox.close()

    assert sorted(str(run.exception()) for run in runs) == [
        "the run was killed: it has been cancelled, or its sandbox closed",
        "the sandbox is closed",
    ]


def test_forks_do_not_share_randomness(sandbox: LocalSandbox):
    code = ExecutionRequest(
        "import random, numpy, uuid, tempfile\nprint(random.random(), numpy.random.rand(), uuid.uuid4())"
    )
    with LocalSandbox(preload=("numpy",)) as warm:
        drawn = [warm.run(code).stdout.split() for _ in range(2)]

    assert not set(drawn[0]) & set(drawn[1])


def test_a_failed_run_is_a_result_and_the_sandbox_goes_on(confined: LocalSandbox):
    for code in ("import os; os.kill(os.getpid(), 11)", "x = 'a' * 10**12", "while True: pass"):
        assert confined.run(ExecutionRequest(code, timeout=0.3)).outcome is not Outcome.OK
    assert confined.run(PRINT).stdout == "1\n"
