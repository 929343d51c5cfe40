"""A question as the rules see it, read once for all functions."""

from __future__ import annotations

from dataclasses import dataclass

from langchain_codeexec.planning.rules.values import Values, values
from langchain_codeexec.planning.rules.words import content_stems, stem, text_words

__all__ = ["Reading", "read"]


@dataclass(frozen=True, slots=True)
class Reading:
    """A question.

    Attributes:
        text: As it was asked.
        words: Its words, in lower case.
        content: The stems that say something, each with its weight.
        stems: The stems of all its words.
        values: What it gives.
    """

    text: str
    words: list[str]
    content: dict[str, float]
    stems: frozenset[str]
    values: Values


def read(text: str) -> Reading:
    """Read a question."""
    written = text_words(text)
    words = [word.lower() for word in written]
    return Reading(text, words, content_stems(words), frozenset(map(stem, words)), values(text, written))
