"""What becomes of programs in the sandbox that end well, fail, or do odd things."""

from __future__ import annotations

import pytest

from langchain_codeexec import ExecutionRequest
from langchain_codeexec.errors import ConfigurationError, ExecutionRequestError
from langchain_codeexec.executions import ExecutionResult, InlineFile, Outcome
from langchain_codeexec.executors.base import CodeExecutor
from langchain_codeexec.sandbox.local import LocalSandbox, SandboxWarning

OK, FAILED, DEADLINE = Outcome.OK, Outcome.FAILED, Outcome.DEADLINE_EXCEEDED
PNG = b"\x89PNG\r\n\x1a\n"
CSV = InlineFile(b"a,b\n1,2\n", "text/csv", "data.csv")


def run(sandbox: LocalSandbox, code: str, *files: InlineFile, timeout: float = 20.0) -> ExecutionResult:
    return sandbox.run(ExecutionRequest(code, files=files, timeout=timeout))


def test_is_a_code_executor(sandbox: LocalSandbox):
    assert isinstance(sandbox, CodeExecutor)
    assert sandbox.name == "sandbox"


@pytest.mark.parametrize(
    ("code", "outcome", "stdout", "stderr"),
    [
        pytest.param("", OK, "", "", id="empty"),
        pytest.param("print(1 + 1)", OK, "2\n", "", id="prints"),
        pytest.param("import sys; print('hm', file=sys.stderr)", OK, "", "hm\n", id="stderr alone is no failure"),
        pytest.param("print(__name__)", OK, "__main__\n", "", id="runs as main"),
        pytest.param("print('grün ∑ 🐍')", OK, "grün ∑ 🐍\n", "", id="beyond ASCII"),
        pytest.param("import sys; sys.stdout.buffer.write(b'\\xff\\x00a')", OK, "\ufffd\x00a", "", id="binary output"),
        pytest.param("import sys; sys.exit(0)", OK, "", "", id="exits well"),
        pytest.param("import sys; sys.exit(3)", FAILED, "", "", id="exits badly"),
        pytest.param("import sys; sys.exit('no data')", FAILED, "", "no data\n", id="exits with words"),
        pytest.param("import os; print(1, flush=True); os._exit(0)", OK, "1\n", "", id="leaves at once"),
        pytest.param("import os; os._exit(4)", FAILED, "", "", id="leaves at once, badly"),
        pytest.param("print(input())", FAILED, "", "EOFError: EOF when reading a line", id="reads stdin"),
        pytest.param("def f(): f()\nf()", FAILED, "", "RecursionError", id="recurses without end"),
        pytest.param("a\0b", FAILED, "", "null bytes", id="NUL in the source"),
        pytest.param("x = '\ud800'", FAILED, "", "surrogates not allowed", id="not UTF-8"),
        pytest.param("print('" + "x" * 10_000_000 + "'[:3])", OK, "xxx\n", "", id="10 MB in one line"),
        pytest.param("# remark\n" * 1_200_000 + "print(1)", OK, "1\n", "", id="10 MB in many lines"),
        pytest.param("import sys; sys.stdout.close()", OK, "", "", id="closes stdout"),
        pytest.param("import os; os.closerange(0, 4096)", OK, "", "", id="closes everything"),
        pytest.param("import sys, io; sys.stdout = io.StringIO(); print(1)", OK, "", "", id="replaces stdout"),
        pytest.param("import sys; sys.stdout = 7", OK, "", "", id="replaces stdout by a number"),
        pytest.param("import sys; del sys.stdout, sys.stderr; 1 / 0", FAILED, "", "ZeroDivisionError", id="deletes the streams"),
        pytest.param("\ufeffprint(1)", OK, "1\n", "", id="byte order mark"),
        pytest.param("print(1)\r\nprint(2)\r", OK, "1\n2\n", "", id="lines of Windows"),
        pytest.param("class A:\n def __str__(self): 1 / 0\nraise SystemExit(A())", FAILED, "", "ZeroDivisionError", id="exits with hostile words"),
        pytest.param("class E(Exception):\n def __str__(self): 1 / 0\nraise E", FAILED, "", "E", id="raises with hostile words"),
        pytest.param("class E(BaseException): pass\nraise E", FAILED, "", "E\n", id="raises no Exception"),
        pytest.param("import sys; sys.modules.clear(); print(1)", OK, "1\n", "", id="clears the modules"),
        pytest.param("import sys; sys.setrecursionlimit(30); print(1)", OK, "1\n", "", id="lowers the limit of recursion"),
        pytest.param("import os; os.close(199); print(1)", OK, "1\n", "", id="closes the channel"),
        pytest.param("import os; os.dup2(1, 199); print(1)", OK, "1\n", "", id="replaces the channel"),
        pytest.param("import sys; sys.excepthook = 7; 1 / 0", FAILED, "", "ZeroDivisionError\n", id="breaks excepthook"),
        pytest.param("import atexit; atexit.register(lambda: print('bye'))", OK, "bye\n", "", id="speaks at exit"),
        pytest.param("import atexit; atexit.register(lambda: 1 / 0)", OK, "", "ZeroDivisionError", id="raises at exit"),
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
        pytest.param("import no_such_library", FAILED, "", "ModuleNotFoundError", id="missing library"),
        pytest.param(
            "import multiprocessing\nmultiprocessing.Process(target=print).start()",
            FAILED,
            "",
            "processes cannot be started in this sandbox: use threads instead",
            id="multiprocessing",
        ),
        pytest.param(
            "import urllib.request\nurllib.request.urlopen('http://example.com')",
            FAILED,
            "",
            "there is no network in this sandbox",
            id="network",
        ),
    ],
)  # fmt: skip
def test_alone(sandbox: LocalSandbox, code: str, outcome: Outcome, stdout: str, stderr: str):
    result = run(sandbox, code)

    assert (result.outcome, result.stdout) == (outcome, stdout)
    assert stderr in result.stderr if stderr else not result.stderr
    assert not result.truncated


