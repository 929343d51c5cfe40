"""String arguments, found by what their names promise."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from langchain_codeexec.emulator.rules.functions.evidence import PLACE, PROPER, QUOTED
from langchain_codeexec.emulator.rules.functions.words import name_words
from langchain_codeexec.emulator.rules.skills.arithmetic import expression_in
from langchain_codeexec.emulator.rules.skills.dates import DATE, parse_date

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from langchain_codeexec.emulator.rules.functions.evidence import Evidence

__all__ = ["free_text", "hinted_string"]

_LANGUAGES = (
    "english|french|german|spanish|italian|portuguese|dutch|swedish|polish|russian|chinese|japanese|korean"
    "|arabic|hindi|turkish|greek|latin|python|javascript|typescript|java|rust|go"
)
_CURRENCY_WORDS = {
    "dollar": "USD",
    "euro": "EUR",
    "pound": "GBP",
    "yen": "JPY",
    "franc": "CHF",
    "rupee": "INR",
    "yuan": "CNY",
}
_WEEKDAYS = "(?:mon|tues|wednes|thurs|fri|satur|sun)day"
_LOOSE_DATE = (
    rf"\b({DATE}|(?:next|this|last) (?:week|month|year|weekend|{_WEEKDAYS})|tonight|{_WEEKDAYS}"
    r"|(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]* \d{1,2}(?:st|nd|rd|th)?)\b"
)
_LOWER_PLACE = (
    r"\b(?:in|for|at|near)\s+(?!(?:the|my|a|an|this|me|it|celsius|fahrenheit)\b|\d)"
    r"([^\W\d_][\w' -]{1,40}?)\s*"
    r"(?:[?.!,]|$|\b(?:today|tomorrow|right now|now|this|next|on|at|and|using|with|please|in)\b)"
)
_REST = r"\s+(?:the\s+|information\s+|info\s+)?(.+?)\s*[?.!]*$"


def _first(*patterns: tuple[str, re.RegexFlag]) -> Callable[[Evidence], str | None]:
    def read(evidence: Evidence) -> str | None:
        found = next((value for pattern, flags in patterns if (value := evidence.take(pattern, flags))), None)
        return found and found.rstrip(".,;:?!'")

    return read


def _date(evidence: Evidence) -> str | None:
    """A date in ISO form if it is absolute, else as it was written."""
    written = evidence.take(_LOOSE_DATE)
    day = parse_date(written) if written else None
    return day.isoformat() if day else written


def _currency(evidence: Evidence) -> str | None:
    written = evidence.take(rf"\b(?-i:([A-Z]{{3}}))\b|\b({'|'.join(_CURRENCY_WORDS)})s?\b")
    return _CURRENCY_WORDS.get(written.lower(), written) if written else None


def _expression(evidence: Evidence) -> str | None:
    written = evidence.take(r"(?<![\w.])([-(\d][\d\s.+\-*/^()%]*[-+*/^%][\d\s.+\-*/^()%]*[\d)])")
    return written if written and expression_in(written) is not None else None


def _place(*prepositions: str) -> Callable[[Evidence], str | None]:
    before = "|".join(prepositions)
    return _first(
        (rf"\b(?:{before})\s+({PLACE})", re.NOFLAG),
        (_LOWER_PLACE if "in" in prepositions else rf"\b(?:{before})\s+([a-z]+)\b", re.IGNORECASE),
    )


class _Hint(NamedTuple):
    words: frozenset[str]
    read: Callable[[Evidence], str | None]


def _hint(words: str, read: Callable[[Evidence], str | None]) -> _Hint:
    return _Hint(frozenset(words.split()), read)


_NOFLAG = re.NOFLAG
_HINTS = (
    _hint("email mail recipient to cc", _first((r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+", _NOFLAG))),
    _hint(
        "url link website uri webpage",
        _first((r"https?://[^\s,;\"'<>]+|\bwww\.[^\s,;\"'<>]+", re.IGNORECASE)),
    ),
    _hint("phone telephone mobile", _first((r"\+?\d[\d\s().-]{6,}\d", _NOFLAG))),
    _hint("currency currencies", _currency),
    _hint("date day birthday deadline when checkin checkout", _date),
    _hint(
        "time hour",
        _first(
            (
                r"\b\d{1,2}(?::\d{2})?\s*(?:am|pm|o'clock)\b|\b\d{1,2}:\d{2}\b|\bnoon\b|\bmidnight\b",
                re.IGNORECASE,
            )
        ),
    ),
    _hint("origin source departure start", _place("from", "between", "leaving")),
    _hint("destination target arrival end", _place("to", "and", "towards")),
    _hint(
        "location city place town country address region state area capital",
        _place("in", "at", "for", "near", "of", "to", "from", "around", "visit"),
    ),
    _hint(
        "symbol ticker stock",
        _first((r"\b(?!I\b|A\b)([A-Z]{1,5})\b", _NOFLAG), (rf"\b(?:of|for)\s+({PROPER})", _NOFLAG)),
    ),
    _hint("language lang", _first((rf"\b({_LANGUAGES})\b", re.IGNORECASE))),
    _hint("expression equation formula", _expression),
    _hint(
        "name customer person user username author artist company employee patient student team player "
        "product",
        _first(
            (rf"\b(?:[Nn]amed|[Cc]alled)\s+(?:{QUOTED}|({PROPER}))", _NOFLAG),
            (rf"^({PROPER})(?=,|\s+(?:is|was|lives|likes|has|works)\b)", _NOFLAG),
            (rf"\b(?:for|by|with|of|to|is|about|[Cc]ustomer|[Uu]ser)\s+(?:{QUOTED}|({PROPER}))", _NOFLAG),
        ),
    ),
    _hint(
        "id identifier code number reference",
        _first((r"#([\w-]*\d[\w-]*)|\b((?=[A-Za-z-]*\d)[A-Za-z]*-?\d[\w-]*)\b", _NOFLAG)),
    ),
    _hint("description details notes note", _first((r"\s[-:]\s+(.+?)\s*\.?$", _NOFLAG))),
    _hint(
        "topic subject keyword keywords term query search",
        _first(
            (QUOTED, re.IGNORECASE),
            (rf"\b(?:about|regarding|on){_REST}", re.IGNORECASE),
            (rf"\bfor{_REST}", re.IGNORECASE),
        ),
    ),
)
_FREE_NAMES = """
query question text prompt input message task request instruction instructions search sentence content
description details
"""
_FREE = frozenset(_FREE_NAMES.split())


def hinted_string(evidence: Evidence, name: str, schema: Mapping[str, Any]) -> str | None:
    """A string whose kind the parameter's name, or its format, tells."""
    words = set(name_words(name)) | {str(schema.get("format", ""))}
    return next((value for hint in _HINTS if hint.words & words and (value := hint.read(evidence))), None)


def free_text(name: str) -> bool:
    """Whether a parameter takes running text, so that the question itself is a fair argument."""
    return bool(_FREE & set(name_words(name)))
