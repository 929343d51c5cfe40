"""One call from settings and messages to responses: planned, carried out, and planned anew when it is refused."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator, Mapping, Sequence
from contextlib import aclosing, closing
from dataclasses import replace
from difflib import get_close_matches
from functools import partial
from typing import Any, Final, TypeAlias, cast

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage

from langchain_codeexec.control.limits import areport_budget, report_budget
from langchain_codeexec.control.redaction import checked_redactor, redact_message
from langchain_codeexec.data.outputs import Recorder, sink_from
from langchain_codeexec.data.replay_images import without_images
from langchain_codeexec.errors import (
    ConfigurationError,
    GeminiError,
    InvalidRequestError,
    PlanningError,
    ToolDeclarationError,
)
from langchain_codeexec.gemini.capabilities import Capabilities, Destination
from langchain_codeexec.gemini.limits import Deadline, checked_seconds
from langchain_codeexec.gemini.responses import candidates_of, joined
from langchain_codeexec.gemini.wire import (
    Content,
    GenerateContentRequest,
    GenerateContentResponse,
    Limits,
    Tool,
    ToolConfig,
    Transport,
    camel_case,
)
from langchain_codeexec.messages.from_wire import Origin, messages_from_response, readable
from langchain_codeexec.messages.generation_config import generation_config, safety_settings
from langchain_codeexec.messages.to_wire import contents_from_messages
from langchain_codeexec.messages.tools import (
    CODE_EXECUTION,
    declares_code_execution,
    tool_config,
    wire_tools,
)
from langchain_codeexec.planning.exchange import Exchange
from langchain_codeexec.planning.execution import UsageSum, exchanges
from langchain_codeexec.planning.limited import answer_of
from langchain_codeexec.planning.plan import Plan, PlanRequest, Way, aplan_call, plan_call
from langchain_codeexec.planning.planners import checked_planner
from langchain_codeexec.planning.specification import Specification
from langchain_codeexec.settings import (
    BODY_SETTINGS,
    CALL_SETTINGS,
    INTERACTIONS_SETTINGS,
    settings_by_name,
)

__all__ = ["Call", "call_overrides", "countable"]

Json = dict[str, Any]
_Responses: TypeAlias = Generator[GenerateContentResponse, None, None]
_AsyncResponses: TypeAlias = AsyncGenerator[GenerateContentResponse, None]

_FOR_OTHERS: Final = frozenset({"stream", "strict", "parallel_tool_calls"})
"""Passed around by LangChain for other providers; Gemini has nothing to set for them."""

_MAX_WAYS: Final = 4
"""Attempts at one call: a service that contradicts itself must not be asked for ever."""

_SECRETS: Final = frozenset({"api_key", "credentials"})

_KNOWN: Final = _FOR_OTHERS | {*CALL_SETTINGS, "tools", "tool_choice", "functions", "tool_config"}


class Call:
    """One call of the chat model.

    Args:
        messages: The conversation.
        defaults: The model's settings by name.
        overrides: What this call sets differently, with its `tools` and `tool_choice`.
        transport: What carries its requests.

    Attributes:
        plan: What it got in the end; set before the first response is given.
        specification: What it is about, in the wire's terms.
        timeout: Seconds each request may take; `None` leaves it to the transport.
        recorder: Saves what the answer draws; `None` where nothing is saved.
        redact: Redacts the answer's code and results; `None` leaves them as they are.

    Raises:
        ConfigurationError: An override is none that Gemini knows, or the planner is none.
        MessageError: A message cannot be sent.
        ToolDeclarationError: A tool cannot be declared, or the choice names none that is.
    """

    def __init__(
        self,
        messages: Sequence[BaseMessage],
        defaults: Mapping[str, Any],
        overrides: Mapping[str, Any],
        transport: Transport,
    ) -> None:
        settings = _with_overrides(defaults, overrides)
        self._messages = messages
        self._settings = settings
        self._transport = transport
        self._planner = checked_planner(settings["planner"])
        # A transport of the user's own need not know where it sends requests.
        destination = Destination(
            str(settings["model"]),
            transport.endpoint,
            getattr(transport, "address", ""),
            getattr(transport, "api", "generate_content"),
        )
        self.specification = _specification(messages, settings, destination)
        self.plan: Plan | None = None
        self._has_answer = False
        self._held: list[GenerateContentResponse] = []
        self.timeout: float | None = settings.get("timeout")
        self.redact = checked_redactor(settings.get("redact"))
        deadline = settings.get("deadline")
        self._deadline = Deadline(None if deadline is None else checked_seconds("deadline", deadline))
        sink = settings.get("output_sink")
        self.recorder = None if sink is None else Recorder(sink_from(sink))
        self._answer = answer_of(settings, messages)

    @property
    def model(self) -> str:
        """The name of the model."""
        return self.specification.destination.model

    @property
    def origin(self) -> Origin:
        """What the messages of the answer share."""
        plan = self.plan.to_dict() if self.plan else {}
        return Origin(self.specification.destination, str(len(self.specification.contents)), plan)

    def responses(self, *, streamed: bool) -> _Responses:
        """Carry the call out.

        Args:
            streamed: Whether answers come in chunks; else each request gives one response.

        Yields:
            Responses or chunks as the user sees them; token counts are those of all requests so far.

        Raises:
            GeminiError: A request failed; one that was refused for what it combines is made in another way.
            PlanningError: The planner gave no plan that could be carried out.
            ExecutionLimitError: The call came to one of its limits, which are to raise it.
        """
        usage, answer = UsageSum(), self._answer
        steps = self._steps()
        step = next(steps, None)
        while step is not None and answer.goes_on():
            if isinstance(step, PlanRequest):
                self._deadline.waiting_for = "the planner"
                plan = self._deadline.run(partial(plan_call, step, self._planner))
                step = _next(steps, plan)
                continue
            try:
                with closing(self._send(step.request, streamed=streamed)) as chunks:
                    for chunk in chunks:
                        yield answer.take(self._shown(step, usage.count(chunk)))
                        if answer.reached and step.is_whole_so_far:
                            break
                yield from step.rest()
            except GeminiError as failure:
                step = self._after_failure(steps, step, failure)
            else:
                step = _next(steps, None)
            usage.finish_request()
        yield from self._held
        report_budget(answer.alarms())
        yield from answer.end(self.origin)

    async def aresponses(self, *, streamed: bool) -> _AsyncResponses:
        """Carry the call out without blocking the event loop; see `responses`."""
        usage, answer = UsageSum(), self._answer
        steps = self._steps()
        step = next(steps, None)
        while step is not None and answer.goes_on():
            if isinstance(step, PlanRequest):
                self._deadline.waiting_for = "the planner"
                step = _next(steps, await self._deadline.limit(aplan_call(step, self._planner)))
                continue
            try:
                async with aclosing(self._asend(step.request, streamed=streamed)) as chunks:
                    async for chunk in chunks:
                        yield answer.take(self._shown(step, usage.count(chunk)))
                        if answer.reached and step.is_whole_so_far:
                            break
                for chunk in step.rest():
                    yield chunk
            except GeminiError as failure:
                step = self._after_failure(steps, step, failure)
            else:
                step = _next(steps, None)
            usage.finish_request()
        for chunk in self._held:
            yield chunk
        await areport_budget(answer.alarms())
        for chunk in answer.end(self.origin):
            yield chunk

    def read(self, response: GenerateContentResponse) -> list[AIMessage]:
        """The messages of the whole answer, one for each candidate, redacted."""
        answers = messages_from_response(response, self.origin)
        return [redact_message(answer, self.redact) for answer in answers]

    def messages(self, response: GenerateContentResponse) -> list[AIMessage]:
        """The messages of the whole answer; what they draw is saved."""
        answers = self.read(response)
        if self.recorder:
            for answer in answers:
                self.recorder.record(answer)
        return answers

    def only_request(self) -> tuple[Plan, GenerateContentRequest]:
        """The plan of the call and the one request that it takes, for a job that makes no second one.

        Raises:
            PlanningError: The plan takes several requests, or the planner gave none that could be carried out.
        """
        plan = plan_call(self._plan_request(), self._planner)
        with closing(exchanges(self.specification, plan)) as steps:
            exchange = next(steps)
        if not exchange.is_only:
            raise PlanningError(
                f"what this call combines goes to {self.specification.destination.model} in several requests, and "
                "a job makes one for each row. Call the model without a job, choose one that takes code execution "
                "together with functions and schemas (Gemini 3 and newer), or set combination='one_sided'."
            )
        return plan, exchange.request

    def answer(self, plan: Plan, response: GenerateContentResponse) -> list[AIMessage]:
        """The messages of the response to the one request of a plan, which a job has made.

        Nothing is asked again: an answer that the service would go on with is given as far as it is.
        """
        self.plan = plan
        repair = self._settings["repair_calls"]
        with closing(exchanges(self.specification, plan, repair=repair, retries=0)) as steps:
            exchange = next(steps)
            with readable():
                shown = [exchange.shown(_without_tokens(response)), *exchange.rest()]
        return self.messages(joined(shown))

    def tokens(self) -> int:
        """How many tokens the service counts in the call's contents, tools and system text."""
        specification = self.specification
        contents = specification.contents
        if len(contents) == 1:  # alone, only a turn of the user's is counted
            contents = [cast("Content", {**contents[0], "role": "user"})]
        request = specification.request(
            code=specification.wants_code, functions=specification.functions, contents=contents
        )
        model = specification.destination.model
        counted = self._transport.count_tokens(model, request, timeout=self.timeout)
        return int(counted.get("totalTokens", 0))

    def _send(self, request: GenerateContentRequest, *, streamed: bool) -> _Responses:
        model = self.model
        if streamed:
            yield from self._transport.stream(model, request, **self._limits())
        else:
            yield self._transport.generate(model, request, **self._limits())

    async def _asend(self, request: GenerateContentRequest, *, streamed: bool) -> _AsyncResponses:
        model = self.model
        if streamed:
            async with aclosing(self._transport.astream(model, request, **self._limits())) as chunks:
                async for chunk in chunks:
                    yield chunk
        else:
            yield await self._transport.agenerate(model, request, **self._limits())

    def _shown(self, step: Exchange, chunk: GenerateContentResponse) -> GenerateContentResponse:
        self._has_answer = True
        with readable():
            return step.shown(chunk)

    def _limits(self) -> Limits:
        """The limits of the next request: what the deadline leaves of the call, if it has one."""
        self._deadline.check()
        self._deadline.waiting_for = "the answers before the next request"
        left = self._deadline.least()
        return {"timeout": self.timeout} if left is None else {"timeout": self.timeout, "deadline": left}

    def _steps(self) -> Generator[PlanRequest | Exchange, Any, None]:
        """The call as questions to the planner and requests to the service.

        A question is answered by the plan; the failure of a request is thrown in.
        """
        destination = self.specification.destination
        for attempt in range(1, _MAX_WAYS + 1):
            before = destination.accepts
            self.plan = plan = yield self._plan_request()
            try:
                repair, retries = self._settings["repair_calls"], self._settings["answer_retries"]
                self._held = yield from exchanges(self.specification, plan, repair=repair, retries=retries)
            except InvalidRequestError:
                if self._has_answer or attempt == _MAX_WAYS or not self._knows_more_than(before):
                    raise
            else:
                return

    def _plan_request(self) -> PlanRequest:
        call = self.specification
        accepts = call.destination.accepts
        obstacle = self._obstacle(accepts)
        way: Way = "native" if accepts.code_with_functions else "delegated"
        return PlanRequest(
            messages=self._messages,
            functions=call.functions,
            destination=call.destination,
            code_execution=not obstacle,
            way=way if self._settings["combination"] == "auto" else self._settings["combination"],
            tool_choice=call.tool_choice,
            obstacle=obstacle,
        )

    def _obstacle(self, accepts: Capabilities) -> str:
        """Why the call goes without code execution; empty if it does not."""
        call = self.specification
        if self._settings.get("cached_content"):
            return "the cache holds the tools and the system text, so none are sent beside it"
        if not call.wants_code:
            return "code execution is off"
        if not accepts.code_execution:
            return "code execution is not enabled for this model"
        if call.built_in_tools and not accepts.code_with_built_ins:
            names = ", ".join(sorted(kind for tool in call.built_in_tools for kind in tool))
            return f"this model takes no code execution beside {names}"
        return ""

    def _after_failure(
        self,
        steps: Generator[PlanRequest | Exchange, Any, None],
        step: Exchange,
        failure: GeminiError,
    ) -> PlanRequest | Exchange | None:
        if isinstance(failure, InvalidRequestError) and not step.has_begun:
            self.specification.destination.learn(failure.message, step.request)
        try:
            return steps.throw(failure)
        except StopIteration:
            return None

    def _knows_more_than(self, before: Capabilities) -> bool:
        """Whether more is known now than when the call was planned, by this refusal or another call's."""
        now = self.specification.destination.accepts
        if self._settings["combination"] != "auto":  # the way stays, whatever is learned of combining
            before = replace(before, code_with_functions=now.code_with_functions)
        return now != before


