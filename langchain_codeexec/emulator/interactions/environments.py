"""Where the code of interactions runs: bash besides Python, and environments that last."""

from __future__ import annotations

import base64
import binascii
import mimetypes
import secrets
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import PurePosixPath
from queue import SimpleQueue
from threading import Event, Lock, Thread
from typing import Any, TypeAlias
from weakref import finalize

from langchain_codeexec.emulator.answering import Sessions
from langchain_codeexec.emulator.service_errors import EmulatedError, invalid, not_prepared
from langchain_codeexec.executions import ExecutionRequest, ExecutionResult, InlineFile
from langchain_codeexec.executors.base import ExecutorSession

__all__ = ["Environment", "Environments"]

_MOST = 16
_BASH = """\
import subprocess, sys
try:
    done = subprocess.run(["bash", "-c", {code!r}], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
except OSError as error:
    sys.exit(f"bash does not run here: {{error.strerror or error}}")
output = done.stdout.decode(errors="replace")
if done.returncode:
    sys.exit(f"{{output}}exit code {{done.returncode}}")
print(output, end="")
"""
"""A program in Python that runs one in bash, where it may start processes; where not it says so and fails."""


class Environments:
    """The environments that were created, the last 16; files and variables of one are there in its next run.

    Args:
        executor: What runs their code, and that of interactions without one.
    """

    def __init__(self, executor: Sessions) -> None:
        self._executor = executor
        self._open: OrderedDict[str, Environment] = OrderedDict()
        self._lock = Lock()

    def choose(self, settings: Mapping[str, Any]) -> tuple[str, Sessions]:
        """The id of the environment that a request names or asks for, and what runs its code.

        Raises:
            EmulatedError: There is none of that id (404), or its sources are none that the emulator has (400).
        """
        if not settings:
            return "", _Shell(self._executor)
        environment_id = settings.get("environment_id", "")
        with self._lock:
            if environment_id and environment_id not in self._open:
                raise EmulatedError(404, message="Requested entity was not found.")
            if not environment_id:
                environment_id = f"env_{secrets.token_hex(12)}"
                files = tuple(map(_file, settings.get("sources", ())))
                self._open[environment_id] = Environment(self._executor, files)
            self._open.move_to_end(environment_id)
            while len(self._open) > _MOST:
                self._open.popitem(last=False)[1].close()
            return environment_id, _Shell(self._open[environment_id])


def _file(source: Mapping[str, Any]) -> InlineFile:
    if source.get("type", "inline") != "inline":
        raise not_prepared(f"This emulator does not cover environment sources of type {source['type']!r}.")
    name, text = PurePosixPath(source.get("target", "")).name, source.get("content", "")
    try:
        encoded = source.get("encoding") == "base64"
        data = base64.b64decode(text, validate=True) if encoded else text.encode()
    except binascii.Error as error:
        raise invalid("Invalid input at 'environment.sources'.") from error
    if not name:
        raise invalid("Invalid input at 'environment.sources'.")
    return InlineFile(data, mimetypes.guess_type(name)[0] or "application/octet-stream", name)


class _Session:
    """A session within another, which may be cancelled as far as that may."""

    def __init__(self, session: ExecutorSession) -> None:
        self._session = session

    def run(self, request: ExecutionRequest) -> ExecutionResult:
        if request.language.upper() == "BASH":
            request = replace(request, code=_BASH.format(code=request.code), language="PYTHON")
        return self._session.run(request)

    def cancel(self) -> None:
        if cancel := getattr(self._session, "cancel", None):
            cancel()


class _Shell:
    """An executor whose programs may be in bash as well."""

    def __init__(self, executor: Sessions) -> None:
        self._executor = executor

    @contextmanager
    def session(self) -> Iterator[ExecutorSession]:
        with self._executor.session() as session:
            yield _Session(session)


_Job: TypeAlias = tuple[ExecutionRequest, Future[ExecutionResult]]


class Environment:
    """A session for all its runs, which happen in one thread: a sandbox may tie its life to that.

    Attributes:
        close: Ends it. It ends as well when nobody has it any more.
    """

    def __init__(self, executor: Sessions, files: tuple[InlineFile, ...] = ()) -> None:
        self._files = files
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._lock = Lock()
        self._sessions: list[_Session] = []
        self._cancelled = Event()
        arguments = (executor, self._jobs, self._sessions, self._cancelled)
        Thread(target=_work, args=arguments, name="gemini-emulator-environment", daemon=True).start()
        self.close = finalize(self, _end, self._jobs, self._lock)

    @contextmanager
    def session(self) -> Iterator[ExecutorSession]:
        """Itself: it lasts."""
        yield self

    def run(self, request: ExecutionRequest) -> ExecutionResult:
        """Run a program after those before; an error where the environment has ended."""
        return self.submit(request).result()

    def submit(self, request: ExecutionRequest) -> Future[ExecutionResult]:
        """Have a program run after those before; an error where the environment has ended."""
        result: Future[ExecutionResult] = Future()
        result.set_running_or_notify_cancel()  # who waits may go away; the program runs
        with self._lock:  # nothing is put behind the end, where it would wait for ever
            if not self.close.alive:
                raise not_prepared(f"The environment has ended: this emulator keeps the last {_MOST}.")
            files, self._files = self._files, ()
            self._jobs.put((replace(request, files=(*files, *request.files)), result))
        return result

    def cancel(self) -> None:
        """Stop the program that runs, and let no other begin."""
        self._cancelled.set()
        for session in self._sessions:
            session.cancel()


def _end(jobs: SimpleQueue[_Job | None], lock: Lock) -> None:
    with lock:
        jobs.put(None)


def _work(
    executor: Sessions, jobs: SimpleQueue[_Job | None], sessions: list[_Session], cancelled: Event
) -> None:
    with ExitStack() as stack:
        while (job := jobs.get()) is not None:
            request, result = job
            try:
                if not sessions:
                    sessions.append(_Session(stack.enter_context(executor.session())))
                    if cancelled.is_set():  # before there was a session to cancel
                        sessions[0].cancel()
                result.set_result(sessions[0].run(request))
            except BaseException as error:  # noqa: BLE001 -- raised where it is waited for
                result.set_exception(error)
