"""Calls of the Linux kernel that Python has no function for, failing as `OSError` that says what failed.

Sources: `linux/prctl.h`, `linux/capability.h`.
"""

from __future__ import annotations

import ctypes
import os
import signal
import struct
import sys

__all__ = ["call", "die_with_parent", "drop_capabilities", "forbid_new_privileges", "prctl", "syscall"]

_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38
_VERSION_3 = 0x20080522  # _LINUX_CAPABILITY_VERSION_3: two words for each of three sets

_THIS_THREAD = ctypes.create_string_buffer(struct.pack("=Ii", _VERSION_3, 0), 8)
_NO_CAPABILITIES = ctypes.create_string_buffer(24)  # made once: types of ctypes are slow to make

_libc = ctypes.CDLL(None, use_errno=True)


def call(name: str, *arguments: object) -> int:
    """Call a function of the C library that returns -1 and sets errno when it fails."""
    result = int(getattr(_libc, name)(*arguments))
    if result == -1:
        _fail(name)
    return result


def syscall(name: str, number: int, *arguments: object) -> int:
    """Make a system call by its number."""
    words = [ctypes.c_long(value) if isinstance(value, int) else value for value in arguments]
    result = int(_libc.syscall(ctypes.c_long(number), *words))
    if result == -1:
        _fail(name)
    return result


def prctl(option: int, *arguments: object) -> int:
    """Change an attribute of this process (`man 2 prctl`)."""
    words = [ctypes.c_ulong(value) if isinstance(value, int) else value for value in arguments]
    words += [ctypes.c_ulong(0)] * (4 - len(words))
    return call("prctl", ctypes.c_int(option), *words)


def die_with_parent(parent: int) -> None:
    """Have the kernel kill this process when its parent dies, also if that has happened already.

    A parent in another pid namespace has the number 0.
    """
    if sys.platform != "linux":  # pyright: ignore[reportUnnecessaryComparison]
        return
    prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def _fail(name: str) -> None:
    number = ctypes.get_errno()
    raise OSError(number, os.strerror(number), name)


def drop_capabilities() -> None:
    """Empty the effective, permitted and inheritable sets, for good."""
    call("capset", _THIS_THREAD, _NO_CAPABILITIES)


def forbid_new_privileges() -> None:
    """Make sure that no executable can give any back; Landlock and seccomp ask for it."""
    prctl(_PR_SET_NO_NEW_PRIVS, 1)
