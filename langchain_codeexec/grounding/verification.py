"""Verifying an answer: its code is run again, and its figures are looked for in what was printed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, ToolMessage

from langchain_codeexec.data.request_files import files_in, replies_are_files
from langchain_codeexec.errors import ExecutorError
from langchain_codeexec.executions import ExecutionRequest, ExecutionResult, InlineFile
from langchain_codeexec.executors.base import CodeExecutor, ExecutorSession, checked_executor, in_thread
from langchain_codeexec.grounding.answers import CalculatedAnswer, text_of
from langchain_codeexec.grounding.attribution import (
    Evidence,
    attributed_figures,
    evidence_of_runs,
    executions_in,
    is_from_user,
    last_question,
)
from langchain_codeexec.grounding.figures import printed_figures, stated_figures
from langchain_codeexec.grounding.repetition import (
    Likeness,
    Repetition,
    likeness,
    not_repeatable,
    sources_of_variation,
)
from langchain_codeexec.grounding.verdicts import RunVerification, Verdict, Verification
from langchain_codeexec.messages.code_blocks import CodeResult, blocks_with_code, code_executions

__all__ = ["averify_executions", "unverified_turn", "verify_executions"]


def verify_executions(
    message: BaseMessage,
    executor: CodeExecutor | None = None,
    files: Iterable[InlineFile] | None = None,
    *,
    history: Sequence[BaseMessage] = (),
    timeout: float | None = None,
) -> Verification:
    """Run an answer's code again and compare; look for the figures of its prose in what was printed.

    An answer rests on its own code and on that of tools and earlier answers of the same turn in the history,
    unless these are verified already. All of it shares a session. Outputs are the same if they differ in
    nothing but white space, addresses in memory and the last digits of floats. What differs each time (chance,
    the time, the order of sets) is `not_reproducible`, not wrong; what cannot be run here as it was there (a
    library or file is missing, no time is left, the sandbox does not work) is `not_checked`, and so is a figure
    with several readings.

    A figure of the prose behind the last run has to be in an output, or in what the user or a tool wrote before; a
    figure that a document supports (`CalculatedAnswer`) is accounted for, too.

    Args:
        message: An answer, or a tool's reply that holds runs.
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
        self._runs = executions_in([*unverified_turn(history), message])
        self._executor = _shared_sandbox() if executor is None else checked_executor(executor)
        if files is None:
            files = files_in(history, tool_replies=replies_are_files([*history, message]))
        self._files = tuple(files)
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
        """What verifying gives; nothing is run for a message that holds no runs."""
        if not self._runs:
            return Verification()
        try:
            verdicts = self._verdicts()
        except ExecutorError as error:
            failed = RunVerification(Verdict.NOT_CHECKED, f"the sandbox failed: {_first_line(error)}")
            verdicts = [failed] * len(self._runs)
        unsupported, unjudged = _unsupported_figures(self._message, self._history)
        return Verification(tuple(verdicts), unsupported, self._executor.name, unjudged)

    def _verdicts(self) -> list[RunVerification]:
        results = self._repeated()
        verdicts: list[RunVerification] = []
        for index, (run, result) in enumerate(zip(self._runs, results, strict=True)):
            if result is None:
                verdicts.append(RunVerification(Verdict.NOT_CHECKED, not_repeatable(run)))
                continue
            varies_by = sources_of_variation(earlier.code for earlier in self._runs[: index + 1])
            is_sound = all(earlier.verdict is Verdict.CONFIRMED for earlier in verdicts)
            verdicts.append(Repetition(run, result, varies_by, is_sound).judged())
        if any(verdict.verdict is Verdict.MISMATCH for verdict in verdicts):
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


@lru_cache(maxsize=1)
def _shared_sandbox() -> CodeExecutor:
    from langchain_codeexec.sandbox.local import LocalSandbox  # noqa: PLC0415 -- few need it

    return LocalSandbox()


# -- figures of the prose ------------------------------------------------------------------------------------


def unverified_turn(history: Sequence[BaseMessage]) -> list[BaseMessage]:
    """The messages behind the user's last one that hold no verification yet."""
    turn = history[last_question(history) + 1 :]
    return [message for message in turn if Verification.from_message(message) is None]


def _unsupported_figures(
    message: BaseMessage, history: Sequence[BaseMessage]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The figures of a message's prose behind its last run that nothing supports, and those nobody can judge.

    What supports them: what the user and tools wrote before, and what runs printed, those of answers that were
    found not to hold excepted. Without a history the question is not known, and the numbers in the message's own
    code count instead: they are what it started from.
    """
    holding = (earlier for earlier in history if not _is_refuted(earlier))
    if history:
        written = (each for each in history if is_from_user(each) or isinstance(each, ToolMessage))
        stated = [figure for each in written for figure in stated_figures(_text_as_evidence(each))]
    else:
        stated = [figure for run in code_executions(message) for figure in printed_figures(run.code)]
    evidence = [
        *(Evidence(figure, "question", figure.text) for figure in stated),
        *evidence_of_runs(executions_in([*holding, message])),
    ]
    answer = CalculatedAnswer.from_message(message) if isinstance(message, AIMessage) else None
    documents = len(answer.documents) if answer else 0
    figures = answer.figures if answer else ()
    known = {figure.text for figure in figures if figure.origin in ("document", "question")}
    is_judged = {
        figure.text: figure.is_judged
        for figure in attributed_figures(_prose_behind_runs(message), 0, evidence, documents)
        if figure.origin is None and figure.text not in known
    }
    unsupported = tuple(text for text, judged in is_judged.items() if judged)
    return unsupported, tuple(text for text in is_judged if text not in unsupported)


def _text_as_evidence(message: BaseMessage) -> str:
    """The text of a message, without what a model in a tool says of the runs that it made."""
    artifact = getattr(message, "artifact", None)
    answer = artifact.get("answer") if isinstance(artifact, Mapping) else None
    return str(message.text).replace(str(answer), "") if answer else str(message.text)


def _is_refuted(message: BaseMessage) -> bool:
    verification = Verification.from_message(message)
    return verification is not None and verification.verdict is Verdict.MISMATCH


def _prose_behind_runs(message: BaseMessage) -> str:
    """The answer: prose before a run says what is going to be done."""
    texts: list[str] = []
    for block, codes in blocks_with_code(message):
        if any(isinstance(code, CodeResult) for code in codes):
            texts = []
        else:
            texts.append(text_of(block))
    return "\n".join(filter(None, texts))
