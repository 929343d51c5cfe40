"""Lowering what the operating system lets a process have."""

from __future__ import annotations

import os
import resource

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .limits import Limits

__all__ = ["allow_cpu", "apply_limits", "set_limit"]

_PENDING = 1024  # signals and timers, which are counted for all of a user's processes


def set_limit(name: str, value: int, *, hard: bool = True) -> None:
    """Lower one limit, as far as this system knows it and allows that."""
    try:
        which = getattr(resource, name)
        ceiling = resource.getrlimit(which)[1]
        soft = value if ceiling == resource.RLIM_INFINITY else min(value, ceiling)
        resource.setrlimit(which, (soft, soft if hard else ceiling))
    except (AttributeError, OverflowError, ValueError, OSError):  # macOS refuses some
        return


def allow_cpu(seconds: float) -> None:
    """Allow so much more CPU time: the last resort, should nobody be left to enforce the deadline."""
    used = sum(os.times()[:2])
    set_limit("RLIMIT_CPU", int(used + seconds * (os.cpu_count() or 1)) + 2, hard=False)


def apply_limits(limits: Limits, *, count_tasks: bool) -> None:
    """Lower those that the kernel enforces for this process.

    Args:
        limits: What it may use.
        count_tasks: Whether the user's tasks are this run's alone.
    """
    set_limit("RLIMIT_AS", limits.memory)
    set_limit("RLIMIT_FSIZE", min(limits.file, limits.disk))
    set_limit("RLIMIT_NOFILE", limits.open_files)
    set_limit("RLIMIT_CORE", 1)  # at 0 the kernel would still start a handler of cores (`man 5 core`)
    set_limit("RLIMIT_MEMLOCK", 0)
    set_limit("RLIMIT_MSGQUEUE", 0)
    set_limit("RLIMIT_NICE", 0)
    set_limit("RLIMIT_RTPRIO", 0)
    set_limit("RLIMIT_SIGPENDING", _PENDING)
    if count_tasks:
        set_limit("RLIMIT_NPROC", limits.tasks)
