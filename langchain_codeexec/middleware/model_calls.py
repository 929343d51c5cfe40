"""A model call of an agent, by the kind of model called: what it is offered, and what follows a refusal.

No call is made here: `exchanges` is a generator of requests that is told each answer, so that sync and async share
all there is to decide.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Generator
from dataclasses import replace
from typing import Any, Final, NamedTuple, TypeAlias

from langchain.agents.middleware.types import ModelRequest, ModelResponse
from langchain_core.messages import ToolCall
from langchain_core.tools import BaseTool

from langchain_codeexec.errors import ConfigurationError, ToolDeclarationError
from langchain_codeexec.gemini.wire import EndpointKind, ToolConfig
from langchain_codeexec.messages.tools import functions_in, tool_config, wire_tools
from langchain_codeexec.planning.plan import Plan, PlanRequest
from langchain_codeexec.tools.code_execution import unbound_model

__all__ = ["REMEDY", "DelegatedCall", "Exchanges", "ModelCall", "OtherModelCall", "Tool", "tools_without"]

Tool: TypeAlias = BaseTool | dict[str, Any]

REMEDY: Final = "give CodeExecutionMiddleware an llm= or an executor= to run code with"


class DelegatedCall(NamedTuple):
    """A call of the function that stands for code execution, for the middleware to carry out by a tool."""

    tool: BaseTool
    call: ToolCall


Exchanges: TypeAlias = Generator[ModelRequest[Any] | DelegatedCall, Any, ModelResponse[Any]]
"""Model requests, answered by responses, and delegated calls, answered by tool messages; returns all of it."""


class ModelCall(ABC):
    """One call of a model that does not plan by itself.

    Attributes:
        endpoint: Which of Google's services is called; `None` for other providers.
    """

    endpoint: EndpointKind | None = None

    @property
    @abstractmethod
    def plan_request(self) -> PlanRequest:
        """What is to be planned."""

    @abstractmethod
    def explained(self, plan: Plan) -> Plan:
        """The plan with what is to be said of how it came about."""

    @abstractmethod
    def exchanges(self, plan: Plan) -> Exchanges:
        """Carry a plan out."""

    def goes_another_way_after(self, plan: Plan, error: Exception) -> bool:  # noqa: ARG002 -- for Google's models
        """Whether the call is to be planned and made once more, after a plan's request was refused."""
        return False


class OtherModelCall(ModelCall):
    """A call of any other provider's model: the middleware's tool stands in for code execution.

    Raises:
        ConfigurationError: It has none.
        ToolDeclarationError: A tool of the agent's has its name.
    """

    def __init__(self, request: ModelRequest[Any], tool: BaseTool | None) -> None:
        if tool is None:
            model = type(unbound_model(request.model)).__name__
            raise ConfigurationError(
                f"{model} has no code execution that the middleware could bind; {REMEDY}"
            )
        self._request = request
        self._tool = tool
        self._tools = tools_without(request, tool)
        wire = wire_tools(one for one in [*self._tools, tool] if isinstance(one, BaseTool))
        self._functions = [one for one in functions_in(wire) if one.get("name") != tool.name]

    @property
    def plan_request(self) -> PlanRequest:
        """What is to be planned; built-in tools of the provider always go along."""
        choice: ToolConfig
        try:
            choice = tool_config(self._request.tool_choice, [{"functionDeclarations": self._functions}])
        except ToolDeclarationError:  # of the tool itself, or in a form of the provider's
            choice = {}
        return PlanRequest(self._request.messages, self._functions, way="native", tool_choice=choice)

    def explained(self, plan: Plan) -> Plan:
        """The plan, carried out by the tool."""
        return replace(plan, way="delegated")

    def exchanges(self, plan: Plan) -> Exchanges:
        """Make the call with the plan's functions, and the tool if it has code execution."""
        tools = [
            tool for tool in self._tools if not isinstance(tool, BaseTool) or tool.name in plan.functions
        ]
        if plan.code_execution:
            tools.append(self._tool)
        response: ModelResponse[Any] = yield self._request.override(tools=tools)
        return response


def tools_without(request: ModelRequest[Any], tool: BaseTool | None) -> list[Tool]:
    """The tools of a request but for the middleware's own."""
    return [one for one in request.tools if one is not tool]
