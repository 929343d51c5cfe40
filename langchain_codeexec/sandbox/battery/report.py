"""What the attacks come to in one mode of the sandbox on this machine."""

import os
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from langchain_codeexec.errors import SandboxUnavailableError
from langchain_codeexec.executors.base import CodeExecutor
from langchain_codeexec.sandbox.battery.attack import ENVIRONMENT, Attack
from langchain_codeexec.sandbox.battery.attacks import ATTACKS, LIMITS
from langchain_codeexec.sandbox.local import LocalSandbox
from langchain_codeexec.sandbox.modes import MODES

__all__ = ["KNOWN_GAPS", "MODES_HERE", "breaches", "report_of_mode"]

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
"""By mode, the attacks that it is known not to hold: Landlock watches over reading, not over looking."""

MODES_HERE = MODES if sys.platform == "linux" else ("auto",)
"""What there is to try: Linux's modes, or whatever another system has."""

_AT_A_TIME = 4  # most attacks wait for something


def breaches(executor: CodeExecutor, attacks: Sequence[Attack] = ATTACKS) -> list[str]:
    """The names of the attacks that an executor does not hold.

    Args:
        executor: What is attacked.
        attacks: By which.

    Raises:
        ExecutorError: The sandbox failed.
    """
    os.environ.update(ENVIRONMENT)  # once: it must not change while threads start processes
    try:
        with ThreadPoolExecutor(_AT_A_TIME) as threads:
            results = threads.map(lambda attack: attack.breaches(executor.run), attacks)
            return [attack.name for attack, breached in zip(attacks, results, strict=True) if breached]
    finally:
        for name in ENVIRONMENT:
            del os.environ[name]


def report_of_mode(mode: str, attacks: Sequence[Attack] = ATTACKS) -> dict[str, Any]:
    """Try a mode out.

    Args:
        mode: Of the sandbox.
        attacks: By which.

    Returns:
        `missing`: what the system lacks for it, empty if nothing; `attacks`: how many were run; `breaches`: the
        names of those that were not held; `known`: which of these the mode is known not to hold.

    Raises:
        ExecutorError: The sandbox failed.
    """
    with LocalSandbox(mode=mode, preload=(), workers=_AT_A_TIME, **LIMITS) as sandbox:
        try:
            sandbox.start()
        except SandboxUnavailableError as error:
            missing = error.reasons.get(mode) or "; ".join(error.reasons.values())
            return {"missing": missing, "attacks": 0, "breaches": [], "known": []}
        names = breaches(sandbox, attacks)
    known = [name for name in names if name in KNOWN_GAPS.get(mode, set())]
    return {"missing": "", "attacks": len(attacks), "breaches": names, "known": known}
