"""Tables of any origin, read in pieces."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

__all__ = ["CHUNK", "Chunk", "ColumnGrid", "Grid", "RowGrid", "unique_names"]

CHUNK: Final = 8_192
"""Rows read at once: enough for speed, few enough that a large table is never in memory twice."""

Chunk = list["Sequence[Any]"]
"""The values of some rows, column by column."""


class Grid(Protocol):
    """A table that can be read several times."""

    @property
    def names(self) -> tuple[str, ...]:
        """The columns' names, each once."""
        ...

    @property
    def rows(self) -> int:
        """How many rows there are."""
        ...

    @property
    def written(self) -> bool:
        """Whether the values are text as it was written, whose kinds show only in how it reads."""
        ...

    def chunks(self, step: int = 1) -> Iterator[Chunk]:
        """The rows 0, `step`, 2 · `step` and so on; no chunk is empty."""
        ...


class RowGrid:
    """Rows in memory; those too short end in missing values.

    Args:
        header: Names of the columns, as they are found.
        rows: Values, row by row.
        written: As in `Grid`.
    """

    def __init__(
        self, header: Sequence[object], rows: Sequence[Sequence[Any]], *, written: bool = False
    ) -> None:
        width = max(map(len, rows), default=0)
        self.names = unique_names([*header, *[None] * (width - len(header))])
        self.rows = len(rows)
        self.written = written
        self._rows = rows

    def chunks(self, step: int = 1) -> Iterator[Chunk]:
        """The rows, column by column."""
        missing = "" if self.written else None
        width = len(self.names)
        chosen = islice(self._rows, 0, None, step)
        while some := list(islice(chosen, CHUNK)):
            full = [row if len(row) == width else [*row, *[missing] * (width - len(row))] for row in some]
            yield list(zip(*full, strict=True))


class ColumnGrid:
    """Columns of a library's own, that give up their values piece by piece.

    Args:
        names: Names of the columns, as they are found.
        columns: For each a function of start, stop and step.
        rows: How many rows there are.
    """

    written = False

    def __init__(
        self, names: Iterable[object], columns: Sequence[Callable[[int, int, int], Sequence[Any]]], rows: int
    ) -> None:
        self.names = unique_names(names)
        self.rows = rows
        self._columns = columns

    def chunks(self, step: int = 1) -> Iterator[Chunk]:
        """The rows, column by column."""
        for start in range(0, self.rows, CHUNK * step):
            stop = min(start + CHUNK * step, self.rows)
            yield [values(start, stop, step) for values in self._columns]


def unique_names(names: Iterable[object]) -> tuple[str, ...]:
    """Names as text, each once: the second `x` is `x.1` as pandas reads it, the nameless third `column_3`."""
    unique: dict[str, None] = {}
    counts: dict[str, int] = {}
    for place, given in enumerate(names, 1):
        plain = "" if given is None or given != given else str(given)  # noqa: PLR0124 -- NaN, a gap in pandas' index
        name = wanted = plain if plain.strip() else f"column_{place}"
        while name in unique:
            counts[wanted] = counts.get(wanted, 0) + 1
            name = f"{wanted}.{counts[wanted]}"
        unique[name] = None
    return tuple(unique)
