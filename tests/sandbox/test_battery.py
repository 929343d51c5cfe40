"""Every attack gets what it wants in a plain subprocess, and nothing in the sandbox, as root and as a user."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from langchain_codeexec.executions import ExecutionRequest, ExecutionResult, Outcome
from langchain_codeexec.sandbox import battery
from langchain_codeexec.sandbox.modes import MODES
from tests.sandbox.attacks import ATTACKS
from tests.sandbox.attacks.attack import breaches

if TYPE_CHECKING:
    from langchain_codeexec.sandbox.local import LocalSandbox

AS_USER = Path(__file__).with_name("as_user.py")
ROOT = Path(__file__).parents[2]
IS_ROOT = os.geteuid() == 0
KNOWN_GAPS = {
    "landlock": battery.KNOWN_GAPS["landlock"]
    | {
        "ask for access to a file",
        "follow a link of the kernel",
        "learn where a link leads",
        "look at a file while its name changes",
        "look at a folder's file system",
    }
}
NEEDS_ROOT = {
    "become another user",
    "change the root",
    "clone a mount",
    "copy a descriptor of a process",
    "load a bpf program",
    "make a device",
    "make a mount namespace",
    "make a socket (AF_PACKET)",
    "open a file system",
    "plant code for the host",
    "plant code for the next run",
    "read the kernel's log",
    "read the memory of a process",
    "read the secrets of the system",
    "trace a process",
}
"""Only root succeeds with these in a plain subprocess."""
NOT_PLAINLY = {
    "add a key",
    "ask for a key",
    "ask who is at the other end",
    "change a descriptor table entry of the processor",
    "change the host's name",
    "compare processes",
    "count events",
    "find an earlier run in memory",
    "find objects of an earlier run",
    "forge a long answer",
    "forge the answer",
    "hand a file out through a hard link",
    "hand a file out through a link",
    "hand back a picture that fills memory",
    "hand back a value that fills memory",
    "handle page faults",
    "hide memory from the kernel",
    "ignore every signal",
    "kill every process",
    "look at a file while its name changes",
    "make a file handle",
    "make a message queue",
    "make a named message queue",
    "make a socket (AF_ALG)",
    "make a socket (AF_INET6)",
    "make a socket (AF_VSOCK)",
    "make a user namespace",
    "make deep folders",
    "make namespaces by clone3",
    "make semaphores",
    "make shared memory",
    "mount",
    "open a disk",
    "print for ever",
    "reach the ports of devices",
    "read a keyring",
    "replace a file",
    "run before all others",
    "run for ever",
    "run for ever in C",
    "set the clock",
    "set up io_uring",
    "take memory that is set aside",
    "turn a pair around",
    "type into the terminal",
    "use the 32-bit door",
    "use the other 64-bit door",
    "watch all files",
}
"""These would harm the machine in a plain subprocess, or depend on how its kernel was built or on luck."""
assert {
    attack.name for attack in ATTACKS
} >= NEEDS_ROOT | NOT_PLAINLY  # before any of them could run under a new name
PLAIN = [
    attack
    for attack in ATTACKS
    if attack.name not in NOT_PLAINLY and (IS_ROOT or attack.name not in NEEDS_ROOT)
]


def run_plainly(request: ExecutionRequest) -> ExecutionResult:
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, "-c", request.code],
            capture_output=True,
            cwd=folder,
            close_fds=False,
            check=False,
        )
    outcome = Outcome.FAILED if done.returncode else Outcome.OK
    return ExecutionResult(
        outcome, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace")
    )


def test_succeeds_where_nothing_is_isolated():
    held = {attack.name for attack in PLAIN}.difference(breaches(run_plainly, PLAIN))
    assert not held


def test_is_held(confined: LocalSandbox):
    assert set(breaches(confined.run, ATTACKS)) <= KNOWN_GAPS.get(confined.mode, set())


@pytest.mark.skipif(not IS_ROOT, reason="only root can become somebody else; the tests above ran as a user")
@pytest.mark.parametrize("mode", MODES)
def test_is_held_as_an_ordinary_user(mode: str):
    command = [sys.executable, "-m", "tests.sandbox.attacks", mode]
    done = subprocess.run(
        [sys.executable, AS_USER, *command], capture_output=True, check=False, text=True, cwd=ROOT
    )

    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    if report["missing"]:
        pytest.skip(f"{mode}: {report['missing']}")
    assert set(report["breaches"]) <= KNOWN_GAPS.get(mode, set())


def test_every_promise_names_what_shows_it():
    promises = [
        line.split("|") for line in (ROOT / "SECURITY.md").read_text().splitlines() if line.startswith("| ")
    ]
    here = AS_USER.parent
    tests = "".join(path.read_text() for path in here.glob("test_*.py"))
    for promise in promises[1:]:
        names = re.findall("`([^`]+)`", promise[2])
        assert names, promise
        for name in names:
            assert (here / name).is_file() if name.endswith(".py") else f"def {name}(" in tests, name
