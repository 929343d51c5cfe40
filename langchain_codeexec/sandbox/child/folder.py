"""Folders that programs fill: what they leave is collected and removed, and goes even where its owner is killed.

The owner of an `OwnedFolder`, and every fork of it, holds a lock on it. Where all of them have been killed the
lock is free: whoever makes a folder beside it removes it.
"""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
import weakref
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["OwnedFolder", "collect", "digest", "empty", "remove_tree"]

MAX_FILES = 100
"""Brought back from one run, and as many images."""


def collect(
    folder: str, known: dict[str, bytes], room: int, most: int
) -> tuple[list[tuple[str, bytes]], bool]:
    """Read the regular files that lie directly in a folder and are new or changed, by name.

    Args:
        folder: The folder.
        known: Digests of the files that need not come back; brought up to date.
        room: Bytes that the files brought back hold together.
        most: Bytes that are read; files with holes look larger than any disk.

    Returns:
        Names and contents, and whether there were more than are brought back.
    """
    collected: list[tuple[str, bytes]] = []
    more = False
    for name, size, read in _regular_files(folder):
        fits = len(collected) < MAX_FILES and size <= room
        if size > most or not (fits or name in known):
            more = True
            continue
        most -= size
        data = read()
        content = digest(data)
        if known.get(name) == content:
            continue
        if not fits:
            more = True
            continue
        known[name] = content
        room -= len(data)
        collected.append((name, data))
    return collected, more


def empty(folder: str) -> None:
    """Remove all that is in a folder."""
    fd = _open(folder)
    try:
        for name in os.listdir(fd):  # noqa: PTH208 -- names are wanted, not paths
            try:
                os.unlink(name, dir_fd=fd)
            except OSError:  # a folder
                remove_tree(f"{folder}/{name}")
    finally:
        os.close(fd)


def digest(data: bytes) -> bytes:
    """What tells a content from another."""
    return hashlib.blake2b(data, digest_size=16).digest()


def _regular_files(folder: str) -> Iterator[tuple[str, int, Callable[[], bytes]]]:
    """Name, size and content of the regular files of a folder, by name; links and the like are left out."""
    try:
        names = sorted(os.listdir(folder))  # noqa: PTH208 -- names are wanted, not paths
    except OSError:  # the program has removed or locked it
        return
    for name in names:
        try:
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            fd = os.open(f"{folder}/{name}", flags)
        except OSError:  # a link, a socket, gone, or locked
            continue
        try:
            status = os.fstat(fd)
            if stat.S_ISREG(status.st_mode):
                with os.fdopen(fd, "rb", closefd=False) as file:
                    yield name, status.st_size, file.read
        finally:
            os.close(fd)


def remove_tree(top: str) -> None:
    """Remove a folder that a program has filled, however deep it is and whatever it has locked.

    Folders are moved up before they are emptied, so that no path gets longer than the system allows.
    """
    waiting, count = [top], 0
    emptied: list[str] = []
    while waiting:
        folder = waiting.pop()
        os.chmod(folder, 0o700)  # noqa: PTH101 -- all in this function are strings
        with os.scandir(folder) as entries:
            contents = [(entry.path, entry.is_dir(follow_symlinks=False)) for entry in entries]
        for path, is_folder in contents:
            if not is_folder:
                os.unlink(path)  # noqa: PTH108 -- as above
                continue
            os.chmod(path, 0o700)  # noqa: PTH101 -- a folder is only moved by those who may write to it
            count += 1
            moved = f"{top}/.{count}"
            while os.path.lexists(moved):
                moved += "."
            os.rename(path, moved)  # noqa: PTH104 -- as above
            waiting.append(moved)
        emptied.append(folder)
    for folder in reversed(emptied):
        os.rmdir(folder)  # noqa: PTH106 -- as above


_PREFIX = "codeexec-owned-"


class OwnedFolder:
    """A new folder, by default where temporary files are, that only this user can enter."""

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
    import fcntl  # noqa: PLC0415 -- not on Windows

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
    import fcntl  # noqa: PLC0415 -- not on Windows

    lock = _open(path)
    try:
        if os.fstat(lock).st_uid == os.geteuid():
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            remove_tree(path)
    finally:
        os.close(lock)
