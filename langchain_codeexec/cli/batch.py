"""`batch`: the questions of a file, side by side, their answers in another."""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from langchain_codeexec.cli import options
from langchain_codeexec.cli.model import open_model
from langchain_codeexec.cli.output import FAILED, reported, stderr

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from langchain_codeexec.batch.run import BatchReport
    from langchain_codeexec.chat_model import ChatGeminiCodeExecution

__all__ = ["batch"]

_INTERRUPTED = 130


def batch(  # noqa: PLR0913 -- a parameter for each option
    questions: Annotated[
        Path,
        typer.Argument(
            metavar="QUESTIONS", help="The rows: JSON Lines, .csv or .parquet.", show_default=False
        ),
    ],
    *,
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", metavar="FILE", help="Where the answers go: JSON Lines, .csv or .parquet."
        ),
    ],
    concurrency: Annotated[
        int, typer.Option("--concurrency", "-c", min=1, metavar="N", help="How many are asked at a time.")
    ] = 8,
    per_minute: Annotated[
        float | None, typer.Option(min=0.01, metavar="N", help="How many are asked in a minute at the most.")
    ] = None,
    ordered: Annotated[
        bool, typer.Option("--ordered", help="Write answers in the order of the questions.")
    ] = False,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Ask again what an earlier run could not answer.")
    ] = False,
    patience: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="How many may fail one after the other; by default 10, or twice --concurrency.",
        ),
    ] = None,
    job: Annotated[
        bool,
        typer.Option(
            "--job",
            help="Submit them as a batch job of the service, for half the price; with a job under way for the "
            "output, wait for its end and fetch the answers.",
        ),
    ] = False,
    storage: Annotated[
        str,
        typer.Option(
            metavar="URL", help="A job's folder in Cloud Storage (gs://bucket/folder), on Vertex AI."
        ),
    ] = "",
    ray: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="Ask on a Ray cluster: host:port, auto for this machine's, local for a new one. Other machines "
            "reach the service alone: use --live.",
        ),
    ] = None,
    price: Annotated[
        str | None,
        typer.Option(metavar="IN,OUT", help="What a million tokens cost in and out, to show what is spent."),
    ] = None,
    model: options.Model = options.DEFAULT_MODEL,
    live: options.Live = False,
    script: options.Script = None,
    brain: options.Brain = None,
    no_code: options.NoCode = False,
    settings: options.Settings = None,
    debug: options.Debug = False,
) -> None:
    """Ask every question of a file, and write each answer down once.

    A row has a question, or messages, and may have an id, files and a
    system text. Begun again after any end, it asks only what the output
    lacks. Rows that cannot be asked are set aside beside it, in ….bad.jsonl.

    With --job the service works them off within a day, for half the price.
    """
    from langchain_core.rate_limiters import InMemoryRateLimiter  # noqa: PLC0415 -- `--help` needs no chat model

    from langchain_codeexec.batch.run import run_batch  # noqa: PLC0415 -- as above

    if job and not live:
        raise typer.BadParameter("a job outlives the command; give --live as well", param_hint="--job")
    prices = _prices(price)
    limiter = InMemoryRateLimiter(requests_per_second=per_minute / 60) if per_minute else None
    ask: Callable[..., BatchReport] = partial(
        run_batch,
        concurrency=concurrency,
        ordered=ordered,
        patience=patience,
        rate_limiter=limiter,
        ray=ray,
    )
    if job:
        ask = partial(_job_results, storage=storage)
    last: list[BatchReport] = []
    with (
        reported(debug=debug),
        open_model(
            model, live=live, script=script, brain=brain, code_execution=not no_code, settings=settings
        ) as llm,
    ):
        try:
            with _progress(prices) as show:

                def on_progress(report: BatchReport) -> None:
                    last[:] = [report]
                    show(report)

                report = ask(questions, llm, output, retry_failed=retry_failed, on_progress=on_progress)
        except KeyboardInterrupt:
            for report in last:
                _print(f"Interrupted. {_summary(report, prices)}")
            _print("The same command goes on where it stopped.")
            raise typer.Exit(_INTERRUPTED) from None
    _print(_summary(report, prices))
    if report.failed or report.bad or report.earlier_failed:
        raise typer.Exit(FAILED)


