"""Requests of several steps, of which some are to be computed: "look up x, compute y, then order z"."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

__all__ = ["Steps", "steps"]

_BREAK: Final = re.compile(
    r"(?:[,;]\s*(?:and\s+)?(?:then\s+)?|\.\s+(?:then\s+)?|\s+(?:and\s+)?then\s+|\s+and\s+(?=[a-z]+\s))",
    re.IGNORECASE,
)
_COMPUTING: Final = re.compile(
    r"^\W*(?:please\s+)?(?:compute|calculate|work out|figure out|evaluate|solve|simulate|add|sum|multiply|divide|"
    r"subtract|average|convert|plot|draw|chart|graph)\b",
    re.IGNORECASE,
)


_ORDER: Final = re.compile(r"\W*[a-z]+\s+\S", re.IGNORECASE)
"""At least a word and something it is about; the rest of a list of numbers is none."""

_LONGEST: Final = 400
"""Characters from which on a text is a story, not a list of orders."""


@dataclass(frozen=True, slots=True)
class Steps:
    """A request by its steps.

    Attributes:
        computing: Steps that begin with an order to compute.
        others: All other steps.
    """

    computing: tuple[str, ...]
    others: tuple[str, ...]


def steps(text: str) -> Steps:
    """The steps of a request, in order; none for a text too long to be a list of orders."""
    if len(text) > _LONGEST:
        return Steps((), ())
    clauses = [clause for clause in _BREAK.split(text) if _ORDER.match(clause)]
    computing = tuple(clause for clause in clauses if _COMPUTING.search(clause))
    return Steps(computing, tuple(clause for clause in clauses if clause not in computing))
