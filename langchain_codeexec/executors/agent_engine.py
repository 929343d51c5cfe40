"""`AgentEngineExecutor`: programs in the sandboxes of Vertex AI Agent Engine, over the REST API alone.

Sources of the wire: google-cloud-aiplatform 2.7 (`sandboxEnvironments`), the service's public documentation, and
what users have observed of the results.
"""

from __future__ import annotations

import asyncio
import json
import logging
import math
import re
import time
from base64 import b64decode, b64encode
from collections.abc import Generator, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final, NamedTuple, TypeAlias, TypeVar

from langchain_codeexec.errors import (
    ConfigurationError,
    GeminiAPIError,
    GeminiError,
    GeminiTimeoutError,
    NotFoundError,
    ResponseFormatError,
    SandboxUnavailableError,
)
from langchain_codeexec.executions import ExecutionRequest, ExecutionResult, Outcome
from langchain_codeexec.executors.base import check_durations
from langchain_codeexec.executors.files import files_from_left, images_from_left, pictures_once
from langchain_codeexec.executors.remote import RemoteExecutor, RemoteSession
from langchain_codeexec.gemini.errors import excerpt
from langchain_codeexec.gemini.exchange import encoded
from langchain_codeexec.gemini.rest import RestTransport, rest_transport
from langchain_codeexec.gemini.wire import ResourceRequest

__all__ = ["AgentEngineExecutor", "AgentEngineSession"]

logger = logging.getLogger(__name__)


class AgentEngineExecutor(RemoteExecutor):
    """Runs Python programs in sandboxes of Vertex AI Agent Engine's code execution.

    The service isolates each sandbox, without a network, and has the usual libraries for data. Each run gets a new
    sandbox, which takes the service some seconds; a session keeps one. Files that a program makes in its working
    directory come back, PNG images among them as images; figures that are not saved do not, nor does the value of
    a last expression. Requests and results hold 100 MB at the most. Programs cannot call functions of the host.

    A run beyond its time limit is given up together with its sandbox. No program is sent a second time where
    nobody knows whether it ran.

    Args:
        engine: Resource name of the Agent Engine instance that the sandboxes belong to, `projects/…/locations/…/
            reasoningEngines/…`. Nothing needs to be deployed there.
        timeout: Seconds to wait for the result of a run whose request names none.
        ttl: Seconds after which the service deletes a sandbox that nobody has deleted, 14 days at the most.
        machine_config: Name of the service's for a larger machine, such as `MACHINE_CONFIG_VCPU4_RAM4GIB`.
        **settings: How requests get there: `credentials`, `base_url` and others of `rest_transport`.

    Raises:
        ConfigurationError: A setting is wrong.
    """

    name = "agent-engine"

    def __init__(
        self,
        engine: str,
        timeout: float = 60.0,
        *,
        ttl: float = 3600.0,
        machine_config: str = "",
        **settings: Any,
    ) -> None:
        super().__init__(timeout)
        check_durations(ttl=ttl)
        match = _ENGINE.fullmatch(engine)
        if match is None:
            raise ConfigurationError(
                "engine is the resource name of an Agent Engine instance, "
                f"projects/…/locations/…/reasoningEngines/…, not {engine!r}"
            )
        self.engine = engine
        self.ttl = ttl
        self.machine_config = machine_config
        self.transport: RestTransport = rest_transport(
            vertexai=True, project=match[1], location=match[2], **settings
        )

    def _open(self, *, lasts: bool) -> AgentEngineSession:  # noqa: ARG002 -- a sandbox serves one as it does more
        return AgentEngineSession(self)


