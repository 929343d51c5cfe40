"""The rows of a batch as a batch job of the service: submitted, followed and fetched, by any process.

A job costs half and is done within a day, mostly sooner. Each row is one request, which the chat model builds, and
whose response it reads, as for a call; the answers go to the output that `run_batch` writes. What failed there,
`run_batch(…, retry_failed=True)` or another job asks again.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from hashlib import blake2b
from pathlib import Path
from secrets import token_hex
from tempfile import TemporaryFile
from typing import IO, Any, Final, Self, TypeAlias

from langchain_core.language_models import LanguageModelInput
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.runnables import Runnable, RunnableBinding

from langchain_codeexec._steps import arun_steps, run_steps
from langchain_codeexec.batch.answers import answer_fields
from langchain_codeexec.batch.rows import BadRow, Json, Row, Source, read_rows
from langchain_codeexec.batch.run import OF_THE_ROW, Batch, BatchReport, job_path
from langchain_codeexec.call import Call
from langchain_codeexec.chat_model import ChatGeminiCodeExecution
from langchain_codeexec.errors import (
    BatchError,
    CodeExecError,
    ConfigurationError,
    GeminiAPIError,
    NotFoundError,
)
from langchain_codeexec.gemini.endpoints import resource_name
from langchain_codeexec.gemini.job_answers import JobAnswers
from langchain_codeexec.gemini.jobs import BatchJobs, batch_jobs
from langchain_codeexec.gemini.wire import EndpointKind
from langchain_codeexec.planning.plan import Plan

__all__ = ["BatchJob", "asubmit_batch", "submit_batch"]

_Llm: TypeAlias = Runnable[LanguageModelInput, BaseMessage]
_OnProgress: TypeAlias = Callable[[BatchReport], object]
_OnRefresh: TypeAlias = Callable[["BatchJob"], object]

_UNSAFE: Final = re.compile(r"[^A-Za-z0-9_-]+")  # in a URL of the storage
_LONGEST: Final = 64  # characters; a display name has at most 128


def submit_batch(  # noqa: PLR0913 -- one keyword for each setting
    rows: Source,
    llm: _Llm,
    output: str | Path,
    *,
    storage: str = "",
    retry_failed: bool = False,
    on_progress: _OnProgress | None = None,
) -> BatchJob:
    """Submit every row that the output does not hold yet as one batch job of the service.

    A row that cannot be read is set aside, and one that no request can be made of is written with its `error`, as
    by `run_batch`. So is a row that takes several requests: with code execution delegated beside functions, or
    with a schema that the model takes beside no tools.

    Args:
        rows: What to ask; see `run_batch`. Rows that are in no file have to be given again to `BatchJob.load`.
        llm: The chat model, or one that is bound to tools and settings. Its callbacks, cache and rate limiter have
            no part in a job.
        output: Where the answers are to go.
        storage: URL of a folder in Cloud Storage, such as `gs://bucket/folder`, that holds the requests and
            answers of a job on Vertex AI, and keeps them; fsspec reaches it, with gcsfs.
        retry_failed: Submit the rows again whose `error` is set.
        on_progress: Called with the report so far, at the beginning and after each row that is not submitted.

    Returns:
        The job, which is saved beside the output.

    Raises:
        BatchError: The job cannot be saved, or its requests cannot be written to the storage.
        ConfigurationError: There is a job for that output already, there is nothing to submit, or the model or the
            output is none that can be used.
        GeminiError: The service took no job.
    """
    output = Path(output)
    if job_path(output).exists():
        raise ConfigurationError(
            f"{job_path(output)} is a job whose answers are not fetched yet: BatchJob.load({str(output)!r}, llm)"
        )
    if isinstance(rows, Iterator):
        raise ConfigurationError(
            "the rows are read again when they are answered: give a list of them, or a file"
        )
    model = _JobModel(llm)
    service = batch_jobs(model.connection, storage)
    saved = _SavedJob(
        display_name=f"{_UNSAFE.sub('-', output.stem)[:_LONGEST]}-{token_hex(8)}",
        model=model.name,
        endpoint=model.endpoint,
        storage=storage,
        rows=str(Path(rows).resolve()) if isinstance(rows, str | Path) else "",
    )
    batch = Batch(rows, output, on_progress)
    with TemporaryFile() as lines:
        with batch.open(retry_failed=retry_failed):
            for row in filter(None, batch.new_rows()):
                try:
                    plan, request = model.call(row.request()).only_request()
                    lines.write(service.line(_key_of(row), request))
                except OF_THE_ROW as error:
                    batch.write(row, error)
                else:
                    saved.plans[_key_of(row)] = plan.to_dict()
        if not saved.plans:
            raise ConfigurationError(
                f"there is nothing to submit: {output} has an answer or an error for each row; retry_failed=True "
                "submits those with an error"
            )
        return BatchJob(saved, output, model, rows, _created(saved, job_path(output), service, lines))


def _created(saved: _SavedJob, path: Path, service: BatchJobs, lines: IO[bytes]) -> Json:
    """Have the service begin. The job is saved before, so that it is found whatever becomes of the answer."""
    saved.save(path)
    try:
        job = service.create(saved.model, saved.display_name, lines)
    except (BatchError, ConfigurationError, GeminiAPIError):  # after any other failure it may have begun
        path.unlink()
        raise
    saved.name = str(job.get("name", ""))
    saved.save(path)
    return job


async def asubmit_batch(rows: Source, llm: _Llm, output: str | Path, **settings: Any) -> BatchJob:
    """Submit a batch job without blocking the event loop; see `submit_batch`."""
    return await asyncio.to_thread(submit_batch, rows, llm, output, **settings)


@dataclass(kw_only=True, slots=True)
class _SavedJob:
    """What any process needs to go on with a job."""

    display_name: str
    model: str
    endpoint: EndpointKind
    storage: str
    rows: str  # their file; empty where they are in none
    name: str = ""  # empty until the service has said it
    plans: dict[str, Json] = field(default_factory=dict)  # what each request gets, by its key

    def save(self, path: Path) -> None:
        """Write it to a file, whole or not at all.

        Raises:
            BatchError: It cannot be written.
        """
        part = path.with_name(f".{path.name}.part")
        try:
            part.write_text(json.dumps(asdict(self)), encoding="utf-8")
            part.replace(path)
        except OSError as error:
            raise BatchError(
                f"the job cannot be saved in {path}: {error.strerror or error}",
                remedy="make room, and submit the rows again",
            ) from error


class BatchJob:
    """A batch job of the service: made by `submit_batch`, or loaded by any process while it is saved.

    `await job` waits until it has ended, and iterating over it gives each of its rows with the message for it.

    Attributes:
        resource: The job as the service last described it.
    """

    def __init__(
        self, saved: _SavedJob, output: Path, model: _JobModel, rows: Source, resource: Json | None = None
    ) -> None:
        self._output = output
        self._saved = saved
        self._model = model
        self._rows = rows
        self._service = batch_jobs(model.connection, saved.storage)
        self.resource = resource or {}

    @classmethod
    def load(cls, output: str | Path, llm: _Llm, *, rows: Source = "") -> BatchJob:
        """The job whose answers are to go to an output, and are not fetched yet.

        Args:
            output: The output that was given when it was submitted.
            llm: The chat model, as it was then.
            rows: The rows, where they were in no file, or are in another by now.

        Raises:
            ConfigurationError: There is no such job, its rows are missing, or the model reaches another service.
        """
        path = job_path(output)
        try:
            saved = _SavedJob(**json.loads(path.read_text(encoding="utf-8")))
        except OSError as error:
            raise ConfigurationError(
                f"{path} cannot be read: {error.strerror}. Submit a job first."
            ) from error
        except (ValueError, TypeError) as error:
            raise ConfigurationError(f"{path} is no saved job. Choose another output.") from error
        model = _JobModel(llm, saved.model)
        if model.endpoint != saved.endpoint:
            raise ConfigurationError(
                f"{path} is a job of the service {saved.endpoint!r}, and the model is reached at "
                f"{model.endpoint!r}: give it the settings that it was submitted with"
            )
        if not (rows or saved.rows):
            raise ConfigurationError(f"the rows of {path} were in no file: give them again, rows=…")
        return cls(saved, Path(output), model, rows or saved.rows)

    def __repr__(self) -> str:
        return f"BatchJob({self.name or self._saved.display_name!r}, {self.state or 'not asked for yet'})"

    def __len__(self) -> int:
        """How many rows were submitted."""
        return len(self._saved.plans)

    @property
    def name(self) -> str:
        """Its resource name, `batches/…` or `projects/…/batchPredictionJobs/…`."""
        return self._saved.name

    # -- following -------------------------------------------------------------------------------------

    @property
    def state(self) -> str:
        """Where it was last: `PENDING`, `RUNNING`, `SUCCEEDED`, `FAILED` or what else the service calls it."""
        return self._service.state(self.resource)

    @property
    def has_ended(self) -> bool:
        """Whether nothing more comes of it, as far as was known last."""
        return self._service.has_ended(self.resource)

    def refresh(self) -> None:
        """Ask the service for the job.

        Raises:
            BatchError: The service has no such job.
            GeminiError: It could not be asked.
        """
        saved = self._saved
        try:
            found = self._service.get(saved.name) if saved.name else self._service.find(saved.display_name)
        except NotFoundError:
            found = None
        if found is None:
            raise BatchError(
                f"the service has no job {saved.name or saved.display_name}",
                remedy=f"delete {job_path(self._output)} and submit the rows again",
            )
        self.resource, saved.name = found, str(found.get("name", saved.name))

    async def arefresh(self) -> None:
        """Ask for it without blocking the event loop; see `refresh`."""
        await asyncio.to_thread(self.refresh)

    def wait(self, poll: float = 30.0, on_refresh: _OnRefresh | None = None) -> Self:
        """Wait until the job has ended, well or not.

        Args:
            poll: Seconds between two looks.
            on_refresh: Called with the job after each look.

        Raises:
            BatchError: The service has no such job.
            GeminiError: It could not be asked.
        """
        run_steps(
            self._waiting(poll, on_refresh), lambda step: step() if callable(step) else time.sleep(step)
        )
        return self

    async def await_end(self, poll: float = 30.0, on_refresh: _OnRefresh | None = None) -> Self:
        """Wait without blocking the event loop; see `wait`."""
        await arun_steps(
            self._waiting(poll, on_refresh),
            lambda step: asyncio.to_thread(step) if callable(step) else asyncio.sleep(step),
        )
        return self

    def __await__(self) -> Generator[Any, Any, Self]:
        """Wait until the job has ended."""
        return self.await_end().__await__()

    def _waiting(
        self, poll: float, on_refresh: _OnRefresh | None
    ) -> Generator[Callable[[], None] | float, Any, None]:
        """What is to be done, or how many seconds to wait."""
        yield self.refresh
        while True:
            if on_refresh:
                on_refresh(self)
            if self.has_ended:
                return
            yield poll
            yield self.refresh

    def cancel(self) -> None:
        """Ask the service to end the job. Answers that it keeps can still be fetched, once it has ended.

        Raises:
            GeminiError: It could not be asked, or refused.
        """
        self._service.cancel(self.name)

    async def acancel(self) -> None:
        """Ask for its end without blocking the event loop; see `cancel`."""
        await asyncio.to_thread(self.cancel)

    # -- fetching --------------------------------------------------------------------------------------

    def results(self, on_progress: _OnProgress | None = None) -> BatchReport:
        """Write the answers of a job that has ended into the output; begun again after any end, it goes on.

        A row that has no answer says why in its `error`. Whatever else the service sent is set aside beside the
        output: lines that cannot be read, second answers, answers to rows that are not there any more.

        Args:
            on_progress: Called with the report so far, after each row.

        Raises:
            BatchError: The job has not ended, or the output cannot be written.
            ConfigurationError: The rows cannot be read, or the output is another's.
            GeminiError: The answers could not be fetched.
        """
        batch = Batch(self._rows, self._output, on_progress)
        with batch.open(retry_failed=False), self._answers() as answers:
            for row in filter(None, batch.new_rows()):
                if _key_of(row) in self._saved.plans:
                    outcome = self._outcome(row, answers)
                    batch.write(row, outcome if isinstance(outcome, Exception) else answer_fields(outcome))
            used = {_key_of(row) for row in self._submitted()}
            for reason, answer in answers.unmatched(used):
                batch.set_aside(BadRow(0, f"an answer of the job: {reason}", answer))
            report = batch.end()
        job_path(self._output).unlink(missing_ok=True)
        return report

    async def aresults(self, on_progress: _OnProgress | None = None) -> BatchReport:
        """Write them without blocking the event loop; see `results`."""
        return await asyncio.to_thread(self.results, on_progress)

    def __iter__(self) -> Iterator[tuple[Row, AIMessage | CodeExecError]]:
        """Each row of a job that has ended with its message, or with the reason why there is none.

        What else the service sent, `results` sets aside.
        """
        with self._answers() as answers:
            for row in self._submitted():
                yield row, self._outcome(row, answers)

    def _submitted(self) -> Iterator[Row]:
        for row in read_rows(self._rows):
            if isinstance(row, Row) and _key_of(row) in self._saved.plans:
                yield row

    @contextmanager
    def _answers(self) -> Iterator[JobAnswers]:
        if not self.has_ended:
            self.refresh()
        if not self.has_ended:
            raise BatchError(
                f"{self.name} has not ended, it is {self.state}", remedy="wait for it: job.wait()"
            )
        with TemporaryFile() as file:
            self._service.save_answers(self.resource, file)
            model = resource_name(self._saved.endpoint, self._saved.model)
            yield JobAnswers(file, self._saved.plans, model)

    def _outcome(self, row: Row, answers: JobAnswers) -> AIMessage | CodeExecError:
        key, saved = _key_of(row), self._saved
        try:
            if (response := answers.response(key)) is None:
                raise BatchError(
                    f"{self.name} ended as {self.state}{self._reason()}, without an answer to this row",
                    remedy="have the failed rows asked again (retry_failed), by another job or without one",
                )
            plan = {**saved.plans[key], "functions": tuple(saved.plans[key]["functions"])}
            # Without its files, which went with the request and need not be there any more.
            return self._model.call(row.messages).answer(Plan(**plan), response)[0]
        except CodeExecError as error:
            return error

    def _reason(self) -> str:
        error = self.resource.get("error")
        message = error.get("message") if isinstance(error, dict) else None
        return f" ({message})" if message else ""


class _JobModel:
    """What a job needs of a chat model.

    Args:
        llm: The chat model, bound or not.
        name: The model, where it is known already.

    Raises:
        ConfigurationError: It is something else.
    """

    def __init__(self, llm: _Llm, name: str = "") -> None:
        bound: Any = llm
        settings: Json = {}
        while isinstance(bound, RunnableBinding):
            settings = {**bound.kwargs, **settings}
            bound = bound.bound
        if not isinstance(bound, ChatGeminiCodeExecution):
            raise ConfigurationError(
                f"a job goes with a ChatGeminiCodeExecution, bound to tools or not, not with {bound!r:.100}"
            )
        self._llm = bound
        self._stop = settings.pop("stop", None)
        self.name = name or str(settings.get("model") or bound.model)
        self._settings: Final = {**settings, "model": self.name}
        self.connection: Final = bound.connection
        self.endpoint: Final = bound.endpoint

    def call(self, messages: list[BaseMessage]) -> Call:
        """The call that `invoke` would make."""
        return self._llm._call(messages, self._stop, self._settings)  # noqa: SLF001 -- not for users


def _key_of(row: Row) -> str:
    """The key of a row's request: of its id and what it asks, so that no answer goes to a changed row."""
    return blake2b(row.key + b"\0" + row.digest, digest_size=16).hexdigest()
