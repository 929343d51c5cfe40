"""A model call of an agent on a model of Google's packages: the ways to have code execution, and refusals."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Final

from langchain.agents.middleware.types import ModelRequest, ModelResponse
from langchain.agents.structured_output import AutoStrategy, ProviderStrategy, ToolStrategy
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, SystemMessage
from langchain_core.tools import BaseTool

from langchain_codeexec.gemini.capabilities import Capabilities, Destination, generation
from langchain_codeexec.gemini.wire import EndpointKind
from langchain_codeexec.messages.history_as_text import (
    messages_with_code_as_text,
    messages_with_functions_as_text,
)
from langchain_codeexec.messages.signatures import with_valid_signatures
from langchain_codeexec.messages.tools import (
    bound_tools,
    declares_code_execution,
    function_names,
    functions_in,
    tool_config,
    wire_tools,
)
from langchain_codeexec.middleware.model_calls import (
    REMEDY,
    DelegatedCall,
    Exchanges,
    ModelCall,
    Tool,
    tools_without,
)
from langchain_codeexec.planning.execution import MOST_DELEGATED, delegate_function
from langchain_codeexec.planning.plan import Combination, Plan, PlanRequest, Way
from langchain_codeexec.tools.code_execution import (
    GOOGLE_CODE_EXECUTION,
    CodeExecutionTool,
    unbound_model,
)

__all__ = ["GoogleModelCall"]

Json = dict[str, Any]

_BAD_REQUEST: Final = 400
_OLD: Final = 2
"""The generation of models that take no tools beside a schema."""
_CODE_ALONE: Final[Json] = {"tools": [{"codeExecution": {}}]}
_NO_TASK: Final = "The task is missing: call again, and state it whole, with all the values it needs."
_AS_JSON: Final = "Give the answer now, as JSON, from what is found above."


class GoogleModelCall(ModelCall):
    """A call of a model of Google's packages, which takes code execution as a built-in tool.

    It goes the first way that the service accepts: both sides in one request; else all functions and one that
    stands for code execution, which is the middleware's tool if it has one, and otherwise carried out within
    the model call by a call of the same model with code execution alone; and functions alone where even that
    is refused. Where tools and a schema cannot go together, the answer is demanded as JSON by one more request.
    """

    def __init__(self, request: ModelRequest[Any], tool: BaseTool | None, combination: Combination) -> None:
        model = unbound_model(request.model)
        self._tool = tool
        self._combination: Combination = combination
        self._tools = [one for one in tools_without(request, tool) if not _is_code_execution(one)]
        wire = wire_tools(self._tools)
        self._functions = functions_in(wire)
        self._choice = tool_config(request.tool_choice, wire)
        name = str(getattr(model, "model_name", None) or model.model)
        self._destination = Destination(name, _endpoint(model), _address(model))
        self.endpoint = self._destination.endpoint
        self._request = self._with_strategy(request)
        self._refused: list[tuple[Way, Capabilities]] = []
        self._has_answer = False

    @property
    def plan_request(self) -> PlanRequest:
        """What is to be planned, by what is known of the model now."""
        way = self._way
        return PlanRequest(
            messages=self._request.messages,
            functions=self._functions,
            destination=self._destination,
            code_execution=way is not None,
            way=way or "one_sided",
            tool_choice=self._choice,
        )

    def explained(self, plan: Plan) -> Plan:
        """The plan with what was refused before, and the remedy where code execution cannot be had."""
        reason = plan.reason
        if self._refused:
            reason += f"; refused by the service: {', '.join(dict.fromkeys(way for way, _ in self._refused))}"
        if self._way is None and self._tool is None:
            reason += f"; {REMEDY}"
        return replace(plan, reason=reason)

    def exchanges(self, plan: Plan) -> Exchanges:
        """Carry a plan out; what it leaves out is text in its history."""
        delegates = self._delegates(plan)
        tools: list[Tool] = [tool for tool in self._tools if _names([tool]) <= set(plan.functions)]
        messages: Sequence[Any] = with_valid_signatures(
            self._request.messages, self._destination.endpoint, required=self._destination.accepts.signatures
        )
        if plan.code_execution and not delegates:
            tools.append(GOOGLE_CODE_EXECUTION)
            messages = [one for each in messages for one in _with_foreign_code_as_text(each)]
        else:
            messages = messages_with_code_as_text(messages)
        if delegates and self._tool:
            tools.append(self._tool)
        if not (_names(tools) or delegates):
            messages = messages_with_functions_as_text(messages)
        response_format = None if self._apart and (tools or delegates) else self._request.response_format
        request = self._configured(
            self._request.override(tools=tools, messages=list(messages), response_format=response_format)
        )
        response: ModelResponse[Any]
        if delegates and not self._tool:
            response = yield from self._delegating(request)
        else:
            response = yield request
        answer = response.result[-1]
        is_answered = isinstance(answer, AIMessage) and not answer.tool_calls
        if is_answered and response_format is not self._request.response_format:
            self._has_answer = True
            return (yield from self._as_json(request, response))
        return response

    def _as_json(self, request: ModelRequest[Any], response: ModelResponse[Any]) -> Exchanges:
        """Have an answer said again as JSON."""
        messages: list[Any] = [*request.messages, *response.result]
        history = messages_with_functions_as_text(messages_with_code_as_text(messages))
        final: ModelResponse[Any] = yield self._request.override(
            tools=[], tool_choice=None, messages=[*history, HumanMessage(_AS_JSON)]
        )
        result = [*response.result, *final.result]
        return replace(final, result=result)

    def goes_another_way_after(self, plan: Plan, error: Exception) -> bool:
        """Whether a combination may have been refused, and there is another way to try.

        Wordings differ and change, so for this call every 400 counts of a request that declared code execution,
        or a function beside a schema.
        """
        way = self._way
        combined = self._demands_format or not self._delegates(plan)
        if self._has_answer or not (way and plan.code_execution and combined and _is_bad_request(error)):
            return False
        self._refused.append((way, self._destination.accepts))
        self._destination.learn(str(error), self._combined(plan))
        return True

    @property
    def _way(self) -> Way | None:
        """The first way to have code execution that is not refused, by what is known now; `None` if all are."""
        accepts = self._destination.accepts
        return next((way for way in self._ways() if (way, accepts) not in self._refused), None)

    def _ways(self) -> Iterator[Way]:
        """The ways to have code execution, in the order in which they are tried."""
        accepts = self._destination.accepts
        if accepts.code_execution:
            if self._combination != "auto":
                yield self._combination
            sendable = self._sends_flag or not accepts.server_side_flag
            if self._format_fits and ((accepts.code_with_functions and sendable) or not self._functions):
                yield "native"
        if accepts.code_execution or self._tool:
            yield "delegated"

    @property
    def _sends_flag(self) -> bool:
        """Whether the flag that both sides need is sent; neither package can send it to Vertex."""
        return self.endpoint == "developer" and self._destination.accepts.server_side_flag

    def _with_strategy(self, request: ModelRequest[Any]) -> ModelRequest[Any]:
        """The request with a schema for the answer where LangChain, going by names, may make a tool of it.

        A tool strategy brings a tool choice, beside which langchain-google-genai forgets the flag.
        """
        strategy = request.response_format
        if not (isinstance(strategy, AutoStrategy) and isinstance(strategy.schema, type | dict)):
            return request
        takes_schema = hasattr(unbound_model(request.model), "google_api_key")  # ChatVertexAI takes none
        if not takes_schema or generation(self._destination.model) <= _OLD:
            return request
        return request.override(response_format=ProviderStrategy(strategy.schema))

    @property
    def _apart(self) -> bool:
        """Whether the answer is demanded as JSON by a request of its own."""
        is_schema = isinstance(self._request.response_format, ProviderStrategy)
        return is_schema and not self._destination.accepts.tools_with_schema

    @property
    def _demands_format(self) -> bool:
        """Whether the request with tools demands a format of the answer."""
        return self._request.response_format is not None and not self._apart

    @property
    def _format_fits(self) -> bool:
        """Whether that can be demanded beside code execution."""
        if isinstance(self._request.response_format, ToolStrategy) and self._sends_flag:
            return False
        return not self._demands_format or self._destination.accepts.tools_with_schema

    def _delegates(self, plan: Plan) -> bool:
        """Whether a function stands for code execution; for code alone, too, where that cannot be declared."""
        alone = self._format_fits and self._destination.accepts.code_execution
        return plan.code_execution and (not alone or (plan.way == "delegated" and bool(plan.functions)))

    def _delegating(self, request: ModelRequest[Any]) -> Exchanges:
        """Offer a function for code execution, and carry its calls out by the called model itself."""
        delegate = delegate_function({str(function.get("name")) for function in self._functions})
        name = str(delegate.get("name"))
        tool = CodeExecutionTool(self._request.model, name=name, handle_validation_error=_NO_TASK)
        must_call = self.plan_request.mode == "ANY" or isinstance(
            request.response_format, AutoStrategy | ToolStrategy
        )
        left = MOST_DELEGATED["ANY" if must_call else "AUTO"]
        messages: list[Any] = []
        while True:
            has_code = left > 0 and self._destination.accepts.code_execution
            # As a dict, it is none that the agent looks for among its own tools.
            delegates = bound_tools([{"functionDeclarations": [delegate]}]) if has_code else []
            response: ModelResponse[Any] = yield request.override(
                tools=[*request.tools, *delegates], messages=[*request.messages, *messages]
            )
            self._has_answer = True
            history = [*request.messages, *messages]
            messages += response.result
            calls = [call for one in response.result if isinstance(one, AIMessage) for call in one.tool_calls]
            # One that is not offered is called in vain, and the agent says so.
            delegated = [call for call in calls if call["name"] == name and has_code]
            if delegated:
                history = _for_code_alone(history, request.system_message)
                tool = tool.model_copy(update={"history": history})
            for call in delegated:
                reply = yield DelegatedCall(tool, call)
                if reply.status == "error":
                    self._destination.learn(reply.text, _CODE_ALONE)
                messages.append(reply)
            left -= len(delegated)
            if not delegated or len(delegated) < len(calls):
                return replace(response, result=messages)

    def _combined(self, plan: Plan) -> Json:
        """What the plan's request combined, in the wire's terms."""
        demands = self._request.response_format is not None
        tools: list[Json] = []
        if plan.functions or demands:
            tools.append({"functionDeclarations": self._functions})
        if not self._delegates(plan):
            tools.append({"codeExecution": {}})
        request: Json = {"tools": tools}
        if demands:
            request["generationConfig"] = {"responseMimeType": "application/json"}
        if self._sends_flag:
            request["toolConfig"] = {"includeServerSideToolInvocations": True}
        return request

    def _configured(self, request: ModelRequest[Any]) -> ModelRequest[Any]:
        """The request with its tool choice where it has functions, and the flag for built-in tools beside them."""
        if not _names(request.tools):
            return request.override(tool_choice=None) if self._functions else request
        if not (self._sends_flag and any(not _names([tool]) for tool in request.tools)):
            is_none = self.plan_request.mode == "NONE"
            return request.override(tool_choice="none") if is_none else request
        # A tool choice beside it would make langchain-google-genai forget the flag.
        config: Json = {"include_server_side_tool_invocations": True}
        if calling := self._choice.get("functionCallingConfig"):
            config["function_calling_config"] = calling
        settings = {**request.model_settings, "tool_config": config}
        return request.override(tool_choice=None, model_settings=settings)


def _for_code_alone(messages: Sequence[Any], system: SystemMessage | None) -> list[Any]:
    """A conversation for a request that declares no function, its earlier code as text like its functions."""
    history = messages_with_functions_as_text(messages_with_code_as_text(messages))
    return [system, *history] if system else [*history]


def _is_code_execution(tool: Tool) -> bool:
    """Whether a tool is code execution itself, in any provider's spelling."""
    return isinstance(tool, dict) and declares_code_execution(wire_tools([tool]))


def _with_foreign_code_as_text(message: AnyMessage) -> list[AnyMessage]:
    """Code that another provider's model ran as text: Google's packages know, or refuse, none but their own."""
    provider = str(message.response_metadata.get("model_provider") or "google")
    return [message] if provider.startswith("google") else messages_with_code_as_text([message])


def _names(tools: Sequence[Tool]) -> set[str]:
    """Names of the functions among the tools."""
    return set(function_names(wire_tools(tools)))


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
