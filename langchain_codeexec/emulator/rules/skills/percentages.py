"""Percentages: shares, changes, tips and discounts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from langchain_codeexec.emulator.rules.numerals import NUMBER, literal
from langchain_codeexec.emulator.rules.phrasing import phrase
from langchain_codeexec.emulator.rules.question import first_of
from langchain_codeexec.emulator.rules.solution import Solution, program

if TYPE_CHECKING:
    import re
    from collections.abc import Callable

__all__ = ["percentages"]

_N = rf"[$€£]?\s?({NUMBER})"
_PERCENT = rf"({NUMBER})\s?(?:%|percent\b|per cent\b)"
_CHANGE = r"percent(?:age)? (?:change|increase|decrease|growth|rise|drop|difference)"


def _formula(plan: str, expression: str, answer: str, **units: str) -> Callable[[re.Match[str]], Solution]:
    """A builder: groups of the match become `{0}`, `{1}` of the plan, the expression and the answer."""

    def build(found: re.Match[str]) -> Solution:
        numbers = [literal(group) for group in found.groups() if group]
        code = f'result = {expression.format(*numbers)}\nprint("result =", round(result, 6))'
        values = dict.fromkeys(["result"], "{result}") | units
        return Solution(plan.format(*numbers), program(code), answer.format(*numbers, **values))

    return build


_SHARE = _formula("I will compute {0}% of {1}.", "{1} * {0} / 100", "{0}% of {1} is {result}.")
_RATIO = _formula("I will divide {0} by {1}.", "{0} / {1} * 100", "{0} is {result}% of {1}.")
_RATIO_TURNED = _formula("I will divide {1} by {0}.", "{1} / {0} * 100", "{1} is {result}% of {0}.")
_CHANGED = _formula(
    "I will divide the change from {0} to {1} by {0}.",
    "({1} - {0}) / {0} * 100",
    "The change from {0} to {1} is {result}%.",
)
_MORE = _formula("I will add {1}% of {0} to {0}.", "{0} * (1 + {1} / 100)", "{0} plus {1}% is {result}.")
_MORE_TURNED = _formula(
    "I will add {0}% of {1} to {1}.", "{1} * (1 + {0} / 100)", "{1} plus {0}% is {result}."
)
_LESS = _formula(
    "I will take {1}% of {0} away from {0}.", "{0} * (1 - {1} / 100)", "{0} minus {1}% is {result}."
)
_LESS_TURNED = _formula(
    "I will take {0}% of {1} away from {1}.", "{1} * (1 - {0} / 100)", "{1} minus {0}% is {result}."
)
_TIP = _formula(
    "I will compute {0}% of {1} for the tip.", "{1} * {0} / 100", "A {0}% tip on {1} is {result}."
)

percentages = first_of(
    (phrase(rf"\bwhat (?:percent(?:age)?|%) (?:of|is)\s+{_N}\s+(?:is|are)\s+{_N}"), _RATIO_TURNED),
    (
        phrase(rf"{_N}\s+(?:is|are|as|out of)\s+(?:what|which|a) (?:percent(?:age)?|%) of\s+{_N}"),
        _RATIO,
    ),
    (phrase(rf"\bwhat (?:percent(?:age)?|%) is\s+{_N}\s+(?:out )?of\s+{_N}"), _RATIO),
    (phrase(rf"\b{_CHANGE}\s+(?:from|between)\s+{_N}\s+(?:to|and)\s+{_N}"), _CHANGED),
    (phrase(rf"\bfrom\s+{_N}\s+to\s+{_N}.*\b{_CHANGE}"), _CHANGED),
    (phrase(rf"\b{_PERCENT} (?:tip|gratuity) (?:on|for|of)\s+(?:a\s+)?{_N}"), _TIP),
    (
        phrase(rf"\b{_PERCENT}\s+(?:off|discount on|discount off)\s+(?:of\s+|a\s+)?{_N}"),
        _LESS_TURNED,
    ),
    (
        phrase(rf"{_N}\s+(?:with|after|at|less|minus|-)\s+(?:a\s+)?{_PERCENT}\s+(?:off|discount)"),
        _LESS,
    ),
    (
        phrase(rf"\b(?:increase|raise|grow)s?\s+{_N}\s+by\s+{_PERCENT}|{_N}\s+increased by\s+{_PERCENT}"),
        _MORE,
    ),
    (
        phrase(
            rf"\b(?:decrease|reduce|lower|discount)s?\s+{_N}\s+by\s+{_PERCENT}"
            rf"|{_N}\s+(?:decreased|reduced) by\s+{_PERCENT}"
        ),
        _LESS,
    ),
    (phrase(rf"\badd\s+{_PERCENT}(?:\s+\w+)?\s+to\s+{_N}(?!\s*[-+*/])"), _MORE_TURNED),
    (phrase(rf"{_N}\s+(?:plus|with|\+)\s+{_PERCENT}(?!\s*(?:of|[-+*/\d]))"), _MORE),
    (phrase(rf"{_N}\s+(?:minus|less|-)\s+{_PERCENT}(?!\s*(?:of|[-+*/\d]))"), _LESS),
    (
        phrase(rf"(?<![-+*/(] ){_PERCENT}\s+of\s+{_N}(?!\s*(?:[-+*/^]|plus|minus|times|divided|million))"),
        _SHARE,
    ),
)