def _job_results(  # noqa: PLR0913 -- as run_batch
    questions: Path,
    llm: ChatGeminiCodeExecution,
    output: Path,
    *,
    storage: str,
    retry_failed: bool,
    on_progress: Any,
) -> BatchReport:
    """What came of the job that is under way for the output.

    Raises:
        Exit: There was none, and one is submitted.
    """
    from langchain_codeexec.batch.jobs import BatchJob, submit_batch  # noqa: PLC0415 -- as above
    from langchain_codeexec.batch.run import job_path  # noqa: PLC0415

    if not job_path(output).exists():
        job = submit_batch(
            questions, llm, output, storage=storage, retry_failed=retry_failed, on_progress=on_progress
        )
        _print(
            f"Submitted {len(job):,} rows as {job.name}. The same command waits for it and fetches the answers."
        )
        raise typer.Exit
    job = BatchJob.load(output, llm, rows=questions)
    states: list[str] = []

    def show_state(job: BatchJob) -> None:
        if job.state not in states:
            states.append(job.state)
            _print(f"{job.name}: {job.state}")

    return job.wait(on_refresh=show_state).results(on_progress)


def _prices(text: str | None) -> tuple[float, float] | None:
    if text is None:
        return None
    try:
        price_in, price_out = map(float, text.split(","))
    except ValueError:
        raise typer.BadParameter("write two numbers, such as 0.50,3.00", param_hint="--price") from None
    return price_in, price_out


@contextmanager
def _progress(prices: tuple[float, float] | None) -> Iterator[Callable[[BatchReport], None]]:
    """A bar with rate, time left and tokens, at a terminal only."""
    console = stderr()
    columns = (
        BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rate]}"), TimeRemainingColumn(),
        TextColumn("{task.fields[spent]}"),
    )  # fmt: skip
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as progress:
        task = progress.add_task("", start=False, total=None, rate="", spent="")

        def show(report: BatchReport) -> None:
            done = report.earlier + report.written + report.bad
            if not progress.tasks[0].started:
                progress.reset(task, total=report.total, completed=done)
            speed = progress.tasks[0].speed
            rate = f"{speed:.1f} rows/s" if speed else ""
            progress.update(task, completed=done, rate=rate, spent=_spent(report, prices))

        yield show


def _summary(report: BatchReport, prices: tuple[float, float] | None) -> str:
    counts = [f"{report.answered:,} answered"]
    if report.failed:
        counts.append(f"{report.failed:,} failed (their `error` says why; --retry-failed asks them again)")
    if report.bad:
        counts.append(f"{report.bad:,} set aside in {report.bad_rows}")
    if report.repeated:
        counts.append(f"{report.repeated:,} asked again because their worker was lost")
    if report.earlier:
        failed = f", {report.earlier_failed:,} of them failed" if report.earlier_failed else ""
        counts.append(f"{report.earlier:,} were there already{failed}")
    if report.unknown:
        counts.append(f"{report.unknown:,} of those are no rows of this input")
    return f"{'; '.join(counts)}. {_spent(report, prices)}. {report.output}"


def _spent(report: BatchReport, prices: tuple[float, float] | None) -> str:
    spent = f"{report.input_tokens:,} tokens in, {report.output_tokens:,} out"
    if prices is None:
        return spent
    money = (report.input_tokens * prices[0] + report.output_tokens * prices[1]) / 1e6
    return f"{spent}, {money:,.4f} spent"


def _print(line: str) -> None:
    stderr().print(line, markup=False, soft_wrap=True)
