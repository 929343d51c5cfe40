"""A model call of an agent, by the kind of model called: what it is offered, and what follows a refusal."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias

from langchain.agents.middleware.types import ModelResponse
from langchain_core.messages import AIMessage
from langchain_core.tools import BaseTool

from langchain_codeexec.chat_model import ChatGeminiCodeExecution
from langchain_codeexec.errors import ConfigurationError
from langchain_codeexec.gemini.capabilities import Destination
from langchain_codeexec.messages.history_as_text import (
    messages_with_code_as_text,
    messages_with_functions_as_text,
)
from langchain_codeexec.messages.signatures import with_valid_signatures
from langchain_codeexec.messages.tools import declares_code_execution, tool_config, wire_tools
from langchain_codeexec.planning.execution import MOST_DELEGATED, delegate_function
from langchain_codeexec.planning.plan import PlanRequest
from langchain_codeexec.tools.code_execution import (
    GOOGLE_CODE_EXECUTION,
    CodeExecutionTool,
    is_google_model,
    unbound_model,
)

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Sequence

    from langchain.agents.middleware.types import ModelRequest
    from langchain_core.messages import ToolCall, ToolMessage

    from langchain_codeexec.gemini.capabilities import Capabilities
    from langchain_codeexec.gemini.wire import EndpointKind, FunctionDeclaration
    from langchain_codeexec.planning.plan import Combination, Plan, Planner, Way

__all__ = [
    "DelegatedCall",
    "Exchanges",
    "GoogleModelCall",
    "ModelCall",
    "Options",
    "model_call",
    "own_request",
]

Tool: TypeAlias = "BaseTool | dict[str, Any]"

_BAD_REQUEST: Final = 400
_CODE_ALONE: Final[dict[str, Any]] = {"tools": [{"codeExecution": {}}]}
_REMEDY: Final = "give CodeExecutionMiddleware an llm= or an executor= to run code with"


@dataclass(frozen=True, slots=True)
class Options:
    """How the middleware was set up.

    Attributes:
        planner: Narrows what a call is offered.
        combination: How code execution and functions come together; `auto` for what the model takes.
        tool: Stands in for code execution where the model has none of its own; `None` if there is none.
    """

    planner: Planner
    combination: Combination = "auto"
    tool: BaseTool | None = None


@dataclass(frozen=True, slots=True)
class DelegatedCall:
    """A call of the function that stands for code execution, to be carried out by the middleware.

    Attributes:
        tool: What carries it out.
        call: The call.
    """

    tool: BaseTool
    call: ToolCall


Exchanges: TypeAlias = (
    "Generator[ModelRequest[Any] | DelegatedCall, ModelResponse[Any] | ToolMessage, ModelResponse[Any]]"
)
"""Model requests, answered by responses, and delegated calls, answered by tool messages; returns all of it."""


class ModelCall(Protocol):
    """One call of a model that does not plan by itself."""

    @property
    def endpoint(self) -> EndpointKind | None:
        """Which of Google's services is called; `None` for other providers."""
        ...

    @property
    def plan_request(self) -> PlanRequest:
        """What is to be planned."""
        ...

    def explained(self, plan: Plan) -> Plan:
        """The plan with what is to be said of how it came about."""
        ...

    def exchanges(self, plan: Plan) -> Exchanges:
        """Carry a plan out."""
        ...

    def goes_another_way_after(self, plan: Plan, error: Exception) -> bool:
        """Whether the call is to be planned and made once more, after a plan's request was refused."""
        ...


def model_call(request: ModelRequest[Any], options: Options) -> ModelCall:
    """The call, by the kind of model.

    Raises:
        ConfigurationError: The model has no code execution, and the middleware no tool to stand in for it.
    """
    kind = GoogleModelCall if is_google_model(request.model) else OtherModelCall
    return kind(request, options)


def own_request(
    request: ModelRequest[Any], options: Options, settings: dict[str, Any]
) -> ModelRequest[Any] | None:
    """The request to a chat model of this package, which plans by itself; `None` for any other model.

    Args:
        request: The call.
        options: How the middleware was set up; its tool is not needed.
        settings: What the middleware was given for planning.
    """
    model = unbound_model(request.model)
    if not isinstance(model, ChatGeminiCodeExecution):
        return None
    return request.override(
        messages=with_valid_signatures(request.messages, model.endpoint),
        tools=_without(request.tools, options.tool),
        model_settings={**request.model_settings, **settings},
    )


