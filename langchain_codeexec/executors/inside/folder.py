"""What a program left in a folder: regular files only, as many and as large as are brought back."""

from __future__ import annotations

import hashlib
import os
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["MAX_FILES", "collect", "digest"]

MAX_FILES = 100
"""Brought back from one run, and as many images."""


def collect(folder: str, known: dict[str, bytes], room: int) -> tuple[list[tuple[str, bytes]], bool]:
    """Read the regular files that lie directly in a folder and are new or changed, by name.

    Args:
        folder: The folder.
        known: Digests of the files that need not come back; brought up to date.
        room: Bytes that the files brought back hold together.

    Returns:
        Names and contents, and whether there were more than are brought back.
    """
    kept: list[tuple[str, bytes]] = []
    more = False
    for name, size, read in _regular_files(folder):
        if len(kept) == MAX_FILES or size > room:
            more = more or name not in known or known[name] != digest(read())
            continue
        data = read()
        found = digest(data)
        if known.get(name) == found:
            continue
        known[name] = found
        room -= len(data)
        kept.append((name, data))
    return kept, more


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
