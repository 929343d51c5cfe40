"""Programs in sandboxes of deepagents: on its local shell, and through the clients of services that rent sandboxes."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from deepagents.backends import LocalShellBackend
from deepagents.backends.protocol import ExecuteResponse, FileDownloadResponse
from langchain.agents import create_agent

from langchain_codeexec import CodeExecutionMiddleware, ExecutionRequest, PythonTool
from langchain_codeexec.errors import (
    ConfigurationError,
    ExecutionRequestError,
    ExecutorError,
    SandboxUnavailableError,
)
from langchain_codeexec.executions import InlineFile, Outcome, executions_from_artifact
from langchain_codeexec.executors import BackendExecutor, FailoverExecutor, managed
from langchain_codeexec.grounding.verification import verify_executions
from tests.executors.managed_services import services
from tests.sandbox.processes import gone, settles

PATH = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin"}
PLOT = "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.savefig('kept.png')\nplt.figure()"
STEMS = "import glob, os\nstems = {name.partition('.')[0] for name in glob.glob('/tmp/codeexec-*.pyz')}\n"


def shell(root: Path, **settings: Any) -> LocalShellBackend:
    return LocalShellBackend(root_dir=root, **{"env": PATH, **settings})


def left(root: Path) -> list[str]:
    """What runs have left in the folder of a shell."""
    return [path.name for path in root.rglob("*") if path.is_file() or path.is_socket()]


@pytest.fixture(scope="session")
def rented() -> Iterator[dict[str, Any]]:
    with services() as backends:
        yield backends


@pytest.fixture
def executor(tmp_path: Path) -> BackendExecutor:
    return BackendExecutor(shell(tmp_path))


@pytest.mark.parametrize("backend", ["LocalShellBackend", "RunloopSandbox", "VercelSandbox"])
def test_a_backend_runs_programs_as_it_comes(backend: str, tmp_path: Path, rented: dict[str, Any]) -> None:
    executor = BackendExecutor(rented.get(backend) or shell(tmp_path, virtual_mode=False))
    csv = InlineFile(b"a\n41\n", "text/csv", "data.csv")
    code = "import sys\nn = int(open('data.csv').read()[2:])\nprint(n)\nprint('!', file=sys.stderr)\nopen('o.txt', 'w').write('o')\nn + 1"
    result = executor.run(ExecutionRequest(code, files=(csv,)))
    assert (result.outcome, result.stdout, result.stderr, result.value) == (Outcome.OK, "41\n", "!\n", "42")
    assert result.files == (InlineFile(b"o", "text/plain", "o.txt"),)
    assert executor.name == backend
    with executor.session() as session:
        session.run("x = 1\nopen('kept', 'w').write('2')")
        assert session.run("x, open('kept').read()").value == "(1, '2')"
    assert executor.run("x").stderr.endswith("NameError: name 'x' is not defined\n")


@pytest.mark.parametrize(
    ("code", "outcome", "stdout", "words"),
    [
        ("print(1)\ndef f():\n    return 1 / 0\nf()", "FAILED", "1\n", 'File "<code>", line 3, in f'),
        ("import sys; sys.exit('bye')", "FAILED", "", "bye"),
        ("import os; os.write(1, b'raw'); os.kill(os.getpid(), 9)", "FAILED", "raw", "killed by SIGKILL"),
        ("import os\nprint('child' if not os.fork() else os.wait()[1])", "OK", "child\n0\n", ""),
        ("print('x' * 10_000_000)", "OK", "x" * 1000, ""),
        ("open('big', 'wb').write(bytes(1 << 20))", "FAILED", "", "the limit of a file's size was reached"),
        ("import no_such_library", "FAILED", "", "the library 'no_such_library' is not installed"),
        (
            "print(1, flush=True)\nwhile True: pass",
            "DEADLINE_EXCEEDED",
            "1\n",
            "killed at the time limit of 0.5 s",
        ),
        ("é = 'ü'\nprint(é)", "OK", "ü\n", ""),
    ],
)
def test_how_programs_end(code: str, outcome: str, stdout: str, words: str, tmp_path: Path) -> None:
    executor = BackendExecutor(shell(tmp_path), 20.0, output_bytes=1000, file_bytes=1 << 16)
    result = executor.run(ExecutionRequest(code, timeout=0.5 if outcome == "DEADLINE_EXCEEDED" else None))
    assert (result.outcome.name, result.stdout) == (outcome, stdout)
    assert words in f"{result.stderr}\n{result.detail}"
    assert result.truncated == (len(stdout) == 1000)
    assert not left(tmp_path)


def test_pictures_come_back_once_and_under_their_names(executor: BackendExecutor) -> None:
    result = executor.run(PLOT)
    assert [image.name for image in result.images] == ["kept.png", "image_1.png"]
    assert not result.files


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("os.kill(os.getppid(), 9)\nwhile True: pass", "the process beside the program has ended"),
        ("for stem in stems: os.kill(int(open(stem + '.pid').read()), 9)\nwhile True: pass", "exit code 137"),
    ],
)
def test_a_program_that_kills_what_runs_it_is_an_error(code: str, words: str, tmp_path: Path) -> None:
    executor = BackendExecutor(shell(tmp_path))
    stems = STEMS.replace("/tmp", str(tmp_path / "tmp"))
    with pytest.raises(ExecutorError, match=words):
        executor.run(stems + code)
    assert (
        executor.run(f"{stems}for stem in stems: os.unlink(stem + '.pid'), os.unlink(stem + '.pyz')").outcome
        == "OUTCOME_OK"
    )
    assert not left(tmp_path)


@dataclass
class Leaving:
    """A sandbox in which a program has written something in place of its result, and where nothing is started."""

    content: bytes

    def upload_files(self, files: list[tuple[str, bytes]]) -> list[Any]:
        return []

    def execute(self, command: str) -> ExecuteResponse:
        return ExecuteResponse("", 0)

    def download_files(self, paths: list[str]) -> list[FileDownloadResponse]:
        return [FileDownloadResponse(path, self.content) for path in paths]


def reply(**changes: Any) -> bytes:
    """A reply as a run leaves it, but for what is changed."""
    known = {
        "end": "exited",
        "wall": 0.0,
        "cpu": 0.0,
        "lost": False,
        "status": 0,
        "value": "",
        "limit": "",
        "peak": 0,
    }
    lists = {"truncated": [False, False], "images": [], "files": [], "more": False, "blobs": [0, 0]}
    header = json.dumps({**known, **lists, **changes}).encode()
    return len(header).to_bytes(4) + header


@pytest.mark.parametrize(
    "content",
    [
        *(b"\0", b"\0\0\0\2{}", b"\0\0\0\2[]", b"\xff\xff\xff\xff", b"\0\0\0\6[[[[[[", reply(error="x")),
        *(reply(wall=float("nan")), reply(value=1), reply(blobs=[9, 0]), reply(images=["a"]), reply(peak=-1)),
        *(reply(truncated=[]), reply(blobs=[0]), reply() + b"more", reply(files=["../a"], blobs=[0, 0, 0])),
    ],
)
def test_a_result_that_is_none_is_an_error(content: bytes) -> None:
    with pytest.raises(ExecutorError, match="Leaving gives no result"):
        BackendExecutor(Leaving(content)).run("1")


def test_a_result_is_read_as_it_was_left() -> None:
    result = BackendExecutor(Leaving(reply(value="1", blobs=[2, 0]) + b"ok")).run("1")
    assert (result.value, result.stdout) == ("1", "ok")


def python(folder: Path, change: str) -> dict[str, str]:
    """The variables of a sandbox whose Python has been changed."""
    (folder / "bin").mkdir()
    start = "sys.argv = sys.argv[1:]\nrunpy.run_path(sys.argv[0])"
    changed = folder / "bin/python3"
    changed.write_text(f"#!{sys.executable}\nimport os, runpy, sys\n{change}\n{start}\n")
    changed.chmod(0o755)
    return {"PATH": f"{changed.parent}:/usr/bin:/bin"}


def old_python(folder: Path) -> dict[str, str]:
    return python(folder, "sys.version_info = (3, 9)")


def no_python(folder: Path) -> dict[str, str]:
    (folder / "bin").mkdir()
    for name in ("cat", "rm"):
        (folder / "bin" / name).symlink_to(f"/bin/{name}")
    return {"PATH": str(folder / "bin")}


@pytest.mark.parametrize(
    ("env", "words"),
    [(no_python, "neither a python3 nor a python"), (old_python, "Python 3.10 or newer is needed")],
)
def test_a_sandbox_without_such_a_python_is_unavailable(env: Any, words: str, tmp_path: Path) -> None:
    root = tmp_path / "root"
    lacking = BackendExecutor(shell(root, env=env(tmp_path)))
    with pytest.raises(SandboxUnavailableError, match=words):
        lacking.run("1")
    assert not left(root)
    result = FailoverExecutor(lacking, BackendExecutor(shell(root))).run("1")
    assert (result.value, result.tried) == ("1", ("LocalShellBackend: unavailable",))


def test_a_system_may_lack_what_newer_ones_have(tmp_path: Path) -> None:
    change = """
