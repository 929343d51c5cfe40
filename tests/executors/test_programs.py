"""What becomes of programs that end well, fail, or do odd things, alone in a process or in the sandbox."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from langchain_codeexec.errors import ExecutionRequestError
from langchain_codeexec.executions import ExecutionRequest, ExecutionResult, InlineFile, Outcome
from langchain_codeexec.executors import CodeExecutor, FailoverExecutor
from langchain_codeexec.executors.default import DefaultExecutor
from langchain_codeexec.sandbox.local import LocalSandbox

OK, FAILED, DEADLINE = Outcome.OK, Outcome.FAILED, Outcome.DEADLINE_EXCEEDED


def run(executor: CodeExecutor, code: str, *files: InlineFile) -> ExecutionResult:
    return executor.run(ExecutionRequest(code, files=files, timeout=100))


def test_is_a_code_executor(local: CodeExecutor):
    assert isinstance(local, CodeExecutor)
    assert local.name == ("sandbox" if isinstance(local, LocalSandbox) else "process")


@pytest.mark.parametrize(
    "of", [lambda local: local, lambda local: FailoverExecutor([local]), lambda _: DefaultExecutor()]
)
async def test_a_program_may_be_given_as_its_source_alone(of: Callable[[Any], Any], local: CodeExecutor):
    executor = of(local)
    assert executor.run("print(1)").stdout == (await executor.arun("print(1)")).stdout == "1\n"
    with executor.session() as session:
        assert session.run("x = 2").outcome is OK
        assert (await session.arun("print(x)")).stdout == "2\n"
    with pytest.raises(ExecutionRequestError):
        executor.run(ExecutionRequest(5))  # type: ignore[arg-type]


PROGRAMS = [
    ("empty", "", OK, "", ""),
    ("prints", "print(1 + 1)", OK, "2\n", ""),
    ("last expression is not echoed", "1 + 1", OK, "", ""),
    ("stderr alone is no failure", "import sys; print('hm', file=sys.stderr)", OK, "", "hm\n"),
    ("runs as main", "print(__name__)", OK, "__main__\n", ""),
    ("no newline at the end", "print('a', end='')", OK, "a", ""),
    ("beyond ASCII", "print('grün ∑ 🐍')", OK, "grün ∑ 🐍\n", ""),
    ("prints a surrogate", "print('\\udc80')", OK, "\\udc80\n", ""),
    ("binary output", "import sys; sys.stdout.buffer.write(b'\\xff\\x00a')", OK, "\ufffd\x00a", ""),
    ("writes to the descriptor", "import os; os.write(1, b'raw')", OK, "raw", ""),
    ("exits well", "import sys; sys.exit(0)", OK, "", ""),
    ("exits without a status", "import sys; sys.exit()", OK, "", ""),
    ("exits badly", "import sys; sys.exit(3)", FAILED, "", ""),
    ("exits with words", "import sys; sys.exit('no data')", FAILED, "", "no data\n"),
    ("leaves at once", "import os; print(1, flush=True); os._exit(0)", OK, "1\n", ""),
    ("leaves at once, badly", "import os; os._exit(4)", FAILED, "", ""),
    ("reads stdin", "print(input())", FAILED, "", "EOFError: EOF when reading a line"),
    ("interrupts itself", "raise KeyboardInterrupt", FAILED, "", "KeyboardInterrupt"),
    ("recurses without end", "def f(): f()\nf()", FAILED, "", "RecursionError"),
    ("NUL in the source", "a\x00b", FAILED, "", "null bytes"),
    ("surrogate in the source", "x = '\ud800'", FAILED, "", "surrogates not allowed"),
    ("10 MB of source", "print('" + "x" * 10000000 + "'[:3])", OK, "xxx\n", ""),
    ("Windows line ends", "print(1)\r\nprint(2)\r\n", OK, "1\n2\n", ""),
    ("closes stdout", "import sys; sys.stdout.close()", OK, "", ""),
    ("closes both", "import os; os.close(1); os.close(2); 1 / 0", FAILED, "", "ZeroDivisionError"),
    ("closes everything", "import os; os.closerange(0, 4096)", OK, "", ""),
    ("closes everything and fails", "import os; os.closerange(0, 4096); 1 / 0", FAILED, "", ""),
    ("replaces stdout", "import sys, io; sys.stdout = io.StringIO(); print(1)", OK, "", ""),
    ("replaces stdout by a number", "import sys; sys.stdout = 7", OK, "", ""),
    ("replaces stderr", "import sys, io; sys.stderr = io.StringIO(); 1 / 0", FAILED, "", "division"),
    ("breaks excepthook", "import sys; sys.excepthook = 7; 1 / 0", FAILED, "", "ZeroDivisionError\n"),
    ("own excepthook", "import sys; sys.excepthook = lambda *a: print(a[0]); 1 / 0", FAILED, "<class 'ZeroDivisionError'>\n", ""),
    ("exception without words", "class E(Exception):\n def __str__(self): raise ValueError\nraise E", FAILED, "", "exception str() failed"),
    ("speaks at exit", "import atexit; atexit.register(lambda: print('bye'))", OK, "bye\n", ""),
    ("raises at exit", "import atexit; atexit.register(lambda: 1 / 0)", OK, "", "ZeroDivisionError"),
    ("changes its status at exit", "import atexit, os; atexit.register(os._exit, 5)", FAILED, "", ""),
    ("thread", "import threading, time\nthreading.Thread(target=lambda: (time.sleep(0.1), print('late'))).start()", OK, "late\n", ""),
    ("daemon thread", "import threading, time\nthreading.Thread(target=time.sleep, args=(99,), daemon=True).start()", OK, "", ""),
    ("imports itself", "import __main__; x = 1; print(__main__.x)", OK, "1\n", ""),
    ("pickles its own class", "import pickle\nclass A: pass\nprint(type(pickle.loads(pickle.dumps(A()))) is A)", OK, "True\n", ""),
    ("source", "import inspect\ndef f(): pass\nprint(inspect.getsource(f))", OK, "def f(): pass\n\n", ""),
    ("event loop", "import asyncio; asyncio.run(asyncio.sleep(0)); print('ran')", OK, "ran\n", ""),
    ("10 MB in many lines", "# remark\n" * 1200000 + "print(1)", OK, "1\n", ""),
    ("deletes the streams", "import sys; del sys.stdout, sys.stderr; 1 / 0", FAILED, "", "ZeroDivisionError"),
    ("byte order mark", "\ufeffprint(1)", OK, "1\n", ""),
    ("exits with hostile words", "class A:\n def __str__(self): 1 / 0\nraise SystemExit(A())", FAILED, "", "ZeroDivisionError"),
    ("raises no Exception", "class E(BaseException): pass\nraise E", FAILED, "", "E\n"),
    ("clears the modules", "import sys; sys.modules.clear(); print(1)", OK, "1\n", ""),
    ("lowers the limit of recursion", "import sys; sys.setrecursionlimit(30); print(1)", OK, "1\n", ""),
    ("missing library", "import no_such_library", FAILED, "", "ModuleNotFoundError"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("code", "outcome", "stdout", "stderr"),
    [case[1:] for case in PROGRAMS],
    ids=[case[0] for case in PROGRAMS],
)
def test_how_a_program_ends(local: CodeExecutor, code: str, outcome: Outcome, stdout: str, stderr: str):
    result = run(local, code)
    assert (result.outcome, result.stdout) == (outcome, stdout)
    assert stderr in result.stderr if stderr else not result.stderr
    assert not result.truncated


def test_a_traceback_shows_the_source_and_nothing_of_the_runner(local: CodeExecutor):
    result = run(local, "def half(x):\n    return x / 0\n\nhalf(1)\n")
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


def test_a_syntax_error_shows_the_line_and_nothing_of_the_runner(local: CodeExecutor):
    result = run(local, "x = 1\ny = = 2\n")
    assert result.outcome is FAILED
    assert result.stderr.startswith('  File "<code>", line 2\n    y = = 2\n')
    assert "SyntaxError: invalid syntax" in result.stderr


@pytest.mark.parametrize(
    ("code", "value"),
    [
        ("1 + 1", "2"),
        ("x = 3\nx", "3"),
        ("x = 3", None),
        ("None", None),
        ("print(1)", None),
        ("'a'", "'a'"),
        ("1; 2", "2"),
        ("if True: 5", None),
        ("1 / 0", None),
        ("class E:\n def __repr__(self): raise ValueError\nE()", None),
        ("class E:\n def __repr__(self): return '\\ud800'\nE()", "\\ud800"),
        ("class E:\n def __repr__(self): return 'x' * 50_000\nE()", "x" * 20_000),
        ("class E:\n def __repr__(self): return 'e'\n def _repr_png_(self): 1 / 0\nE()", "e"),
        ("class E:\n def __repr__(self): return 'e'\n def __getattr__(self, name): 1 / 0\nE()", "e"),
        ("5;", None),
        ("x = 5;\nx", "5"),
    ],
)
def test_value_of_the_last_expression(local: CodeExecutor, code: str, value: str | None):
    assert run(local, code).value == value


def test_what_was_printed_before_the_deadline_is_kept(local: CodeExecutor):
    with local.session() as session:
        session.run(ExecutionRequest("import time"))
        result = session.run(ExecutionRequest("print('first'); time.sleep(99)", timeout=0.5))
    assert (result.outcome, result.stdout) == (DEADLINE, "first\n")


@pytest.mark.parametrize(
    "name", ["../x", "/etc/x", "a/b", "a\\b", "..\\x", ".", "..", "a\0b", "\ud800", "x" * 256, "é" * 128]
)
def test_hostile_names_of_files(local: CodeExecutor, name: str):
    with pytest.raises(ExecutionRequestError) as caught:
        run(local, "", InlineFile(b"", "text/plain", name))
    assert repr(name) in str(caught.value)
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize("name", ["a b.csv", "-rf", "~", "$HOME", "CON", "é" * 127, ".hidden", "..x", "a\nb"])
def test_odd_but_harmless_names_of_files(local: CodeExecutor, name: str):
    code = "import os; print(ascii(os.listdir())); os.rename(os.listdir()[0], 'new')"
    result = run(local, code, InlineFile(b"x", "text/plain", name))
    assert (result.stdout, [file.name for file in result.files]) == (f"[{name!a}]\n", ["new"])


def test_files_without_names_are_called_as_gemini_does(local: CodeExecutor):
    files = (InlineFile(b"", "text/csv"), InlineFile(b"", "x/unknown"))
    assert (
        run(local, "import os; print(*sorted(os.listdir()))", *files).stdout
        == "input_file_0.csv input_file_1\n"
    )


def test_a_module_among_the_files_can_be_imported_and_hides_no_library(local: CodeExecutor):
    files = (
        InlineFile(b"x = 7", "text/x-python", "mine.py"),
        InlineFile(b"1 / 0", "text/x-python", "traceback.py"),
    )
    result = run(local, "import mine, traceback; print(mine.x)", *files)
    assert (result.outcome, result.stdout, result.files) == (OK, "7\n", ())


@pytest.mark.parametrize("language", ["R", "LANGUAGE_UNSPECIFIED", ""])
def test_another_language_fails(local: CodeExecutor, language: str):
    result = local.run(ExecutionRequest("1", language=language))
    assert (result.outcome, result.output) == (FAILED, f"{language!r} does not run here: only PYTHON")


CSV = InlineFile(b"", "text/csv", "a.csv")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: ExecutionRequest(b"1"), "a program is a str, not bytes"),
        *(
            (
                lambda timeout=timeout: ExecutionRequest("1", timeout=timeout),
                "timeout must be a positive number",
            )
            for timeout in (0, -1, float("nan"), float("inf"), "soon", 10**400)
        ),
        (lambda: ExecutionRequest("1", files=(InlineFile("text", "text/plain", "a"),)), "a file is bytes"),
        (lambda: ExecutionRequest("1", files=(InlineFile(b"", None, None),)), "a file is bytes"),
        (lambda: ExecutionRequest("1", files=(InlineFile(b"", "text/plain", 5),)), "a file is bytes"),
        (lambda: ExecutionRequest("1", files=(CSV, CSV)), "two files have the same name"),
    ],
)
def test_a_wrong_request(local: CodeExecutor, make: Callable[[], ExecutionRequest], words: str):
    with pytest.raises(ExecutionRequestError, match=words):
        local.run(make())
    assert run(local, "print(1)").stdout == "1\n"


async def test_runs_side_by_side_all_get_their_own_answer(local: CodeExecutor):
    requests = [ExecutionRequest(f"print({n})", timeout=100) for n in range(10)]
    results = await asyncio.gather(*map(local.arun, requests))
    assert [result.stdout for result in results] == [f"{n}\n" for n in range(10)]
