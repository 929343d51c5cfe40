"""Where a call of the tool is carried out: by Gemini, who writes the code too, or by an executor.

Carrying out calls of the tool with an executor: the calling model writes the code.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from hashlib import sha256
from typing import TYPE_CHECKING, Annotated, Any, Final, Protocol

from langchain_core.messages import HumanMessage
from langchain_core.tools import InjectedToolArg
from pydantic import BaseModel, Field, PlainSerializer

from langchain_codeexec.errors import ConfigurationError
from langchain_codeexec.executions import CodeExecution, ExecutionRequest, Outcome
from langchain_codeexec.messages.code_blocks import CodeCall, CodeResult, blocks_with_code, code_executions
from langchain_codeexec.tools.context import FoundFiles, files_for
from langchain_codeexec.tools.report import Report, step_from_code
from langchain_codeexec.tools.sessions import ThreadSessions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from langchain_core.language_models.chat_models import BaseChatModel
    from langchain_core.messages import BaseMessage

    from langchain_codeexec.executions import ExecutionResult, InlineFile
    from langchain_codeexec.executors.base import CodeExecutor
    from langchain_codeexec.tools.context import CallContext
    from langchain_codeexec.tools.report import Progress
    from langchain_codeexec.tools.sessions import ThreadSession

__all__ = ["CodeArguments", "ExecutorRunner", "GeminiRunner", "Runner", "TaskArguments"]

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
            for code in _code_blocks(chunk):
                progress.tell(step_from_code(code))
        return _report(answer)

    async def arun(self, arguments: Json, context: CallContext, progress: Progress) -> Report:  # noqa: ARG002 -- as above
        """Ask the model without blocking the event loop; see `run`."""
        answer: Any = None
        async for chunk in self.llm.astream(_question(**arguments)):
            answer = chunk if answer is None else answer + chunk
            for code in _code_blocks(chunk):
                await progress.atell(step_from_code(code))
        return _report(answer)

    def close(self) -> None:
        """Nothing is left open."""


def _question(task: str, data: str | None = None) -> list[BaseMessage]:
    told = f"{_PROMPT}{task}"
    return [HumanMessage(f"{told}\n\nThe data:\n\n{data}" if data else told)]


def _code_blocks(chunk: BaseMessage) -> Iterator[CodeCall | CodeResult]:
    return (code for _, codes in blocks_with_code(chunk) for code in codes)


def _report(answer: BaseMessage) -> Report:
    executions = tuple(code_executions(answer))
    ended = answer.response_metadata.get("finish_message")
    remarks = [str(ended)] * bool(ended) + [_NOT_RUN] * (not executions)
    return Report(executions, answer=answer.text, remark=" ".join(remarks))


_PURPOSE: Final = (
    "Runs a Python program and gives what it prints. Use it for whatever must be computed exactly. "
)
_ALONE: Final = (
    "Every call is a program by itself: nothing of an earlier one is left, so write all that it needs into the "
    "code. "
)
_SHARED: Final = (
    "What earlier calls of this conversation defined, imported and wrote to files is usually still there; "
    "where a name or a file is missing, make it again. "
)
_PRINT: Final = "Print the results. "
_FILES: Final = (
    "Files that the user attached, if any, lie in the working directory as input_file_0.csv, input_file_1.png "
    "and so on, by their order and type; others under their own names."
)
_LOST: Final = (
    "The session of the earlier calls has ended: what they defined and wrote is lost; make it again."
)


class ExecutorRunner:
    """Runs the caller's own code.

    Args:
        executor: Where it runs.
        sessions: How many threads have a session open at a time; 0 makes every call a program by itself.
        give_files: Whether programs are given the files of the conversation and of the agent's state.

    Raises:
        ConfigurationError: The number of sessions is none.
    """

    arguments = CodeArguments

    def __init__(self, executor: CodeExecutor, *, sessions: int, give_files: bool) -> None:
        if isinstance(sessions, bool) or not isinstance(sessions, int) or sessions < 0:
            raise ConfigurationError(f"max_sessions must be a whole number from 0 on, not {sessions!r}")
        self.executor = executor
        self._sessions = ThreadSessions(executor, sessions) if sessions else None
        self._give_files = give_files

    @property
    def description(self) -> str:
        """What a model is told of the tool."""
        told = (_PURPOSE, _SHARED if self._sessions else _ALONE, _PRINT, _FILES if self._give_files else "")
        return "".join(told).strip()

    def run(self, arguments: Json, context: CallContext, progress: Progress) -> Report:
        """Run the program.

        Raises:
            ExecutorError: The sandbox is broken.
            GeminiError: The executor is Gemini's, and the service did not answer.
        """
        call = self._call(arguments["code"], context)
        progress.tell(step_from_code(self._code(call)))
        if self._sessions and context.thread:
            with self._sessions.turn(context.thread) as session:
                result = session.run(call.request_in(session))
                call.note(session)
        else:
            result = self.executor.run(call.request)
        progress.tell(step_from_code(self._result(result)))
        return call.report(result, self._origin(result))

    async def arun(self, arguments: Json, context: CallContext, progress: Progress) -> Report:
        """Run the program without blocking the event loop; see `run`."""
        call = self._call(arguments["code"], context)
        await progress.atell(step_from_code(self._code(call)))
        if self._sessions and context.thread:
            async with self._sessions.aturn(context.thread) as session:
                result = await session.arun(call.request_in(session))
                call.note(session)
        else:
            result = await self.executor.arun(call.request)
        await progress.atell(step_from_code(self._result(result)))
        return call.report(result, self._origin(result))

    def close(self) -> None:
        """Close the sessions; later calls open new ones."""
        if self._sessions:
            self._sessions.close()

    def _call(self, code: str, context: CallContext) -> _Call:
        found = files_for(context) if self._give_files else FoundFiles()
        return _Call(ExecutionRequest(code, files=found.files), found.left_out, context)

    def _code(self, call: _Call) -> CodeCall:
        return CodeCall(call.request.code, call.request.language, None, self.executor.name)

    def _result(self, result: ExecutionResult) -> CodeResult:
        return CodeResult(result.outcome, result.output, result.images, None, self._origin(result))

    def _origin(self, result: ExecutionResult) -> str:
        return result.executor or self.executor.name


@dataclass
class _Call:
    """One call on its way.

    Attributes:
        request: Its program, with all files that there are.
        left_out: Files that cannot be given to a program.
        context: Where it comes from.
        in_session: Whether the program ran in a session.
        has_lost: Whether it misses what earlier calls left.
    """

    request: ExecutionRequest
    left_out: tuple[str, ...]
    context: CallContext
    in_session: bool = False
    has_lost: bool = False

    def request_in(self, session: ThreadSession) -> ExecutionRequest:
        """The request with the files that the session has not got yet; programs may have changed the others."""
        self.has_lost = session.has_lost or (not session.has_state and self.context.had_session)
        new = [file for file in self.request.files if session.placed.get(file.name) != _digest(file)]
        self.request = replace(self.request, files=tuple(new))
        return self.request

    def note(self, session: ThreadSession) -> None:
        """Note that the program ran."""
        self.in_session = True
        session.has_lost = False
        session.placed.update({file.name: _digest(file) for file in self.request.files})

    def report(self, result: ExecutionResult, origin: str) -> Report:
        """What the calling model is told and what is kept."""
        run = CodeExecution(
            code=self.request.code,
            language=self.request.language,
            outcome=result.outcome,
            output=result.output,
            images=result.images,
            origin=origin,
            tried=result.tried,
        )
        remarks = "\n\n".join(filter(None, self._remarks(result, origin)))
        return Report(
            (run,), value=result.value or "", files=result.files, remark=remarks, in_session=self.in_session
        )

    def _remarks(self, result: ExecutionResult, origin: str) -> Iterator[str]:
        went_well = result.outcome is Outcome.OK
        if went_well and result.stderr.strip():
            yield f"It wrote to stderr:\n{result.stderr}"
        if went_well and result.detail:
            yield f"Note: {result.detail}."
        if self.has_lost:
            yield _LOST
        if self.request.files:
            yield f"Files given to the program: {', '.join(file.name for file in self.request.files)}."
        if self.left_out:
            yield f"Files that cannot be given to a program: {', '.join(self.left_out)}."
        if result.tried:
            yield f"Run by {origin}; tried before: {', '.join(result.tried)}."


def _digest(file: InlineFile) -> bytes:
    return sha256(file.data).digest()
