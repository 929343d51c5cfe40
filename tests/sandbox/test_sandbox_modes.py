"""Which mode is taken on which system, and the refusal where there is none."""

from __future__ import annotations

import json
import os
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
from langchain_codeexec import ExecutionRequest
from langchain_codeexec.errors import SandboxUnavailableError
from langchain_codeexec.sandbox import LocalSandbox
try:
    with LocalSandbox(preload=(), mode=sys.argv[1]) as sandbox:
        print(json.dumps([sandbox.mode, sandbox.run(ExecutionRequest("print(6 * 7)")).stdout]))
except SandboxUnavailableError as error:
    print(json.dumps([error.reasons, str(error)]))
"""


def report(*wrapper: str | Path, mode: str = "auto") -> list:
    command = [sys.executable, *wrapper, sys.executable, "-c", REPORT, mode]
    done = subprocess.run(command, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)


def as_user() -> list[str | Path]:
    return [HERE / "as_user.py", sys.executable] if os.geteuid() == 0 else []


def test_in_a_container_without_user_namespaces_landlock_is_left():
    assert report(*as_user(), HERE / "in_container.py") == ["landlock", "42\n"]


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_root_in_a_container_without_user_namespaces():
    assert report(HERE / "in_container.py") == ["landlock", "42\n"]


def test_where_nothing_is_left_it_refuses_and_says_what_could_be_done():
    reasons, words = report(*as_user(), HERE / "in_bare_container.py")

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
