"""`LocalSandbox`: the sandbox as users see it, and its sessions."""

from __future__ import annotations

import asyncio
import os
import re
import sys
import tempfile
import warnings
import weakref
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, replace
from threading import Lock
from typing import Any, Self

from langchain_codeexec._fork import renew_after_fork
from langchain_codeexec.errors import (
    ConfigurationError,
    ExecutionRequestError,
    ExecutorError,
    SandboxBusyError,
)
from langchain_codeexec.executions import ExecutionRequest, ExecutionResult
from langchain_codeexec.executors.base import (
    FairSemaphore,
    check_counts,
    check_durations,
    in_thread,
    refused_language,
    source_bytes,
    timeout_of,
)
from langchain_codeexec.executors.calls import HostCalls
from langchain_codeexec.executors.files import named_files
from langchain_codeexec.sandbox.calls import RunningCalls
from langchain_codeexec.sandbox.child.limits import Limits
from langchain_codeexec.sandbox.modes import MODES, unsupported_system
from langchain_codeexec.sandbox.pool import Pool
from langchain_codeexec.sandbox.replies import result_from_reply
from langchain_codeexec.sandbox.worker import Connection, WorkerEndedError

__all__ = ["MIB", "UNCONFINED_PROCESSES", "LocalExecutor", "LocalSandbox", "LocalSession", "SandboxWarning"]


PRELOAD = ("numpy", "pandas", "matplotlib.pyplot")
"""Libraries that programs use most and that take long to load."""

MIB = 1 << 20
UNCONFINED_PROCESSES = 4096  # of the host's user, all others included; where the system counts them
_BYTES_PER_FILE = 16 << 10
"""So many bytes of disk allow for one more file or folder."""
_SPARES = 2
"""Runs made ready in advance."""
_GRACE = 15.0
"""Seconds the supervisor of a run may take beyond its deadline before it is given up."""
_UNSAFE = "LocalSandbox(unsafe=True) isolates nothing: programs run as you, with your files and your network"


class SandboxWarning(UserWarning):
    """The sandbox does not do all that could be expected of it."""


class LocalExecutor:
    """Runs programs on this machine, each under a supervisor: what `LocalSandbox` and `ProcessExecutor` share.

    It can be used from many threads and event loops, and in forks of its process. It starts with the first run
    and ends with `close`, with the program or when nobody refers to it any more.
    """

    name: str
    takes_calls = True

    def __init__(  # noqa: PLR0913 -- what two constructors have to say
        self,
        timeout: float,
        limits: Limits,
        modes: tuple[str, ...],
        python: str,
        *,
        preload: Iterable[str] = (),
        readable: Iterable[str] = (),
        spares: int = 0,
        workers: int = sys.maxsize,
        waiting: int = sys.maxsize,
        sessions: int = sys.maxsize,
    ) -> None:
        check_durations(timeout=timeout)
        self.timeout = timeout
        self.limits = limits
        settings = {
            "limits": asdict(limits),
            "preload": list(preload),
            "readable": list(readable),
            "temporary": tempfile.gettempdir(),
        }
        self._pool = Pool(python, modes, settings, _complain, spares=spares)
        # To fork what holds libraries takes longer than to run what needs none.
        self._plain_pool = (
            replace(self._pool, settings={**settings, "preload": []}) if preload else self._pool
        )
        self._places = (workers, waiting)
        self._most_sessions = sessions
        self.renew()
        renew_after_fork(self)
        self._end = weakref.finalize(self, _close_all, self._pool, self._plain_pool)

    def renew(self) -> None:
        """Start afresh in a child process: the runs and sessions under way are the parent's."""
        self._semaphore = FairSemaphore(*self._places)
        self._sessions: weakref.WeakSet[LocalSession] = weakref.WeakSet()

    @property
    def mode(self) -> str:
        """How programs are isolated here, `process` for not at all; starts what has not been started.

        Raises:
            SandboxUnavailableError: They cannot be.
        """
        return self.running_pool(plain=True).worker().mode

    def start(self) -> Self:
        """Start now what would start with the first run.

        Raises:
            SandboxUnavailableError: The system cannot isolate programs.
            ExecutorError: The interpreter cannot be started.
        """
        for plain in (True, False):
            self.running_pool(plain=plain).worker()
        return self

    def close(self) -> None:
        """End it with all its runs; closed twice is closed."""
        self._end()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def run(self, request: ExecutionRequest | str, *, calls: HostCalls | None = None) -> ExecutionResult:
        """Run one program.

        Args:
            request: The program, or its source text.
            calls: What it can call on its host; what an answer raises comes out of here as it is.

        Raises:
            ExecutionRequestError: The request itself is wrong: a file's name, the time-out.
            SandboxBusyError: Too many runs are waiting.
            SandboxUnavailableError: The system cannot isolate programs.
            ExecutorError: The executor failed.
        """
        with closing(LocalSession(self)) as session:
            return session.run(request, last=True, calls=calls)

    async def arun(
        self, request: ExecutionRequest | str, *, calls: HostCalls | None = None
    ) -> ExecutionResult:
        """Run one program without blocking the event loop; cancelling the task kills the run. See `run`."""
        with closing(LocalSession(self)) as session:
            return await session.arun(request, last=True, calls=calls)

    @contextmanager
    def session(self) -> Iterator[LocalSession]:
        """Open a session: one process, one namespace and one working directory for all its runs.

        Raises:
            SandboxBusyError: Too many sessions are open.
            SandboxUnavailableError: The system cannot isolate programs.
        """
        self.check_system()
        if len(self._sessions) >= self._most_sessions:
            raise SandboxBusyError(
                f"{self._most_sessions} sessions are open already, each with a process of its own: close some, or "
                "let the sandbox have more `sessions`"
            )
        with closing(LocalSession(self)) as session:
            self._sessions.add(session)
            try:
                yield session
            finally:
                self._sessions.discard(session)

    def check_system(self) -> None:
        """Refuse where this cannot work.

        Raises:
            ExecutorError: This is another system.
        """
        raise NotImplementedError

    def running_pool(self, *, plain: bool) -> Pool:
        """What runs are forked from.

        Args:
            plain: Whether it need not hold libraries.

        Raises:
            ExecutorError: This is another system.
        """
        self.check_system()
        return self._plain_pool if plain else self._pool

    @property
    def semaphore(self) -> FairSemaphore:
        """The places for runs."""
        return self._semaphore


