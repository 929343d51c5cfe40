"""A batch: rows asked side by side, each answered once however often it is begun anew."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from functools import partial
from math import inf
from pathlib import Path
from typing import Final

from langchain_core.rate_limiters import BaseRateLimiter
from langchain_core.runnables import Runnable

from langchain_codeexec.batch.answers import Ask, Model, ask, described, failure, renamed, resolved
from langchain_codeexec.batch.cluster import RayWorkers
from langchain_codeexec.batch.journal import Claim, Journal
from langchain_codeexec.batch.rows import BadRow, Json, Row, Source, read_rows
from langchain_codeexec.batch.tables import TABLES, check_table, write_table
from langchain_codeexec.errors import (
    BatchError,
    ConfigurationError,
    DataError,
    InvalidRequestError,
    MessageError,
    PlanningError,
    ToolDeclarationError,
)

__all__ = ["OF_THE_ROW", "Batch", "BatchReport", "arun_batch", "job_path", "run_batch"]

OF_THE_ROW: Final = (DataError, MessageError, PlanningError, ToolDeclarationError)
"""Errors that come before the service is asked; any other may be its own, and is held back until it answers."""

_PATIENCE: Final = 10
_AHEAD: Final = 4
"""How many times the concurrency may be asked ahead of a row that is waited for, where order is kept."""


@dataclass(slots=True)
class BatchReport:
    """How far a batch is.

    Attributes:
        output: The file with the answers.
        bad_rows: The file with the rows that could not be asked.
        total: Rows of the input; `None` where they cannot be counted beforehand.
        earlier: Rows that an earlier run wrote.
        earlier_failed: How many of these have an error.
        answered: Rows that were answered in this run.
        failed: Rows whose `error` says why they were not.
        bad: Rows that could not be asked and are set aside.
        repeated: Rows that were asked again because the worker that asked them was lost.
        unknown: Rows of the output that the input does not have; known at the end.
        input_tokens: Tokens that went in, in this run.
        output_tokens: Tokens that came out, thinking included.
    """

    output: Path
    bad_rows: Path
    total: int | None = None
    earlier: int = 0
    earlier_failed: int = 0
    answered: int = 0
    failed: int = 0
    bad: int = 0
    repeated: int = 0
    unknown: int = 0
    input_tokens: int = 0
    output_tokens: int = 0

    @property
    def written(self) -> int:
        """Rows that this run wrote."""
        return self.answered + self.failed


def run_batch(  # noqa: PLR0913 -- as arun_batch
    rows: Source,
    llm: Model,
    output: str | Path,
    *,
    concurrency: int = 8,
    ordered: bool = False,
    retry_failed: bool = False,
    patience: int | None = None,
    rate_limiter: BaseRateLimiter | None = None,
    ray: str | None = None,
    on_progress: Callable[[BatchReport], object] | None = None,
) -> BatchReport:
    """Ask every row of a batch that the output does not hold yet; see `arun_batch`.

    Raises:
        ConfigurationError: It is called in an event loop, a notebook's for example; await `arun_batch` there.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        pass
    else:
        raise ConfigurationError("an event loop is running here; write `await arun_batch(…)` instead")
    return asyncio.run(
        arun_batch(
            rows,
            llm,
            output,
            concurrency=concurrency,
            ordered=ordered,
            retry_failed=retry_failed,
            patience=patience,
            rate_limiter=rate_limiter,
            ray=ray,
            on_progress=on_progress,
        )
    )


