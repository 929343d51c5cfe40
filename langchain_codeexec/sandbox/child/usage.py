"""How much of the disk a program uses, where no file system of its own limits it (`man 5 proc`)."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["disk_within"]

_BLOCK = 512  # bytes; the unit of st_blocks (`man 3 stat`)
_SCANS = 8  # attempts at counting folders that are moved all the time


def disk_within(top: str, pid: int, size: int, count: int) -> bool:
    """Whether all below a folder, and what a process holds open of removed files, stays within limits."""
    for _ in range(_SCANS):
        try:
            left = _space_left(top, size, count)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except (OSError, RecursionError):  # locked, or deeper than anybody needs
            return False
        return left is not None and left >= _removed(pid, top)
    return False


def _space_left(top: str, size: int, count: int) -> int | None:
    """Bytes that are free yet; `None` where there are too many already, of them or of files.

    Raises:
        FileNotFoundError: A folder has been moved or removed meanwhile; what is in there has not been counted.
        NotADirectoryError: The same, and something else has got its name.
    """
    for status in _below(top, None):
        size -= status.st_blocks * _BLOCK
        count -= 1
        if size < 0 or count < 0:
            return None
    return size


def _below(name: str, parent: int | None) -> Iterator[os.stat_result]:
    """All in a folder that stays the one it is, whatever path leads to it by now; files that go are left out."""
    folder = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    yield from _below(entry.name, folder)
                with suppress(FileNotFoundError):
                    yield entry.stat(follow_symlinks=False)
    finally:
        os.close(folder)


def _removed(pid: int, top: str) -> int:
    """Bytes of the files that lay below a folder, which no folder names any more and a process still has.

    Any thread tells what all of them have; one that has ended tells nothing, be it the main thread.
    """
    total = 0
    with suppress(OSError):
        for thread in os.listdir(f"/proc/{pid}/task"):  # noqa: PTH208 -- names are wanted
            task = f"/proc/{pid}/task/{thread}"
            total = max(total, _open(task, os.fsencode(top)) + _mapped(task, os.fsencode(top)))
            if total:
                break
    return total


def _open(task: str, top: bytes) -> int:
    total = 0
    folder = os.fsencode(f"{task}/fd")
    with suppress(OSError):
        for name in os.listdir(folder):  # noqa: PTH208 -- as above
            path = b"%s/%s" % (folder, name)
            with suppress(OSError):
                target = os.readlink(path)  # noqa: PTH115 -- asks no file system, which might not answer
                if target.startswith(top) and target.endswith(b" (deleted)"):
                    total += os.stat(path).st_blocks * _BLOCK  # noqa: PTH116 -- a string, and many of them
    return total


def _mapped(task: str, top: bytes) -> int:
    """Bytes in memory that such files give; one may be counted twice."""
    total = 0
    with suppress(OSError), open(f"{task}/maps", "rb") as maps:  # noqa: PTH123 -- read often
        for line in maps:
            if line.endswith(b" (deleted)\n") and top in line:
                start, _, end = line.partition(b" ")[0].partition(b"-")
                total += int(end, 16) - int(start, 16)
    return total
