"""Running the battery against an executor, or against no isolation at all."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

from langchain_codeexec.executions import ExecutionRequest, ExecutionResult, Outcome
from langchain_codeexec.executors.sandbox.battery.attack import PROOF, Attack
from langchain_codeexec.executors.sandbox.battery.files import FILES
from langchain_codeexec.executors.sandbox.battery.kernel import KERNEL
from langchain_codeexec.executors.sandbox.battery.leaks import LEAKS
from langchain_codeexec.executors.sandbox.battery.network import NETWORK
from langchain_codeexec.executors.sandbox.battery.processes import PROCESSES
from langchain_codeexec.executors.sandbox.battery.resources import RESOURCES
from langchain_codeexec.executors.sandbox.battery.scene import Scene

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from langchain_codeexec.executors.base import CodeExecutor

__all__ = ["ATTACKS", "KNOWN_GAPS", "Finding", "run_battery", "try_plainly"]

ATTACKS = (*FILES, *NETWORK, *PROCESSES, *KERNEL, *RESOURCES, *LEAKS)

KNOWN_GAPS = {
    "landlock": {
        "ask for access to a file",
        "follow a link of the kernel",
        "learn where a link leads",
        "learn the host's name",
        "look at a file while its name changes",
        "look at a file's size",
        "look at a folder's file system",
    }
}
"""By mode, the attacks that it is known not to hold where no process may look into its children's memory."""


@dataclass(frozen=True)
class Finding:
    """What became of an attack.

    Attributes:
        attack: Its name.
        held: Whether it got nothing.
        result: What the program did.
    """

    attack: str
    held: bool
    result: ExecutionResult


def run_battery(executor: CodeExecutor, attacks: Iterable[Attack] = ATTACKS) -> Iterator[Finding]:
    """Run attacks against an executor, one after the other.

    Raises:
        ExecutorError: The sandbox failed.
    """
    for attack in attacks:
        yield _try(attack, executor.run)


def try_plainly(attack: Attack) -> Finding:
    """Run an attack in a plain subprocess, which isolates nothing: it should get what it wants."""
    return _try(attack, _run_plainly)


def _try(attack: Attack, run: Callable[[ExecutionRequest], ExecutionResult]) -> Finding:
    with Scene() as scene:
        start = f"scene = {scene.facts()!r}\nPROOF = {PROOF!r}\n"
        if attack.earlier:
            run(ExecutionRequest(start + attack.earlier, timeout=attack.timeout))
        result = run(ExecutionRequest(start + attack.code, timeout=attack.timeout))
        return Finding(attack.name, not attack.seen(scene, result), result)


def _run_plainly(request: ExecutionRequest) -> ExecutionResult:
    with tempfile.TemporaryDirectory() as folder:
        try:
            done = subprocess.run(  # noqa: S603 -- the control that shows what isolation is for
                [sys.executable, "-c", request.code],
                capture_output=True,
                cwd=folder,
                close_fds=False,
                env=dict(os.environ),
                timeout=request.timeout,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return ExecutionResult(Outcome.DEADLINE_EXCEEDED)
    return ExecutionResult(
        Outcome.FAILED if done.returncode else Outcome.OK,
        done.stdout.decode("utf-8", "replace"),
        done.stderr.decode("utf-8", "replace"),
    )
