"""What a program uses of disk and threads, where no namespace of its own limits it (`man 5 proc`)."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from errno import EAGAIN
from typing import TYPE_CHECKING

from .seccomp import number

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .lookups import Call

__all__ = ["THREAD_CALL", "disk_within", "limit_threads", "tasks"]

_BLOCK = 512  # bytes; the unit of st_blocks (`man 3 stat`)
_SCANS = 8  # attempts at counting folders that are moved all the time


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
    for _ in range(_SCANS):
        try:
            left = _space_left(top, size, count)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except (OSError, RecursionError):  # locked, or deeper than anybody needs
            return False
        return left is not None and left >= _removed(pid) + _mapped(pid, top)
    return False


def _space_left(top: str, size: int, count: int) -> int | None:
    """Bytes that are free yet; `None` where there are too many already, of them or of files.

    Raises:
        FileNotFoundError: A folder has been moved or removed meanwhile; what is in there has not been counted.
        NotADirectoryError: The same, and something else has got its name.
        OSError: A folder cannot be read.
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


THREAD_CALL = "clone"
"""The system call that starts a thread; that of a process is refused before anybody is asked."""


def limit_threads(
    pid: int, most: int, answer_lookup: Callable[[Call], int] | None
) -> Callable[[Call], int | None]:
    """What answers a program's calls: refuses a thread too many, and leaves the others to the kernel.

    Args:
        pid: The program's process.
        most: Threads that it may have.
        answer_lookup: Answers all other calls; without it they are left to the kernel.
    """

    def answer(call: Call) -> int | None:
        if call.number != number(THREAD_CALL):
            return answer_lookup(call) if answer_lookup else None
        if tasks(pid) >= most:
            raise OSError(EAGAIN, os.strerror(EAGAIN))
        return None

    return answer
