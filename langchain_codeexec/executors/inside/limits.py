"""The limits of a run."""

from __future__ import annotations

from dataclasses import dataclass

from .rlimits import set_limit

__all__ = ["Limits"]

_PENDING = 1024  # signals and timers, which are counted for all of a user's processes


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

    def apply(self, *, count_tasks: bool) -> None:
        """Lower those that the kernel enforces for this process.

        Args:
            count_tasks: Whether the user's tasks are this run's alone.
        """
        set_limit("RLIMIT_AS", self.memory)
        set_limit("RLIMIT_FSIZE", min(self.file, self.disk))
        set_limit("RLIMIT_NOFILE", self.open_files)
        set_limit("RLIMIT_CORE", 1)  # at 0 the kernel would still start a handler of cores (`man 5 core`)
        set_limit("RLIMIT_MEMLOCK", 0)
        set_limit("RLIMIT_MSGQUEUE", 0)
        set_limit("RLIMIT_NICE", 0)
        set_limit("RLIMIT_SIGPENDING", _PENDING)
        set_limit("RLIMIT_RTPRIO", 0)
        if count_tasks:
            set_limit("RLIMIT_NPROC", self.tasks)
