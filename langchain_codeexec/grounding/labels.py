"""Labels: the numbers of a text that state no value, and the text without them.

Ordinals, dates, times of day, years that a word marks as such, the marks of lists, citations, what is numbered,
identifiers, versions, addresses, Python in fences.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Final

from langchain_codeexec.grounding.numerals import CURRENCY_CODES

__all__ = ["A_YEAR", "BLANK", "LATIN", "output_without_labels", "prose_without_labels", "without_list_marks"]

BLANK: Final = "\0"
"""What stands for each character of a label: neither a word nor a space, so that nothing joins across it."""
_MONTH: Final = (
    r"(?:Jan(?:uary|\.)?|Feb(?:ruary|\.)?|Mar(?:ch|\.)?|Apr(?:il|\.)?|May|June?|July?|Aug(?:ust|\.)?|"
    r"Sept?(?:ember|\.)?|Oct(?:ober|\.)?|Nov(?:ember|\.)?|Dec(?:ember|\.)?)"
)
_MONTH_ABROAD: Final = (
    "(?i:Januar|Februar|März|April|Mai|Juni|Juli|August|September|Oktober|November|Dezember|janvier|février|mars|"
    "avril|juin|juillet|août|septembre|octobre|novembre|décembre|enero|febrero|marzo|abril|mayo|junio|julio|agosto|"
    "septiembre|octubre|noviembre|diciembre|stycznia|lutego|marca|kwietnia|maja|czerwca|lipca|sierpnia|września|"
    "października|listopada|grudnia)"
)
_DAY: Final = r"(?:[12]\d|3[01]|0?[1-9])(?:st|nd|rd|th|er)?"
A_YEAR: Final = r"(?:1\d{3}|20\d{2}|21\d{2})"
_ALONE: Final = r"(?![\w%]|[.,]\d|\s?%)"
_AFTER_YEAR: Final = (
    rf"{_ALONE}(?!-\w)(?=\s*(?:$|[^\w\s$€£]|(?:a|an|and|as|at|but|by|for|from|had|has|have|he|her|his|if|in|is|it|"
    r"its|on|she|so|that|the|their|there|these|they|this|those|to|was|we|were|when|where|which|while|with|until)\b))"
)
LATIN: Final = "A-Za-z\u00c0-\u024f\u0370-\u03ff"
"""Letters that names are spelt with; other scripts write figures and words without a space between."""
_NUMBERED: Final = (
    r"(?:(?i:section|table|figure|chapter|step|question|page|pages|equation|version|python|row|rows|column|line|lines|"
    r"item|part|appendix|footnote|document|example|exercise|problem|attempt|volume|issue|article|paragraph|"
    r"tabelle|tableau|tabla|tabella|abbildung|kapitel|abschnitt|chapitre|seite|página|strona|zeile|ligne|spalte|"
    r"colonne|schritt|étape|dokument|fußnote|KW)"
    r"|(?:Sec|Tab|Fig|Abb|Chap|Ch|Eq|No|Nr|Vol|Art|Anm|S|[Ss]tr|[Pp][áa]g|[Pp]p?)\.)"
)
_CODES: Final = "|".join(CURRENCY_CODES)

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
    r"|\b\d{1,2}(?:[.:]\d{2})?\sUhr\b|\b\d{1,2}\s?h\s?[0-5]\d\b"
    r"|\b(?:\d{1,2}/\d{1,2}/\d{2,4}|\d{4}/\d{1,2}/\d{1,2}|\d{1,2}\.\d{1,2}\.\d{4})\b"
)
_DATE: Final = re.compile(
    rf"\b{_MONTH}\s{_DAY}{_ALONE}(?:\s?[\u2013-]\s?{_DAY}\b)?(?:,?\s{A_YEAR}\b)?"
    rf"|\b{_DAY}\s(?:of\s)?{_MONTH}\b(?:,?\s{A_YEAR}\b)?"
    rf"|\b(?:{_MONTH},?\s(?:of\s)?|{_MONTH_ABROAD}\s(?:de\s)?|[QHT][1-4][\s/-]){A_YEAR}{_ALONE}"
    rf"|\b{_DAY}\.?\s(?:de\s)?[^\W\d_]{{3,10}}\.?\s(?:de\s)?{A_YEAR}\b(?![.,]\d)"  # months of any language
    rf"|\b{_DAY}\.?\s(?:de\s)?{_MONTH_ABROAD}\b"
)
_VERSION: Final = re.compile(
    r"(?<![\w.])(?![1-9]\d{0,2}(?:\.\d{3}){2,}(?![.\d]))v?\d+(?:\.\d+){2,}\b(?!,\d)", re.IGNORECASE
)
_ORDINAL: Final = re.compile(
    r"(?<![\d,])\d{1,9}(?:,\d{3}){0,4}(?:st|nd|rd|th|r?e(?![-+])|er|[eè]me|\.?[ºª])\b", re.IGNORECASE
)
_IDENTIFIER: Final = re.compile(
    rf"(?<!\w)(?!(?:{_CODES})\d)(?:[{LATIN}]\w*-\d|(?:_|[{LATIN}]\w*?)\d)\w*(?:[-.]\w*[{LATIN}\d]\w*)*"
    r"|\b0x[0-9a-fA-F]+\b|\b\d+_[a-zA-Z]\w*(?:\.\w+)*"
)
_YEAR: Final = re.compile(
    rf"(?<!\w)(?:(?:[Ii]n|[Ss]ince|fiscal|[Uu]ntil|[Dd]uring|[Yy]ears?|FY|early|late)\s{A_YEAR}{_AFTER_YEAR}"
    rf"|(?:[Jj]ahre?n?|années?|an|años?|ann[oi]|anos?|jaar|(?i:im|seit|ab|en|depuis|desde|nel|dal|w|od))\s{A_YEAR}{_ALONE}"
    rf"|{A_YEAR}\s(?:census|election)\b"
    rf"|{A_YEAR}\s?[\u2013-]\s?{A_YEAR}{_AFTER_YEAR})"
)
_DECADE: Final = re.compile(r"\b(?:1\d|20)\d0s\b")
_LIST_MARK: Final = re.compile(r"^[ \t>]*(?:[-*+]\s)?\(?(?P<number>\d{1,3})[.)](?=\s+\S)", re.MULTILINE)
_MATH_MARK: Final = re.compile(
    r"\$(?=[^\s$][^$\n]{0,80}(?<=[\w}%)])\$(?!\w|\s?\d))|(?<=[\w}%)])\$(?!\w|\s?\d)"  # LaTeX's, no money
)
_IN_OUTPUT: Final = (_ADDRESS, _MOMENT, _VERSION, _ORDINAL, _IDENTIFIER)
_IN_PROSE: Final = (
    *(_PYTHON, _MATH_MARK, _ADDRESS, _MOMENT, _VERSION),
    *(_DATE, _DECADE, _NAMED, _ORDINAL, _IDENTIFIER),
)


def prose_without_labels(prose: str, documents: int | None = None, *, with_years: bool = True) -> str:
    """Prose whose labels are blanked, so that every other character keeps its place.

    Args:
        prose: What somebody wrote.
        documents: How many documents there are to cite; by default every number in brackets is a citation.
        with_years: Whether years that a word marks as such stay.
    """
    return _blanked(_without_citations(prose, documents), *_IN_PROSE, *(() if with_years else (_YEAR,)))


def output_without_labels(output: str) -> str:
    """What a program printed, without its dates, times and identifiers."""
    return _blanked(output, *_IN_OUTPUT)


def _blanked(text: str, *labels: re.Pattern[str]) -> str:
    for label in labels:
        text = label.sub(lambda match: BLANK * len(match[0]), text)
    return text


def _without_citations(text: str, documents: int | None = None) -> str:
    def blank(match: re.Match[str]) -> str:
        numbers = [int(number) for number in _NUMBER.findall(match[0])]
        is_list = documents is not None and len(numbers) > 1 and max(numbers) > documents
        return match[0] if is_list else BLANK * len(match[0])

    return _CITATION.sub(blank, text)


def without_list_marks(text: str) -> str:
    """The text without the marks of lists: lines numbered one after the other, or all the same, from 1 on."""
    marks = [(int(match["number"]), match.span()) for match in _LIST_MARK.finditer(text)]
    listed: set[tuple[int, int]] = set()
    for (number, span), (following, next_span) in pairwise(marks):
        if following in (number, number + 1) and (number <= 1 or span in listed):
            listed |= {span, next_span}
    for start, end in listed:
        text = text[:start] + BLANK * (end - start) + text[end:]
    return text
