"""What becomes of programs that end well, fail, or do odd things, each alone in its process."""

import pytest

from langchain_codeexec import ExecutionRequest
from langchain_codeexec.errors import ConfigurationError, ExecutionRequestError, ExecutorError
from langchain_codeexec.executions import ExecutionResult, Outcome
from langchain_codeexec.executors.base import CodeExecutor
from langchain_codeexec.executors.process import ProcessExecutor

OK, FAILED, DEADLINE = Outcome.OK, Outcome.FAILED, Outcome.DEADLINE_EXCEEDED


def run(code: str, timeout: float = 20.0, **limits: int) -> ExecutionResult:
    return ProcessExecutor(timeout, **limits).run(ExecutionRequest(code))


def test_is_a_code_executor():
    assert isinstance(ProcessExecutor(), CodeExecutor)
    assert ProcessExecutor().name == "process"


@pytest.mark.parametrize(
    ("code", "outcome", "stdout", "stderr"),
    [
        pytest.param("", OK, "", "", id="empty"),
        pytest.param("print(1 + 1)", OK, "2\n", "", id="prints"),
        pytest.param("1 + 1", OK, "", "", id="last expression is not echoed"),
        pytest.param(
            "import sys; print('hm', file=sys.stderr)", OK, "", "hm\n", id="stderr alone is no failure"
        ),
        pytest.param("print(__name__)", OK, "__main__\n", "", id="runs as main"),
        pytest.param("print('a', end='')", OK, "a", "", id="no newline at the end"),
        pytest.param("print('grün ∑ 🐍')", OK, "grün ∑ 🐍\n", "", id="beyond ASCII"),
        pytest.param("print('\\udc80')", OK, "\\udc80\n", "", id="prints a surrogate"),
        pytest.param(
            "import sys; sys.stdout.buffer.write(b'\\xff\\x00a')", OK, "\ufffd\x00a", "", id="binary output"
        ),
        pytest.param("import os; os.write(1, b'raw')", OK, "raw", "", id="writes to the descriptor"),
        pytest.param("import sys; sys.exit(0)", OK, "", "", id="exits well"),
        pytest.param("import sys; sys.exit()", OK, "", "", id="exits without a status"),
        pytest.param("import sys; sys.exit(3)", FAILED, "", "", id="exits badly"),
        pytest.param("import sys; sys.exit('no data')", FAILED, "", "no data\n", id="exits with words"),
        pytest.param("import os; print(1, flush=True); os._exit(0)", OK, "1\n", "", id="leaves at once"),
        pytest.param("import os; os._exit(4)", FAILED, "", "", id="leaves at once, badly"),
        pytest.param("print(input())", FAILED, "", "EOFError: EOF when reading a line", id="reads stdin"),
        pytest.param("raise KeyboardInterrupt", FAILED, "", "KeyboardInterrupt", id="interrupts itself"),
        pytest.param("def f(): f()\nf()", FAILED, "", "RecursionError", id="recurses without end"),
        pytest.param("a\0b", FAILED, "", "null bytes", id="NUL in the source"),
        pytest.param("x = '\ud800'", FAILED, "", "surrogates not allowed", id="surrogate in the source"),
        pytest.param("print('" + "x" * 10_000_000 + "'[:3])", OK, "xxx\n", "", id="10 MB of source"),
        pytest.param("print(1)\r\nprint(2)\r\n", OK, "1\n2\n", "", id="Windows line ends"),
        pytest.param("import sys; sys.stdout.close()", OK, "", "", id="closes stdout"),
        pytest.param(
            "import os; os.close(1); os.close(2); 1 / 0", FAILED, "", "ZeroDivisionError", id="closes both"
        ),
        pytest.param("import os; os.closerange(0, 4096)", OK, "", "", id="closes everything"),
        pytest.param(
            "import os; os.closerange(0, 4096); 1 / 0", FAILED, "", "", id="closes everything and fails"
        ),
        pytest.param(
            "import sys, io; sys.stdout = io.StringIO(); print(1)", OK, "", "", id="replaces stdout"
        ),
        pytest.param("import sys; sys.stdout = 7", OK, "", "", id="replaces stdout by a number"),
        pytest.param(
            "import sys, io; sys.stderr = io.StringIO(); 1 / 0", FAILED, "", "division", id="replaces stderr"
        ),
        pytest.param(
            "import sys; sys.excepthook = 7; 1 / 0", FAILED, "", "ZeroDivisionError\n", id="breaks excepthook"
        ),
        pytest.param(
            "import sys; sys.excepthook = lambda *a: print(a[0]); 1 / 0",
            FAILED,
            "<class 'ZeroDivisionError'>\n",
            "",
            id="own excepthook",
        ),
        pytest.param(
            "class E(Exception):\n def __str__(self): raise ValueError\nraise E",
            FAILED,
            "",
            "exception str() failed",
            id="exception without words",
        ),
        pytest.param(
            "import atexit; atexit.register(lambda: print('bye'))",
            OK,
            "bye\n",
            "",
            id="speaks at exit",
        ),
        pytest.param(
            "import atexit; atexit.register(lambda: 1 / 0)",
            OK,
            "",
            "ZeroDivisionError",
            id="raises at exit",
        ),
        pytest.param(
            "import atexit, os; atexit.register(os._exit, 5)",
            FAILED,
            "",
            "",
            id="changes its status at exit",
        ),
        pytest.param(
            "import threading, time\nthreading.Thread(target=lambda: (time.sleep(0.1), print('late'))).start()",
            OK,
            "late\n",
            "",
            id="thread",
        ),
        pytest.param(
            "import threading, time\nthreading.Thread(target=time.sleep, args=(99,), daemon=True).start()",
            OK,
            "",
            "",
            id="daemon thread",
        ),
        pytest.param(
            "import subprocess; subprocess.Popen(['sleep', '99']); print('done')",
            OK,
            "done\n",
            "",
            id="a child outlives it and holds its pipes",
        ),
        pytest.param(
            "import os\nif os.fork(): os.wait()\nprint('x', flush=True)",
            OK,
            "x\nx\n",
            "",
            id="a fork runs to the end",
        ),
        pytest.param(
            "import os, sys\nif not os.fork(): sys.exit(3)\nprint(os.waitstatus_to_exitcode(os.wait()[1]))",
            OK,
            "3\n",
            "",
            id="a fork exits",
        ),
        pytest.param("import __main__; x = 1; print(__main__.x)", OK, "1\n", "", id="imports itself"),
        pytest.param(
            "import pickle\nclass A: pass\nprint(type(pickle.loads(pickle.dumps(A()))) is A)",
            OK,
            "True\n",
            "",
            id="pickles its own class",
        ),
        pytest.param(
            "import inspect\ndef f(): pass\nprint(inspect.getsource(f))",
            OK,
            "def f(): pass\n\n",
            "",
            id="source",
        ),
        pytest.param(
            "import asyncio; asyncio.run(asyncio.sleep(0)); print('ran')", OK, "ran\n", "", id="event loop"
        ),
    ],
)
def test_alone(code: str, outcome: Outcome, stdout: str, stderr: str):
    result = run(code)

    assert (result.outcome, result.stdout) == (outcome, stdout)
    assert stderr in result.stderr if stderr else not result.stderr
    assert not result.truncated


