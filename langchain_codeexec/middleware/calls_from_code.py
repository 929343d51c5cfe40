"""Calls from code in an agent: which tools programs can call, and the way of each through the middlewares."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final, Literal, TypeAlias
from uuid import uuid4

from langchain.agents.middleware import HumanInTheLoopMiddleware
from langchain.agents.middleware.types import AgentMiddleware, ModelRequest, ToolCallRequest
from langchain_core.messages import AIMessage, ToolCall, ToolMessage
from langchain_core.tools import BaseTool

from langchain_codeexec.chat_model import ChatGeminiCodeExecution
from langchain_codeexec.errors import ConfigurationError
from langchain_codeexec.executors.calls import check_takes_calls
from langchain_codeexec.messages.code_blocks import code_executions
from langchain_codeexec.messages.parts import STAND_IN_SIGNATURE
from langchain_codeexec.tools.agent_reviews import Reviews, middlewares_in, nodes_here, reviews_of, tools_here
from langchain_codeexec.tools.call_results import CallResult
from langchain_codeexec.tools.calls import CallableTools, CallRoute
from langchain_codeexec.tools.code_execution import unbound_model
from langchain_codeexec.tools.journal import CallJournal
from langchain_codeexec.tools.python import CALLS_OF_AGENT, PythonTool

__all__ = ["Callables", "CallsFromCode"]

Callables: TypeAlias = Literal["all"] | Sequence[str]
"""Names of tools, or all of them."""
Json = dict[str, Any]

_WANTING: Final = re.compile(
    r"^(?:NameError: name|ModuleNotFoundError: No module named) '(\w+)'", re.MULTILINE
)
_UNSEEN: Final = (
    "{name} is under review, and calls from code would pass by it: somebody has to set "
    "HumanInTheLoopMiddleware(…, interrupt_mode='per_call'), or interrupt_on of CodeExecutionMiddleware; else "
    "call it directly"
)
_NAMESPACE: Final = "default_api"
"""Where Gemini models believe the functions to be that they are offered."""
_IMPORT: Final = re.compile(
    rf"^([ \t]*)(?:import {_NAMESPACE}|from {_NAMESPACE} import [\w, ]+)[ \t]*$", re.MULTILINE
)


class CallsFromCode:
    """What a middleware does so that programs of its Python tool can call the agent's tools.

    Args:
        tool: Runs the programs.
        names: Which tools.
        interrupt_on: As that of LangChain's `HumanInTheLoopMiddleware`: calls from code that somebody has to
            answer, each when it is made.
        only_from_code: Whether the model is not offered these tools beside.

    Raises:
        ConfigurationError: The tool is no `PythonTool`, its programs cannot call anything, or a setting is wrong.
    """

    def __init__(
        self,
        tool: BaseTool | None,
        names: Callables,
        interrupt_on: Mapping[str, Any] | None,
        *,
        only_from_code: bool = False,
    ) -> None:
        if not isinstance(tool, PythonTool):
            raise ConfigurationError(
                "callable_from_code needs executor=LocalSandbox(), or a PythonTool as the middleware's tool"
            )
        if names != "all" and (isinstance(names, str) or not all(isinstance(name, str) for name in names)):
            raise ConfigurationError(f"callable_from_code is 'all' or a list of tools' names, not {names!r}")
        if HumanInTheLoopMiddleware.wrap_tool_call is AgentMiddleware.wrap_tool_call:
            raise ConfigurationError(
                "callable_from_code needs langchain 1.4.8 or newer: calls from code would pass by this release's "
                "HumanInTheLoopMiddleware"
            )
        if tool.tools:
            raise ConfigurationError(
                "the PythonTool has tools of its own, and callable_from_code gives it the agent's: leave out one"
            )
        check_takes_calls(tool.executor)
        self.tool = tool
        self._names = names
        self._only_from_code = only_from_code
        self._callable: dict[tuple[int, ...], CallableTools] = {}
        self._review: HumanInTheLoopMiddleware[Any, Any, Any] | None = None
        if interrupt_on:
            self._review = HumanInTheLoopMiddleware(dict(interrupt_on), interrupt_mode="per_call")

    def offered(self, request: ModelRequest[Any]) -> tuple[ModelRequest[Any], PythonTool, tuple[str, ...]]:
        """A model request whose Python tool says what programs can call, that tool, and the tools' names."""
        tools = self._selected(_tools_of(request))
        description = f"{self.tool.description}\n\n{tools.description}".strip()
        python = self.tool.model_copy(update={"description": description})
        hidden = set(tools.names) if self._only_from_code else ()
        left = [one for one in request.tools if not (isinstance(one, BaseTool) and one.name in hidden)]
        tools_left = [python if one is self.tool else one for one in left]
        return request.override(tools=tools_left), python, tuple(tools.names)

    @contextmanager
    def given(
        self, request: ToolCallRequest, handler: Callable[[ToolCallRequest], Any], wrapper: str
    ) -> Iterator[ToolMessage | None]:
        """Let the program of a tool call make calls, each of which takes the way of the agent's tool calls.

        Args:
            request: The call of the Python tool.
            handler: The middlewares behind this one, and the tools.
            wrapper: Name of the attribute in which a `ToolNode` keeps all middlewares.

        Yields:
            Why the program is not to be started; `None` if it is.

        Raises:
            ConfigurationError: Calls from code would pass by another middleware, or a tool is named that the
                agent does not have.
            GraphBubbleUp: A call has stopped the graph, also where a middleware made that a message.
        """
        offered = _offered_with(request)
        tools = self._selected(
            [one for one in request.runtime.tools if offered is None or one.name in offered]
        )
        others = [tool.name for tool in request.runtime.tools if tool.name != self.tool.name]
        named = {
            "callable_from_code": () if self._names == "all" else self._names,
            "interrupt_on": self._review.interrupt_on if self._review else (),
        }
        for setting, names in named.items():
            if missing := sorted({*names} - {*others}):
                raise ConfigurationError(
                    f"{setting} names {', '.join(missing)}; the agent has {', '.join(others) or 'no tools'}"
                )
        way, reviews = self._way(handler, wrapper)
        stops: list[Exception] = []

        def given(tool: BaseTool, runtime: Any) -> tuple[CallableTools, CallRoute] | None:
            called = tool.name, getattr(runtime, "tool_call_id", None)
            if called != (self.tool.name, request.tool_call["id"]):  # another program
                return None
            route = _AgentRoute(runtime, request, way, self._review, stops)
            route.refused = dict.fromkeys(reviews.each_turn, _UNSEEN)
            route.is_alone = not reviews.each_call.isdisjoint(tools.names)
            return tools, route

        token = CALLS_OF_AGENT.set(given)
        try:
            yield self._refusal(request, tools, reviews)
        except Exception:
            if not stops:
                raise
        finally:
            CALLS_OF_AGENT.reset(token)
        if stops:
            raise stops[0]

    def _refusal(
        self, request: ToolCallRequest, tools: CallableTools, reviews: Reviews
    ) -> ToolMessage | None:
        reviewed = sorted(reviews.each_call.intersection(tools.names))
        if not reviewed or CallJournal.here():
            return None
        text = (
            f"The program was not started: {', '.join(reviewed)} may have to wait for an answer, and for "
            "that the agent needs a checkpointer: create_agent(…, checkpointer=InMemorySaver())."
        )
        return ToolMessage(
            text, name=self.tool.name, tool_call_id=str(request.tool_call["id"]), status="error"
        )

    def with_failed_code(self, message: AIMessage, request: ModelRequest[Any]) -> AIMessage:
        """An answer whose code failed elsewhere for want of a tool, with a call that runs it here."""
        functions = self._selected(_tools_of(request)).functions
        runs = code_executions(message)
        if message.tool_calls or not runs or runs[-1].ok:
            return message
        wanting = _WANTING.search(runs[-1].output or "")
        if not functions or not wanting or wanting[1] not in {*functions, _NAMESPACE}:
            return message
        code = re.sub(rf"\b{_NAMESPACE}\.(?=({'|'.join(functions)})\b)", "", runs[-1].code)
        code = _IMPORT.sub(r"\1pass", code)
        call = ToolCall(name=self.tool.name, args={"code": code}, id=f"call_{uuid4()}", type="tool_call")
        content: Any = message.content
        if isinstance(content, list):
            is_own = isinstance(
                unbound_model(request.model), ChatGeminiCodeExecution
            )  # others sign by themselves
            signed = {"extras": {"signature": STAND_IN_SIGNATURE}} if is_own else {}
            content = [*content, {**call, **signed}]
        return message.model_copy(update={"content": content, "tool_calls": [call]})

    def _selected(self, tools: Sequence[BaseTool]) -> CallableTools:
        """Those of the agent's tools that programs can call."""
        chosen = {
            tool.name: tool
            for tool in tools
            if tool.name != self.tool.name and (self._names == "all" or tool.name in self._names)
        }
        key = tuple(map(id, chosen.values()))
        made = self._callable.get(key) or self.tool.callable_tools([*chosen.values()])
        self._callable = {key: made}  # keeps the tools, and so their addresses
        return made

    def _way(
        self, handler: Callable[..., Any], wrapper: str
    ) -> tuple[Callable[[ToolCallRequest], Any], Reviews]:
        """The way of calls through all middlewares, and what is under review on it.

        Raises:
            ConfigurationError: Calls from code would pass by a middleware.
        """
        inside, ends = middlewares_in(handler)
        everywhere, _ = middlewares_in(handler, through_nodes=True)
        seen, _ = middlewares_in(handler, *nodes_here(), through_nodes=True)
        node, execute = ends[0] if ends else (None, None)
        whole = getattr(node, wrapper, None)
        if not callable(whole):
            raise ConfigurationError(
                "this release of langchain does not show which middlewares wrap a tool call, and calls from code "
                "could pass by them"
            )
        way = handler
        if any(one not in inside and not getattr(one, "calls_from_code", None) for one in everywhere):

            def way(request: ToolCallRequest) -> Any:  # from the first middleware on
                return whole(request, execute)

        mine = set(self._review.interrupt_on) if self._review else set[str]()
        reviews = reviews_of(seen)
        return way, Reviews(reviews.each_call | mine, reviews.each_turn - mine)


