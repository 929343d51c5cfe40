"""What the middleware asks of a model call, whatever kind of model is called."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from langchain_core.runnables import RunnableBinding
from langchain_core.tools import BaseTool

from langchain_codeexec.translation.declarations import declares_code_execution, function_names, wire_tools

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from langchain.agents.middleware.types import ModelRequest

    from langchain_codeexec.gemini.transport import EndpointKind
    from langchain_codeexec.planning.choosing import Combination
    from langchain_codeexec.planning.plan import Plan, Planner, PlanRequest, Way

__all__ = ["ModelCall", "Options", "called_model", "is_code_execution", "names_of", "without_tool"]

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
