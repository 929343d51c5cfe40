"""Lowering what the operating system lets a process have."""

from __future__ import annotations

import resource

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .limits import Limits

__all__ = ["apply_limits"]

_PENDING = 1024  # signals and timers, which are counted for all of a user's processes


def _set_limit(name: str, value: int) -> None:
    """Lower one limit, as far as this system knows it and allows that."""
    try:
        which = getattr(resource, name)
        ceiling = resource.getrlimit(which)[1]
        soft = value if ceiling == resource.RLIM_INFINITY else min(value, ceiling)
        resource.setrlimit(which, (soft, soft))
    except (AttributeError, OverflowError, ValueError, OSError):  # macOS refuses some
        return


def apply_limits(limits: Limits, *, count_tasks: bool) -> None:
    """Lower those that the kernel enforces for this process.

    Args:
        limits: What it may use.
        count_tasks: Whether the user's tasks are this run's alone.
    """
    _set_limit("RLIMIT_AS", limits.memory)
    _set_limit("RLIMIT_FSIZE", min(limits.file, limits.disk or limits.file))
    _set_limit("RLIMIT_NOFILE", limits.open_files)
    _set_limit("RLIMIT_CORE", 1)  # at 0 the kernel would still start a handler of cores (`man 5 core`)
    _set_limit("RLIMIT_MEMLOCK", 0)
    _set_limit("RLIMIT_MSGQUEUE", 0)
    _set_limit("RLIMIT_NICE", 0)
    _set_limit("RLIMIT_RTPRIO", 0)
    _set_limit("RLIMIT_SIGPENDING", _PENDING)
    if count_tasks:
        _set_limit("RLIMIT_NPROC", limits.tasks)
