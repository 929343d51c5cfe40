"""The planner that goes by rules: the first that has something to say decides."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from langchain_core.messages import HumanMessage

from langchain_codeexec.planning.plan import Plan
from langchain_codeexec.planning.rules import reasons
from langchain_codeexec.planning.rules.case import Case
from langchain_codeexec.planning.rules.history import hopeless, leaning_on_answers, left_to_compute
from langchain_codeexec.planning.rules.steps import steps

if TYPE_CHECKING:
    from collections.abc import Callable

    from langchain_codeexec.planning.plan import PlanRequest

__all__ = ["RulePlanner"]

_TORN: Final = 1.0
"""Log-odds within which the two sides count as equally likely."""

_CLEAR: Final = 2.0
"""Log-odds of functions from which on they may be the first of two steps."""

_TABLE_BONUS: Final = 4.0
"""What an attached table speaks for code execution."""


class RulePlanner:
    """Decides by rules, without asking a model: same request, same plan, well within a millisecond.

    In this order: what leaves nothing to choose; runs that failed for want of something the sandbox does not
    have; what the user asks for in so many words; calls that wait for their answer; answers that must now be
    computed with; attached data; and last the weighing of the question itself: how far the functions cover
    it and have their arguments given, against how far it can be computed from what it gives.

    A plan for functions names all that plausibly fit, the best one at least. A plan for both sides is made
    only if the request could carry it out (its `way` is not `one_sided`) and both are about equally likely
    or asked for one after the other. Words are understood in English; names, numbers and formulas in any language.
    """

    def __repr__(self) -> str:
        return "RulePlanner()"

    def plan(self, request: PlanRequest) -> Plan:
        """Plan one call.

        Raises:
            ToolDeclarationError: A tool cannot be declared.
        """
        case = Case(request)
        return next(plan for rule in _RULES if (plan := rule(case)) is not None)

    async def aplan(self, request: PlanRequest) -> Plan:
        """Plan one call; nothing in it waits.

        Raises:
            ToolDeclarationError: A tool cannot be declared.
        """
        return self.plan(request)


def _code(case: Case, reason: str) -> Plan:
    return Plan(code_execution=True, functions=(), way=case.request.way, reason=reason)


def _functions(case: Case, names: tuple[str, ...], reason: str) -> Plan:
    return Plan(code_execution=False, functions=names, way=case.request.way, reason=reason)


def _both(case: Case, names: tuple[str, ...], reason: str) -> Plan:
    return Plan(code_execution=True, functions=names, way=case.request.way, reason=reason)


def _no_choice(case: Case) -> Plan | None:
    names = case.request.function_names
    if not names:
        reason = "no functions are declared"
        return (
            _code(case, reason)
            if case.request.code_execution
            else _functions(case, (), "no tools are declared")
        )
    return None if case.request.code_execution else _functions(case, names, "code execution is switched off")


def _named_functions(case: Case) -> Plan | None:
    wish, names = case.wish, case.declared(set(case.wish.functions))
    if not names or (set(names) <= {answer.name for answer in case.situation.answers}):
        return None
    asked_for = f"the user asks for {reasons.listed(names)}"
    if wish.code and case.request.way != "one_sided":
        return _both(case, names, f"{asked_for} and to run code")
    return _functions(case, names, asked_for)


def _wanted_code(case: Case) -> Plan | None:
    return _code(case, "the user asks to run code") if case.wish.code else None


def _refused_code(case: Case) -> Plan | None:
    if case.wish.code is not False:
        return None
    if case.wish.tools and case.best.utility > 0:
        return _functions(
            case, case.plausible, f"the user wants no code run, and {reasons.covering(case.best.fit)}"
        )
    return _functions(case, (), "the user wants no code run, and no function is called for")


def _refused_functions(case: Case) -> Plan | None:
    if case.wish.tools:
        return None
    if case.code > 0:
        return _code(case, f"the user wants no functions called, and {reasons.computable(case.reading)}")
    return _functions(case, (), "the user wants no functions called, and there is nothing to compute")


def _waiting(case: Case) -> Plan | None:
    names = case.declared(set(case.situation.pending.values()))
    return (
        _functions(case, names, f"{reasons.listed(names)} was called and is not answered yet")
        if names
        else None
    )


def _answered(case: Case) -> Plan | None:
    answers = case.situation.answers
    if not answers:
        return None
    called = case.declared({answer.name for answer in answers})
    if all(answer.failed for answer in answers):
        names = case.declared({*called, *case.plausible})
        return _functions(case, names, "the functions called so far failed")
    who, remaining = reasons.listed(called) or "the functions", left_to_compute(case)
    uncalled = [one for one in case.candidates if one.name not in called and one.utility > 0]
    if remaining and not uncalled:
        return _code(case, f"{who} answered with numbers; left to compute: {', '.join(remaining)}")
    if remaining and case.request.way != "one_sided":
        return _both(
            case,
            case.declared({one.name for one in uncalled}),
            "some values are there, others are not, and all are to be computed with",
        )
    names = case.declared({*called, *(one.name for one in uncalled)})
    return _functions(case, names, f"{who} may be needed again")


def _failed(case: Case) -> Plan | None:
    again = case.follows_up or case.reading.telling == 0
    why = hopeless(case.situation.runs) or (hopeless(case.situation.earlier_runs) if again else "")
    if not why or not case.wish.tools:
        return None
    names = case.plausible if case.best.utility > 0 else case.request.function_names
    return _functions(case, names, f"code execution was tried and cannot do it: {why}")


def _leaning(case: Case) -> Plan | None:
    asked = leaning_on_answers(case)
    return (
        _code(case, f"earlier answers hold the numbers to compute with ({', '.join(asked)})")
        if asked
        else None
    )


def _attached(case: Case) -> Plan | None:
    tables = [kind for kind in case.situation.attachments if reasons.is_data(kind)]
    if not tables or case.functions > case.code + _TABLE_BONUS:
        return None
    return _code(case, f"the question comes with data to compute with ({', '.join(tables)})")


def _stepwise(case: Case) -> Plan | None:
    """Computing is one of several steps, and functions cover others: both sides, if they can go together."""
    asked = steps(case.situation.question)
    if not asked.computing or not asked.others:
        return None
    single = [Case(replace(case.request, messages=[HumanMessage(step)])) for step in asked.others]
    covered = {name for step in single if step.best.utility > 0 for name in step.plausible}
    if not covered:
        return None
    names = case.declared({*covered, *(case.plausible if case.best.utility > 0 else ())})
    if case.request.way == "one_sided":
        clear = any(step.functions > _CLEAR for step in single)
        return (
            _functions(case, names, f"before computing there is {reasons.listed(names)} to call")
            if clear
            else None
        )
    return _both(case, names, f"one step is to compute, for others there is {reasons.listed(names)}")


def _weighed(case: Case) -> Plan:
    functions, code, fit = case.functions, case.code, case.best.fit
    if functions <= 0 and code <= 0:
        return _functions(case, (), reasons.neither(fit))
    in_steps = functions > _CLEAR and code > 0 and case.evidence["in_steps"] > 0
    torn = min(functions, code) > 0 and abs(functions - code) < _TORN
    if case.request.way != "one_sided" and (torn or in_steps):
        return _both(
            case, case.plausible, f"{reasons.covering(fit)}; also, {reasons.computable(case.reading)}"
        )
    if functions > code or in_steps:
        return _functions(case, case.plausible, reasons.covering(fit))
    return _code(case, reasons.computable(case.reading))


_RULES: Final[tuple[Callable[[Case], Plan | None], ...]] = (
    _no_choice,
    _failed,
    _named_functions,
    _wanted_code,
    _refused_code,
    _refused_functions,
    _waiting,
    _answered,
    _leaning,
    _attached,
    _stepwise,
    _weighed,
)
