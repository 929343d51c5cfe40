"""Which mode is taken on which system, and the refusal where there is none."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from langchain_codeexec import ExecutionRequest
from langchain_codeexec.errors import ExecutorError, SandboxUnavailableError
from langchain_codeexec.sandbox.local import LocalSandbox
from langchain_codeexec.sandbox.modes import MODES

HERE = Path(__file__).parent
REPORT = """
import json, sys
from langchain_codeexec.errors import SandboxUnavailableError
from langchain_codeexec.executors.calls import CallLimits, HostFunction, HostReply
from langchain_codeexec.sandbox import LocalSandbox
class Calls:
    functions, limits = [HostFunction("answer", "")], CallLimits()
    def __call__(self, call):
        return HostReply(42)
try:
    with LocalSandbox(preload=(), mode=sys.argv[1]) as sandbox:
        print(json.dumps([sandbox.mode, sandbox.run("print(answer())", calls=Calls()).stdout]))
except SandboxUnavailableError as error:
    print(json.dumps([error.reasons, str(error)]))
"""


def report(*wrapper: str | Path, mode: str = "auto") -> list:
    command = [sys.executable, *wrapper, "-c", REPORT, mode]
    done = subprocess.run(command, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)


def as_user() -> list[str | Path]:
    return [HERE / "as_user.py", sys.executable] if os.geteuid() == 0 else []


@pytest.mark.parametrize("user", [[], as_user()], ids=["root", "user"])
@pytest.mark.parametrize(("refused", "mode"), [("namespaces", "landlock"), ("landlock", "namespaces")])
def test_the_first_mode_that_the_system_allows_is_taken(user: list[str | Path], refused: str, mode: str):
    assert report(*user, HERE / "in_container.py", refused, sys.executable) == [mode, "42\n"]


def test_where_nothing_is_left_it_refuses_and_says_what_could_be_done():
    reasons, words = report(*as_user(), HERE / "in_container.py", "namespaces,landlock", sys.executable)

    assert set(reasons) == set(MODES)
    assert "user" in reasons["namespaces"]
    assert "landlock" in reasons["landlock"]
    for option in (
        "allow user namespaces",
        "Landlock",
        "LocalSandbox(unsafe=True)",
        "Gemini",
    ):
        assert option in words


@pytest.mark.parametrize("system", ["win32", "darwin", "freebsd14"])
def test_another_system(system: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("sys.platform", system)
    sandbox = LocalSandbox()

    with pytest.raises(
        SandboxUnavailableError, match=rf"no sandbox for {system}(.|\n)*macOS(.|\n)*WSL2(.|\n)*Gemini"
    ):
        sandbox.run(ExecutionRequest("print(1)"))
    with pytest.raises(SandboxUnavailableError), sandbox.session():
        pass
    with pytest.raises(SandboxUnavailableError):
        _ = sandbox.mode


@pytest.mark.parametrize(
    ("python", "words"),
    [
        ("/no/such/python", "cannot start '/no/such/python'"),
        ("/bin/false", "cannot run programs: it ended without a word"),
        ("/bin/cat", "cannot run programs: .*invalid option"),
    ],
)
def test_broken_interpreter(python: str, words: str):
    with pytest.raises(ExecutorError, match=words):
        LocalSandbox(python=python).run(ExecutionRequest("print(1)"))


@pytest.mark.parametrize("version", ["3.12", "3.13", "3"])
def test_another_interpreter(version: str):
    python = next(
        (
            path
            for path in map(Path, (f"/usr/bin/python{version}", f"/usr/local/bin/python{version}"))
            if path.exists()
        ),
        None,
    )
    if python is None:
        pytest.skip(f"no Python {version} beside this one")
    with LocalSandbox(python=str(python), preload=()) as sandbox:
        assert sandbox.run(ExecutionRequest("import sys; print(sys.prefix)")).stdout.startswith("/usr")


BELOW_THE_BOX = """
import os, sys
from pathlib import Path
from langchain_codeexec.sandbox.child.kernel import call
call("unshare", 0x00020000)
call("mount", b"none", b"/", b"", 16384 | (1 << 18), b"")
folder = Path("/box/work")
folder.mkdir(parents=True, exist_ok=True)
call("mount", b"tmpfs", b"/box", b"tmpfs", 0, b"mode=0755")
checkout = folder / "checkout"
checkout.mkdir(parents=True)
(checkout / "library.py").write_text("x = 7")
from langchain_codeexec import ExecutionRequest, LocalSandbox
code = f"import os, sys; sys.path.append({str(checkout)!r}); import library; print(library.x, os.listdir())"
with LocalSandbox(preload=(), mode="namespaces", readable=[checkout]) as sandbox:
    print(sandbox.run(ExecutionRequest(code)).stdout)
"""


@pytest.mark.skipif(
    os.geteuid() != 0 or Path("/box").exists(), reason="needs root, who may make such a folder"
)
def test_the_working_directory_is_the_programs_own_wherever_libraries_lie():
    try:
        done = subprocess.run(
            [sys.executable, "-c", BELOW_THE_BOX], capture_output=True, check=False, text=True
        )
    finally:
        shutil.rmtree("/box")

    assert (done.stdout, done.stderr) == ("7 []\n\n", "")
