"""Tables of any origin as one value: data frames, rows of Python and JSON. No library is imported for them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

__all__ = [
    "CHUNK",
    "FRAMES",
    "Chunk",
    "Table",
    "in_chunks",
    "table_from_arrays",
    "table_from_frame",
    "table_from_json",
    "table_from_records",
    "table_from_rows",
    "unique_names",
]

CHUNK: Final = 8_192
"""Rows read at once: enough for speed, few enough that a large table is never in memory twice."""

Chunk = list["Sequence[Any]"]
"""The values of some rows, column by column."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table that can be read several times."""

    names: tuple[str, ...]  # the columns' names, each once
    rows: int  # how many rows there are
    chunks: Callable[[int], Iterator[Chunk]]  # reads the rows 0, step, 2 · step and so on; none is empty
    is_text: bool = False  # whether values are as written, their kinds to be read from them
    arrays: tuple[Any, ...] = ()  # the columns of text as pyarrow's arrays, where it has read them


def table_from_rows(
    header: Sequence[object], rows: Sequence[Sequence[Any]], *, is_text: bool = False
) -> Table:
    """A table of rows in memory; rows that are too short end in missing values, and columns may have no name."""
    width = max(len(header), max(map(len, rows), default=0))
    names = unique_names([*header, *[None] * (width - len(header))])
    missing = "" if is_text else None
    return Table(
        names, len(rows), lambda step: in_chunks(islice(rows, 0, None, step), width, missing), is_text
    )


def in_chunks(rows: Iterator[Sequence[Any]], width: int, missing: object) -> Iterator[Chunk]:
    """Rows column by column, filled up to a width."""
    while some := list(islice(rows, CHUNK)):
        full = [row if len(row) == width else [*row, *[missing] * (width - len(row))] for row in some]
        yield list(zip(*full, strict=True))


def unique_names(names: Iterable[object]) -> tuple[str, ...]:
    """Names as text, each once: the second `x` is `x.1` as pandas reads it, the nameless third `column_3`."""
    unique: dict[str, None] = {}
    counts: dict[str, int] = {}
    for place, given in enumerate(names, 1):
        text = "" if given is None or given != given else str(given)  # noqa: PLR0124 -- NaN, a gap in pandas' index
        name = base = text if text.strip() else f"column_{place}"
        while name in unique:
            counts[base] = counts.get(base, 0) + 1
            name = f"{base}.{counts[base]}"
        unique[name] = None
    return tuple(unique)


def table_from_records(value: object) -> Table | None:
    """The table of a list of dictionaries, or of a dictionary of lists that are equally long."""
    if isinstance(value, list) and value and all(isinstance(row, dict) for row in value):
        keys = list(dict.fromkeys(key for row in value for key in row))
        return table_from_rows(keys, [[row.get(key) for key in keys] for row in value]) if keys else None
    if isinstance(value, dict) and all(isinstance(column, list) for column in value.values()):
        is_even = len(set(map(len, value.values()))) == 1
        return table_from_rows(list(value), list(zip(*value.values(), strict=True))) if is_even else None
    return None


def table_from_json(text: str, *, lines: bool = False) -> Table | None:
    """The table of a JSON text, or of one whose lines are JSON objects; `None` for any other text."""
    try:
        value = (
            [json.loads(line) for line in text.splitlines() if line.strip()] if lines else json.loads(text)
        )
    except (ValueError, RecursionError):
        return None
    return table_from_records(value)


def table_from_frame(frame: Any) -> Table | None:
    """The table of a frame or series; `None` for anything else. Subclasses are found through their bases."""
    for base in type(frame).__mro__:
        if convert := FRAMES.get((base.__module__.partition(".")[0], base.__name__)):
            return convert(frame)
    return None


def _from_columns(
    names: Iterable[object], columns: Iterable[Any], rows: int, values: Callable[[Any, slice], Sequence[Any]]
) -> Table:
    columns = list(columns)

    def chunks(step: int) -> Iterator[Chunk]:
        for start in range(0, rows, CHUNK * step):
            piece = slice(start, min(start + CHUNK * step, rows), step)
            yield [values(column, piece) for column in columns]

    return Table(unique_names(names), rows, chunks)


def table_from_arrays(names: Iterable[object], arrays: Sequence[Any]) -> Table:
    """A table of pyarrow's arrays of text."""
    rows = len(arrays[0])

    def chunks(step: int) -> Iterator[Chunk]:
        every = arrays if step == 1 else [array[::step] for array in arrays]  # by piece it takes far longer
        for start in range(0, -(-rows // step), CHUNK):
            yield [array.slice(start, CHUNK).to_pylist() for array in every]

    return Table(unique_names(names), rows, chunks, is_text=True, arrays=tuple(arrays))


def _pandas(frame: Any) -> Table:
    """The index comes first where it says something: where it has a name, or is more than row numbers."""
    index = frame.index
    is_numbered = type(index).__name__ == "RangeIndex" and (index.start, index.step) == (0, 1)
    if index.name is not None or not is_numbered:
        frame = frame.reset_index(allow_duplicates=True)
    columns = (frame.iloc[:, place] for place in range(frame.shape[1]))
    return _from_columns(map(_joined, frame.columns), columns, len(frame), _pandas_values)


def _joined(name: object) -> object:
    """The levels of a column's name in one."""
    return " / ".join(str(level) for level in name if str(level)) if isinstance(name, tuple) else name


def _pandas_values(column: Any, piece: slice) -> list[Any]:
    values = column.iloc[piece]
    if values.dtype.name in {"float16", "float32"}:
        # Through text: as a double, the shortest number of a float32 would show digits that it does not have.
        values = values.astype(str).astype("float64")
    return list(values.tolist())


def _pandas_series(series: Any) -> Table:
    return _pandas(series.to_frame("value" if series.name is None else series.name))


def _polars(frame: Any) -> Table:
    return _from_columns(frame.columns, frame.get_columns(), frame.height, _polars_values)


def _polars_values(column: Any, piece: slice) -> list[Any]:
    values = column[piece]
    if str(values.dtype) == "Float32":
        from polars import Float64, String  # noqa: PLC0415 -- the user has it, as this is one of its columns

        values = values.cast(String).cast(Float64)
    return list(values.to_list())


def _arrow(table: Any) -> Table:
    columns = map(table.column, range(table.num_columns))
    return _from_columns(table.schema.names, columns, table.num_rows, _arrow_values)


def _arrow_values(column: Any, piece: slice) -> list[Any]:
    values = column[piece]
    if str(values.type) in {"float", "halffloat"}:
        values = values.cast("float").cast("string").cast("double")
    return list(values.to_pylist())


FRAMES: Final[Mapping[tuple[str, str], Callable[[Any], Table]]] = {
    ("pandas", "DataFrame"): _pandas,
    ("pandas", "Series"): _pandas_series,
    ("pandas", "Index"): lambda index: _pandas_series(index.to_series(index=range(len(index)))),
    ("polars", "DataFrame"): _polars,
    ("polars", "LazyFrame"): lambda frame: _polars(frame.collect()),
    ("polars", "Series"): lambda series: _polars(series.to_frame()),
    ("pyarrow", "Table"): _arrow,
    ("pyarrow", "RecordBatch"): _arrow,
}
"""How a frame is read, by its library and class."""
