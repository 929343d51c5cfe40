"""Isolation on macOS: a profile for `sandbox-exec`. Written from documentation, never tested.

Sources: `man 1 sandbox-exec`, `man 7 sandbox`, and the profiles that macOS brings in
/System/Library/Sandbox/Profiles. `sandbox-exec` is deprecated and still there in macOS 15.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from langchain_codeexec.executors.process import ProcessExecutor

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["SeatbeltExecutor", "seatbelt_profile"]

_SANDBOX_EXEC = "/usr/bin/sandbox-exec"
_SYSTEM = ("/usr/lib", "/usr/share", "/System/Library", "/Library/Frameworks", "/dev/fd")
_DEVICES = ("/dev/null", "/dev/zero", "/dev/random", "/dev/urandom")


class SeatbeltExecutor(ProcessExecutor):
    """A `ProcessExecutor` whose programs macOS confines to their own folder. Never tested."""

    name = "sandbox"

    def command(self, folder: Path) -> list[str]:
        """The interpreter within a profile for the run's folder."""
        inside = Path(__file__).parents[1]
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
