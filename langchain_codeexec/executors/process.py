"""`ProcessExecutor`: programs in a process of their own on this machine, without isolation."""

from __future__ import annotations

import os
import sys
import time
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path
from threading import Event, Lock
from typing import TYPE_CHECKING

from langchain_codeexec.errors import ExecutorError
from langchain_codeexec.executions import ExecutionResult, Outcome
from langchain_codeexec.executors.base import (
    LEFT_OUT,
    STATE_LOST,
    check_counts,
    check_durations,
    in_thread,
    refused_language,
    source_bytes,
    timeout_of,
    words_for_limit,
    words_for_status,
    words_for_time,
)
from langchain_codeexec.executors.child_process import Child, RunEnd
from langchain_codeexec.executors.files import Workspace, text_from_bytes
from langchain_codeexec.sandbox.child.folder import OwnedFolder
from langchain_codeexec.sandbox.child.limits import Capture

if TYPE_CHECKING:
    from collections.abc import Iterator

    from langchain_codeexec.executions import ExecutionRequest

__all__ = ["ProcessExecutor"]

_RUNNER = Path(__file__).parents[1] / "sandbox" / "_runner.py"
_MIB = 1 << 20
_PROCESSES = 4096  # of this user; where the system counts them


class ProcessExecutor:
    """Runs Python programs in a separate process with limits.

    **This is process separation, not a security sandbox.** The program runs as the same user as its host: it
    can read and change the user's files, use the network and start processes. What it cannot do by accident
    is to crash, block or fill up its host, see its environment variables, or leave files and processes
    behind. Code that is not trusted belongs into a real sandbox.

    Each run gets a new working directory, removed afterwards, an environment with nothing of the host's in
    it, no stdin, and limits on memory, CPU time, file size and open files (Linux enforces all of them, macOS
    some). At the deadline, at the end, and on Linux also when the host dies, its whole process group is
    killed; a process that leaves the group on purpose escapes that. On Windows every run is an
    `ExecutorError`.

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
        memory_bytes: int = 4096 * _MIB,
        output_bytes: int = _MIB,
        file_bytes: int = 64 * _MIB,
        python: str = sys.executable,
    ) -> None:
        check_counts(memory_bytes=memory_bytes, output_bytes=output_bytes, file_bytes=file_bytes)
        check_durations(timeout=timeout)
        self.timeout = timeout
        self.memory_bytes = memory_bytes
        self.output_bytes = output_bytes
        self.file_bytes = file_bytes
        self.python = python

    def run(self, request: ExecutionRequest) -> ExecutionResult:
        """Run one program.

        Raises:
            ExecutionRequestError: The request itself is wrong: a file's name, the time-out.
            ExecutorError: The interpreter cannot be started.
        """
        return self._run_alone(request, Event())

    async def arun(self, request: ExecutionRequest) -> ExecutionResult:
        """Run one program without blocking the event loop; cancelling the task kills the run. See `run`."""
        cancelled = Event()
        return await in_thread(lambda: self._run_alone(request, cancelled), cancelled.set)

    @contextmanager
    def session(self) -> Iterator[ProcessSession]:
        """Open a session: one process, one namespace and one working directory for all its runs.

        Raises:
            ExecutorError: This system is not supported.
        """
        with closing(ProcessSession(self)) as session:
            yield session

    def command(self, folder: Path) -> list[str]:  # noqa: ARG002 -- for those who isolate the folder
        """What starts the interpreter for programs in a folder."""
        return [self.python]

    def _run_alone(self, request: ExecutionRequest, cancelled: Event) -> ExecutionResult:
        with self.session() as session:
            return session.run(request, last=True, cancelled=cancelled)


class ProcessSession:
    """Runs that share a process: variables, imports and files of one are there in the next.

    A run that ends the process (a time-out, a crash, `os._exit`) takes variables and imports with it and says
    so in its `detail`; the next one starts in a new process and finds the files. `sys.exit` ends only a run.

    Args:
        executor: Whose limits hold.

    Raises:
        ExecutorError: This system is not supported.
    """

    def __init__(self, executor: ProcessExecutor) -> None:
        if os.name != "posix":
            raise ExecutorError("ProcessExecutor needs Linux or macOS: choose another executor")
        self._executor = executor
        self._workspace = Workspace(executor.file_bytes)
        self._child: Child | None = None
        self._cancelled = Event()
        self._lock = Lock()

    def close(self) -> None:
        """Kill the process and remove the files."""
        self._end_child()
        self._workspace.close()

    def cancel(self) -> None:
        """Kill the run that is under way, and every later one, from another thread."""
        self._cancelled.set()

    def run(
        self, request: ExecutionRequest, *, last: bool = False, cancelled: Event | None = None
    ) -> ExecutionResult:
        """Run a program after those that ran in this session before.

        Args:
            request: The program.
            last: Whether no other follows: then the process ends as a script does, `atexit` included.
            cancelled: Set from another thread, it kills the run.

        Raises:
            ExecutionRequestError: The request itself is wrong: a file's name, the time-out.
            ExecutorError: The interpreter cannot be started.
        """
        refused = refused_language(request.language)
        if refused is not None:
            return refused
        timeout, source = timeout_of(request, self._executor.timeout), source_bytes(request)
        with self._lock:
            self._workspace.place(source, request.files)
            return self._run(timeout, last=last, cancelled=cancelled or self._cancelled)

    async def arun(self, request: ExecutionRequest) -> ExecutionResult:
        """Run a program without blocking the event loop; cancelling the task kills the process. See `run`."""
        cancelled = Event()
        return await in_thread(lambda: self.run(request, cancelled=cancelled), cancelled.set)

    def _run(self, timeout: float, *, last: bool, cancelled: Event | None) -> ExecutionResult:
        """Run the program that has been placed."""
        start = time.monotonic()
        child = self._child
        if child is None:
            child = self._child = self._start_child()
        else:
            child.drain((Capture(), Capture()))  # what earlier runs' threads and processes have said since
        child.send(f"{timeout}\n")
        if last:
            child.end_requests()
        stdout, stderr = Capture(self._executor.output_bytes), Capture(self._executor.output_bytes)
        end, reply = child.listen(
            (stdout, stderr), deadline=start + timeout, until_exit=last, cancelled=cancelled
        )
        wall_time = time.monotonic() - start
        outcome, detail = self._verdict(end, reply, child.returncode or 0, timeout)
        if end is not RunEnd.REPLIED:
            self._end_child()
        if end is RunEnd.EXITED and not child.started:
            raise ExecutorError(
                f"{self._executor.python!r} cannot run programs: {text_from_bytes(stderr.head).strip() or detail}"
            )
        images, images_left = self._workspace.images()
        files, files_left = self._workspace.files()
        remarks = [detail]
        remarks += [STATE_LOST] * (end is not RunEnd.REPLIED and not last)
        remarks += [LEFT_OUT] * (images_left or files_left)
        return ExecutionResult(
            outcome=outcome,
            stdout=text_from_bytes(stdout.head, truncated=stdout.truncated),
            stderr=text_from_bytes(stderr.head, truncated=stderr.truncated),
            images=images,
            files=files,
            value=self._workspace.value(),
            wall_time=wall_time,
            truncated=stdout.truncated or stderr.truncated,
            detail="; ".join(filter(None, remarks)),
        )

    def _verdict(self, end: RunEnd, reply: str, code: int, timeout: float) -> tuple[Outcome, str]:
        """Outcome and detail, from how a run ended, what the runner replied and what its exit status is."""
        status, _, limit = reply.partition(" ")
        if end is RunEnd.REPLIED:
            code = int(status)
        if end is RunEnd.DEADLINE:
            return Outcome.DEADLINE_EXCEEDED, words_for_time(timeout)
        if end is RunEnd.CANCELLED:
            return Outcome.FAILED, "cancelled"
        sizes = {"memory": self._executor.memory_bytes, "file": self._executor.file_bytes}
        return (Outcome.FAILED if code else Outcome.OK), words_for_limit(limit, sizes) or words_for_status(
            code
        )

    def _start_child(self) -> Child:
        executor, space = self._executor, self._workspace
        return Child(
            [*executor.command(space.work.parent), "-I", "-B", str(_RUNNER)],
            [str(space.exchange), str(executor.memory_bytes), str(executor.file_bytes), str(_PROCESSES)],
            cwd=space.work,
            env=_environment(space.home),
        )

    def _end_child(self) -> None:
        if self._child is not None:
            self._child.close()
            self._child = None


def _environment(home: Path) -> dict[str, str]:
    """All that a program finds in its environment."""
    return {
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "MPLBACKEND": "Agg",
        "MPLCONFIGDIR": _font_cache().path,
        "OMP_NUM_THREADS": "1",  # every thread of a numerical library would reserve address space
        "OPENBLAS_NUM_THREADS": "1",
        "PATH": os.defpath,
        "TMPDIR": str(home),
    }


@cache
def _font_cache() -> OwnedFolder:
    """Where matplotlib keeps its list of fonts: made by the first run that draws, used by those after it."""
    return OwnedFolder()
