"""What a text gives: the values that could become arguments or numbers to compute with."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from langchain_codeexec.planning.rules.words import NUMBER_WORDS, is_content

__all__ = ["Values", "values"]

_URL: Final = re.compile(r"\b(?:https?|ftp)://\S+|\bwww\.\S+")
_EMAIL: Final = re.compile(r"\b[\w.+-]+@[\w-]+\.[\w.]+\b")
_PATH: Final = re.compile(r"(?<![\w.])(?:[\w-]+[/\\])*[\w-]+\.[a-z][a-z0-9]{1,4}\b|(?<!\w)[/~]\w[\w./-]+")
_QUOTED: Final = re.compile(
    r"(?<!\w)'([^'\n]{1,400})'(?!\w)|\"([^\"\n]{1,400})\"|\u201c([^\u201d]{1,400})\u201d|`([^`\n]{1,400})`"
)
_IDENTIFIER: Final = re.compile(r"\b(?=\w*\d)(?=\w*[A-Za-z])(?!\d+(?:st|nd|rd|th|s|am|pm|k|kg|km|m|cm|g|h)\b)\w[\w-]*\w\b|\b\w+_\w+\b")
_NUMBER: Final = re.compile(r"(?<![\w.])[-+]?[$\u20ac\u00a3]?\d[\d,]*(?:\.\d+)?|(?<![\w.])\.\d+")
_MONTHS: Final = (
    "jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|"
    "oct(?:ober)?|nov(?:ember)?|dec(?:ember)?"
)
_DATE: Final = re.compile(
    rf"\b\d{{4}}[-/.]\d{{1,2}}(?:[-/.]\d{{1,2}})?\b|\b\d{{1,2}}[-/.]\d{{1,2}}[-/.]\d{{2,4}}\b"
    rf"|\b(?:{_MONTHS})\.?\s+\d|\b\d{{1,2}}(?:st|nd|rd|th)?(?:\s+of)?\s+(?:{_MONTHS})\b"
    r"|\b(?:mon|tues|wednes|thurs|fri|satur|sun)day\b|\b(?:today|tonight|tomorrow|yesterday)\b"
    r"|\b(?:next|last|this|coming|past|upcoming|previous)\s+(?:\d+\s+)?(?:day|week|weekend|month|year|hour|quarter)s?\b"
    r"|\b(?:in|year|since|of|from|until|by)\s+(?:1\d|20)\d\d\b|\b\d{1,2}(?::\d\d)?\s*[ap]\.?m\b|\b\d{1,2}:\d\d\b",
    re.IGNORECASE,
)
_NAME: Final = re.compile(r"[A-Z][\w'\u2019&-]*(?:\s+(?:(?:of|de|da|van|von|the|and)\s+)?[A-Z][\w'\u2019&-]*)*")
_SENTENCE_START: Final = re.compile(r"(?:^|[.!?:\n]\s*)[\"'(]*$")
_AFTER_PREPOSITION: Final = re.compile(r"\b(?:in|at|from|to|near|for|of|on|about)\s+([^\W\d_]{3,})", re.IGNORECASE)
_LIST: Final = re.compile(r"\[[^\]]*,[^\]]*\]|\b[\w.-]+,\s*[\w.-]+,?\s+(?:and|or)\s+\w|\b\d[\d.]*(?:\s*,\s*\d[\d.]*){2,}")
_ASSIGNED: Final = re.compile(r"\b([A-Za-z]\w{0,20})\s*(?:=|:)\s*['\"\[\-\d\w]")


@dataclass(frozen=True, slots=True)
class Values:
    """The values in a text, by kind.

    Attributes:
        numbers: How many numbers it holds, number words included.
        names: Capitalised names that do not merely begin a sentence.
        quoted: How many quoted strings.
        identifiers: Words mixing letters with digits or underscores.
        dates: How many dates, times of day or spans of time.
        emails: How many e-mail addresses.
        links: How many web addresses.
        paths: How many file names.
        lists: How many enumerations.
        assigned: Lower-case names that are given a value (`a=2`).
        objects: Words that follow a preposition.
    """

    numbers: int = 0
    names: int = 0
    quoted: int = 0
    identifiers: int = 0
    dates: int = 0
    emails: int = 0
    links: int = 0
    paths: int = 0
    lists: int = 0
    assigned: frozenset[str] = frozenset()
    objects: int = 0

    @property
    def words(self) -> int:
        """How many values could be a string argument."""
        return self.names + self.quoted + self.identifiers + self.emails + self.links + self.paths


def values(text: str, words: list[str]) -> Values:
    """Find the values in a text.

    Args:
        text: The text.
        words: Its words.
    """
    quoted = len(_QUOTED.findall(text))
    bare = _QUOTED.sub(" ", text) if quoted else text
    number_words = sum(word.lower() in NUMBER_WORDS for word in words)
    return Values(
        numbers=len(_NUMBER.findall(text)) + number_words,
        names=_names(bare),
        quoted=quoted,
        identifiers=len(_IDENTIFIER.findall(bare)),
        dates=len(_DATE.findall(text)),
        emails=len(_EMAIL.findall(text)),
        links=len(_URL.findall(text)),
        paths=len(_PATH.findall(text)),
        lists=len(_LIST.findall(text)),
        assigned=frozenset(name.lower() for name in _ASSIGNED.findall(text)),
        objects=sum(is_content(word.lower()) for word in _AFTER_PREPOSITION.findall(bare)),
    )


def _names(text: str) -> int:
    count = 0
    for found in _NAME.finditer(text):
        name = found[0]
        if _SENTENCE_START.search(text, max(0, found.start() - 4), found.start()):
            _, _, name = name.partition(" ")
        count += bool(name) and name not in {"I", "I'm", "I'd", "I'll", "I've"}
    return count
