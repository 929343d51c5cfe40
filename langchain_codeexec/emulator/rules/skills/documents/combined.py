"""Quantities made of two columns: one per another, and how long something lasted."""

from __future__ import annotations

import re
import statistics
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from langchain_codeexec.emulator.rules.skills.documents.adjectives import adjective
from langchain_codeexec.emulator.rules.skills.documents.cues import CHANGE, LOSS
from langchain_codeexec.emulator.rules.skills.documents.measures import unit_of
from langchain_codeexec.emulator.rules.skills.documents.selections import Measure, read
from langchain_codeexec.emulator.rules.skills.documents.words import concepts, is_year

if TYPE_CHECKING:
    from langchain_codeexec.emulator.rules.skills.documents.asking import Asked
    from langchain_codeexec.emulator.rules.skills.documents.link import Link
    from langchain_codeexec.emulator.rules.skills.documents.measures import Unit
    from langchain_codeexec.emulator.rules.skills.documents.reading import Column

__all__ = ["divides", "quotient", "spanning"]

_Placed: TypeAlias = "tuple[Measure, int]"
_LASTING = frozenset({"length", "born"})  # `longest`, `youngest`
_SPAN = re.compile(r"\bages?\b|\btime\b|\blong\b|\byears\b", re.IGNORECASE)


def divides(asked: Asked, link: Link) -> bool:
    """Whether `per` asks for a quotient: not where a header, a unit or `the average per ship` has it."""
    if asked.per < 0 or asked.per in asked.spoken_for:
        return False
    around = " ".join(word.text.lower() for word in link.words[max(asked.per - 1, 0) : asked.per + 2])
    if any("per" in column.label.lower().split() for column in link.asked_columns):
        return False
    if any(around in column.unit.name.lower() for column in link.table.columns if column.unit.name):
        return False
    behind = link.words[asked.per + 1 :][:1]
    return not (asked.aggregate and any(concepts(word.text) & link.table.nouns for word in behind))


def quotient(asked: Asked, link: Link, numeric: list[_Placed]) -> _Placed | list[Column]:
    """One quantity by another: `people per square mile`; else the columns that could be divided by."""
    under = [one for one in numeric if one[1] < asked.per]
    unit = _unit_behind(asked, link)
    over = [column for column, index in link.columns if column.is_numeric and index > asked.per]
    if not over and unit is not None:
        over = _measured_in(unit, asked, link)
    if len(over) != 1 or len(under) != 1:
        return over
    divisor = Measure.of(over[0])
    by = (divisor.into(unit) if unit else None) or divisor
    [(measure, index)] = under
    one = re.sub(r"(?<=\w{3})s$", "", by.unit.name) or by.label
    named = unit_of(f"{measure.unit.name} per {one}" if measure.unit.name else "")
    return replace(measure, over=by, label=f"{measure.label} per {one}", unit=named), index


def _unit_behind(asked: Asked, link: Link) -> Unit | None:
    behind = " ".join(word.text for word in link.words[asked.per + 1 :][:2])
    units = ((text, unit_of(text)) for text in (behind, behind.partition(" ")[0]))
    return next((unit for text, unit in units if unit.dimension != text), None)


def _measured_in(unit: Unit, asked: Asked, link: Link) -> list[Column]:
    """The columns in such a unit; of several those of which the words behind `per` say something."""
    fitting = [
        column
        for column in link.table.columns
        if column.is_numeric and not column.holds_years and column.unit.dimension == unit.dimension
    ]
    behind = frozenset().union(*(concepts(word.text) for word in link.words[asked.per + 1 :]))
    said = [column for column in fitting if any(idea & behind for idea in column.ideas)]
    return said or fitting


def spanning(asked: Asked, link: Link) -> tuple[Asked, Measure] | None:
    """What lies between two columns, where rows are ranked by it or many become one: `youngest`, `grew most`."""
    columns = [column for column, _ in link.columns if column.is_numeric]
    columns = columns if len(columns) > 1 else [column for column in link.rivals if column.is_numeric]
    if len(columns) != 2 or columns[0].unit != columns[1].unit:  # noqa: PLR2004 -- first and last
        return None
    how = adjective(link.words[asked.superlative.index].text) if asked.superlative else None
    in_years = all(column.holds_years for column in columns)
    first, last = sorted(columns, key=_mean if in_years else _year)
    backwards = False
    if in_years and ((how and how.idea in _LASTING) or (asked.aggregate and _SPAN.search(asked.text))):
        backwards = bool(how and how.idea == "born")  # who is young was born late, but is of few years
    elif how and _year(first) < _year(last) and CHANGE.search(asked.text):
        backwards = bool(LOSS.search(asked.text))
    else:
        return None
    if asked.superlative and backwards:
        asked = replace(asked, superlative=replace(asked.superlative, sign=-asked.superlative.sign))
    start, end = Measure.of(first), Measure.of(last)
    unit = replace(last.unit, name="years") if in_years else last.unit
    return asked, replace(end, label=f"difference from {start.label} to {end.label}", since=start, unit=unit)


def _mean(column: Column) -> float:
    return statistics.mean(read(cell) for cell in column.cells)


def _year(column: Column) -> str:
    return next((idea for ideas in column.ideas for idea in ideas if is_year(idea)), "")
