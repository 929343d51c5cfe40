"""One shape for every run of model-written code, whoever ran it.

An `ExecutionRequest` goes into an executor, an `ExecutionResult` comes out; a `CodeExecution` is the
record of one run as a conversation keeps it. The words and outcomes are Gemini's. A tool's message keeps its
records as an artifact of nothing but dicts, lists and strings: so it survives JSON, pickle and every
checkpointer, strict ones included, and can be read by programs that do not know this package.
"""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Final

from langchain_codeexec._lazy import ShownInNotebooks

__all__ = [
    "ARTIFACT_TYPE",
    "CodeExecution",
    "ExecutionRequest",
    "ExecutionResult",
    "FunctionCall",
    "InlineFile",
    "Outcome",
    "artifact_from_executions",
    "executions_from_artifact",
    "files_from_artifact",
]

Json = dict[str, Any]

ARTIFACT_TYPE: Final = "code_executions"


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

    @property
    def base64(self) -> str:
        """The bytes in base64."""
        return b64encode(self.data).decode()


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

    @classmethod
    def of(cls, program: ExecutionRequest | str) -> ExecutionRequest:
        """The request for a program that is given as one, or as its source text alone."""
        return cls(program) if isinstance(program, str) else program


@dataclass(frozen=True, slots=True)
class ExecutionResult(ShownInNotebooks):
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
        usage: `usage_metadata` and `model_name` of the model that was asked to run it; empty where none was.
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
    usage: Json = field(default_factory=dict, compare=False)

    @property
    def output(self) -> str:
        """The wire's `output`: stdout when all went well, else the reason it did not."""
        if self.outcome is Outcome.OK:
            return self.stdout
        return "\n".join(text for text in (self.stderr.rstrip("\n"), self.detail) if text) or self.stdout


@dataclass(frozen=True, slots=True)
class FunctionCall:
    """The record of a call that a program made of a function on its host.

    Attributes:
        name: The tool's.
        args: What it was called with.
        result: What it returned, as JSON; of a large one, the beginning of its text.
        error: What was raised in the program instead; `None` if nothing.
        line: The program's line; 0 where it is not known.
        seconds: How long it took.
        id: Of the tool call.
        artifact: What the tool returned beside it for its host, as JSON.
        remark: What was said of it on the way, by somebody who changed its arguments, say.
    """

    name: str
    args: Json = field(default_factory=dict)
    result: Any = None
    error: str | None = None
    line: int = 0
    seconds: float = 0.0
    id: str = ""
    artifact: Any = None
    remark: str = ""


