"""What question words and units imply: "how far" asks for a distance, "EUR" is a currency."""

from __future__ import annotations

import re
from typing import Final

from langchain_codeexec.planning.rules.words import stem

__all__ = ["concepts"]

_IMPLIED: Final = (
    (r"^\W*who\b|\bwhose\b", "person people name"),
    (r"\bwhere\b", "location place address"),
    (r"\bwhen\b", "date time year"),
    (r"\bhow long\b", "duration time length"),
    (r"\bhow far\b", "distance"),
    (r"\bhow (?:much|expensive)\b|\bcosts?\b", "amount price cost"),
    (r"\bhow many\b", "count number"),
    (r"\bhow old\b", "age"),
    (r"\bhow (?:tall|high)\b", "height"),
    (r"\bhow (?:heavy|much .{0,30}weigh)\b", "weight mass"),
    (r"\bhow (?:fast|quickly)\b", "speed velocity"),
    (r"\bhow (?:hot|cold|warm)\b|\b(?:celsius|fahrenheit|kelvin)\b", "temperature"),
    (r"\be-mail|\bmail\b", "email"),
    (r"\bhow do i get\b|\broute\b", "direction route"),
    (
        r"[$\u20ac\u00a3\u00a5\u20b9]\s?\d|\b(?:dollar|euro|yen|yuan|rupee)s?\b|\b(?:USD|EUR|GBP|JPY|CNY|INR|CAD|AUD)\b",
        "currency money",
    ),
    (r"\d\s?(?:km|kilomet(?:er|re)s?|miles?|met(?:er|re)s?|feet)\b", "distance length"),
    (r"\d\s?(?:kg|kilograms?|pounds?|lbs|grams?)\b", "weight mass"),
    (r"\b(?:mph|km/h|m/s)\b", "speed velocity"),
    (r"\d\s?(?:years?|months?|weeks?|days?|hours?|minutes?|seconds?)\b", "time duration period"),
    (r"\d\s?%|\bpercent\b", "rate percentage"),
)
_PATTERNS: Final = tuple(
    (re.compile(pattern, re.IGNORECASE), tuple(map(stem, words.split()))) for pattern, words in _IMPLIED
)


def concepts(text: str) -> list[str]:
    """Stems of the concepts that a text implies."""
    return [word for pattern, words in _PATTERNS if pattern.search(text) for word in words]
