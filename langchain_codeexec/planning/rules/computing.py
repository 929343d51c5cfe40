"""Whether a question can be computed from what it gives, or asks for what Python cannot know."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from langchain_codeexec.planning.rules.reading import Reading

__all__ = ["evidence", "operations"]

_QUANTITY_ASKED: Final = re.compile(
    r"\bhow (?:many|much|long|far|old|tall|fast|big|large|heavy|often)\b"
    r"|\bwhat (?:is|was|are|will be) the (?:\w+ ){0,2}"
    r"(?:total|sum|average|mean|median|difference|product|ratio|percent\w*|probability|number|cost|price|amount|"
    r"profit|area|volume|length|distance|speed|age|weight|value|remainder)\b|\bin total\b|\baltogether\b",
    re.IGNORECASE,
)
_OPERATION: Final = frozenset(
    """
sum add added plus minus subtract multiply multiplied divide divided times product difference ratio average
mean median mode variance deviation percent percentage fraction half twice double triple square squared root
power exponent factorial fibonacci prime primes factor factors divisor multiple modulo remainder derivative
integral equation polynomial logarithm log sine cosine tangent sin cos tan matrix determinant vector
probability permutation permutations combination combinations binomial regression correlation standard sort
sorted reverse reversed count palindrome anagram hexadecimal binary decimal octal volume area perimeter
circumference radius diameter quadratic linear interest compounded compound solve simplify factorize
differentiate integrate compute calculate
""".split()
)
_AGGREGATES: Final = frozenset(
    """
total totals altogether compare convert cheaper difference change increase decrease plot chart
""".split()
)
_FORMULA: Final = re.compile(
    r"\d\s*[-+*/^\u00d7\u00f7]\s*\d|\w\s*\^\s*\d|\*\*|\b\d+!|\b[a-z]\s*\([a-z]\)\s*="
    r"|\b\d*[a-z]\s*[-+*]\s*\d|\b[a-z]\s*=\s*-?\d"
    r"|\d\s?(?:%|percent) (?:of|off|on|from) |\b(?:sqrt|sin|cos|tan|log|ln|exp)\s*\(",
    re.IGNORECASE,
)
_UNIT: Final = (
    r"(?:km|kilomet(?:er|re)s?|miles?|met(?:er|re)s?|feet|foot|inch(?:es)?|yards?|cm|mm|kg|kilograms?|pounds?|"
    r"lbs|ounces?|grams?|lit(?:er|re)s?|gallons?|celsius|fahrenheit|kelvin|seconds?|minutes?|hours?|days?|"
    r"bytes?|[kmg]b|radians?|degrees?|binary|hexadecimal|octal|decimal|roman numerals?)"
)
_CONVERSION: Final = re.compile(
    rf"\d[^.?!]{{0,60}}?\b(?:in|into|to)\s+(?:degrees\s+)?{_UNIT}\b", re.IGNORECASE
)
_STRING_WORK: Final = re.compile(
    r"\b(?:reverse[ds]?|sort(?:ed)?|alphabeti\w+|encode[ds]?|decode[ds]?|upper ?case|lower ?case|capitali[sz]e|"
    r"palindromes?|anagrams?|vowels?|consonants?|letters?|characters?|base64|hash|sha256|md5|hexadecimal|regex\w*|"
    r"substring|word count|count the words)\b",
    re.IGNORECASE,
)
_STORY: Final = re.compile(r"\b(?:he|she|they|his|her|their|him|them)\b", re.IGNORECASE)
_NOW: Final = re.compile(
    r"\b(?:now|current|currently|today|tonight|tomorrow|yesterday|latest|recent|recently|upcoming|nearby|"
    r"nearest|closest|live|news|weather|forecast|(?:this|next) (?:week|month|year|weekend)|near me)\b",
    re.IGNORECASE,
)
_MINE: Final = re.compile(r"\b(?:my|our|i need|i want|i would|i['\u2019]d)\b", re.IGNORECASE)
_KNOWLEDGE: Final = re.compile(
    r"^\W*(?:who|whose|when|where|why|which|what(?:'s| is| are| was| were| does| did)?|"
    r"how (?:do|does|can|should|to|is|are))\b",
    re.IGNORECASE,
)
_WHO: Final = re.compile(r"^\W*(?:who|whose|whom|when|where|why)\b", re.IGNORECASE)
_STATEMENT: Final = re.compile(
    r"^\W*(?:the|a|an|this|that|there|it|he|she|they|[A-Z]\w+ [A-Z]\w+|\w+ (?:is|are|was|were))\b"
)
_REQUEST: Final = re.compile(
    r"\?|\b(?:please|want|need|like to|help|what|which|who|when|where|why|how|can you|"
    r"could you|find|calculate|compute)\b",
    re.IGNORECASE,
)
_OPINION: Final = re.compile(
    r"\b(?:best(?!-)|recommend\w*|suggest\w*|favou?rite|famous|good|popular|meaning|mean by|explain|"
    r"why|should i)\b",
    re.IGNORECASE,
)


_IN_STEPS: Final = re.compile(
    r"\b(?:then|after that|afterwards|and|next|finally)\W+(?:please\s+)?(?:compute|calculate|work out|add|sum|"
    r"multiply|divide|subtract|average|total|convert|plot|compare)\b",
    re.IGNORECASE,
)


def operations(reading: Reading) -> list[str]:
    """The words of computing in a question, each once, in order."""
    return list(dict.fromkeys(word for word in reading.words if word in _OPERATION or word in _AGGREGATES))


def evidence(reading: Reading) -> dict[str, float]:
    """Named shares of evidence, each from 0 to about 1."""
    text, found = reading.text, reading.values
    words = max(1, len(reading.words))
    formula = bool(_FORMULA.search(text) or _CONVERSION.search(text))
    worked = sum(word in _OPERATION for word in reading.words)
    asked = bool(_QUANTITY_ASKED.search(text))
    given = found.quantities + (found.dates if asked else 0)
    return {
        "numbers": min(given, 6) / 6,
        "any_number": float(given > 0),
        "two_numbers": float(given > 1),
        "quantity": float(asked),
        "worked": float(worked > 0 and given > 0),
        "operations": min(3, worked) / 3,
        "string_work": float(
            bool(_STRING_WORK.search(text) and (found.quoted or found.lists or ":" in text))
        ),
        "formula": float(formula),
        "story": min(3, len(_STORY.findall(text))) / 3,
        "length": min(words, 60) / 60,
        "now": float(bool(_NOW.search(text))),
        "mine": float(bool(_MINE.search(text))),
        "knowledge": float(bool(_KNOWLEDGE.search(text))),
        "who": float(bool(_WHO.search(text))),
        "statement": float(bool(_STATEMENT.search(text)) and not _REQUEST.search(text)),
        "opinion": float(bool(_OPINION.search(text))),
        "names": min(found.names, 3) / 3,
        "marked": min(3, found.quoted + found.identifiers + found.links + found.emails + found.paths) / 3,
        "in_steps": float(bool(_IN_STEPS.search(text))),
        "foreign": float(sum(word.isascii() for word in reading.words) < 0.7 * words),
    }
