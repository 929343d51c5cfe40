"""What a question wants done with figures, by the words that say so."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

from langchain_codeexec.emulator.rules.phrasing import phrase
from langchain_codeexec.emulator.rules.skills.documents.adjectives import adjective
from langchain_codeexec.emulator.rules.skills.documents.measures import Unit, unit_in
from langchain_codeexec.emulator.rules.skills.documents.words import Word, words

__all__ = ["Asked", "Superlative", "asked"]

_CHANGED = r"(?:chang|increas|decreas|gr[eo]w|ris[ei]|rose|f[ae]ll|drop|shr[aiu]nk|declin|los[et]|gain)\w*"
_PERCENT = r"(?:percent(?:age)?s?|per cent|%)"


_BETWEEN = (
    r"(?:(?:are|were|was|is|there|did|have|had|passed|elapsed|went by|lie|lay) )*"
    r"(?:between|before|after)\b(?! \d)"
)
_PASSED = phrase(
    r"(?<=\byears )(?:passed|elapsed|went by|go by|before|after|lie|lay)\b(?! \d)",
    r"\b(?:minus|plus)\b",
    r"\brank(?:s|ed|ing)?\b",
)


class _Cue(NamedTuple):
    kind: str
    words: re.Pattern[str]


def _cue(kind: str, *alternatives: str) -> _Cue:
    return _Cue(kind, phrase(*(rf"\b(?:{one})" for one in alternatives)))


# The first that is found says how figures are brought together.
_BINARY = (
    _cue("percent change", rf"{_PERCENT}\b.*\b{_CHANGED}", rf"{_CHANGED}\b.*\b{_PERCENT}", r"growth rate\b"),
    _cue("share", rf"{_PERCENT}(?!\w)", r"(?:share|fraction|proportion)\b"),
    _cue("ratio", r"ratios?\b", r"(?:how many )?times\b", r"factor\b", r"divided? .*\bby\b", r"fold\b"),
    _cue(
        "difference",
        r"differences?\b",
        r"minus\b",
        r"subtract\b",
        rf"how many years {_BETWEEN}",
        r"between\b.*\bhow many years\b",
        r"by how (?:much|many)\b",
        r"how (?:much|many) .*\bexceeds?\b",
        rf"how (?:much|many) .*\b{_CHANGED}",
        r"gap between\b",
        r"apart\b",
    ),
)
_AGGREGATES = (
    _cue("range", r"range\b"),
    _cue("median", r"median\b"),
    _cue("stdev", r"standard deviation\b"),
    _cue("mean", r"average\b", r"mean\b"),
    _cue(
        "sum",
        r"total\b",
        r"sum\b",
        r"combined\b",
        r"(?:al)?together\b",
        r"in all\b",
        r"overall\b",
        r"add up\b",
        r"plus\b",
    ),
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
    spoken |= {index for index, word in enumerate(every) if _PASSED.match(text, word.start)}
    place, comparative = _comparative(text, every)
    binary = _binary(text, every, comparative)
    if comparative and not binary:  # `which is longer, A or B` asks for the longest of two
        if superlative or not _CHOICE.search(text):
            return None
        superlative, comparative = Superlative(comparative, place), 0
    if _has_both_ends(every) and not _first(_BINARY, text):
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
    kind = _first(_BINARY, text)
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
    places = {found.start(): cue.kind for cue in _AGGREGATES if (found := cue.words.search(text))}
    return places[min(places)] if places else ""


def _first(cues: tuple[_Cue, ...], text: str) -> str:
    return next((cue.kind for cue in cues if cue.words.search(text)), "")


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
