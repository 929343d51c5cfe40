"""Programs that the tests of sandboxes run, and looks at the processes that they make."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from langchain_codeexec import ExecutionRequest

if TYPE_CHECKING:
    from collections.abc import Callable

    from langchain_codeexec.sandbox.local import LocalSandbox

PRINT = ExecutionRequest("print(1)")
FOREVER = ExecutionRequest("import time; time.sleep(600)")


def descendants(pid: int) -> set[int]:
    """The processes below one, by their parents in /proc."""
    parents = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError):
            continue
    found: set[int] = set()
    while more := {child for child, parent in parents.items() if parent in found | {pid}} - found:
        found |= more
    return found


def gone(pids: set[int]) -> bool:
    return settles(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids))


def settles(holds: Callable[[], bool]) -> bool:
    """Whether something comes true, however slow the machine is."""
    deadline = time.monotonic() + 60
    while not holds():
        if time.monotonic() > deadline:
            return False
        threading.Event().wait(0.01)
    return True


def is_under_way(sandbox: LocalSandbox) -> bool:
    """Whether a program has been sent to a run."""
    return sandbox._pool.worker().is_busy()
