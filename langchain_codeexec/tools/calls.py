"""The calls of one run: a program's call becomes the call of a tool, and what came of it becomes its reply."""

from __future__ import annotations

import asyncio
import inspect
import json
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import Future
from contextlib import suppress
from contextvars import ContextVar, copy_context
from dataclasses import dataclass, field
from functools import partial, update_wrapper
from itertools import takewhile
from threading import Condition
from time import perf_counter
from typing import Any, Final, get_type_hints
from uuid import uuid4

from langchain_core.messages import ToolCall
from langchain_core.runnables import RunnableConfig
from langchain_core.runnables.config import ensure_config
from langchain_core.tools import BaseTool

from langchain_codeexec.errors import ConfigurationError, ControlError
from langchain_codeexec.executions import FunctionCall
from langchain_codeexec.executors.base import in_thread
from langchain_codeexec.executors.calls import CallLimits, HostCall, HostFunction, HostReply
from langchain_codeexec.tools.agent_reviews import reviews_here
from langchain_codeexec.tools.call_results import (
    MISSING,
    CallResult,
    Invocation,
    head,
    is_control_flow,
    joined,
    result_of,
    storable,
    words_for,
)
from langchain_codeexec.tools.journal import CallJournal, settle
from langchain_codeexec.tools.report import PROGRAM
from langchain_codeexec.tools.signatures import functions_of

__all__ = ["CallRoute", "CallableTools", "ProgramCalls"]

Json = dict[str, Any]

_FUNCTIONS: Final = (
    "The program can call these functions, as often as it needs to; they are there, do not define them. They "
    "return data: compute with it, and print only what is asked for. A call that fails raises a ToolError. "
    "gather((f, x), (g, y)) makes calls side by side and returns the list of their results."
)
_SETTLED: Final = 0.1
"""Seconds after which calls that are made side by side have all begun."""
_NOBODY: Final = "somebody has to answer before {name} goes on, and nobody can: there is no checkpointer"
_PASSED_BY: Final = (
    "{name} is under review, and calls from code would pass by it: whoever built this agent has to give it "
    "CodeExecutionMiddleware(executor=…, callable_from_code=…) in place of PythonTool(…, tools=…)"
)
_NOT_AGAIN: Final = (
    "somebody has to answer before {name} goes on, and this program would then run once more: it cannot, since "
    "what earlier programs left it would be missing. Let every program run by itself: PythonTool(max_sessions=0)"
)
_NOT_KEPT: Final = (
    "somebody has to answer before {name} goes on, and its arguments cannot be kept until then: pass integers "
    "beyond 64 bits as text, and nest lists and objects less deeply"
)


class CallableTools:
    """The tools that programs can call.

    Args:
        tools: LangChain's tools.
        limits: How much of it.

    Attributes:
        functions: By the names that programs call them by.
        limits: How much of it.

    Raises:
        ConfigurationError: One is no tool, or two have one name in a program.
    """

    def __init__(self, tools: Sequence[BaseTool], limits: CallLimits) -> None:
        for tool in tools:
            if not isinstance(tool, BaseTool):
                raise ConfigurationError(f"{tool!r:.100} is no LangChain tool: decorate it with @tool")
        self._tools = tuple(tools)
        self.limits = limits
        self.functions = functions_of(map(_recording, tools))

    @property
    def names(self) -> list[str]:
        """The tools' names."""
        return [function.tool.name for function in self.functions.values()]

    @property
    def description(self) -> str:
        """What a model is told of them."""
        stubs = "\n".join(function.function.stub for function in self.functions.values())
        return f"{_FUNCTIONS}\n\n```python\n{stubs}\n```" if stubs else ""

    def __reduce__(self) -> tuple[Any, ...]:
        return CallableTools, (self._tools, self.limits)


_invocation: ContextVar[Invocation | None] = ContextVar("_invocation", default=None)


