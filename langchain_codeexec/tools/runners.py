"""Where a call of the tool is carried out: by Gemini, who writes the code too, or by an executor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final, Protocol

from langchain_core.messages import HumanMessage
from langchain_core.tools import InjectedToolArg
from pydantic import BaseModel, Field, PlainSerializer

from langchain_codeexec.executions import code_executions
from langchain_codeexec.executions.reading import blocks_with_halves
from langchain_codeexec.tools.progress import step_from_half
from langchain_codeexec.tools.report import Report

if TYPE_CHECKING:
    from collections.abc import Iterator

    from langchain_core.language_models.chat_models import BaseChatModel
    from langchain_core.messages import BaseMessage

    from langchain_codeexec.executions.halves import CodeCall, CodeResult
    from langchain_codeexec.tools.context import CallContext
    from langchain_codeexec.tools.progress import Progress

__all__ = ["CodeArguments", "GeminiRunner", "Runner", "TaskArguments"]

Json = dict[str, Any]

_PROMPT: Final = "Write and run Python code for this task, and answer from what it prints.\n\n"
_NOT_RUN: Final = "No code was run for this answer."


class TaskArguments(BaseModel):
    """What the tool takes where Gemini writes the code."""

    task: str = Field(
        description="What to compute, in words, with all the values it needs: nothing else is known there."
    )
    data: str | None = Field(default=None, description="Text to work on, such as the content of a CSV file.")


class CodeArguments(BaseModel):
    """What the tool takes where its caller writes the code."""

    code: str = Field(description="A complete Python program that prints what is asked for.")
    runtime: Annotated[Any, InjectedToolArg, PlainSerializer(lambda _: None)] = None
    """LangGraph's `ToolRuntime`, injected by the argument's name; no model is shown it. LangChain writes out
    all arguments when it checks them, which would copy the whole state."""


class Runner(Protocol):
    """Carries out calls of the tool."""

    @property
    def arguments(self) -> type[BaseModel]:
        """What a call takes; the first one may be given alone, as text."""
        ...

    @property
    def description(self) -> str:
        """What a model is told of the tool."""
        ...

    def run(self, arguments: Json, context: CallContext, progress: Progress) -> Report:
        """Carry a call out.

        Raises:
            CodeExecError: The service or the sandbox failed; a failing program is part of the report.
        """
        ...

    async def arun(self, arguments: Json, context: CallContext, progress: Progress) -> Report:
        """Carry a call out without blocking the event loop; see `run`."""
        ...

    def close(self) -> None:
        """Free what calls have left open; later calls open it again."""
        ...


@dataclass(frozen=True)
class GeminiRunner:
    """Has Gemini write the code and run it.

    Attributes:
        llm: A chat model that has code execution.
    """

    llm: BaseChatModel

    arguments = TaskArguments
    description = (
        "Has Python code written and run in a sandbox, and answers from what it prints. Use it for whatever "
        "must be computed exactly: arithmetic, statistics, dates, tables, text processing, plots. The sandbox "
        "has no network and sees nothing of this conversation: state the task with all the values it needs."
    )

    def run(self, arguments: Json, context: CallContext, progress: Progress) -> Report:  # noqa: ARG002 -- the protocol's
        """Ask the model, and tell each step as it arrives.

        Raises:
            GeminiError: The service gave no answer.
        """
        answer: Any = None
        for chunk in self.llm.stream(_question(**arguments)):
            answer = chunk if answer is None else answer + chunk
            for half in _halves(chunk):
                progress.tell(step_from_half(half))
        return _report(answer)

    async def arun(self, arguments: Json, context: CallContext, progress: Progress) -> Report:  # noqa: ARG002 -- as above
        """Ask the model without blocking the event loop; see `run`."""
        answer: Any = None
        async for chunk in self.llm.astream(_question(**arguments)):
            answer = chunk if answer is None else answer + chunk
            for half in _halves(chunk):
                await progress.atell(step_from_half(half))
        return _report(answer)

    def close(self) -> None:
        """Nothing is left open."""


def _question(task: str, data: str | None = None) -> list[BaseMessage]:
    told = f"{_PROMPT}{task}"
    return [HumanMessage(f"{told}\n\nThe data:\n\n{data}" if data else told)]


def _halves(chunk: BaseMessage) -> Iterator[CodeCall | CodeResult]:
    return (half for _, halves in blocks_with_halves(chunk) for half in halves)


def _report(answer: BaseMessage) -> Report:
    executions = tuple(code_executions(answer))
    ended = answer.response_metadata.get("finish_message")
    remarks = [str(ended)] * bool(ended) + [_NOT_RUN] * (not executions)
    return Report(executions, answer=answer.text, remark=" ".join(remarks))