def test_traceback_shows_the_source_and_nothing_of_the_runner():
    result = run("def half(x):\n    return x / 0\n\nhalf(1)\n")

    shown = [line for line in result.stderr.splitlines() if set(line) - {" ", "~", "^"}]
    assert shown == [
        "Traceback (most recent call last):",
        '  File "<code>", line 4, in <module>',
        "    half(1)",
        '  File "<code>", line 2, in half',
        "    return x / 0",
        "ZeroDivisionError: division by zero",
    ]
    assert result.output == result.stderr.rstrip("\n")


def test_syntax_error_shows_the_line_and_nothing_of_the_runner():
    result = run("x = 1\ny = = 2\n")

    assert result.outcome is FAILED
    assert result.stderr.startswith('  File "<code>", line 2\n    y = = 2\n')
    assert "SyntaxError: invalid syntax" in result.stderr


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
def test_detail_of_a_failure(code: str, detail: str):
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
def test_deadline(code: str):
    result = run(code, timeout=0.5)

    assert (result.outcome, result.detail) == (DEADLINE, "killed at the time limit of 0.5 s")
    assert result.wall_time >= 0.5
    assert result.output.endswith(result.detail)


def test_what_was_printed_before_the_deadline_is_kept():
    result = run("import time; print('first'); time.sleep(99)", timeout=0.8)

    assert (result.outcome, result.stdout) == (DEADLINE, "first\n")


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
def test_output_beyond_the_limit_is_dropped(stream: str, printed: str, kept: str):
    result = run(f"import sys; sys.{stream}.write({printed})", output_bytes=10)

    assert (result.outcome, getattr(result, stream), result.truncated) == (OK, kept, True)


def test_output_up_to_the_limit_is_whole():
    result = run("print('x' * 9)", output_bytes=10)

    assert (result.stdout, result.truncated) == ("x" * 9 + "\n", False)


@pytest.mark.parametrize("language", ["R", "LANGUAGE_UNSPECIFIED", ""])
def test_another_language_fails(language: str):
    result = ProcessExecutor().run(ExecutionRequest("1", language=language))

    assert (result.outcome, result.output) == (FAILED, f"{language!r} does not run here: only PYTHON")


@pytest.mark.parametrize("timeout", [0, -1, float("nan"), float("inf"), "soon"])
def test_wrong_time_out(timeout: float):
    with pytest.raises(ExecutionRequestError, match="timeout must be a positive number"):
        ProcessExecutor().run(ExecutionRequest("", timeout=timeout))
    with pytest.raises(ConfigurationError, match="timeout must be a positive number"):
        ProcessExecutor(timeout)


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
