"""`BackendExecutor`: programs in any sandbox that deepagents has a backend for.

A backend has a shell, which gives mixed output and an exit code, and takes and gives files. So what supervises
programs on this machine goes along as an archive, which the Python of the sandbox executes, and the result comes
back as a file.
"""

from __future__ import annotations

import asyncio
import inspect
import io
import json
import logging
import math
import secrets
import shlex
import struct
import sys
import zipfile
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import asdict, replace
from functools import cache, partial
from importlib.resources import files as resources
from typing import Annotated, Any, Final, Protocol, TypeAlias, TypeVar

from pydantic import BaseModel, Field, NonNegativeInt, ValidationError

from langchain_codeexec.errors import ConfigurationError, ExecutorError, SandboxUnavailableError
from langchain_codeexec.executions import ExecutionRequest, ExecutionResult, Outcome
from langchain_codeexec.executors.base import check_counts, source_bytes
from langchain_codeexec.executors.remote import RemoteExecutor, RemoteSession
from langchain_codeexec.sandbox import child
from langchain_codeexec.sandbox.child import frames
from langchain_codeexec.sandbox.child.limits import Limits
from langchain_codeexec.sandbox.local import MIB
from langchain_codeexec.sandbox.replies import result_from_reply

__all__ = ["BackendExecutor", "BackendSession", "SandboxBackend"]

logger = logging.getLogger(__name__)

_Step: TypeAlias = tuple[str, Any, dict[str, Any]]  # the backend's method, its argument, its settings
_Result = TypeVar("_Result")
_Steps: TypeAlias = Generator[_Step, Any, _Result]


class SandboxBackend(Protocol):
    """What is used of a `SandboxBackendProtocol` of deepagents, and of its twins `aexecute` and so on."""

    def execute(self, command: str, /) -> Any:
        """Run a command; gives `output` and `exit_code`. A `timeout` in seconds is set where it is taken."""
        ...

    def upload_files(self, files: list[tuple[str, bytes]], /) -> Any:
        """Store files under absolute paths; gives an object with `error` for each."""
        ...

    def download_files(self, paths: list[str], /) -> Any:
        """Fetch files; gives an object with `content` and `error` for each."""
        ...


class BackendExecutor(RemoteExecutor):
    """Runs Python programs in a managed sandbox, through a backend of deepagents.

    Any backend with a shell will do as it comes: `DaytonaSandbox`, `ModalSandbox`, `RunloopSandbox`,
    `VercelSandbox`, `E2BSandbox` and so on; one that is asynchronous, with `arun` and without sessions. How well
    programs are isolated, what they can reach and which libraries they find is up to the sandbox, which has to be
    a Linux with Python 3.10 or newer. It is neither started nor ended here.

    Programs see what those in a `ProcessExecutor` see: a new working directory for each run, removed afterwards,
    whose files come back, as do figures and the value of the last expression. Unlike there they find the
    environment of the sandbox, its files under absolute paths, and all of its memory. A run takes four requests to
    the backend. Programs cannot call functions of the host.

    Args:
        backend: An instance.
        timeout: Wall-clock seconds for a run whose request names none.
        output_bytes: How much of stdout, and of stderr, is kept: the head; the rest is dropped.
        file_bytes: The largest file that can be written, and the most that all files brought back from a run
            hold together.

    Raises:
        ConfigurationError: It is no backend with a shell, or a limit is not a positive number.
    """

    def __init__(
        self,
        backend: SandboxBackend,
        timeout: float = 30.0,
        *,
        output_bytes: int = MIB,
        file_bytes: int = 64 * MIB,
    ) -> None:
        lacking = [name for name in _METHODS if not callable(getattr(backend, name, None))]
        if lacking or isinstance(backend, type):
            raise ConfigurationError(
                "a backend is an instance of a SandboxBackendProtocol of deepagents, such as "
                f"DaytonaSandbox(sandbox=...), not {backend!r}"
                + (f": it lacks {lacking[0]}" if lacking else "")
            )
        super().__init__(timeout)
        check_counts(output_bytes=output_bytes, file_bytes=file_bytes)
        self.backend = backend
        self.name = type(backend).__name__
        self.limits = Limits(
            memory=sys.maxsize,
            cpu=0.0,
            tasks=sys.maxsize,
            open_files=_OPEN_FILES,
            file=file_bytes,
            disk=0,
            files=0,
            output=output_bytes,
        )

    def _open(self, *, lasts: bool) -> BackendSession:
        return BackendSession(self, lasts=lasts)


