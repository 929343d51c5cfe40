"""What the cells of a table's columns are, and how a table is written as CSV: UTF-8, commas, line feeds.

| values | kind | cell |
|---|---|---|
| `None`, NaN, NaT, NA | (missing) | empty |
| `bool` | boolean | `True`, `False` |
| `int` of any size | integer | digits |
| `float`, `Decimal`, with or without `int` | number | shortest text that reads back equal; `inf`, `-inf` |
| `str`, UUID, path, enum, interval and all else | text | their text |
| `date`, and naive `datetime` at midnight throughout | date | `2024-02-29` |
| `datetime` | datetime | `2024-02-29 12:00:00`, `+01:00` behind it where it has an offset |
| `time` | time | `12:00:00` |
| `timedelta` | seconds | a number of seconds |
| `dict`, `list`, `tuple`, `set` and other containers | JSON | JSON |
| `bytes` | base64 | base64 |
| several of these | mixed | each by its own kind |

Text that was written as a table already keeps its cells; its kind is the one that every filled cell reads as.
"""

from __future__ import annotations

import csv
import io
import json
import re
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from importlib import import_module
from math import isfinite
from numbers import Integral, Real
from operator import ne
from typing import Any, Final, NamedTuple

from langchain_codeexec.data.data_file import Column
from langchain_codeexec.data.limits import one_line
from langchain_codeexec.data.tables import CHUNK, Table
from langchain_codeexec.errors import DataError

__all__ = ["columns_of", "csv_of", "sample_of", "writable"]

_BYTES: Final = (bytes, bytearray, memoryview)
_CLASSES: Final[tuple[tuple[type | tuple[type, ...], str], ...]] = (
    (bool, "boolean"),
    (Integral, "integer"),
    ((Real, Decimal), "number"),
    (str, "text"),
    (_BYTES, "base64"),
    (datetime, "datetime"),
    (date, "date"),
    (time, "time"),
    (timedelta, "seconds"),
    ((Mapping, Sequence, AbstractSet), "JSON"),
)
"""Kinds by class; the first that fits."""
_NUMPY: Final = {"bool": "boolean", "bool_": "boolean", "ndarray": "JSON", "timedelta64": "text"}
"""Kinds of numpy's classes that Python's abstract ones do not tell."""
_NO_VALUE: Final = frozenset({"NoneType", "NaTType", "NAType"})
_PATTERNS: Final[Mapping[str, re.Pattern[str]]] = {
    kind: re.compile(pattern, re.ASCII)
    for kind, pattern in (
        ("boolean", r"[Tt]rue|[Ff]alse|TRUE|FALSE"),
        ("integer", r"[+-]?(?:0|[1-9]\d*)"),
        ("digits", r"\d+"),
        ("number", r"[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|[Ii]nf(?:inity)?)|[Nn]a[Nn]"),
        ("date", r"\d{4}-\d\d-\d\d"),
        ("datetime", r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?: ?(?:Z|UTC|[+-]\d\d:?\d\d))?"),
        ("time", r"\d\d?:\d\d(?::\d\d(?:\.\d+)?)?"),
    )
}
"""How filled cells of a kind are written; a column is of the first that fits all of them."""
_SAMPLE_ROWS, _SAMPLE_COLUMNS, _SAMPLE_CELL = 3, 30, 40


def columns_of(table: Table, step: int = 1) -> tuple[Column, ...]:
    """The columns of a table, by every `step`-th row of it."""
    if table.arrays:
        return tuple(
            _column(name, array[::step]) for name, array in zip(table.names, table.arrays, strict=True)
        )
    scans = [_TextScan() if table.is_text else _ValueScan() for _ in table.names]
    for chunk in table.chunks(step):
        for scan, values in zip(scans, chunk, strict=True):
            scan.add(values)
    return tuple(Column(name, scan.kind, scan.missing) for name, scan in zip(table.names, scans, strict=True))


def _column(name: str, cells: Any) -> Column:
    """The column of an array of text: pyarrow looks at all cells, Python at the first and those that are odd."""
    compute = import_module("pyarrow.compute")
    filled = cells.filter(compute.not_equal(cells, ""))
    scan = _TextScan()
    _add_until(scan, filled.slice(0, CHUNK))
    while scan.fitting:
        kind = scan.fitting[0]
        fits = compute.match_substring_regex(filled, rf"^\s*(?:{_PATTERNS[kind].pattern})\s*$")
        if not _add_until(scan, filled.filter(compute.invert(fits)), kind):
            break
    return Column(name, scan.kind, len(cells) - len(filled))


def _add_until(scan: _TextScan, cells: Any, kind: str = "") -> bool:
    """Add cells to a scan until its column is no longer of that kind; whether it is so."""
    for start in range(0, len(cells), CHUNK):
        scan.add(cells.slice(start, CHUNK).to_pylist())
        if scan.fitting[:1] != [kind]:
            return True
    return False


class Written(NamedTuple):
    """A table written as CSV.

    Attributes:
        data: The bytes; no more than a beginning where it became too large.
        size: How many bytes it has, estimated where it became too large.
    """

    data: bytes
    size: int


