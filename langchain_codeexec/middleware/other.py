"""Calls of models without a code execution that could be bound here: a tool stands in for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from langchain_core.tools import BaseTool

from langchain_codeexec.errors import ConfigurationError
from langchain_codeexec.middleware.calls import called_model, without_tool
from langchain_codeexec.planning.choosing import as_carried_out
from langchain_codeexec.planning.native import NativePlanner
from langchain_codeexec.planning.plan import PlanRequest

if TYPE_CHECKING:
    from langchain.agents.middleware.types import ModelRequest

    from langchain_codeexec.middleware.calls import Options
    from langchain_codeexec.planning.plan import Plan, Planner

__all__ = ["OtherModelCall"]


@dataclass(frozen=True)
class OtherModelCall:
    """A call of any other provider's model.

    Attributes:
        request: The call.
        options: How the middleware was set up.

    Raises:
        ConfigurationError: The middleware has no tool to stand in for code execution.
    """

    request: ModelRequest[Any]
    options: Options

    def __post_init__(self) -> None:
        if self.options.tool is None:
            raise ConfigurationError(
                f"{type(called_model(self.request)).__name__} has no code execution that the middleware could "
                "bind; give CodeExecutionMiddleware an llm=, an executor= or a tool= to run code with"
            )

    @property
    def endpoint(self) -> None:
        """None of Google's services."""

    @property
    def settled(self) -> Plan | None:
        """Nothing is settled: even a lone tool can be withheld."""
        return None

    @property
    def question(self) -> PlanRequest:
        """What the planner is asked; built-in tools of the provider are none of its business."""
        return PlanRequest(
            messages=self.request.messages,
            tools=[tool for tool in self._others if isinstance(tool, BaseTool)],
            model=_name(called_model(self.request)),
            way="delegated",
        )

    @property
    def planner(self) -> Planner:
        """The user's planner; else the model chooses, as it does between any of its tools."""
        return self.options.planner or NativePlanner()

    def carried_out(self, plan: Plan) -> Plan:
        """The planner's answer, checked.

        Raises:
            PlanningError: It is no plan, or names functions that are not declared.
        """
        return as_carried_out(plan, self.question)

    def fitted(self, plan: Plan) -> ModelRequest[Any]:
        """The request with the plan's functions, and the tool if it has code execution."""
        tools = [
            tool for tool in self._others if not isinstance(tool, BaseTool) or tool.name in plan.functions
        ]
        if plan.code_execution and self.options.tool:
            tools.append(self.options.tool)
        return self.request.override(tools=tools)

    def goes_another_way_after(self, plan: Plan, error: Exception) -> bool:  # noqa: ARG002 -- the protocol's
        """Functions are all there is: no combination could have been refused."""
        return False

    @property
    def _others(self) -> list[BaseTool | dict[str, Any]]:
        return without_tool(self.request.tools, self.options.tool)


def _name(model: Any) -> str:
    return str(getattr(model, "model_name", None) or getattr(model, "model", None) or "")