class BackendSession(RemoteSession[_Step]):
    """Runs that share a process of the sandbox: variables, imports and files of one are there in the next.

    The process waits for the next run for an hour at the most. A sandbox may also stop it with the command that
    has started it; then each run starts with nothing.
    """

    def __init__(self, executor: BackendExecutor, *, lasts: bool) -> None:
        super().__init__(executor.timeout)
        self._executor = executor
        self._lasts = lasts
        self._stem = f"tmp/codeexec-{secrets.token_hex(8)}"
        self._run = 0  # its number

    def _take(self, step: _Step) -> Any:
        method, argument, settings = step
        return getattr(self._executor.backend, method)(argument, **settings)

    async def _atake(self, step: _Step) -> Any:
        method, argument, settings = step
        backend = self._executor.backend
        if not _is_blocking(type(backend), method):
            return await getattr(backend, f"a{method}")(argument, **settings)
        # The twin would take one of the few threads of the event loop. Runs can hold all of them, and end in none.
        thread = ThreadPoolExecutor(1, "codeexec")
        call = partial(copy_context().run, getattr(backend, method), argument, **settings)
        response = asyncio.get_running_loop().run_in_executor(thread, call)
        thread.shutdown(wait=False)
        try:
            return await asyncio.shield(response)
        except asyncio.CancelledError:
            if method != "execute":  # which has yet to be ended, as files have yet to be there to be removed
                await asyncio.wait([response])
            raise

    def _steps(self, request: ExecutionRequest, timeout: float) -> _Steps[ExecutionResult]:
        names = [file.name for file in request.files]
        header = {"timeout": timeout, "last": not self._lasts, "files": names, "calls": None}
        sent = frames.encode(header, [source_bytes(request), *(file.data for file in request.files)])
        name, path = self._executor.name, f"/{self._stem}"
        with _failing(SandboxUnavailableError, f"{name} does not take files"):
            self._is_open = True
            uploads = yield "upload_files", [(f"{path}.pyz", _archive()), (f"{path}.request", sent)], {}
            for error in (upload.error for upload in uploads if upload.error):
                raise OSError(error)
        limits = self._executor.limits
        self._run += 1
        settings = {"limits": asdict(limits), "session": self._lasts, "idle": _IDLE, "run": self._run}
        with _failing(ExecutorError, f"{name} does not execute commands"):
            response = yield self._execution(
                _RUN, timeout + _GRACE, settings=shlex.quote(json.dumps(settings))
            )
            ending = _ending(response)
        with _failing(ExecutorError, f"{name} gives no result ({ending})"):
            if response.exit_code in _REFUSED:
                raise SandboxUnavailableError(f"{name}: {_REFUSED[response.exit_code]} ({ending})")
            [download] = yield "download_files", [f"{path}.{self._run}.result"], {}
            if download.content is None and response.exit_code == _TIMED_OUT:
                yield from self._end()  # it may still run
                detail = f"killed at the backend's own time limit ({ending})"
                return self._noted(ExecutionResult(Outcome.DEADLINE_EXCEEDED, detail=detail), is_new=False)
            if download.content is None:
                raise OSError(download.error)
            reply, blobs = _reply_from_bytes(download.content)
        named = replace(limits, memory=0)  # nobody has set it, so nothing is said of it
        result = result_from_reply(reply, blobs, named, timeout, last=not self._lasts)
        return self._noted(result, is_new=reply["first"])

    def _end(self) -> _Steps[None]:
        try:
            yield self._execution(_END, _GRACE)
        except Exception as error:  # noqa: BLE001 -- whatever a backend raises; the sandbox may be gone
            logger.warning(
                "%s may have kept files of a run, /%s.*: %s", self._executor.name, self._stem, error
            )

    def _execution(self, command: str, timeout: float, **words: str) -> _Step:
        takes_timeout = "timeout" in inspect.signature(self._executor.backend.execute).parameters
        settings = {"timeout": math.ceil(timeout)} if takes_timeout else {}
        return "execute", command.format(stem=self._stem, **words), settings


