"""What a call of a tool reports: steps while it runs, text for the calling model, the runs for everybody else."""

from __future__ import annotations

import sys
from abc import abstractmethod
from base64 import b64encode
from collections.abc import Callable, Mapping  # noqa: TC003 -- pydantic reads them
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from langchain_core.callbacks.manager import adispatch_custom_event, dispatch_custom_event
from langchain_core.runnables import RunnableConfig  # noqa: TC002 -- langchain-core reads it
from langchain_core.tools import BaseTool, ToolException

from langchain_codeexec.errors import (
    CodeExecError,
    ExecutionRequestError,
    GeminiConnectionError,
    GeminiTimeoutError,
    InvalidRequestError,
    RateLimitError,
    ServerError,
)
from langchain_codeexec.executions import Outcome, artifact_from_executions
from langchain_codeexec.messages.code_blocks import CodeCall
from langchain_codeexec.tools.context import IN_SESSION, CallContext

if TYPE_CHECKING:
    from collections.abc import Iterator

    from langchain_codeexec.executions import CodeExecution, InlineFile
    from langchain_codeexec.messages.code_blocks import CodeBlock

__all__ = ["PROGRESS_EVENT", "Progress", "Report", "ReportingTool", "step_from_code"]

Json = dict[str, Any]
_Output: TypeAlias = "tuple[str | list[str | Json], Json]"

_MOST_PRINTED: Final = 20_000
"""Characters of a run's output that the calling model is given; the artifact holds all of it."""

_ENDINGS: Final = {
    Outcome.OK: "The code printed:",
    Outcome.FAILED: "The code failed:",
    Outcome.DEADLINE_EXCEEDED: "The code ran out of time:",
}


@dataclass(frozen=True, slots=True)
class Report:
    """What became of one call.

    Attributes:
        executions: The runs, in order.
        value: What a notebook would show of the last run's last expression; empty if nothing.
        answer: What the model that wrote the code says; empty where the caller wrote it.
        files: Files left behind, images drawn excepted.
        remark: What else the caller should know.
        in_session: Whether the runs left their state in a session, for those after them.
    """

    executions: tuple[CodeExecution, ...] = ()
    answer: str = ""
    files: tuple[InlineFile, ...] = ()
    remark: str = ""
    value: str = ""
    in_session: bool = False

    @property
    def content(self) -> str:
        """The text for the calling model: the answer, what was printed, and what it cannot see."""
        texts = (self.answer, *self._printed(), *self._kept(), self.remark)
        return "\n\n".join(text for text in map(str.strip, texts) if text)

    @property
    def blocks(self) -> list[str | dict[str, Any]]:
        """The text and the images, for a calling model that sees."""
        images = [image for run in self.executions for image in run.images]
        return [{"type": "text", "text": self.content}, *map(_image_block, images)]

    @property
    def artifact(self) -> dict[str, Any]:
        """The runs, images and files in plain JSON."""
        artifact = artifact_from_executions(self.executions, answer=self.answer, files=self.files)
        return {**artifact, IN_SESSION: True} if self.in_session else artifact

    def _printed(self) -> Iterator[str]:
        """What each run printed. A failure that was mended afterwards is of no interest to the caller."""
        for run in self.executions:
            if run.ok or run is self.executions[-1]:
                ending = _ENDINGS.get(run.outcome or Outcome.UNSPECIFIED, "The code ended in an unknown way:")
                yield f"{ending}\n{_head(run.output or '') or '(nothing)'}"
        if self.value:
            yield f"The value of its last expression:\n{_head(self.value)}"

    def _kept(self) -> Iterator[str]:
        images = sum(len(run.images) for run in self.executions)
        if images:
            yield f"Images drawn and kept beside this text: {images}."
        if self.files:
            yield f"Files written and kept beside this text: {', '.join(file.name for file in self.files)}."


def _image_block(image: InlineFile) -> dict[str, Any]:
    return {"type": "image", "base64": b64encode(image.data).decode(), "mime_type": image.mime_type}


def _head(output: str) -> str:
    if len(output) <= _MOST_PRINTED:
        return output
    return f"{output[:_MOST_PRINTED]}\n[{len(output) - _MOST_PRINTED} more characters were printed]"


