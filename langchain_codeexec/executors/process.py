"""Running programs in a process of their own on this machine."""

from __future__ import annotations

import asyncio
import math
import os
import signal
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from threading import Event, Lock
from typing import TYPE_CHECKING

from langchain_codeexec.errors import ConfigurationError, ExecutionRequestError, ExecutorError
from langchain_codeexec.executions import ExecutionResult, Outcome
from langchain_codeexec.executors.child import Capture, Child, Ending
from langchain_codeexec.executors.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Iterator

    from langchain_codeexec.executions import ExecutionRequest

__all__ = ["ProcessExecutor"]

_RUNNER = Path(__file__).with_name("_runner.py")
_PROCESSES = 4096  # of this user, where the system counts them
_MIB = 1 << 20

_LIMITS = {
    "memory": "the memory limit of {} bytes was reached",
    "file": "the file size limit of {} bytes was reached",
}

_SIGNALS = {
    signal.SIGXCPU: "the CPU time limit was reached",
    signal.SIGKILL: "killed by SIGKILL, as the system does when it runs out of memory",
}


class ProcessExecutor:
    """Runs Python programs in a separate process with limits.

    **This is process separation, not a security sandbox.** The program runs as the same user as its host: it can
    read and change the user's files, use the network and start processes. What it cannot do by accident is to
    crash, block or fill up the host, see its environment variables, or leave files and processes behind. Run code
    you do not trust in a real sandbox.

    Each run gets a new working directory, removed afterwards, an environment with nothing of the host's in it, no
    stdin, and limits on memory, CPU time, file size and open files (those the operating system knows: Linux all,
    macOS some). At the deadline, at the end, and on Linux also when the host dies, the whole process group is killed;
    a program that deliberately starts a session of its own escapes that. Not available on Windows.

    A run ends when its main program and those of its threads that aren't daemons have ended. Figures that
    matplotlib's pyplot has open at `plt.show()` or at the end come back as PNG images; files that lie directly in
    the working directory at the end come back as well, links and unchanged input files excepted.

    Args:
        timeout: Wall-clock seconds for a run whose request names none.
        memory_bytes: Address space of each process.
        output_bytes: How much of stdout, and of stderr, is kept: the head; the rest is dropped.
        file_bytes: The largest file that can be written, and the most that all files brought back hold together.
        python: The interpreter; its installed packages are what programs can import.

    Raises:
        ConfigurationError: A limit is not positive.
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
        limits = {
            "timeout": timeout,
            "memory_bytes": memory_bytes,
            "output_bytes": output_bytes,
            "file_bytes": file_bytes,
        }
        for name, value in limits.items():
            if not _is_positive(value):
                raise ConfigurationError(f"{name} must be a positive number, not {value!r}")
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
        """Run one program without blocking the event loop; cancelling the task kills the run.

        Raises:
            ExecutionRequestError: The request itself is wrong: a file's name, the time-out.
            ExecutorError: The interpreter cannot be started.
        """
        cancelled = Event()
        thread = ThreadPoolExecutor(1, thread_name_prefix="codeexec")
        run = asyncio.get_running_loop().run_in_executor(thread, self._run_alone, request, cancelled)
        try:
            return await asyncio.shield(run)
        except asyncio.CancelledError:
            cancelled.set()
            await asyncio.wait([run])
            raise
        finally:
            thread.shutdown(wait=False)

    @contextmanager
    def session(self) -> Iterator[ProcessSession]:
        """Open a session: one process, one namespace and one working directory for all its runs.

        Raises:
            ExecutorError: The interpreter cannot be started.
        """
        session = ProcessSession(self)
        try:
            yield session
        finally:
            session.close()

    def _run_alone(self, request: ExecutionRequest, cancelled: Event) -> ExecutionResult:
        session = ProcessSession(self)
        try:
            return session.run(request, last=True, cancelled=cancelled)
        finally:
            session.close()


class ProcessSession:
    """Runs that share a process: variables, imports and files of one are there in the next.

    A run that ends the process (a time-out, a crash, `os._exit`) takes variables and imports with it and says so in
    its `detail`; the next run starts in a new process, with the files that are there. `sys.exit` ends only the run.
    """

    def __init__(self, executor: ProcessExecutor) -> None:
        if os.name != "posix":
            raise ExecutorError("ProcessExecutor needs Linux or macOS; run the code on another executor")
        self._executor = executor
        self._workspace = Workspace(executor.file_bytes)
        self._child: Child | None = None
        self._lock = Lock()

    def close(self) -> None:
        """Kill the process and remove the files."""
        self._end_child()
        self._workspace.close()

    def run(
        self, request: ExecutionRequest, *, last: bool = False, cancelled: Event | None = None
    ) -> ExecutionResult:
        """Run a program after those that ran before.

        Args:
            request: The program.
            last: Whether it is the last one: then the process ends as a script does, `atexit` included.
            cancelled: Set from another thread, it kills the run.

        Raises:
            ExecutionRequestError: The request itself is wrong: a file's name, the time-out.
            ExecutorError: The interpreter cannot be started.
        """
        if request.language.upper() != "PYTHON":
            return ExecutionResult(Outcome.FAILED, detail=f"cannot run {request.language!r}: only PYTHON")
        timeout = self._executor.timeout if request.timeout is None else request.timeout
        if not _is_positive(timeout):
            raise ExecutionRequestError(f"the time-out must be a positive number of seconds, not {timeout!r}")
        with self._lock:
            return self._run(request, timeout, last=last, cancelled=cancelled)

    def _run(
        self, request: ExecutionRequest, timeout: float, *, last: bool, cancelled: Event | None
    ) -> ExecutionResult:
        self._workspace.place(request.code, request.files)
        start = time.monotonic()
        child = self._child = self._child or self._start_child()
        limit = self._executor.output_bytes
        outputs = Capture(limit), Capture(limit)
        child.drain((Capture(0), Capture(0)))  # what threads and processes of earlier runs have said since
        child.send(f"{timeout}\n")
        if last:
            child.end_requests()
        ending = child.listen(outputs, deadline=start + timeout, until_exit=last, cancelled=cancelled)
        wall_time = time.monotonic() - start
        if ending is Ending.EXITED and not child.replies:
            self._end_child()
            raise ExecutorError(
                f"{self._executor.python!r} did not start as Python: {outputs[1].text.strip()}"
            )
        outcome, detail = self._verdict(child, ending, timeout)
        if ending is not Ending.REPLIED:
            self._end_child()
            lost = "" if last else "the variables and imports of the session are lost"
            detail = "; ".join(filter(None, (detail, lost)))
        files, left_out = self._workspace.files()
        return ExecutionResult(
            outcome=outcome,
            stdout=outputs[0].text,
            stderr=outputs[1].text,
            images=self._workspace.images(),
            files=files,
            wall_time=wall_time,
            truncated=outputs[0].truncated or outputs[1].truncated,
            detail="; ".join(filter(None, (detail, left_out))),
        )

    def _verdict(self, child: Child, ending: Ending, timeout: float) -> tuple[Outcome, str]:
        """Outcome and detail of a run, from how it ended."""
        if ending is Ending.DEADLINE:
            return Outcome.DEADLINE_EXCEEDED, f"killed at the time limit of {timeout:g} s"
        if ending is Ending.CANCELLED:
            return Outcome.FAILED, "cancelled"
        status, limit = child.replies[-1].split() if len(child.replies) > 1 else ("0", "-")
        code = child.returncode if ending is Ending.EXITED else int(status)
        if not code:
            return Outcome.OK, ""
        if code < 0:
            return Outcome.FAILED, _SIGNALS.get(
                signal.Signals(-code), f"killed by {signal.Signals(-code).name}"
            )
        size = self._executor.memory_bytes if limit == "memory" else self._executor.file_bytes
        return Outcome.FAILED, _LIMITS.get(limit, f"exit status {code}" if code > 1 else "").format(size)

    def _start_child(self) -> Child:
        """Start the runner."""
        executor, space = self._executor, self._workspace
        return Child(
            [executor.python, "-I", "-B", str(_RUNNER)],
            [str(space.exchange), str(executor.memory_bytes), str(executor.file_bytes), str(_PROCESSES)],
            cwd=space.work,
            env=_environment(space.home),
        )

    def _end_child(self) -> None:
        if self._child is not None:
            self._child.close()
            self._child = None


def _is_positive(number: float) -> bool:
    return isinstance(number, int | float) and math.isfinite(number) and number > 0


def _environment(home: Path) -> dict[str, str]:
    """All that a program finds in its environment."""
    return {
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "MPLBACKEND": "Agg",
        "MPLCONFIGDIR": _font_cache().name,
        "OMP_NUM_THREADS": "1",  # threads of numerical libraries reserve address space each
        "OPENBLAS_NUM_THREADS": "1",
        "PATH": os.defpath,
        "TMPDIR": str(home),
    }


@cache
def _font_cache() -> tempfile.TemporaryDirectory[str]:
    """Where matplotlib keeps its list of fonts, made by the first run that draws, for all runs of this process."""
    return tempfile.TemporaryDirectory(prefix="codeexec-fonts-", ignore_cleanup_errors=True)
