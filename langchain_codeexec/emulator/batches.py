"""Batch jobs: requests that are answered in the background, one after the other, as if each had come by itself.

What both services have in common, and the Batch API of the Gemini API; Vertex AI's jobs are in `prediction_jobs`.
As users quote recorded traffic: operations, their metadata, counts that are texts and absent at zero. From the
public reference: what comes in, and what goes out in the same order. The wordings of refusals are ours.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, ClassVar, TypeAlias

from langchain_codeexec.emulator.caching import Endpoint, Reply, Wrap
from langchain_codeexec.emulator.file_store import UploadedFiles, random_id
from langchain_codeexec.emulator.parsing import parse_json, parse_message
from langchain_codeexec.emulator.responses import json_response
from langchain_codeexec.emulator.schema import REQUESTS
from langchain_codeexec.emulator.service_errors import EmulatedError, error_from_exception, invalid, stamp
from langchain_codeexec.emulator.targets import Target, page_of
from langchain_codeexec.errors import MissingDependencyError
from langchain_codeexec.gemini.wire import EndpointKind

__all__ = ["Answering", "Batches", "Job", "JobRoutes", "read_rows"]

try:
    from starlette.requests import Request
    from starlette.responses import Response
except ImportError as error:
    raise MissingDependencyError("starlette", "emulator") from error

Answering: TypeAlias = Callable[[Any, Target], Awaitable[Mapping[str, Any]]]
"""Answers one request, whose method the target names, or raises what is wrong with it."""

_REMEMBERED = 1000


class Job:
    """One job, which belongs to the event loop.

    Attributes:
        name: Resource name.
        state: `PENDING`, `RUNNING`, and then `SUCCEEDED`, `FAILED` or `CANCELLED`.
        times: When it was created, updated, started and ended, by the names of the services.
        total: How many rows it has, once that is known.
        succeeded: The rows with a response.
        failed: The rows with an error.
        error: Why the job as a whole did not succeed.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.state = "PENDING"
        self.times: dict[str, datetime] = {}
        self.total = self.succeeded = self.failed = 0
        self.error: EmulatedError | None = None
        self._task: asyncio.Task[None] | None = None
        self._note("createTime")

    @property
    def is_over(self) -> bool:
        """Whether it has ended."""
        return "endTime" in self.times

    def counts(self, succeeded: str, failed: str, left: str) -> dict[str, str]:
        """The rows that were answered and those that were not, under the names of a service."""
        rest = self.total - self.succeeded - self.failed
        counts = {succeeded: self.succeeded, failed: self.failed, left: rest}
        return {name: str(count) for name, count in counts.items() if count}

    def as_json(self) -> dict[str, Any]:
        """What the service says about it."""
        raise NotImplementedError

    def start(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do the work in the background; whoever starts it sees it pending."""
        self._task = asyncio.get_running_loop().create_task(self._run(work))

    async def _run(self, work: Callable[[], Awaitable[None]]) -> None:
        self.state = "RUNNING"
        self._note("startTime")
        try:
            await work()
        except Exception as error:  # noqa: BLE001 -- whatever it fails with, its state says
            self._end("FAILED", error_from_exception(error))
        else:
            self._end("SUCCEEDED")

    async def answered(self, answer: Awaitable[Mapping[str, Any]]) -> Mapping[str, Any] | EmulatedError:
        """Await the response to a row, or what is wrong with it, and count it."""
        try:
            response: Mapping[str, Any] | EmulatedError = await answer
            self.succeeded += 1
        except Exception as error:  # noqa: BLE001 -- a row that fails is no failure of the job
            response = error_from_exception(error)
            self.failed += 1
        self._note("updateTime")
        return response

    async def cancel(self) -> None:
        """Stop it where it is."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        if not self.is_over:
            self._end("CANCELLED", EmulatedError(499))

    def _end(self, state: str, error: EmulatedError | None = None) -> None:
        self.state, self.error = state, error
        self._note("endTime")

    def _note(self, name: str) -> None:
        self.times[name] = self.times["updateTime"] = datetime.now(UTC)


def read_rows(data: bytes) -> list[bytes]:
    """The lines of an input file that are not blank."""
    return [line for line in data.splitlines() if line.strip()]


class JobRoutes:
    """What clients do with the jobs of one service, of which the last 1,000 are remembered.

    Attributes:
        endpoint: The service.
        prefix: What its paths begin with.
        collection: The jobs' name in a path.
        key: Their name in a list.
        creating: The ends of the paths that create one.
    """

    endpoint: ClassVar[EndpointKind]
    prefix: ClassVar[str]
    collection: ClassVar[str]
    key: ClassVar[str]
    creating: ClassVar[Sequence[str]]

    def __init__(self, answer: Answering, check_model: Callable[[Target], None]) -> None:
        self.answer = answer
        self.check_model = check_model
        self._jobs: dict[str, Job] = {}

    def routes(self, wrap: Wrap) -> list[tuple[list[str], str, Endpoint]]:
        """The HTTP methods, the path and the endpoint of each route."""
        jobs, job = f"/{self.collection}", f"/{self.collection}/{{job}}"
        rows: tuple[tuple[str, str, Reply], ...] = (
            *(("POST", path, self.create) for path in self.creating),
            ("POST", f"{job}:cancel", self.cancel),
            ("GET", jobs, self.list_all),
            ("GET", job, self.get),
            ("DELETE", job, self.delete),
        )
        return [
            ([method], f"{self.prefix}{path}", wrap(self.endpoint, reply)) for method, path, reply in rows
        ]

    async def close(self) -> None:
        """Stop and forget all jobs."""
        jobs = list(self._jobs.values())
        self._jobs.clear()
        for job in jobs:
            await job.cancel()

    def begun(self, job: Job, work: Callable[[], Awaitable[None]]) -> Response:
        """Start a job, remember it, and answer with it."""
        job.start(work)
        self._jobs[job.name] = job
        if len(self._jobs) > _REMEMBERED:
            del self._jobs[next(iter(self._jobs))]
        return json_response(job.as_json())

    def find(self, request: Request, target: Target) -> Job:
        """The job that a path names; an error where there is none."""
        name = f"{target.parent}{self.collection}/{request.path_params['job']}"
        if name not in self._jobs:
            raise EmulatedError(404)
        return self._jobs[name]

    async def create(self, request: Request, target: Target, body: Any) -> Response:
        """Begin a job."""
        raise NotImplementedError

    async def get(self, request: Request, target: Target, body: Any) -> Response:  # noqa: ARG002 -- a reply's signature
        """Describe a job."""
        return json_response(self.find(request, target).as_json())

    async def list_all(self, request: Request, target: Target, body: Any) -> Response:  # noqa: ARG002
        """Describe all jobs, the newest first, a page at a time."""
        prefix = f"{target.parent}{self.collection}/"
        jobs = [job.as_json() for name, job in self._jobs.items() if name.startswith(prefix)]
        return json_response(page_of(self.key, jobs[::-1], request.query_params))

    async def cancel(self, request: Request, target: Target, body: Any) -> Response:  # noqa: ARG002
        """Stop a job."""
        job = self.find(request, target)
        if job.is_over:
            raise EmulatedError(400, "FAILED_PRECONDITION", f"{job.name} is over: its state is {job.state}.")
        await job.cancel()
        return json_response({})

    async def delete(self, request: Request, target: Target, body: Any) -> Response:  # noqa: ARG002
        """Forget a job, and stop it."""
        job = self.find(request, target)
        del self._jobs[job.name]
        await job.cancel()
        return json_response({})


# -- the Gemini API ------------------------------------------------------------------------------------

_TYPES = "type.googleapis.com/google.ai.generativelanguage.v1main"
_KINDS = {
    "batchGenerateContent": ("GenerateContentBatch", "generateContent"),
    "asyncBatchEmbedContent": ("EmbedContentBatch", "embedContent"),
}
"""By method: what a batch is called, and the method that answers its rows."""


class _Batch(Job):
    """A job of the Gemini API.

    Attributes:
        output: Its responses, or the file they are in.
    """

    def __init__(self, target: Target, about: Mapping[str, Any], total: int) -> None:
        super().__init__(f"batches/{random_id(36)}")
        self.total = total
        self.output: dict[str, Any] = {}
        self._about = {"model": target.resource, **about}
        self._type = f"{_TYPES}.{_KINDS[target.action][0]}"

    def as_json(self) -> dict[str, Any]:
        """An operation, the batch being its metadata."""
        counts = self.counts("successfulRequestCount", "failedRequestCount", "pendingRequestCount")
        metadata = {
            "@type": self._type,
            **self._about,
            **({"output": self.output} if self.output else {}),
            **{name: stamp(time) for name, time in self.times.items() if name != "startTime"},
            "batchStats": {"requestCount": str(self.total), **counts},
            "state": f"BATCH_STATE_{self.state}",
            "name": self.name,
        }
        operation = {"name": self.name, "metadata": metadata}
        if not self.is_over:
            return operation
        if self.error is not None:
            return {**operation, "done": True, "error": self.error.as_status}
        return {**operation, "done": True, "response": {"@type": f"{self._type}Output", **self.output}}


class Batches(JobRoutes):
    """The batches of the Gemini API.

    Args:
        files: What was uploaded, and where responses go.
        answer: Answers a row.
        check_model: Refuses a model the service does not know.
    """

    endpoint, prefix, collection, key = "developer", "/{version}", "batches", "operations"
    creating = tuple(f"/models/{{model}}:{action}" for action in _KINDS)

    def __init__(
        self, files: UploadedFiles, answer: Answering, check_model: Callable[[Target], None]
    ) -> None:
        super().__init__(answer, check_model)
        self._files = files

    async def create(self, request: Request, target: Target, body: Any) -> Response:  # noqa: ARG002 -- a reply's signature
        """Begin a batch, whose file must be there."""
        row_target = replace(target, action=_KINDS[target.action][1])
        self.check_model(row_target)
        batch = parse_message(REQUESTS[target.action], body, target).get("batch") or {}
        source = batch.get("inputConfig") or {}
        file = source.get("fileName")
        rows = (source.get("requests") or {}).get("requests") or []
        if bool(file) == bool(rows):
            raise invalid("* batch.input_config: either requests or file_name is required.\n")
        about = {"displayName": batch.get("displayName", "")}
        if file:
            rows = read_rows(self._files.get(file).read())
            about["inputConfig"] = {"fileName": file}
        job = _Batch(target, about, len(rows))
        return self.begun(job, lambda: self._work(job, rows, row_target, in_file=bool(file)))

    async def _work(self, job: _Batch, rows: Sequence[Any], target: Target, *, in_file: bool) -> None:
        outcomes = [await self._outcome(job, row, target) for row in rows]
        if not in_file:
            job.output = {"inlinedResponses": {"inlinedResponses": outcomes}}
            return
        name = f"files/batch-{job.name.removeprefix('batches/')}"
        lines = (json.dumps(outcome).encode() + b"\n" for outcome in outcomes)
        self._files.generate(name, "application/jsonl", b"".join(lines))
        job.output = {"responsesFile": name}

    async def _outcome(self, job: _Batch, row: Any, target: Target) -> dict[str, Any]:
        """A row's response or error, beside what else it has: a key, or metadata."""
        kept: dict[str, Any] = {}

        async def answer() -> Mapping[str, Any]:
            fields = parse_json(row) if isinstance(row, bytes) else row
            if not isinstance(fields, dict):
                raise invalid('A line of the input is an object with a "request".')
            kept.update((name, value) for name, value in fields.items() if name != "request")
            return await self.answer(fields.get("request") or {}, target)

        outcome = await job.answered(answer())
        if isinstance(outcome, EmulatedError):
            return {"error": outcome.as_status, **kept}
        return {"response": outcome, **kept}
