"""Whether a question can be computed from what it gives, or asks for what Python cannot know."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from langchain_codeexec.planning.rules.reading import Reading

__all__ = ["evidence"]

_QUANTITY_ASKED: Final = re.compile(
    r"\bhow (?:many|much|long|far|old|tall|fast|big|large|heavy|often)\b|\bwhat (?:is|was|are|will be) the (?:\w+ ){0,2}"
    r"(?:total|sum|average|mean|median|difference|product|ratio|percent\w*|probability|number|cost|price|amount|profit|"
    r"area|volume|length|distance|speed|age|weight|value|remainder)\b|\bin total\b|\baltogether\b",
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
_RATE: Final = re.compile(
    r"\b(?:each|every|per|a|an) (?:\w+ )?(?:day|week|month|year|hour|minute|second|dozen|pound|ounce|mile|gallon|person|one)\b"
    r"|\bper\b|\beach\b|\bapiece\b|%|\bpercent\b|\b\d+/\d+\b|\btimes (?:as|more)\b|\bas (?:many|much)\b"
    r"|\b(?:more|less|fewer|older|younger|longer|taller) than\b|\b(?:half|twice|double|triple|thrice|third|quarter)\b",
    re.IGNORECASE,
)
_FORMULA: Final = re.compile(
    r"\d\s*[-+*/^\u00d7\u00f7]\s*\d|\w\s*\^\s*\d|\b[a-z]\s*\([a-z]\)\s*=|\b\d+[a-z]\b\s*[-+=]|\b[a-z]\s*=\s*-?\d|\*\*|\b\d+!",
    re.IGNORECASE,
)
_STORY: Final = re.compile(r"\b(?:he|she|they|his|her|their|him|them)\b", re.IGNORECASE)
_NOW: Final = re.compile(
    r"\b(?:now|current|currently|today|tonight|tomorrow|yesterday|latest|recent|recently|upcoming|nearby|nearest|"
    r"closest|live|news|weather|forecast|this (?:week|month|year|weekend)|next (?:week|month|year|weekend)|near me)\b",
    re.IGNORECASE,
)
_MINE: Final = re.compile(r"\b(?:my|our|me|i|i'm|i'd|i'll|we)\b", re.IGNORECASE)
_KNOWLEDGE: Final = re.compile(
    r"^\W*(?:who|whose|when|where|why|which|what(?:'s| is| are| was| were| does| did)?|how (?:do|does|can|should|to|is|are))\b",
    re.IGNORECASE,
)
_HOW_TO: Final = re.compile(r"^\W*(?:please )?how (?:do|can|to|should|would|could)\b", re.IGNORECASE)
_WHO: Final = re.compile(r"^\W*(?:who|whose|whom|when|where|why)\b", re.IGNORECASE)
_STATEMENT: Final = re.compile(
    r"^\W*(?:the|a|an|this|that|there|it|he|she|they|[A-Z]\w+ [A-Z]\w+|\w+ (?:is|are|was|were))\b"
)
_REQUEST: Final = re.compile(
    r"\?|\b(?:please|want|need|like to|help|what|which|who|when|where|why|how|can you|could you|find|calculate|compute)\b",
    re.IGNORECASE,
)
_OPINION: Final = re.compile(
    r"\b(?:best(?!-)|recommend\w*|suggest\w*|favou?rite|famous|good|popular|meaning|mean by|explain|why|should i)\b",
    re.IGNORECASE,
)
_CODE_WANTED: Final = re.compile(r"\b(?:python|script|code|program|algorithm)\b", re.IGNORECASE)


def evidence(reading: Reading) -> dict[str, float]:
    """Named shares of evidence, each from 0 to about 1."""
    text, found = reading.text, reading.values
    words = max(1, len(reading.words))
    sentences = 1 + len(re.findall(r"[.!?]\s+\S", text))
    formula = bool(_FORMULA.search(text))
    numbers = min(found.quantities, 6) / 6
    return {
        "numbers": numbers,
        "any_number": float(found.quantities > 0),
        "two_numbers": float(found.quantities > 1),
        "quantity": float(bool(_QUANTITY_ASKED.search(text))),
        "operations": min(3, sum(word in _OPERATION for word in reading.words) + 2 * formula) / 3,
        "rates": min(3, len(_RATE.findall(text))) / 3,
        "formula": float(formula),
        "story": min(3, len(_STORY.findall(text))) / 3,
        "sentences": min(sentences, 5) / 5,
        "length": min(words, 60) / 60,
        "now": float(bool(_NOW.search(text))),
        "mine": float(bool(_MINE.search(text))),
        "knowledge": float(bool(_KNOWLEDGE.search(text))),
        "how_to": float(bool(_HOW_TO.search(text))),
        "who": float(bool(_WHO.search(text))),
        "statement": float(bool(_STATEMENT.search(text)) and not _REQUEST.search(text)),
        "opinion": float(bool(_OPINION.search(text))),
        "names": min(found.names, 3) / 3,
        "marked": min(3, found.quoted + found.identifiers + found.links + found.emails + found.paths) / 3,
        "short": float(words <= 4),
        "foreign": float(sum(word.isascii() for word in reading.words) < 0.7 * words),
    }
