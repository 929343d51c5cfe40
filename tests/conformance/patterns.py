"""Whether a JSON value is as a case expects it.

A mapping expects its keys and allows others, a list expects its elements, anything else expects itself. A
mapping of one key that begins with `$` is one of these:

| | expects |
|---|---|
| `$absent: true` | that the key is not there |
| `$present: true` | that it is there |
| `$contains: text` | a text that has it in it, in any case |
| `$regex: pattern` | a text it is found in |
| `$json: pattern` | a text that is JSON that fits |
| `$some: pattern` | a list with an element that fits |
| `$each: pattern` | a list of nothing else |
| `$none: pattern` | a list without such an element |
| `$count: number` | a list of that length |
| `$in: […]` | one of these |
| `$above: number` | a number above it |
"""

from __future__ import annotations

import json
import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

__all__ = ["mismatches"]

_ABSENT: Any = object()
_SHOWN = 160


def mismatches(value: Any, expected: Any, path: str = "") -> Iterator[str]:
    """What is not as expected, each with its place; nothing where all is."""
    if isinstance(expected, dict):
        (operator, operand), *more = expected.items() if expected else [("", None)]
        if operator.startswith("$") and not more:
            yield from _operated(value, operator, operand, path)
        else:
            yield from _mapping(value, expected, path)
    elif isinstance(expected, list):
        yield from _list(value, expected, path)
    elif value != expected or isinstance(value, bool) is not isinstance(expected, bool):
        yield _told(path, value, f"not {expected!r}")


def _mapping(value: Any, expected: Mapping[str, Any], path: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield _told(path, value, "not an object")
        return
    for name, inner in expected.items():
        yield from mismatches(value.get(name, _ABSENT), inner, f"{path}.{name}".lstrip("."))


def _list(value: Any, expected: list[Any], path: str) -> Iterator[str]:
    if not isinstance(value, list) or len(value) != len(expected):
        yield _told(path, value, f"not a list of {len(expected)}")
        return
    for index, (item, inner) in enumerate(zip(value, expected, strict=True)):
        yield from mismatches(item, inner, f"{path}[{index}]")


def _operated(value: Any, operator: str, operand: Any, path: str) -> Iterator[str]:
    fits, wording = _OPERATORS[operator]
    if not fits(value, operand):
        yield _told(path, value, wording.format(operand))


def _told(path: str, value: Any, why: str) -> str:
    shown = "missing" if value is _ABSENT else json.dumps(value, ensure_ascii=False)
    shown = shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}…"
    return f"{path or 'the body'} is {shown}, {why}"


def _fits(value: Any, pattern: Any) -> bool:
    return next(mismatches(value, pattern), None) is None


def _fits_as_json(value: Any, pattern: Any) -> bool:
    try:
        return _fits(json.loads(value), pattern)
    except (TypeError, ValueError):
        return False


_OPERATORS: Mapping[str, tuple[Callable[[Any, Any], bool], str]] = MappingProxyType(
    {
        "$absent": (lambda value, wanted: (value is _ABSENT) == wanted, "expected absent: {}"),
        "$present": (lambda value, wanted: (value is not _ABSENT) == wanted, "expected present: {}"),
        "$contains": (
            lambda value, part: isinstance(value, str) and part.casefold() in value.casefold(),
            "without {!r}",
        ),
        "$regex": (
            lambda value, pattern: isinstance(value, str) and re.search(pattern, value) is not None,
            "without a match of {!r}",
        ),
        "$json": (_fits_as_json, "not JSON like {}"),
        "$some": (
            lambda value, inner: isinstance(value, list) and any(_fits(item, inner) for item in value),
            "without an element like {}",
        ),
        "$each": (
            lambda value, inner: isinstance(value, list) and all(_fits(item, inner) for item in value),
            "with an element unlike {}",
        ),
        "$none": (
            lambda value, inner: isinstance(value, list) and not any(_fits(item, inner) for item in value),
            "with an element like {}",
        ),
        "$count": (lambda value, count: isinstance(value, list) and len(value) == count, "not {} of them"),
        "$in": (lambda value, choices: value in choices, "none of {}"),
        "$above": (
            lambda value, bound: isinstance(value, int | float) and value > bound,
            "not a number above {}",
        ),
    }
)