@dataclass(frozen=True, slots=True)
class CodeExecution(ShownInNotebooks):
    """The record of one run, as read out of a message.

    Attributes:
        code: The source text; empty for a result whose code the message does not hold.
        language: As the provider names it, in upper case.
        outcome: How it ended; `None` where the message holds no result.
        output: What it printed, or why it failed; `None` where the message holds no result.
        images: What it drew.
        id: The id that links code and result, as the message has it; `None` where it has none.
        origin: Who ran it: `gemini`, `openai`, `anthropic`, or an executor's name.
        tried: The executors that were tried before, and why each was given up, as `name: reason`.
        calls: What it called on its host, in the order of the calls.
        seconds: How long it took; 0 where that is not known, as for runs on a provider's side.
        review: What was decided of it before it ran: `decision` (`allow`, `approve`, `edit`, `reject`, `respond`,
            `deny`), `rules` that asked for it, `reason`; empty where nobody decided.
    """

    code: str
    language: str = "PYTHON"
    outcome: Outcome | None = None
    output: str | None = None
    images: tuple[InlineFile, ...] = ()
    id: str | None = None
    origin: str = "gemini"
    tried: tuple[str, ...] = ()
    calls: tuple[FunctionCall, ...] = ()
    seconds: float = 0.0
    review: Json = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether the run ended well."""
        return self.outcome is Outcome.OK


def artifact_from_executions(
    executions: Iterable[CodeExecution], *, answer: str = "", files: Iterable[InlineFile] = ()
) -> Json:
    """The artifact that holds runs.

    Args:
        executions: The runs, in order.
        answer: What the model that wrote the code says of it.
        files: Files the runs left behind, images drawn excepted.

    Returns:
        `{"type": "code_executions", "answer", "executions": [...], "files": [...]}`. A run has `code`,
        `language`, `outcome`, `output`, `images`, `id`, `origin`, and what there is of the rest;
        images and files have `mime_type`, `name` and `base64`, calls what a `FunctionCall` has.
    """
    return {
        "type": ARTIFACT_TYPE,
        "answer": answer,
        "executions": [_json_from_execution(execution) for execution in executions],
        "files": [_json_from_file(file) for file in files],
    }


def executions_from_artifact(artifact: object) -> list[CodeExecution]:
    """The runs that an artifact holds; none if it is no such artifact. What is malformed is passed over."""
    if isinstance(artifact, CodeExecution):
        return [artifact]
    return [_execution_from_json(run) for run in _objects(_of_executions(artifact).get("executions"))]


def files_from_artifact(artifact: object) -> list[InlineFile]:
    """The files that an artifact holds; none if it is no such artifact. What is malformed is passed over."""
    return _files(_of_executions(artifact).get("files"))


def _of_executions(artifact: object) -> Json:
    """The artifact if it is one that holds runs, else an empty one."""
    return artifact if isinstance(artifact, dict) and artifact.get("type") == ARTIFACT_TYPE else {}


def _json_from_execution(execution: CodeExecution) -> Json:
    return {
        "code": execution.code,
        "language": execution.language,
        "outcome": None if execution.outcome is None else execution.outcome.value,
        "output": execution.output,
        "images": [_json_from_file(image) for image in execution.images],
        "id": execution.id,
        "origin": execution.origin,
        **({"tried": list(execution.tried)} if execution.tried else {}),
        **({"calls": [asdict(call) for call in execution.calls]} if execution.calls else {}),
        **({"seconds": execution.seconds} if execution.seconds else {}),
        **({"review": execution.review} if execution.review else {}),
    }


def _execution_from_json(run: Json) -> CodeExecution:
    outcome, output, call_id, tried = (run.get(key) for key in ("outcome", "output", "id", "tried"))
    seconds, review = run.get("seconds"), run.get("review")
    return CodeExecution(
        code=str(run.get("code", "")),
        language=str(run.get("language", "PYTHON")),
        outcome=None if outcome is None else Outcome(outcome),
        output=None if output is None else str(output),
        images=tuple(_files(run.get("images"))),
        id=None if call_id is None else str(call_id),
        origin=str(run.get("origin", "gemini")),
        tried=tuple(map(str, tried)) if isinstance(tried, list) else (),
        calls=tuple(map(_call_from_json, _objects(run.get("calls")))),
        seconds=float(seconds) if isinstance(seconds, int | float) else 0.0,
        review=review if isinstance(review, dict) else {},
    )


def _call_from_json(call: Json) -> FunctionCall:
    args, error, line, seconds = (call.get(key) for key in ("args", "error", "line", "seconds"))
    return FunctionCall(
        name=str(call.get("name", "")),
        args=args if isinstance(args, dict) else {},
        result=call.get("result"),
        error=None if error is None else str(error),
        line=line if isinstance(line, int) else 0,
        seconds=float(seconds) if isinstance(seconds, int | float) else 0.0,
        id=str(call.get("id") or ""),
        artifact=call.get("artifact"),
        remark=str(call.get("remark") or ""),
    )


def _json_from_file(file: InlineFile) -> Json:
    return {"mime_type": file.mime_type, "name": file.name, "base64": file.base64}


def _files(values: object) -> list[InlineFile]:
    files = []
    for value in _objects(values):
        try:
            data = b64decode(value.get("base64", ""), validate=True)
        except (TypeError, ValueError, binascii.Error):
            continue
        files.append(InlineFile(data, str(value.get("mime_type", "")), str(value.get("name", ""))))
    return files


def _objects(values: object) -> list[Json]:
    return [value for value in values if isinstance(value, dict)] if isinstance(values, list) else []
