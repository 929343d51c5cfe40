"""Which way of isolation a system allows, found out by trying; and what to do where it allows none.

That of macOS is written from `man 1 sandbox-exec`, `man 7 sandbox` and the profiles in
/System/Library/Sandbox/Profiles, and has never been tested.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from langchain_codeexec.errors import SandboxUnavailableError
from langchain_codeexec.executors.process import ProcessExecutor
from langchain_codeexec.sandbox.worker import ModeUnavailableError, Worker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = [
    "MODES",
    "SeatbeltExecutor",
    "seatbelt_profile",
    "start_in_any_mode",
    "unsupported_system",
]

MODES = ("namespaces", "bubblewrap", "landlock")
"""In the order in which they are tried: what isolates most comes first."""

_OPTIONS = """\
What you can do:
- install bubblewrap (for example: apt-get install bubblewrap);
- allow user namespaces: on Debian and Ubuntu `sysctl kernel.unprivileged_userns_clone=1` and
  `sysctl kernel.apparmor_restrict_unprivileged_userns=0`, on Red Hat `sysctl user.max_user_namespaces=15000`,
  in Docker a seccomp profile that allows them;
- use a kernel with Landlock (Linux 5.13 or newer, switched on by lsm=landlock,...);
- let Gemini run the code on Google's side: ChatGeminiCodeExecution, or CodeExecutionTool(llm);
- run it without isolation, as yourself: LocalSandbox(unsafe=True)."""

_ELSEWHERE = """\
What you can do:
- on Windows, run your program in WSL2 (https://learn.microsoft.com/windows/wsl/install);
- let Gemini run the code on Google's side: ChatGeminiCodeExecution, or CodeExecutionTool(llm);
- run it without isolation, as yourself: LocalSandbox(unsafe=True), which needs Linux or macOS."""


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
        f"programs cannot be isolated here; nothing was run. What is missing:\n{listed}\n{_OPTIONS}", reasons
    )


def unsupported_system() -> SandboxUnavailableError:
    """The refusal on a system for which there is no sandbox."""
    return SandboxUnavailableError(
        f"there is no sandbox for {sys.platform}; nothing was run.\n{_ELSEWHERE}",
        {"system": f"{sys.platform} has neither namespaces nor Landlock"},
    )


_SANDBOX_EXEC = "/usr/bin/sandbox-exec"
_SYSTEM = ("/usr/lib", "/usr/share", "/System/Library", "/Library/Frameworks", "/dev/fd")
_DEVICES = ("/dev/null", "/dev/zero", "/dev/random", "/dev/urandom")


class SeatbeltExecutor(ProcessExecutor):
    """A `ProcessExecutor` whose programs macOS confines to their own folder. Never tested."""

    name = "sandbox"

    def command(self, folder: Path) -> list[str]:
        """The interpreter within a profile for the run's folder."""
        inside = Path(__file__).parent
        prefixes = {sys.prefix, sys.base_prefix, str(Path(self.python).resolve().parents[1]), str(inside)}
        profile = seatbelt_profile(readable=sorted(prefixes), writable=[str(folder.resolve())])
        return [_SANDBOX_EXEC, "-p", profile, self.python]


def seatbelt_profile(*, readable: Iterable[str], writable: Iterable[str]) -> str:
    """A profile in the language of `sandbox-exec` that denies all but reading and writing these folders.

    Args:
        readable: Folders of libraries and of the interpreter.
        writable: Folders of the run.
    """
    reads = "\n".join(f"  (subpath {_quoted(path)})" for path in (*_SYSTEM, *readable))
    writes = "\n".join(f"  (subpath {_quoted(path)})" for path in writable)
    devices = "\n".join(f"  (literal {_quoted(path)})" for path in _DEVICES)
    return f"""\
(version 1)
(deny default)
(allow process-exec
{reads})
(allow sysctl-read)
(allow signal (target self))
(allow file-read-metadata)
(allow file-read*
{reads}
{writes}
{devices})
(allow file-write*
{writes}
  (literal "/dev/null"))
"""


def _quoted(path: str) -> str:
    escaped = path.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
