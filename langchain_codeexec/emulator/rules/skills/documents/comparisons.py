"""Two figures brought together: differences, ratios, percentages."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from langchain_codeexec.emulator.rules.skills.documents.programs import (
    EXACT,
    ROUNDED,
    opened,
    shown,
    solution,
)

if TYPE_CHECKING:
    from langchain_codeexec.emulator.rules.skills.documents.measures import Unit
    from langchain_codeexec.emulator.rules.skills.documents.selections import Selection
    from langchain_codeexec.emulator.rules.solution import Solution

__all__ = ["compare"]


class _Comparison(NamedTuple):
    expression: str
    printing: str
    plan: str
    answer: str
    unit: bool = False


_COMPARISONS = {
    "difference": _Comparison(
        "first - second",
        EXACT,
        "subtract the {second} from the {first}",
        "The {first} minus the {second} is {told} {{documents}}.",
        unit=True,
    ),
    "distance": _Comparison(
        "abs(first - second)",
        EXACT,
        "take the difference between the {first} and the {second}",
        "The difference between the {first} and the {second} is {told} {{documents}}.",
        unit=True,
    ),
    "ratio": _Comparison(
        "first / second",
        ROUNDED,
        "divide the {first} by the {second}",
        "The {first} is {{result}} times the {second} {{documents}}.",
    ),
    "quotient": _Comparison(
        "first / second",
        ROUNDED,
        "divide the {first} by the {second}",
        "The {first} divided by the {second} is {{result}} {{documents}}.",
    ),
    "share": _Comparison(
        "first / second * 100",
        ROUNDED,
        "divide the {first} by the {second}",
        "The {first} is {{result}} % of the {second} {{documents}}.",
    ),
    "percent more": _Comparison(
        "(first - second) / second * 100",
        ROUNDED,
        "divide what the {first} is above the {second} by the latter",
        "The {first} differs from the {second} by {{result}} % of the latter {{documents}}.",
    ),
    "percent change": _Comparison(
        "(second - first) / first * 100",
        ROUNDED,
        "divide the change from the {first} to the {second} by the former",
        "The change from the {first} to the {second} is {{result}} % {{documents}}.",
    ),
    "percent loss": _Comparison(
        "(first - second) / first * 100",
        ROUNDED,
        "divide the loss from the {first} to the {second} by the former",
        "The loss from the {first} to the {second} is {{result}} % {{documents}}.",
    ),
}


def compare(kind: str, first: Selection, second: Selection) -> Solution | None:
    """A program that compares two figures; `None` where their units cannot be compared.

    Args:
        kind: `difference`, `distance` (without sign), `ratio`, `share`, `percent more`, `percent change` or
            `percent loss`.
        first: The figure that comes first in the comparison.
        second: The other one.
    """
    converted = second.measure.into(first.measure.unit)
    if converted is None and kind != "ratio":
        return None
    how = _COMPARISONS[kind if converted else "quotient"]
    second = replace(second, measure=converted or second.measure)
    (one, other), lines = opened([first.source, second.source])
    lines += [
        f"first_rows = {first.rows(one)}",
        f"second_rows = {second.rows(other)}",
        f"first = {first.value('first_rows')}",
        f"second = {second.value('second_rows')}",
        "used = first_rows + second_rows",
        f"result = {how.expression}",
    ]
    printed, told = shown(_unit(first), how.printing) if how.unit else ([how.printing], "{result}")
    named = {"first": first.label, "second": second.label}
    answer = how.answer.format(**named, told=told)
    return solution(f"I will {how.plan.format(**named)}.", [*lines, *printed], answer)


def _unit(selection: Selection) -> Unit:
    """The unit of a difference: that of the figures, and of two years it is years."""
    unit = selection.measure.unit
    return replace(unit, name="years") if unit.dimension == "time" and not unit.name else unit
