"""The limits of a run."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Limits"]


@dataclass(frozen=True)
class Limits:
    """The limits of every run of a sandbox.

    Attributes:
        memory: Bytes of address space.
        cpu: Seconds on all processors together; 0 leaves it to the wall clock.
        tasks: Threads, the main one among them.
        open_files: Descriptors.
        file: Bytes of the largest file.
        disk: Bytes of all files together.
        files: Files and folders.
        output: Bytes kept of stdout, and of stderr.
    """

    memory: int
    cpu: float
    tasks: int
    open_files: int
    file: int
    disk: int
    files: int
    output: int