def csv_of(table: Table, columns: tuple[Column, ...], *, most: int, step: int = 1) -> Written:
    """Write every `step`-th row, and stop soon after `most` bytes."""
    written = bytearray(_as_csv([[column.name for column in columns]]))
    rows = 0
    for chunk in table.chunks(step):
        cells = [_formatted(values, column.kind) for values, column in zip(chunk, columns, strict=True)]
        written += _as_csv(zip(*cells, strict=True))
        rows += len(chunk[0])
        if len(written) > most:
            break
    total = -(-table.rows // step)
    return Written(bytes(written), len(written) * total // rows if rows else len(written))


def _as_csv(rows: Iterable[Sequence[Any]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode("utf-8", "replace")


def sample_of(table: Table, columns: tuple[Column, ...]) -> tuple[tuple[str, ...], ...]:
    """The first rows, as far as they are worth showing."""
    first = next(table.chunks(1), [])[:_SAMPLE_COLUMNS]
    cells = [
        [one_line(str(cell), _SAMPLE_CELL) for cell in _formatted(values[:_SAMPLE_ROWS], column.kind)]
        for values, column in zip(first, columns, strict=False)
    ]
    return tuple(zip(*cells, strict=True))


@contextmanager
def writable(source: str) -> Iterator[None]:
    """Name the source of a value that has no text.

    Raises:
        DataError: There was one: an integer of thousands of digits, say, or a list that holds itself.
    """
    try:
        yield
    except DataError:
        raise
    except (ValueError, TypeError, OverflowError, RecursionError, csv.Error) as error:
        raise DataError(
            f"{source} holds a value that cannot be written as text: {error}. Leave its column out, or turn it "
            "into text first."
        ) from error


class _ValueScan:
    """The kind of a column by the classes of its values."""

    def __init__(self) -> None:
        self.missing = 0
        self._seen: set[str] = set()
        self._is_midnight = True

    def add(self, values: Sequence[Any]) -> None:
        filled = values if _is_plain(values) else [value for value in values if not _is_missing(value)]
        self.missing += len(values) - len(filled)
        self._seen.update(map(_kind, set(map(type, filled))))
        if self._is_midnight and "datetime" in self._seen:
            self._is_midnight = all(map(_is_day, filled))

    @property
    def kind(self) -> str:
        if self._seen == {"integer", "number"}:
            return "number"
        if self._seen and self._seen <= {"datetime", "date"} and self._is_midnight:
            return "date"
        return "mixed" if len(self._seen) > 1 else next(iter(self._seen), "empty")


class _TextScan:
    """The kind of a column of text by what all its filled cells read as."""

    def __init__(self) -> None:
        self.missing = 0
        self.fitting = list(_PATTERNS)
        self._is_filled = False

    def add(self, values: Sequence[str]) -> None:
        self.missing += values.count("")
        filled = {value.strip() for value in set(values)} - {""}
        self._is_filled |= bool(filled)
        self.fitting = [kind for kind in self.fitting if all(map(_PATTERNS[kind].fullmatch, filled))]

    @property
    def kind(self) -> str:
        return next(iter(self.fitting), "text") if self._is_filled else "empty"


def _kind(of: type) -> str:
    """The kind of a class of values."""
    if of.__module__ == "numpy" and of.__name__ in _NUMPY:  # an element of an object column
        return _NUMPY[of.__name__]
    return next((kind for classes, kind in _CLASSES if issubclass(of, classes)), "text")


def _is_plain(values: Sequence[Any]) -> bool:
    """Whether all are text or numbers of Python's, none missing; most columns are, and looking is quick."""
    types = set(map(type, values))
    return types <= {int, str} or (types == {float} and not any(map(ne, values, values)))


def _is_missing(value: Any) -> bool:
    return value is None or type(value).__name__ in _NO_VALUE or (isinstance(value, float) and value != value)  # noqa: PLR0124 -- NaN alone differs from itself


def _is_day(value: Any) -> bool:
    return not isinstance(value, datetime) or (
        value.tzinfo is None and value.time() == time() and not getattr(value, "nanosecond", 0)
    )


def _formatted(values: Sequence[Any], kind: str) -> Sequence[Any]:
    """Cells for `csv.writer`, which itself writes numbers at full precision and missing values as nothing."""
    if _is_plain(values):
        return values
    form = _FORMATS[kind]
    return ["" if _is_missing(value) else form(value) for value in values]


def _number(value: Any) -> Any:
    """A number as Python writes it, whatever library it is of."""
    return value.item() if type(value).__module__ == "numpy" else value


def _seconds(value: timedelta) -> str:
    """Exactly, without a float's noise."""
    nanoseconds = getattr(value, "nanoseconds", 0)
    microseconds = (value.days * 86_400 + value.seconds) * 1_000_000 + value.microseconds
    return f"{Decimal(microseconds * 1000 + nanoseconds).scaleb(-9).normalize():f}"


def _jsonable(value: Any) -> Any:
    """What JSON can hold of a nested value."""
    if type(value).__module__ == "numpy":
        value = value.tolist()
    if _is_missing(value):
        return None
    if isinstance(value, Mapping):
        return {str(key): _jsonable(inner) for key, inner in value.items()}
    if isinstance(value, AbstractSet):
        value = sorted(value, key=repr)
    if isinstance(value, Sequence) and not isinstance(value, (str, *_BYTES)):
        return [_jsonable(inner) for inner in value]
    if isinstance(value, float) and not isfinite(value):
        return str(value)
    return value if isinstance(value, str | int | float) else _by_kind(value)


def _by_kind(value: Any) -> Any:
    return _FORMATS[_kind(type(value))](value)


_FORMATS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "integer": _number,
    "number": _number,
    "boolean": lambda value: str(bool(value)),
    "text": str,
    "date": lambda value: value.isoformat()[:10],
    "datetime": lambda value: value.isoformat(sep=" "),
    "time": lambda value: value.isoformat(),
    "seconds": _seconds,
    "JSON": lambda value: json.dumps(_jsonable(value), ensure_ascii=False),
    "base64": lambda value: b64encode(value).decode(),
    "mixed": _by_kind,
    "empty": str,
}
