"""What a planner is asked, and what it answers.

The plan as a LangChain custom event.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol, TypeAlias, runtime_checkable

from langchain_core.callbacks.manager import (
    adispatch_custom_event,
    ahandle_event,
    dispatch_custom_event,
    handle_event,
)

from langchain_codeexec.messages.tools import function_names, wire_tools

if TYPE_CHECKING:
    from collections.abc import Sequence

    from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
    from langchain_core.messages import BaseMessage

    from langchain_codeexec.gemini.wire import EndpointKind, FunctionDeclaration, Tool

__all__ = ["PLAN_EVENT", "Plan", "PlanRequest", "Planner", "Way", "areport_plan", "report_plan"]

Way: TypeAlias = Literal["native", "delegated", "one_sided"]
"""How a plan is carried out.

- `native`: code execution and functions in one request;
- `delegated`: functions in the request, one of them standing for code execution, which the chat model carries
  out by a request of its own;
- `one_sided`: only what the plan chose; what the history holds of the other side goes along as text.
"""


@dataclass(frozen=True)
class PlanRequest:
    """One model call to be planned.

    Attributes:
        messages: The conversation so far, ending on what is to be answered.
        tools: What is declared, in any form that `bind_tools` takes.
        model: The model's name.
        endpoint: Which service it is reached at.
        code_execution: Whether code execution is to be had at all.
        way: How both sides would be carried out if the plan is for both.
    """

    messages: Sequence[BaseMessage]
    tools: Sequence[Any] = ()
    model: str = ""
    endpoint: EndpointKind = "developer"
    code_execution: bool = True
    way: Way = "one_sided"

    @cached_property
    def declared(self) -> list[Tool]:
        """The tools as the wire has them.

        Raises:
            ToolDeclarationError: A tool cannot be declared.
        """
        return wire_tools(self.tools)

    @cached_property
    def functions(self) -> list[FunctionDeclaration]:
        """The declared functions."""
        return [function for tool in self.declared for function in tool.get("functionDeclarations", ())]

    @cached_property
    def function_names(self) -> tuple[str, ...]:
        """Names of the declared functions, in order."""
        return tuple(function_names(self.declared))


@dataclass(frozen=True, slots=True)
class Plan:
    """What one model call gets.

    Attributes:
        code_execution: Whether the model may run code.
        functions: Names of the functions it may call.
        way: How that is carried out.
        reason: Why, in one sentence for people.
    """

    code_execution: bool
    functions: tuple[str, ...] = ()
    way: Way = "one_sided"
    reason: str = ""

    def to_dict(self) -> dict[str, Any]:
        """The plan as JSON, as `response_metadata["plan"]` keeps it."""
        return {
            "code_execution": self.code_execution,
            "functions": list(self.functions),
            "way": self.way,
            "reason": self.reason,
        }


@runtime_checkable
class Planner(Protocol):
    """Decides what a model call gets."""

    def plan(self, request: PlanRequest) -> Plan:
        """Plan one call."""
        ...

    async def aplan(self, request: PlanRequest) -> Plan:
        """Plan one call without blocking the event loop."""
        ...


PLAN_EVENT: Final = "gemini_code_execution_plan"
"""Name of the event; its data is `Plan.to_dict()`."""


def report_plan(plan: Plan | None, run_manager: CallbackManagerForLLMRun | None) -> None:
    """Tell the handlers of a run what it got.

    langchain-core hands no run to a model that streams: the run that called the model is told then, if any.
    """
    if plan is None:
        return
    if run_manager is None:
        with suppress(RuntimeError):  # nobody called who could be told
            dispatch_custom_event(PLAN_EVENT, plan.to_dict())
    elif run_manager.handlers:
        handle_event(
            run_manager.handlers,
            "on_custom_event",
            "ignore_custom_event",
            PLAN_EVENT,
            plan.to_dict(),
            run_id=run_manager.run_id,
            tags=run_manager.tags,
            metadata=run_manager.metadata,
        )


async def areport_plan(plan: Plan | None, run_manager: AsyncCallbackManagerForLLMRun | None) -> None:
    """Tell the handlers of a run what it got; see `report_plan`."""
    if plan is None:
        return
    if run_manager is None:
        with suppress(RuntimeError):
            await adispatch_custom_event(PLAN_EVENT, plan.to_dict())
    elif run_manager.handlers:
        await ahandle_event(
            run_manager.handlers,
            "on_custom_event",
            "ignore_custom_event",
            PLAN_EVENT,
            plan.to_dict(),
            run_id=run_manager.run_id,
            tags=run_manager.tags,
            metadata=run_manager.metadata,
        )
