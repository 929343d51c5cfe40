"""An agent's run ends where executions, tokens or money come to a limit, whatever model it calls."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, TypeAlias

from langchain.agents.middleware.types import (
    AgentMiddleware,
    AgentState,
    ContextT,
    ResponseT,
    ToolCallRequest,
    hook_config,
)
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langgraph.runtime import Runtime
from langgraph.types import Command

from langchain_codeexec.control.limits import (
    ExecutionLimits,
    LimitWatch,
    ReachedLimit,
    areport_budget,
    checked_limits,
    report_budget,
)
from langchain_codeexec.errors import ConfigurationError
from langchain_codeexec.tools.report import Report, ReportingTool, watch_of_call

__all__ = ["ExecutionLimitsMiddleware"]

Json = dict[str, Any]

_LimitIn: TypeAlias = Callable[[LimitWatch, Sequence[BaseMessage]], ReachedLimit | None]

_NOT_CALLED: Final = "This call was not carried out: a limit was reached."


class ExecutionLimitsMiddleware(AgentMiddleware[AgentState[ResponseT], ContextT, ResponseT]):
    """Ends an agent's run at a limit of executions, tokens or money.

    Works with any chat model. Programs are counted that providers run on their side (Gemini's, OpenAI's and
    Anthropic's), and those of `PythonTool` and `CodeExecutionTool`, of which none is started over a limit. A run
    ends with an `AIMessage` that says which limit was reached, in `response_metadata["limit"]` too; calls that are
    open are answered, so that the conversation can go on. An answer that passes a limit and calls no tool is the
    last message itself. With `at_limit="error"` an `ExecutionLimitError` carries the conversation, and a
    checkpointer keeps it.

    What a provider runs within one answer is seen when the answer is there. To cut an answer of
    `ChatGeminiCodeExecution` or a `CodeExecutionTool` on its way, give it the same `limits`.

    Args:
        limits: How much may be executed and spent.

    Raises:
        ConfigurationError: The limits are none.

    Examples:
        >>> limits = ExecutionLimits(per_turn={"executions": 5}, per_run={"cost": "0.50"})  # doctest: +SKIP
        >>> create_agent(model, [PythonTool()], middleware=[ExecutionLimitsMiddleware(limits)])  # doctest: +SKIP
    """

    def __init__(self, limits: ExecutionLimits) -> None:
        super().__init__()
        if checked_limits(limits) is None:
            raise ConfigurationError("ExecutionLimitsMiddleware needs ExecutionLimits(...)")
        self.limits = limits

    @hook_config(can_jump_to=["end"])
    def before_model(
        self,
        state: AgentState[ResponseT],
        runtime: Runtime[ContextT],  # noqa: ARG002 -- as LangChain calls it
    ) -> Json | None:
        """End the run where no other request may be made.

        Raises:
            ExecutionLimitError: Its end is to be an error.
        """
        return self._checked(state, _before_request)

    @hook_config(can_jump_to=["end"])
    async def abefore_model(
        self,
        state: AgentState[ResponseT],
        runtime: Runtime[ContextT],  # noqa: ARG002 -- as LangChain calls it
    ) -> Json | None:
        """End the run where no other request may be made; see `before_model`."""
        return await self._achecked(state, _before_request)

    @hook_config(can_jump_to=["end"])
    def after_model(
        self,
        state: AgentState[ResponseT],
        runtime: Runtime[ContextT],  # noqa: ARG002 -- as LangChain calls it
    ) -> Json | None:
        """End the run where an answer has passed a limit.

        Raises:
            ExecutionLimitError: Its end is to be an error.
        """
        return self._checked(state, _over)

    @hook_config(can_jump_to=["end"])
    async def aafter_model(
        self,
        state: AgentState[ResponseT],
        runtime: Runtime[ContextT],  # noqa: ARG002 -- as LangChain calls it
    ) -> Json | None:
        """End the run where an answer has passed a limit; see `after_model`."""
        return await self._achecked(state, _over)

    def wrap_tool_call(
        self, request: ToolCallRequest, handler: Callable[[ToolCallRequest], ToolMessage | Command[Any]]
    ) -> ToolMessage | Command[Any]:
        """Start no program over a limit.

        Raises:
            ExecutionLimitError: A limit is reached, and that is to be an error.
        """
        return self._refusal(request) or handler(request)

    async def awrap_tool_call(
        self,
        request: ToolCallRequest,
        handler: Callable[[ToolCallRequest], Awaitable[ToolMessage | Command[Any]]],
    ) -> ToolMessage | Command[Any]:
        """Start no program over a limit; see `wrap_tool_call`."""
        return self._refusal(request) or await handler(request)

    def _refusal(self, request: ToolCallRequest) -> ToolMessage | None:
        if not isinstance(request.tool, ReportingTool):
            return None
        watch = watch_of_call(self.limits, request.runtime)
        reached = watch.before_program()
        if reached is None:
            return None
        if self.limits.at_limit == "error":
            raise watch.error(reached)
        call = {"name": request.tool_call["name"], "tool_call_id": request.tool_call["id"]}
        return Report(limit=reached).message.model_copy(update={**call, "status": "error"})

    def _checked(self, state: AgentState[ResponseT], limit_in: _LimitIn) -> Json | None:
        watch = LimitWatch(self.limits, state["messages"])
        report_budget(watch.alarms())
        return self._update(watch, state["messages"], limit_in)

    async def _achecked(self, state: AgentState[ResponseT], limit_in: _LimitIn) -> Json | None:
        watch = LimitWatch(self.limits, state["messages"])
        await areport_budget(watch.alarms())
        return self._update(watch, state["messages"], limit_in)

    def _update(self, watch: LimitWatch, messages: Sequence[BaseMessage], limit_in: _LimitIn) -> Json | None:
        reached = limit_in(watch, messages)
        if reached is not None and self.limits.at_limit == "error":
            raise watch.error(reached)
        return _ending(messages, reached) if reached else None


def _before_request(watch: LimitWatch, messages: Sequence[BaseMessage]) -> ReachedLimit | None:
    """The limit for which no request is made: one that a tool has met, or one that the request would pass."""
    for message in reversed(messages):
        if isinstance(message, AIMessage):
            break
        artifact = getattr(message, "artifact", None)
        if isinstance(artifact, dict) and (reached := ReachedLimit.of(artifact.get("limit"))):
            return reached
    return watch.before_request()


def _over(watch: LimitWatch, messages: Sequence[BaseMessage]) -> ReachedLimit | None:
    """The limit at which the last answer was cut, or that it has passed."""
    return ReachedLimit.of(messages[-1].response_metadata.get("limit")) or watch.over(())


def _ending(messages: Sequence[BaseMessage], reached: ReachedLimit) -> Json:
    """The update that ends the run: nothing is left open, and its last message says why it ended."""
    last, limit = messages[-1], {"limit": reached.to_dict()}
    calls = last.tool_calls if isinstance(last, AIMessage) else []
    if isinstance(last, AIMessage) and not calls:
        marked = last.model_copy(update={"response_metadata": {**last.response_metadata, **limit}})
        return {"messages": [marked]}
    replies = [
        ToolMessage(_NOT_CALLED, name=call["name"], tool_call_id=str(call["id"]), status="error")
        for call in calls
    ]
    return {"messages": [*replies, AIMessage(reached.text, response_metadata=limit)], "jump_to": "end"}
