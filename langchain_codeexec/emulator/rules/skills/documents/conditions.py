"""Conditions on numbers that a question states: `more than 10 moons`, `before 1800`, `without moons`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from langchain_codeexec.emulator.rules.numerals import NUMBER, literal
from langchain_codeexec.emulator.rules.phrasing import phrase
from langchain_codeexec.emulator.rules.skills.documents.adjectives import adjective
from langchain_codeexec.emulator.rules.skills.documents.measures import unit_behind
from langchain_codeexec.emulator.rules.skills.documents.reading import mentions
from langchain_codeexec.emulator.rules.skills.documents.words import is_year

if TYPE_CHECKING:
    import re
    from collections.abc import Sequence

    from langchain_codeexec.emulator.rules.skills.documents.asking import Asked
    from langchain_codeexec.emulator.rules.skills.documents.measures import Unit
    from langchain_codeexec.emulator.rules.skills.documents.reading import Column, Table

__all__ = ["Condition", "Conditions", "conditions_in"]

_COMPARED = phrase(
    r"\b(?:(?P<least>at least|no fewer than|no less than)|(?P<most>at most|up to|no more than)"
    r"|(?P<more>more than|over|above|greater than|larger than|exceed(?:s|ing)?|beyond|upwards of)"
    r"|(?P<less>less than|fewer than|under|below|smaller than)|(?P<than>\w+) than"
    r"|(?P<before>before|earlier than|prior to)|(?P<after>after|later than)|(?P<since>since)|(?P<until>until)"
    rf"|(?P<equal>exactly|of|in|number|equals?)) (?P<number>{NUMBER})"
)
_BETWEEN = phrase(rf"\b(?:between|from) (?P<low>{NUMBER}) (?:and|to) (?P<high>{NUMBER})")
_NONE = phrase(r"\b(?:without|no|zero)(?: any)?(?= \w+)(?! (?:more|less|fewer)\b)")
_OPERATORS = {
    "least": ">=",
    "most": "<=",
    "more": ">",
    "less": "<",
    "before": "<",
    "after": ">",
    "since": ">=",
    "until": "<=",
    "equal": "==",
}
_IN_TIME = frozenset({"before", "after", "since", "until"})
_WINDOW = 4  # words before or after a number that may say what it is compared with


@dataclass(frozen=True, slots=True)
class Condition:
    """A test of a number in a row.

    Attributes:
        column: The column.
        sign: How its number has to stand to the other, in Python: `>`.
        number: The other number.
        unit: The unit of that number; that of the column where none is stated.
    """

    column: Column
    sign: str
    number: str
    unit: Unit


@dataclass(slots=True)
class Conditions:
    """What a question demands of the numbers of a table.

    Attributes:
        asked: The question.
        table: The table.
        found: The conditions.
        used: Indices of the words that state them.
    """

    asked: Asked
    table: Table
    found: list[Condition] = field(default_factory=list)
    used: set[int] = field(default_factory=set)

    def take_ranges(self) -> None:
        """`Between 1800 and 1850`, unless these are two figures to be compared."""
        for place in _BETWEEN.finditer(self.asked.text):
            low, high = literal(place["low"]), literal(place["high"])
            column = self._column(place, "", years=is_year(low) and is_year(high))
            compares = self.asked.binary and column is not None and {low, high} <= set(column.cells)
            if column is not None and not compares and not self._heads({low, high}):
                self._take(column, place, (">=", low), ("<=", high))

    def take_absences(self) -> None:
        """`Without moons`."""
        for place in _NONE.finditer(self.asked.text):
            column = self._column(place, "", years=False)
            if column is not None:
                self._take(column, place, ("==", "0"))

    def take_comparisons(self, taken: set[int]) -> None:
        """`More than 10`, where none of these words is taken for something else."""
        for place in _COMPARED.finditer(self.asked.text):
            kind = next(name for name in (*_OPERATORS, "than") if place[name])
            sign, number = _sign(kind, place), literal(place["number"])
            if sign is None or self._heads({number}) or self._inside(place) & (taken | self.used):
                continue
            column = self._column(place, kind, years=is_year(number))
            if column is not None:
                self._take(column, place, (sign, number))

    def _take(self, column: Column, place: re.Match[str], *tests: tuple[str, str]) -> None:
        unit = unit_behind(self.asked.text, place.end())
        if unit and (column.holds_years or column.unit.into(unit) is None):
            return  # `more than 5 years` is no year
        self.found += [Condition(column, sign, number, unit or column.unit) for sign, number in tests]
        self.used |= self._inside(place)
        near = self._nearby(place)
        last = max(self._inside(place)) + (len(unit.name.split()) if unit else 0)
        noun = next(
            (index for index in near if mentions(self.asked.words[index], column.ideas[column.head])), None
        )
        for index in near:
            beside = any(abs(index - one) < len(column.ideas) for one in (noun, last) if one is not None)
            if self._names(index, column) and (beside or self.asked.words[index].is_number):
                self.used.add(index)

    def _names(self, index: int, column: Column) -> bool:
        return any(mentions(self.asked.words[index], idea) for idea in column.ideas)

    def _inside(self, place: re.Match[str]) -> set[int]:
        start, end = place.span()
        return {index for index, word in enumerate(self.asked.words) if start <= word.start < end}

    def _nearby(self, place: re.Match[str]) -> list[int]:
        """The words of a comparison, then those behind it, then those before it, the nearest first."""
        inside = sorted(self._inside(place))
        first, last = inside[0], inside[-1]
        after = range(last + 1, min(len(self.asked.words), last + 1 + _WINDOW))
        before = range(first - 1, max(-1, first - 1 - _WINDOW), -1)
        return [*inside, *after, *before]

    def _heads(self, numbers: set[str]) -> bool:
        """Whether a header holds one of the numbers."""
        return any(numbers & idea for column in self.table.columns for idea in column.ideas)

    def _column(self, place: re.Match[str], kind: str, *, years: bool) -> Column | None:
        """The column of a comparison: named near the number, else the only one with its unit or with years."""
        numeric = [column for column in self.table.columns if column.is_numeric and column.ideas]
        unit = unit_behind(self.asked.text, place.end())
        years = years and unit is None
        if years and kind in {"", "equal", *_IN_TIME}:
            numeric = [column for column in numeric if column.holds_years]
        elif kind in _IN_TIME:
            return None
        near = self._nearby(place)
        scores = {column: self._score(near, column) for column in numeric}
        best = max(scores.values(), default=0)
        if best:
            named = (column for column in numeric if scores[column] == best)
            return min(named, key=lambda column: self._place_of(near, column))
        how = adjective(place.groupdict().get("than") or "")
        if how and how.idea not in {"", "size", "height"}:
            return None  # `wider` is said of nothing here
        if unit is not None:
            return self._only_in_unit(numeric, unit)
        return next((column for column in numeric if years and column.names_years), None)

    def _only_in_unit(self, numeric: Sequence[Column], unit: Unit) -> Column | None:
        measured = [column for column in numeric if column.unit.into(unit) is not None]
        same = [column for column in measured if column.unit.into(unit) == ""]
        return same[0] if len(same) == 1 else measured[0] if len(measured) == 1 else None

    def _score(self, near: Sequence[int], column: Column) -> int:
        """How many ideas of a header the words name, if they name its noun."""
        named = [any(mentions(self.asked.words[index], idea) for index in near) for idea in column.ideas]
        return sum(named) if named[column.head] else 0

    def _place_of(self, near: Sequence[int], column: Column) -> int:
        noun = column.ideas[column.head]
        return next(place for place, index in enumerate(near) if mentions(self.asked.words[index], noun))


def conditions_in(asked: Asked, table: Table, taken: set[int]) -> Conditions:
    """The conditions that a question states on the numbers of a table.

    Args:
        asked: The question.
        table: The table.
        taken: Indices of words that stand for something else.
    """
    conditions = Conditions(asked, table)
    conditions.take_ranges()
    conditions.take_absences()
    conditions.take_comparisons(taken)
    return conditions


def _sign(kind: str, place: re.Match[str]) -> str | None:
    """The comparison in Python; `None` where `than` stands behind a word that compares nothing."""
    if kind != "than":
        return _OPERATORS[kind]
    how = adjective(place["than"])
    if how is None or how.degree != "comparative":
        return None
    return ">" if how.sign > 0 else "<"
