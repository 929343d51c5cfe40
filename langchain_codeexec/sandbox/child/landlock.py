"""Which files a program may reach: Linux's Landlock, a list of folders with rights.

Constants and structures are those of `linux/landlock.h`. Older kernels know fewer rights and are asked only
for those they know; what they do not watch over is left to the list of system calls.
"""

from __future__ import annotations

import ctypes
import os
import stat
import struct
from typing import TYPE_CHECKING

from .kernel import syscall

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["TRUNCATE_SINCE", "abi", "restrict_files"]

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same on every architecture
_VERSION = 1 << 0
_PATH_BENEATH = 1

_WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 1, 1 << 2, 1 << 3
_MAKE_CHAR, _MAKE_BLOCK, _REFER, _TRUNCATE, _IOCTL_DEV = 1 << 6, 1 << 11, 1 << 13, 1 << 14, 1 << 15
_EXECUTE = 1 << 0
_BITS_BY_ABI = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
_NETWORK_SINCE, _SCOPES_SINCE, TRUNCATE_SINCE = 4, 6, 3
_BIND_AND_CONNECT_TCP = 0b11
_SCOPE_ABSTRACT_SOCKETS_AND_SIGNALS = 0b11

_READ = _READ_FILE | _READ_DIR
_FILE_RIGHTS = _READ_FILE | _WRITE_FILE | _TRUNCATE


def abi(*, needed: bool) -> int:
    """The version of Landlock this kernel has; 0 where it has none, or none that is switched on."""
    try:
        return syscall("landlock", _CREATE_RULESET, 0, 0, _VERSION)
    except OSError:
        if needed:
            raise
        return 0


def restrict_files(version: int, readable: Iterable[str], writable: Iterable[str]) -> None:
    """Leave this thread, and all it starts, only these folders and files; needs no_new_privs.

    Nothing can be executed, no device node made, no TCP port used, no abstract socket and no process outside
    reached. What does not exist is left out.
    """
    handled = (1 << _BITS_BY_ABI.get(version, 16)) - 1
    ruleset = _ruleset(version, handled)
    try:
        for path in readable:
            _allow(ruleset, path, _READ & handled)
        for path in writable:
            _allow(ruleset, path, handled & ~(_EXECUTE | _MAKE_CHAR | _MAKE_BLOCK | _IOCTL_DEV))
        syscall("landlock", _RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)


def _ruleset(version: int, handled: int) -> int:
    network = _BIND_AND_CONNECT_TCP if version >= _NETWORK_SINCE else 0
    scoped = _SCOPE_ABSTRACT_SOCKETS_AND_SIGNALS if version >= _SCOPES_SINCE else 0
    attributes = struct.pack("=QQQ", handled, network, scoped)
    known = 24 if version >= _SCOPES_SINCE else 16 if version >= _NETWORK_SINCE else 8
    return syscall("landlock", _CREATE_RULESET, ctypes.c_char_p(attributes), known, 0)


def _allow(ruleset: int, path: str, rights: int) -> None:
    try:
        fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:  # not there, or not to be reached anyway
        return
    try:
        if not stat.S_ISDIR(os.fstat(fd).st_mode):
            rights &= _FILE_RIGHTS
        rule = ctypes.create_string_buffer(struct.pack("=Qi", rights, fd), 12)
        syscall("landlock", _ADD_RULE, ruleset, _PATH_BENEATH, ctypes.byref(rule), 0)
    finally:
        os.close(fd)
