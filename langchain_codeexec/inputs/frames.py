"""Tables of pandas, polars and pyarrow, none of which is imported here."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from langchain_codeexec.inputs.grids import ColumnGrid

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from langchain_codeexec.inputs.grids import Grid

__all__ = ["FRAMES", "grid_from_frame"]


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
