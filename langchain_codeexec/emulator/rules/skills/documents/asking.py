"""What a question wants done with figures, by the words that say so."""

from __future__ import annotations

import re
from dataclasses import dataclass

from langchain_codeexec.emulator.rules.phrasing import phrase
from langchain_codeexec.emulator.rules.skills.documents.adjectives import adjective
from langchain_codeexec.emulator.rules.skills.documents.cues import AGGREGATES, BINARY, first_of
from langchain_codeexec.emulator.rules.skills.documents.measures import Unit, unit_in
from langchain_codeexec.emulator.rules.skills.documents.words import Word, words

__all__ = ["Asked", "Superlative", "asked"]

_SPOKEN_FOR = phrase(  # what the cues have read already
    r"(?<=\byears )(?:passed|elapsed|went by|go by|before|after|lie|lay)\b(?! \d)",
    r"\b(?:minus|plus)\b",
    r"\b(?:rank(?:s|ed|ing)?|separates?)\b",
)
_THAN_NUMBER = phrase(r"\s+than\s+[\d.]")
_MUCH = phrase(r"\bhow (?:much|many)\b|\bby (?:how|what)\b|\bthan\b")
_EXCEPT = phrase(
    r"\b(?:excluding|except(?: for)?|other than|without|apart from|leaving out|ignoring|besides)\b"
)
_NOT_MEANT = phrase(
    r"\b(?:correlat|regress|predict|forecast|project(?:ed|ion)|extrapolat|estimat|trend|weighted|logarithm"
    r"|squared|square root|probabilit|variance|quartile|percentile"
    r"|plot|chart|draw|graph|poem|essay|why|explain|summar)\w*"
    r"|\b(?:not|never|neither|nor|if|assuming|suppose|would)\b"
)
_RANKED = phrase(
    r"\b(?:(?P<count>\d+) (?:most )?(?P<one>\w+)|top (?P<top>\d+)"
    r"|(?:which|what)(?: are the)? (?P<some>\d+) \w+(?: \w+){1,3} (?:most )?(?P<last>\w+)"
    r"|(?P<nth>second|third|\d+(?:st|nd|rd|th))[- ](?:most )?(?P<other>\w+))\b"
)
_CHOICE = phrase(r"^\W*(?:which|what|who|whose)\b(?!.*\bthan\b).*\bor\b")
_ORDINALS = {"second": 2, "third": 3}
_PER = phrase(r"\b(?:per|for each|for every)\b(?: (?:capita|person|head|inhabitant|resident))?")


@dataclass(frozen=True, slots=True)
class Superlative:
    """A wish for the rows that have most or least of something.

    Attributes:
        sign: 1 for most, -1 for least.
        index: Index of the word that says so.
        nth: 2 for the second in order.
        count: How many from there on.
    """

    sign: int
    index: int
    nth: int = 1
    count: int = 1


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with what it wants done.

    Attributes:
        text: The question.
        words: Its words.
        binary: How two figures are compared; empty for no comparison.
        aggregate: How many figures become one; empty where nothing says so.
        comparative: 1 for `heavier than`, -1 for `lighter than`, 0 for neither.
        superlative: The rows with most or least; `None` where nothing says so.
        lasts: Whether it asks how long something lasted.
        counts: Whether it asks how many there are of something.
        per: Index of the word before what is divided by; -1 for no quotient.
        excludes: Index of the word after which exceptions stand; -1 for none.
        unit: The unit the answer is wanted in.
        spoken_for: Indices of the words that this reading has used up.
    """

    text: str
    words: tuple[Word, ...]
    binary: str
    aggregate: str
    comparative: int
    superlative: Superlative | None
    lasts: bool
    counts: bool
    per: int
    excludes: int
    unit: Unit | None
    spoken_for: frozenset[int]


def asked(text: str) -> Asked | None:
    """Read what a question wants done; `None` for a wish that no rule here can meet."""
    every = words(text)
    if not every or _NOT_MEANT.search(text):
        return None
    wanted = unit_in(text)
    superlative, ranked = _superlative(text, every)
    spoken = set(ranked)
    if wanted:
        spoken |= {index for index, word in enumerate(every) if wanted[1] <= word.start < wanted[2]}
    spoken |= {index for index, word in enumerate(every) if _SPOKEN_FOR.match(text, word.start)}
    place, comparative = _comparative(text, every)
    binary = _binary(text, every, comparative)
    if comparative and not binary:  # `which is longer, A or B` asks for the longest of two
        if superlative or not _CHOICE.search(text):
            return None
        superlative, comparative = Superlative(comparative, place), 0
    if _has_both_ends(every) and not first_of(BINARY, text):
        return None  # `which continent's highest mountain is the lowest`
    return Asked(
        text=text,
        words=every,
        binary=binary,
        aggregate=_aggregate(text, every),
        comparative=comparative,
        superlative=superlative,
        lasts=bool(re.search(r"\bhow (?:many years|long|old)\b", text, re.IGNORECASE)),
        counts=bool(re.search(r"\bhow many\b|\bnumber of\b|\bcount\b", text, re.IGNORECASE)),
        per=_index(_PER, text, every),
        excludes=_index(_EXCEPT, text, every),
        unit=wanted[0] if wanted else None,
        spoken_for=frozenset(spoken),
    )


def _comparative(text: str, every: tuple[Word, ...]) -> tuple[int, int]:
    """Place and sign of the adjective that compares two things; none is compared by `more than 10`."""
    for index, word in enumerate(every):
        how = adjective(word.text)
        if how and how.degree == "comparative" and not _THAN_NUMBER.match(text, word.end):
            return index, how.sign
    return -1, 0


def _binary(text: str, every: tuple[Word, ...], comparative: int) -> str:
    kind = first_of(BINARY, text)
    if comparative and kind in {"share", "percent change"}:
        return "percent more"
    if not kind and comparative and _MUCH.search(text):
        return "difference"
    return "" if kind == "difference" and _has_both_ends(every) else kind


def _has_both_ends(every: tuple[Word, ...]) -> bool:
    """Whether it speaks of the most and of the least: `the highest and the lowest`."""
    hows = [how for word in every if (how := adjective(word.text)) and how.degree == "superlative"]
    return len({how.sign for how in hows}) > 1


def _aggregate(text: str, every: tuple[Word, ...]) -> str:
    if _has_both_ends(every):
        return "range"
    places = {found.start(): cue.kind for cue in AGGREGATES if (found := cue.words.search(text))}
    return places[min(places)] if places else ""


def _index(pattern: re.Pattern[str], text: str, every: tuple[Word, ...]) -> int:
    found = pattern.search(text)
    return -1 if found is None else next(i for i, word in enumerate(every) if word.start >= found.start())


def _superlative(text: str, every: tuple[Word, ...]) -> tuple[Superlative | None, set[int]]:
    found = ((index, adjective(word.text)) for index, word in enumerate(every))
    superlatives = [(index, how) for index, how in found if how and how.degree == "superlative"]
    if not superlatives:
        return None, set()
    index, how = superlatives[-1]  # `the maximum speed of the longest`
    for rank in _RANKED.finditer(text):
        if rank.start() <= every[index].start <= rank.end() + len("most "):
            used = {i for i in range(index) if rank.start() <= every[i].start < rank.end()}
            nth = rank["nth"] or ""
            place = _ORDINALS.get(nth.lower()) or int(re.sub(r"\D", "", nth) or 1)
            return Superlative(
                how.sign, index, place, int(rank["count"] or rank["top"] or rank["some"] or 1)
            ), used
    return Superlative(how.sign, index), set()
