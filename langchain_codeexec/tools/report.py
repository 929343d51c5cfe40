"""What a call of a tool reports: steps while it runs, text for the calling model, the runs for everybody else."""

from __future__ import annotations

import re
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Final, Literal, TypeAlias

from langchain_core.callbacks.manager import adispatch_custom_event, dispatch_custom_event
from langchain_core.messages import AIMessage, ToolMessage
from langchain_core.runnables.config import ensure_config
from langchain_core.tools import BaseTool, ToolException
from pydantic import Field

from langchain_codeexec.control.limits import (
    ExecutionLimits,
    LimitWatch,
    ReachedLimit,
    areport_budget,
    checked_limits,
    report_budget,
)
from langchain_codeexec.control.redaction import Redaction, checked_redactor
from langchain_codeexec.control.tracing import Event, ExecutionRuns
from langchain_codeexec.errors import (
    AuditError,
    CodeExecError,
    ExecutionLimitError,
    ExecutionRequestError,
    GeminiConnectionError,
    GeminiTimeoutError,
    InvalidRequestError,
    RateLimitError,
    SandboxBusyError,
    ServerError,
    UnknownPriceError,
)
from langchain_codeexec.executions import CodeExecution, InlineFile, Outcome, artifact_from_executions
from langchain_codeexec.messages.code_blocks import CodeBlock, CodeCall
from langchain_codeexec.tools.files import messages_in_state

__all__ = ["IN_SESSION", "Output", "Report", "ReportingTool", "reviewed", "watch_of_call"]

Json = dict[str, Any]
Output: TypeAlias = tuple[str | list[str | Json], Json]
"""Content and artifact of a tool message."""

IN_SESSION: Final = "in_session"
"""Key of an artifact: whether the program left its state in a session, for those after it."""

_NUMBERED: Final = re.compile(r"image_\d+\.png")
"""Names of images that the code gave none."""
_PROGRESS_EVENT: Final = "code_execution_progress"
_LOUD: Final = (AuditError, ExecutionLimitError, UnknownPriceError)
"""Errors of whoever is in control, which no model is to pass over."""
_LIMITED: Final = "No more code is run: go on with what there is, and say so."
_MOST_PRINTED: Final = 20_000
"""Characters of a run's output that the calling model is given; the artifact holds all of it."""

_ENDINGS: Final = {
    Outcome.OK: "The code printed:",
    Outcome.FAILED: "The code failed:",
    Outcome.DEADLINE_EXCEEDED: "The code ran out of time:",
    Outcome.UNSPECIFIED: "The code ended in an unknown way:",
}