_METHODS: Final = ("execute", "upload_files", "download_files")
_OPEN_FILES: Final = 4096
_IDLE: Final = 3600
"""Seconds without a run after which the process of a session ends, should nobody end it."""
_GRACE: Final = 30.0
"""Seconds the backend may take beyond a program's time limit."""
_LONGEST_OUTPUT: Final = 2000  # characters of what a command has printed

_RUN: Final = """(
[ -e {stem}.pyz ] || cd /
for python in python3 python
do command -v $python >/dev/null && exec $python {stem}.pyz {settings}
done
exit 127)"""
"""Where a backend's paths begin in the folder that its commands begin in, the archive is found there."""
_END: Final = """(
for stem in {stem} /{stem}
do rm -f $stem.request
[ -e $stem.pid ] && kill $(cat $stem.pid)
rm -f $stem.*
done)"""
"""Without its request, a run that is only beginning ends by itself."""
_MAIN: Final = """\
import sys
if sys.version_info < (3, 10):
    sys.stderr.write(sys.version)
    sys.exit(69)
from codeexec_child.remote import main
sys.exit(main())
"""
_TIMED_OUT: Final = 124
_REFUSED: Final = {
    69: "Python 3.10 or newer is needed in the sandbox, not this one",
    127: "the sandbox has neither a python3 nor a python",
}


@cache
def _archive() -> bytes:
    """What `python3` executes in the sandbox: the modules that run programs on this machine, and their start."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("__main__.py", _MAIN)
        for module in resources(child).iterdir():
            if module.name.endswith(".py"):
                file.writestr(f"codeexec_child/{module.name}", module.read_bytes())
    return archive.getvalue()


_Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class _Reply(BaseModel, strict=True):
    """What became of a run. A program can have written anything, so all of it is checked."""

    end: str
    wall: _Seconds
    cpu: _Seconds
    lost: bool
    status: int
    value: str
    limit: str
    peak: NonNegativeInt
    truncated: tuple[bool, bool]
    images: list[str]
    files: list[str]
    more: bool
    blobs: list[NonNegativeInt]
    first: bool = False


_LENGTH: Final = struct.Struct("!I")


def _reply_from_bytes(data: bytes) -> tuple[dict[str, Any], list[bytes]]:
    """A reply, and its blobs; see `child.frames`.

    Raises:
        ValueError: It is none, or says that there is none.
    """
    start = _LENGTH.size + int.from_bytes(data[: _LENGTH.size])
    header = json.loads(data[_LENGTH.size : start])
    if isinstance(header, dict) and "error" in header:
        raise ValueError(header["error"])
    try:
        reply = _Reply.model_validate_json(data[_LENGTH.size : start]).model_dump()
    except ValidationError:
        raise ValueError("what was left is none; a program may have written over it") from None
    blobs = []
    for size in reply.pop("blobs"):
        blobs.append(data[start : start + size])
        start += size
    names = [*reply["images"], *reply["files"]]
    if start != len(data) or len(blobs) != 2 + len(names) or any("/" in name for name in names):
        raise ValueError("what was left is not whole")
    return reply, blobs


def _is_blocking(backend: type, method: str) -> bool:
    """Whether a class has a method of its own, and the asynchronous twin at most from a class that it extends."""
    names = ({method, f"a{method}"} & vars(each).keys() for each in backend.__mro__)
    return next(filter(None, names), None) == {method}


def _ending(response: Any) -> str:
    """How a command ended, in words."""
    output = str(response.output).strip()[-_LONGEST_OUTPUT:]
    return f"exit code {response.exit_code}" + (f", {output!r}" if output else "")


@contextmanager
def _failing(error_class: type[ExecutorError], words: str) -> Iterator[None]:
    """What a backend raises, whatever that is, as an error of ours."""
    try:
        yield
    except ExecutorError:
        raise
    except Exception as error:
        raise error_class(f"{words}: {error}") from error
