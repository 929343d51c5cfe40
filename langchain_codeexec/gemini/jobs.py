"""The batch jobs of the two services on the wire: requests that are answered within a day, for half the price.

Sources: the public references of the Gemini API's `batchGenerateContent` and `batches`, and of Vertex AI's
`batchPredictionJobs` with their guides to batch input; `batches` of google-genai 2.34 and 3.6.

| | Gemini API | Vertex AI |
|---|---|---|
| requests are | in the body up to 20 MB, else in a file of the Files API (2 GB) | in a file in Cloud Storage |
| a request | `{"key", "request"}`, in a body `{"request", "metadata": {"key"}}` | `{"request"}` |
| an answer | the same with `response` or `error` in place of `request` | `{"request", "response", "status"}` |
| states | `BATCH_STATE_*` in the `metadata` of an operation | `JOB_STATE_*` |

Vertex AI gives back each request and no key, and documents no order: the key goes along as a label of the request.
Its jobs can also read and write BigQuery tables (`bigquerySource.inputUri`, `bigqueryDestination.outputUri`, as
`bq://project.dataset.table`), which are not used here.
"""

from __future__ import annotations

import json
import shutil
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from typing import IO, Any, ClassVar, Final
from urllib.parse import quote, urlencode, urlsplit

from langchain_codeexec.errors import (
    BatchError,
    ConfigurationError,
    GeminiAPIError,
    MissingDependencyError,
    ResponseFormatError,
)
from langchain_codeexec.gemini.endpoints import resource_name
from langchain_codeexec.gemini.exchange import encoded
from langchain_codeexec.gemini.rest import RestTransport
from langchain_codeexec.gemini.wire import ResourceRequest, Transport

__all__ = ["LABEL", "BatchJobs", "batch_jobs"]

Json = dict[str, Any]

LABEL: Final = "batch_row"
"""The label of a request on Vertex AI that is its key."""
_MOST_INLINE: Final = 17_000_000
"""Bytes of lines that stay below the service's 20 MB, with what an inline request has around it."""
_PIECE: Final = 8 << 20
"""Bytes of a piece of an upload; the service takes multiples of its granularity, 256 KiB or 8 MiB."""
_ENDED: Final = frozenset({"SUCCEEDED", "PARTIALLY_SUCCEEDED", "FAILED", "CANCELLED", "EXPIRED"})


class BatchJobs(ABC):
    """The batch jobs of one service. Its methods raise what `Transport` raises.

    Args:
        carrier: What carries the requests.
    """

    _collection: ClassVar[str]
    _listed: ClassVar[str]

    def __init__(self, carrier: RestTransport) -> None:
        self._carrier = carrier

    @abstractmethod
    def line(self, key: str, request: Mapping[str, Any]) -> bytes:
        """A line of a job's requests.

        Args:
            key: Of the request; lower-case letters and digits, at most 63.
            request: Body of generateContent.
        """

    @abstractmethod
    def source(self, name: str, lines: IO[bytes]) -> Json:
        """The lines in a file as the input of a job, uploaded where the service reads them.

        Args:
            name: The job's display name.
            lines: The file.
        """

    @abstractmethod
    def create(self, model: str, name: str, source: Json) -> Json:
        """Create a job; gives it. It is not tried again after a failure that may have come after the creation.

        Args:
            model: Its model.
            name: Its display name.
            source: Its input.
        """

    @abstractmethod
    def save_answers(self, job: Json, target: IO[bytes]) -> None:
        """Write the answers there are of a job into a file, a line for each."""

    def _created(self, path: str, body: Json) -> Json:
        request = ResourceRequest(path, "POST", encoded(body), repeated_after=(GeminiAPIError,))
        return self._carrier.resource(request).json

    def get(self, name: str) -> Json:
        """The job of a resource name, as it is now."""
        return self._carrier.resource(ResourceRequest(quote(name))).json

    def cancel(self, name: str) -> None:
        """Ask the service to end a job."""
        self._carrier.resource(ResourceRequest(f"{quote(name)}:cancel", "POST"))

    def find(self, display_name: str) -> Json | None:
        """The job of a display name, if there is one."""
        query = {"pageSize": "100"}
        while True:
            page = self._carrier.resource(ResourceRequest(f"{self._collection}?{urlencode(query)}")).json
            for job in page.get(self._listed) or ():
                if self.facts(job).get("displayName") == display_name:
                    return dict(job)
            if not page.get("nextPageToken"):
                return None
            query["pageToken"] = page["nextPageToken"]

    def facts(self, job: Json) -> Json:
        """What a job says of itself: `state`, `displayName` and so on."""
        return job

    def state(self, job: Json) -> str:
        """Where a job is, without the prefix that differs: `RUNNING`, `SUCCEEDED`, …; empty if it is not told."""
        return str(self.facts(job).get("state", "")).rpartition("STATE_")[2]

    def has_ended(self, job: Json) -> bool:
        """Whether nothing more comes of a job."""
        return self.state(job) in _ENDED or job.get("done") is True