PROGRESS_EVENT: Final = "code_execution_progress"
"""Name of the custom event; its data is a step with the tool's name."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Reports steps to LangChain's callbacks and, in a graph, to `stream_mode="custom"`.

    Attributes:
        tool: Name of the tool.
    """

    tool: str

    def report(self, step: Json) -> None:
        """Report a step."""
        event = self._event(step)
        _write(event)
        with suppress(RuntimeError):  # there is no parent run
            dispatch_custom_event(PROGRESS_EVENT, event)

    async def areport(self, step: Json) -> None:
        """Report a step without blocking the event loop."""
        event = self._event(step)
        _write(event)
        with suppress(RuntimeError):
            await adispatch_custom_event(PROGRESS_EVENT, event)

    def _event(self, step: Json) -> Json:
        return {"type": PROGRESS_EVENT, "tool": self.tool, **step}


def step_from_code(code: CodeBlock) -> Json:
    """A step: `code` and `language` of what was written, or `outcome` and `output` of what came of it."""
    if isinstance(code, CodeCall):
        return {"step": "code", "code": code.code, "language": code.language}
    return {"step": "result", "outcome": code.outcome.value, "output": code.output}


def _write(event: Json) -> None:
    """Write to the stream of the graph that runs; where LangGraph is not loaded, none does."""
    config = sys.modules.get("langgraph.config")
    if config is None:
        return
    with suppress(RuntimeError, KeyError):
        config.get_stream_writer()(event)


class ReportingTool(BaseTool):
    """A tool whose calls end in a `Report`: its text is the content, its runs in plain JSON are the artifact.

    A failing program is a result like any other. Where the service or the sandbox fails, the message says so
    with the status `error`, and what to do; with `handle_tool_error=False` it is a `ToolException`, which
    `ToolRetryMiddleware` can retry.

    Attributes:
        show_images: Whether the calling model is shown the images drawn, as `image` blocks beside the text.
    """

    show_images: bool = False
    response_format: Literal["content", "content_and_artifact"] = "content_and_artifact"
    handle_tool_error: bool | str | Callable[[ToolException], str] | None = True

    @abstractmethod
    def report(self, arguments: Json, context: CallContext, progress: Progress) -> Report:
        """Carry a call out.

        Raises:
            CodeExecError: The service or the sandbox failed; a failing program is part of the report.
        """

    @abstractmethod
    async def areport(self, arguments: Json, context: CallContext, progress: Progress) -> Report:
        """Carry a call out without blocking the event loop; see `report`."""

    def _run(self, *args: Any, config: RunnableConfig, runtime: Any = None, **kwargs: Any) -> _Output:
        arguments, context = self._arguments(args, kwargs), CallContext.of(self.name, config, runtime)
        try:
            return self._output(self.report(arguments, context, Progress(self.name)))
        except CodeExecError as error:
            raise ToolException(_advice(error)) from error

    async def _arun(self, *args: Any, config: RunnableConfig, runtime: Any = None, **kwargs: Any) -> _Output:
        arguments, context = self._arguments(args, kwargs), CallContext.of(self.name, config, runtime)
        try:
            return self._output(await self.areport(arguments, context, Progress(self.name)))
        except CodeExecError as error:
            raise ToolException(_advice(error)) from error

    def _output(self, report: Report) -> _Output:
        return report.blocks if self.show_images else report.content, report.artifact

    def _arguments(self, args: tuple[Any, ...], kwargs: Json) -> Json:
        """By name; LangChain passes an input that is a plain string by position."""
        schema: Any = self.args_schema
        return dict(zip(schema.model_fields, args, strict=False)) | kwargs


def _advice(error: CodeExecError) -> str:
    """What happened, and what an agent can do about it."""
    remedy = next((words for kind, words in _REMEDIES.items() if isinstance(error, kind)), _NEVER)
    return f"The code was not run: {error}\n{remedy}"


_LATER: Final = "This may pass: try once more, or go on without it."
_OTHERWISE: Final = "Try once more with the task stated otherwise, or go on without it."
_NEVER: Final = "Trying again will not help: go on without it and say so."
_REMEDIES: Final[Mapping[type[CodeExecError], str]] = {
    RateLimitError: _LATER,
    ServerError: _LATER,
    GeminiConnectionError: _LATER,
    GeminiTimeoutError: "Try once more with a smaller task, or go on without it.",
    InvalidRequestError: _OTHERWISE,
    ExecutionRequestError: _OTHERWISE,
}