async def arun_batch(  # noqa: PLR0913 -- one for each choice
    rows: Source,
    llm: Model,
    output: str | Path,
    *,
    concurrency: int = 8,
    ordered: bool = False,
    retry_failed: bool = False,
    patience: int | None = None,
    rate_limiter: BaseRateLimiter | None = None,
    ray: str | None = None,
    on_progress: Callable[[BatchReport], object] | None = None,
) -> BatchReport:
    """Ask every row of a batch that the output does not hold yet, several at a time.

    A row has a `question` or `messages`, and may have an `id` (else its number from 1 on is its id), `system` and
    `files` (a path or a list of them, relative to the input's folder, of any file that this process can read). The
    output's row has the `id`, the row's own fields, and `answer`, `runs`, `plan`, `usage`, `error` and what else
    the answer's record has (`langchain_codeexec.records.json_record`). A field of the row's own with such a name
    becomes `input_answer` and so on.

    The output says what is done: begun again after whatever end, a batch asks only what it lacks. Input is read
    no further ahead than rows are asked. Rows that cannot be asked (no JSON, no question, an id that another row
    has) are set aside beside it, in `….bad.jsonl`. Where row after row fails for a reason that need not be the
    row's, the batch stops, and those rows are not written.

    Args:
        rows: A file (JSON Lines, `.csv`, `.parquet`), or mappings, such as `iter_rows()` of a Ray dataset.
        llm: The model, with its own retries and its own rate limiter if it has one; or a function that makes it.
        output: The file for the answers. JSON Lines, or with the suffix `.csv` or `.parquet` a table, which is
            written when all rows are done, from the lines of `<output>.jsonl`.
        concurrency: How many rows are asked at a time.
        ordered: Write rows in the order of the input, behind those that an earlier run wrote. A row that takes
            long holds up at most four times `concurrency` others.
        retry_failed: Ask rows of the output that have an error once more.
        patience: How many rows may fail one after the other for a reason that may be the service's; by default 10,
            or twice the concurrency if that is more.
        rate_limiter: What each row waits for before it is asked, such as langchain-core's `InMemoryRateLimiter`.
        ray: Ask on a Ray cluster: its address, or `auto` for the one of this machine, or `local` for one that is
            started and ended here (`ray.init`); where Ray runs in this process already, that one asks. Each
            CPU gets a worker with a model of its own, unpickled there, or made there by the function. Rows and
            files are read, and answers written, by this process alone, and `concurrency`, `patience` and
            `rate_limiter` count for all workers together. A row whose worker is lost is asked once more. A key in
            the model goes along, in clear text unless Ray has TLS; a function may read the node's own instead.
        on_progress: Called with the report after each row.

    Returns:
        What was done.

    Raises:
        BatchError: The batch stopped before its end, because row after row failed, the output cannot be written
            or no Ray worker is left; what is written stays, and the same call goes on.
        ConfigurationError: The input cannot be read, the output is another's, another input's or a batch job's, or
            the model cannot be sent to Ray's workers.
        MissingDependencyError: pyarrow is not installed, and a file is Parquet; or Ray is not.
    """
    patience = max(_PATIENCE, 2 * concurrency) if patience is None else patience
    for name, number in (("concurrency", concurrency), ("patience", patience)):
        if not isinstance(number, int) or number < 1:
            raise ConfigurationError(f"{name}={number!r} must be a whole number above 0")
    if not isinstance(llm, Runnable) and not callable(llm):
        raise ConfigurationError(f"llm is a chat model, or a function that makes one, not {llm!r:.100}")
    batch = Batch(rows, Path(output), on_progress, patience)
    async with AsyncExitStack() as stack:
        if ray is None:
            ask_model: Ask = partial(ask, resolved(llm))
        else:
            workers = RayWorkers(llm, ray, concurrency=concurrency, on_repeat=batch.count_repeat)
            ask_model = (await stack.enter_async_context(workers)).ask
        stack.enter_context(await asyncio.to_thread(batch.open, retry_failed=retry_failed))
        window = _Window(ask_model, rate_limiter, concurrency, ordered=ordered)
        try:
            for row in batch.new_rows():
                if row is None:
                    await asyncio.sleep(0)
                    continue
                if window.is_full:
                    batch.take(*await window.next())
                window.ask(row)
            while window.pending:
                batch.take(*await window.next())
        finally:
            await window.close()
        return await asyncio.to_thread(batch.end)


def job_path(output: str | Path) -> Path:
    """Where a batch job of the service is saved whose answers are to go to an output."""
    path = Path(output)
    return path.with_name(f"{path.name}.job.json")


def _check_no_job(path: Path) -> None:
    if path.exists():
        raise ConfigurationError(
            f"{path} is a batch job of the service for the same output: fetch its answers, or delete that file"
        )


class _Window:
    """The rows that are being asked."""

    def __init__(
        self,
        ask: Ask,
        rate_limiter: BaseRateLimiter | None,
        concurrency: int,
        *,
        ordered: bool,
    ) -> None:
        self.pending: dict[asyncio.Task[Json | Exception], Row] = {}  # in the order of the rows
        self._ask = ask
        self._rate_limiter = rate_limiter
        self._free = asyncio.Semaphore(concurrency)
        self._width = concurrency * (_AHEAD if ordered else 1)
        self._ordered = ordered

    @property
    def is_full(self) -> bool:
        return len(self.pending) >= self._width

    def ask(self, row: Row) -> None:
        self.pending[asyncio.create_task(self._outcome(row))] = row

    async def next(self) -> tuple[Row, Json | Exception]:
        """A row and what came of it: the first one of all, or the first one that is over."""
        tasks = [next(iter(self.pending))] if self._ordered else self.pending
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        task = done.pop()
        return self.pending.pop(task), task.result()

    async def close(self) -> None:
        """Give up what is under way."""
        for task in self.pending:
            task.cancel()
        await asyncio.gather(*self.pending, return_exceptions=True)

    async def _outcome(self, row: Row) -> Json | Exception:
        async with self._free:
            try:
                request = await asyncio.to_thread(row.request) if row.files else row.messages
                if self._rate_limiter is not None:
                    await self._rate_limiter.aacquire()
                return await self._ask(request)
            except BatchError:
                raise
            except Exception as error:  # noqa: BLE001 -- what went wrong is a row's result
                return error


