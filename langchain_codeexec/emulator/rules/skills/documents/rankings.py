"""The rows that have most or least of something, or more or less of it than another."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from langchain_codeexec.emulator.rules.phrasing import phrase
from langchain_codeexec.emulator.rules.skills.documents.cases import REDUCTIONS, Missing
from langchain_codeexec.emulator.rules.skills.documents.programs import listed, opened, shown, solution
from langchain_codeexec.emulator.rules.skills.documents.words import concepts

if TYPE_CHECKING:
    from langchain_codeexec.emulator.rules.skills.documents.asking import Superlative
    from langchain_codeexec.emulator.rules.skills.documents.cases import Answer, Case
    from langchain_codeexec.emulator.rules.skills.documents.selections import Measure
    from langchain_codeexec.emulator.rules.solution import Solution

__all__ = ["place_of_row", "ranked_rows", "rows_beyond"]

_ASKED_ROWS = phrase(
    r"\W*(?:how many|which|what)(?: of the)?(?: other)? (?P<noun>\w+) (?:are|is|have|has|were|had|lie|lies)\b"
)
_PLACE = phrase(r"\b(?:rank(?:s|ed|ing)?|which place|what place)\b")
_FROM_THE_LEAST = phrase(
    r"\b(?:from|by) (?:the )?(?:smallest|lowest|least|shortest|lightest|bottom)\b|\bascending\b"
)
_ORDINALS = {1: "", 2: "second-", 3: "third-"}


def ranked_rows(case: Case) -> Answer | None:
    """Which rows have most or least of something, or what else they have."""
    wish = case.asked.superlative
    if wish is None or not case.measures or case.asked.aggregate == "range":
        return None
    if case.count() < wish.nth + wish.count - 1:
        return Missing(f"They hold {case.count()} of such rows.")
    if case.count() == 1 or (case.asked.aggregate and wish.count == 1 and case.is_header(wish.index)):
        return None  # `the average of the maximum depths`
    by, _ = next((one for one in case.measures if one[1] >= wish.index), case.measures[0])
    other = next((measure for measure, _ in case.measures if measure is not by), by)
    asked = case.texts[0] if case.texts else None
    (rows,), lines = opened([case.source(*by.paths, *other.paths, asked.path if asked else "")])
    lines += _ranking(wish, case.rows(rows, by), by.code("row"))
    rank = f"{_ORDINALS.get(wish.nth, f'{wish.nth}th-')}{'highest' if wish.sign > 0 else 'lowest'} {by.label}"
    if asked is not None:
        lines += [f'print("result =", ", ".join(row[{asked.name!r}] for row in used))']
        told = f"The {asked.label.lower()} is {{result}} {{documents}}."
    else:
        lines += [f'print("name =", ", ".join(row[{case.link.table.key.name!r}] for row in used))']
        values, figure = _values(case, other)
        lines += values
        kind = f"{case.asked.aggregate} of the " if wish.count > 1 and case.asked.aggregate else ""
        told = f"{{name}}: {kind}{other.label} {figure} {{documents}}."
    return solution(f"I will look for the {rank}.", lines, f"By the {rank}: {told}")


def _ranking(wish: Superlative, rows: str, value: str) -> list[str]:
    """Lines that leave the rows wanted in `used`, all of them where several share the first place."""
    if (wish.nth, wish.count) == (1, 1):
        return [
            f"rows = {rows}",
            f"limit = {'max' if wish.sign > 0 else 'min'}({value} for row in rows)",
            f"used = [row for row in rows if {value} == limit]",
        ]
    order = ", reverse=True" if wish.sign > 0 else ""
    return [
        f"ranked = sorted({rows}, key=lambda row: {value}{order})",
        f"used = ranked[{wish.nth - 1 or ''}:{wish.nth - 1 + wish.count}]",
    ]


def _values(case: Case, measure: Measure) -> tuple[list[str], str]:
    """Lines that print what the rows have, as one figure where that is wanted; and how an answer shows it."""
    wish = case.asked.superlative
    values = f"[{measure.code('row')} for row in used]"
    reduction = REDUCTIONS.get(case.asked.aggregate)
    if wish is None or wish.count == 1 or reduction:
        value = (
            reduction.format(values=values)
            if reduction and wish and wish.count > 1
            else measure.code("used[0]")
        )
        printed, told = shown(measure.unit)
        return [f"result = {value}", *printed], told
    return listed(values, measure.unit)


def rows_beyond(case: Case) -> Solution | None:
    """How many rows, or which, have more or less of something than another one: `which are heavier than Earth`."""
    key, measure = case.link.table.key, case.measure
    asked = _ASKED_ROWS.match(case.asked.text)
    named = asked is not None and any(concepts(asked["noun"]) & idea for idea in key.ideas)
    if not named or measure is None or not case.asked.comparative or len(case.operands) != 1:
        return None
    test = case.test_of(case.operands[0])
    if case.count(test) != 1 or case.lacks(measure, test):
        return None
    other = case.select(measure, test)
    (rows,), lines = opened([other.source])
    sign = ">" if case.asked.comparative > 0 else "<"
    beyond = f"[row for row in {case.rows(rows, measure)} if {measure.code('row')} {sign} limit]"
    counts = case.asked.counts
    lines += [
        f"other = {other.rows(rows)}",
        f"limit = {other.value('other')}",
        f"used = {beyond}",
        'print("result =", len(used))'
        if counts
        else f'print("result =", ", ".join(row[{key.name!r}] for row in used))',
        "used += other",
    ]
    relation = f"{measure.label} {'above' if sign == '>' else 'below'} the {other.label}"
    told = (
        f"{{result}} {{documents}} with the {relation}."
        if counts
        else f"{{result}} {{documents}}, by {relation}."
    )
    return solution(f"I will look for the rows with the {relation}.", lines, told)


def place_of_row(case: Case) -> Solution | None:
    """Which place a row has in the order of a quantity, the most first: `where does Ohio rank in population`."""
    key, measure = case.link.table.key, case.measure
    named = [one for one in case.link.mentions if one.column is key]
    if measure is None or len(named) != 1 or not _PLACE.search(case.asked.text):
        return None
    own = case.test_of(named[0])
    others = replace(case, tests=tuple(test for test in case.tests if test.code != own.code))
    if others.count(own) != 1 or others.lacks(measure, own):
        return None
    (rows,), lines = opened([others.source(*measure.paths)])
    sign, order = ("<", "lowest") if _FROM_THE_LEAST.search(case.asked.text) else (">", "highest")
    lines += [
        f"used = {others.rows(rows, measure)}",
        f"own = next({measure.code('row')} for row in used if {own.code})",
        f"result = 1 + sum({measure.code('row')} {sign} own for row in used)",
        'print(f"{result = }")',
    ]
    return solution(
        f"I will count the rows with the {order} {measure.label} before {own.words}.",
        lines,
        f"By the {order} {measure.label}, {own.words} has place {{result}} {{documents}}.",
    )