class LocalSandbox(LocalExecutor):
    """Runs Python programs on this machine, isolated from it.

    A program finds a working directory with its files, the interpreter's installed libraries, and nothing
    else: no network, no environment, no home, no other process, no other file. It cannot start processes;
    threads it can. Its figures (those of plotly and altair as pages), the files it leaves in the working
    directory and the value of its last expression come back. Libraries of `preload` are loaded once; each
    run is forked from there in a few milliseconds, or from a process without them where the program imports
    none, and nothing of one run is there in another, sessions excepted.

    On Linux the kernel isolates, in the first of these modes that the system turns out to allow:

    - `namespaces`: a root of its own that holds nothing but libraries; user, mount, process, network, IPC and
      host name namespaces; a list of allowed system calls; Landlock where the kernel has it.
    - `landlock`: Landlock and the list of system calls alone. What lies under a path of the host, its size and its
      times can be found out, though not read, and so can the host's name. The disk is watched over instead of
      limited: what is written within a fiftieth of a second may exceed it.

    Elsewhere, macOS included, every run is refused in words that name the alternatives. The sandbox shares the
    kernel with its host: where programs may be written by an attacker who knows an unpublished hole in Linux, use
    a virtual machine. `SECURITY.md` says what is promised, and what is not.

    Args:
        timeout: Wall-clock seconds for a run whose request names none.
        memory_bytes: Address space of a run, the libraries loaded in advance among it.
        cpu_seconds: Seconds on all processors together; by default what the time-out allows.
        processes: Threads of a run. Other processes are never allowed.
        open_files: Descriptors of a run.
        file_bytes: The largest file, and the most that the files brought back hold together.
        disk_bytes: All files of a run or session together; in memory, or in landlock mode among temporary files.
        output_bytes: How much of stdout, and of stderr, is kept: the head; the rest is dropped.
        mode: `auto`, or one of the modes above.
        preload: Libraries to load in advance; those that are not installed are left out.
        workers: Runs at a time; by default one for each processor. Others wait in the order they came.
        waiting: Runs that may wait; one more is a `SandboxBusyError`.
        sessions: Sessions that may be open; one more is a `SandboxBusyError`. Each holds its memory and its disk
            until it is closed.
        readable: Further files and folders of the host that programs can read, under the same path; where
            the host runs as root, only what everybody may read.
        unsafe: Isolate nothing, as a `ProcessExecutor`. Warns.
        python: The interpreter, 3.11 or newer; its installed packages are what programs can import.

    Raises:
        ConfigurationError: A setting is wrong.
    """

    def __init__(  # noqa: PLR0913 -- one keyword for each limit
        self,
        timeout: float = 30.0,
        *,
        memory_bytes: int = 2048 * MIB,
        cpu_seconds: float | None = None,
        processes: int = 64,
        open_files: int = 256,
        file_bytes: int = 64 * MIB,
        disk_bytes: int = 256 * MIB,
        output_bytes: int = MIB,
        mode: str = "auto",
        preload: Iterable[str] = PRELOAD,
        workers: int | None = None,
        waiting: int = 1000,
        sessions: int = 100,
        readable: Iterable[str | os.PathLike[str]] = (),
        unsafe: bool = False,
        python: str = sys.executable,
    ) -> None:
        places = (os.cpu_count() or 1) if workers is None else workers
        check_counts(
            memory_bytes=memory_bytes,
            processes=processes,
            open_files=open_files,
            file_bytes=file_bytes,
            disk_bytes=disk_bytes,
            output_bytes=output_bytes,
            workers=places,
            waiting=waiting,
            sessions=sessions,
        )
        check_durations(timeout=timeout, cpu_seconds=timeout if cpu_seconds is None else cpu_seconds)
        preload, readable = _names("preload", preload), _names("readable", readable)
        if mode not in ("auto", *MODES):
            raise ConfigurationError(f"mode must be 'auto' or one of {', '.join(MODES)}, not {mode!r}")
        self._unsafe = unsafe
        self.name = "process" if unsafe else "sandbox"
        limits = Limits(
            memory=memory_bytes,
            cpu=cpu_seconds or 0.0,
            tasks=UNCONFINED_PROCESSES if unsafe else processes,
            open_files=open_files,
            file=file_bytes,
            disk=disk_bytes,
            files=max(256, disk_bytes // _BYTES_PER_FILE),
            output=output_bytes,
        )
        super().__init__(
            timeout,
            limits,
            ("process",) if unsafe else MODES if mode == "auto" else (mode,),
            python,
            preload=preload,
            readable=[os.path.abspath(path) for path in readable],  # noqa: PTH100 -- keeps links
            spares=min(places, _SPARES),
            workers=places,
            waiting=waiting,
            sessions=sessions,
        )
        if unsafe:
            warnings.warn(_UNSAFE, SandboxWarning, stacklevel=2)

    def check_system(self) -> None:
        """Refuse where nothing isolates programs.

        Raises:
            SandboxUnavailableError: This is not Linux.
        """
        if sys.platform != "linux" and not (self._unsafe and os.name == "posix"):
            raise unsupported_system()


class LocalSession:
    """Runs that share a process: variables, imports and files of one are there in the next.

    Between runs the process is stopped, threads and all. A run that ends the process (a time-out, a crash,
    `os._exit`) takes variables and imports with it and says so in its `detail`; the next one starts in a new
    process and finds the files. `sys.exit` ends only a run.

    Args:
        executor: Whose limits hold.
    """

    takes_calls = True

    def __init__(self, executor: LocalExecutor) -> None:
        self._executor = executor
        self._connection: Connection | None = None
        self._cancelled = False
        self._lock = Lock()
        self._process = os.getpid()

    def close(self) -> None:
        """Kill the process and forget the files."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close(wait=self._executor.name == "process")  # whose files are in sight

    def cancel(self) -> None:
        """Kill the run that is under way, from another thread."""
        self._cancelled = True
        connection = self._connection
        if connection is not None:
            connection.cancel()

    def run(
        self, request: ExecutionRequest | str, *, last: bool = False, calls: HostCalls | None = None
    ) -> ExecutionResult:
        """Run a program after those that ran in this session before.

        Args:
            request: The program.
            last: Whether no other follows: then the process ends as a script does, `atexit` included.
            calls: What it can call on its host, see `LocalSandbox.run`. Where an answer raises, the process ends.

        Raises:
            ExecutorError: As `LocalSandbox.run` says, or a run of the session was cancelled.
        """
        with self._executor.semaphore:
            return self._run(request, last=last, calls=calls)

    async def arun(
        self, request: ExecutionRequest | str, *, last: bool = False, calls: HostCalls | None = None
    ) -> ExecutionResult:
        """Run a program without blocking the event loop; cancelling the task ends the session. See `run`."""
        is_over = asyncio.get_running_loop().is_closed
        return await in_thread(
            lambda: self._run(request, last=last, calls=calls, is_over=is_over),
            self.cancel,
            self._executor.semaphore,
        )

    def _run(
        self,
        request: ExecutionRequest | str,
        *,
        last: bool,
        calls: HostCalls | None,
        is_over: Callable[[], bool] = lambda: False,
    ) -> ExecutionResult:
        if self._process != os.getpid():
            raise ExecutorError("this session is of the process that this one was forked from: open another")
        request = ExecutionRequest.of(request)
        refused = refused_language(request.language)
        if refused is not None:
            return refused
        limits = self._executor.limits
        timeout = min(timeout_of(request, self._executor.timeout), _LONGEST)
        files = named_files(request.files)
        if limits.disk and (sum(len(data) for _, data in files) > limits.disk or len(files) > limits.files):
            raise ExecutionRequestError(
                f"the files do not fit into the sandbox's disk of {limits.disk} bytes: send less, or set "
                "disk_bytes higher"
            )
        header = {"timeout": timeout, "last": last, "files": [name for name, _ in files], "calls": None}
        blobs = [source_bytes(request), *(data for _, data in files)]
        with self._lock:
            running = RunningCalls(calls) if calls and calls.functions else None
            if running:
                header["calls"] = running.header
            try:
                reply, left = self._exchange(header, blobs, timeout + _GRACE, is_over, running)
            except BaseException:
                self.close()
                raise
            finally:
                raised = running.close() if running else None
            if last:
                self.close()
        if raised is not None:
            raise raised
        result = result_from_reply(reply, left, limits, timeout, last=last)
        if running:  # files of replies come back only where the program has changed them
            changed = (file for file in result.files if running.files.get(file.name) != file.data)
            result = replace(result, files=tuple(changed))
        return result

    def _exchange(
        self,
        header: dict[str, Any],
        blobs: list[bytes],
        timeout: float,
        is_over: Callable[[], bool],
        calls: RunningCalls | None,
    ) -> tuple[dict[str, Any], list[bytes]]:
        if self._connection is not None:
            return self._connection.exchange(header, blobs, timeout, is_over, calls)
        pool = self._executor.running_pool(plain=header["last"] and imports_no_library(blobs[0]))
        for failures in range(_ATTEMPTS - 1):
            with suppress(WorkerEndedError):  # it was killed while it waited for a program
                return self._connected(pool, failures).exchange(header, blobs, timeout, is_over, calls)
            self.close()
        return self._connected(pool, _ATTEMPTS - 1).exchange(header, blobs, timeout, is_over, calls)

    def _connected(self, pool: Pool, failures: int) -> Connection:
        self._connection = connection = pool.connect(failures)
        if self._cancelled:
            raise ExecutorError("the run was killed: it has been cancelled")
        return connection


_ATTEMPTS = 3
"""At having a run forked, as long as nothing of the program has run."""

_LONGEST = 1e6
"""Seconds; what sockets can wait for."""


def _names(setting: str, values: object) -> list[Any]:
    if isinstance(values, str | bytes) or not isinstance(values, Iterable):
        raise ConfigurationError(f"{setting} must be a list of names, not {values!r}")
    names = list(values)
    for name in names:
        if not isinstance(name, str | os.PathLike):
            raise ConfigurationError(f"{setting} must hold names, not {name!r}")
    return names


_IMPORT = re.compile(rb"(?:^|[;:])[ \t]*(?:from[ \t]+(\w+)|import[ \t]+([^;\n#]+))", re.MULTILINE)
_KNOWN_MODULES = {name.encode() for name in sys.stdlib_module_names} - {b"importlib"}


def imports_no_library(source: bytes) -> bool:
    """Whether a program imports modules of the standard library alone, as far as its text shows."""
    imports = (match[1] or match[2] for match in _IMPORT.finditer(source))
    names = (re.split(rb"\W", name.strip(), maxsplit=1)[0] for each in imports for name in each.split(b","))
    return _KNOWN_MODULES.issuperset(names)


def _close_all(*pools: Pool) -> None:
    for pool in pools:
        pool.close()


def _complain(words: str) -> None:
    warnings.warn(f"{words}; programs will load it themselves", SandboxWarning, stacklevel=2)