class CallRoute:
    """The way of a run's calls: here straight to the tools, injected into as LangGraph's `ToolNode` does it.

    Args:
        runtime: LangGraph's `ToolRuntime` of the tool whose program calls; `None` outside of a graph.

    Attributes:
        is_alone: Whether the program runs outside of sessions, since somebody may have to answer a call.
        why_not: Why the graph cannot stop for somebody's answer, and the program run again afterwards; empty if
            it can.
        refused: Why a tool cannot be called from code, by its name.
    """

    is_alone = False

    def __init__(self, runtime: Any) -> None:
        self.runtime = runtime
        self.journal = CallJournal.here()
        self.why_not = "" if self.journal else _NOBODY
        self.refused: dict[str, str] = {}
        self._config = RunnableConfig(callbacks=ensure_config().get("callbacks"))
        self._nodes: dict[str, Any] = {}

    def stay_in_session(self, *, has_state: bool) -> None:
        """Let the program run in a session."""
        self.why_not = self.why_not or (_NOT_AGAIN if has_state else "")

    def takes_thread(self, tool: BaseTool) -> bool:
        """Whether a tool's `ainvoke` would do no more than invoke it in another thread."""
        methods = type(tool)._arun, type(tool).ainvoke  # noqa: SLF001
        is_plain = all(method.__module__.startswith("langchain_core.tools.") for method in methods)
        return is_plain and getattr(tool, "coroutine", None) is None

    def invoke(self, tool: BaseTool, call: ToolCall, *, is_async: bool) -> Any:
        """What a tool gives for a call, messages and commands, or a coroutine that gives it."""
        node = self._node(tool)
        target, given = (node, self._with_state(call)) if node else (tool, call)
        return target.ainvoke(given) if is_async else target.invoke(given)

    def result(
        self, tool: BaseTool, call: ToolCall, wait: Callable[[Coroutine[Any, Any, Any]], Any] | None
    ) -> CallResult:
        """Carry a call out.

        Args:
            tool: What is called.
            call: The call.
            wait: Runs a coroutine in the event loop, and gives what it returns; without one, none is needed.

        Raises:
            GraphBubbleUp: The graph has to stop, for somebody's answer say.
            ControlError: A limit is reached, or an audit record cannot be written.
        """
        noted = Invocation(self._config)
        token = _invocation.set(noted)
        try:
            output = self.invoke(tool, call, is_async=wait is not None)
            output = wait(output) if wait else output
            return result_of(call, output, noted, in_graph=self.runtime is not None)
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 -- belongs to the program
            return self._failure(call, error)
        finally:
            _invocation.reset(token)

    @classmethod
    def straight(cls, runtime: Any) -> CallRoute:
        """The way past an agent's middlewares, closed to what they review."""
        route = cls(runtime)
        route.refused = dict.fromkeys(set[str]().union(*reviews_here()), _PASSED_BY) if runtime else {}
        return route

    def _node(self, tool: BaseTool) -> Any:
        """A `ToolNode` for a tool that takes what a graph injects; `None` for others."""
        if self.runtime is None:
            return None
        if tool.name not in self._nodes:
            from langgraph.prebuilt import ToolNode  # noqa: PLC0415 -- of the graph that runs

            is_injected = _is_injected_into(tool)
            self._nodes[tool.name] = ToolNode([tool], handle_tool_errors=False) if is_injected else None
        return self._nodes[tool.name]

    def _with_state(self, call: ToolCall) -> Json:
        """What a `ToolNode` takes for one call."""
        return {"__type": "tool_call_with_context", "tool_call": call, "state": self.runtime.state}

    def _failure(self, call: ToolCall, error: BaseException) -> CallResult:
        if isinstance(error, ControlError):
            raise error
        if not is_control_flow(error):
            return CallResult(error=words_for(error))
        why_not = self.why_not or ("" if storable(call["args"]) == call["args"] else _NOT_KEPT)
        if why_not:
            return CallResult(error=why_not.format(name=call["name"]))
        raise error


@dataclass(eq=False, slots=True)
class _Open:
    """A call under way.

    Attributes:
        call: As the program sent it.
        tool: What is called.
        id: That of the tool call.
        args: What the tool is called with, by the names of its own schema.
        outcome: Set where somebody else has to know of the result, or nobody waits for it any longer.
        since: When it came.
    """

    call: HostCall
    tool: BaseTool
    id: str
    args: Json
    outcome: Future[CallResult] = field(default_factory=Future)
    since: float = field(default_factory=perf_counter)


