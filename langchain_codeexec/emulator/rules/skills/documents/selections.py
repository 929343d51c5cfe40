"""Rows of documents' files and quantities of them, as Python expressions."""

from __future__ import annotations

import operator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from langchain_codeexec.emulator.rules.skills.documents.measures import SIGNS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from langchain_codeexec.emulator.rules.skills.documents.measures import Unit
    from langchain_codeexec.emulator.rules.skills.documents.reading import Column

__all__ = [
    "Measure",
    "Selection",
    "Test",
    "compared",
    "filtered",
    "has_figure",
    "is_filled",
    "one_of",
    "plain",
    "read",
    "said",
    "source_of",
]

_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
    ">=": operator.ge,
    ">": operator.gt,
}


@dataclass(frozen=True, slots=True)
class Test:
    """A condition on a row.

    Attributes:
        code: As Python, of `row`.
        holds: Whether a row meets it.
        path: The file it looks into; empty for the key, which every file has.
        words: The same for people.
    """

    code: str
    holds: Callable[[Mapping[str, str]], bool]
    path: str
    words: str


def one_of(column: Column, cells: Sequence[str], *, wanted: bool = True, is_key: bool = False) -> Test:
    """The rows whose cell is one of some, or none of them."""
    cell = f"row[{column.name!r}]"
    if len(cells) == 1:
        code = f"{cell} {'==' if wanted else '!='} {cells[0]!r}"
    else:
        code = f"{cell} {'in' if wanted else 'not in'} {tuple(cells)!r}"
    words = plain(" and ".join(cells) if wanted else f"not {' or '.join(cells)}")
    return Test(code, lambda row: (row[column.name] in cells) is wanted, "" if is_key else column.path, words)


def compared(column: Column, sign: str, number: str, unit: Unit) -> Test:
    """The rows whose number stands so to another, which has a unit."""
    compares = _COMPARISONS[sign]

    def holds(row: Mapping[str, str]) -> bool:
        cell = row[column.name]
        return has_figure(cell) and compares(column.unit.read_in(unit, read(cell)), float(number))

    converted = column.unit.into(unit) or ""
    return Test(
        f"number(row[{column.name!r}]){converted} {sign} {number}",
        holds,
        column.path,
        number if sign == "==" else f"{said(column.label)} {sign} {number}{converted and f' {unit.name}'}",
    )


def is_filled(column: Column) -> Test:
    """The rows that have a number at all."""
    empty = {cell for cell in column.cells if not has_figure(cell)}
    return one_of(column, sorted(empty), wanted=False)


def plain(text: str) -> str:
    """Text of a document for an answer, in which braces would stand for results."""
    return text.replace("{", "(").replace("}", ")")


def said(label: str) -> str:
    """A header as it stands in the middle of a sentence: a capital goes unless others follow it."""
    return plain(label[:1].lower() + label[1:] if label[1:2].islower() else label)


def has_figure(cell: str) -> bool:
    """Whether a cell of a column of numbers holds one."""
    return any(map(str.isdigit, cell))


def read(cell: str) -> float:
    """A number as documents write it."""
    return float(cell.strip(SIGNS).replace(",", "").replace("\N{MINUS SIGN}", "-"))


@dataclass(frozen=True, slots=True)
class Measure:
    """A quantity of a row.

    Attributes:
        column: The name of its column.
        path: The file it is in.
        unit: Its unit.
        label: What it is called.
        factor: What converts it into its unit, as Python behind it; empty for nothing.
        over: What it is divided by.
        since: What is subtracted from it: the year before which nothing counts.
    """

    column: str
    path: str
    unit: Unit
    label: str
    factor: str = ""
    over: Measure | None = None
    since: Measure | None = None

    @classmethod
    def of(cls, column: Column) -> Measure:
        """The quantity in a column."""
        return cls(column.name, column.path, column.unit, said(column.label))

    def code(self, row: str) -> str:
        """Python for its value in a row."""
        value = f"number({row}[{self.column!r}]){self.factor}"
        if self.since is not None:
            return f"{value} - {self.since.code(row)}"
        if self.over is None:
            return value
        if "+" in self.factor or "-" in self.factor:
            value = f"({value})"
        under = self.over.code(row)
        return f"{value} / ({under})" if self.over.factor else f"{value} / {under}"

    def into(self, unit: Unit) -> Measure | None:
        """The same in another unit; `None` where that cannot be."""
        factor = self.unit.into(unit)
        return None if factor is None else replace(self, unit=unit, factor=self.factor + factor)

    @property
    def columns(self) -> list[str]:
        """The columns it is read from."""
        return [self.column, *(name for one in (self.over, self.since) if one for name in one.columns)]

    @property
    def paths(self) -> list[str]:
        """The files it is in."""
        return [self.path, *(path for one in (self.over, self.since) if one for path in one.paths)]


@dataclass(frozen=True, slots=True)
class Selection:
    """Rows, and one quantity of them.

    Attributes:
        key: The column by which files are joined.
        tests: Conditions on the rows.
        measure: The quantity.
        label: What is selected, in words.
        reduction: How many values become one, with `{values}`; empty for the value of the only row.
    """

    key: str
    tests: tuple[Test, ...]
    measure: Measure
    label: str = ""
    reduction: str = ""

    @property
    def source(self) -> str:
        """Python for all rows of its files."""
        return source_of(self.key, [*self.measure.paths, *(test.path for test in self.tests if test.path)])

    def rows(self, source: str) -> str:
        """Python for its rows, out of all."""
        return filtered(source, self.tests)

    def value(self, rows: str) -> str:
        """Python for its value, out of its rows."""
        if not self.reduction:
            return self.measure.code(f"{rows}[0]")
        return self.reduction.format(values=f"[{self.measure.code('row')} for row in {rows}]")


def source_of(key: str, paths: Iterable[str]) -> str:
    """Python for the rows of files, joined by a key where they are several."""
    tables = [f'table("{path}")' for path in dict.fromkeys(paths)]
    return tables[0] if len(tables) == 1 else f"join({key!r}, {', '.join(tables)})"


def filtered(source: str, tests: Iterable[Test]) -> str:
    """Python for the rows that meet all conditions."""
    every = " and ".join(dict.fromkeys(test.code for test in tests))
    return f"[row for row in {source} if {every}]" if every else source
