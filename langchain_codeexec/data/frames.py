"""Tables of any origin, read in pieces.

Tables of pandas, polars and pyarrow, none of which is imported here.
"""

from __future__ import annotations

from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

__all__ = ["CHUNK", "FRAMES", "Chunk", "ColumnGrid", "Grid", "RowGrid", "grid_from_frame", "unique_names"]

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


def grid_from_frame(frame: Any) -> Grid | None:
    """The rows of a frame or series; `None` for anything else."""
    for base in type(frame).__mro__:
        if convert := FRAMES.get((base.__module__.partition(".")[0], base.__name__)):
            return convert(frame)
    return None


def _pandas(frame: Any) -> Grid:
    """The index comes first where it says something: where it has a name, or is more than row numbers."""
    index = frame.index
    numbers = type(index).__name__ == "RangeIndex" and (index.start, index.step) == (0, 1)
    levels = [] if numbers and index.name is None else range(index.nlevels)
    names: list[object] = [_index_name(index, level) for level in levels]
    names += [_joined(name) for name in frame.columns]
    columns = [index.get_level_values(level).to_series() for level in levels]
    columns += [frame.iloc[:, place] for place in range(frame.shape[1])]
    return ColumnGrid(names, [partial(_pandas_values, column) for column in columns], len(frame))


def _index_name(index: Any, level: int) -> object:
    name = index.names[level]
    if name is not None:
        return _joined(name)
    return "index" if index.nlevels == 1 else f"level_{level}"


def _joined(name: object) -> object:
    """The levels of a column's name in one."""
    return " / ".join(str(one) for one in name if str(one)) if isinstance(name, tuple) else name


def _pandas_values(column: Any, start: int, stop: int, step: int) -> list[Any]:
    some = column.iloc[start:stop:step]
    if some.dtype.name in _SHORT_FLOATS:
        some = some.astype(str).astype("float64")
    return list(some.tolist())


_SHORT_FLOATS: Final = frozenset({"float16", "float32"})
"""Through text: as a double, the shortest number of a float32 would show digits that it does not have."""


def _pandas_series(series: Any) -> Grid:
    return _pandas(series.to_frame("value" if series.name is None else series.name))


def _polars(frame: Any) -> Grid:
    columns = frame.get_columns()
    return ColumnGrid(frame.columns, [partial(_polars_values, column) for column in columns], frame.height)


def _polars_values(column: Any, start: int, stop: int, step: int) -> list[Any]:
    some = column.slice(start, stop - start).gather_every(step)
    if str(some.dtype) == "Float32":
        from polars import Float64, String  # noqa: PLC0415 -- the user has it, as this is one of its columns

        some = some.cast(String).cast(Float64)
    return list(some.to_list())


def _arrow(table: Any) -> Grid:
    columns = [partial(_arrow_values, table.column(place)) for place in range(table.num_columns)]
    return ColumnGrid(table.schema.names, columns, table.num_rows)


def _arrow_values(column: Any, start: int, stop: int, step: int) -> list[Any]:
    some = column.slice(start, stop - start)
    if str(some.type) in {"float", "halffloat"}:
        some = (
            some.cast("float" if str(some.type) == "halffloat" else some.type).cast("string").cast("double")
        )
    return list(some.to_pylist()[::step])


FRAMES: Final[Mapping[tuple[str, str], Callable[[Any], Grid]]] = {
    ("pandas", "DataFrame"): _pandas,
    ("pandas", "Series"): _pandas_series,
    ("pandas", "Index"): lambda index: _pandas_series(index.to_series(index=range(len(index)))),
    ("polars", "DataFrame"): _polars,
    ("polars", "LazyFrame"): lambda frame: _polars(frame.collect()),
    ("polars", "Series"): lambda series: _polars(series.to_frame()),
    ("pyarrow", "Table"): _arrow,
    ("pyarrow", "RecordBatch"): _arrow,
}
"""How a table is read, by its library and class; subclasses are found through their bases."""
