"""Code execution beside an agent's tools, with any chat model, and the plan of each model call in its state."""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from dataclasses import replace
from enum import Enum
from typing import Annotated, Any, Final, Generic, NotRequired, TypeAlias, get_args

from langchain.agents.middleware.types import (
    AgentMiddleware,
    AgentState,
    ContextT,
    ExtendedModelResponse,
    ModelRequest,
    ModelResponse,
    OmitFromSchema,
    ResponseT,
    ToolCallRequest,
)
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langchain_core.runnables.config import ensure_config
from langchain_core.tools import BaseTool
from langgraph.types import Command

from langchain_codeexec._steps import arun_steps, run_steps
from langchain_codeexec.chat_model import ChatGeminiCodeExecution
from langchain_codeexec.control.tracing import atrace_answers, trace_answers, was_traced
from langchain_codeexec.errors import ConfigurationError
from langchain_codeexec.executors.base import CodeExecutor
from langchain_codeexec.gemini.wire import EndpointKind
from langchain_codeexec.messages.code_blocks import code_executions
from langchain_codeexec.messages.signatures import ENDPOINT_KEY
from langchain_codeexec.middleware.calls_from_code import Callables, CallsFromCode
from langchain_codeexec.middleware.google_models import GoogleModelCall
from langchain_codeexec.middleware.model_calls import (
    DelegatedCall,
    ModelCall,
    OtherModelCall,
    tools_without,
)
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


_COUNTERS: Final = ("thread_tool_call_count", "run_tool_call_count")
"""Where LangChain's `ToolCallLimitMiddleware` counts, by tool and for all; a graph without it passes them over."""

Step: TypeAlias = PlanRequest | Plan | DelegatedCall | ModelRequest[Any]
"""To plan, to report, to carry out, to send."""


class CodeExecutionState(AgentState[ResponseT], Generic[ResponseT]):
    """An agent's state with the plans of its model calls."""

    code_execution_plans: NotRequired[
        Annotated[list[dict[str, Any]], OmitFromSchema(input=True, output=False), operator.add]
    ]
    """One for each model call, in order: `message_id` of the answer, and `code_execution`, `functions`, `way`,
    `reason` and, where there are any, `callable_from_code` as in `Plan.to_dict()`."""