def lacking(*_):
    raise OSError(38, "Function not implemented")
os.pidfd_open = lacking
old = os.uname_result(("Linux", "sandbox", "4.4.0", "", os.uname().machine))
os.uname = lambda: old
"""
    with BackendExecutor(shell(tmp_path, env=python(tmp_path, change))).session() as session:
        session.run("x = 1")
        assert session.run("import os; os.uname().release, x").value == "('4.4.0', 1)"
        assert (
            session.run(ExecutionRequest("while True: pass", timeout=0.3)).outcome
            is Outcome.DEADLINE_EXCEEDED
        )
        assert session.run("os._exit(0)").stderr.endswith("name 'os' is not defined\n")


class Refusing(LocalShellBackend):
    def upload_files(self, files: list[tuple[str, bytes]]) -> Any:
        responses = super().upload_files(files)
        responses[1].error = "permission_denied"
        return responses


class Stopped(LocalShellBackend):
    def upload_files(self, files: Any) -> Any:
        raise ConnectionError("no such sandbox")


class Stopping(LocalShellBackend):
    def execute(self, command: str, *, timeout: int | None = None) -> Any:
        raise ConnectionError("no such sandbox")


class Silent(LocalShellBackend):
    def execute(self, command: str, *, timeout: int | None = None) -> Any:
        super().execute(command, timeout=timeout)


@pytest.mark.parametrize(
    ("backend", "error", "words"),
    [
        (Refusing, SandboxUnavailableError, "Refusing does not take files: permission_denied"),
        (Stopped, SandboxUnavailableError, "Stopped does not take files: no such sandbox"),
        (Stopping, ExecutorError, "Stopping does not execute commands: no such sandbox"),
        (Silent, ExecutorError, "Silent does not execute commands: "),
    ],
)
def test_a_backend_that_fails_is_an_error(
    backend: Any, error: type[ExecutorError], words: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(ExecutorError, match=words) as raised:
        BackendExecutor(backend(root_dir=tmp_path, env=PATH)).run("1")
    assert type(raised.value) is error
    assert (
        bool(left(tmp_path))
        == (backend is Stopping)
        == ("Stopping may have kept files of a run" in caplog.text)
    )


class Caching(LocalShellBackend):
    def download_files(self, paths: list[str]) -> Any:
        kept = vars(self).setdefault("kept", {})
        if paths[0] not in kept:
            kept[paths[0]] = super().download_files(paths)
        return kept[paths[0]]


def test_no_result_is_that_of_an_earlier_run(tmp_path: Path) -> None:
    with BackendExecutor(Caching(root_dir=tmp_path, env=PATH)).session() as session:
        assert [session.run(code).value for code in "123"] == ["1", "2", "3"]
        assert len(list(tmp_path.rglob("*.result"))) == 1


class Impatient(LocalShellBackend):
    """A sandbox whose own limit is what ends a run, and which leaves running what it has started."""

    def execute(self, command: str) -> Any:  # as backends did before there were time-outs
        return super().execute(command, timeout=1)


def test_the_limit_of_a_backend_ends_a_run_as_well(tmp_path: Path) -> None:
    executor = BackendExecutor(Impatient(root_dir=tmp_path, env=PATH))
    code = f"import os, time\nopen({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid()))\ntime.sleep(600)"
    result = executor.run(code)
    assert result.outcome is Outcome.DEADLINE_EXCEEDED
    assert "killed at the backend's own time limit (exit code 124" in result.detail
    assert gone({int((tmp_path / "pid").read_text())})
    assert settles(lambda: left(tmp_path) == ["pid"])


def test_a_session_says_what_a_run_has_lost(executor: BackendExecutor, tmp_path: Path) -> None:
    with executor.session() as session:
        session.run("x = 1")
        assert (
            "the variables and imports of the session are lost"
            in session.run("import os; os._exit(3)").detail
        )
        assert session.run("'x' in globals()").value == "False"
        with pytest.raises(ExecutionRequestError):
            session.run(ExecutionRequest("1", files=(InlineFile(b"", "text/plain", "../a"),)))
        session.run("y = 1\nopen('kept', 'w').write('')")
        assert session.run("y, __import__('os').listdir()").value == "(1, ['kept'])"
        [pid] = (tmp_path / "tmp").glob("*.pid")
        number = int(pid.read_text())
        os.kill(number, signal.SIGKILL)  # as a sandbox that lets nothing outlive a command
        assert gone({number})
        result = session.run("'y' in globals(), __import__('os').listdir()")
        assert (result.value, result.detail) == (
            "(False, [])",
            "the variables and imports of the session are lost, and its files",
        )
        with pytest.raises(ExecutorError, match="file_not_found"):  # and no result of an earlier run
            session.run(f"import os; os.kill(int(open({str(pid)!r}).read()), 9); os.wait()")
        number = int(session.run(f"open({str(pid)!r}).read()").value.strip("'"))
    assert gone({number})
    assert not left(tmp_path)


def test_a_session_that_is_left_alone_ends_by_itself(
    executor: BackendExecutor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(managed, "_IDLE", 0.05)
    with executor.session() as session:
        session.run("x = 1")
        assert settles(
            lambda: {Path(name).suffix for name in left(tmp_path)} <= {".pyz", ".request", ".result"}
        )
        assert "are lost" in session.run("x").detail
    assert not left(tmp_path)


async def test_cancelling_kills_the_run_alone(executor: BackendExecutor, tmp_path: Path) -> None:
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))  # is not what runs take
    started = tmp_path / "started"
    code = f"import os, time\nwith open('pid', 'w') as file: file.write(str(os.getpid()))\nos.rename('pid', {str(started)!r})\ntime.sleep(600)"
    run = asyncio.create_task(executor.arun(code))
    other = asyncio.create_task(executor.arun("1 + 1"))
    assert await asyncio.to_thread(settles, started.exists)
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    assert gone({int(started.read_text())})
    assert (await other).value == "2"
    assert settles(lambda: left(tmp_path) == ["started"])


async def test_a_session_that_is_ended_while_it_begins_leaves_nothing(tmp_path: Path) -> None:
    forked, go = tmp_path / "forked", tmp_path / "go"
    change = f"""
