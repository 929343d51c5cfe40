"""Adjectives that measure something, and their degrees."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple, TypeAlias, get_args

__all__ = ["Adjective", "adjective", "base_of"]

Degree: TypeAlias = Literal["positive", "comparative", "superlative"]
_DEGREES: tuple[Degree, ...] = get_args(Degree)


class Adjective(NamedTuple):
    """One degree of an adjective.

    Attributes:
        idea: What it measures; empty where it fits every quantity.
        sign: 1 for much of it, -1 for little.
        degree: Which of its forms it is.
    """

    idea: str
    sign: int
    degree: Degree


_ADJECTIVE_LINES = """
mass + heavy massive
mass - light
length + long
length - short
height + high tall
height - low
depth + deep
depth - shallow
breadth + wide broad
breadth - narrow
distance + far distant
distance - near close
density + dense
temperature + hot warm
temperature - cold cool
velocity + fast
velocity - slow
population + populous
size + large big great huge
size - small tiny little
year + late recent new
year - early
price + expensive
price - cheap
born - old
born + young
any + strong
any - weak
"""
_IRREGULAR = {
    "more": Adjective("", 1, "comparative"),
    "most": Adjective("", 1, "superlative"),
    "less": Adjective("", -1, "comparative"),
    "fewer": Adjective("", -1, "comparative"),
    "least": Adjective("", -1, "superlative"),
    "fewest": Adjective("", -1, "superlative"),
    "farther": Adjective("distance", 1, "comparative"),
    "further": Adjective("distance", 1, "comparative"),
    "farthest": Adjective("distance", 1, "superlative"),
    "furthest": Adjective("distance", 1, "superlative"),
    "maximum": Adjective("", 1, "superlative"),
    "minimum": Adjective("", -1, "superlative"),
    "oldest": Adjective("born", -1, "superlative"),
}


def _forms(base: str) -> tuple[str, str, str]:
    root = base
    if base.endswith("y"):
        root = f"{base[:-1]}i"
    elif base.endswith("e"):
        root = base[:-1]
    elif re.fullmatch(r"[^aeiou]+[aeiou][bdgnt]", base):
        root = base + base[-1]
    return base, f"{root}er", f"{root}est"


def _all_forms() -> dict[str, Adjective]:
    found = dict(_IRREGULAR)
    for line in _ADJECTIVE_LINES.strip().splitlines():
        idea, sign, *bases = line.split()
        for base in bases:
            for degree, form in zip(_DEGREES, _forms(base), strict=True):
                found.setdefault(form, Adjective("" if idea == "any" else idea, int(f"{sign}1"), degree))
    return found


_FORMS = _all_forms()


def base_of(word: str) -> str:
    """`heavy` for `heavier`; any other word as it is."""
    found = _FORMS.get(word)
    if found is None or found.degree == "positive":
        return word
    return next((base for base, other in _FORMS.items() if other == found._replace(degree="positive")), word)


def adjective(word: str) -> Adjective | None:
    """The adjective that a word is a degree of."""
    return _FORMS.get(word.lower())
