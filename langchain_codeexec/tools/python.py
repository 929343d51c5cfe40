"""The tool that runs the calling model's own code on an executor."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextvars import ContextVar
from typing import Annotated, Any, ClassVar, Final, Self

from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import BaseTool, InjectedToolArg
from pydantic import BaseModel, Field, PlainSerializer, PrivateAttr

from langchain_codeexec.control.tracing import answer_metadata
from langchain_codeexec.errors import ConfigurationError, CourseChangedError, ExecutorError
from langchain_codeexec.executions import (
    ARTIFACT_TYPE,
    CodeExecution,
    ExecutionRequest,
    ExecutionResult,
    Outcome,
)
from langchain_codeexec.executors.base import CodeExecutor, checked_executor
from langchain_codeexec.executors.calls import CallLimits, arun_in, check_takes_calls, run_in
from langchain_codeexec.messages.code_blocks import CodeBlock, CodeCall, CodeResult
from langchain_codeexec.tools.calls import CallableTools, CallRoute, ProgramCalls
from langchain_codeexec.tools.files import files_in_state, messages_in_state
from langchain_codeexec.tools.report import IN_SESSION, Output, Report, ReportingTool
from langchain_codeexec.tools.sessions import ThreadSession, ThreadSessions

__all__ = ["CALLS_OF_AGENT", "PythonTool", "metadata_of_call"]

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
_APART: Final = "The program ran by itself: what earlier calls defined and wrote was not there."
_LOST: Final = (
    "The session of the earlier calls has ended: what they defined and wrote is lost; make it again."
)


CALLS_OF_AGENT: Final[ContextVar[Callable[[Any, Any], tuple[CallableTools, CallRoute] | None] | None]] = (
    ContextVar("CALLS_OF_AGENT", default=None)
)
"""What a middleware lets a program of a tool call, by the tool and its `ToolRuntime`, and the way to it."""


class _Arguments(BaseModel):
    code: str = Field(description="A complete Python program that prints what is asked for.")
    runtime: Annotated[Any, InjectedToolArg, PlainSerializer(lambda _: None)] = None
    """LangGraph's `ToolRuntime`, injected by the argument's name; no model is shown it. LangChain writes out
    all arguments when it checks them, which would copy the whole state."""


class PythonTool(ReportingTool):
    """Python for any agent and any model: the calling model writes the code, an executor runs it.

    The text for the calling model is what the code printed; the artifact holds the run, and
    `code_executions(message)` reads it. Code and result are reported while the tool runs: as the LangChain
    custom event `code_execution_progress`, and in a graph through `stream_mode="custom"`.

    The calls of one thread of conversation (`config["configurable"]["thread_id"]`) share a session:
    variables, imports and files of one are there in the next, and never in another thread's. They run one
    after the other, also where the model makes several at once. If a session was lost (closed, killed, or the
    process is another one), the next result tells the model. A call without a thread is a program by itself.
    In an agent, programs find the files that the user's messages carry, as `input_file_0.csv` and so on, and
    those under `files` in the agent's state.

    Programs can call `tools` as plain functions, whose signatures the description tells the model: what they
    return is data in the program, and no model sees it. A failing tool raises a `ToolError` there; bytes and
    media come as files. Each call is a run of the tool below this tool's run, and in the record
    (`CodeExecution.calls`). Arguments are checked before anything runs. In a graph with a checkpointer a program
    that is stopped for somebody's answer is run again, and every call that had a result has it again.
    **Calls of `tools` pass by the agent's middlewares**: `CodeExecutionMiddleware(callable_from_code=…)` sends
    them through. What a `HumanInTheLoopMiddleware` of any release reviews in the agent is refused here.

    Args:
        executor: Runs the code; by default a `LocalSandbox` of the tool's own, which starts with the first
            call and ends when the tool is closed.
        **settings: Those of LangChain's tools (`name`, `description`, `return_direct` and so on),
            `show_images`, `limits`, and those below.

    Attributes:
        max_sessions: Threads that have a session open at a time, the least recently used is closed for
            another one; 0 makes every call a program by itself.
        give_files: Whether programs are given the conversation's and the state's files.
        tools: LangChain's tools that programs can call.
        call_limits: How often, how long, how much.

    Raises:
        ConfigurationError: The executor is none, or a setting is unknown or wrong, or there are `tools` and the
            executor's programs cannot call any.

    Examples:
        >>> create_agent(model, tools=[PythonTool()])  # doctest: +SKIP
        >>> PythonTool(LocalSandbox(timeout=10))  # doctest: +SKIP
    """

    name: str = "python"
    args_schema: Any = _Arguments
    executor: Any = Field(exclude=True, repr=False)
    max_sessions: int = 16
    give_files: bool = True
    tools: Any = Field(default=(), exclude=True, repr=False)
    call_limits: CallLimits = CallLimits()
    _callable: Any = PrivateAttr(default=None)
    _sessions: Any = PrivateAttr(default=None)
    _owns_executor: bool = PrivateAttr(default=False)
    _runs_code: ClassVar[bool] = True

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
        if self.tools:
            self._callable = self.callable_tools(self.tools)
            self.description = f"{self.description}\n\n{self._callable.description}"

    def callable_tools(self, tools: Sequence[BaseTool]) -> CallableTools:
        """Tools as programs here can call them.

        Raises:
            ConfigurationError: They cannot call any, or one is no tool, or this one, or two have one name.
        """
        check_takes_calls(self.executor)
        if self.name in [getattr(tool, "name", None) for tool in tools]:
            raise ConfigurationError(f"a program of {self.name!r} cannot call {self.name!r}")
        return CallableTools(tools, self.call_limits)

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

    def _run(self, code: str, *, config: RunnableConfig, runtime: Any = None) -> Any:
        call = _Call(self, code, runtime)
        return call.with_updates(self._output(self._steps(call, _thread(config)), runtime, call.metadata))

    async def _arun(self, code: str, *, config: RunnableConfig, runtime: Any = None) -> Any:
        call = _Call(self, code, runtime, asyncio.get_running_loop())
        output = await self._aoutput(self._asteps(call, _thread(config)), runtime, call.metadata)
        return call.with_updates(output)

    def _steps(self, call: _Call, thread: str) -> Iterator[CodeBlock | Report]:
        yield call.code
        calls = call.calls
        try:
            if self._sessions and thread and not call.is_alone:
                with self._sessions.turn(thread) as session:
                    result = session.run(call.request_in(session), calls)
            else:
                result = run_in(self.executor, call.request, calls)
            if calls:
                calls.end()
        except ExecutorError as error:
            result = call.broken(error)
        yield from call.outcome(result)

    async def _asteps(self, call: _Call, thread: str) -> AsyncIterator[CodeBlock | Report]:
        yield call.code
        calls = call.calls
        try:
            if self._sessions and thread and not call.is_alone:
                async with self._sessions.aturn(thread) as session:
                    result = await session.arun(call.request_in(session), calls)
            else:
                result = await arun_in(self.executor, call.request, calls)
            if calls:
                await calls.aend()
        except ExecutorError as error:
            result = call.broken(error)
        for step in call.outcome(result):
            yield step


class _Call:
    """One call on its way: its program, with the files and the functions it is given."""

    def __init__(
        self, tool: PythonTool, code: str, runtime: Any, loop: asyncio.AbstractEventLoop | None = None
    ) -> None:
        state = getattr(runtime, "state", None)
        files, self._left_out = files_in_state(state) if tool.give_files else ((), ())
        self.request = ExecutionRequest(code, files=files)
        messages = messages_in_state(state)
        self._had_session = _left_session(messages, tool.name)
        self.metadata = metadata_of_call(messages, getattr(runtime, "tool_call_id", None))
        self._in_session = self._has_lost = False
        self._origin = str(tool.executor.name)
        self._name, self._id = tool.name, getattr(runtime, "tool_call_id", None)
        calls_of_agent = CALLS_OF_AGENT.get()
        CALLS_OF_AGENT.set(None)  # not for programs that its calls run
        given = calls_of_agent(tool, runtime) if calls_of_agent else None
        if given is None and tool._callable:  # noqa: SLF001 -- the tool's own
            given = tool._callable, CallRoute.straight(runtime)  # noqa: SLF001
        self.calls = ProgramCalls(*given, loop) if given else None

    @property
    def is_alone(self) -> bool:
        """Whether it runs outside of sessions."""
        return self.calls is not None and self.calls.route.is_alone

    def broken(self, error: ExecutorError) -> ExecutionResult:
        """What to say of a run that did not come to its end, so that its calls are not lost.

        Raises:
            ExecutorError: It made none.
        """
        if not (self.calls and (self.calls.record or isinstance(error, CourseChangedError))):
            raise error
        return ExecutionResult(Outcome.FAILED, detail=str(error))

    def with_updates(self, output: Output) -> Any:
        """The output, with the updates of the graph's state that came of calls."""
        updates = self.calls.updates if self.calls else ()
        if not updates:
            return output
        from langgraph.types import Command  # noqa: PLC0415 -- of the graph that runs

        content, artifact = output
        message = ToolMessage(content, artifact=artifact, name=self._name, tool_call_id=self._id)
        return [message, *(Command(update=update) for update in updates)], None

    @property
    def code(self) -> CodeCall:
        """The program as a step."""
        return CodeCall(self.request.code, self.request.language, None, self._origin)

    def request_in(self, session: ThreadSession) -> ExecutionRequest:
        """The request as it goes to a session."""
        self._in_session = True
        self._has_lost = session.has_lost or (not session.has_state and self._had_session)
        if self.calls:
            self.calls.route.stay_in_session(has_state=session.has_state)
        self.request = session.request(self.request)
        return self.request

    def outcome(self, result: ExecutionResult) -> Iterator[CodeBlock | Report]:
        """What came of the program, as a step and as the report."""
        origin = result.executor or self._origin
        yield CodeResult(result.outcome, result.output, result.images, None, origin)
        run = CodeExecution(
            code=self.request.code,
            language=self.request.language,
            outcome=result.outcome,
            output=result.output,
            images=result.images,
            origin=origin,
            tried=result.tried,
            calls=self.calls.record if self.calls else (),
            seconds=result.wall_time,
        )
        yield Report(
            (run,),
            files=result.files,
            remarks=tuple(self._remarks(result, origin)),
            value=result.value or "",
            in_session=self._in_session,
            usage=result.usage,
        )

    def _remarks(self, result: ExecutionResult, origin: str) -> Iterator[str]:
        went_well = result.outcome is Outcome.OK
        if went_well and result.stderr.strip():
            yield f"It wrote to stderr:\n{result.stderr}"
        if went_well and result.detail:
            yield f"Note: {result.detail}."
        if self._has_lost:
            yield _LOST
        if self.request.files:
            yield f"Files given to the program: {', '.join(file.name for file in self.request.files)}."
        if self._left_out:
            yield f"Files that cannot be given to a program: {', '.join(self._left_out)}."
        if self.calls:
            yield from self.calls.remarks
            if self.is_alone and self._had_session:
                yield _APART
        if result.tried:
            yield f"Run by {origin}; tried before: {', '.join(result.tried)}."


def _thread(config: RunnableConfig | None) -> str:
    """The conversation's thread; empty where it has none."""
    thread = ((config or {}).get("configurable") or {}).get("thread_id")
    return "" if thread is None else str(thread)


def metadata_of_call(messages: Sequence[BaseMessage], call_id: str | None) -> dict[str, Any]:
    """What is known of the answer that a program was written in."""
    for message in reversed(messages):
        if isinstance(message, AIMessage) and call_id in [call["id"] for call in message.tool_calls]:
            return answer_metadata(message)
    return {}


def _left_session(messages: Iterable[BaseMessage], tool: str) -> bool:
    """Whether a conversation holds a call of the tool that left its state in a session."""
    return any(
        isinstance(message, ToolMessage)
        and message.name == tool
        and isinstance(message.artifact, dict)
        and message.artifact.get("type") == ARTIFACT_TYPE
        and bool(message.artifact.get(IN_SESSION))
        for message in messages
    )
