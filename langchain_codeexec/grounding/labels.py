"""Digits that state no value: names, dates, marks. They are blanked before figures are read."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["BLANK", "LATIN", "output_without_labels", "prose_without_labels"]

BLANK: Final = "\0"
"""What stands for each character of a label: neither a word nor a space, so that nothing joins across it."""

_MONTH: Final = (
    r"(?:Jan(?:uary|\.)?|Feb(?:ruary|\.)?|Mar(?:ch|\.)?|Apr(?:il|\.)?|May|June?|July?|Aug(?:ust|\.)?|"
    r"Sept?(?:ember|\.)?|Oct(?:ober|\.)?|Nov(?:ember|\.)?|Dec(?:ember|\.)?)"
)
_DAY: Final = r"(?:[12]\d|3[01]|0?[1-9])(?:st|nd|rd|th)?"
_A_YEAR: Final = r"(?:1\d{3}|20\d{2}|21\d{2})"
_ALONE: Final = r"(?![\w%]|[.,]\d|\s?%)"
_AFTER_YEAR: Final = (
    rf"{_ALONE}(?!-\w)(?=\s*(?:$|[^\w\s$€£]|(?:a|an|and|as|at|but|by|for|from|had|has|have|he|her|his|if|in|is|it|"
    r"its|on|she|so|that|the|their|there|these|they|this|those|to|was|we|were|when|where|which|while|with|until)\b))"
)
LATIN: Final = "A-Za-z\u00c0-\u024f\u0370-\u03ff"
"""Letters that names are spelt with; other scripts write figures and words without a space between."""

_NUMBERED: Final = (
    r"(?i:(?:section|table|figure|chapter|step|question|page|pages|equation|version|python|row|rows|column|line|lines|"
    r"item|part|appendix|footnote|document|example|exercise|problem|attempt|volume|issue|article|paragraph)"
    r"|(?:sec|tab|fig|chap|ch|p|pp|eq|v|no|nr|vol|art)\.)"
)

_ADDRESS: Final = re.compile(r"(?:https?://|www\.)[^\s<>\"]+|(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,64}\.[\w.]+")
_PYTHON: Final = re.compile(
    r"^```[ ]*(?:python|py)\b.*?(?:^```|\Z)", re.DOTALL | re.MULTILINE | re.IGNORECASE
)
_CITATION: Final = re.compile(r"\[\^?\d{1,4}(?:\s*[,;\u2013-]\s*\d{1,4})*\]")
_NUMBER: Final = re.compile(r"\d+")
_NAMED: Final = re.compile(
    rf"(?<![\w.]){_NUMBERED}\s?#?\d+(?:\.\d+)*(?:[-\u2013]\d+(?:\.\d+)*)?{_ALONE}|#\d+\b"
)
_MOMENT: Final = re.compile(
    r"\b\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?\b"
    r"|\b\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:\s?[ap]\.?m\b\.?)?"
    r"|\b\d{1,2}\s?[ap]\.?m\b\.?"
    r"|\b(?:\d{1,2}/\d{1,2}/\d{2,4}|\d{4}/\d{1,2}/\d{1,2}|\d{1,2}\.\d{1,2}\.\d{4})\b"
)
_DATE: Final = re.compile(
    rf"\b{_MONTH}\s{_DAY}{_ALONE}(?:\s?[\u2013-]\s?{_DAY}\b)?(?:,?\s{_A_YEAR}\b)?"
    rf"|\b{_DAY}\s(?:of\s)?{_MONTH}\b(?:,?\s{_A_YEAR}\b)?"
    rf"|\b{_MONTH},?\s(?:of\s)?{_A_YEAR}{_ALONE}"
)
_VERSION: Final = re.compile(r"\bv?\d+(?:\.\d+){2,}\b(?!,\d)", re.IGNORECASE)
_ORDINAL: Final = re.compile(r"(?<![\d,])\d{1,9}(?:,\d{3}){0,4}(?:st|nd|rd|th)\b", re.IGNORECASE)
_IDENTIFIER: Final = re.compile(
    rf"(?<!\w)(?:[{LATIN}]\w*-\d|(?:_|[{LATIN}]\w*?)\d)\w*(?:[-.]\w*[{LATIN}\d]\w*)*"
    r"|\b0x[0-9a-fA-F]+\b|\b\d+_[a-zA-Z]\w*(?:\.\w+)*"
)
_YEAR: Final = re.compile(
    rf"(?<!\w)(?:(?:[Ii]n|[Ss]ince|[Uu]ntil|[Dd]uring|[Yy]ears?|FY|early|late)\s{_A_YEAR}{_AFTER_YEAR}"
    rf"|{_A_YEAR}\s(?:census|election)\b"
    rf"|{_A_YEAR}\s?[\u2013-]\s?{_A_YEAR}{_AFTER_YEAR})"
)
_DECADE: Final = re.compile(r"\b(?:1\d|20)\d0s\b")
_LIST_MARK: Final = re.compile(r"^[ \t>]*(?:[-*+]\s)?\(?(?P<number>\d{1,3})[.)](?=\s+\S)", re.MULTILINE)

_MATH_MARK: Final = re.compile(
    r"\$(?=[^\s$][^$\n]{0,80}(?<=[\w}%)])\$(?!\w|\s?\d))|(?<=[\w}%)])\$(?!\w|\s?\d)"  # LaTeX's, no money
)

_EVERYWHERE: Final = (_ADDRESS, _MOMENT, _VERSION)
_IN_PROSE: Final = (_PYTHON, _MATH_MARK, *_EVERYWHERE, _DATE, _DECADE, _NAMED, _ORDINAL, _IDENTIFIER)
_IN_OUTPUT: Final = (*_EVERYWHERE, _ORDINAL, _IDENTIFIER)


def prose_without_labels(text: str, *, years: bool = False, documents: int | None = None) -> str:
    """Prose with its labels blanked, character for character.

    Args:
        text: The prose.
        years: Whether to leave years that are marked as such.
        documents: How many documents there are to cite; by default any numbers in brackets are citations.
    """
    text = _blanked(_without_citations(text, documents), *_IN_PROSE, *(() if years else (_YEAR,)))
    for start, end in _list_marks(text):
        text = text[:start] + BLANK * (end - start) + text[end:]
    return text


def output_without_labels(text: str) -> str:
    """What a program printed with dates, times, names and identifiers blanked; lists and years stay."""
    return _blanked(text, *_IN_OUTPUT)


def _blanked(text: str, *labels: re.Pattern[str]) -> str:
    for label in labels:
        text = label.sub(lambda found: BLANK * len(found[0]), text)
    return text


def _without_citations(text: str, documents: int | None) -> str:
    def blank(found: re.Match[str]) -> str:
        numbers = [int(number) for number in _NUMBER.findall(found[0])]
        is_list = documents is not None and len(numbers) > 1 and max(numbers) > documents
        return found[0] if is_list else BLANK * len(found[0])

    return _CITATION.sub(blank, text)


def _list_marks(text: str) -> Iterator[tuple[int, int]]:
    """The marks of numbered lists: lines that are numbered one after the other, or all the same, from 1 on."""
    marks = [(int(found["number"]), found.span()) for found in _LIST_MARK.finditer(text)]
    listed: set[tuple[int, int]] = set()
    for (number, span), (following, next_span) in pairwise(marks):
        if following in (number, number + 1) and (number <= 1 or span in listed):
            listed |= {span, next_span}
    return iter(sorted(listed))
