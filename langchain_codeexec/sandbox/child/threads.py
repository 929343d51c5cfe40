"""Refusing a program a thread too many where no namespace counts them: `clone` waits for the supervisor's answer.

Sources: `man 2 seccomp_unotify`, `linux/seccomp.h`.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import select
import struct
from contextlib import suppress
from errno import EAGAIN

from . import seccomp
from .kernel import syscall

__all__ = ["ThreadGate", "ask_for_threads"]

_SET_MODE_FILTER, _NEW_LISTENER = 1, 1 << 3
_RECEIVE, _SEND = 0xC0502100, 0xC0182101  # SECCOMP_IOCTL_NOTIF_RECV, SECCOMP_IOCTL_NOTIF_SEND
_NOTICE = struct.Struct("=Q72x")  # struct seccomp_notif: an id, and what is not looked at
_ANSWER = struct.Struct("=QqiI")  # struct seccomp_notif_resp
_CONTINUE = 1  # SECCOMP_USER_NOTIF_FLAG_CONTINUE


def ask_for_threads() -> int:
    """Have this process ask for every thread; the descriptor that is returned is where its calls arrive."""
    program = ctypes.byref(seccomp.Filter(seccomp.thread_gate()))
    return syscall("seccomp", seccomp.number("seccomp"), _SET_MODE_FILTER, _NEW_LISTENER, program)


class ThreadGate:
    """Answers the calls of a program that asks for threads, by the descriptor from `ask_for_threads`."""

    def __init__(self, fd: int, pid: int, most: int) -> None:
        self.fd = fd
        self._tasks, self._most = f"/proc/{pid}/task", most
        self._poll = select.poll()
        self._poll.register(fd, select.POLLIN)

    def serve(self) -> bool:
        """Answer a call if one waits; false where there will be none any more."""
        [(_, events)] = self._poll.poll(0) or [(self.fd, 0)]
        if not events & select.POLLIN:  # to receive what is not there would wait for ever
            return not events & select.POLLHUP
        notice = bytearray(_NOTICE.size)
        with suppress(OSError):  # a signal or its end has made an end of the call
            fcntl.ioctl(self.fd, _RECEIVE, notice)
            (call,) = _NOTICE.unpack(notice)
            allowed = len(os.listdir(self._tasks)) < self._most  # noqa: PTH208 -- only their number is wanted
            answer = (0, 0, _CONTINUE) if allowed else (0, -EAGAIN, 0)
            fcntl.ioctl(self.fd, _SEND, _ANSWER.pack(call, *answer))
        return True
