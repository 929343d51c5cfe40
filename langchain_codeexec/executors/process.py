"""`ProcessExecutor`: programs in a process of their own on this machine, without isolation."""

import os
import sys

from langchain_codeexec.errors import ExecutorError
from langchain_codeexec.executors.base import check_counts
from langchain_codeexec.sandbox.child.limits import Limits
from langchain_codeexec.sandbox.local import MIB, UNCONFINED_PROCESSES, LocalExecutor

__all__ = ["ProcessExecutor"]

_OPEN_FILES = 512


class ProcessExecutor(LocalExecutor):
    """Runs Python programs in a separate process with limits.

    **This is process separation, not a security sandbox.** The program runs as the same user as its host: it
    can read and change the user's files, use the network and start processes. What it cannot do by accident
    is to crash, block or fill up its host, see its environment variables, or leave files and processes
    behind. Code that is not trusted belongs into a `LocalSandbox`, which runs programs under the same
    supervisor, and isolates them.

    Each run gets a new working directory, removed afterwards, an environment with nothing of the host's in
    it, no stdin, and limits on memory, file size and open files (Linux enforces all of them, macOS some). At
    the deadline, at the end, and when the host dies, its whole process group is killed; a process that leaves
    the group on purpose escapes that. On Windows every run is an `ExecutorError`. A process from which runs are
    forked starts with the first of them and ends with `close`, with the host or when nobody refers to the
    executor any more.

    A run ends when its main program and those of its threads that are no daemons have ended. Figures that
    pyplot has open at `plt.show()` or at the end, or that have been saved, come back as PNG images. Files
    that lie directly in the working directory at the end come back too, links and unchanged input files
    excepted. The value of the last expression is not printed.

    Args:
        timeout: Wall-clock seconds for a run whose request names none.
        memory_bytes: Address space of each process.
        output_bytes: How much of stdout, and of stderr, is kept: the head; the rest is dropped.
        file_bytes: The largest file that can be written, and the most that all files brought back from a run
            hold together.
        python: The interpreter, 3.11 or newer; its installed packages are what programs can import.

    Raises:
        ConfigurationError: A limit is not a positive number.
    """

    name = "process"

    def __init__(
        self,
        timeout: float = 30.0,
        *,
        memory_bytes: int = 4096 * MIB,
        output_bytes: int = MIB,
        file_bytes: int = 64 * MIB,
        python: str = sys.executable,
    ) -> None:
        check_counts(memory_bytes=memory_bytes, output_bytes=output_bytes, file_bytes=file_bytes)
        limits = Limits(
            memory=memory_bytes,
            cpu=0.0,
            tasks=UNCONFINED_PROCESSES,
            open_files=_OPEN_FILES,
            file=file_bytes,
            disk=0,
            files=0,
            output=output_bytes,
        )
        super().__init__(timeout, limits, ("process",), python)

    def check_system(self) -> None:
        """Refuse where there are no processes as this needs them.

        Raises:
            ExecutorError: This is Windows.
        """
        if os.name != "posix":
            raise ExecutorError("ProcessExecutor needs Linux or macOS: choose another executor")