class _DeveloperJobs(BatchJobs):
    """Those of the Gemini API."""

    _collection = "batches"
    _listed = "operations"

    def line(self, key: str, request: Mapping[str, Any]) -> bytes:
        return encoded({"key": key, "request": request}) + b"\n"

    def source(self, name: str, lines: IO[bytes]) -> Json:
        size = lines.seek(0, 2)
        lines.seek(0)
        if size <= _MOST_INLINE:
            return {"requests": {"requests": [_inline(line) for line in lines]}}
        return {"fileName": self._uploaded(name, lines, size)}

    def create(self, model: str, name: str, source: Json) -> Json:
        path = f"{resource_name('developer', model)}:batchGenerateContent"
        return self._created(path, {"batch": {"displayName": name, "inputConfig": source}})

    def _uploaded(self, name: str, lines: IO[bytes], size: int) -> str:
        """The name of a file that is uploaded piece by piece."""
        headers = {
            "x-goog-upload-protocol": "resumable",
            "x-goog-upload-command": "start",
            "x-goog-upload-header-content-length": str(size),
            "x-goog-upload-header-content-type": "application/jsonl",
        }
        about = encoded({"file": {"displayName": name}})
        begun = self._carrier.resource(ResourceRequest("files", "POST", about, headers, uploads=True))
        # Of the URL only the query, which names the upload: credentials go to no other host.
        path = f"files?{urlsplit(begun.headers.get('x-goog-upload-url', '')).query}"
        offset = 0
        while True:
            piece = lines.read(_PIECE)
            is_last = offset + len(piece) == size
            headers = {
                "x-goog-upload-command": "upload, finalize" if is_last else "upload",
                "x-goog-upload-offset": str(offset),
            }
            request = ResourceRequest(
                path, "POST", piece, headers, uploads=True, repeated_after=(GeminiAPIError,)
            )
            if is_last:
                file = self._carrier.resource(request).json.get("file")
                if isinstance(file, dict) and file.get("name"):
                    return str(file["name"])
                raise ResponseFormatError("the upload of a job's requests gave no file")
            self._carrier.resource(request)
            offset += len(piece)

    def facts(self, job: Json) -> Json:
        return job.get("metadata") or {}

    def save_answers(self, job: Json, target: IO[bytes]) -> None:
        output = self.facts(job).get("output") or job.get("response") or {}
        if file := output.get("responsesFile"):
            self._carrier.resource(ResourceRequest(f"{quote(file)}:download?alt=media", into=target))
        for answer in (output.get("inlinedResponses") or {}).get("inlinedResponses") or ():
            target.write(json.dumps(answer).encode() + b"\n")


def _inline(line: bytes) -> Json:
    fields = json.loads(line)
    return {"request": fields["request"], "metadata": {"key": fields["key"]}}


