"""The command line that lets bubblewrap make the namespaces and the root (`man 1 bwrap`)."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from .layout import readable_paths
from .root import BOX, PLACES

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["bubblewrap_command"]

_NAMESPACES = ("--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try")
_ROOT_KEEPS = ("CAP_SETUID", "CAP_SETGID")  # to become nobody


def bubblewrap_command(bwrap: str, script: str, readable: Iterable[str]) -> list[str]:
    """How to start a script of this interpreter again, within bubblewrap.

    Bubblewrap is not told to die with its parent: that is a thread of the host, which may end before.

    Args:
        bwrap: Where bubblewrap is installed.
        script: The script.
        readable: What can be read.
    """
    command = [bwrap, *_NAMESPACES, "--hostname", "sandbox", "--new-session", "--cap-drop", "ALL"]
    if os.geteuid() == 0:
        for name in _ROOT_KEEPS:
            command += ["--cap-add", name]
    else:
        command += ["--unshare-user"]
    command += ["--dev", "/dev", "--proc", "/proc"]
    for folder in (BOX, *PLACES.values()):
        command += ["--perms", "1777", "--tmpfs", folder]
    own = (*_interpreter(), os.path.dirname(script))  # noqa: PTH120 -- a string
    paths = readable_paths((*readable, *own))  # after the folders, one of which they may lie in
    for folder in sorted(
        {str(parent) for path in paths for parent in Path(path).parents} - {"/", *PLACES.values()}
    ):
        command += ["--perms", "0755", "--dir", folder]  # else only root could pass
    for path in paths:
        command += ["--ro-bind", os.path.realpath(path), path]
    command += ["--remount-ro", "/", "--chdir", "/", "--"]
    return [*command, sys.executable, "-I", "-B", script, "within"]


def _interpreter() -> tuple[str, ...]:
    """The interpreter under every name that leads to it."""
    names = [sys.executable]
    while os.path.islink(names[-1]):  # noqa: PTH114 -- a string
        folder = os.path.dirname(names[-1])  # noqa: PTH120 -- as above
        names.append(os.path.join(folder, os.readlink(names[-1])))  # noqa: PTH115, PTH118 -- as above
    return (*names, os.path.realpath(sys.executable))
