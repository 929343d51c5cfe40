"""The tool that runs the calling model's own code on an executor."""

from __future__ import annotations

from dataclasses import dataclass, replace
from hashlib import sha256
from typing import TYPE_CHECKING, Annotated, Any, Final, Self

from langchain_core.tools import InjectedToolArg
from pydantic import BaseModel, Field, PlainSerializer, PrivateAttr

from langchain_codeexec.errors import ConfigurationError
from langchain_codeexec.executions import CodeExecution, ExecutionRequest, Outcome
from langchain_codeexec.executors.base import checked_executor
from langchain_codeexec.messages.code_blocks import CodeCall, CodeResult
from langchain_codeexec.tools.context import FoundFiles, files_for
from langchain_codeexec.tools.report import Report, ReportingTool, step_from_code
from langchain_codeexec.tools.sessions import ThreadSessions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from langchain_codeexec.executions import ExecutionResult, InlineFile
    from langchain_codeexec.executors.base import CodeExecutor
    from langchain_codeexec.tools.context import CallContext
    from langchain_codeexec.tools.report import Progress
    from langchain_codeexec.tools.sessions import ThreadSession

__all__ = ["PythonTool"]

Json = dict[str, Any]

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


class _Arguments(BaseModel):
    code: str = Field(description="A complete Python program that prints what is asked for.")
    runtime: Annotated[Any, InjectedToolArg, PlainSerializer(lambda _: None)] = None
    """LangGraph's `ToolRuntime`, injected by the argument's name; no model is shown it. LangChain writes out
    all arguments when it checks them, which would copy the whole state."""


class PythonTool(ReportingTool):
    """Python for any agent and any model: the calling model writes the code, an executor runs it.

    The text for the calling model is what the code printed; the artifact holds the run, and
    `code_executions(message)` reads it. Code and result are reported while the tool runs: as the LangChain custom
    event `code_execution_progress`, and in a graph through `stream_mode="custom"`.

    The calls of one thread of conversation (`config["configurable"]["thread_id"]`) share a session:
    variables, imports and files of one are there in the next, and never in another thread's. They run one
    after the other, also where the model makes several at once. If a session was lost (closed, killed, or the
    process is another one), the next result tells the model. A call without a thread is a program by itself.
    In an agent, programs find the files that the user's messages carry, as `input_file_0.csv` and so on, and
    those under `files` in the agent's state.

    Args:
        executor: Runs the code; by default a `LocalSandbox` of the tool's own, which starts with the first
            call and
            ends when the tool is closed.
        **settings: Those of LangChain's tools (`name`, `description`, `return_direct` and so on), and those
        below.

    Attributes:
        max_sessions: Threads that have a session open at a time, the least recently used is closed for
            another one; 0 makes every call a program by itself.
        give_files: Whether programs are given the conversation's and the state's files.

    Raises:
        ConfigurationError: The executor is none, or a setting is unknown or wrong.

    Examples:
        >>> create_agent(model, tools=[PythonTool()])  # doctest: +SKIP
        >>> PythonTool(LocalSandbox(timeout=10))  # doctest: +SKIP
    """

    name: str = "python"
    args_schema: Any = _Arguments
    executor: Any = Field(exclude=True, repr=False)
    max_sessions: int = 16
    give_files: bool = True
    _sessions: Any = PrivateAttr(default=None)
    _owns_executor: bool = PrivateAttr(default=False)

    def __init__(self, executor: CodeExecutor | None = None, **settings: Any) -> None:
        if unknown := settings.keys() - type(self).model_fields:
            raise ConfigurationError(
                f"PythonTool has no setting {', '.join(sorted(unknown))}; settings of the sandbox go to it, as in "
                "PythonTool(LocalSandbox(timeout=10))"
            )
        sessions = settings.get("max_sessions", 0)
        if isinstance(sessions, bool) or not isinstance(sessions, int) or sessions < 0:
            raise ConfigurationError(f"max_sessions must be a whole number from 0 on, not {sessions!r}")
        owned = executor is None
        if executor is None:
            from langchain_codeexec.sandbox.local import LocalSandbox  # noqa: PLC0415 -- where none is given

            executor = LocalSandbox()
        super().__init__(**{"description": "", "executor": checked_executor(executor), **settings})
        self._owns_executor = owned
        self._sessions = ThreadSessions(executor, self.max_sessions) if self.max_sessions else None
        shared, files = _SHARED if self._sessions else _ALONE, _FILES if self.give_files else ""
        self.description = self.description or f"{_PURPOSE}{shared}{_PRINT}{files}".strip()

    def close(self) -> None:
        """Close the sessions, and the sandbox if it is the tool's own."""
        if self._sessions:
            self._sessions.close()
        if self._owns_executor:
            self.executor.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def report(self, arguments: Json, context: CallContext, progress: Progress) -> Report:
        """Run the program.

        Raises:
            ExecutorError: The sandbox is broken.
            GeminiError: The executor is Gemini's, and the service did not answer.
        """
        call = self._call(arguments["code"], context)
        progress.report(step_from_code(self._code(call)))
        if self._sessions and context.thread:
            with self._sessions.turn(context.thread) as session:
                result = session.run(call.request_in(session))
                call.note(session)
        else:
            result = self.executor.run(call.request)
        progress.report(step_from_code(self._result(result)))
        return call.report(result, self._origin(result))

    async def areport(self, arguments: Json, context: CallContext, progress: Progress) -> Report:
        """Run the program without blocking the event loop; see `report`."""
        call = self._call(arguments["code"], context)
        await progress.areport(step_from_code(self._code(call)))
        if self._sessions and context.thread:
            async with self._sessions.aturn(context.thread) as session:
                result = await session.arun(call.request_in(session))
                call.note(session)
        else:
            result = await self.executor.arun(call.request)
        await progress.areport(step_from_code(self._result(result)))
        return call.report(result, self._origin(result))

    def _call(self, code: str, context: CallContext) -> _Call:
        found = files_for(context) if self.give_files else FoundFiles()
        return _Call(ExecutionRequest(code, files=found.files), found.left_out, context)

    def _code(self, call: _Call) -> CodeCall:
        return CodeCall(call.request.code, call.request.language, None, self.executor.name)

    def _result(self, result: ExecutionResult) -> CodeResult:
        return CodeResult(result.outcome, result.output, result.images, None, self._origin(result))

    def _origin(self, result: ExecutionResult) -> str:
        return result.executor or str(self.executor.name)


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
