"""Code execution beside an agent's tools, with any chat model, and the plan of each model call in its state."""

from __future__ import annotations

import operator
from collections.abc import Awaitable, Callable, Generator
from enum import Enum
from typing import Annotated, Any, Generic, NotRequired, TypeAlias, cast, get_args

from langchain.agents.middleware.types import (
    AgentMiddleware,
    AgentState,
    ContextT,
    ExtendedModelResponse,
    ModelRequest,
    ModelResponse,
    OmitFromSchema,
    ResponseT,
)
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.tools import BaseTool
from langgraph.types import Command

from langchain_codeexec.chat_model import ChatGeminiCodeExecution
from langchain_codeexec.errors import ConfigurationError
from langchain_codeexec.executors.base import CodeExecutor
from langchain_codeexec.gemini.wire import EndpointKind
from langchain_codeexec.messages.signatures import ENDPOINT_KEY, with_valid_signatures
from langchain_codeexec.middleware.google_models import GoogleModelCall
from langchain_codeexec.middleware.model_calls import DelegatedCall, OtherModelCall, tools_without
from langchain_codeexec.planning.plan import (
    Combination,
    Plan,
    Planner,
    PlanRequest,
    aplan_call,
    areport_plan,
    inner_call_config,
    plan_call,
    report_plan,
)
from langchain_codeexec.planning.planners import checked_planner
from langchain_codeexec.tools.code_execution import CodeExecutionTool, is_google_model, unbound_model
from langchain_codeexec.tools.python import PythonTool

__all__ = ["CodeExecutionMiddleware", "CodeExecutionState"]


Step: TypeAlias = PlanRequest | Plan | DelegatedCall | ModelRequest[Any]
"""To plan, to report, to carry out, to send."""


class CodeExecutionState(AgentState[ResponseT], Generic[ResponseT]):
    """An agent's state with the plans of its model calls."""

    code_execution_plans: NotRequired[
        Annotated[list[dict[str, Any]], OmitFromSchema(input=True, output=False), operator.add]
    ]
    """One for each model call, in order: `message_id` of the answer, and `code_execution`, `functions`, `way` and
    `reason` as in `Plan.to_dict()`."""


