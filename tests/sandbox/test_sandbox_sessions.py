"""Runs that share a process and a folder, in every mode."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from langchain_codeexec import ExecutionRequest
from langchain_codeexec.executions import InlineFile, Outcome
from langchain_codeexec.executors.base import ExecutorSession

if TYPE_CHECKING:
    from langchain_codeexec.sandbox.local import LocalSandbox

OK, FAILED, DEADLINE = Outcome.OK, Outcome.FAILED, Outcome.DEADLINE_EXCEEDED
LOST = "the variables and imports of the session are lost"


def test_state_and_files_last(confined: LocalSandbox):
    with confined.session() as session:
        assert isinstance(session, ExecutorSession)
        first = session.run(ExecutionRequest("import math\nx = 6\nopen('a.txt', 'w').write('kept')"))
        second = session.run(ExecutionRequest("print(x * 7, math.pi > 3, open('a.txt').read())\nx"))

    assert [file.name for file in first.files] == ["a.txt"]
    assert (second.stdout, second.value, second.files) == ("42 True kept\n", "6", ())


@pytest.mark.parametrize(
    ("code", "outcome", "words"),
    [
        ("import os; os._exit(3)", FAILED, "exit status 3"),
        ("import os; os.kill(os.getpid(), 9)", FAILED, "killed by SIGKILL"),
        ("while True: pass", DEADLINE, "killed at the time limit of 0.5 s"),
    ],
)
def test_a_run_that_ends_the_process(confined: LocalSandbox, code: str, outcome: Outcome, words: str):
    with confined.session() as session:
        session.run(ExecutionRequest("x = 1; open('a.txt', 'w').write('kept')"))
        ended = session.run(ExecutionRequest(code, timeout=0.5))
        after = session.run(ExecutionRequest("print(open('a.txt').read(), 'x' in globals())"))

    assert ended.outcome is outcome
    assert ended.detail.startswith(words)
    assert ended.detail.endswith(LOST)
    assert after.stdout == "kept False\n"


@pytest.mark.parametrize("code", ["raise SystemExit(1)", "1 / 0", "y ="])
def test_a_failure_leaves_the_state_alone(confined: LocalSandbox, code: str):
    with confined.session() as session:
        session.run(ExecutionRequest("x = 1"))
        failed = session.run(ExecutionRequest(code))
        after = session.run(ExecutionRequest("print(x)"))

    assert (failed.outcome, LOST in failed.detail) == (FAILED, False)
    assert after.stdout == "1\n"


def test_threads_rest_between_runs(confined: LocalSandbox):
    busy = "import threading\nn = 0\ndef count():\n  global n\n  while True: n += 1\nthreading.Thread(target=count, daemon=True).start()"
    with confined.session() as session:
        session.run(ExecutionRequest(busy))
        result = session.run(ExecutionRequest("import time\nprint(n > 0)"))

    assert result.stdout == "True\n"
    assert result.cpu_time < 5


def test_what_is_said_between_runs_belongs_to_none(confined: LocalSandbox):
    with confined.session() as session:
        session.run(
            ExecutionRequest(
                "import os, threading\ndef f():\n  while True: os.write(1, b'noise')\nthreading.Thread(target=f, daemon=True).start()"
            )
        )
        session.run(ExecutionRequest("pass"))
        other = confined.run(ExecutionRequest("print('quiet')"))

    assert other.stdout == "quiet\n"


def test_a_file_is_replaced_even_if_it_is_a_link_by_now(confined: LocalSandbox):
    given = InlineFile(b"new", "text/plain", "data.txt")
    with confined.session() as session:
        session.run(ExecutionRequest("import os; os.symlink('/etc/passwd', 'data.txt')"))
        result = session.run(ExecutionRequest("print(open('data.txt').read())", files=(given,)))

    assert result.stdout == "new\n"


def test_a_file_is_replaced_even_if_it_is_a_folder_by_now(confined: LocalSandbox):
    given = InlineFile(b"new", "text/plain", "data.txt")
    with confined.session() as session:
        session.run(
            ExecutionRequest("import os; os.makedirs('data.txt/deep/er'); open('data.txt/x', 'w').close()")
        )
        result = session.run(ExecutionRequest("print(open('data.txt').read())", files=(given,)))

    assert result.stdout == "new\n"


def test_a_file_that_finds_no_room_is_a_failure_of_the_program(confined: LocalSandbox):
    fill = (
        "import os\ntry:\n  for n in range(3): open(f'{n}', 'wb').write(bytes(5 << 20))\nexcept OSError: pass"
    )
    given = InlineFile(bytes(6 << 20), "text/plain", "data.txt")
    with confined.session() as session:
        session.run(ExecutionRequest(fill))
        result = session.run(ExecutionRequest("import time; time.sleep(9)", files=(given,)))

    assert result.outcome is FAILED
    assert "killed at the limit of the disk (16777216 bytes, 1024 files)" in result.detail


def test_sessions_see_nothing_of_each_other(confined: LocalSandbox):
    with confined.session() as one, confined.session() as other:
        one.run(
            ExecutionRequest(
                "import tempfile\nx = 1; open('a', 'w'); open(tempfile.gettempdir() + '/a', 'w')"
            )
        )
        result = other.run(
            ExecutionRequest(
                "import os, tempfile; print('x' in globals(), os.listdir(), os.path.exists(tempfile.gettempdir() + '/a'))"
            )
        )

    assert result.stdout == "False [] False\n"


def test_a_program_that_lies_about_its_end_harms_only_itself(confined: LocalSandbox):
    forged = 'import os, time\nos.write(199, b\'{"status": 0, "limit": "", "value": "lie"}\\n\')\ntime.sleep(0.2)\nraise SystemExit(9)'
    with confined.session() as session:
        session.run(ExecutionRequest(forged))
        assert session.run(ExecutionRequest("print(1)", timeout=3.0)).outcome in {OK, FAILED, DEADLINE}
        assert confined.run(ExecutionRequest("print(2)")).stdout == "2\n"


@pytest.mark.parametrize(
    "garbage", ["b'x' * 3_000_000", "b'[' * 100_000 + b'\\n'", "b'\\xff\\n' * 1000", "b'{\"status\": \"x\", \"value\": 7, \"peak\": null}\\n'"]
)  # fmt: skip
def test_garbage_instead_of_a_report(confined: LocalSandbox, garbage: str):
    code = f"import os\ndata = {garbage}\nwhile data: data = data[os.write(199, data):]"
    with confined.session() as session:
        result = session.run(ExecutionRequest(code, timeout=0.3))
        after = confined.run(ExecutionRequest("print(1)"))

    assert result.outcome in {OK, FAILED, DEADLINE}
    assert after.stdout == "1\n"
