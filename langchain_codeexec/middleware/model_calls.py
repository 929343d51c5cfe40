"""What the middleware asks of a model call, whatever kind of model is called.

Calls of the chat models of langchain-google-genai and langchain-google-vertexai.

Calls of models without a code execution that could be bound here: a tool stands in for it.

Calls of our own chat model, which plans by itself.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Protocol

from langchain_core.runnables import RunnableBinding
from langchain_core.tools import BaseTool

from langchain_codeexec.chat_model import ChatGeminiCodeExecution
from langchain_codeexec.errors import ConfigurationError
from langchain_codeexec.gemini.capabilities import capabilities, learn_from
from langchain_codeexec.messages.history_as_text import (
    messages_with_code_as_text,
    messages_with_functions_as_text,
)
from langchain_codeexec.messages.signatures import with_valid_signatures
from langchain_codeexec.messages.tools import declares_code_execution, function_names, tool_config, wire_tools
from langchain_codeexec.planning.plan import Plan, PlanRequest
from langchain_codeexec.planning.planners import NativePlanner, as_carried_out, planner_for

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from langchain.agents.middleware.types import ModelRequest

    from langchain_codeexec.gemini.capabilities import Capabilities
    from langchain_codeexec.gemini.wire import EndpointKind
    from langchain_codeexec.planning.plan import Planner, Way
    from langchain_codeexec.planning.planners import Combination

__all__ = [
    "GoogleModelCall",
    "ModelCall",
    "Options",
    "OtherModelCall",
    "called_model",
    "is_code_execution",
    "is_google",
    "is_own",
    "names_of",
    "own_request",
    "without_tool",
]

Tool = BaseTool | dict[str, Any]


@dataclass(frozen=True, slots=True)
class Options:
    """How the middleware was set up.

    Attributes:
        planner: Decides between code execution and functions; `None` for the default of the model's kind.
        combination: How both come together; `None` for what the model allows.
        tool: Stands in for code execution where the model has none of its own; `None` if there is none.
    """

    planner: Planner | None = None
    combination: Combination | None = None
    tool: BaseTool | None = None

    @property
    def way(self) -> Way | None:
        """The one way that was asked for; `None` if any will do."""
        return None if self.combination == "auto" else self.combination


class ModelCall(Protocol):
    """One call of a model that does not plan by itself."""

    @property
    def endpoint(self) -> EndpointKind | None:
        """Which of Google's services is called; `None` for other providers."""
        ...

    @property
    def settled(self) -> Plan | None:
        """The plan of a call that leaves nothing to choose; `None` if the planner is to be asked."""
        ...

    @property
    def question(self) -> PlanRequest:
        """What the planner is asked."""
        ...

    @property
    def planner(self) -> Planner:
        """The planner to ask."""
        ...

    def carried_out(self, plan: Plan) -> Plan:
        """The planner's answer as it is carried out.

        Raises:
            PlanningError: It is no plan, or names functions that are not declared.
        """
        ...

    def fitted(self, plan: Plan) -> ModelRequest[Any]:
        """The request with what the plan gives it."""
        ...

    def goes_another_way_after(self, plan: Plan, error: Exception) -> bool:
        """Whether the call is to be planned and made once more, after a plan's request was refused."""
        ...


def called_model(request: ModelRequest[Any]) -> Any:
    """The chat model beneath whatever was bound to it."""
    model: Any = request.model
    while isinstance(model, RunnableBinding):
        model = model.bound
    return model


def without_tool(tools: Iterable[Tool], tool: BaseTool | None) -> list[Tool]:
    """The tools but for one."""
    return [other for other in tools if other is not tool]


def is_code_execution(tool: Tool) -> bool:
    """Whether a tool is code execution itself, in any provider's spelling."""
    return isinstance(tool, dict) and declares_code_execution(wire_tools([tool]))


def names_of(tools: Sequence[Tool]) -> tuple[str, ...]:
    """Names of the functions among the tools."""
    return tuple(function_names(wire_tools(tools)))


_CLASSES: Final = {
    "ChatGoogleGenerativeAI": "langchain_google_genai",
    "ChatVertexAI": "langchain_google_vertexai",
}

_CODE_EXECUTION: Final = {"type": "code_interpreter", "code_execution": {}}
"""Bound as plain `{"code_execution": {}}`, both packages take another path and spoil the functions' schemas:
unions and references are lost. A `type` that langchain-core knows keeps them on the good one."""

_BAD_REQUEST: Final = 400


def is_google(request: ModelRequest[Any]) -> bool:
    """Whether the model that is called is one of Google's packages' Gemini models."""
    return any(
        _CLASSES.get(base.__name__) == base.__module__.partition(".")[0]
        for base in type(called_model(request)).__mro__
    )


