"""Namespaces: a process's own view of users, mounts, processes, network and names (`man 7 namespaces`)."""

from __future__ import annotations

import os
from contextlib import suppress

from .kernel import call, prctl

__all__ = [
    "IPC",
    "MOUNT",
    "NETWORK",
    "NOBODY",
    "PID",
    "USER",
    "UTS",
    "become_nobody",
    "enter",
    "open_proc",
    "return_to",
    "unshare",
]

# CLONE_NEW* of linux/sched.h
MOUNT, CGROUP, UTS, IPC = 0x00020000, 0x02000000, 0x04000000, 0x08000000
USER, PID, NETWORK = 0x10000000, 0x20000000, 0x40000000

NOBODY = 65534
"""The user of programs, and what the kernel shows for ids that are not mapped (/proc/sys/kernel/overflowuid)."""

_PR_SET_DUMPABLE = 4
_NAMES = {USER: "user", MOUNT: "mount", PID: "pid", NETWORK: "network", UTS: "uts", IPC: "ipc"}


def unshare(flags: int) -> None:
    """Give this process new namespaces; a new pid namespace is for its children.

    Raises:
        OSError: The kernel or the system's policy refuses; `filename` names the namespaces.
    """
    try:
        call("unshare", flags)
    except OSError as error:
        names = " and ".join(name for flag, name in _NAMES.items() if flags & flag)
        raise OSError(error.errno, error.strerror, f"{names} namespaces") from error


def enter(flags: int, proc: int) -> None:
    """Enter a new user namespace as `NOBODY` with all capabilities there, and other namespaces with it.

    Args:
        flags: The other namespaces.
        proc: From `open_proc`.

    Raises:
        OSError: The kernel or the system's policy refuses.
    """
    user, group = os.geteuid(), os.getegid()
    unshare(USER | flags)
    with suppress(OSError):  # older than Linux 3.19, or denied already in the namespace around it
        _write(proc, "setgroups", "deny")
    _write(proc, "uid_map", f"{NOBODY} {user} 1")
    _write(proc, "gid_map", f"{NOBODY} {group} 1")


def enter_cgroup() -> None:
    """Hide the names of control groups, where the kernel can (it may be built without)."""
    with suppress(OSError):
        call("unshare", CGROUP)


def open_proc() -> int:
    """A descriptor of /proc, good for `enter` even where no /proc is to be seen.

    Raises:
        OSError: There is none.
    """
    return os.open("/proc", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)


def return_to(pid_namespace: int) -> None:
    """Have children start in this pid namespace again, the one this process lives in.

    Raises:
        OSError: It is another one.
    """
    call("setns", pid_namespace, PID)


def become_nobody() -> None:
    """Give up root's identity; in a new user namespace there are capabilities enough.

    Raises:
        OSError: This process may not change its user.
    """
    os.setgroups([])
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)
    prctl(_PR_SET_DUMPABLE, 1)  # else its files in /proc belong to root, and it cannot map itself


def _write(proc: int, name: str, content: str) -> None:
    try:
        fd = os.open(f"self/{name}", os.O_WRONLY | os.O_CLOEXEC, dir_fd=proc)
        try:
            os.write(fd, content.encode())
        finally:
            os.close(fd)
    except OSError as error:
        raise OSError(error.errno, error.strerror, f"user namespaces ({name})") from error
