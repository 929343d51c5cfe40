"""A question as the rules see it, read once for all functions."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from langchain_codeexec.planning.rules.concepts import concepts
from langchain_codeexec.planning.rules.values import Values, values
from langchain_codeexec.planning.rules.words import CALENDAR, content_stems, stem, text_words

__all__ = ["Reading", "read"]


@dataclass(frozen=True, slots=True)
class Reading:
    """A question.

    Attributes:
        text: As it was asked.
        words: Its words, in lower case.
        content: The stems that say something, each with its weight.
        burden: The same stems, each with what it weighs where it is not covered: a value is not to be covered
            but to become an argument, so it weighs little.
        stems: The stems of all its words, and their beginnings, so that `calc` is in `calculate`.
        telling: How many stems weigh fully.
        values: What it gives.
        asks: Whether it asks to know something.
    """

    text: str
    words: list[str]
    content: dict[str, float]
    burden: dict[str, float]
    stems: frozenset[str]
    telling: int
    values: Values
    asks: bool


def read(text: str) -> Reading:
    """Read a question; of a very long one, its beginning and its end, where what is asked mostly stands."""
    if len(text) > _HEAD + _TAIL:
        text = f"{text[:_HEAD]}\n{text[-_TAIL:]}"
    written = text_words(text)
    words = [word.lower() for word in written]
    content = content_stems(words)
    found = values(text, written)
    lighter = {
        **dict.fromkeys(_CALENDAR, 0.0),
        **dict.fromkeys(map(stem, found.spelled), _NAMED),
        **dict.fromkeys(map(stem, found.cited), 0.0),
    }
    burden = {word: heavy * lighter.get(word, 1) for word, heavy in content.items()}
    implied = concepts(text)
    content = {**dict.fromkeys(implied, 1.0), **content}
    stems = {*map(stem, words), *implied}
    beginnings = {word[:length] for word in stems for length in range(3, len(word))}
    telling = sum(heavy == 1 for heavy in burden.values())
    return Reading(
        text, words, content, burden, frozenset(stems | beginnings), telling, found, bool(_ASKS.search(text))
    )


_HEAD: Final = 3000
_TAIL: Final = 1000
_NAMED: Final = 0.25
_CALENDAR: Final = tuple(map(stem, CALENDAR))
_ASKS: Final = re.compile(
    r"^\W*(?:who|whose|when|where|why|which|what)\b"
    r"|\b(?:tell me|explain|search|look up|news|information|info) (?:about|on|for|of)\b"
    r"|\bsearch\b|\bnews\b",
    re.IGNORECASE,
)