class GoogleModelCall:
    """A call of a model of Google's packages, which takes code execution as a built-in tool.

    It goes the first way that the service accepts: both sides in one request; else all functions and one that
    stands for code execution, which is the middleware's tool if it has one, and otherwise carried out within
    the model call by a call of the same model with code execution alone; and functions alone where even that
    is refused.

    Args:
        request: The call.
        options: How the middleware was set up.
    """

    def __init__(self, request: ModelRequest[Any], options: Options) -> None:
        model = unbound_model(request.model)
        self._request = request
        self._options = options
        self._tools = [tool for tool in _without(request.tools, options.tool) if not _is_code_execution(tool)]
        wire = wire_tools(self._tools)
        self._functions = [function for tool in wire for function in tool.get("functionDeclarations", ())]
        self._choice = tool_config(request.tool_choice, wire)
        name = str(getattr(model, "model_name", None) or model.model)
        self._destination = Destination(name, _endpoint(model), _address(model))
        self._refused: list[tuple[Way, Capabilities]] = []
        self._has_answer = False

    @property
    def endpoint(self) -> EndpointKind:
        """Which of Google's services is called."""
        return self._destination.endpoint

    @property
    def plan_request(self) -> PlanRequest:
        """What is to be planned."""
        enabled = self._destination.accepts.code_execution or self._options.tool is not None
        way = self._way
        return PlanRequest(
            messages=self._request.messages,
            functions=self._functions,
            destination=self._destination,
            code_execution=enabled and way is not None,
            way=way or "one_sided",
            tool_choice=self._choice,
        )

    def explained(self, plan: Plan) -> Plan:
        """The plan with what was refused before, and the remedy where code execution cannot be had."""
        reason = plan.reason
        if self._refused:
            ways = dict.fromkeys(way for way, _ in self._refused)
            reason += f"; refused by the service: {', '.join(ways)}"
        if not plan.code_execution and not self.plan_request.code_execution and self._options.tool is None:
            reason += f"; {_REMEDY}"
        return replace(plan, reason=reason)

    def exchanges(self, plan: Plan) -> Exchanges:
        """Carry a plan out; what it leaves out is text in its history."""
        delegates, tool = self._carried_out_as(plan) == "delegated", self._options.tool
        tools: list[Tool] = [tool for tool in self._tools if _names_of([tool]) <= set(plan.functions)]
        messages: Sequence[Any] = with_valid_signatures(self._request.messages, self.endpoint)
        if plan.code_execution and not delegates:
            tools.append(GOOGLE_CODE_EXECUTION)
        else:
            messages = messages_with_code_as_text(messages)
        if delegates and tool:
            tools.append(tool)
        if not (_names_of(tools) or delegates):
            messages = messages_with_functions_as_text(messages)
        request = self._configured(self._request.override(tools=tools, messages=list(messages)))
        if delegates and not tool:
            return (yield from self._delegating(request))
        response = yield request
        return _checked(response)

    def goes_another_way_after(self, plan: Plan, error: Exception) -> bool:
        """Whether a combination may have been refused, and there is another way to try.

        Wordings differ and change, so for this call every 400 counts of a request that declared code execution,
        or a function beside a schema.
        """
        way, combined = self._way, self._request.response_format is not None
        combined |= self._carried_out_as(plan) != "delegated"
        if self._has_answer or not (plan.code_execution and combined and way and _is_bad_request(error)):
            return False
        self._refused.append((way, self._destination.accepts))
        self._destination.learn(str(error), self._combined(plan))
        return True

    @property
    def _way(self) -> Way | None:
        """The first way to offer both sides that is not refused, by what is known now; `None` if all are."""
        accepts = self._destination.accepts
        return next((way for way in self._ways() if (way, accepts) not in self._refused), None)

    def _carried_out_as(self, plan: Plan) -> Way:
        """The way of a plan's request: code alone is delegated, too, where it cannot go with a schema."""
        apart = bool(plan.functions) if plan.way == "delegated" else not self._schema_fits
        return "delegated" if plan.code_execution and apart else plan.way

    def _delegating(self, request: ModelRequest[Any]) -> Exchanges:
        """Offer a function for code execution, and carry its calls out by the called model itself."""
        delegate = delegate_function(_names_of(request.tools))
        tool = CodeExecutionTool(self._request.model, name=delegate["name"])
        must_call = self._request.response_format is not None or self.plan_request.mode == "ANY"
        left = MOST_DELEGATED["ANY" if must_call else "AUTO"]
        messages: list[Any] = []
        while True:
            offered = [*request.tools, _as_openai_tool(delegate)] if left > 0 else request.tools
            response = _checked(
                (yield request.override(tools=offered, messages=[*request.messages, *messages]))
            )
            self._has_answer = True
            messages += response.result
            answer = next((one for one in reversed(response.result) if isinstance(one, AIMessage)), None)
            calls = answer.tool_calls if answer else []
            delegated = [call for call in calls if call["name"] == delegate["name"]]
            for call in delegated:
                reply: Any = yield DelegatedCall(tool, call)
                if reply.status == "error":
                    self._destination.learn(reply.text, _CODE_ALONE)
                messages.append(reply)
            left -= len(delegated)
            if not delegated or len(delegated) < len(calls) or response.structured_response is not None:
                return ModelResponse(result=messages, structured_response=response.structured_response)

    def _ways(self) -> Iterator[Way]:
        """The ways to offer both sides, in the order in which they are tried."""
        if self._options.combination != "auto":
            yield self._options.combination
        accepts = self._destination.accepts
        # Neither package can send the flag to Vertex.
        sendable = self.endpoint == "developer" or not accepts.server_side_flag
        if self._schema_fits and ((accepts.code_with_functions and sendable) or not self._functions):
            yield "native"
        yield "delegated"

    @property
    def _schema_fits(self) -> bool:
        return self._destination.accepts.tools_with_schema or self._request.response_format is None

    def _combined(self, plan: Plan) -> dict[str, Any]:
        """What the plan's request combined, in the wire's terms."""
        tools: list[dict[str, Any]] = [{"functionDeclarations": self._functions}] if plan.functions else []
        if self._carried_out_as(plan) != "delegated":
            tools.append({"codeExecution": {}})
        request: dict[str, Any] = {"tools": tools}
        if self._request.response_format is not None:
            request["generationConfig"] = {"responseMimeType": "application/json"}
        if self._sends_flag:
            request["toolConfig"] = {"includeServerSideToolInvocations": True}
        return request

    @property
    def _sends_flag(self) -> bool:
        return self.endpoint == "developer" and self._destination.accepts.server_side_flag

    def _configured(self, request: ModelRequest[Any]) -> ModelRequest[Any]:
        """The request with its tool choice where it has functions, and the flag that both sides need."""
        if not _names_of(request.tools):
            return request if not self._functions else request.override(tool_choice=None)
        if not (self._sends_flag and any(map(_is_code_execution, request.tools))):
            return request
        # A tool choice beside it would make langchain-google-genai forget the flag.
        config: dict[str, Any] = {"include_server_side_tool_invocations": True}
        if calling := self._choice.get("functionCallingConfig"):
            config["function_calling_config"] = calling
        settings = {**request.model_settings, "tool_config": config}
        return request.override(tool_choice=None, model_settings=settings)