class CodeExecutionMiddleware(AgentMiddleware[CodeExecutionState[ResponseT], ContextT, ResponseT]):
    """Gives an agent code execution beside its tools, whatever chat model it calls.

    Nothing is withheld unless a planner says so:

    - `ChatGeminiCodeExecution` plans by itself; the middleware passes `planner` and `combination` on.
    - `ChatGoogleGenerativeAI` and `ChatVertexAI` get Google's code execution bound together with the agent's
      tools where the model takes both. Where it does not, all tools and a function that stands for code
      execution: the middleware's tool, if it has one; else the same model is called with code execution alone
      when it calls that function, and the call and its reply stand in the conversation before the answer.
    - Every other model gets the middleware's tool among the agent's.

    No combination that a service refuses reaches the user as an error: the call is made once more in another
    way. Each plan is in the state, under `code_execution_plans`, in the answer's `response_metadata["plan"]`,
    and in the custom event `gemini_code_execution_plan`.

    Put it behind middlewares that change the model (fallbacks, routers), so that it sees which one is called.

    Args:
        planner: Narrows what a call is offered: a `Planner` of `langchain_codeexec.planning`, or a function.
        combination: How both come together; by default in the first way that the model takes.
        tool: Stands in for code execution where a model has none of its own.
        llm: Makes that tool a `CodeExecutionTool` on this chat model.
        executor: Makes that tool a `PythonTool` on this executor.

    Raises:
        ConfigurationError: More than one of `tool`, `llm` and `executor` is given, or one is wrong.

    Examples:
        >>> agent = create_agent(
        ...     ChatGeminiCodeExecution(model="gemini-3-flash-preview"),
        ...     tools=[find_orders],
        ...     middleware=[CodeExecutionMiddleware()],
        ... )  # doctest: +SKIP
    """

    state_schema = CodeExecutionState  # type: ignore[assignment]  # an attribute of the class knows no ResponseT

    def __init__(
        self,
        *,
        planner: Planner | Callable[[PlanRequest], Any] | None = None,
        combination: Combination | None = None,
        tool: BaseTool | None = None,
        llm: BaseChatModel | None = None,
        executor: CodeExecutor | None = None,
    ) -> None:
        super().__init__()
        if combination not in (None, *get_args(Combination)):
            raise ConfigurationError(
                f"combination is one of {', '.join(get_args(Combination))}, not {combination!r}"
            )
        self._planner = checked_planner(planner)
        self._combination: Combination = combination or "auto"
        self._tool = _tool(tool, llm, executor)
        self.tools = [self._tool] if self._tool else []
        given = {"planner": planner, "combination": combination}
        self._settings = {name: value for name, value in given.items() if value is not None}

    def wrap_model_call(
        self,
        request: ModelRequest[ContextT],
        handler: Callable[[ModelRequest[ContextT]], ModelResponse[ResponseT]],
    ) -> ExtendedModelResponse[ResponseT]:
        """Make a model call with code execution.

        Raises:
            ConfigurationError: The model has no code execution, and the middleware no tool to stand in for it.
            PlanningError: The planner gave no plan that could be carried out.
        """

        def take(step: Step) -> Any:
            match step:
                case PlanRequest():
                    return plan_call(step, self._planner)
                case Plan():
                    return report_plan(step, None)
                case DelegatedCall():
                    return step.tool.invoke(dict(step.call), inner_call_config())
                case _:
                    return handler(step)

        steps = self._steps(request)
        try:
            step = next(steps)
            while True:
                try:
                    result = take(step)
                except Exception as error:  # noqa: BLE001 -- goes into the steps, which raise it or go another way
                    step = steps.throw(error)
                else:
                    step = steps.send(result)
        except StopIteration as end:
            return cast("ExtendedModelResponse[ResponseT]", end.value)

    async def awrap_model_call(
        self,
        request: ModelRequest[ContextT],
        handler: Callable[[ModelRequest[ContextT]], Awaitable[ModelResponse[ResponseT]]],
    ) -> ExtendedModelResponse[ResponseT]:
        """Make a model call without blocking the event loop; see `wrap_model_call`."""

        async def take(step: Step) -> Any:
            match step:
                case PlanRequest():
                    return await aplan_call(step, self._planner)
                case Plan():
                    return await areport_plan(step, None)
                case DelegatedCall():
                    return await step.tool.ainvoke(dict(step.call), inner_call_config())
                case _:
                    return await handler(step)

        steps = self._steps(request)
        try:
            step = next(steps)
            while True:
                try:
                    result = await take(step)
                except Exception as error:  # noqa: BLE001 -- as above
                    step = steps.throw(error)
                else:
                    step = steps.send(result)
        except StopIteration as end:
            return cast("ExtendedModelResponse[ResponseT]", end.value)

    def _steps(self, request: ModelRequest[Any]) -> Generator[Step, Any, ExtendedModelResponse[Any]]:
        """A model call as the steps to take, each of which is told its result; no step is taken here."""
        model = unbound_model(request.model)
        is_own = isinstance(model, ChatGeminiCodeExecution)
        if self._tool and request.tool_choice == self._tool.name and (is_own or is_google_model(model)):
            request = request.override(tool_choice="none")  # Gemini's code execution stands for the tool
        if isinstance(model, ChatGeminiCodeExecution):  # plans by itself
            response = yield request.override(
                messages=with_valid_signatures(request.messages, model.endpoint),
                tools=tools_without(request, self._tool),
                model_settings={**request.model_settings, **self._settings},
            )
            return _recorded(response)
        call = (
            GoogleModelCall(request, self._tool, self._combination)
            if is_google_model(model)
            else OtherModelCall(request, self._tool)
        )
        while True:
            plan = call.explained((yield call.plan_request))
            try:
                response = yield from call.exchanges(plan)
            except Exception as error:
                if not call.goes_another_way_after(plan, error):
                    raise
            else:
                yield plan
                return _recorded(response, plan, call.endpoint)


def _tool(tool: BaseTool | None, llm: BaseChatModel | None, executor: CodeExecutor | None) -> BaseTool | None:
    given = {"tool": tool, "llm": llm, "executor": executor}
    given = {name: value for name, value in given.items() if value is not None}
    if len(given) > 1:
        raise ConfigurationError(f"CodeExecutionMiddleware takes one of {', '.join(given)}, not several")
    if tool is not None and not isinstance(tool, BaseTool):
        raise ConfigurationError(f"tool={tool!r:.100} is no LangChain tool; pass PythonTool(), for example")
    if llm is not None:
        return CodeExecutionTool(llm)
    return tool if executor is None else PythonTool(executor)


def _recorded(
    response: ModelResponse[ResponseT], plan: Plan | None = None, endpoint: EndpointKind | None = None
) -> ExtendedModelResponse[ResponseT]:
    """The response with an update of the state; without a plan, the model itself has put it into its answer."""
    result = [_noted(message, plan, endpoint) for message in response.result]
    plans = [
        {"message_id": message.id, **plan_of_message}
        for message in result
        if isinstance(message, AIMessage) and (plan_of_message := message.response_metadata.get("plan"))
    ]
    return ExtendedModelResponse(
        ModelResponse(result=result, structured_response=response.structured_response),
        Command(update={"code_execution_plans": plans}),
    )


def _noted(message: BaseMessage, plan: Plan | None, endpoint: EndpointKind | None) -> BaseMessage:
    if plan is None or not isinstance(message, AIMessage):
        return message
    metadata = {**message.response_metadata, "plan": plan.to_dict()}
    if endpoint:
        metadata[ENDPOINT_KEY] = endpoint
    return message.model_copy(
        update={"response_metadata": metadata, "content": _without_enums(message.content)}
    )


def _without_enums(value: Any) -> Any:
    """Google's packages leave enums of their clients in code blocks, which strict checkpointers drop."""
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, list):
        return [_without_enums(item) for item in value]
    return {key: _without_enums(item) for key, item in value.items()} if isinstance(value, dict) else value
