"""One shape for every run of model-written code, whoever ran it.

An `ExecutionRequest` goes into an executor, an `ExecutionResult` comes out; a `CodeExecution` is the
record of one run as a conversation keeps it. The words and outcomes are Gemini's.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

__all__ = ["CodeExecution", "ExecutionRequest", "ExecutionResult", "InlineFile", "Outcome"]


class Outcome(StrEnum):
    """How a run ended; the values are the wire's."""

    UNSPECIFIED = "OUTCOME_UNSPECIFIED"
    OK = "OUTCOME_OK"
    FAILED = "OUTCOME_FAILED"
    DEADLINE_EXCEEDED = "OUTCOME_DEADLINE_EXCEEDED"

    @classmethod
    def _missing_(cls, value: object) -> Outcome:  # noqa: ARG003 -- the signature is Enum's
        """An outcome this release does not know is unspecified, never an exception."""
        return cls.UNSPECIFIED


@dataclass(frozen=True, slots=True)
class InlineFile:
    """A file carried by value.

    Attributes:
        data: The bytes.
        mime_type: Its MIME type.
        name: Its name without a directory; empty where the wire names none.
    """

    data: bytes
    mime_type: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class ExecutionRequest:
    """A program to run.

    Attributes:
        code: The source text.
        language: The wire's name of the language.
        files: Files the program finds in its working directory.
        timeout: Wall-clock seconds it may take; `None` leaves it to the executor.
    """

    code: str
    language: str = "PYTHON"
    files: tuple[InlineFile, ...] = ()
    timeout: float | None = None


@dataclass(frozen=True, slots=True)
class ExecutionResult:
    """What a program did.

    Attributes:
        outcome: How it ended. Text on stderr alone is no failure.
        stdout: What it printed, decoded as UTF-8 with replacement.
        stderr: What it printed there, traceback included.
        images: What it drew, PNG, in the order it was drawn.
        files: Regular files it left in its working directory, images drawn excepted.
        wall_time: Seconds it took.
        truncated: Whether stdout or stderr was cut at the executor's limit.
        detail: The executor's own words where the program did not end by itself (killed at a limit).
        value: What a notebook would show of its last expression; `None` if there is nothing to show.
        cpu_time: Seconds on all processors together; 0 where the executor does not count them.
        peak_memory: Bytes resident at the most, shared libraries included; 0 where it is not known.
        tried: The executors that were tried before, and why each was given up, as `name: reason`.
        executor: Name of the one that ran it, where one was chosen among several; else empty.
    """

    outcome: Outcome
    stdout: str = ""
    stderr: str = ""
    images: tuple[InlineFile, ...] = ()
    files: tuple[InlineFile, ...] = ()
    wall_time: float = 0.0
    truncated: bool = False
    detail: str = ""
    value: str | None = None
    cpu_time: float = 0.0
    peak_memory: int = 0
    tried: tuple[str, ...] = ()
    executor: str = field(default="", compare=False)

    @property
    def output(self) -> str:
        """The wire's `output`: stdout when all went well, else the reason it did not."""
        if self.outcome is Outcome.OK:
            return self.stdout
        return "\n".join(text for text in (self.stderr.rstrip("\n"), self.detail) if text) or self.stdout


@dataclass(frozen=True, slots=True)
class CodeExecution:
    """The record of one run, as read out of a message.

    Attributes:
        code: The source text; empty for a result whose code the message does not hold.
        language: As the provider names it, in upper case.
        outcome: How it ended; `None` where the message holds no result.
        output: What it printed, or why it failed; `None` where the message holds no result.
        images: What it drew.
        id: The id that links the halves, as the message has it; `None` where it has none.
        origin: Who ran it: `gemini`, `openai`, `anthropic`, or an executor's name.
        tried: The executors that were tried before, and why each was given up, as `name: reason`.
    """

    code: str
    language: str = "PYTHON"
    outcome: Outcome | None = None
    output: str | None = None
    images: tuple[InlineFile, ...] = ()
    id: str | None = None
    origin: str = "gemini"
    tried: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether the run ended well."""
        return self.outcome is Outcome.OK
