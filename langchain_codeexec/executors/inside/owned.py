"""Temporary folders that go when their owner closes them, and at the latest when somebody else makes one.

The owner, and every fork of it, holds a lock on the folder. Where all of them have been killed the lock is free:
whoever makes a folder beside it removes it.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
import weakref
from contextlib import suppress

from .removal import remove_tree

__all__ = ["OwnedFolder"]

_PREFIX = "codeexec-owned-"


class OwnedFolder:
    """A new folder that only this user can enter.

    Args:
        where: What it is made in; by default where temporary files are.

    Attributes:
        path: Its path.

    Raises:
        OSError: It cannot be made.
    """

    def __init__(self, where: str | None = None) -> None:
        where = where or tempfile.gettempdir()
        _sweep(where)
        self.path, lock = _make(where)
        self.close = weakref.finalize(self, _remove, self.path, lock, os.getpid())
        """Remove the folder and all that is in it; closed twice is closed."""


def _open(path: str) -> int:
    return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)


def _make(where: str) -> tuple[str, int]:
    """A folder and its lock."""
    while True:
        path = tempfile.mkdtemp(prefix=_PREFIX, dir=where)
        with suppress(FileNotFoundError):  # somebody has swept it away before it was locked
            lock = _open(path)
            fcntl.flock(lock, fcntl.LOCK_EX)
            if os.fstat(lock).st_nlink:
                return path, lock
            os.close(lock)


def _remove(path: str, lock: int, owner: int) -> None:
    if os.getpid() != owner:  # a fork that ends; the descriptor may be another by now
        return
    with suppress(OSError):
        remove_tree(path)
    os.close(lock)


def _sweep(where: str) -> None:
    """Remove the folders of owners that have been killed."""
    with suppress(OSError), os.scandir(where) as entries:
        for entry in entries:
            if entry.name.startswith(_PREFIX):
                with suppress(OSError):  # another user's, in use, or removed meanwhile
                    _remove_if_free(entry.path)


def _remove_if_free(path: str) -> None:
    lock = _open(path)
    try:
        if os.fstat(lock).st_uid == os.geteuid():
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            remove_tree(path)
    finally:
        os.close(lock)
