"""Batch prediction jobs of Vertex AI: from a file of requests in Cloud Storage to one of responses.

A folder stands for Cloud Storage, each folder in it for a bucket: `gs://bucket/path` is `folder/bucket/path`. From
the public documentation: the fields of a job, the lines of both files, and that an answer is written once it is
there. As users report: a line's other fields are kept. The wordings of refusals are ours.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from http.client import responses as phrases
from pathlib import Path
from typing import Any

from langchain_codeexec.emulator.batches import Answering, Job, JobRoutes, read_rows
from langchain_codeexec.emulator.file_store import random_id
from langchain_codeexec.emulator.parsing import parse_json, parse_message
from langchain_codeexec.emulator.responses import json_response
from langchain_codeexec.emulator.service_errors import EmulatedError, invalid, not_prepared, stamp
from langchain_codeexec.emulator.targets import Target
from langchain_codeexec.errors import MissingDependencyError

__all__ = ["PredictionJobs"]

try:
    from starlette.requests import Request
    from starlette.responses import Response
except ImportError as error:
    raise MissingDependencyError("starlette", "emulator") from error

_MOST_PARTIAL_FAILURES = 20


class _Buckets:
    """The folder that stands for Cloud Storage."""

    def __init__(self, folder: str | Path | None) -> None:
        self._folder = None if folder is None else Path(folder).resolve()

    def path(self, uri: str) -> Path:
        """Where an object is, or is to be; an error where the URI is none, or there is no such bucket."""
        if self._folder is None:
            raise not_prepared(
                "This emulator has no Cloud Storage: give it a folder that stands for it (buckets)."
            )
        bucket, _, name = uri.removeprefix("gs://").partition("/")
        home = self._folder / bucket
        try:
            path, has_bucket = (home / name).resolve(), home.is_dir()
        except (OSError, ValueError):  # names that no file can have
            path, has_bucket = home, False
        if not uri.startswith("gs://") or not name or home.parent != self._folder or home not in path.parents:
            raise invalid(f"{uri!r} is no URI of an object in Cloud Storage: gs://bucket/path.")
        if not has_bucket:
            raise EmulatedError(404, message=f"The specified bucket does not exist: {bucket}.")
        return path

    def rows(self, uri: str) -> list[dict[str, Any]]:
        """The lines of an object; an error where it is not there, or a line is no request."""
        path = self.path(uri)
        if not path.is_file():
            raise EmulatedError(404, message=f"No such object: {uri}.")
        rows = [parse_json(line) for line in read_rows(path.read_bytes())]
        for number, row in enumerate(rows, 1):
            if not isinstance(row, dict) or "request" not in row:
                raise invalid(f'Failed to import data: line {number} of {uri} is no object with a "request".')
        return rows


class _PredictionJob(Job):
    """A job of Vertex AI.

    Attributes:
        directory: URI of the folder with its output, once that is there.
    """

    def __init__(self, target: Target, about: Mapping[str, Any]) -> None:
        super().__init__(f"{target.parent}batchPredictionJobs/{secrets.randbelow(9 * 10**18) + 10**18}")
        self.directory = ""
        self._about = about
        self._failures: list[dict[str, Any]] = []

    def as_json(self) -> dict[str, Any]:
        """The resource; fields without a value are absent."""
        results = {
            "outputInfo": {"gcsOutputDirectory": self.directory} if self.directory else None,
            "error": self.error and self.error.as_status,
            "partialFailures": self._failures,
            "completionStats": self.counts("successfulCount", "failedCount", "incompleteCount"),
        }
        return {
            "name": self.name,
            **self._about,
            "state": f"JOB_STATE_{self.state}",
            **{name: stamp(time) for name, time in self.times.items()},
            **{name: value for name, value in results.items() if value},
        }

    def line(self, row: Mapping[str, Any], outcome: Mapping[str, Any] | EmulatedError) -> str:
        """A line of the output."""
        status = ""
        if isinstance(outcome, EmulatedError):
            phrase = phrases.get(outcome.status_code, outcome.status)
            status = f"{phrase}: {json.dumps(outcome.envelope)}"
            self._failures = [*self._failures, outcome.as_status][:_MOST_PARTIAL_FAILURES]
            outcome = {}
        processed = datetime.now(UTC).isoformat(timespec="milliseconds")
        return json.dumps({"status": status, "processed_time": processed, **row, "response": outcome}) + "\n"


class PredictionJobs(JobRoutes):
    """The batch prediction jobs of Vertex AI.

    Args:
        buckets: The folder that stands for Cloud Storage.
        answer: Answers a row.
        check_model: Refuses a model the service does not know.
    """

    endpoint, prefix = "vertex", "/{version}/projects/{project}/locations/{location}"
    collection = key = "batchPredictionJobs"
    creating = (f"/{collection}",)

    def __init__(
        self, buckets: str | Path | None, answer: Answering, check_model: Callable[[Target], None]
    ) -> None:
        super().__init__(answer, check_model)
        self._buckets = _Buckets(buckets)

    async def create(self, request: Request, target: Target, body: Any) -> Response:  # noqa: ARG002 -- a reply's signature
        """Begin a job, which fails where its input is not there."""
        about = {"displayName": "", **parse_message("BatchPredictionJob", body, target)}
        target = replace(target, model=about.get("model", "").rpartition("/")[2], action="generateContent")
        self.check_model(target)
        source, destination = about.get("inputConfig") or {}, about.get("outputConfig") or {}
        sources = (source.get("gcsSource") or {}).get("uris")
        prefix = (destination.get("gcsDestination") or {}).get("outputUriPrefix", "").rstrip("/")
        if not sources or not prefix:
            raise not_prepared(
                "This emulator has batch prediction from Cloud Storage to Cloud Storage alone: set "
                "inputConfig.gcsSource.uris and outputConfig.gcsDestination.outputUriPrefix."
            )
        directory = f"{prefix}/prediction-model-{stamp(datetime.now(UTC))}"
        for uri in (*sources, directory):
            self._buckets.path(uri)
        job = _PredictionJob(target, about)
        return self.begun(job, lambda: self._work(job, sources, directory, target))

    async def _work(
        self, job: _PredictionJob, sources: Sequence[str], directory: str, target: Target
    ) -> None:
        rows = [row for uri in sources for row in await asyncio.to_thread(self._buckets.rows, uri)]
        job.total = len(rows)
        folder = self._buckets.path(directory)
        folder.mkdir(parents=True)
        job.directory = directory
        with (folder / "predictions.jsonl").open("w", encoding="ascii") as output:
            for row in rows:
                outcome = await job.answered(self.answer(row["request"], target))
                output.write(job.line(row, outcome))
                output.flush()

    async def list_all(self, request: Request, target: Target, body: Any) -> Response:
        """Refuse a filter, which would have to be understood."""
        if request.query_params.get("filter"):
            raise not_prepared("This emulator lists all batch prediction jobs: it does not know filters.")
        return await super().list_all(request, target, body)

    async def delete(self, request: Request, target: Target, body: Any) -> Response:
        """Forget a job that is over; the answer is an operation that is over as well."""
        job = self.find(request, target)
        if not job.is_over:
            raise EmulatedError(400, "FAILED_PRECONDITION", f"{job.name} is not over: cancel it first.")
        await super().delete(request, target, body)
        empty = {"@type": "type.googleapis.com/google.protobuf.Empty"}
        return json_response(
            {"name": f"{job.name}/operations/{random_id(19)}", "done": True, "response": empty}
        )
