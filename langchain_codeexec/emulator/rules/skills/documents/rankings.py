"""The rows that have most or least of something, or more or less of it than another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from langchain_codeexec.emulator.rules.phrasing import phrase
from langchain_codeexec.emulator.rules.skills.documents.cases import REDUCTIONS
from langchain_codeexec.emulator.rules.skills.documents.programs import opened, shown, solution
from langchain_codeexec.emulator.rules.skills.documents.words import concepts

if TYPE_CHECKING:
    from langchain_codeexec.emulator.rules.skills.documents.asking import Superlative
    from langchain_codeexec.emulator.rules.skills.documents.cases import Case
    from langchain_codeexec.emulator.rules.skills.documents.selections import Measure
    from langchain_codeexec.emulator.rules.solution import Solution

__all__ = ["ranked_rows", "rows_beyond"]

_ASKED_ROWS = phrase(
    r"\W*(?:how many|which|what)(?: of the)?(?: other)? (?P<noun>\w+) (?:are|is|have|has|were|had|lie|lies)\b"
)
_ORDINALS = {1: "", 2: "second-", 3: "third-"}


def ranked_rows(case: Case) -> Solution | None:
    """Which rows have most or least of something, or what else they have."""
    wish = case.asked.superlative
    if wish is None or not case.measures or case.asked.aggregate == "range" or case.count() == 1:
        return None
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
    unit = f" {measure.unit.name}" if measure.unit.name else ""
    return [f'print("result =", ", ".join(f"{{value:.12g}}" for value in {values}))'], f"{{result}}{unit}"


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
