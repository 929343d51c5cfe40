"""What verifying an answer gave, as a record in the answer's metadata."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any, Final, TypeVar

from langchain_core.messages import BaseMessage
from pydantic import TypeAdapter, ValidationError

__all__ = ["RunVerification", "Verdict", "Verification"]

_KEY: Final = "verification"
"""Key of `response_metadata` that holds a verification in plain JSON."""

MessageT = TypeVar("MessageT", bound="BaseMessage")


class Verdict(StrEnum):
    """The result of a check."""

    CONFIRMED = "confirmed"
    """Run again, the code gave the same; every figure of the prose is accounted for."""
    MISMATCH = "mismatch"
    """It gave something else, or the prose states a figure that nothing supports."""
    NOT_REPRODUCIBLE = "not_reproducible"
    """It gave something else and does so each time: it depends on chance, on the time or on an order."""
    NOT_CHECKED = "not_checked"
    """It could not be run again here as there, a figure has several readings, or there was nothing to check."""


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
        runs: For each run that the answer rests on, in order.
        unsupported: The figures of its prose behind the last run that no output supports, nor anything that the
            user or a tool wrote before.
        executor: The name of the executor that ran the code again.
        unjudged: Figures of its prose that are written so that they are supported in one meaning and not in
            another: `3.400`, where 3400 was printed.
    """

    runs: tuple[RunVerification, ...] = ()
    unsupported: tuple[str, ...] = ()
    executor: str = ""
    unjudged: tuple[str, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """The gravest verdict; an answer without runs is not checked."""
        verdicts = {run.verdict for run in self.runs} or {Verdict.NOT_CHECKED}
        verdicts |= {Verdict.NOT_CHECKED} if self.unjudged else set()
        verdicts |= {Verdict.MISMATCH} if self.unsupported else set()
        return next(verdict for verdict in _GRAVEST_FIRST if verdict in verdicts)

    @property
    def reason(self) -> str:
        """Why it is not simply confirmed, in words."""
        if not self.runs:
            return "the answer holds no runs"
        reasons = [f"run {number}: {run.reason}" for number, run in enumerate(self.runs, 1) if run.reason]
        if self.unsupported:
            reasons.append(f"no output holds these figures of the answer: {', '.join(self.unsupported)}")
        if self.unjudged:
            reasons.append(
                f"these figures of the answer can be read in several ways: {', '.join(self.unjudged)}"
            )
        return "; ".join(reasons)

    def beside(self, message: MessageT) -> MessageT:
        """The message with this verification in its `response_metadata`; its content stays what it is."""
        metadata = {**message.response_metadata, _KEY: self.to_dict()}
        return message.model_copy(update={"response_metadata": metadata})

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON: `verdict`, `reason`, `runs`, `unsupported`, `unjudged` and `executor`."""
        record = _records().dump_python(self, mode="json")
        return {"verdict": self.verdict.value, "reason": self.reason, **record}

    @classmethod
    def from_message(cls, message: BaseMessage) -> Verification | None:
        """The verification that lies beside a message; `None` if there is none that can be read.

        Args:
            message: A message as it came, or as a checkpoint or JSON gave it back.
        """
        record = message.response_metadata.get(_KEY)
        try:
            return _records().validate_python(record) if record else None
        except ValidationError:
            return None


@cache
def _records() -> TypeAdapter[Verification]:
    return TypeAdapter(Verification)
