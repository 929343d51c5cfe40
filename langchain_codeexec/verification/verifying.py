"""Verifying an answer: its code is run again, and its figures are looked for in what was printed."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from langchain_codeexec.errors import ExecutorError
from langchain_codeexec.executions import ExecutionRequest, code_executions
from langchain_codeexec.executors.base import checked_executor
from langchain_codeexec.executors.waiting import in_thread
from langchain_codeexec.inputs import files_in
from langchain_codeexec.translation.uploads import replies_are_files
from langchain_codeexec.verification.comparing import Likeness, likeness
from langchain_codeexec.verification.judging import Repetition, not_repeatable
from langchain_codeexec.verification.prose import unsupported_figures
from langchain_codeexec.verification.records import RunVerification, Verdict, Verification
from langchain_codeexec.verification.varying import causes_of_variation

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from langchain_core.messages import BaseMessage

    from langchain_codeexec.executions import ExecutionResult, InlineFile
    from langchain_codeexec.executors.base import CodeExecutor, ExecutorSession

__all__ = ["averify_executions", "verify_executions"]


def verify_executions(
    message: BaseMessage,
    executor: CodeExecutor | None = None,
    files: Iterable[InlineFile] | None = None,
    *,
    history: Sequence[BaseMessage] = (),
    timeout: float | None = None,
) -> Verification:
    """Run an answer's code again and compare; look for the figures of its prose in what was printed.

    The pieces of code of one message share a session, as they do with the service. Outputs are the same if they
    differ in nothing but white space, addresses in memory and the last digits of floats. What differs each time
    (chance, the time, the order of sets) is `not_reproducible`, not wrong; what cannot be run here as it was there
    (a library or file is missing, no time is left, the sandbox does not work) is `not_checked`.

    A figure of the prose behind the last run has to be in an output, or in what the user or a tool said before; a
    figure that a document bears out (`CalculatedAnswer`) is accounted for, too.

    Args:
        message: An answer, or a tool's reply that tells of runs.
        executor: Runs the code; by default a `LocalSandbox` that all verifications share.
        files: The files that the code finds; by default those of the history, under their service's names.
        history: The conversation before the message. Without one, numbers that the code itself holds are accounted
            for, too, as those of a question that is not known.
        timeout: Seconds for each run; by default the executor's.

    Raises:
        ConfigurationError: `executor` is none.
    """
    return _Verifier(message, executor, files, history, timeout).verification()


async def averify_executions(
    message: BaseMessage,
    executor: CodeExecutor | None = None,
    files: Iterable[InlineFile] | None = None,
    *,
    history: Sequence[BaseMessage] = (),
    timeout: float | None = None,
) -> Verification:
    """Verify an answer without blocking the event loop; see `verify_executions`."""
    verifier = _Verifier(message, executor, files, history, timeout)
    return await in_thread(verifier.verification, verifier.cancel)


class _Verifier:
    """One verification."""

    def __init__(
        self,
        message: BaseMessage,
        executor: CodeExecutor | None,
        files: Iterable[InlineFile] | None,
        history: Sequence[BaseMessage],
        timeout: float | None,
    ) -> None:
        self._message = message
        self._runs = code_executions(message)
        self._executor = _shared_sandbox() if executor is None else checked_executor(executor)
        self._files = tuple(_files(message, history) if files is None else files)
        self._history = history
        self._timeout = timeout
        self._session: ExecutorSession | None = None
        self._is_cancelled = False

    def cancel(self) -> None:
        """End the run that is under way, where the executor can, and begin no other; called in another thread."""
        self._is_cancelled = True
        cancel: Any = getattr(self._session, "cancel", None)
        if cancel is not None:
            cancel()

    def verification(self) -> Verification:
        """What verifying gives; nothing is run for a message that tells of no runs."""
        if not self._runs:
            return Verification()
        try:
            verdicts = self._verdicts()
        except ExecutorError as error:
            verdicts = [
                RunVerification(Verdict.NOT_CHECKED, f"the sandbox failed: {_first_line(error)}")
            ] * len(self._runs)
        unsupported = unsupported_figures(self._message, self._history)
        return Verification(tuple(verdicts), unsupported, self._executor.name)

    def _verdicts(self) -> list[RunVerification]:
        results = self._repeated()
        verdicts: list[RunVerification] = []
        for index, (run, result) in enumerate(zip(self._runs, results, strict=True)):
            if result is None:
                verdicts.append(RunVerification(Verdict.NOT_CHECKED, not_repeatable(run)))
                continue
            causes = causes_of_variation(one.code for one in self._runs[: index + 1])
            is_sound = all(one.verdict is Verdict.CONFIRMED for one in verdicts)
            verdicts.append(Repetition(run, result, causes, is_sound).judged())
        if any(one.verdict is Verdict.MISMATCH for one in verdicts):
            return list(map(_reconsidered, verdicts, results, self._repeated()))
        return verdicts

    def _repeated(self) -> list[ExecutionResult | None]:
        """The results of all runs made again in one session; `None` for those that cannot be."""
        with self._executor.session() as session:
            self._session = session
            files = self._files
            results: list[ExecutionResult | None] = []
            for run in self._runs:
                if self._is_cancelled:
                    raise ExecutorError("cancelled")
                if not_repeatable(run):
                    results.append(None)
                    continue
                results.append(session.run(ExecutionRequest(run.code, run.language, files, self._timeout)))
                files = ()
            return results


def _reconsidered(
    verdict: RunVerification, result: ExecutionResult | None, again: ExecutionResult | None
) -> RunVerification:
    """What is something else once more, run yet again, is not wrong: nobody could repeat it."""
    if verdict.verdict is not Verdict.MISMATCH or not (result and again):
        return verdict
    if likeness(result.output, again.output) is Likeness.SAME:
        return verdict
    return replace(
        verdict, verdict=Verdict.NOT_REPRODUCIBLE, reason=f"{verdict.reason}, and each time something else"
    )


def _first_line(error: Exception) -> str:
    """What went wrong; the remedies below it are for those who set the sandbox up."""
    return next(iter(str(error).splitlines()), type(error).__name__)


def _files(message: BaseMessage, history: Sequence[BaseMessage]) -> tuple[InlineFile, ...]:
    return files_in(history, tool_replies=replies_are_files([*history, message]))


@lru_cache(maxsize=1)
def _shared_sandbox() -> CodeExecutor:
    from langchain_codeexec.executors.sandbox import LocalSandbox  # noqa: PLC0415 -- few need it

    return LocalSandbox()
