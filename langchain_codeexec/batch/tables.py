"""The answers of a batch as CSV or Parquet, written from its journal without ever being in memory as a whole."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import Any, Final

from langchain_codeexec.batch.journal import read_journal
from langchain_codeexec.batch.rows import Json
from langchain_codeexec.errors import BatchError, MissingDependencyError

__all__ = ["TABLES", "check_table", "write_table"]

TABLES: Final = frozenset({".csv", ".parquet"})
"""Suffixes of outputs that are written when all rows are done."""

_AT_A_TIME: Final = 1_000  # rows in a group of Parquet
_LARGEST: Final = 2**63


def check_table(path: Path) -> None:
    """Raise `MissingDependencyError` before anything is asked, not when the table is to be written."""
    if path.suffix.lower() == ".parquet":
        try:
            import_module("pyarrow.parquet")
        except ImportError as error:
            raise MissingDependencyError("pyarrow", "files") from error


def write_table(journal: Path, path: Path) -> None:
    """Write a journal's rows as a table; what stood there is replaced only when it is complete.

    A column holds whole numbers, numbers, booleans or, where it has several of these, text; nested values are
    JSON.

    Raises:
        BatchError: It cannot be written; the journal still has everything.
    """
    path = path.resolve()  # a link stays one
    part = path.with_name(f".{path.name}.part")
    kinds = _kinds(read_journal(journal))
    write = _write_csv if path.suffix.lower() == ".csv" else _write_parquet
    try:
        try:
            write(read_journal(journal), kinds, part)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise BatchError(
            f"{path} cannot be written: {error.strerror or error}. All answers are in {journal}.",
            remedy="make room and begin the same batch again; it asks nothing anew",
        ) from error


def _kinds(rows: Iterable[Json]) -> dict[str, str]:
    """The columns in the order they first come, and what each holds."""
    seen: dict[str, set[str]] = {}
    for row in rows:
        for name, value in row.items():
            seen.setdefault(name, set()).update(_kind(value))
    return {name: _joined(kinds) for name, kinds in seen.items()}


def _kind(value: Any) -> Iterator[str]:
    match value:
        case None:
            return
        case bool():
            yield "bool"
        case int() if -_LARGEST <= value < _LARGEST:
            yield "int64"
        case float():
            yield "float64"
        case str():
            yield "string"
        case _:
            yield "json"


def _joined(kinds: set[str]) -> str:
    if kinds == {"int64", "float64"}:
        return "float64"
    return next(iter(kinds or {"string"})) if len(kinds) < 2 else "json"  # noqa: PLR2004 -- one kind


def _cell(value: Any, kind: str) -> Any:
    if kind == "float64" and value is not None:
        return float(value)
    return json.dumps(value, ensure_ascii=False) if kind == "json" and not _is_text(value) else value


def _is_text(value: Any) -> bool:
    return value is None or isinstance(value, str)


def _text(value: Any) -> Any:
    """Text that UTF-8 can hold: half a surrogate pair becomes its escape."""
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value


def _write_csv(rows: Iterable[Json], kinds: Mapping[str, str], path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(map(_text, kinds))
        for row in rows:
            writer.writerow(_text(_cell(row.get(name), kind)) for name, kind in kinds.items())


def _write_parquet(rows: Iterable[Json], kinds: Mapping[str, str], path: Path) -> None:
    arrow: Any = import_module("pyarrow")
    parquet: Any = import_module("pyarrow.parquet")
    types: Mapping[str, Callable[[], Any]] = {
        "bool": arrow.bool_, "int64": arrow.int64, "float64": arrow.float64
    }  # fmt: skip
    schema = arrow.schema([(_text(name), types.get(kind, arrow.string)()) for name, kind in kinds.items()])
    iterator = iter(rows)
    with parquet.ParquetWriter(path, schema) as writer:
        while group := list(islice(iterator, _AT_A_TIME)):
            columns = [[_text(_cell(row.get(name), kind)) for row in group] for name, kind in kinds.items()]
            arrays = [arrow.array(column, field.type) for column, field in zip(columns, schema, strict=True)]
            writer.write_table(arrow.table(arrays, schema=schema))