@pytest.mark.parametrize(
    ("code", "detail"),
    [
        ("import sys; sys.exit(3)", "exit status 3"),
        ("1 / 0", ""),
        ("import os; os.kill(os.getpid(), 11)", "killed by SIGSEGV: native code failed, perhaps at the limit of memory"),
        ("x = 'a' * 10**12", "the limit of memory was reached (1610612736 bytes)"),
        ("import mmap; x = mmap.mmap(-1, 1 << 40)", "the limit of memory was reached (1610612736 bytes)"),
        ("import os; os.abort()", "killed by SIGABRT"),
        ("import os; os.write(199, b'{\"status\": 7, \"limit\": \"library:a b\"}\\n'); os._exit(7)", "exit status 7"),
        ("open('x', 'wb').write(b'a' * 9_000_000)", "the limit of a file's size was reached (8388608 bytes)"),
        ("import nosuch.part", "the library 'nosuch' is not installed here and cannot be: do without it"),
    ],
)  # fmt: skip
def test_detail_of_a_failure(confined: LocalSandbox, code: str, detail: str):
    result = run(confined, code)

    assert (result.outcome, result.detail) == (FAILED, detail)


def test_a_full_disk_is_a_failure(confined: LocalSandbox):
    result = run(
        confined, "import time\nfor n in range(9): open(f'{n}', 'wb').write(b'a' * 4_000_000)\ntime.sleep(9)"
    )

    assert result.outcome is FAILED
    assert "the limit of the disk" in result.detail


@pytest.mark.parametrize(
    "code",
    [
        "while True: pass",
        "import signal, time\nfor s in range(1, 32):\n  if s not in (9, 19): signal.signal(s, lambda *a: None)\ntime.sleep(99)",
        "import threading, time; threading.Thread(target=time.sleep, args=(99,)).start()",
        "import atexit, time; atexit.register(time.sleep, 99)",
        "import os, time; os.closerange(0, 4096); time.sleep(99)",
        "import os\nwhile True: os.write(1, b'x' * 65536)",
    ],
)
def test_deadline(confined: LocalSandbox, code: str):
    result = run(confined, code, timeout=0.3)

    assert (result.outcome, result.detail) == (DEADLINE, "killed at the time limit of 0.3 s")
    assert result.wall_time >= 0.3


