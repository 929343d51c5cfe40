"""What the attacks come to in one mode of the sandbox on this machine."""

from __future__ import annotations

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from langchain_codeexec.errors import SandboxUnavailableError
from langchain_codeexec.sandbox.battery.attack import ENVIRONMENT
from langchain_codeexec.sandbox.battery.files import FILES, LEAKS
from langchain_codeexec.sandbox.battery.kernel import KERNEL, NETWORK
from langchain_codeexec.sandbox.battery.processes import PROCESSES
from langchain_codeexec.sandbox.battery.resources import LIMITS, RESOURCES
from langchain_codeexec.sandbox.local import LocalSandbox
from langchain_codeexec.sandbox.modes import MODES

if TYPE_CHECKING:
    from langchain_codeexec.executors.base import CodeExecutor

__all__ = ["ATTACKS", "KNOWN_GAPS", "MODES_HERE", "breaches", "report_of_mode"]

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

MODES_HERE = MODES if sys.platform == "linux" else ("auto",)
"""What there is to try: Linux's modes, or whatever another system has."""

_AT_A_TIME = 4  # most attacks wait for something


def breaches(executor: CodeExecutor) -> list[str]:
    """The names of the attacks that an executor does not hold.

    Raises:
        ExecutorError: The sandbox failed.
    """
    os.environ.update(ENVIRONMENT)  # once: it must not change while threads start processes
    try:
        with ThreadPoolExecutor(_AT_A_TIME) as threads:
            results = threads.map(lambda attack: attack.breaches(executor.run), ATTACKS)
            return [attack.name for attack, breached in zip(ATTACKS, results, strict=True) if breached]
    finally:
        for name in ENVIRONMENT:
            del os.environ[name]


def report_of_mode(mode: str) -> dict[str, Any]:
    """Try a mode out.

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
        names = breaches(sandbox)
    known = [name for name in names if name in KNOWN_GAPS.get(mode, set())]
    return {"missing": "", "attacks": len(ATTACKS), "breaches": names, "known": known}
