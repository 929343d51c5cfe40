"""System calls of a program that its supervisor answers in the kernel's stead (`man 2 seccomp_unotify`)."""

from __future__ import annotations

import ctypes
import fcntl
import os
import select
import struct
from contextlib import suppress
from errno import EFAULT
from typing import TYPE_CHECKING, NamedTuple

from . import bpf
from .kernel import syscall
from .syscall_numbers import audit_architecture, number

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["Call", "Listener", "Memory", "listen_to"]

_SET_MODE_FILTER, _NEW_LISTENER = 1, 1 << 3  # linux/seccomp.h
_RECEIVE, _SEND = 0xC0502100, 0xC0182101  # SECCOMP_IOCTL_NOTIF_RECV, SECCOMP_IOCTL_NOTIF_SEND
_NOTICE = struct.Struct("=QIIiIQ6Q")  # struct seccomp_notif
_ANSWER = struct.Struct("=QqiI")  # struct seccomp_notif_resp
_CONTINUE = 1  # SECCOMP_USER_NOTIF_FLAG_CONTINUE
_PAGE = 4096  # bytes; the smallest there is
_LONGEST_PATH = 4096  # bytes; PATH_MAX of linux/limits.h


class Call(NamedTuple):
    """A system call that waits for its answer.

    Attributes:
        task: The thread that makes it.
        number: Which it is.
        arguments: Its six arguments.
    """

    task: int
    number: int
    arguments: tuple[int, ...]


class Memory:
    """The memory of a child.

    Args:
        pid: The child.

    Raises:
        OSError: The system lets nobody look into it.
    """

    def __init__(self, pid: int) -> None:
        self._fd = os.open(f"/proc/{pid}/mem", os.O_RDWR | os.O_CLOEXEC)

    def read_path(self, address: int) -> bytes:
        """What is there up to a NUL.

        Raises:
            OSError: There is nothing, or more than a path.
        """
        found = bytearray()
        while len(found) < _LONGEST_PATH:
            position = address + len(found)
            try:
                more = os.pread(self._fd, _PAGE - position % _PAGE, position)
            except (OSError, OverflowError):  # nothing is there; an address of the kernel's
                more = b""
            if not more:
                break
            found += more
            path, end, _ = found.partition(b"\0")
            if end:
                return bytes(path)
        raise _bad_address()

    def write(self, address: int, data: bytes) -> None:
        """Put data there.

        Raises:
            OSError: That is no place for it.
        """
        try:
            written = os.pwrite(self._fd, data, address)
        except (OSError, OverflowError):  # as above
            written = 0
        if written < len(data):
            raise _bad_address()

    def close(self) -> None:
        """Let go of it."""
        os.close(self._fd)


class Listener:
    """Where the calls of a program arrive.

    Args:
        fd: From `listen_to`, in the program's process.
        answer: Gives the value of a call, or raises the `OSError` that it fails with; `None` leaves the call to
            the kernel.
    """

    def __init__(self, fd: int, answer: Callable[[Call], int | None]) -> None:
        self.fd = fd
        self._answer = answer
        self._poll = select.poll()
        self._poll.register(fd, select.POLLIN)

    def serve(self) -> bool:
        """Answer a call if one waits; false where there will be none any more."""
        [(_, events)] = self._poll.poll(0) or [(self.fd, 0)]
        if not events & select.POLLIN:  # it has ended; to ask for its calls would wait for ever
            return not events & select.POLLHUP
        notice = bytearray(_NOTICE.size)
        with suppress(OSError):  # a signal or its end has made an end of the call
            fcntl.ioctl(self.fd, _RECEIVE, notice)
            which, task, _, called, _, _, *arguments = _NOTICE.unpack(notice)
            answer = self._result(Call(task, called, tuple(arguments)))
            fcntl.ioctl(self.fd, _SEND, _ANSWER.pack(which, *answer))
        return True

    def close(self) -> None:
        """Let calls fail from now on."""
        os.close(self.fd)

    def _result(self, call: Call) -> tuple[int, int, int]:
        """Value, negative errno and flags."""
        try:
            value = self._answer(call)
        except OSError as error:
            return 0, -(error.errno or EFAULT), 0
        return (0, 0, _CONTINUE) if value is None else (value, 0, 0)


def listen_to(names: Iterable[str]) -> int:
    """Have these system calls of this process answered by whoever gets the descriptor that is returned.

    Raises:
        OSError: The kernel refuses, for example as somebody listens already.
    """
    code = [
        bpf.load(bpf.ARCHITECTURE),
        bpf.jump_equal(audit_architecture(), 1, 0),
        bpf.KILL,
        bpf.load(bpf.NUMBER),
    ]
    for name in names:
        if number(name) >= 0:
            code += [bpf.jump_equal(number(name), 0, 1), bpf.NOTIFY]
    wanted = ctypes.byref(bpf.Filter([*code, bpf.ALLOW]))
    return syscall("seccomp", number("seccomp"), _SET_MODE_FILTER, _NEW_LISTENER, wanted)


def _bad_address() -> OSError:
    return OSError(EFAULT, os.strerror(EFAULT))
