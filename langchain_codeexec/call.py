"""One call from settings and messages to chunks: planned, carried out, and planned anew when it is refused."""

from __future__ import annotations

from contextlib import aclosing, closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from langchain_codeexec.data.outputs import Recorder, sink_from
from langchain_codeexec.data.replay_images import without_images
from langchain_codeexec.errors import ConfigurationError, InvalidRequestError, PlanningError
from langchain_codeexec.gemini.capabilities import learn_from
from langchain_codeexec.messages.from_wire import Origin
from langchain_codeexec.messages.generation_config import generation_config, safety_settings
from langchain_codeexec.messages.to_wire import Destination, contents_from_messages
from langchain_codeexec.messages.tools import CODE_EXECUTION, declares_code_execution, wire_tools
from langchain_codeexec.planning.execution import arun, run, steps
from langchain_codeexec.planning.planners import (
    as_carried_out,
    planned_without_asking,
    planner_for,
    request_for,
)
from langchain_codeexec.planning.specification import Draft
from langchain_codeexec.settings import CALL_SPELLINGS

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, Sequence

    from langchain_core.messages import BaseMessage

    from langchain_codeexec.gemini.wire import EndpointKind, GenerateContentRequest
    from langchain_codeexec.planning.execution import Ask, AsyncChunks, Chunks
    from langchain_codeexec.planning.plan import Plan, PlanRequest

__all__ = ["Call"]

_FOR_OTHERS: Final = frozenset({"stream", "strict", "parallel_tool_calls"})
"""Passed around by LangChain for other providers; Gemini has nothing to set for them."""

_MAX_WAYS: Final = 4
"""Attempts at one call: a service that contradicts itself must not be asked for ever."""

_KNOWN: Final = _FOR_OTHERS | {*CALL_SPELLINGS, "tools", "tool_choice"}


class Call:
    """One call of the chat model.

    Args:
        messages: The conversation.
        defaults: The model's settings by name.
        overrides: What this call sets differently, with its `tools` and `tool_choice`.
        endpoint: The service it goes to.

    Attributes:
        plan: What it got in the end; set before the first chunk is given.
        draft: Its ingredients.
        timeout: Seconds each request may take; `None` leaves it to the transport.
        recorder: Saves what the answer draws.

    Raises:
        ConfigurationError: An override is none that Gemini knows.
        MessageError: A message cannot be sent.
        ToolDeclarationError: A tool cannot be declared.
    """

    def __init__(
        self,
        messages: Sequence[BaseMessage],
        defaults: Mapping[str, Any],
        overrides: Mapping[str, Any],
        endpoint: EndpointKind,
    ) -> None:
        settings = {**defaults, **_named(overrides)}
        self._messages = messages
        self._settings = settings
        self.draft = _draft(messages, settings, endpoint)
        self._known = self.draft.accepts
        self.plan: Plan | None = None
        self.timeout: float | None = settings.get("timeout")
        self.recorder = Recorder(sink_from(settings.get("output_sink")))

    @property
    def origin(self) -> Origin:
        """What the messages of the answer share."""
        plan = self.plan.to_dict() if self.plan else {}
        return Origin(self.draft.endpoint, self.draft.model, str(len(self.draft.contents)), plan)

    def chunks(self, ask: Callable[[GenerateContentRequest], Chunks]) -> Chunks:
        """Carry the call out.

        Args:
            ask: Makes a request; gives the chunks of its answer.

        Raises:
            GeminiError: A request failed; one that was refused for what it combines is made in another way.
            PlanningError: The planner gave no plan that could be carried out.
        """
        for attempt in range(_MAX_WAYS):
            self._known = self.draft.accepts
            plan = planned_without_asking(self.draft)
            if plan is None:
                asked = self._question()
                plan = as_carried_out(planner_for(self._settings["planner"]).plan(asked), asked)
            self.plan = plan
            is_shown = False
            try:
                with closing(run(self._steps(), ask)) as chunks:
                    for chunk in chunks:
                        is_shown = True
                        yield chunk
            except InvalidRequestError as error:
                if is_shown or attempt == _MAX_WAYS - 1 or not self._goes_another_way_after(error):
                    raise
            else:
                return

    async def achunks(self, ask: Callable[[GenerateContentRequest], AsyncChunks]) -> AsyncChunks:
        """Carry the call out without blocking the event loop; see `chunks`."""
        for attempt in range(_MAX_WAYS):
            self._known = self.draft.accepts
            plan = planned_without_asking(self.draft)
            if plan is None:
                asked = self._question()
                plan = as_carried_out(await planner_for(self._settings["planner"]).aplan(asked), asked)
            self.plan = plan
            is_shown = False
            try:
                async with aclosing(arun(self._steps(), ask)) as chunks:
                    async for chunk in chunks:
                        is_shown = True
                        yield chunk
            except InvalidRequestError as error:
                if is_shown or attempt == _MAX_WAYS - 1 or not self._goes_another_way_after(error):
                    raise
            else:
                return

    def _question(self) -> PlanRequest:
        return request_for(self.draft, self._messages, self._settings["combination"])

    def _steps(self) -> Generator[Ask, list[dict[str, Any]], None]:
        if self.plan is None:
            raise PlanningError("a call is carried out before it is planned")
        return steps(self.draft, self.plan, repair=self._settings["repair_calls"])

    def _goes_another_way_after(self, refusal: InvalidRequestError) -> bool:
        """Whether more is known now than when the call was planned, by this refusal or another call's."""
        learn_from(refusal.message, self.draft.model, self.draft.endpoint)
        before, now = self._known, self.draft.accepts
        if self._settings["combination"] != "auto":  # the way stays, whatever is learned of combining
            before = replace(before, code_with_functions=now.code_with_functions)
        return now != before


def _draft(messages: Sequence[BaseMessage], settings: Mapping[str, Any], endpoint: EndpointKind) -> Draft:
    model = str(settings["model"])
    replayed = without_images(messages, settings["replay_images"])
    contents, system = contents_from_messages(replayed, Destination(model, endpoint))
    tools = wire_tools(settings.get("tools") or ())
    # A cache holds its own tools, and the service refuses a request that declares others beside it.
    if (
        settings["code_execution"]
        and not settings.get("cached_content")
        and not declares_code_execution(tools)
    ):
        tools.append(CODE_EXECUTION)
    rest: dict[str, Any] = {}
    if settings.get("safety_settings"):
        rest["safetySettings"] = safety_settings(settings["safety_settings"])
    if settings.get("cached_content"):
        rest["cachedContent"] = settings["cached_content"]
    if settings.get("labels"):
        rest["labels"] = settings["labels"]
    return Draft(
        model=model,
        endpoint=endpoint,
        contents=contents,
        tools=tools,
        system=system,
        tool_choice=settings.get("tool_choice"),
        config=generation_config(settings),
        rest=rest,
    )


def _named(overrides: Mapping[str, Any]) -> dict[str, Any]:
    """What a call sets, by the settings' own names."""
    if unknown := overrides.keys() - _KNOWN:
        raise ConfigurationError(
            f"unknown setting {', '.join(sorted(map(repr, unknown)))}; what belongs into the request's "
            "generationConfig goes through generation_config={...}"
        )
    return {CALL_SPELLINGS.get(name, name): value for name, value in overrides.items() if value is not None}
