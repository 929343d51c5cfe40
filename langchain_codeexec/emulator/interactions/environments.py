"""Where the code of interactions runs: bash besides Python, and environments that last."""

from __future__ import annotations

import asyncio
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
from threading import Lock, Thread
from typing import Any
from weakref import finalize

from langchain_codeexec.emulator.service_errors import EmulatedError, invalid, not_prepared
from langchain_codeexec.executions import ExecutionRequest, ExecutionResult, InlineFile
from langchain_codeexec.executors.base import CodeExecutor, ExecutorSession

__all__ = ["Environments", "ShellExecutor"]

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


class ShellExecutor:
    """An executor whose programs may be bash as well, as far as it lets Python start processes."""

    def __init__(self, executor: CodeExecutor) -> None:
        self._executor = executor

    @property
    def name(self) -> str:
        """The name of the executor within."""
        return self._executor.name

    def run(self, request: ExecutionRequest) -> ExecutionResult:
        """Run one program."""
        return self._executor.run(_in_python(request))

    async def arun(self, request: ExecutionRequest) -> ExecutionResult:
        """Run one program without blocking the event loop."""
        return await self._executor.arun(_in_python(request))

    @contextmanager
    def session(self) -> Iterator[ExecutorSession]:
        """Open a session of the executor within."""
        with self._executor.session() as session:
            yield _ShellSession(session)


class _ShellSession:
    def __init__(self, session: ExecutorSession) -> None:
        self._session = session

    def cancel(self) -> None:
        if cancel := getattr(self._session, "cancel", None):
            cancel()

    def run(self, request: ExecutionRequest) -> ExecutionResult:
        return self._session.run(_in_python(request))


def _in_python(request: ExecutionRequest) -> ExecutionRequest:
    if request.language.upper() != "BASH":
        return request
    return replace(request, code=_BASH.format(code=request.code), language="PYTHON")


class Environments:
    """The environments that were created, the last 16 of them; files and variables of one stay for the next run.

    Args:
        executor: What runs their code.
    """

    def __init__(self, executor: CodeExecutor) -> None:
        self._executor = executor
        self._open: OrderedDict[str, _Environment] = OrderedDict()
        self._lock = Lock()

    def executor(self, settings: Mapping[str, Any]) -> tuple[str, CodeExecutor]:
        """The environment that a request names or asks for, and what runs code there; without one it is fresh.

        Raises:
            EmulatedError: There is none of that id (404), or its sources are none that the emulator has (400).
        """
        if not settings:
            return "", self._executor
        environment_id = settings.get("environment_id", "")
        with self._lock:
            if environment_id and environment_id not in self._open:
                raise EmulatedError(404, message=f"Environment {environment_id} was not found.")
            if not environment_id:
                files = tuple(map(_file, settings.get("sources", ())))
                environment_id = f"env_{secrets.token_hex(12)}"
                self._open[environment_id] = _Environment(self._executor, files)
            self._open.move_to_end(environment_id)
            while len(self._open) > _MOST:
                self._open.popitem(last=False)[1].close()
            return environment_id, self._open[environment_id]


def _file(source: Mapping[str, Any]) -> InlineFile:
    if source.get("type", "inline") != "inline" or "content" not in source:
        raise not_prepared(
            f"This emulator does not cover environment sources of type {source.get('type')!r}."
        )
    name = PurePosixPath(source.get("target") or "source").name
    text = source["content"]
    try:
        data = base64.b64decode(text, validate=True) if source.get("encoding") == "base64" else text.encode()
    except binascii.Error as error:
        raise invalid("Invalid input at 'environment.sources'.") from error
    return InlineFile(data, mimetypes.guess_type(name)[0] or "application/octet-stream", name)


_Job = tuple[ExecutionRequest, Future[ExecutionResult]]


class _Environment:
    """An executor with one session, whose runs all happen in one thread: a sandbox may tie its life to it."""

    def __init__(self, executor: CodeExecutor, files: tuple[InlineFile, ...]) -> None:
        self.name = executor.name
        self._files = files
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._sessions: list[Any] = []
        arguments = (executor, self._jobs, self._sessions)
        Thread(target=_work, args=arguments, name="gemini-emulator-environment", daemon=True).start()
        self.close = finalize(self, self._jobs.put, None)

    def run(self, request: ExecutionRequest) -> ExecutionResult:
        if not self.close.alive:
            raise not_prepared(f"The environment had to make room for others: this emulator keeps {_MOST}.")
        files, self._files = self._files, ()
        result: Future[ExecutionResult] = Future()
        self._jobs.put((replace(request, files=(*files, *request.files)), result))
        return result.result()

    async def arun(self, request: ExecutionRequest) -> ExecutionResult:
        return await asyncio.to_thread(self.run, request)

    def cancel(self) -> None:
        for session in self._sessions:
            if cancel := getattr(session, "cancel", None):
                cancel()

    @contextmanager
    def session(self) -> Iterator[ExecutorSession]:
        yield self


def _work(executor: CodeExecutor, jobs: SimpleQueue[_Job | None], sessions: list[Any]) -> None:
    with ExitStack() as stack:
        while (job := jobs.get()) is not None:
            request, result = job
            try:
                if not sessions:
                    sessions.append(stack.enter_context(executor.session()))
                result.set_result(sessions[0].run(request))
            except BaseException as error:  # noqa: BLE001 -- raised where it is waited for
                result.set_exception(error)