def _tools_of(request: ModelRequest[Any]) -> list[BaseTool]:
    """A model request's tools that the agent itself has: what a middleware adds to a request is not among them."""
    known = tools_here()
    tools = [one for one in request.tools if isinstance(one, BaseTool)]
    return tools if known is None else [one for one in tools if one.name in known]


def _offered_with(request: ToolCallRequest) -> list[str] | None:
    """Names of the tools that a program's model was told code can call; `None` if that is not known."""
    state: Json = request.state if isinstance(request.state, dict) else {}
    messages: list[Any] = state.get("messages") or []
    plans: list[Json] = state.get("code_execution_plans") or []
    for message in reversed(messages):
        if isinstance(message, AIMessage) and any(
            call["id"] == request.tool_call["id"] for call in message.tool_calls
        ):
            for plan in reversed(plans):
                if plan.get("message_id") == message.id:
                    names: list[str] | None = plan.get("callable_from_code")
                    return names
    return None


class _AgentRoute(CallRoute):
    """The way through the agent's middlewares that wrap tool calls."""

    def __init__(
        self,
        runtime: Any,
        request: ToolCallRequest,
        handler: Callable[[ToolCallRequest], Any],
        review: HumanInTheLoopMiddleware[Any, Any, Any] | None,
        stops: list[Exception],
    ) -> None:
        super().__init__(runtime)
        self._stops = stops
        self._request = request
        self._handler = handler
        self._review = review

    def takes_thread(self, tool: BaseTool) -> bool:  # noqa: ARG002 -- the middlewares are asked in any case
        return False

    def invoke(self, tool: BaseTool, call: ToolCall, *, is_async: bool) -> Any:
        runtime = replace(self._request.runtime, tool_call_id=call["id"])
        request = replace(self._request, tool=tool, tool_call=call, runtime=runtime)
        if self._review is None:
            return self._handler(request)
        review = self._review.awrap_tool_call if is_async else self._review.wrap_tool_call
        return review(request, self._handler)

    def _failure(self, call: ToolCall, error: BaseException) -> CallResult:
        try:
            return super()._failure(call, error)
        except Exception as stop:
            self._stops.append(stop)
            raise