class GoogleModelCall:
    """A call of a model that takes code execution as a built-in tool.

    It goes the first way that the service accepts: both sides in one request where the model allows it; else
    functions, with the middleware's tool, if it has one, for code execution; else the side that the planner
    chooses; and functions alone where even that is refused.

    Attributes:
        endpoint: Which service is called.

    Args:
        request: The call.
        options: How the middleware was set up.

    Raises:
        ConfigurationError: Code execution is to be delegated, and the middleware has no tool for that.
    """

    def __init__(self, request: ModelRequest[Any], options: Options) -> None:
        if options.combination == "delegated" and options.tool is None:
            raise ConfigurationError(
                "combination='delegated' needs a tool to run code with: give CodeExecutionMiddleware an llm=, "
                "an executor= or a tool="
            )
        model = called_model(request)
        self._request = request
        self._options = options
        self._name = str(getattr(model, "model_name", None) or model.model)
        self.endpoint: EndpointKind = _endpoint(model)
        self._tools = [
            tool for tool in without_tool(request.tools, options.tool) if not is_code_execution(tool)
        ]
        self._functions = names_of(self._tools)
        self._refused: list[tuple[Way, Capabilities]] = []
        self._choose_way()

    @property
    def settled(self) -> Plan | None:
        """The plan where there is nothing to choose, or nothing left to try."""
        if self._way is None:
            reason = "code execution does not go together with a structured answer here"
            return self._explained(Plan(code_execution=False, functions=self._functions, reason=reason))
        if self._way == "native" and not self._functions:
            return Plan(code_execution=True, way="native", reason="no functions are declared")
        if self._must_call:
            plan = Plan(self._way == "native", self._functions, self._way, "tool_choice demands a function")
            return self._explained(plan)
        return None

    @property
    def question(self) -> PlanRequest:
        """What the planner is asked."""
        return PlanRequest(
            messages=self._request.messages,
            tools=self._tools,
            model=self._name,
            endpoint=self.endpoint,
            way=self._way or "one_sided",
        )

    @property
    def planner(self) -> Planner:
        """The user's planner; else the model chooses where it is offered both, and rules elsewhere."""
        return planner_for(self._options.planner)

    def carried_out(self, plan: Plan) -> Plan:
        """A planner's answer as it is carried out.

        Raises:
            PlanningError: It is no plan, or names functions that are not declared.
        """
        return self._explained(as_carried_out(plan, self.question))

    def fitted(self, plan: Plan) -> ModelRequest[Any]:
        """The request bound to what the plan gives it; what it leaves out is text in its history."""
        is_apart = self._way == "delegated" and bool(plan.functions or self._request.response_format)
        tools: list[BaseTool | dict[str, Any]] = [
            tool for tool in self._tools if set(names_of([tool])) <= set(plan.functions)
        ]
        messages = with_valid_signatures(self._request.messages, self.endpoint)
        if plan.code_execution and not is_apart:
            tools.append(_CODE_EXECUTION)
        else:
            messages = messages_with_code_as_text(messages)
        if plan.code_execution and is_apart and self._options.tool:
            tools.append(self._options.tool)
        if not names_of(tools):
            messages = messages_with_functions_as_text(messages)
        return self._configured(self._request.override(tools=tools, messages=messages))

    def goes_another_way_after(self, plan: Plan, error: Exception) -> bool:
        """Whether a combination may have been refused, and there is another way to try.

        Wordings differ and change, so every 400 of a request that declared code execution counts.
        """
        if self._way is None or not plan.code_execution or not _is_bad_request(error):
            return False
        self._refused.append((self._way, self._accepts))
        learn_from(str(error), self._name, self.endpoint)
        self._choose_way()
        return True

    def _choose_way(self) -> None:
        """Take the first way that is not refused, by what is known of the model now; `None` if all are."""
        self._accepts = capabilities(self._name, self.endpoint)
        ways = self._ways()
        self._way: Way | None = next((way for way in ways if (way, self._accepts) not in self._refused), None)

    def _explained(self, plan: Plan) -> Plan:
        """The plan with a word on what was tried before."""
        if not self._refused:
            return plan
        tried = ", ".join(dict.fromkeys(way for way, _ in self._refused))
        return replace(plan, reason=f"{plan.reason}; refused by the service: {tried}")

    def _ways(self) -> Iterator[Way]:
        if self._options.way:
            yield self._options.way
        if self._combines:
            yield "native"
        if self._options.tool:
            yield "delegated"
        if self._schema_fits:
            yield "one_sided"

    @property
    def _combines(self) -> bool:
        """Whether everything the call has goes into one request, as far as is known."""
        accepts = self._accepts
        # Neither package can send the flag to Vertex.
        sendable = self.endpoint == "developer" or not accepts.server_side_flag
        return self._schema_fits and ((accepts.code_with_functions and sendable) or not self._functions)

    @property
    def _schema_fits(self) -> bool:
        return self._accepts.tools_with_schema or self._request.response_format is None

    @property
    def _must_call(self) -> bool:
        choice = tool_config(self._request.tool_choice, wire_tools(self._tools))
        return choice.get("functionCallingConfig", {}).get("mode") == "ANY"

    def _configured(self, request: ModelRequest[Any]) -> ModelRequest[Any]:
        """The request with its tool choice where it has functions, and the flag that both sides need."""
        functions = names_of(request.tools)
        if not functions:
            return request.override(tool_choice=None)
        flagged = self.endpoint == "developer" and self._accepts.server_side_flag
        if not (flagged and any(map(is_code_execution, request.tools))):
            return request
        # A tool choice beside it would make langchain-google-genai forget the flag.
        choice = tool_config(request.tool_choice, wire_tools(request.tools))
        config: dict[str, Any] = {"include_server_side_tool_invocations": True}
        if calling := choice.get("functionCallingConfig"):
            config["function_calling_config"] = calling
        settings = {**request.model_settings, "tool_config": config}
        return request.override(tool_choice=None, model_settings=settings)