class _VertexJobs(BatchJobs):
    """Those of Vertex AI.

    Args:
        carrier: What carries the requests.
        storage: URL of the folder in Cloud Storage (or wherever fsspec knows) that holds requests and answers.
    """

    _collection = "batchPredictionJobs"
    _listed = "batchPredictionJobs"

    def __init__(self, carrier: RestTransport, storage: str) -> None:
        super().__init__(carrier)
        self._storage = storage.rstrip("/")

    def line(self, key: str, request: Mapping[str, Any]) -> bytes:
        labels = {**request.get("labels", {}), LABEL: key}
        return encoded({"request": {**request, "labels": labels}}) + b"\n"

    def source(self, name: str, lines: IO[bytes]) -> Json:
        requests = f"{self._storage}/{name}/requests.jsonl"
        lines.seek(0)
        with _file_system(requests) as (files, path), files.open(path, "wb") as target:
            shutil.copyfileobj(lines, target)
        return {"instancesFormat": "jsonl", "gcsSource": {"uris": [requests]}}

    def create(self, model: str, name: str, source: Json) -> Json:
        destination = {"outputUriPrefix": f"{self._storage}/{name}/answers"}
        body = {
            "displayName": name,
            "model": resource_name("vertex", model),
            "inputConfig": source,
            "outputConfig": {"predictionsFormat": "jsonl", "gcsDestination": destination},
        }
        return self._created(self._collection, body)

    def save_answers(self, job: Json, target: IO[bytes]) -> None:
        folder = (job.get("outputInfo") or {}).get("gcsOutputDirectory") or (
            job.get("outputConfig", {}).get("gcsDestination", {}).get("outputUriPrefix")
        )
        if not folder:
            return
        with _file_system(folder) as (files, path):
            for each in sorted(files.find(path)):
                if each.endswith(".jsonl"):
                    with files.open(each, "rb") as source:
                        shutil.copyfileobj(source, target)
                    target.write(b"\n")  # of a file that was cut


@contextmanager
def _file_system(url: str) -> Iterator[tuple[Any, str]]:
    """The file system of a URL, its folders made where it has any, and the path there.

    Raises:
        BatchError: What was done there failed.
        MissingDependencyError: fsspec is not installed.
    """
    try:
        fsspec = import_module("fsspec.core")
    except ModuleNotFoundError as error:
        raise MissingDependencyError("fsspec", "files") from error
    try:
        files, path = fsspec.url_to_fs(url, auto_mkdir=True) if _is_local(url) else fsspec.url_to_fs(url)
        yield files, path
    except Exception as error:  # each file system has exceptions of its own
        raise BatchError(
            f"{url} cannot be read or written: {type(error).__name__}: {error}",
            remedy="check the folder and who may use it; gs:// needs gcsfs, which signs in as gcloud does",
        ) from error


def _is_local(url: str) -> bool:
    return "://" not in url or url.startswith("file://")


def batch_jobs(transport: Transport, storage: str = "") -> BatchJobs:
    """The batch jobs of the service that a transport reaches.

    Args:
        transport: A `RestTransport`.
        storage: URL of a folder in Cloud Storage, which Vertex AI reads requests from and writes answers to.

    Raises:
        ConfigurationError: The transport cannot reach any, Vertex AI has no project or no storage, or the
            Developer API is given a storage.
    """
    if getattr(transport, "api", "generate_content") != "generate_content":
        raise ConfigurationError("interactions have no batch jobs: set api='generate_content'")
    if not isinstance(transport, RestTransport):
        raise ConfigurationError(f"batch jobs go with a RestTransport, not {type(transport).__name__}")
    if transport.endpoint == "developer":
        if storage:
            raise ConfigurationError(
                f"storage={storage!r} is for jobs on Vertex AI, and the Developer API takes none: set "
                "vertexai=True, or give no storage"
            )
        return _DeveloperJobs(transport)
    if not transport.service.project:
        raise ConfigurationError("Vertex AI has batch jobs in a project only: set project=…")
    if not storage:
        raise ConfigurationError(
            "Vertex AI reads the requests of a job from Cloud Storage, and writes the answers there: give "
            "storage='gs://bucket/folder'"
        )
    return _VertexJobs(transport, storage)
