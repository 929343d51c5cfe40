"""Running the battery against an executor, or against no isolation at all.

What the battery finds out about one mode on this machine.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from langchain_codeexec.errors import SandboxUnavailableError
from langchain_codeexec.executions import ExecutionRequest, ExecutionResult, Outcome
from langchain_codeexec.sandbox.battery.attack import PROOF, Attack, Scene
from langchain_codeexec.sandbox.battery.files import FILES, LEAKS
from langchain_codeexec.sandbox.battery.kernel import KERNEL, NETWORK
from langchain_codeexec.sandbox.battery.processes import PROCESSES
from langchain_codeexec.sandbox.battery.resources import LIMITS, RESOURCES
from langchain_codeexec.sandbox.local import LocalSandbox
from langchain_codeexec.sandbox.modes import MODES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from langchain_codeexec.executors.base import CodeExecutor

__all__ = ["ATTACKS", "KNOWN_GAPS", "MODES_HERE", "Finding", "report_of_mode", "run_battery", "try_plainly"]

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


MODES_HERE = MODES if sys.platform == "linux" else ("auto",)
"""What there is to try: Linux's modes, or whatever another system has."""


def report_of_mode(mode: str) -> dict[str, Any]:
    """Try a mode out.

    Returns:
        `missing`: what the system lacks for it, empty if nothing; `attacks`: how many were run; `breaches`: the
        names of those that were not held; `known`: which of these the mode is known not to hold.

    Raises:
        ExecutorError: The sandbox failed.
    """
    with LocalSandbox(mode=mode, preload=(), **LIMITS) as sandbox:
        try:
            sandbox.start()
        except SandboxUnavailableError as error:
            missing = error.reasons.get(mode) or "; ".join(error.reasons.values())
            return {"missing": missing, "attacks": 0, "breaches": [], "known": []}
        breaches = [finding.attack for finding in run_battery(sandbox) if not finding.held]
    known = KNOWN_GAPS.get(mode, set())
    return {
        "missing": "",
        "attacks": len(ATTACKS),
        "breaches": breaches,
        "known": [name for name in breaches if name in known],
    }
