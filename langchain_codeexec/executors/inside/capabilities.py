"""Giving up every capability. Sources: `linux/capability.h`, `linux/prctl.h`."""

from __future__ import annotations

import ctypes
import struct

from .kernel import call, prctl

__all__ = ["drop_capabilities", "forbid_new_privileges"]

_VERSION_3 = 0x20080522  # _LINUX_CAPABILITY_VERSION_3: two words for each of three sets
_PR_SET_NO_NEW_PRIVS = 38


def drop_capabilities() -> None:
    """Empty the effective, permitted and inheritable sets, for good.

    Raises:
        OSError: The kernel refuses.
    """
    header = ctypes.create_string_buffer(struct.pack("=Ii", _VERSION_3, 0), 8)
    call("capset", header, ctypes.create_string_buffer(24))


def forbid_new_privileges() -> None:
    """Make sure that no executable can give any back; Landlock and seccomp ask for it.

    Raises:
        OSError: The kernel refuses.
    """
    prctl(_PR_SET_NO_NEW_PRIVS, 1)
