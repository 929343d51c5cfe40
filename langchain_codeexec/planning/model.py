"""Having a model choose, by structured output."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from langchain_codeexec.errors import PlanningError
from langchain_codeexec.planning.custom import checked_plan
from langchain_codeexec.planning.plan import Plan
from langchain_codeexec.planning.prompt import planning_prompt
from langchain_codeexec.planning.rules import RulePlanner

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.runnables import Runnable

    from langchain_codeexec.planning.plan import Planner, PlanRequest

__all__ = ["ModelPlanner", "PlanChoice"]


class PlanChoice(BaseModel):
    """What the assistant gets for its next step."""

    model_config = ConfigDict(extra="ignore", strict=True)

    code_execution: bool = Field(description="Whether it needs to run Python.")
    functions: list[str] = Field(
        default_factory=list, description="Names of the functions it needs; empty for none."
    )
    reason: str = Field(default="", description="Why, in one short sentence.")


class ModelPlanner:
    """Has a chat model choose; where it cannot, another planner does.

    Whatever goes wrong (the model cannot be reached or has no structured output, its answer has another
    shape, names functions that are not declared or wants both sides where only one can go), the plan is the
    fallback's, and its reason says so.

    Args:
        llm: Any LangChain chat model with structured output; a small, fast one will do. One of this package
            should have its own code execution off, which would take a second request.
        fallback: Plans where the model cannot.
    """

    def __init__(self, llm: BaseChatModel, fallback: Planner | None = None) -> None:
        self._llm = llm
        self._fallback: Planner = RulePlanner() if fallback is None else fallback

    def __repr__(self) -> str:
        return f"ModelPlanner({type(self._llm).__name__}, fallback={self._fallback!r})"

    def plan(self, request: PlanRequest) -> Plan:
        """Plan one call, by a request to the model.

        Raises:
            ToolDeclarationError: A tool cannot be declared.
        """
        if (plan := _without_choice(request)) is not None:
            return plan
        try:
            answer = self._chooser().invoke(planning_prompt(request))
            return _plan_of(answer, request)
        except Exception as error:  # noqa: BLE001 -- whatever a model raises, the call must still be planned
            return _explained(self._fallback.plan(request), error)

    async def aplan(self, request: PlanRequest) -> Plan:
        """Plan one call, by a request to the model, without blocking the event loop.

        Raises:
            ToolDeclarationError: A tool cannot be declared.
        """
        if (plan := _without_choice(request)) is not None:
            return plan
        try:
            answer = await self._chooser().ainvoke(planning_prompt(request))
            return _plan_of(answer, request)
        except Exception as error:  # noqa: BLE001 -- as above
            return _explained(await self._fallback.aplan(request), error)

    def _chooser(self) -> Runnable[Any, Any]:
        return self._llm.with_structured_output(PlanChoice)


def _without_choice(request: PlanRequest) -> Plan | None:
    """The plan of a request that leaves nothing to choose."""
    names = request.function_names
    if names and request.code_execution:
        return None
    reason = "code execution is switched off" if names else "no functions are declared"
    return Plan(request.code_execution, names, request.way, reason)


def _plan_of(answer: Any, request: PlanRequest) -> Plan:
    """The plan that a structured answer stands for.

    Raises:
        PlanningError: It stands for none.
    """
    if answer is None:
        raise PlanningError("it gave no structured answer")
    try:
        choice = answer if isinstance(answer, PlanChoice) else PlanChoice.model_validate(answer)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "answer"
        raise PlanningError(f"its answer is malformed: {place}: {first['msg']}") from error
    if choice.code_execution and choice.functions and request.way == "one_sided":
        raise PlanningError("it chose both sides, and only one can go")
    functions = tuple(dict.fromkeys(choice.functions))
    said = " ".join(choice.reason.split())[:_LONGEST_REASON]
    reason = f"the model chose: {said}" if said else "the model chose so"
    return checked_plan(Plan(choice.code_execution, functions, request.way, reason), request)


def _explained(plan: Plan, error: Exception) -> Plan:
    why = " ".join(str(error).split())[:_LONGEST_REASON] or type(error).__name__
    reason = f"{plan.reason} (by {_FALLBACK}, as the planning model failed: {why})"
    return Plan(plan.code_execution, plan.functions, plan.way, reason)


_LONGEST_REASON: Final = 300
_FALLBACK: Final = "the fallback planner"
