"""What the battery finds out about one mode on this machine."""

from __future__ import annotations

import sys
from typing import Any

from langchain_codeexec.errors import SandboxUnavailableError
from langchain_codeexec.executors.sandbox.battery.resources import LIMITS
from langchain_codeexec.executors.sandbox.battery.running import ATTACKS, KNOWN_GAPS, run_battery
from langchain_codeexec.executors.sandbox.local import LocalSandbox
from langchain_codeexec.executors.sandbox.modes import MODES

__all__ = ["MODES_HERE", "report_of_mode"]

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
