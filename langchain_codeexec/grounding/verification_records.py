"""What verifying an answer gave, as a record that lies beside the answer's own.

The figures of an answer's prose that nothing accounts for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from itertools import chain
from typing import TYPE_CHECKING, Any, Final, TypeVar

from langchain_core.messages import AIMessage, ToolMessage

from langchain_codeexec.grounding.answers import CalculatedAnswer
from langchain_codeexec.grounding.evidence import execution_evidence, is_users, runs_in
from langchain_codeexec.grounding.figures import bears_out, figures_in, printed_figures, stated_figures
from langchain_codeexec.messages.code_blocks import BlockReader, CodeResult

if TYPE_CHECKING:
    from collections.abc import Sequence

    from langchain_core.messages import BaseMessage

__all__ = ["VERIFICATION_KEY", "RunVerification", "Verdict", "Verification", "unsupported_figures"]

VERIFICATION_KEY: Final = "verification"
"""Key of `response_metadata` that holds a verification in plain JSON."""

MessageT = TypeVar("MessageT", bound="BaseMessage")


class Verdict(StrEnum):
    """What became of a check."""

    CONFIRMED = "confirmed"
    """Run again, the code gave the same; every figure of the prose is accounted for."""
    MISMATCH = "mismatch"
    """It gave something else, or the prose states a figure that is nowhere to be found."""
    NOT_REPRODUCIBLE = "not_reproducible"
    """It gave something else and does so each time: it depends on chance, on the time or on an order."""
    NOT_CHECKED = "not_checked"
    """It could not be run again here as it was run there, or there was nothing to check."""


_GRAVEST_FIRST: Final = (Verdict.MISMATCH, Verdict.NOT_CHECKED, Verdict.NOT_REPRODUCIBLE, Verdict.CONFIRMED)


@dataclass(frozen=True, slots=True)
class RunVerification:
    """What running a piece of code again gave.

    Attributes:
        verdict: How it compares with the record.
        reason: Why, in words; empty where it is simply the same.
        outcome: How it ended here; empty where it was not run.
        output: What it printed here, its beginning, where that is not the same.
    """

    verdict: Verdict
    reason: str = ""
    outcome: str = ""
    output: str = ""


@dataclass(frozen=True, slots=True)
class Verification:
    """What verifying an answer gave.

    Attributes:
        runs: For each run that the answer tells of, in order.
        unsupported: The figures of its prose behind the last run that no output holds, nor anything that was said
            before by the user or a tool.
        executor: The name of the executor that ran the code again.
    """

    runs: tuple[RunVerification, ...] = ()
    unsupported: tuple[str, ...] = ()
    executor: str = ""

    @property
    def verdict(self) -> Verdict:
        """The gravest verdict; an answer without runs is not checked."""
        found = {run.verdict for run in self.runs} or {Verdict.NOT_CHECKED}
        found |= {Verdict.MISMATCH} if self.unsupported else set()
        return next(verdict for verdict in _GRAVEST_FIRST if verdict in found)

    @property
    def reason(self) -> str:
        """Why it is not simply confirmed, in words."""
        if not self.runs:
            return "the answer tells of no runs"
        reasons = [f"run {number}: {run.reason}" for number, run in enumerate(self.runs, 1) if run.reason]
        if self.unsupported:
            reasons.append(f"no output holds these figures of the answer: {', '.join(self.unsupported)}")
        return "; ".join(reasons)

    def beside(self, message: MessageT) -> MessageT:
        """The message with this verification in its `response_metadata`; its content stays what it is."""
        metadata = {**message.response_metadata, VERIFICATION_KEY: self.to_dict()}
        return message.model_copy(update={"response_metadata": metadata})

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON: `verdict`, `reason`, `runs`, `unsupported` and `executor`."""
        return {
            "verdict": self.verdict.value,
            "reason": self.reason,
            "runs": [{**asdict(run), "verdict": run.verdict.value} for run in self.runs],
            "unsupported": list(self.unsupported),
            "executor": self.executor,
        }

    @classmethod
    def from_message(cls, message: BaseMessage) -> Verification | None:
        """The verification that lies beside a message; `None` if there is none that can be read.

        Args:
            message: A message as it came, or as a checkpoint or JSON gave it back.
        """
        record = message.response_metadata.get(VERIFICATION_KEY)
        if not isinstance(record, Mapping):
            return None
        try:
            return cls(
                runs=tuple(
                    RunVerification(**{**run, "verdict": Verdict(run["verdict"])}) for run in record["runs"]
                ),
                unsupported=tuple(record["unsupported"]),
                executor=str(record["executor"]),
            )
        except (KeyError, TypeError, ValueError):
            return None


def unsupported_figures(message: BaseMessage, history: Sequence[BaseMessage]) -> tuple[str, ...]:
    """The figures of a message's prose behind its last run that nothing accounts for.

    Prose before a run says what is going to be done; prose behind the last one is the answer.

    Args:
        message: The message.
        history: The conversation before it: what the user and tools said in it, and what its runs printed, those
            of answers that were found not to hold excepted. Where it is not given, what the user said is not
            known, and the numbers in the message's own code count instead: they are what it started from.
    """
    said = (stated_figures(str(one.text)) for one in history if is_users(one) or isinstance(one, ToolMessage))
    holding = (one for one in history if not _is_refuted(one))
    printed = (found.figure for found in execution_evidence(runs_in([*holding, message])))
    given = () if history else (printed_figures(run.code) for run in runs_in([message]))
    known = [*chain.from_iterable((*said, *given)), *printed]
    accounted, documents = _accounted(message)
    return tuple(
        dict.fromkeys(
            figure.text
            for figure in figures_in(_answer(message), documents)
            if figure.text not in accounted and not any(bears_out(one, figure) for one in known)
        )
    )


def _is_refuted(message: BaseMessage) -> bool:
    found = Verification.from_message(message)
    return found is not None and found.verdict is Verdict.MISMATCH


def _answer(message: BaseMessage) -> str:
    """The text behind the last result."""
    content: Any = message.content
    blocks = [content] if isinstance(content, str) else content
    reader = BlockReader(str(message.response_metadata.get("model_provider", "")))
    texts: list[str] = []
    for block in blocks:
        if any(isinstance(half, CodeResult) for half in reader.halves(block)):
            texts = []
        elif isinstance(block, str):
            texts.append(block)
        elif isinstance(block, dict) and block.get("type") == "text":
            texts.append(str(block.get("text") or ""))
    return "\n".join(texts)


def _accounted(message: BaseMessage) -> tuple[set[str], int]:
    """The figures that the message itself traces to documents or the question; how many documents it knows."""
    record = CalculatedAnswer.from_message(message) if isinstance(message, AIMessage) else None
    if record is None:
        return set(), 0
    traced = {figure.text for figure in record.figures if figure.origin in ("document", "question")}
    return traced, len(record.documents)
