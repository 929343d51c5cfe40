"""How far a question gives an argument, by the kind of its parameter."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from langchain_codeexec.planning.rules.profiles import Parameter, Profile
    from langchain_codeexec.planning.rules.reading import Reading

__all__ = ["EXACT", "GIVEN", "supply"]


def supply(kind: str, wanted: int, reading: Reading) -> float:
    """Share of the parameters of a kind that there are values enough for; a kind not counted has enough.

    Args:
        kind: The kind.
        wanted: How many parameters are of it.
        reading: The question.
    """
    count = _COUNTS.get(kind)
    return 1.0 if count is None else min(1.0, max(count(reading), 1) / wanted)


def _mentioned(parameter: Parameter, reading: Reading) -> bool:
    return parameter.name in reading.values.assigned or bool(parameter.stems & reading.stems)


def _left_over(reading: Reading, profile: Profile) -> float:
    """How much of the question the function's name leaves unexplained: that may be an argument."""
    return sum(heavy for word, heavy in reading.content.items() if word not in profile.title)


def _number(_p: Parameter, reading: Reading, _f: Profile) -> float:
    return float(reading.values.numbers > 0)


def _object(_p: Parameter, reading: Reading, _f: Profile) -> float:
    return 0.7 if reading.values.words or reading.values.numbers else 0.2


def _choice(parameter: Parameter, reading: Reading, _f: Profile) -> float:
    return max(0.3, *(len(choice & reading.stems) / len(choice) for choice in parameter.choices))


def _array(_p: Parameter, reading: Reading, _f: Profile) -> float:
    found = reading.values
    return 1.0 if found.lists or found.numbers > 1 else 0.6 if found.words else 0.3


def _string(parameter: Parameter, reading: Reading, profile: Profile) -> float:
    if reading.values.words:
        return 1.0
    return min(1.0, 0.4 * _left_over(reading, profile) + 0.3 * _mentioned(parameter, reading))


def _text(_p: Parameter, reading: Reading, profile: Profile) -> float:
    return 1.0 if reading.values.quoted else min(1.0, 0.5 * _left_over(reading, profile))


def _place(_p: Parameter, reading: Reading, _f: Profile) -> float:
    found = reading.values
    return 1.0 if found.names else 0.5 if found.objects or found.quoted else 0.0


def _region(_p: Parameter, reading: Reading, _f: Profile) -> float:
    found = reading.values
    return 1.0 if found.regions or found.names else 0.3 if found.objects else 0.0


def _date(_p: Parameter, reading: Reading, _f: Profile) -> float:
    return 1.0 if reading.values.dates else 0.4 if reading.values.numbers else 0.0


def _time(_p: Parameter, reading: Reading, _f: Profile) -> float:
    return 1.0 if reading.values.times else 0.4 if reading.values.dates else 0.0


def _currency(_p: Parameter, reading: Reading, _f: Profile) -> float:
    return float(reading.values.currencies > 0)


def _email(_p: Parameter, reading: Reading, _f: Profile) -> float:
    return float(bool(reading.values.emails or reading.values.names))


def _link(_p: Parameter, reading: Reading, _f: Profile) -> float:
    return float(reading.values.links > 0)


def _path(_p: Parameter, reading: Reading, _f: Profile) -> float:
    return float(bool(reading.values.paths or reading.values.quoted))


GIVEN: Final[Mapping[str, Callable[[Parameter, Reading, Profile], float]]] = MappingProxyType(
    {
        "number": _number,
        "boolean": lambda _p, _r, _f: 0.7,
        "object": _object,
        "array": _array,
        "choice": _choice,
        "string": _string,
        "text": _text,
        "place": _place,
        "region": _region,
        "date": _date,
        "time": _time,
        "currency": _currency,
        "email": _email,
        "link": _link,
        "path": _path,
    }
)
"""By kind: from 0, nothing like it is there, to 1."""

EXACT: Final = frozenset(GIVEN) - {"boolean", "object", "string", "text"}
"""Kinds whose values can be told from other words."""

_COUNTS: Final[Mapping[str, Callable[[Reading], int]]] = MappingProxyType(
    {
        "number": lambda reading: reading.values.numbers,
        "place": lambda reading: reading.values.names or reading.values.objects,
        "date": lambda reading: max(reading.values.dates, reading.values.numbers),
        "string": lambda reading: reading.values.words + reading.telling // 2,
    }
)