class ProgramCalls:
    """Answers the calls of one run.

    Args:
        tools: What can be called.
        route: The way to them.
        loop: Invokes the tools; without one, it happens in the threads of the executor.

    Attributes:
        route: The way to them.
        id: Of the program: that of the call of its tool, where it has one.
    """

    def __init__(
        self, tools: CallableTools, route: CallRoute, loop: asyncio.AbstractEventLoop | None = None
    ) -> None:
        self._tools = tools
        self.route = route
        self._loop = loop
        self._context = copy_context()
        self._context.run(PROGRAM.set, self)
        self._program = str(getattr(route.runtime, "tool_call_id", None) or "")
        self.id = self._program or str(uuid4())
        self._open: dict[int, _Open] = {}
        self._changed = Condition()
        self._under_way = self._arrived = 0
        self._held: list[BaseException] = []
        self._made: dict[int, tuple[FunctionCall, CallResult]] = {}
        self._end: BaseException | None = None

    @property
    def functions(self) -> Sequence[HostFunction]:
        """What the program can call."""
        return [function.function for function in self._tools.functions.values()]

    @property
    def limits(self) -> CallLimits:
        """How much of it."""
        return self._tools.limits

    @property
    def record(self) -> tuple[FunctionCall, ...]:
        """The calls that have been answered."""
        return tuple(call for call, _ in self._answered)

    def under_way_before(self, call_id: str | None) -> list[BaseTool]:
        """What is called by the calls under way that came before one."""
        return [it.tool for it in takewhile(lambda it: it.id != call_id, [*self._open.values()])]

    @property
    def updates(self) -> list[Json]:
        """Of the graph's state, in the order of the calls."""
        return [update for _, result in self._answered for update in result.updates]

    @property
    def remarks(self) -> list[str]:
        """What the model is to be told of the calls."""
        return [f"{call.name}: {result.remark}" for call, result in self._answered if result.remark]

    @property
    def _answered(self) -> list[tuple[FunctionCall, CallResult]]:
        return [self._made[number] for number in sorted(self._made)]

    def end(self) -> None:
        """Note that the program has ended.

        Raises:
            CourseChangedError: It was run before, and called something else then.
        """
        if self.route.journal:
            self.route.journal.end(self._program)

    async def aend(self) -> None:
        """Note that the program has ended, without blocking the event loop; see `end`."""
        if self.route.journal:
            await in_thread(partial(copy_context().run, self.end), cancel=lambda: None)

    def __call__(self, call: HostCall) -> HostReply:
        """Answer a call.

        Raises:
            GraphBubbleUp: The graph has to stop, for somebody's answer say.
            CourseChangedError: The program was run before, and called something else then.
        """
        with self._changed:
            self._check_end()
            self._under_way += 1
            self._arrived += 1
        try:
            return self._reply(call)
        except BaseException as error:  # noqa: BLE001 -- raised below, alone or with others
            if is_control_flow(error):
                self._hold(error)
            with self._changed:
                self._end = self._end or error
            raise self._end from None
        finally:
            with self._changed:
                self._under_way -= 1
                self._changed.notify_all()

    def _check_end(self) -> None:
        """Let nothing begin after a call has ended the run."""
        if self._end:
            raise self._end

    def _hold(self, error: BaseException) -> None:
        """Wait until no other call goes on, so that all stop together, and nobody's answer to one is lost."""
        until = perf_counter() + self.limits.seconds / 2
        with self._changed:
            self._held.append(error)
            self._changed.notify_all()
            arrived = -1
            while not self._end and perf_counter() < until and arrived != self._arrived:
                self._changed.wait_for(self._is_held, until - perf_counter())
                arrived = self._arrived
                self._changed.wait_for(partial(self._has_more_than, arrived), _SETTLED)
            self._end = self._end or joined(self._held)

    def _is_held(self) -> bool:
        return self._end is not None or len(self._held) >= self._under_way

    def _has_more_than(self, arrived: int) -> bool:
        return self._end is not None or self._arrived > arrived

    def _reply(self, call: HostCall) -> HostReply:
        tool = self._tools.functions[call.name].tool
        it = _Open(call, tool, f"{self.id}:{call.number}", call.args)
        self._open[call.number] = it
        try:
            result = self._result(it)
        finally:
            del self._open[call.number]
        self._note(it, result)
        return result

    def cancel(self, call: HostCall) -> None:
        """Stop waiting for a call."""
        if it := self._open.get(call.number):
            given_up = CallResult(error=f"nobody waits for {call.name} any longer")
            self._note(it, given_up)
            settle(it.outcome, lambda: given_up)

    def _note(self, it: _Open, result: CallResult) -> None:
        """Record what came of a call: what the program has heard of first."""
        recorded = FunctionCall(
            name=it.tool.name,
            args=storable(it.args),
            result=head(result.value),
            error=result.error,
            line=it.call.line,
            seconds=perf_counter() - it.since,
            id=it.id,
            artifact=head(result.artifact),
            remark=result.remark,
        )
        self._made.setdefault(it.call.number, (recorded, result))

    def _result(self, it: _Open) -> CallResult:
        tool, route = it.tool, self.route
        try:
            it.args = self._tools.functions[it.call.name].arguments(it.call.args)
        except ValueError as error:
            return CallResult(error=str(error))
        if why_not := route.refused.get(tool.name):
            return CallResult(error=why_not.format(name=tool.name))
        tool_call = ToolCall(name=tool.name, args=it.args, id=it.id, type="tool_call")
        journal, loop, context = route.journal, self._loop, self._context.copy()
        wait = partial(self._wait, loop, it.outcome) if loop and not route.takes_thread(tool) else None

        def compute() -> CallResult:
            return self._bounded(route.result(tool, tool_call, wait))

        if journal:
            key = json.dumps([self._program, tool.name, it.args], sort_keys=True)
            return context.run(journal.result, key, compute, it.outcome, self._check_end)
        return context.run(compute)

    @staticmethod
    def _wait(
        loop: asyncio.AbstractEventLoop, outcome: Future[CallResult], work: Coroutine[Any, Any, Any]
    ) -> Any:
        """What a coroutine returns in the event loop, where it is cancelled when nobody waits any more."""
        task = asyncio.run_coroutine_threadsafe(work, loop)
        outcome.add_done_callback(lambda _: loop.is_closed() or task.cancel())
        return task.result()

    def _bounded(self, result: CallResult) -> CallResult:
        """A result, unless it is too large to be sent, and so to be kept."""
        size, most = result.size, self.limits.result_bytes
        return (
            result
            if size <= most
            else CallResult(error=f"the result has {size} bytes, and {most} are the limit")
        )


