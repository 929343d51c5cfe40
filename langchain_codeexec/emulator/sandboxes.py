"""Code execution of Vertex AI Agent Engine: engines, and sandboxes that keep their state from run to run.

As users report: the JSON of a run, its exit status of 106 where a program raises, that only files come back which
it made, and that a deleted sandbox is a 404. From the public reference: resources and operations. The wordings of
refusals are ours. Libraries and limits are those of the executor.
"""

from __future__ import annotations

import asyncio
import base64
import json
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from langchain_codeexec.emulator.answering import Sessions
from langchain_codeexec.emulator.caching import Endpoint, Reply, Wrap, expiry
from langchain_codeexec.emulator.interactions.environments import Environment
from langchain_codeexec.emulator.parsing import bytes_from_base64, parse_json, parse_message
from langchain_codeexec.emulator.responses import json_response
from langchain_codeexec.emulator.service_errors import (
    EmulatedError,
    error_from_exception,
    invalid,
    not_prepared,
    stamp,
)
from langchain_codeexec.emulator.targets import Target, page_of
from langchain_codeexec.errors import ExecutorError, MissingDependencyError
from langchain_codeexec.executions import ExecutionRequest, ExecutionResult, InlineFile, Outcome

__all__ = ["Sandboxes"]

try:
    from starlette.requests import Request
    from starlette.responses import Response
except ImportError as error:
    raise MissingDependencyError("starlette", "emulator") from error

_MOST, _REMEMBERED = 50, 1000
_DEFAULT_TTL = timedelta(days=14)
_RAISED = 106
_JSON, _NAME = "application/json", "file_name"
_NOT_COVERED = (
    "computerUseEnvironment shellEnvironment sandboxEnvironmentTemplate sandboxEnvironmentSnapshot".split()
)


@dataclass(frozen=True, slots=True)
class _Sandbox:
    """A sandbox and when it ends."""

    environment: Environment
    expires: datetime

    def close(self) -> None:
        self.environment.cancel()
        self.environment.close()


