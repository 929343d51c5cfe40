"""Which way of isolation a system allows, found out by trying; and what to do where it allows none."""

from __future__ import annotations

import sys
from collections.abc import Callable

from langchain_codeexec.errors import SandboxUnavailableError
from langchain_codeexec.sandbox.worker import ModeUnavailableError, Worker

__all__ = ["MODES", "REMEDIES", "start_in_any_mode", "unsupported_system"]

MODES = ("namespaces", "landlock")
"""In the order in which they are tried: what isolates most comes first."""

_OPTIONS = """\
What you can do:
- allow user namespaces: on Debian and Ubuntu `sysctl kernel.unprivileged_userns_clone=1` and
  `sysctl kernel.apparmor_restrict_unprivileged_userns=0`, on Red Hat `sysctl user.max_user_namespaces=15000`,
  in Docker a seccomp profile that allows them;
- use a kernel with Landlock (Linux 5.13 or newer, switched on by lsm=landlock,...);
- let Gemini run the code on Google's side: ChatGeminiCodeExecution, or CodeExecutionTool(llm);
- run it without isolation, as yourself: LocalSandbox(unsafe=True)."""

_ELSEWHERE = """\
What you can do:
- on macOS, run your program in a Linux virtual machine or container (Docker, colima, lima);
- on Windows, run it in WSL2 (https://learn.microsoft.com/windows/wsl/install);
- let Gemini run the code on Google's side: ChatGeminiCodeExecution, or CodeExecutionTool(llm);
- run it without isolation, as yourself: LocalSandbox(unsafe=True), which needs Linux or macOS."""

REMEDIES = _OPTIONS if sys.platform == "linux" else _ELSEWHERE


def start_in_any_mode(modes: tuple[str, ...], start: Callable[[str], Worker]) -> Worker:
    """Start a worker in the first mode that the system allows.

    Raises:
        SandboxUnavailableError: It allows none.
        ExecutorError: The interpreter cannot be started.
    """
    reasons: dict[str, str] = {}
    for mode in modes:
        try:
            return start(mode)
        except ModeUnavailableError as error:
            reasons[mode] = str(error)
    listed = "\n".join(f"- {mode}: {reason}" for mode, reason in reasons.items())
    raise SandboxUnavailableError(
        f"programs cannot be isolated here; nothing was run. What is missing:\n{listed}\n{REMEDIES}", reasons
    )


def unsupported_system() -> SandboxUnavailableError:
    """The refusal on a system for which there is no sandbox."""
    return SandboxUnavailableError(
        f"there is no sandbox for {sys.platform}; nothing was run.\n{_ELSEWHERE}",
        {"system": f"{sys.platform} has neither namespaces nor Landlock"},
    )
