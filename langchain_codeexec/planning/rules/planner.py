"""The planner that goes by rules: the first that has something to say decides."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from langchain_codeexec.planning.plan import Plan
from langchain_codeexec.planning.rules.conversation import Situation, situation
from langchain_codeexec.planning.rules.coverage import Fit, fits
from langchain_codeexec.planning.rules.features import features
from langchain_codeexec.planning.rules.profiles import profile
from langchain_codeexec.planning.rules.reading import Reading, read
from langchain_codeexec.planning.rules.weights import weigh
from langchain_codeexec.planning.rules.wishes import Wish, wish

if TYPE_CHECKING:

    from langchain_codeexec.planning.plan import PlanRequest

__all__ = ["RulePlanner"]


class Case:
    """One request, read as far as the rules need it."""

    def __init__(self, request: PlanRequest) -> None:
        self.request = request

    @cached_property
    def situation(self) -> Situation:
        return situation(self.request.messages)

    @cached_property
    def reading(self) -> Reading:
        return read(self.situation.question)

    @cached_property
    def wish(self) -> Wish:
        return wish(self.situation.question, self.request.function_names)

    @cached_property
    def fits(self) -> list[Fit]:
        return fits(self.reading, [profile(function) for function in self.request.functions])


class RulePlanner:
    """Decides without asking a model."""

    def plan(self, request: PlanRequest) -> Plan:
        """Plan one call."""
        case = Case(request)
        if not request.functions:
            return Plan(request.code_execution, (), request.way, "no functions are declared")
        if not request.code_execution:
            return Plan(False, request.function_names, request.way, "code execution is switched off")
        functions, code = weigh(features(case.reading, case.fits))
        if functions > max(code, 0):
            return Plan(False, (case.fits[0].name,), request.way, f"`{case.fits[0].name}` covers the question")
        if code > 0:
            return Plan(True, (), request.way, "the question can be computed from what it gives")
        return Plan(False, (), request.way, "no function covers the question and there is nothing to compute")

    async def aplan(self, request: PlanRequest) -> Plan:
        """Plan one call."""
        return self.plan(request)