def _endpoint(model: Any) -> EndpointKind:
    developer = hasattr(model, "google_api_key") and not getattr(model, "_use_vertexai", False)
    return "developer" if developer else "vertex"


def _is_bad_request(error: BaseException | None) -> bool:
    while error is not None:
        if _BAD_REQUEST in (getattr(error, "code", None), getattr(error, "status_code", None)):
            return True
        error = error.__cause__
    return False


@dataclass(frozen=True)
class OtherModelCall:
    """A call of any other provider's model.

    Attributes:
        request: The call.
        options: How the middleware was set up.

    Raises:
        ConfigurationError: The middleware has no tool to stand in for code execution.
    """

    request: ModelRequest[Any]
    options: Options

    def __post_init__(self) -> None:
        if self.options.tool is None:
            raise ConfigurationError(
                f"{type(called_model(self.request)).__name__} has no code execution that the middleware could "
                "bind; give CodeExecutionMiddleware an llm=, an executor= or a tool= to run code with"
            )

    @property
    def endpoint(self) -> None:
        """None of Google's services."""

    @property
    def settled(self) -> Plan | None:
        """Nothing is settled: even a lone tool can be withheld."""
        return None

    @property
    def question(self) -> PlanRequest:
        """What the planner is asked; built-in tools of the provider are none of its business."""
        return PlanRequest(
            messages=self.request.messages,
            tools=[tool for tool in self._others if isinstance(tool, BaseTool)],
            model=_name(called_model(self.request)),
            way="delegated",
        )

    @property
    def planner(self) -> Planner:
        """The user's planner; else the model chooses, as it does between any of its tools."""
        return self.options.planner or NativePlanner()

    def carried_out(self, plan: Plan) -> Plan:
        """The planner's answer, checked.

        Raises:
            PlanningError: It is no plan, or names functions that are not declared.
        """
        return as_carried_out(plan, self.question)

    def fitted(self, plan: Plan) -> ModelRequest[Any]:
        """The request with the plan's functions, and the tool if it has code execution."""
        tools = [
            tool for tool in self._others if not isinstance(tool, BaseTool) or tool.name in plan.functions
        ]
        if plan.code_execution and self.options.tool:
            tools.append(self.options.tool)
        return self.request.override(tools=tools)

    def goes_another_way_after(self, plan: Plan, error: Exception) -> bool:  # noqa: ARG002 -- the protocol's
        """Functions are all there is: no combination could have been refused."""
        return False

    @property
    def _others(self) -> list[BaseTool | dict[str, Any]]:
        return without_tool(self.request.tools, self.options.tool)


def _name(model: Any) -> str:
    return str(getattr(model, "model_name", None) or getattr(model, "model", None) or "")


def is_own(request: ModelRequest[Any]) -> bool:
    """Whether the model that is called plans by itself."""
    return isinstance(called_model(request), ChatGeminiCodeExecution)


def own_request(request: ModelRequest[Any], options: Options) -> ModelRequest[Any]:
    """The request with the middleware's settings; the tool that stands in for code execution is not needed."""
    wanted = {"planner": options.planner, "combination": options.combination}
    settings = {name: value for name, value in wanted.items() if value is not None}
    return request.override(
        messages=with_valid_signatures(request.messages, called_model(request).endpoint),
        tools=without_tool(request.tools, options.tool),
        model_settings={**request.model_settings, **settings},
    )