class Batch:
    """What is read, written and counted."""

    def __init__(
        self,
        rows: Source,
        output: Path,
        on_progress: Callable[[BatchReport], object] | None,
        patience: int = _PATIENCE,
    ) -> None:
        self._rows = rows
        self._on_progress = on_progress or (lambda _report: None)
        self._patience = patience
        self._held: list[tuple[Row, Exception]] = []
        self._is_table = output.suffix.lower() in TABLES
        self.journal_path = output.with_name(f"{output.name}.jsonl") if self._is_table else output
        self.report = BatchReport(output, self.journal_path.with_suffix(".bad.jsonl"))
        self._check_places()

    def _check_places(self) -> None:
        """Raise before anything is opened."""
        output = self.report.output
        if isinstance(self._rows, str | Path):
            path = Path(self._rows)
            for written in (output, self.journal_path, self.report.bad_rows):
                if path.exists() and written.exists() and path.samefile(written):
                    raise ConfigurationError(
                        f"{path} is to be read, and would be written. Choose another output."
                    )
            if not path.exists():
                raise ConfigurationError(f"{path} cannot be read: there is no such file")
        if self._is_table:
            check_table(output)
            if output.exists() and not self.journal_path.exists():
                raise ConfigurationError(
                    f"{output} is there already, without {self.journal_path.name}, which would say what is done. "
                    "Choose another output."
                )

    def open(self, *, retry_failed: bool = False, check: Callable[[Path], object] = _check_no_job) -> Journal:
        """The journal, after a look at the input as a whole where that can be read twice.

        Args:
            retry_failed: Have the failed rows of the output asked again.
            check: Raises where the output is not free for this, given where its batch job would be saved.
        """
        if isinstance(self._rows, str | Path) and Path(self._rows).is_file():
            self.report.total = sum(1 for _ in read_rows(self._rows))
            if not self.report.total:
                raise ConfigurationError(f"{self._rows} has no rows")
        job = job_path(self.report.output)
        self._journal = Journal(
            self.journal_path, self.report.bad_rows, retry_failed=retry_failed, check=partial(check, job)
        )
        self.report.earlier, self.report.earlier_failed = self._journal.done, self._journal.failed
        return self._journal

    def new_rows(self) -> Iterator[Row | None]:
        """The rows to ask, and `None` for any other; those that cannot be asked are set aside on the way.

        Raises:
            ConfigurationError: The output was written from another input.
        """
        self._on_progress(self.report)
        for row in read_rows(self._rows):
            if isinstance(row, BadRow):
                self.set_aside(row)
                yield None
                continue
            claim = self._journal.claim(row)
            if claim is Claim.REPEATED:
                reason = f"another row before it has the id {row.id!r}. Give each its own."
                self.set_aside(BadRow(row.number, reason, {"id": row.id, **row.fields}))
            yield row if claim is Claim.NEW else None

    def set_aside(self, bad: BadRow) -> None:
        """Write what cannot be asked, or belongs to no row, where the user finds it."""
        self._journal.set_aside(bad)
        self.report.bad += 1
        self._on_progress(self.report)

    def count_repeat(self) -> None:
        """Count a row that is asked again."""
        self.report.repeated += 1
        self._on_progress(self.report)

    def take(self, row: Row, outcome: Json | Exception) -> None:
        """Write what came of a row, or hold it back until the service answers another.

        Raises:
            BatchError: So many rows failed one after the other that the rows are not the reason.
        """
        if not isinstance(outcome, Exception) or isinstance(outcome, InvalidRequestError):
            self._release(before=row.number)
            self.write(row, outcome)
        elif not isinstance(outcome, OF_THE_ROW):
            self._held.append((row, outcome))
            if self._failures >= self._patience:
                raise self._stopped(outcome) from outcome
        elif self._held:  # before this one, where order is kept
            self._held.append((row, outcome))
        else:
            self.write(row, outcome)

    def _stopped(self, error: Exception) -> BatchError:
        reason, _, remedy = described(error).partition("\nRemedy: ")
        return BatchError(
            f"{self._failures} rows failed one after the other, the last one with {reason}\nThe batch stopped. "
            f"{self.journal_path} keeps the {self.report.written} rows that this run wrote.",
            remedy=f"{remedy or 'remove the reason'}; then begin the same batch again, which goes on",
        )

    def end(self) -> BatchReport:
        """Write what was held back, and the table."""
        self._release()
        self._journal.sync()
        if self._is_table:
            write_table(self.journal_path, self.report.output)
        self.report.unknown = self._journal.unseen()
        return replace(self.report)

    def _release(self, before: float = inf) -> None:
        """Write what was held back of rows before one that was asked later, and answered."""
        held, self._held = self._held, []
        for row, error in held:
            if row.number < before:
                self.write(row, error)
            else:
                self._held.append((row, error))

    @property
    def _failures(self) -> int:
        """How many of the rows that are held back the service may have failed."""
        return sum(not isinstance(error, OF_THE_ROW) for _, error in self._held)

    def write(self, row: Row, outcome: Json | Exception) -> None:
        """Write what came of a row."""
        result = failure(outcome) if isinstance(outcome, Exception) else outcome
        self._journal.write({"id": row.id, **renamed(row.fields), **result})
        usage = result["usage"] or {}
        self.report.input_tokens += usage.get("input_tokens", 0)
        self.report.output_tokens += usage.get("output_tokens", 0)
        if result["error"] is None:
            self.report.answered += 1
        else:
            self.report.failed += 1
        self._on_progress(self.report)
