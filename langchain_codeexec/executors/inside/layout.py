"""What of the host's files a program can read: the interpreter, its libraries, little else."""

from __future__ import annotations

import os
import sys
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["DEVICES", "readable_paths"]

DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")

_SYSTEM = (
    "/lib",
    "/lib64",
    "/usr/lib",
    "/usr/lib64",
    "/usr/local/lib",
    "/usr/share/fonts",
    "/usr/share/zoneinfo",
    "/etc/ld.so.cache",
    "/etc/mime.types",
)
"""Where libraries, fonts, time zones and types of files lie on Linux (`man 7 hier`, `man 8 ld.so`)."""

_OF_A_PREFIX = ("lib", "lib64", "pyvenv.cfg")
_STANDARD = ("stdlib", "platstdlib", "purelib", "platlib")


def readable_paths(more: Iterable[str] = ()) -> list[str]:
    """Folders and files, none within another, all of which exist.

    Folders that a `.pth` file puts on `sys.path` from elsewhere are left out: an editable installation is
    a checkout, with whatever else lies there.

    Args:
        more: Further paths, as the user names them.
    """
    found: list[str] = []
    for path in sorted({os.path.abspath(path) for path in (*_candidates(), *more)}):  # noqa: PTH100 -- keeps links
        within = any(path == known or path.startswith(f"{known}/") for known in found)
        if path != "/" and not within and Path(path).exists():
            found.append(path)
    return found


def _candidates() -> Iterator[str]:
    yield from _SYSTEM
    for prefix in {sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix}:
        yield from (f"{prefix}/{name}" for name in _OF_A_PREFIX)
    for name in _STANDARD:
        yield sysconfig.get_path(name)
    yield from _loaded_libraries()


def _loaded_libraries() -> Iterator[str]:
    """The folders of the shared libraries of this very process, which may lie anywhere (`man 5 proc`)."""
    try:
        maps = Path("/proc/self/maps").read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return
    for line in maps.splitlines():
        path = line.partition("/")[2]
        if ".so" in path and not path.endswith(" (deleted)"):
            yield f"/{path}"
