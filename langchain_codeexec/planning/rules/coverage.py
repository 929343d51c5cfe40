"""How well a function fits a question: what it covers, and whether its arguments are given."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from langchain_codeexec.planning.rules.arguments import EXACT, GIVEN, supply

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from langchain_codeexec.planning.rules.profiles import Profile
    from langchain_codeexec.planning.rules.reading import Reading

__all__ = ["Fit", "fits"]


@dataclass(frozen=True, slots=True)
class Fit:
    """How well one function fits a question; all shares are from 0 to 1.

    Attributes:
        name: The function's.
        asked: Share of the question that the function's declaration covers.
        title: Share of the function's name that is in the question.
        untold: Weight of the words of its name that are not in the question, 3 or more being 1.
        summary: Share of its description's first sentence that is in the question.
        head: Whether the question has the noun that the function's name turns on.
        arguments: For each required parameter how far the question gives it.
        exact: Share of them that have a value of their very kind.
    """

    name: str
    asked: float
    title: float
    untold: float
    summary: float
    head: float
    arguments: Mapping[str, float]
    exact: float

    @property
    def ready(self) -> float:
        """Share of the required arguments that the question gives."""
        return sum(self.arguments.values()) / len(self.arguments) if self.arguments else 1.0

    @property
    def coverage(self) -> float:
        """How far question, name and summary cover each other on average."""
        return (self.asked + self.title + self.summary) / 3

    @property
    def weakest(self) -> float:
        """How far the question gives the argument that it gives least."""
        return min(self.arguments.values(), default=1.0)


def fits(reading: Reading, profiles: Sequence[Profile]) -> list[Fit]:
    """The fit of each function, in the order given."""
    rarity = _rarity(reading.content, profiles)
    return [
        _searching(reading, profile) if profile.searches and reading.asks else _fit(reading, profile, rarity)
        for profile in profiles
    ]


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
    wanted = Counter(parameter.kind for parameter in profile.required)
    arguments = {
        parameter.name: GIVEN[parameter.kind](parameter, reading, profile)
        * supply(parameter.kind, wanted[parameter.kind], reading)
        for parameter in profile.required
    }
    exact = sum(arguments[parameter.name] == 1 and parameter.kind in EXACT for parameter in profile.required)
    return Fit(
        name=profile.name,
        asked=covered / (covered + uncovered) if covered else 0.0,
        title=_share(profile.title, reading.stems),
        untold=min(1.0, sum(heavy for word, heavy in profile.title.items() if word not in reading.stems) / 3),
        summary=_share(profile.summary, reading.stems),
        head=float(profile.head in reading.stems),
        arguments=arguments,
        exact=exact / len(arguments) if arguments else 0.0,
    )


def _searching(reading: Reading, profile: Profile) -> Fit:
    """The fit of a search engine to a question for knowledge: it covers whatever is asked."""
    return Fit(
        name=profile.name,
        asked=0.8,
        title=_share(profile.title, reading.stems),
        untold=0.1,
        summary=0.5,
        head=1.0,
        arguments=dict.fromkeys((parameter.name for parameter in profile.required), 1.0),
        exact=0.0,
    )


def _share(weights: Mapping[str, float], stems: frozenset[str]) -> float:
    total = sum(weights.values())
    return sum(heavy for word, heavy in weights.items() if word in stems) / total if total else 0.0