class CodeExecutionMiddleware(AgentMiddleware[CodeExecutionState[ResponseT], ContextT, ResponseT]):
    """Gives an agent code execution beside its tools, whatever chat model it calls.

    Nothing is withheld unless a planner says so:

    - `ChatGeminiCodeExecution` plans by itself; the middleware passes `planner` and `combination` on.
    - `ChatGoogleGenerativeAI` and `ChatVertexAI` get Google's code execution bound together with the agent's
      tools where the model takes both. Where it does not, all tools and a function that stands for code
      execution: the middleware's tool, if it has one; else the same model is called with code execution alone
      when it calls that function, and the call and its reply stand in the conversation before the answer.
    - Every other model gets the middleware's tool among the agent's.

    With `callable_from_code`, code runs on the middleware's executor whatever model is called, and can call the
    agent's tools as plain functions; what they return never passes through the model. Each such call goes through
    all middlewares that wrap tool calls. `HumanInTheLoopMiddleware` of langchain 1.5 reviews them with
    `interrupt_mode="per_call"`, or `interrupt_on` does; after the decision the program is run again, and no call
    that had a result is made again. Such programs run by themselves, without the session's state. In its
    `batched` mode it sees the model's own calls alone: then code cannot call what is under review.
    A middleware of your own that reviews calls in `after_model` sees none from code: let it use `wrap_tool_call`.
    `ToolCallLimitMiddleware` is told of them with the model's next answer, and with each answer of what the
    provider ran for it, as calls of `code_interpreter`; `call_limits` of the tool and `ExecutionLimits` hold at
    once.

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
        callable_from_code: Names of the agent's tools that programs can call, or `"all"`. Those that another
            middleware adds to model requests are not among them; the model calls them itself.
        only_from_code: Whether the model is not offered these tools beside.
        interrupt_on: As that of `HumanInTheLoopMiddleware`, for calls from code: somebody has to answer each.
        run_failed_code_here: Whether Gemini's own code execution is offered too, and code that failed there for
            want of one of these tools runs here. Code that was to run at Google's then runs here.
        run_here: Whether code runs on the middleware's executor whatever model is called, as with
            `callable_from_code`: Google's code execution is not offered, and what runs can be judged by an
            `ExecutionPolicyMiddleware`, and approved.

    Raises:
        ConfigurationError: More than one of `tool`, `llm` and `executor` is given, or one is wrong, or code is to
            run here and there is no executor.

    Examples:
        >>> agent = create_agent(
        ...     ChatGeminiCodeExecution(model="gemini-3-flash-preview"),
        ...     tools=[find_orders],
        ...     middleware=[CodeExecutionMiddleware()],
        ... )  # doctest: +SKIP
    """

    state_schema = CodeExecutionState  # type: ignore[assignment]  # an attribute of the class knows no ResponseT

    def __init__(  # noqa: PLR0913 -- one keyword for each setting
        self,
        *,
        planner: Planner | Callable[[PlanRequest], Any] | None = None,
        combination: Combination | None = None,
        tool: BaseTool | None = None,
        llm: BaseChatModel | None = None,
        executor: CodeExecutor | None = None,
        callable_from_code: Callables | None = None,
        only_from_code: bool = False,
        interrupt_on: Mapping[str, Any] | None = None,
        run_failed_code_here: bool = False,
        run_here: bool = False,
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
        if callable_from_code is None and (only_from_code or interrupt_on or run_failed_code_here):
            raise ConfigurationError(
                "only_from_code, interrupt_on and run_failed_code_here need callable_from_code"
            )
        self.calls_from_code: CallsFromCode | None = None
        if callable_from_code is not None:
            self.calls_from_code = CallsFromCode(
                self._tool, callable_from_code, interrupt_on, only_from_code=only_from_code
            )
        if run_here and (run_failed_code_here or not isinstance(self._tool, PythonTool)):
            raise ConfigurationError(
                "run_here needs executor=LocalSandbox(), or a PythonTool as tool, and no run_failed_code_here, "
                "which offers Google's code execution"
            )
        self._runs_here = run_here or (callable_from_code is not None and not run_failed_code_here)
        self._runs_failed_code = run_failed_code_here
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
                    response = handler(step)
                    trace_answers(_untraced(response), ensure_config().get("callbacks"))
                    return response

        return run_steps(self._steps(request), take)

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
                    response = await handler(step)
                    await atrace_answers(_untraced(response), ensure_config().get("callbacks"))
                    return response

        return await arun_steps(self._steps(request), take)

    def wrap_tool_call(
        self, request: ToolCallRequest, handler: Callable[[ToolCallRequest], ToolMessage | Command[Any]]
    ) -> ToolMessage | Command[Any]:
        """Let a program call the agent's tools.

        Raises:
            ConfigurationError: Calls from code would pass by another middleware.
        """
        calls = self._calls_of(request)
        if calls is None:
            return handler(request)
        with calls.given(request, handler, "_wrap_tool_call") as refusal:
            return refusal or handler(request)

    async def awrap_tool_call(
        self,
        request: ToolCallRequest,
        handler: Callable[[ToolCallRequest], Awaitable[ToolMessage | Command[Any]]],
    ) -> ToolMessage | Command[Any]:
        """Let a program call the agent's tools; see `wrap_tool_call`."""
        calls = self._calls_of(request)
        if calls is None:
            return await handler(request)
        with calls.given(request, handler, "_awrap_tool_call") as refusal:
            return refusal or await handler(request)

    def _calls_of(self, request: ToolCallRequest) -> CallsFromCode | None:
        calls = self.calls_from_code
        return calls if calls and request.tool is calls.tool else None

    def _steps(self, request: ModelRequest[Any]) -> Generator[Step, Any, ExtendedModelResponse[Any]]:
        """A model call as the steps to take, each of which is told its result; no step is taken here."""
        model = unbound_model(request.model)
        tool, calls = self._tool, self.calls_from_code
        names: tuple[str, ...] = ()
        if calls:
            request, tool, names = calls.offered(request)
        runs_here = self._runs_here
        is_own, is_googles = isinstance(model, ChatGeminiCodeExecution), is_google_model(model)
        if not (calls or runs_here) and tool and request.tool_choice == tool.name and (is_own or is_googles):
            request = request.override(tool_choice="none")  # Gemini's code execution stands for the tool
        if isinstance(model, ChatGeminiCodeExecution):  # plans by itself
            settings = {"planner": _functions_alone} if runs_here else self._settings
            request = request.override(
                tools=request.tools if calls or runs_here else tools_without(request, tool),
                model_settings={**request.model_settings, **settings},
            )
            if not runs_here:
                response = yield request
                return _recorded(self._with_failed_code(request, response), request.state, names=names)
        call: ModelCall
        if is_googles:
            way: Combination = "delegated" if runs_here else self._combination
            call = GoogleModelCall(request, tool if runs_here or not calls else None, way)
        else:
            call = OtherModelCall(request, tool)
        while True:
            plan = call.explained((yield replace(call.plan_request, callable_from_code=names)))
            plan = replace(plan, callable_from_code=names if plan.code_execution else ())
            try:
                response = yield from call.exchanges(plan)
            except Exception as error:
                if not call.goes_another_way_after(plan, error):
                    raise
            else:
                yield plan
                response = self._with_failed_code(request, response)
                return _recorded(response, request.state, plan, call.endpoint)

    def _with_failed_code(
        self, request: ModelRequest[Any], response: ModelResponse[ResponseT]
    ) -> ModelResponse[ResponseT]:
        """The response, with a call that runs code here if it failed for want of the agent's tools."""
        *others, last = response.result
        if not (self.calls_from_code and self._runs_failed_code and isinstance(last, AIMessage)):
            return response
        result = [*others, self.calls_from_code.with_failed_code(last, request)]
        return replace(response, result=result)


def _untraced(response: ModelResponse[Any]) -> list[BaseMessage]:
    """The answers whose executions the model that gave them has not told its callbacks of."""
    return [message for message in response.result if not was_traced(message)]


def _functions_alone(request: PlanRequest) -> str:  # noqa: ARG001 -- a planner
    return "functions"


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
    response: ModelResponse[ResponseT],
    state: Mapping[str, Any],
    plan: Plan | None = None,
    endpoint: EndpointKind | None = None,
    names: tuple[str, ...] = (),
) -> ExtendedModelResponse[ResponseT]:
    """The response with an update of the state; without a plan, the model itself has put it into its answer."""
    result = [_noted(message, plan, endpoint, names) for message in response.result]
    plans = [
        {"message_id": message.id, **plan_of_message}
        for message in result
        if isinstance(message, AIMessage) and (plan_of_message := message.response_metadata.get("plan"))
    ]
    return ExtendedModelResponse(
        replace(response, result=result),
        Command(update={"code_execution_plans": plans, **_counts(state, result)}),
    )


def _counts(state: Mapping[str, Any], result: Sequence[BaseMessage]) -> dict[str, Any]:
    """An update of LangChain's counters: what providers ran for this answer, what code called since the last."""
    made = Counter({"code_interpreter": len(code_executions(result))})
    for message in reversed(state.get("messages") or []):
        if isinstance(message, AIMessage):
            break
        made.update(call.name for run in code_executions(message) for call in run.calls)
    if not made.total():
        return {}
    made["__all__"] = made.total()
    return {key: dict(made + Counter(state.get(key) or {})) for key in _COUNTERS}


def _noted(
    message: BaseMessage, plan: Plan | None, endpoint: EndpointKind | None, names: tuple[str, ...]
) -> BaseMessage:
    """A message with the plan in its metadata, or, where its model planned, with what its code can call."""
    if not isinstance(message, AIMessage) or not (plan or names):
        return message
    metadata = dict(message.response_metadata)
    if plan is None:
        if names and isinstance(metadata.get("plan"), dict):
            metadata["plan"] = {**metadata["plan"], "callable_from_code": list(names)}
        return message.model_copy(update={"response_metadata": metadata})
    metadata["plan"] = plan.to_dict()
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
