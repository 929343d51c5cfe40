"""How well a function fits a question: what it covers, and whether its arguments are given."""

from __future__ import annotations

import math
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
    total = sum(rarity.values())
    asked = sum(heavy for word, heavy in rarity.items() if word in profile.stems) / total if total else 0.0
    title = _share(profile.title, reading.stems)
    summary = _share(profile.summary, reading.stems)
    given = [_GIVEN[parameter.kind](parameter, reading, profile) for parameter in profile.required]
    numbers = sum(parameter.kind == "number" for parameter in profile.required)
    if numbers > reading.values.numbers:
        shrink = reading.values.numbers / numbers
        given = [
            share * shrink if parameter.kind == "number" else share
            for share, parameter in zip(given, profile.required, strict=True)
        ]
    ready = sum(given) / len(given) if given else 1.0
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
        score=1.5 * asked + title + summary + 0.7 * ready + 0.5 * mentioned,
    )


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
    return 1.0 if any(choice <= reading.stems for choice in parameter.choices) else 0.3


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
    "email": lambda _p, reading, _f: float(bool(reading.values.emails or reading.values.names)),
    "link": lambda _p, reading, _f: float(bool(reading.values.links or reading.values.identifiers)),
    "path": lambda _p, reading, _f: float(bool(reading.values.paths or reading.values.quoted)),
}
"""How far a question gives an argument, by kind of parameter."""
