"""The limits of a run, and the head of its output that they leave."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import resource

__all__ = ["Capture", "Limits", "peak_memory"]


@dataclass(frozen=True)
class Limits:
    """The limits of every run of a sandbox."""

    memory: int  # bytes of address space
    cpu: float  # seconds on all processors together; 0 leaves it to the wall clock
    tasks: int  # threads, the main one among them
    open_files: int
    file: int  # bytes of the largest file
    disk: int  # bytes of all files together; 0 for what there is
    files: int  # files and folders
    output: int  # bytes kept of stdout, and of stderr


class Capture:
    """The head of a stream, up to a limit of bytes; what comes after is dropped."""

    def __init__(self, limit: int = 0) -> None:
        self.head = bytearray()
        self.truncated = False
        self._limit = limit

    def add(self, data: bytes) -> None:
        """Take what has arrived."""
        room = self._limit - len(self.head)
        self.head += data[:room]
        self.truncated = self.truncated or len(data) > room


def peak_memory(usage: resource.struct_rusage) -> int:
    """Bytes that were resident at the most (`man 2 getrusage`)."""
    return usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