def test_cpu_time_is_limited_beside_wall_time():
    with LocalSandbox(cpu_seconds=0.2, preload=()) as sandbox:
        result = run(sandbox, "while True: pass")
        idle = run(sandbox, "import time; time.sleep(0.5)")

    assert (result.outcome, result.detail) == (FAILED, "killed at the limit of 0.2 s of CPU time")
    assert idle.outcome is OK


def test_what_was_printed_before_the_deadline_is_kept(sandbox: LocalSandbox):
    result = run(sandbox, "import time; print('first'); time.sleep(99)", timeout=0.3)

    assert (result.outcome, result.stdout) == (DEADLINE, "first\n")


def test_time_and_memory_are_counted(sandbox: LocalSandbox):
    result = run(sandbox, "x = bytearray(b'x' * 50_000_000)\nfor _ in range(3_000_000): pass")

    assert result.cpu_time > 0
    assert result.wall_time > 0
    assert result.peak_memory > 50_000_000


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
def test_value_of_the_last_expression(sandbox: LocalSandbox, code: str, value: str | None):
    assert run(sandbox, code).value == value


def test_output_beyond_the_limit_is_dropped(confined: LocalSandbox):
    result = run(confined, "print('é' * 2_000_000)")

    assert (result.outcome, result.stdout, result.truncated) == (OK, "é" * (1 << 19), True)


def test_files_come_and_go(confined: LocalSandbox):
    result = run(
        confined,
        "import os\nprint(sorted(os.listdir()), open('data.csv').read())\n"
        "open('out.json', 'w').write('{}')\nf = open('late.txt', 'w'); f.write('not closed')\n"
        "os.symlink('/etc/passwd', 'link'); os.mkdir('folder'); os.mkfifo('pipe')",
        CSV,
    )

    assert result.stdout == "['data.csv'] a,b\n1,2\n\n"
    assert {file.name: (file.data, file.mime_type) for file in result.files} == {
        "out.json": (b"{}", "application/json"),
        "late.txt": (b"not closed", "text/plain"),
    }


@pytest.mark.parametrize("name", ["../x", "/etc/x", "a\\b", ".", "..", "a\0b", "\ud800", "x" * 256])
def test_hostile_names_of_files(sandbox: LocalSandbox, name: str):
    with pytest.raises(ExecutionRequestError) as caught:
        run(sandbox, "", InlineFile(b"", "text/plain", name))

    assert repr(name) in str(caught.value)


@pytest.mark.parametrize("name", ["a b.csv", "-rf", "~", "$HOME", "é" * 127, ".hidden", "a\nb"])
def test_odd_but_harmless_names_of_files(sandbox: LocalSandbox, name: str):
    result = run(
        sandbox,
        "import os; print(ascii(os.listdir())); os.rename(os.listdir()[0], 'new')",
        InlineFile(b"x", "text/plain", name),
    )

    assert result.stdout == f"[{name!a}]\n"
    assert [file.name for file in result.files] == ["new"]


def test_hostile_names_of_what_is_left(confined: LocalSandbox):
    result = run(
        confined,
        "for name in (b'\\xff.txt', b'a\\nb', b'x' * 255, b'\\xed\\xa0\\x80', b'..a'): open(name, 'w').close()",
    )

    assert {file.name for file in result.files} == {"\ufffd.txt", "a\nb", "x" * 255, "\ufffd" * 3, "..a"}


@pytest.mark.parametrize(
    "code",
    [
        "import os\nfor name in ('work', 'images'): os.rename('/box/' + name, '/box/' + name + '2'); os.symlink('/usr/lib', '/box/' + name)",
        "import os\nos.mkfifo('/box/images/a.png'); os.mkfifo('b.txt'); os.symlink('/dev/zero', 'c.txt'); os.mkdir('d.txt')",
        "import os\nfor _ in range(200): os.mkdir('d'); os.chdir('d')",
        "import os\nos.chmod('.', 0); os.chmod('/box/images', 0)",
        "open('sparse', 'wb').truncate(8 << 20); open('sparse2', 'wb').truncate(8 << 20)",
    ],
)  # fmt: skip
def test_hostile_folders(confined: LocalSandbox, code: str):
    result = run(confined, f"try:\n  exec({code!r})\nexcept OSError: pass\nprint('done')")

    assert (result.outcome, result.stdout, result.images) == (OK, "done\n", ())
    assert all(file.name.startswith("sparse") for file in result.files)


