"""Words of questions and of declarations, made comparable: split, stemmed, weighed.

The word lists are closed classes of English (function words, words of asking, number words), so they say
nothing about any subject: a subject is known only by what the user's functions declare.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

__all__ = [
    "CALENDAR",
    "NUMBER_WORDS",
    "content_stems",
    "is_content",
    "name_words",
    "stem",
    "text_words",
    "weight",
]

_WORD: Final = re.compile(r"[^\W\d_]+|\d+(?:[.,:/-]\d+)*(?:st|nd|rd|th)?(?![^\W\d_])|\d+")
_HUMP: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W\d_A-Za-z]+|\d+")

_FUNCTION_WORDS: Final = frozenset(
    """
a an the this that these those some any all each every both either neither no not none one ones other
another such own same so than too very just also only even still yet already again once ever never i me my
mine myself we us our ours you your yours he him his she her hers it its they them their theirs who whom
whose which what when where why how whether if then else because while until unless though of in on at to
for from by with without about as into onto over under between among through during before after above below
against within across per via upon off out up down toward towards around near and or but nor is are was were
be been being am do does did done doing have has had having can could will would shall should may might must
let lets get gets got us st nd rd th s t re ve ll d m don doesn didn isn aren wasn weren won wouldn couldn shouldn
there here now today please thanks thank hello hi hey ok okay yes much many more most less least few several lot
lots bit
""".split()
)

_ASKING_WORDS: Final = frozenset(
    """
find show tell give fetch retrieve return provide look search list display check see know want need like
help obtain determine identify calculate compute evaluate estimate figure solve work make create generate
perform use using used based given specified specific particular certain following provided various
different available related associated information info detail details data result results value values
number amount type kind name id set query question request requested user users function tool api input
output parameter parameters option optional default format example e g etc i.e allows allow
including include includes according current new
existing multiple single two total possible main want bring take go happen try let able say says said
please would could
""".split()
)

NUMBER_WORDS: Final = frozenset(
    """
two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen
eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand million billion
dozen half third quarter twice thrice double triple
""".split()
)

_INFLECTIONS: Final = ("ings", "ing", "ies", "ied", "ed", "es", "s", "e", "y")
_DERIVATIONS: Final = (
    "ization",
    "isation",
    "ments",
    "ment",
    "ions",
    "ion",
    "ors",
    "or",
    "ers",
    "er",
    "ly",
    "al",
)
_SHORTEST: Final = 3
_SHORTEST_DERIVED: Final = 4
_LONGEST: Final = 6

_VERBAL: Final = ("ing", "ed")

_ASKING_WEIGHT: Final = 0.15
CALENDAR: Final = frozenset(
    """january february march april may june july august september october november december
    monday tuesday wednesday thursday friday saturday sunday""".split()
)


@lru_cache(maxsize=16384)
def stem(word: str) -> str:
    """A word without its inflection and its commonest derivations.

    Examples:
        >>> stem("calculating") == stem("calculation") == stem("Calculator")
        True
    """
    word = word.lower()
    if not word.isascii() or not word.isalpha():
        return word
    word = _without(word, _INFLECTIONS, _SHORTEST)
    word = _without(word, _DERIVATIONS, _SHORTEST_DERIVED)
    return _without(word, ("at",), _SHORTEST_DERIVED)[:_LONGEST]


def _without(word: str, endings: tuple[str, ...], shortest: int) -> str:
    for ending in endings:
        if word.endswith(ending) and len(word) - len(ending) >= shortest:
            return word[: -len(ending)]
    return word


def text_words(text: str) -> list[str]:
    """The words and numbers of a text, in order, as they are written."""
    return _WORD.findall(text)


def name_words(name: str) -> list[str]:
    """The words of a name in camelCase, snake_case or dotted.pieces, in lower case."""
    return [word.lower() for word in _HUMP.findall(name)]


def is_content(word: str) -> bool:
    """Whether a lower-case word says something of its own."""
    return word not in _FUNCTION_WORDS and (len(word) > 1 or not word.isascii())


@lru_cache(maxsize=16384)
def weight(word: str) -> float:
    """How much a lower-case word says about a subject, from 0 to 1."""
    if not is_content(word) or word[0].isdigit():
        return 0.0
    known = word in _ASKING_WORDS or _without(word, _VERBAL, _SHORTEST) in _ASKING_WORDS
    return _ASKING_WEIGHT if known else 1.0


def content_stems(words: list[str]) -> dict[str, float]:
    """The stems of the words that say something, each with its weight."""
    found: dict[str, float] = {}
    for word in words:
        lower = word.lower()
        if heavy := weight(lower):
            found.setdefault(stem(lower), heavy)
    return found
