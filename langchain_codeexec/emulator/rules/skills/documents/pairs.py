"""Which two figures a question compares, and which of them comes first."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from langchain_codeexec.emulator.rules.phrasing import phrase
from langchain_codeexec.emulator.rules.skills.documents.cases import Missing
from langchain_codeexec.emulator.rules.skills.documents.comparisons import compare
from langchain_codeexec.emulator.rules.skills.documents.cues import LOSS

if TYPE_CHECKING:
    from langchain_codeexec.emulator.rules.skills.documents.asking import Asked
    from langchain_codeexec.emulator.rules.skills.documents.cases import Answer, Case
    from langchain_codeexec.emulator.rules.skills.documents.selections import Measure, Selection, Test

__all__ = ["Pair", "compared_in_table", "compared_pair"]

_WHOLE_FIRST = phrase(
    r"\b(?:percent(?:age)?|per cent|%|share|fraction|proportion) of\b"
    r".*\b(?:is|are|was|were|does|do|did|has|have|lies|live)\b"
)
_THAN = phrase(r"\b(?:times|than|as)\b")
_FROM = phrase(r"\b(?:subtract|deduct)\b.*\bfrom\b")
_MINUS = phrase(r"\bminus\b")
_VERB = phrase(r"\b(?:is|are|was|were|does|did|has|have)\b")
_ALL = phrase(r"\b(?:total|all|combined|together|altogether|whole|entire|sum)\b")


class Pair(NamedTuple):
    """Two figures to be compared, and where the question names them."""

    first: Selection
    second: Selection
    places: tuple[int, int] = (0, 0)


def compared_in_table(case: Case) -> Answer | None:
    """A comparison of figures of one table; `None` where the question wants none of two."""
    pair = _pair(case) if case.asked.binary else None
    return compared_pair(case.asked, pair) if pair else None


def compared_pair(asked: Asked, pair: Pair) -> Answer:
    """The comparison that a question wants of two figures."""
    found = compare(*directed(asked, pair))
    return found or Missing(f"The units of the {pair.first.label} and the {pair.second.label} differ.")


def _pair(case: Case) -> Pair | None:
    """The two figures of a comparison, in the order they are named."""
    asked = case.asked
    measures = [measure for measure, _ in case.measures]
    tests = [case.test_of(one) for one in case.operands]
    if len(tests) > 2 and asked.comparative and asked.aggregate == "sum":  # noqa: PLR2004 -- one against all others
        tests = [tests[0], case.test_of(*case.operands[1:])]
    if len(tests) == 2 and len(measures) in {1, 2}:  # noqa: PLR2004 -- two things
        first, second = (asked.words[one.first].start for one in case.operands[:2])
        pair = _of_two(_operand(case, measures[0], tests[0]), _operand(case, measures[-1], tests[1]))
        return pair and pair._replace(places=(first, second))
    if len(measures) == 2 and len(tests) < 2:  # noqa: PLR2004 -- two quantities of one thing
        return _of_two(_operand(case, measures[0], *tests), _operand(case, measures[1], *tests))
    if len(measures) == 1 and asked.binary == "share" and (tests or case.tests) and _ALL.search(asked.text):
        part, whole = (tests, case.tests) if tests else (list(case.tests), ())
        bare = replace(case, operands=(), tests=tuple(whole))
        return Pair(
            bare.select(measures[0], *part, reduction="sum"), bare.select(measures[0], reduction="sum")
        )
    if len(measures) == 1 and len(tests) == 1 and asked.aggregate in {"mean", "median"}:
        average = case.select(measures[0], reduction=asked.aggregate)
        return _of_two(_operand(case, measures[0], *tests), average)
    return None


def _of_two(first: Selection | None, second: Selection | None) -> Pair | None:
    return Pair(first, second) if first and second else None


def _operand(case: Case, measure: Measure, *tests: Test) -> Selection | None:
    """One figure: that of the only row, or of many as one where the question says how."""
    if case.lacks(measure, *tests):
        return None
    if case.count(*tests) == 1:
        return case.select(measure, *tests)
    return case.select(measure, *tests, reduction=case.asked.aggregate) if case.asked.aggregate else None


def directed(asked: Asked, pair: Pair) -> tuple[str, Selection, Selection]:
    """How two figures are compared, and which comes first in it."""
    kind, first, second = asked.binary, pair.first, pair.second
    loss = bool(LOSS.search(asked.text))
    years = [_year(one) for one in (first, second)]
    if kind == "percent change":
        earlier, later = sorted((first, second), key=_year) if all(years) else (first, second)
        return ("percent loss" if loss else kind), earlier, later
    if kind == "share":
        part_first = bool(first.reduction) or not _WHOLE_FIRST.search(asked.text)
        return (kind, first, second) if part_first else (kind, second, first)
    if kind == "difference" and all(years) and years[0] != years[1]:
        later, earlier = sorted((first, second), key=_year, reverse=True)
        return (kind, earlier, later) if loss else (kind, later, earlier)
    if (
        kind == "difference"
        and (signed := [bool(one.search(asked.text)) for one in (_MINUS, _FROM)])
        and any(signed)
    ):
        return (kind, second, first) if signed[1] else (kind, first, second)
    if (asked.comparative < 0) != _is_inverted(asked.text, *pair.places):
        first, second = second, first
    return ("distance" if kind == "difference" and not asked.comparative else kind), first, second


def _is_inverted(text: str, first: int, second: int) -> bool:
    """Whether what is compared with comes first: `how many times as heavy as Earth is Jupiter`."""
    before, between = text[:first], text[first:second]
    behind = _THAN.search(before)
    return behind is not None and not _VERB.search(before) and _VERB.search(between) is not None


def _year(selection: Selection) -> str:
    found = re.search(r"\b(?:1[0-9]|20)\d\d\b", selection.measure.column)
    return found[0] if found else ""
