"""What became of one call of the tool: text for the model that called it, the runs for everybody else.

What a call of the tool tells while it runs: the code that was written, and the result that arrived.
"""

from __future__ import annotations

import sys
from base64 import b64encode
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from langchain_core.callbacks.manager import adispatch_custom_event, dispatch_custom_event

from langchain_codeexec.executions import Outcome, artifact_from_executions
from langchain_codeexec.messages.code_blocks import CodeCall
from langchain_codeexec.tools.context import IN_SESSION

if TYPE_CHECKING:
    from collections.abc import Iterator

    from langchain_codeexec.executions import CodeExecution, InlineFile
    from langchain_codeexec.messages.code_blocks import CodeBlock

__all__ = ["PROGRESS_EVENT", "Progress", "Report", "step_from_code"]

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
        told = (self.answer, *self._printed(), *self._kept(), self.remark)
        return "\n\n".join(text for text in map(str.strip, told) if text)

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

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Progress:
    """Tells LangChain's callback handlers and, in a graph, those who stream it with `stream_mode="custom"`.

    Attributes:
        tool: Name of the tool.
    """

    tool: str

    def tell(self, step: Json) -> None:
        """Tell a step."""
        event = self._event(step)
        _write(event)
        with suppress(RuntimeError):  # nobody called who could be told
            dispatch_custom_event(PROGRESS_EVENT, event)

    async def atell(self, step: Json) -> None:
        """Tell a step without blocking the event loop."""
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