# -- tools ------------------------------------------------------------------------------------------------


def _recording(tool: BaseTool) -> BaseTool:
    """A copy of a tool that notes what its own code returns, and runs as a child of the program's run.

    An asynchronous tool without a synchronous form gets one.
    """
    copy = tool.model_copy()
    run, arun, invoke, ainvoke = tool._run, tool._arun, copy.invoke, copy.ainvoke  # noqa: SLF001
    is_async = getattr(tool, "coroutine", None) is not None and getattr(tool, "func", None) is None

    def note(returned: Any) -> None:
        if noted := _invocation.get():
            is_pair = copy.response_format == "content_and_artifact" and isinstance(returned, tuple)
            noted.returned = returned[0] if is_pair and returned else returned

    def recorded(*args: Any, **kwargs: Any) -> Any:
        returned = asyncio.run(arun(*args, **kwargs)) if is_async else run(*args, **kwargs)
        note(returned)
        return returned

    async def arecorded(*args: Any, **kwargs: Any) -> Any:
        returned = await arun(*args, **kwargs)
        note(returned)
        return returned

    def invoked(value: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:
        if (noted := _invocation.get()) is None:
            return invoke(value, config, **kwargs)
        noted.output, noted.returned = None, MISSING
        noted.output = invoke(value, noted.config, **kwargs)
        return noted.output

    async def ainvoked(value: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:
        if (noted := _invocation.get()) is None:
            return await ainvoke(value, config, **kwargs)
        noted.output, noted.returned = None, MISSING
        noted.output = await ainvoke(value, noted.config, **kwargs)
        return noted.output

    _show_as(recorded, run)
    _show_as(arecorded, arun)
    for name, method in (
        ("_run", recorded),
        ("_arun", arecorded),
        ("invoke", invoked),
        ("ainvoke", ainvoked),
    ):
        object.__setattr__(copy, name, method)  # a method of this one tool; pydantic knows fields only
    return copy


def _show_as(function: Any, shown: Callable[..., Any]) -> None:
    """Let a function have another one's signature, resolved: LangChain asks for it with every call."""
    update_wrapper(function, shown)
    del function.__wrapped__
    function.__signature__ = inspect.signature(shown)
    with suppress(Exception):  # an annotation can be anything
        function.__annotations__ = get_type_hints(shown)


def _is_injected_into(tool: BaseTool) -> bool:
    """Whether a tool takes what no caller gives it: the graph's state, its store, a runtime."""
    shown: Any = tool.tool_call_schema
    given = shown.get("properties", ()) if isinstance(shown, dict) else shown.model_fields
    function = getattr(tool, "func", None) or getattr(tool, "coroutine", None) or tool._run  # noqa: SLF001
    named = {
        name
        for name, parameter in inspect.signature(function).parameters.items()
        if parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    }
    fields = getattr(tool.args_schema, "model_fields", ())
    return bool({*named, *fields} - {*given, "config", "run_manager", "callbacks"})
