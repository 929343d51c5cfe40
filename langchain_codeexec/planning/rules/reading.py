"""A question as the rules see it, read once for all functions."""

from __future__ import annotations

from dataclasses import dataclass

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
        topic: The first stems that say something fully: what is asked about, mostly.
        values: What it gives.
    """

    text: str
    words: list[str]
    content: dict[str, float]
    burden: dict[str, float]
    stems: frozenset[str]
    topic: tuple[str, ...]
    values: Values


def read(text: str) -> Reading:
    """Read a question."""
    written = text_words(text)
    words = [word.lower() for word in written]
    content = content_stems(words)
    found = values(text, written)
    lighter = {**dict.fromkeys(_CALENDAR, 0.0), **dict.fromkeys(map(stem, found.spelled), _NAMED), **dict.fromkeys(map(stem, found.cited), 0.0)}
    burden = {word: heavy * lighter.get(word, 1) for word, heavy in content.items()}
    implied = concepts(text)
    content = {**dict.fromkeys(implied, 1.0), **content}
    stems = {*map(stem, words), *implied}
    beginnings = {word[:length] for word in stems for length in range(3, len(word))}
    topic = [word for word, heavy in burden.items() if heavy == 1][:3]
    return Reading(text, words, content, burden, frozenset(stems | beginnings), tuple(topic), found)


_NAMED = 0.25
_CALENDAR = tuple(map(stem, CALENDAR))
