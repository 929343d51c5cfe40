"""What becomes of programs in the sandbox that end well, fail, or do odd things."""

from __future__ import annotations

import pytest

from langchain_codeexec import ExecutionRequest
from langchain_codeexec.errors import ExecutionRequestError
from langchain_codeexec.executions import ExecutionResult, InlineFile, Outcome
from langchain_codeexec.sandbox.local import LocalSandbox, SandboxWarning

OK, FAILED, DEADLINE = Outcome.OK, Outcome.FAILED, Outcome.DEADLINE_EXCEEDED
PNG = b"\x89PNG\r\n\x1a\n"
CSV = InlineFile(b"a,b\n1,2\n", "text/csv", "data.csv")


def run(sandbox: LocalSandbox, code: str, *files: InlineFile, timeout: float = 20.0) -> ExecutionResult:
    return sandbox.run(ExecutionRequest(code, files=files, timeout=timeout))


@pytest.mark.parametrize(
    ("code", "outcome", "stdout", "stderr"),
    [
        ("import os; os.close(199); print(1)", OK, "1\n", ""),
        ("import os; os.dup2(1, 199); print(1)", OK, "1\n", ""),
        (
            "import multiprocessing\nmultiprocessing.Process(target=print).start()",
            FAILED,
            "",
            "processes cannot be started in this sandbox: use threads instead",
        ),
        (
            "import urllib.request\nurllib.request.urlopen('http://example.com')",
            FAILED,
            "",
            "there is no network in this sandbox",
        ),
    ],
)
def test_what_is_refused_and_what_is_in_vain(
    sandbox: LocalSandbox, code: str, outcome: Outcome, stdout: str, stderr: str
):
    result = run(sandbox, code)

    assert (result.outcome, result.stdout) == (outcome, stdout)
    assert stderr in result.stderr if stderr else not result.stderr


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


def test_time_and_memory_are_counted(sandbox: LocalSandbox):
    result = run(sandbox, "x = bytearray(b'x' * 50_000_000)\nfor _ in range(3_000_000): pass")

    assert result.cpu_time > 0
    assert result.wall_time > 0
    assert result.peak_memory > 50_000_000


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


def test_hostile_names_of_what_is_left(confined: LocalSandbox):
    result = run(
        confined,
        "names = (b'\\xff.txt', b'\\xfe.txt', b'\\\\xff.txt', b'a\\nb', b'x' * 255, b'\\xed\\xa0\\x80', b'..a', "
        "'\\x1b[2J', '\\u202etxt', 'gr\u00fcn \U0001f40d')\nfor name in names: open(name, 'w').close()",
    )

    assert {file.name for file in result.files} == {
        *("\\xff.txt", "\\xfe.txt", "_\\xff.txt", "a\\nb", "x" * 255, "\\xed\\xa0\\x80", "..a"),
        *("\\x1b[2J", "\\u202etxt", "grün 🐍"),
    }


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


def test_unsafe_is_a_process_and_warns():
    with pytest.warns(SandboxWarning, match="isolates nothing") as caught:
        sandbox = LocalSandbox(unsafe=True)

    assert len(caught) == 1
    assert (sandbox.name, sandbox.mode, sandbox.run(ExecutionRequest("print(1)")).stdout) == (
        "process",
        "process",
        "1\n",
    )