def test_files_that_do_not_fit(confined: LocalSandbox):
    with pytest.raises(ExecutionRequestError, match="do not fit into the sandbox's disk of 16777216 bytes"):
        run(confined, "", InlineFile(bytes(17 << 20), "text/plain", "big"))


def test_a_module_among_the_files_can_be_imported(sandbox: LocalSandbox):
    assert (
        run(sandbox, "import mine; print(mine.x)", InlineFile(b"x = 7", "text/x-python", "mine.py")).stdout
        == "7\n"
    )


@pytest.mark.parametrize(
    "name", ["tempfile.gettempdir()", "os.path.expanduser('~')", "os.getcwd()", "'/tmp'"]
)
def test_where_a_program_can_write(sandbox: LocalSandbox, name: str):
    result = run(
        sandbox,
        f"import os, tempfile\nopen({name} + '/x', 'w').write('1'); print(open({name} + '/x').read())",
    )

    assert (result.stdout, result.stderr) == ("1\n", "")


def test_environment_holds_nothing_of_the_host(confined: LocalSandbox, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GOOGLE_API_KEY", "secret")

    seen = run(confined, "import os; print(*sorted(os.environ))").stdout.split()

    assert seen == sorted(
        "HOME JOBLIB_MULTIPROCESSING LANG LC_ALL MALLOC_ARENA_MAX MPLBACKEND MPLCONFIGDIR NUMEXPR_NUM_THREADS OMP_NUM_THREADS "
        "OPENBLAS_NUM_THREADS PATH TMPDIR USER".split()
    )


def test_further_paths_can_be_read_and_not_written(tmp_path):
    (tmp_path / "model.txt").write_text("weights")
    tmp_path.chmod(0o755)
    path = str(tmp_path / "model.txt")
    with LocalSandbox(preload=(), readable=[tmp_path]) as sandbox:
        assert run(sandbox, f"print(open({path!r}).read())").stdout == "weights\n"
        assert run(sandbox, f"open({path!r}, 'w')").outcome is FAILED
    assert (tmp_path / "model.txt").read_text() == "weights"


@pytest.mark.parametrize("language", ["R", ""])
def test_another_language_fails(sandbox: LocalSandbox, language: str):
    result = sandbox.run(ExecutionRequest("1", language=language))

    assert (result.outcome, result.output) == (FAILED, f"{language!r} does not run here: only PYTHON")


@pytest.mark.parametrize("timeout", [0, -1, float("nan"), float("inf"), "soon"])
def test_wrong_time_out(sandbox: LocalSandbox, timeout: float):
    with pytest.raises(ExecutionRequestError, match="timeout must be a positive number"):
        run(sandbox, "", timeout=timeout)
    with pytest.raises(ConfigurationError, match="timeout must be a positive number"):
        LocalSandbox(timeout)


@pytest.mark.parametrize(
    "setting", ["memory_bytes", "processes", "open_files", "file_bytes", "disk_bytes", "output_bytes", "workers", "waiting"]
)  # fmt: skip
@pytest.mark.parametrize("value", [0, -1, 1.5, "1", True])
def test_wrong_limit(setting: str, value: int):
    with pytest.raises(ConfigurationError, match=f"{setting} must be a positive whole number"):
        LocalSandbox(**{setting: value})


def test_wrong_mode():
    with pytest.raises(
        ConfigurationError, match="mode must be 'auto' or one of namespaces, bubblewrap, landlock, not 'jail'"
    ):
        LocalSandbox(mode="jail")


def test_unsafe_is_a_process_and_warns():
    with pytest.warns(SandboxWarning, match="isolates nothing") as caught:
        sandbox = LocalSandbox(unsafe=True)

    assert len(caught) == 1
    assert (sandbox.name, sandbox.mode, sandbox.run(ExecutionRequest("print(1)")).stdout) == (
        "process",
        "process",
        "1\n",
    )