class AgentEngineSession(RemoteSession["_Request"]):
    """Runs in one sandbox, whose interpreter and files stay from one to the next.

    Attributes:
        sandbox: Resource name of the sandbox; empty while there is none.
    """

    def __init__(self, executor: AgentEngineExecutor) -> None:
        super().__init__(executor.timeout)
        self._executor = executor
        self.sandbox = ""

    def _take(self, step: _Request) -> dict[str, Any]:
        if step.pause:
            time.sleep(step.pause)
        return self._executor.transport.resource(step.resource(), deadline=step.deadline).json

    async def _atake(self, step: _Request) -> dict[str, Any]:
        if step.pause:
            await asyncio.sleep(step.pause)
        send = self._executor.transport.aresource(step.resource(), deadline=step.deadline)
        if not step.path.endswith("/sandboxEnvironments"):
            return (await send).json
        creation = asyncio.ensure_future(send)
        try:
            return (await asyncio.shield(creation)).json
        except asyncio.CancelledError:
            with suppress(GeminiError):
                self._note((await creation).json)
            raise

    def _note(self, operation: Mapping[str, Any]) -> str:
        """Note what sandbox an operation makes, so that it can be deleted; gives the operation's name."""
        name = str(operation.get("name"))
        self.sandbox, self._is_open = name.partition("/operations/")[0], True
        return name

    def _steps(self, request: ExecutionRequest, timeout: float) -> _Steps[ExecutionResult]:
        body = {"inputs": _inputs(request)}
        is_new = not self.sandbox
        while True:
            if is_new:
                yield from self._create()
            began = time.monotonic()
            try:
                answer = yield _Request(f"{self.sandbox}:execute", "POST", body, deadline=timeout)
            except NotFoundError:
                if is_new:
                    raise
                is_new = True  # its time was over
            except GeminiTimeoutError:
                yield from self._end()
                result = ExecutionResult(Outcome.DEADLINE_EXCEEDED, detail=f"no result within {timeout:g} s")
                return self._noted(replace(result, wall_time=time.monotonic() - began), is_new=False)
            else:
                return self._noted(_result(answer, time.monotonic() - began), is_new=is_new)

    def _create(self) -> _Steps[None]:
        """Have the service make a sandbox.

        Raises:
            SandboxUnavailableError: It does not.
        """
        executor = self._executor
        machine = {"machineConfig": executor.machine_config} if executor.machine_config else {}
        environment = {"codeLanguage": "LANGUAGE_PYTHON", **machine}
        body = {
            "displayName": "langchain-codeexec",
            "spec": {"codeExecutionEnvironment": environment},
            "ttl": f"{math.ceil(executor.ttl)}s",
        }
        operation = yield _Request(f"{executor.engine}/sandboxEnvironments", "POST", body)
        name, pause, end = self._note(operation), _FIRST_PAUSE, time.monotonic() + _CREATING
        while not operation.get("done"):
            if time.monotonic() > end:
                raise SandboxUnavailableError(f"{name} has made no sandbox within {_CREATING:g} s")
            operation = yield _Request(name, pause=pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
        made = (operation.get("response") or {}).get("name")
        if not isinstance(made, str):
            raise SandboxUnavailableError(f"{name} has made no sandbox: {operation.get('error')}")
        self.sandbox = made

    def _end(self) -> _Steps[None]:
        sandbox, self.sandbox = self.sandbox, ""
        if "/sandboxEnvironments/" not in sandbox:
            return
        try:
            yield _Request(sandbox, "DELETE", deadline=_ENDING)
        except NotFoundError:
            return
        except GeminiError as error:
            logger.warning("%s was not deleted, and stays for %g s: %s", sandbox, self._executor.ttl, error)


_ENGINE: Final = re.compile(r"projects/([^/]+)/locations/([^/]+)/reasoningEngines/[^/]+")
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 2.0  # seconds between looks at whether a sandbox has been made
_CREATING, _ENDING = 300.0, 30.0  # seconds that a sandbox may take
_FAILED: Final = 106  # the status where a program raises, which its traceback tells better


class _Request(NamedTuple):
    """A request about a sandbox.

    Attributes:
        path: The resource's name, and what is done to it.
        method: HTTP's method.
        body: Its JSON, if it has one.
        pause: Seconds to wait before it.
        deadline: Seconds to wait for the answer; `None` for what the transport allows.
    """

    path: str
    method: str = "GET"
    body: Mapping[str, Any] | None = None
    pause: float = 0.0
    deadline: float | None = None

    def resource(self) -> ResourceRequest:
        """The request as the transport takes it."""
        body = b"" if self.body is None else encoded(self.body)
        after: tuple[type[GeminiError], ...] = (GeminiError,)
        if self.method == "POST":  # which may create a second sandbox, and never runs a program twice
            after = () if self.path.endswith(":execute") else (GeminiAPIError,)
        return ResourceRequest(self.path, self.method, body, repeated_after=after)


_Result = TypeVar("_Result")
_Steps: TypeAlias = Generator[_Request, Any, _Result]


def _inputs(request: ExecutionRequest) -> list[dict[str, Any]]:
    """The chunks of a program and its files."""
    code = json.dumps({"code": request.code}).encode()
    return [
        {"mimeType": "application/json", "data": b64encode(code).decode()},
        *(
            {
                "mimeType": file.mime_type,
                "data": file.base64,
                "metadata": {"attributes": {"file_name": b64encode(file.name.encode()).decode()}},
            }
            for file in request.files
        ),
    ]


def _result(answer: Mapping[str, Any], wall_time: float) -> ExecutionResult:
    """What the chunks of an answer say.

    Raises:
        ResponseFormatError: They are none.
    """
    printed: Mapping[str, Any] = {}
    left: list[tuple[str, bytes]] = []
    try:
        for chunk in answer.get("outputs") or ():
            data = _bytes(chunk.get("data", ""))
            name = ((chunk.get("metadata") or {}).get("attributes") or {}).get("file_name")
            if name is not None:
                left.append((_bytes(name).decode("utf-8", "replace").replace("/", "_"), data))
            elif chunk.get("mimeType") == "application/json":
                printed = dict(json.loads(data))
        status = printed.get("exit_status_int")
        images, files = pictures_once(images_from_left(left), files_from_left(left))
        return ExecutionResult(
            Outcome.UNSPECIFIED if status is None else Outcome.FAILED if status else Outcome.OK,
            stdout=str(printed.get("msg_out") or ""),
            stderr=str(printed.get("msg_err") or ""),
            images=images,
            files=files,
            wall_time=wall_time,
            detail=f"exit status {status}" if status and status != _FAILED else "",
        )
    except (AttributeError, TypeError, ValueError) as error:
        raise _unreadable(json.dumps(answer).encode(), error) from error


def _unreadable(body: bytes, error: Exception) -> ResponseFormatError:
    return ResponseFormatError(f"Agent Engine's answer cannot be read: {error}", body=excerpt(body))


def _bytes(text: str) -> bytes:
    """Base64 of either alphabet."""
    return b64decode(text.translate(_STANDARD), validate=True)


_STANDARD: Final = str.maketrans("-_", "+/")
