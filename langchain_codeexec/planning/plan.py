"""What a planner is asked, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias, runtime_checkable

from langchain_codeexec.translation.declarations import function_names, wire_tools

if TYPE_CHECKING:
    from collections.abc import Sequence

    from langchain_core.messages import BaseMessage

    from langchain_codeexec.gemini.transport import EndpointKind
    from langchain_codeexec.gemini.wire import FunctionDeclaration, Tool

__all__ = ["Plan", "PlanRequest", "Planner", "Way"]

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
