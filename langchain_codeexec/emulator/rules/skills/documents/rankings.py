"""The rows that have most or least of something."""

from __future__ import annotations

from typing import TYPE_CHECKING

from langchain_codeexec.emulator.rules.skills.documents.cases import REDUCTIONS
from langchain_codeexec.emulator.rules.skills.documents.programs import opened, shown, solution

if TYPE_CHECKING:
    from langchain_codeexec.emulator.rules.skills.documents.asking import Superlative
    from langchain_codeexec.emulator.rules.skills.documents.cases import Case
    from langchain_codeexec.emulator.rules.skills.documents.selections import Measure
    from langchain_codeexec.emulator.rules.solution import Solution

__all__ = ["ranked_rows"]

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
