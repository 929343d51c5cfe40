"""What a process uses, where no namespace or file system of its own limits it. Source: `man 5 proc`."""

from __future__ import annotations

import os
import stat
from contextlib import suppress

__all__ = ["disk_within", "tasks"]

_BLOCK = 512  # bytes; the unit of st_blocks (`man 3 stat`)


def tasks(pid: int) -> int:
    """How many threads a process has."""
    with suppress(OSError):
        return len(os.listdir(f"/proc/{pid}/task"))  # noqa: PTH208 -- only their number is wanted
    return 0


def disk_within(top: str, pid: int, size: int, count: int) -> bool:
    """Whether all below a folder, and what a process holds open of removed files, stays within limits.

    Args:
        top: The folder.
        pid: The process.
        size: Bytes on the disk.
        count: Files and folders.
    """
    folders = [top]
    while folders:
        try:
            with os.scandir(folders.pop()) as entries:
                for entry in entries:
                    status = entry.stat(follow_symlinks=False)
                    size -= status.st_blocks * _BLOCK
                    count -= 1
                    if stat.S_ISDIR(status.st_mode):
                        folders.append(entry.path)
        except FileNotFoundError:  # removed since
            continue
        except OSError:  # locked, or deeper than a path can say
            return False
        if size < 0 or count < 0:
            return False
    return size >= _removed(pid) + _mapped(pid, top)


def _mapped(pid: int, top: str) -> int:
    """Bytes in memory that files below a folder give and no folder names any more; one may be counted twice."""
    total = 0
    with suppress(OSError), open(f"/proc/{pid}/maps", "rb") as maps:  # noqa: PTH123 -- read often
        for line in maps:
            if line.endswith(b" (deleted)\n") and top.encode() in line:
                start, _, end = line.partition(b" ")[0].partition(b"-")
                total += int(end, 16) - int(start, 16)
    return total


def _removed(pid: int) -> int:
    """Bytes of the files that a process has open and that no folder names any more."""
    total = 0
    folder = f"/proc/{pid}/fd"
    with suppress(OSError):
        for name in os.listdir(folder):  # noqa: PTH208 -- names are wanted
            with suppress(OSError):
                status = os.stat(f"{folder}/{name}")  # noqa: PTH116 -- a string, and many of them
                if stat.S_ISREG(status.st_mode) and not status.st_nlink:
                    total += status.st_blocks * _BLOCK
    return total