class OtherModelCall:
    """A call of any other provider's model: the middleware's tool stands in for code execution.

    Args:
        request: The call.
        options: How the middleware was set up.

    Raises:
        ConfigurationError: The middleware has no tool.
    """

    endpoint: EndpointKind | None = None

    def __init__(self, request: ModelRequest[Any], options: Options) -> None:
        if options.tool is None:
            raise ConfigurationError(
                f"{type(unbound_model(request.model)).__name__} has no code execution that the middleware could "
                f"bind; {_REMEDY}"
            )
        self._request = request
        self._tool = options.tool
        self._tools = _without(request.tools, options.tool)

    @property
    def plan_request(self) -> PlanRequest:
        """What is to be planned; built-in tools of the provider always go along."""
        functions = [
            function
            for tool in wire_tools([tool for tool in self._tools if isinstance(tool, BaseTool)])
            for function in tool.get("functionDeclarations", ())
        ]
        return PlanRequest(messages=self._request.messages, functions=functions, way="native")

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
        response = yield self._request.override(tools=tools)
        return _checked(response)

    def goes_another_way_after(self, plan: Plan, error: Exception) -> bool:  # noqa: ARG002 -- the protocol's
        """Functions are all there is: no combination could have been refused."""
        return False


def _without(tools: Iterable[Tool], tool: BaseTool | None) -> list[Tool]:
    return [one for one in tools if one is not tool]


def _is_code_execution(tool: Tool) -> bool:
    """Whether a tool is code execution itself, in any provider's spelling."""
    return isinstance(tool, dict) and declares_code_execution(wire_tools([tool]))


def _names_of(tools: Sequence[Tool]) -> set[str]:
    """Names of the functions among the tools."""
    return {
        str(function.get("name"))
        for tool in wire_tools(tools)
        for function in tool.get("functionDeclarations", ())
    }


def _as_openai_tool(function: FunctionDeclaration) -> dict[str, Any]:
    """A declaration as a dict, which an agent does not look for among its own tools."""
    declared: Any = function
    parameters = declared["parametersJsonSchema"]
    described = {"name": declared["name"], "description": declared["description"], "parameters": parameters}
    return {"type": "function", "function": described}


def _checked(response: ModelResponse[Any] | ToolMessage) -> ModelResponse[Any]:
    if not isinstance(response, ModelResponse):
        raise TypeError(f"a model request was answered by {type(response).__name__}")
    return response


def _endpoint(model: Any) -> EndpointKind:
    developer = hasattr(model, "google_api_key") and not getattr(model, "_use_vertexai", False)
    return "developer" if developer else "vertex"


def _address(model: Any) -> str:
    address = getattr(model, "base_url", None) or getattr(model, "api_endpoint", None) or ""
    return str(address.get("api_endpoint") if isinstance(address, dict) else address)


def _is_bad_request(error: BaseException | None) -> bool:
    while error is not None:
        if _BAD_REQUEST in (getattr(error, "code", None), getattr(error, "status_code", None)):
            return True
        error = error.__cause__
    return False
