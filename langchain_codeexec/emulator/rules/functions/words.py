"""Words of names and questions, made comparable."""

from __future__ import annotations

import re
from functools import lru_cache

__all__ = ["name_words", "stem", "stems"]

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[\W_]+")
_WORD = re.compile(r"[^\W_]+")
_ENDING_LIST = "ations ation ators ator ings ing ions ion ers er ies ed es s e y"
_ENDINGS = tuple(_ENDING_LIST.split())
_SHORTEST_STEM = 3
_STOP_WORD_LIST = """
a an the and or but if of in on at to for from by with without about as is are was were be been being am do does
did can could will would shall should may might must i me my you your he she it its we us our they them their
this that these those there here what which who whom whose when where why how much many please tell give show let
know want need like use using used uses user function tool tools call value values result return returns returned
given get gets some any all each every other into out up down over than then so not no yes also just only between
it's specific based provided optional default parameter input output string integer number list true false type
data information details one two
"""
_STOP_WORDS = frozenset(_STOP_WORD_LIST.split())
# Signs that say what a function does as well as a word would.
_SIGNS = {
    "+": "add sum plus",
    "*": "multiply product times",
    "-": "subtract minus",
    "/": "divide",
    "^": "power",
}
_SIGN_BETWEEN_NUMBERS = re.compile(r"(?<=\d)\s*([-+*/^])\s*(?=\d)")


@lru_cache(maxsize=1024)
def name_words(name: str) -> tuple[str, ...]:
    """The words of an identifier in lower case: `getUser_city` gives `get`, `user`, `city`."""
    return tuple(word.lower() for word in _CAMEL.split(name) if word)


@lru_cache(maxsize=1024)
def stems(text: str) -> frozenset[str]:
    """The stems of a text's content words; signs between numbers count as the words for them."""
    signs = " ".join(_SIGNS[sign] for sign in _SIGN_BETWEEN_NUMBERS.findall(text))
    words = (word.lower() for word in _WORD.findall(f"{text} {signs}"))
    return frozenset(
        stem(word) for word in words if word not in _STOP_WORDS and (len(word) > 1 or not word.isascii())
    )


def stem(word: str) -> str:
    """A word in lower case without its ending."""
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST_STEM:
            return word.removesuffix(ending)
    return word