class Sandboxes:
    """The engines and their sandboxes. It belongs to the event loop.

    Args:
        executor: What runs their code.
        now: A clock that has a zone.
    """

    def __init__(self, executor: Sessions, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._executor = executor
        self._now = now
        self._resources: dict[str, Mapping[str, Any]] = {}
        self._sandboxes: dict[str, _Sandbox] = {}
        self._operations: dict[str, Mapping[str, Any]] = {}

    def close(self) -> None:
        """End and forget all of them."""
        self._forget(list(self._resources))
        self._operations.clear()

    def routes(self, wrap: Wrap) -> list[tuple[list[str], str, Endpoint]]:
        """The HTTP methods, the path and the endpoint of each route."""
        engines = "/{version}/projects/{project}/locations/{location}/reasoningEngines"
        sandboxes = f"{engines}/{{engine}}/sandboxEnvironments"
        one_of_each = (f"{engines}/{{engine}}", f"{sandboxes}/{{sandbox}}")
        rows: tuple[tuple[str, str, Reply], ...] = (
            ("POST", engines, self._create_engine),
            ("POST", sandboxes, self._create_sandbox),
            *(("POST", f"{sandboxes}/{{sandbox}}{end}", self._execute) for end in (":execute", "/:execute")),
            *(("GET", path, self._list) for path in (engines, sandboxes)),
            *(("GET", f"{path}/operations/{{operation}}", self._get) for path in one_of_each),
            *(("GET", path, self._get) for path in one_of_each),
            *(("DELETE", path, self._delete) for path in one_of_each),
        )
        return [([method], path, wrap("vertex", reply)) for method, path, reply in rows]

    async def _create_engine(self, request: Request, target: Target, body: Any) -> Response:
        about = parse_message("ReasoningEngine", body, target)
        if about.get("spec"):
            raise not_prepared(
                "This emulator deploys no agents: create an engine without a spec, for sandboxes."
            )
        return self._created(_new_name(request), about, self._now())

    async def _create_sandbox(self, request: Request, target: Target, body: Any) -> Response:
        self._find(_path(request).rpartition("/")[0])
        about = parse_message("SandboxEnvironment", body, target)
        spec = about.get("spec") or {}
        if named := [name for name in _NOT_COVERED if name in spec or name in about]:
            raise not_prepared(f"This emulator has sandboxes for code execution alone, and no {named[0]}.")
        if (spec.get("codeExecutionEnvironment") or {}).get("codeLanguage") == "LANGUAGE_JAVASCRIPT":
            raise not_prepared("This emulator runs no JavaScript: set the code language to LANGUAGE_PYTHON.")
        if len(self._sandboxes) >= _MOST:
            raise EmulatedError(429, message=f"This emulator keeps {_MOST} sandboxes at a time: delete some.")
        now = self._now()
        expires = expiry(about, now, "sandbox_environment") or now + _DEFAULT_TTL
        about = {name: value for name, value in about.items() if name != "ttl"}
        name = _new_name(request)
        self._sandboxes[name] = _Sandbox(Environment(self._executor), expires)
        return self._created(name, {**about, "expireTime": stamp(expires), "state": "STATE_RUNNING"}, now)

    def _created(self, name: str, about: Mapping[str, Any], now: datetime) -> Response:
        times = dict.fromkeys(("createTime", "updateTime"), stamp(now))
        self._resources[name] = {"name": name, **about, **times}
        return self._operation_of(name, self._resources[name])

    def _operation_of(self, name: str, response: Mapping[str, Any]) -> Response:
        """Answer with an operation, which is over when it is looked at."""
        times = dict.fromkeys(("createTime", "updateTime"), stamp(self._now()))
        operation = {
            "name": (operation_name := f"{name}/operations/{_new_id()}"),
            "metadata": {"genericMetadata": times},
        }
        self._operations[operation_name] = {**operation, "done": True, "response": response}
        if len(self._operations) > _REMEMBERED:
            del self._operations[next(iter(self._operations))]
        return json_response(operation)

    async def _get(self, request: Request, target: Target, body: Any) -> Response:  # noqa: ARG002 -- a reply's signature
        name = _path(request)
        return json_response(self._operations.get(name) or self._find(name))

    async def _list(self, request: Request, target: Target, body: Any) -> Response:  # noqa: ARG002
        if request.query_params.get("filter"):
            raise not_prepared("This emulator lists all there are: it does not know filters.")
        self._forget_expired()
        path = _path(request)
        listed = [about for name, about in self._resources.items() if name.rpartition("/")[0] == path]
        return json_response(page_of(path.rpartition("/")[2], listed, request.query_params))

    async def _delete(self, request: Request, target: Target, body: Any) -> Response:
        name = _path(request)
        self._find(name)
        force = parse_message("DeleteReasoningEngineRequest", body, target).get("force")
        within = [sandbox for sandbox in self._sandboxes if sandbox.startswith(f"{name}/")]
        if within and not (force or request.query_params.get("force") == "true"):
            message = f"{name} has sandboxes: delete them first, or set force."
            raise EmulatedError(400, "FAILED_PRECONDITION", message)
        self._forget([*within, name])
        return self._operation_of(name, {"@type": "type.googleapis.com/google.protobuf.Empty"})

    async def _execute(self, request: Request, target: Target, body: Any) -> Response:
        """Run a program after those before; that it fails is an answer like any other."""
        name = _path(request).removesuffix(":execute").removesuffix("/")
        self._find(name)
        inputs = parse_message("ExecuteSandboxEnvironmentRequest", body, target).get("inputs") or []
        try:
            result = await asyncio.wrap_future(self._sandboxes[name].environment.submit(_program(inputs)))
        except ExecutorError as error:
            raise error_from_exception(error) from error
        return json_response({"outputs": list(_outputs(result))})

    def _find(self, name: str) -> Mapping[str, Any]:
        self._forget_expired()
        if name not in self._resources:
            raise EmulatedError(404, message=f"Requested entity was not found: {name}.")
        return self._resources[name]

    def _forget_expired(self) -> None:
        now = self._now()
        self._forget([name for name, sandbox in self._sandboxes.items() if sandbox.expires <= now])

    def _forget(self, names: Sequence[str]) -> None:
        for name in names:
            del self._resources[name]
            if name in self._sandboxes:
                self._sandboxes.pop(name).close()


def _path(request: Request) -> str:
    """The resource that a URL names, or a collection."""
    return f"projects/{request.url.path.partition('/projects/')[2]}"


def _new_name(request: Request) -> str:
    return f"{_path(request)}/{_new_id()}"


def _new_id() -> int:
    return secrets.randbelow(9 * 10**18) + 10**18


def _program(inputs: Sequence[Mapping[str, Any]]) -> ExecutionRequest:
    """The program, which is in a chunk of JSON, and its files, which are chunks with names."""
    codes: list[str] = []
    files: list[InlineFile] = []
    for chunk in inputs:
        data, mime_type = bytes_from_base64(chunk.get("data", "")), chunk.get("mimeType", "")
        name = ((chunk.get("metadata") or {}).get("attributes") or {}).get(_NAME)
        if name is not None:
            files.append(InlineFile(data, mime_type, bytes_from_base64(name).decode("utf-8", "replace")))
            continue
        parsed = parse_json(data) if mime_type == _JSON else None
        if not isinstance(parsed, dict) or not isinstance(parsed.get("code"), str) or codes:
            raise invalid(
                'The inputs are one {"code": ...} of type application/json, and files with a file_name.'
            )
        codes.append(parsed["code"])
    return ExecutionRequest("".join(codes), files=tuple(files))


def _outputs(result: ExecutionResult) -> Iterator[dict[str, Any]]:
    """What a program printed, as JSON, and the files it made; figures that it only showed are none."""
    status = 0 if result.outcome is Outcome.OK else _RAISED
    errors = "\n".join(text for text in (result.stderr, result.detail) if text)
    printed = {"exit_status_int": status, "msg_err": errors, "msg_out": result.stdout}
    yield {"mimeType": _JSON, "data": base64.b64encode(json.dumps(printed).encode()).decode("ascii")}
    shown = {f"image_{index}.png" for index in range(len(result.images))}  # names that the executor gives
    saved = (image for image in result.images if image.name not in shown)
    for file in (*result.files, *saved):
        attributes = {_NAME: base64.b64encode(file.name.encode()).decode("ascii")}
        yield {"mimeType": file.mime_type, "data": file.base64, "metadata": {"attributes": attributes}}
