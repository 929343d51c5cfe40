"""The last steps before a program runs, in the only order in which they work."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from . import landlock
from .capabilities import drop_capabilities, forbid_new_privileges
from .layout import DEVICES
from .seccomp import filter_syscalls

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .limits import Limits

__all__ = ["confine"]


def confine(
    limits: Limits, *, readable: Iterable[str], writable: Iterable[str], keep: Iterable[int], isolated: bool
) -> None:
    """Take from this process, for good, all that a program has no need of.

    Args:
        limits: What it may use.
        readable: Folders and files.
        writable: Folders.
        keep: Descriptors that stay open besides the first three.
        isolated: Whether it has namespaces of its own.

    Raises:
        OSError: The kernel refuses a step.
    """
    os.setsid()
    _close_all_but({0, 1, 2, *keep})
    drop_capabilities()
    forbid_new_privileges()
    landlock.restrict_files(readable, [*writable, *DEVICES])
    limits.apply(count_tasks=isolated)
    filter_syscalls(os.getpid(), isolated=isolated, can_truncate=landlock.abi() >= landlock.TRUNCATE_SINCE)


_LAST_FD = (1 << 31) - 1


def _close_all_but(kept: set[int]) -> None:
    low = 0
    for fd in sorted(kept):
        if low < fd:  # of an empty range, Python 3.11 closes all that follows
            os.closerange(low, fd)
        low = fd + 1
    os.closerange(low, _LAST_FD)
