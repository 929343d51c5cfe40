"""The last steps before a program runs, in the only order in which they work."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from typing import TYPE_CHECKING

from . import landlock, lookups, seccomp, threads
from .capabilities import drop_capabilities, forbid_new_privileges
from .layout import DEVICES
from .listener import listen_to
from .rlimits import apply_limits

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .limits import Limits

__all__ = ["LISTENER", "confine"]


LISTENER = b"+"
"""Comes with the descriptor of the calls that the other end is to answer."""


def confine(
    limits: Limits,
    channel: socket.socket,
    keep: Iterable[int],
    *,
    readable: Iterable[str] | None,
    writable: Iterable[str],
) -> None:
    """Take from this process, for good, all that a program has no need of.

    Args:
        limits: What it may use.
        channel: Leads to whoever answers some of its calls, where it has no namespaces.
        keep: Descriptors that stay open besides the first three and the channel.
        readable: Folders and files; `None` where it has namespaces of its own, with nothing else in sight.
        writable: Folders.

    Raises:
        OSError: The kernel refuses a step.
    """
    isolated = readable is None
    os.setsid()
    _close_all_but({0, 1, 2, channel.fileno(), *keep})
    drop_capabilities()
    forbid_new_privileges()
    landlock.restrict_files(readable or ["/"], [*writable, *DEVICES])
    apply_limits(limits, count_tasks=isolated)
    can_truncate = landlock.abi() >= landlock.TRUNCATE_SINCE
    code = seccomp.program(os.getpid(), isolated=isolated, can_truncate=can_truncate)
    if not isolated:
        _hand_over_calls(channel)  # from here on even `uname` waits for an answer
    seccomp.filter_syscalls(code)


def _hand_over_calls(channel: socket.socket) -> None:
    """Have the other end of a channel answer calls that look at files or start threads, if nobody does yet."""
    with suppress(OSError):
        listener = listen_to((*lookups.CALLS, threads.CALL))
        socket.send_fds(channel, [LISTENER], [listener])
        os.close(listener)


_LAST_FD = (1 << 31) - 1


def _close_all_but(kept: set[int]) -> None:
    low = 0
    for fd in sorted(kept):
        if low < fd:  # of an empty range, Python 3.11 closes all that follows
            os.closerange(low, fd)
        low = fd + 1
    os.closerange(low, _LAST_FD)