@dataclass(frozen=True, slots=True)
class Report:
    """What became of one call.

    Attributes:
        executions: The runs, in order.
        answer: What the model that wrote the code says; empty where the caller wrote it.
        files: Files left behind, images drawn excepted.
        remarks: What else the caller should know.
        value: What a notebook would show of the last run's last expression; empty if nothing.
        in_session: Whether the runs left their state in a session, for those after them.
        usage: The `usage_metadata` and the `model_name` of the model that wrote the code, or was asked to run it;
            empty where none was called.
        limit: The limit that was reached, if any.
        traced: Whether the model that gave the runs has told its callbacks of them.
        redacted: The kinds of what was replaced in all this.
    """

    executions: tuple[CodeExecution, ...] = ()
    answer: str = ""
    files: tuple[InlineFile, ...] = ()
    remarks: tuple[str, ...] = ()
    value: str = ""
    in_session: bool = False
    usage: Json = field(default_factory=dict)
    limit: ReachedLimit | None = None
    traced: bool = False
    redacted: tuple[str, ...] = ()

    @property
    def content(self) -> str:
        """The text for the calling model: the answer, what was printed, and what it cannot see."""
        remarks = (*self.remarks, f"{self.limit.text} {_LIMITED}" if self.limit else "")
        texts = map(str.strip, (self.answer, *self._printed(), *self._kept(), *remarks))
        return "\n\n".join(filter(None, texts))

    @property
    def blocks(self) -> list[str | Json]:
        """The text and the images, for a calling model that sees."""
        images = [
            {"type": "image", "base64": image.base64, "mime_type": image.mime_type}
            for run in self.executions
            for image in run.images
        ]
        return [{"type": "text", "text": self.content}, *images]

    @property
    def artifact(self) -> Json:
        """The runs, images and files in plain JSON."""
        return {
            **artifact_from_executions(self.executions, answer=self.answer, files=self.files),
            **({IN_SESSION: True} if self.in_session else {}),
            **({"redacted": list(self.redacted)} if self.redacted else {}),
            **self.usage,
            **({"limit": self.limit.to_dict()} if self.limit else {}),
        }

    @property
    def message(self) -> ToolMessage:
        """The report as a message that answers no call yet."""
        return ToolMessage(self.content, artifact=self.artifact, tool_call_id="")

    def with_review(self, review: Json) -> Report:
        """The report with what was decided before its programs ran."""
        return replace(self, executions=tuple(replace(run, review=review) for run in self.executions))

    def with_redaction(self, redaction: Redaction) -> Report:
        """The report redacted; files and images stay what they are."""
        if not redaction:
            return self
        redacted = replace(
            self,
            executions=tuple(map(redaction.execution, self.executions)),
            answer=redaction.text(self.answer),
            remarks=tuple(map(redaction.text, self.remarks)),
            value=redaction.text(self.value),
        )
        return replace(redacted, redacted=tuple(dict.fromkeys((*self.redacted, *redaction.kinds))))

    def _printed(self) -> Iterator[str]:
        """What each run printed. A failure that was mended afterwards is of no interest to the caller."""
        for run in self.executions:
            if run.outcome is None:
                yield "What the code printed did not come along, if it printed anything."
            elif run.ok or run is self.executions[-1]:
                yield f"{_ENDINGS[run.outcome]}\n{_head(run.output or '') or '(nothing)'}"
        if self.value:
            yield f"The value of its last expression:\n{_head(self.value)}"

    def _kept(self) -> Iterator[str]:
        images = [image.name for run in self.executions for image in run.images]
        if images:
            saved = ", ".join(name for name in images if name and not _NUMBERED.fullmatch(name))
            yield f"Images drawn and kept beside this text: {len(images)}{f' ({saved})' if saved else ''}."
        if self.files:
            yield f"Files written and kept beside this text: {', '.join(file.name for file in self.files)}."