import time
def fork(fork=os.fork):
    if pid := fork():
        print(pid, file=open({str(forked)!r}, "a"))
    while not os.path.exists({str(go)!r}):
        time.sleep(0.01)
    return pid
os.fork = fork
"""
    with BackendExecutor(shell(tmp_path, env=python(tmp_path, change))).session() as session:
        run = asyncio.create_task(session.arun("1"))
        assert await asyncio.to_thread(settles, forked.exists)
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run
    go.touch()
    assert gone({int(forked.read_text().split()[0])})
    assert not left(tmp_path / "tmp")


@pytest.mark.parametrize(
    "backend",
    [
        None,
        "python3",
        LocalShellBackend,
        type("Files", (), {"upload_files": print, "download_files": print})(),
    ],
)
def test_what_has_no_shell_is_no_backend(backend: Any) -> None:
    with pytest.raises(ConfigurationError, match="a backend is an instance of a SandboxBackendProtocol"):
        BackendExecutor(backend)


def test_an_agents_code_runs_there(gemini: Any, executor: BackendExecutor) -> None:
    call = {"name": PythonTool(executor).name, "args": {"code": "x = 6\nprint(x * 7)"}}
    gemini.says([{"functionCall": call}], "It is 42.")
    agent = create_agent(gemini.chat(), middleware=[CodeExecutionMiddleware(executor=executor)])
    messages = agent.invoke({"messages": [("user", "6 * 7?")]})["messages"]
    [run] = executions_from_artifact(messages[2].artifact)
    assert (run.output, run.origin, messages[-1].text) == ("42\n", "LocalShellBackend", "It is 42.")
    assert verify_executions(messages[2], executor).verdict == "confirmed"
    with pytest.raises(ConfigurationError, match="'LocalShellBackend' cannot call functions of the host"):
        PythonTool(executor, tools=[PythonTool(executor)])
