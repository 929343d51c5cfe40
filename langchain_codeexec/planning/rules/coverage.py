"""How well a function fits a question: what it covers, and whether its arguments are given."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from langchain_codeexec.planning.rules.profiles import Parameter, Profile
    from langchain_codeexec.planning.rules.reading import Reading

__all__ = ["Fit", "fits"]


@dataclass(frozen=True, slots=True)
class Fit:
    """How well one function fits a question; all shares are from 0 to 1.

    Attributes:
        name: The function's.
        asked: Share of the question that the function's declaration covers.
        title: Share of the function's name that is in the question.
        summary: Share of its description's first sentence that is in the question.
        ready: Share of its required arguments that the question gives.
        mentioned: Share of its required arguments that the question names.
        missing: How many required arguments the question does not give.
        required: How many it requires.
        head: Whether the question has the noun that the function's name turns on.
        topic: Share of the question's first telling words that its name and summary cover.
        weakest: How far the question gives the required argument that it gives least.
        exact: Share of its required arguments that have a value of their very kind.
        score: All in one figure, to compare functions by.
    """

    name: str
    asked: float
    title: float
    summary: float
    ready: float
    mentioned: float
    missing: float
    required: int
    head: float
    topic: float
    weakest: float
    exact: float
    score: float


def fits(reading: Reading, profiles: Sequence[Profile]) -> list[Fit]:
    """The fit of each function, best first."""
    rarity = _rarity(reading.content, profiles)
    found = [_fit(reading, profile, rarity) for profile in profiles]
    return sorted(found, key=lambda fit: (-fit.score, fit.name))


def _rarity(content: Mapping[str, float], profiles: Sequence[Profile]) -> dict[str, float]:
    """Weights of the question's stems: what many of the functions share tells little between them."""
    count = len(profiles)
    return {
        word: heavy * (1 + math.log(count / max(1, sum(word in profile.stems for profile in profiles))))
        for word, heavy in content.items()
    }


def _fit(reading: Reading, profile: Profile, rarity: Mapping[str, float]) -> Fit:
    covered = sum(heavy for word, heavy in rarity.items() if word in profile.stems)
    uncovered = sum(heavy for word, heavy in reading.burden.items() if word not in profile.stems)
    asked = covered / (covered + uncovered) if covered else 0.0
    title = _share(profile.title, reading.stems)
    summary = _share(profile.summary, reading.stems)
    wanted = Counter(parameter.kind for parameter in profile.required)
    given = [
        _GIVEN[parameter.kind](parameter, reading, profile) * _supply(parameter.kind, wanted, reading)
        for parameter in profile.required
    ]
    ready = sum(given) / len(given) if given else 1.0
    known = profile.title.keys() | profile.summary.keys()
    topic = sum(word in known for word in reading.topic) / len(reading.topic) if reading.topic else 0.0
    exact = sum(share == 1 and parameter.kind in _EXACT for share, parameter in zip(given, profile.required, strict=True))
    mentioned = (
        sum(_mentions(parameter, reading) for parameter in profile.required) / len(given) if given else 0.0
    )
    return Fit(
        name=profile.name,
        asked=asked,
        title=title,
        summary=summary,
        ready=ready,
        mentioned=mentioned,
        missing=len(given) - sum(given),
        required=len(given),
        head=float(profile.head in reading.stems),
        topic=topic,
        weakest=min(given, default=1.0),
        exact=exact / len(given) if given else 0.0,
        score=1.5 * asked + title + summary + 0.7 * ready + 0.5 * mentioned,
    )


def _supply(kind: str, wanted: Mapping[str, int], reading: Reading) -> float:
    """Share of the parameters of a kind that there are values enough for."""
    count = _COUNTS.get(kind)
    return 1.0 if count is None else min(1.0, max(count(reading), 1) / wanted[kind])


_EXACT: Final = frozenset({"number", "place", "region", "date", "time", "currency", "choice", "email", "link", "path", "array"})
_COUNTS: Final[Mapping[str, Callable[[Reading], int]]] = {
    "number": lambda reading: reading.values.numbers,
    "place": lambda reading: reading.values.names or reading.values.objects,
    "date": lambda reading: max(reading.values.dates, reading.values.numbers),
    "string": lambda reading: reading.values.words + sum(heavy == 1 for heavy in reading.burden.values()) // 2,
}


def _share(weights: Mapping[str, float], stems: frozenset[str]) -> float:
    total = sum(weights.values())
    return sum(heavy for word, heavy in weights.items() if word in stems) / total if total else 0.0


def _mentions(parameter: Parameter, reading: Reading) -> bool:
    return parameter.name in reading.values.assigned or bool(parameter.stems & reading.stems)


def _left_over(reading: Reading, profile: Profile) -> float:
    """How much of the question the function's own words leave unexplained: stuff for its arguments."""
    return sum(heavy for word, heavy in reading.content.items() if word not in profile.title)


def _number(_p: Parameter, reading: Reading, _f: Profile) -> float:
    return float(reading.values.numbers > 0)


def _choice(parameter: Parameter, reading: Reading, _f: Profile) -> float:
    return max(0.3, max(len(choice & reading.stems) / len(choice) for choice in parameter.choices))


def _array(_p: Parameter, reading: Reading, _f: Profile) -> float:
    found = reading.values
    return 1.0 if found.lists or found.numbers > 1 else 0.6 if found.words else 0.3


def _string(parameter: Parameter, reading: Reading, profile: Profile) -> float:
    if reading.values.words:
        return 1.0
    return min(1.0, 0.4 * _left_over(reading, profile) + 0.3 * _mentions(parameter, reading))


def _place(_p: Parameter, reading: Reading, _f: Profile) -> float:
    return 1.0 if reading.values.names else 0.5 if reading.values.objects or reading.values.quoted else 0.0


def _date(_p: Parameter, reading: Reading, _f: Profile) -> float:
    return 1.0 if reading.values.dates else 0.4 if reading.values.numbers else 0.0


def _time(_p: Parameter, reading: Reading, _f: Profile) -> float:
    return 1.0 if reading.values.times else 0.4 if reading.values.dates else 0.0


def _region(_p: Parameter, reading: Reading, _f: Profile) -> float:
    found = reading.values
    return 1.0 if found.regions or found.names else 0.3 if found.objects else 0.0


def _text(_p: Parameter, reading: Reading, profile: Profile) -> float:
    return 1.0 if reading.values.quoted else min(1.0, 0.5 * _left_over(reading, profile))


_GIVEN: Final[Mapping[str, Callable[[Parameter, Reading, Profile], float]]] = {
    "number": _number,
    "boolean": lambda _p, _r, _f: 0.7,
    "object": lambda _p, reading, _f: 0.7 if reading.values.words or reading.values.numbers else 0.2,
    "array": _array,
    "choice": _choice,
    "string": _string,
    "text": _text,
    "place": _place,
    "date": _date,
    "time": _time,
    "currency": lambda _p, reading, _f: float(reading.values.currencies > 0),
    "region": _region,
    "email": lambda _p, reading, _f: float(bool(reading.values.emails or reading.values.names)),
    "link": lambda _p, reading, _f: float(bool(reading.values.links or reading.values.identifiers)),
    "path": lambda _p, reading, _f: float(bool(reading.values.paths or reading.values.quoted)),
}
"""How far a question gives an argument, by kind of parameter."""
