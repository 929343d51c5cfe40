"""What the cells of a column are, and how each is written.

| values | kind | cell |
|---|---|---|
| `None`, NaN, NaT, NA | (missing) | empty |
| `bool` | boolean | `True`, `False` |
| `int` of any size | integer | digits |
| `float`, `Decimal`, with or without `int` | number | shortest text that reads back equal; `inf`, `-inf` |
| `str`, UUID, path, enum, interval and others | text | their text |
| `date`, and naive `datetime` at midnight throughout | date | `2024-02-29` |
| `datetime` | datetime | `2024-02-29 12:00:00`, `+01:00` behind it where it has an offset |
| `time` | time | `12:00:00` |
| `timedelta` | seconds | a number of seconds |
| `dict`, `list`, `tuple`, `set` and other containers | JSON | JSON |
| `bytes` | base64 | base64 |
| several of these | mixed | each by its own kind |

Text that was written as a table already keeps its cells; its kinds are those that every filled cell reads as.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from math import isfinite
from numbers import Integral, Real
from operator import ne
from typing import TYPE_CHECKING, Any, Final

from langchain_codeexec.data.data_file import Column

if TYPE_CHECKING:
    from collections.abc import Callable

    from langchain_codeexec.data.frames import Grid

__all__ = ["formatted", "scanned"]

_BASES: Final[tuple[tuple[type, str], ...]] = (
    (bool, "boolean"),
    (Integral, "integer"),
    (Real, "number"),
    (Decimal, "number"),
    (str, "text"),
    (bytes, "base64"),
    (bytearray, "base64"),
    (memoryview, "base64"),
    (datetime, "datetime"),
    (date, "date"),
    (time, "time"),
    (timedelta, "seconds"),
    (Mapping, "JSON"),
    (Sequence, "JSON"),
    (AbstractSet, "JSON"),
)
"""Kinds by class; the first that fits."""

_NO_VALUE: Final = frozenset({"NoneType", "NaTType", "NAType"})

_WRITTEN: Final[tuple[tuple[str, re.Pattern[str]], ...]] = tuple(
    (kind, re.compile(pattern, re.ASCII))
    for kind, pattern in (
        ("boolean", r"[Tt]rue|[Ff]alse|TRUE|FALSE"),
        ("integer", r"[+-]?(?:0|[1-9]\d*)"),
        ("digits", r"\d+"),
        ("number", r"[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|[Ii]nf(?:inity)?)|[Nn]a[Nn]"),
        ("date", r"\d{4}-\d\d-\d\d"),
        ("datetime", r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?: ?(?:Z|UTC|[+-]\d\d:?\d\d))?"),
        ("time", r"\d\d?:\d\d(?::\d\d(?:\.\d+)?)?"),
    )
)
"""How filled cells of a kind are written; the first that fits all of them."""


def scanned(grid: Grid, step: int = 1) -> tuple[Column, ...]:
    """The columns of a table, by every `step`-th row of it."""
    scan = _WrittenScan if grid.written else _ValueScan
    scans = [scan() for _ in grid.names]
    for chunk in grid.chunks(step):
        for one, values in zip(scans, chunk, strict=True):
            one.add(values)
    return tuple(Column(name, one.kind, one.missing) for name, one in zip(grid.names, scans, strict=True))


def formatted(values: Sequence[Any], kind: str) -> Sequence[Any]:
    """Cells for `csv.writer`, which itself writes numbers at full precision and missing values as nothing."""
    if _may_be_written(values):
        return values
    form = _FORMATS[kind]
    return ["" if _is_missing(value) else form(value) for value in values]


class _ValueScan:
    """Kinds of values by their classes."""

    def __init__(self) -> None:
        self.missing = 0
        self._kinds: set[str] = set()
        self._midnight = True

    def add(self, values: Sequence[Any]) -> None:
        filled = values if _may_be_written(values) else [value for value in values if not _is_missing(value)]
        self.missing += len(values) - len(filled)
        self._kinds.update(map(_kind, set(map(type, filled))))
        if self._midnight and "datetime" in self._kinds:
            self._midnight = all(map(_is_day, filled))

    @property
    def kind(self) -> str:
        kinds = self._kinds
        if kinds == {"integer", "number"}:
            return "number"
        if kinds and kinds <= {"datetime", "date"} and self._midnight:
            return "date"
        return next(iter(kinds), "empty") if len(kinds) < 2 else "mixed"  # noqa: PLR2004 -- one kind or none


class _WrittenScan:
    """Kinds of cells by what they read as."""

    def __init__(self) -> None:
        self.missing = 0
        self._alive = _WRITTEN
        self._filled = False

    def add(self, values: Sequence[str]) -> None:
        self.missing += values.count("")
        filled = {value.strip() for value in set(values)} - {""}
        self._filled = self._filled or bool(filled)
        self._alive = tuple(
            (kind, pattern) for kind, pattern in self._alive if all(map(pattern.fullmatch, filled))
        )

    @property
    def kind(self) -> str:
        if not self._filled:
            return "empty"
        return self._alive[0][0] if self._alive else "text"


def _kind(of: type) -> str:
    """The kind of a class of values."""
    if of.__module__ == "numpy":  # an element of an object column
        return _NUMPY_KINDS.get(of.__name__.rstrip("_0123456789"), "number")
    return next((kind for base, kind in _BASES if issubclass(of, base)), "text")


_NUMPY_KINDS: Final = {
    "bool": "boolean", "int": "integer", "uint": "integer", "longlong": "integer", "ulonglong": "integer",
    "str": "text", "bytes": "base64", "ndarray": "JSON", "datetime": "text", "timedelta": "text",
}  # fmt: skip


def _may_be_written(values: Sequence[Any]) -> bool:
    """Whether all are plain text or numbers, none missing; most columns are, and looking is quick."""
    types = set(map(type, values))
    return types <= _PLAIN or (types == {float} and not any(map(ne, values, values)))


_PLAIN: Final = {int, str}


def _is_missing(value: Any) -> bool:
    return value is None or type(value).__name__ in _NO_VALUE or (isinstance(value, float) and value != value)  # noqa: PLR0124 -- NaN alone differs from itself


def _is_day(value: Any) -> bool:
    return not isinstance(value, datetime) or (
        value.tzinfo is None and value.time() == time() and not getattr(value, "nanosecond", 0)
    )


def _plain(value: Any) -> Any:
    """A number as Python writes it, whatever library it is of."""
    return value.item() if type(value).__module__ == "numpy" else value


def _seconds(value: timedelta) -> str:
    """Exactly, without a float's noise."""
    nanoseconds = getattr(value, "nanoseconds", 0)
    microseconds = (value.days * 86_400 + value.seconds) * 1_000_000 + value.microseconds
    return f"{Decimal(microseconds * 1000 + nanoseconds).scaleb(-9).normalize():f}"


def _json(value: Any) -> str:
    return json.dumps(_jsonable(value), ensure_ascii=False)


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
    if isinstance(value, Sequence) and not isinstance(value, str | bytes | bytearray | memoryview):
        return [_jsonable(inner) for inner in value]
    if isinstance(value, float) and not isfinite(value):
        return str(value)
    return value if isinstance(value, str | int | float) else _of_its_kind(value)


def _of_its_kind(value: Any) -> Any:
    form = _FORMATS.get(_kind(type(value)))
    return form(value) if form else value


_FORMATS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "integer": _plain,
    "number": _plain,
    "boolean": lambda value: str(bool(value)),
    "text": str,
    "date": lambda value: value.isoformat()[:10],
    "datetime": lambda value: value.isoformat(sep=" ") if isinstance(value, datetime) else value.isoformat(),
    "time": lambda value: value.isoformat(),
    "seconds": _seconds,
    "JSON": _json,
    "base64": lambda value: b64encode(value).decode(),
    "mixed": _of_its_kind,
    "empty": str,
}