class ReportingTool(BaseTool):
    """A tool whose calls end in a `Report`: its text is the content, its runs in plain JSON are the artifact.

    A failing program is a result like any other. Where the service or the sandbox fails, the message says so
    with the status `error`, and what to do; with `handle_tool_error=False` it is a `ToolException`, which
    `ToolRetryMiddleware` can retry.

    Code and results are reported while the tool runs: as the LangChain custom event
    `code_execution_progress`, and in a graph through `stream_mode="custom"`.

    Each execution is a run of its own, named `code_interpreter`, below the tool's or the model's that had it run.

    Attributes:
        show_images: Whether the calling model is shown the images drawn, as `image` blocks beside the text.
        limits: `ExecutionLimits` of an agent's turn and conversation. A program over a limit is not started. The
            result says so to the model, and `ExecutionLimitsMiddleware` ends the run then; or it is an
            `ExecutionLimitError`. Outside of a graph only the call itself is counted.
        redact: Redacts the content, the artifact and what is reported, files and images excepted. The call's own
            arguments are the calling model's, and in its message.

    Raises:
        ConfigurationError: The limits or the redactor are none.
    """

    show_images: bool = False
    limits: Any = Field(default=None, exclude=True, repr=False)
    redact: Any = Field(default=None, exclude=True, repr=False)
    response_format: Literal["content", "content_and_artifact"] = "content_and_artifact"
    handle_tool_error: Any = True  # the releases of langchain-core type it differently
    _runs_code: ClassVar[bool] = False

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        checked_limits(self.limits)
        checked_redactor(self.redact)

    def _output(
        self,
        steps: Iterator[CodeBlock | Report],
        runtime: Any = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> Output:
        """Carry a call out: its steps are code and results as they come, and the report in the end.

        Args:
            steps: The steps.
            runtime: The call's `ToolRuntime`, if it has one.
            metadata: That of the runs: what is known of the answer with the code.

        Raises:
            ExecutionLimitError: A limit is reached, and that is to be an error.
            UnknownPriceError: The cost has a limit, and no price of a model is known.
        """
        watch = self._watch(runtime)
        reached = watch.before_program() if watch else None
        report = Report(limit=reached) if reached else self._report(steps, metadata, _review_of(runtime))
        if watch:
            report_budget(watch.alarms(report.message))
        return self._limited(report, watch, runtime)

    async def _aoutput(
        self,
        steps: AsyncIterator[CodeBlock | Report],
        runtime: Any = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> Output:
        """Carry a call out without blocking the event loop; see `_output`."""
        watch = self._watch(runtime)
        reached = watch.before_program() if watch else None
        report = (
            Report(limit=reached) if reached else await self._areport(steps, metadata, _review_of(runtime))
        )
        if watch:
            await areport_budget(watch.alarms(report.message))
        return self._limited(report, watch, runtime)

    def _report(
        self, steps: Iterator[CodeBlock | Report], metadata: Mapping[str, Any] | None, review: Json
    ) -> Report:
        report, redaction, runs = Report(), *self._listeners(metadata)
        try:
            for step in steps:
                if isinstance(step, Report):
                    report = (step.with_review(review) if review else step).with_redaction(redaction)
                    runs.dispatch(_ends(runs, report))
                    continue
                code = redaction.code(step)
                runs.dispatch(self._start(runs, code))
                with suppress(RuntimeError):  # there is no parent run
                    dispatch_custom_event(_PROGRESS_EVENT, self._progress(code))
        except BaseException as error:
            with suppress(Exception):  # of a handler: what broke off comes first
                runs.dispatch(runs.fail(error))
            if isinstance(error, CodeExecError) and not isinstance(error, _LOUD):
                raise ToolException(redaction.text(_advice(error))) from error
            raise
        return report

    async def _areport(
        self, steps: AsyncIterator[CodeBlock | Report], metadata: Mapping[str, Any] | None, review: Json
    ) -> Report:
        report, redaction, runs = Report(), *self._listeners(metadata)
        try:
            async for step in steps:
                if isinstance(step, Report):
                    report = (step.with_review(review) if review else step).with_redaction(redaction)
                    await runs.adispatch(_ends(runs, report))
                    continue
                code = redaction.code(step)
                await runs.adispatch(self._start(runs, code))
                with suppress(RuntimeError):
                    await adispatch_custom_event(_PROGRESS_EVENT, self._progress(code))
        except BaseException as error:
            with suppress(Exception):  # of a handler: what broke off comes first
                await runs.adispatch(runs.fail(error))
            if isinstance(error, CodeExecError) and not isinstance(error, _LOUD):
                raise ToolException(redaction.text(_advice(error))) from error
            raise
        return report

    def _watch(self, runtime: Any) -> LimitWatch | None:
        """How far a call's conversation is from the tool's limits; `None` if it has none."""
        return watch_of_call(self.limits, runtime) if self.limits else None

    def _limited(self, report: Report, watch: LimitWatch | None, runtime: Any) -> Output:
        if watch:
            report = replace(report, limit=report.limit or watch.over(report.message))
            if report.limit and watch.limits.at_limit == "error":
                message = report.message.model_copy(
                    update={"name": self.name, "tool_call_id": getattr(runtime, "tool_call_id", None) or ""}
                )
                raise watch.error(report.limit, message)
        return report.blocks if self.show_images else report.content, report.artifact

    def _listeners(self, metadata: Mapping[str, Any] | None) -> tuple[Redaction, ExecutionRuns]:
        manager: Any = ensure_config().get("callbacks")
        return Redaction(self.redact), ExecutionRuns(manager, metadata)

    def _start(self, runs: ExecutionRuns, code: CodeBlock) -> Iterator[Event]:
        """The start of a run, where the code runs here and now."""
        if self._runs_code and isinstance(code, CodeCall):
            yield from runs.start(code.code, code.language, code.origin)

    def _progress(self, code: CodeBlock) -> Json:
        """The event that tells of code or its result, written to the stream of the graph that runs, if any."""
        event: Json = {"type": _PROGRESS_EVENT, "tool": self.name}
        if isinstance(code, CodeCall):
            event |= {"step": "code", "code": code.code, "language": code.language}
        else:
            event |= {"step": "result", "outcome": code.outcome.value, "output": code.output}
        if langgraph := sys.modules.get("langgraph.config"):
            with suppress(RuntimeError, KeyError):  # no graph runs
                langgraph.get_stream_writer()(event)
        return event


_reviewed: ContextVar[tuple[object, Json]] = ContextVar("_reviewed", default=(None, {}))


@contextmanager
def reviewed(call_id: str | None, review: Json) -> Iterator[None]:
    """Have the records of a tool call's programs say what was decided before they run."""
    token = _reviewed.set((call_id, review))
    try:
        yield
    finally:
        _reviewed.reset(token)


def _review_of(runtime: Any) -> Json:
    call_id, review = _reviewed.get()
    return review if getattr(runtime, "tool_call_id", None) == call_id else {}


def watch_of_call(limits: ExecutionLimits, runtime: Any) -> LimitWatch:
    """How far the conversation of a tool call is from limits.

    Calls of tools that run code, and stand before it in the same answer, are counted as one program each: they may
    be under way.

    Args:
        limits: The limits.
        runtime: The call's `ToolRuntime`; `None` outside of a graph, where there is no conversation.
    """
    messages = messages_in_state(getattr(runtime, "state", None))
    names = {tool.name for tool in getattr(runtime, "tools", ()) if isinstance(tool, ReportingTool)}
    answered = {message.tool_call_id for message in messages if isinstance(message, ToolMessage)}
    for message in reversed(messages):
        calls = message.tool_calls if isinstance(message, AIMessage) else []
        ids = [call["id"] for call in calls]
        if (call_id := getattr(runtime, "tool_call_id", None)) in ids:
            before = calls[: ids.index(call_id)]
            started = sum(call["name"] in names and call["id"] not in answered for call in before)
            return LimitWatch(limits, messages, started=started)
    return LimitWatch(limits, messages)


def _ends(runs: ExecutionRuns, report: Report) -> Iterator[Event]:
    if not report.traced:
        for number, execution in enumerate(report.executions):
            yield from runs.end(number, execution, report.redacted)


def _head(output: str) -> str:
    if len(output) <= _MOST_PRINTED:
        return output
    return f"{output[:_MOST_PRINTED]}\n[{len(output) - _MOST_PRINTED} more characters were printed]"


def _advice(error: CodeExecError) -> str:
    """What happened, and what an agent can do about it."""
    remedy = next((remedy for kind, remedy in _REMEDIES.items() if isinstance(error, kind)), _NEVER)
    return f"The code was not run: {error}\n{remedy}"


_LATER: Final = "This may pass: try once more, or go on without it."
_OTHERWISE: Final = "Try once more with the task stated otherwise, or go on without it."
_NEVER: Final = "Trying again will not help: go on without it and say so."
_REMEDIES: Final[Mapping[type[CodeExecError], str]] = {
    RateLimitError: _LATER,
    ServerError: _LATER,
    GeminiConnectionError: _LATER,
    SandboxBusyError: _LATER,
    GeminiTimeoutError: "Try once more with a smaller task, or go on without it.",
    InvalidRequestError: _OTHERWISE,
    ExecutionRequestError: _OTHERWISE,
}
