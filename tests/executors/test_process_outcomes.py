"""What becomes of programs that end well, fail, or do odd things, each alone in its process."""

from __future__ import annotations

from typing import Any

import pytest

from langchain_codeexec import ExecutionRequest
from langchain_codeexec.errors import ConfigurationError, ExecutorError
from langchain_codeexec.executions import Outcome
from langchain_codeexec.executors.process import ProcessExecutor

OK, FAILED, DEADLINE = Outcome.OK, Outcome.FAILED, Outcome.DEADLINE_EXCEEDED


@pytest.mark.parametrize(
    ("code", "detail"),
    [
        ("import sys; sys.exit(3)", "exit status 3"),
        ("1 / 0", ""),
        (
            "import os; os.kill(os.getpid(), 11)",
            "killed by SIGSEGV: native code failed, perhaps at the limit of memory",
        ),
        (
            "import os; os.kill(os.getpid(), 9)",
            "killed by SIGKILL, as the system does when it runs out of memory",
        ),
        ("import os; os.kill(os.getpid(), 15)", "killed by SIGTERM"),
        ("import os; os.kill(os.getpid(), 40)", "killed by signal 40"),
        ("import os; os.kill(0, 9)", "killed by SIGKILL, as the system does when it runs out of memory"),
        ("x = 'a' * 10**12", "the limit of memory was reached (1000000000 bytes)"),
        ("open('x', 'wb').write(b'a' * 2_000_000)", "the limit of a file's size was reached (1000000 bytes)"),
    ],
)
def test_detail_of_a_failure(run: Any, code: str, detail: str):
    result = run(code, memory_bytes=1_000_000_000, file_bytes=1_000_000)
    assert (result.outcome, result.detail) == (FAILED, detail)


@pytest.mark.parametrize(
    "code",
    [
        "while True: pass",
        "import time; time.sleep(99)",
        "import signal, time\nfor s in range(1, 32):\n  if s not in (9, 19): signal.signal(s, lambda *a: None)\ntime.sleep(99)",
        "import threading, time; threading.Thread(target=time.sleep, args=(99,)).start()",
        "import atexit, time; atexit.register(time.sleep, 99)",
        "import os, time; os.closerange(0, 4096); time.sleep(99)",
        "import subprocess; subprocess.run(['sleep', '99'])",
        "import os\nwhile True: os.write(1, b'x' * 65536)",
    ],
)
def test_deadline(run: Any, code: str):
    result = run(code, timeout=0.5)
    assert (result.outcome, result.detail) == (DEADLINE, "killed at the time limit of 0.5 s")
    assert result.wall_time >= 0.5
    assert result.output.endswith(result.detail)


def test_time_out_of_the_request_goes_before_that_of_the_executor():
    executor = ProcessExecutor(timeout=60.0)
    result = executor.run(ExecutionRequest("while True: pass", timeout=0.3))
    assert result.outcome is DEADLINE


def test_time_out_beyond_what_the_system_can_count():
    assert ProcessExecutor(timeout=1e300).run(ExecutionRequest("print(1)")).stdout == "1\n"


@pytest.mark.parametrize(
    ("stream", "printed", "kept"),
    [
        ("stdout", "'x' * 1000", "x" * 10),
        ("stderr", "'x' * 1000", "x" * 10),
        ("stdout", "'é' * 1000", "é" * 5),
        ("stdout", "'a' + 'é' * 1000", "a" + "é" * 4),
        ("stdout", "'x' * 50_000_000", "x" * 10),
    ],
)
def test_output_beyond_the_limit_is_dropped(run: Any, stream: str, printed: str, kept: str):
    result = run(f"import sys; sys.{stream}.write({printed})", output_bytes=10)
    assert (result.outcome, getattr(result, stream), result.truncated) == (OK, kept, True)


def test_output_up_to_the_limit_is_whole(run: Any):
    result = run("print('x' * 9)", output_bytes=10)
    assert (result.stdout, result.truncated) == ("x" * 9 + "\n", False)


@pytest.mark.parametrize("limit", ["memory_bytes", "output_bytes", "file_bytes"])
@pytest.mark.parametrize("value", [0, -1, 1.5, "1"])
def test_wrong_limit(limit: str, value: int):
    with pytest.raises(ConfigurationError, match=f"{limit} must be a positive whole number"):
        ProcessExecutor(**{limit: value})


@pytest.mark.parametrize(
    ("python", "words"),
    [
        ("/no/such/python", "cannot start '/no/such/python'"),
        ("/bin/\0", "cannot start"),
        ("/bin/false", "'/bin/false' cannot run programs: exit status 1|cannot run programs"),
        ("/bin/cat", "invalid option"),
    ],
)
def test_broken_interpreter(python: str, words: str):
    with pytest.raises(ExecutorError, match=words):
        ProcessExecutor(python=python).run(ExecutionRequest("print(1)"))


def test_another_system(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("os.name", "nt")
    with pytest.raises(ExecutorError, match="needs Linux or macOS"), ProcessExecutor().session():
        pass


@pytest.mark.parametrize("timeout", [0, -1, float("nan"), float("inf"), "soon", True])
def test_wrong_time_out(timeout: float):
    with pytest.raises(ConfigurationError, match="timeout must be a positive number"):
        ProcessExecutor(timeout)


@pytest.mark.parametrize(
    ("code", "stdout"),
    [
        ("import subprocess; subprocess.Popen(['sleep', '99']); print('done')", "done\n"),
        ("import os\nif os.fork(): os.wait()\nprint('x', flush=True)", "x\nx\n"),
        (
            "import os, sys\nif not os.fork(): sys.exit(3)\nprint(os.waitstatus_to_exitcode(os.wait()[1]))",
            "3\n",
        ),
    ],
)
def test_processes_of_a_program(run: Any, code: str, stdout: str):
    result = run(code)
    assert (result.outcome, result.stdout, result.stderr) == (OK, stdout, "")