def call_overrides(kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a call. LangChain shows them to caches and traces, so no secret may be among them."""
    overrides = settings_by_name(kwargs)
    if secrets := sorted(name for name in _SECRETS if overrides.get(name) is not None):
        raise ConfigurationError(
            f"{' and '.join(secrets)}: not for a single call, whose settings reach traces and caches; make a "
            f"chat model of its own, such as ChatGeminiCodeExecution(model=..., {secrets[0]}=...)"
        )
    return overrides


def countable(messages: Sequence[BaseMessage]) -> list[BaseMessage]:
    """A window of a conversation, which may hold nothing but system text, as one that can be sent."""
    window = [
        message
        for message in messages
        if message.content or isinstance(message, ToolMessage) or getattr(message, "tool_calls", None)
    ]
    if all(isinstance(message, SystemMessage) for message in window):
        return [HumanMessage(message.content) for message in window]
    return window


def _without_tokens(response: GenerateContentResponse) -> GenerateContentResponse:
    """A response as it is read where nobody goes on with it: its finish reason stays, which says so."""
    candidates = [
        {key: value for key, value in candidate.items() if key != "continuationToken"}
        for candidate in candidates_of(response)
    ]
    return cast("GenerateContentResponse", {**response, "candidates": candidates})


def _next(steps: Generator[PlanRequest | Exchange, Any, None], outcome: Any) -> PlanRequest | Exchange | None:
    try:
        return steps.send(outcome)
    except StopIteration:
        return None


def _specification(
    messages: Sequence[BaseMessage], settings: Mapping[str, Any], destination: Destination
) -> Specification:
    images = settings["replay_images"]
    replayed = messages if images == "all" else without_images(messages, images)
    contents, system = contents_from_messages(replayed, destination)
    tools = wire_tools([*(settings.get("tools") or ()), *(settings.get("functions") or ())])
    choice = _tool_config(settings, tools)
    if settings.get("cached_content"):
        # The service refuses what a cache holds, which is tools and system text, in the request beside it.
        if choice.get("functionCallingConfig", {}).get("mode") == "ANY":
            raise ConfigurationError(
                "a tool choice cannot be sent beside cached_content, whose tools and tool config were fixed when "
                "it was made: put the choice and the functions into the cache, or make this call without it"
            )
        tools, choice, system = [], cast("ToolConfig", {}), None
    elif settings["code_execution"] and not declares_code_execution(tools):
        tools.append(CODE_EXECUTION)
    if destination.api == "generate_content":
        _refuse_interactions_settings(settings)
    rest: Json = {camel_case(name): settings[name] for name in BODY_SETTINGS if settings.get(name)}
    if settings.get("safety_settings"):
        rest["safetySettings"] = safety_settings(settings["safety_settings"])
    return Specification(
        destination=destination,
        contents=contents,
        tools=tools,
        system=system,
        tool_choice=choice,
        config=generation_config(settings),
        rest=rest,
    )


def _refuse_interactions_settings(settings: Mapping[str, Any]) -> None:
    if unknown := [name for name in INTERACTIONS_SETTINGS if settings.get(name)]:
        raise ConfigurationError(
            f"{', '.join(unknown)}: only the Interactions API knows this, set api='interactions'"
        )


def _tool_config(settings: Mapping[str, Any], tools: Sequence[Tool]) -> ToolConfig:
    """The choice among functions, and what else a Gemini tool config sets."""
    choice = tool_config(settings.get("tool_choice"), tools)
    config = tool_config(settings.get("tool_config") or None, tools)
    if "functionCallingConfig" in choice and "functionCallingConfig" in config:
        raise ToolDeclarationError(
            "tool_choice and tool_config both choose among functions: give one of them"
        )
    return cast("ToolConfig", {**config, **choice})


def _with_overrides(defaults: Mapping[str, Any], overrides: Mapping[str, Any]) -> Json:
    """A model's settings with what a call sets; of `generation_config` a call replaces key by key."""
    named = {name: value for name, value in settings_by_name(overrides).items() if value is not None}
    if unknown := named.keys() - _KNOWN:
        close = get_close_matches(min(unknown), _KNOWN, 1)
        raise ConfigurationError(
            f"unknown setting {', '.join(sorted(map(repr, unknown)))}"
            f"{f' (do you mean {close[0]}?)' if close else ''}; what belongs into the request's "
            "generationConfig goes through generation_config={...}"
        )
    config = [settings.get("generation_config") or {} for settings in (defaults, named)]
    if not all(isinstance(each, Mapping) and all(isinstance(key, str) for key in each) for each in config):
        raise ConfigurationError("generation_config is a mapping of the wire's names to values")
    merged = {camel_case(key): value for each in config for key, value in each.items()}
    return {**defaults, **named, "generation_config": merged}
