"""How many rows meet what a question demands, and which part of all rows that is."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from langchain_codeexec.emulator.rules.phrasing import phrase
from langchain_codeexec.emulator.rules.skills.documents.programs import ROUNDED, opened, solution
from langchain_codeexec.emulator.rules.skills.documents.words import concepts

if TYPE_CHECKING:
    from langchain_codeexec.emulator.rules.skills.documents.cases import Case
    from langchain_codeexec.emulator.rules.solution import Solution

__all__ = ["count_of_rows", "share_of_rows"]

_LISTED = phrase(r"\b(?:listed|lists?|tables?|these|given)\b")
_SHARE_OF = phrase(
    r"\b(?:percent(?:age)?|per cent|%|share|fraction|proportion) of (?:all |the |these )*(?P<noun>\w+)"
)


def count_of_rows(case: Case) -> Solution | None:
    """How many rows meet the conditions; without any, the documents may list but a few of all there are."""
    if not case.asked.counts or case.measures or not (case.tests or _LISTED.search(case.asked.text)):
        return None
    if case.asked.unit is not None or _names_all(case):
        return None
    (rows,), lines = opened([case.source()])
    lines += [f"used = {rows}", f"result = len({case.rows('used')})", 'print(f"{result = }")']
    named = case.link.table.key.label.lower()
    whose = f" ({case.subject})" if case.subject else ""
    return solution(
        f"I will count the rows that meet the question{whose}.",
        lines,
        f"The number of rows for {named}{whose} is {{result}} {{documents}}.",
    )


def share_of_rows(case: Case) -> Solution | None:
    """Which percentage of the rows meets the conditions: `what percentage of the ships are ferries`."""
    found = _SHARE_OF.search(case.asked.text)
    if found is None or case.asked.binary != "share" or case.measures:
        return None
    if not concepts(found["noun"]) & case.link.table.nouns:
        return None
    case = replace(case, tests=(*case.tests, *(case.test_of(one) for one in case.operands)))
    if not case.tests:
        return None
    (rows,), lines = opened([case.source()])
    lines += [f"used = {rows}", f"result = len({case.rows('used')}) / len(used) * 100", ROUNDED]
    named = case.link.table.key.label.lower()
    return solution(
        f"I will divide the number of rows that meet the question ({case.subject}) by that of all rows.",
        lines,
        f"Of the rows for {named}, {{result}} % meet the question ({case.subject}) {{documents}}.",
    )


def _names_all(case: Case) -> bool:
    """Whether the rows are named themselves, so that they need no count."""
    named = {cell for one in case.link.mentions if one.column is case.link.table.key for cell in one.cells}
    return case.count() <= len(named)
