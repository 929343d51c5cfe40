"""What the middleware adds to an agent's state.

An answer with its plan: in its own metadata and in the agent's state.

The middleware.
"""

from __future__ import annotations

import operator
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any, Generic, NotRequired, get_args

from langchain.agents.middleware.types import (
    AgentMiddleware,
    AgentState,
    ContextT,
    ExtendedModelResponse,
    ModelResponse,
    OmitFromSchema,
    ResponseT,
)
from langchain_core.messages import AIMessage
from langgraph.types import Command

from langchain_codeexec.errors import ConfigurationError
from langchain_codeexec.messages.signatures import ENDPOINT_KEY
from langchain_codeexec.middleware.model_calls import (
    GoogleModelCall,
    Options,
    OtherModelCall,
    is_google,
    is_own,
    own_request,
)
from langchain_codeexec.planning.plan import areport_plan, report_plan
from langchain_codeexec.planning.planners import Combination
from langchain_codeexec.tools.code_execution import CodeExecutionTool

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from langchain.agents.middleware.types import ModelRequest
    from langchain_core.language_models.chat_models import BaseChatModel
    from langchain_core.messages import BaseMessage
    from langchain_core.tools import BaseTool

    from langchain_codeexec.executors.base import CodeExecutor
    from langchain_codeexec.gemini.wire import EndpointKind
    from langchain_codeexec.middleware.model_calls import ModelCall
    from langchain_codeexec.planning.plan import Plan, Planner

__all__ = ["CodeExecutionMiddleware", "CodeExecutionState", "recorded"]


class CodeExecutionState(AgentState[ResponseT], Generic[ResponseT]):
    """An agent's state with the plans of its model calls."""

    code_execution_plans: NotRequired[
        Annotated[list[dict[str, Any]], OmitFromSchema(input=True, output=False), operator.add]
    ]
    """One for each model call, in order: `message_id` of the answer, and `code_execution`, `functions`, `way` and
    `reason` as in `Plan.to_dict()`."""


def recorded(
    response: ModelResponse[ResponseT], plan: Plan | None = None, endpoint: EndpointKind | None = None
) -> ExtendedModelResponse[ResponseT]:
    """The response with an update of the state.

    Args:
        response: What the model gave.
        plan: What the call got; `None` if the model itself has put that into its answer.
        endpoint: Which of Google's services answered, if one of them did.
    """
    result = [_noted(message, plan, endpoint) for message in response.result]
    plans = [
        {"message_id": message.id, **told}
        for message in result
        if isinstance(message, AIMessage) and (told := message.response_metadata.get("plan"))
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


class CodeExecutionMiddleware(AgentMiddleware[CodeExecutionState[ResponseT], ContextT, ResponseT]):
    """Gives an agent code execution beside its tools, whatever chat model it calls.

    For each model call it decides what the model gets, and says why:

    - `ChatGeminiCodeExecution` plans by itself; the middleware passes `planner` and `combination` on.
    - `ChatGoogleGenerativeAI` and `ChatVertexAI` get Google's code execution bound together with the agent's
      tools where the model takes both. Where it does not, the planner chooses the side that is bound, or the
      middleware's tool, if it has one, joins the agent's.
    - Every other model gets the middleware's tool among the agent's.

    No combination that a service refuses reaches the user as an error: the call is made once more in another
    way. Each plan is in the state, under `code_execution_plans`, in the answer's `response_metadata["plan"]`,
    and in the custom event `gemini_code_execution_plan`.

    Put it behind middlewares that change the model (fallbacks, routers), so that it sees which one is called.

    Args:
        planner: Chooses between code execution and functions; see `langchain_codeexec.planning`.
        combination: How both come together; by default in the first way that the model takes.
        tool: Stands in for code execution where a model has none of its own.
        llm: Makes that tool a `CodeExecutionTool` on this chat model.
        executor: Makes that tool a `CodeExecutionTool` that runs code here.

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
        planner: Planner | None = None,
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
        self._options = Options(planner, combination, _tool(tool, llm, executor))
        self.tools = [self._options.tool] if self._options.tool else []

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
        if is_own(request):
            return recorded(handler(own_request(request, self._options)))
        call = self._call(request)
        while True:
            plan = call.settled or call.carried_out(call.planner.plan(call.question))
            try:
                response = handler(call.fitted(plan))
            except Exception as error:
                if not call.goes_another_way_after(plan, error):
                    raise
            else:
                report_plan(plan, None)
                return recorded(response, plan, call.endpoint)

    async def awrap_model_call(
        self,
        request: ModelRequest[ContextT],
        handler: Callable[[ModelRequest[ContextT]], Awaitable[ModelResponse[ResponseT]]],
    ) -> ExtendedModelResponse[ResponseT]:
        """Make a model call without blocking the event loop; see `wrap_model_call`."""
        if is_own(request):
            return recorded(await handler(own_request(request, self._options)))
        call = self._call(request)
        while True:
            plan = call.settled or call.carried_out(await call.planner.aplan(call.question))
            try:
                response = await handler(call.fitted(plan))
            except Exception as error:
                if not call.goes_another_way_after(plan, error):
                    raise
            else:
                await areport_plan(plan, None)
                return recorded(response, plan, call.endpoint)

    def _call(self, request: ModelRequest[ContextT]) -> ModelCall:
        kind = GoogleModelCall if is_google(request) else OtherModelCall
        return kind(request, self._options)


def _tool(tool: BaseTool | None, llm: BaseChatModel | None, executor: CodeExecutor | None) -> BaseTool | None:
    given = {
        name: value
        for name, value in (("tool", tool), ("llm", llm), ("executor", executor))
        if value is not None
    }
    if len(given) > 1:
        raise ConfigurationError(f"CodeExecutionMiddleware takes one of {', '.join(given)}, not several")
    return tool if tool or not given else CodeExecutionTool(llm=llm, executor=executor)
