"""What a question stands for in one table: rows, quantities and what is compared."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from langchain_codeexec.emulator.rules.skills.documents.combined import divides, quotient, spanning
from langchain_codeexec.emulator.rules.skills.documents.selections import (
    Measure,
    Selection,
    Test,
    compared,
    filtered,
    has_figure,
    is_filled,
    one_of,
    source_of,
)
from langchain_codeexec.emulator.rules.skills.documents.words import words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from langchain_codeexec.emulator.rules.skills.documents.asking import Asked
    from langchain_codeexec.emulator.rules.skills.documents.link import Link
    from langchain_codeexec.emulator.rules.skills.documents.mentions import Mention
    from langchain_codeexec.emulator.rules.skills.documents.reading import Column
    from langchain_codeexec.emulator.rules.solution import Solution

__all__ = ["REDUCTIONS", "Answer", "Case", "Missing", "case_of"]

REDUCTIONS = {
    "mean": "statistics.mean({values})",
    "median": "statistics.median({values})",
    "stdev": "statistics.stdev({values})",
    "range": "max({values}) - min({values})",
    "sum": "sum({values})",
}


class Missing(NamedTuple):
    """What the documents lack for an answer.

    Attributes:
        sentence: What it is.
        is_final: Whether no other table can have it.
    """

    sentence: str
    is_final: bool = False


Answer: TypeAlias = "Solution | Missing"


@dataclass(frozen=True, slots=True)
class Case:
    """A question with what it stands for in one table.

    Attributes:
        asked: The question.
        link: What its words stand for.
        measures: The quantities it asks for, in order, each with the index of the word that says so.
        texts: The columns without numbers it asks for.
        operands: What is compared: cells of one column that stand for themselves.
        tests: Conditions on all rows.
    """

    asked: Asked
    link: Link
    measures: tuple[tuple[Measure, int], ...]
    texts: tuple[Column, ...]
    operands: tuple[Mention, ...]
    tests: tuple[Test, ...] = field(default=())

    @property
    def measure(self) -> Measure | None:
        """The only quantity."""
        return self.measures[0][0] if len(self.measures) == 1 else None

    @property
    def subject(self) -> str:
        """What the rows are, in words."""
        return ", ".join(dict.fromkeys(test.words for test in self.tests))

    @property
    def extreme(self) -> str:
        """The word in front of a quantity that wants the most or the least of it; no header says so."""
        wish, link = self.asked.superlative, self.link
        if wish is None or self.is_header(wish.index):
            return ""
        follows = any(wish.index + 1 in link.spoken(column) for column in link.asked_columns)
        return link.words[wish.index].text if follows else ""

    def is_header(self, index: int) -> bool:
        """Whether a word stands in the header of what is asked for."""
        stem = self.link.words[index].stem
        return any(stem == word.stem for column in self.link.asked_columns for word in words(column.label))

    def count(self, *tests: Test) -> int:
        """How many rows meet the conditions and some more."""
        return sum(all(test.holds(row) for test in (*self.tests, *tests)) for row in self.link.table.rows)

    def lacks(self, measure: Measure, *tests: Test) -> bool:
        """Whether none of the rows that meet the conditions and some more has a figure."""
        rows = [row for row in self.link.table.rows if all(test.holds(row) for test in (*self.tests, *tests))]
        return not any(all(map(has_figure, (row.get(name, "") for name in measure.columns))) for row in rows)

    def select(self, measure: Measure, *tests: Test, reduction: str = "") -> Selection:
        """Rows that meet the conditions and some more; without a reduction, the only one."""
        every = (*self.tests, *tests)
        whose = ", ".join(dict.fromkeys(test.words for test in every))
        label = f"{measure.label} of {whose}" if whose else measure.label
        if reduction:
            label = f"{_SPOKEN.get(reduction, reduction)} {label}"
            every += tuple(
                is_filled(c) for c in self.link.table.columns if _has_gaps(c) and c.name == measure.column
            )
        return Selection(self.link.table.key.name, every, measure, label, REDUCTIONS.get(reduction, ""))

    def source(self, *paths: str) -> str:
        """Python for the rows of files, and of those that the conditions look into."""
        key = self.link.table.key
        every = [*paths, *(test.path for test in self.tests)]
        return source_of(key.name, [path for path in every if path] or [key.path])

    def rows(self, source: str, measure: Measure | None = None) -> str:
        """Python for the rows that meet the conditions and have a figure."""
        filled = [
            is_filled(c)
            for c in self.link.table.columns
            if measure and c.name == measure.column and _has_gaps(c)
        ]
        return filtered(source, [*self.tests, *filled])

    def test_of(self, *mentions: Mention, wanted: bool = True) -> Test:
        """The rows that mentions of one column name."""
        column = mentions[0].column
        cells = [cell for mention in mentions for cell in mention.cells]
        return one_of(column, cells, wanted=wanted, is_key=column is self.link.table.key)


_SPOKEN = {"sum": "total", "stdev": "standard deviation of the", "range": "range of the"}


def _has_gaps(column: Column) -> bool:
    return not all(map(has_figure, column.cells))


def case_of(asked: Asked, link: Link) -> Case | Missing | None:
    """Sort what was linked into rows, quantities and operands; `None` where it is not told what goes together."""
    if span := spanning(asked, link):
        ranked, measure = span
        return _with_rows(Case(ranked, link, ((measure, link.columns[-1][1]),), (), ()))
    columns = link.columns
    if spans := asked.lasts and any(column.holds_years for column in link.asked_columns):
        columns = [(column, 0) for column in link.rivals] or columns
        if not asked.binary and len(columns) == 1:
            return Missing("They give a year, but not how long it was.")
        asked = replace(asked, binary=asked.binary or "difference")
    if link.rivals and not spans:
        return _which_of(link.rivals)
    numeric = [(Measure.of(column), index) for column, index in columns if column.is_numeric]
    texts = tuple(column for column, _ in columns if not column.is_numeric)
    if divides(asked, link):
        divided = quotient(asked, link, numeric)
        if isinstance(divided, list):
            return _which_of(divided) if len(divided) > 1 else Missing("They do not say what to divide by.")
        numeric = [divided]
    converted = [_in_unit(asked, measure) for measure, _ in numeric]
    if asked.binary in {"", "difference"} and None in converted:
        return Missing(f"They give no figure in {asked.unit.name if asked.unit else 'that unit'}.")
    measures = tuple((new or old, index) for new, (old, index) in zip(converted, numeric, strict=True))
    return _with_rows(Case(asked, link, measures, texts, ()))


def _which_of(columns: Sequence[Column]) -> Missing:
    *most, last = (column.name for column in columns)
    rivals = f"{', '.join(most)} and {last}"
    return Missing(f"They give {rivals}; say which of these is meant.", is_final=True)


def _in_unit(asked: Asked, measure: Measure) -> Measure | None:
    if asked.unit is None or measure.over:
        return measure
    in_years = measure.unit.dimension == "time" and not measure.unit.name
    return None if in_years and asked.unit.name != "years" else measure.into(asked.unit)


def _with_rows(case: Case) -> Case | None:
    """Mentions as conditions, except those of one column that are compared with one another."""
    asked, table = case.asked, case.link.table
    tests = [compared(one.column, one.sign, one.number, one.unit) for one in case.link.conditions]
    named: dict[str, list[Mention]] = {}
    for one in case.link.mentions:
        if 0 <= asked.excludes < one.first:
            tests.append(case.test_of(one, wanted=False))
        elif set(one.cells) != set(one.column.cells):
            named.setdefault(one.column.name, []).append(one)
    several = [name for name, mentioned in named.items() if len({one.cells for one in mentioned}) > 1]
    if asked.binary and len(several) > 1:
        return None
    operands = named.pop([*several, table.key.name][0], []) if asked.binary else []
    tests += [case.test_of(*mentioned) for mentioned in named.values()]
    return replace(case, operands=tuple(operands), tests=tuple(tests))
