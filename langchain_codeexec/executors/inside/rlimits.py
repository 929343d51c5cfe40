"""Lowering what the operating system lets a process have."""

from __future__ import annotations

import os

try:
    import resource
except ImportError:  # on Windows, where limits are described and nothing is run
    resource = None  # type: ignore[assignment]  # getting a limit of it is an AttributeError, as for one it lacks

__all__ = ["allow_cpu", "set_limit"]


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
