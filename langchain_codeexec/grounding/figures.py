"""Digits that state no value: names, dates, marks. They are blanked before figures are read.

Figures: the numbers that a text states, as values with their place in it.

What is read as a figure: `5,117`, `1,234.5`, `1 234,5` (with a no-break or thin space), `1.234,5`, `1'234`,
`1.2e6`, `1.2 x 10^6`, `10²⁴`, `3/4`, `2½`, `12 %`, `12 percent`, `3.4 million`, `$1.2bn`, `US$ 5`, `20 EUR`, `-5`.
Numbers in words count where a scale stands behind them: `three million`.

What is not: ordinals, dates, times of day and years that a word such as "in" or "since" marks as such; the marks
of lists, citations (`[1]`) and things that are numbered (`Table 2`, `page 12`); identifiers (`GPT-4`, `3D`,
`input_file_0`), versions, addresses and Python in fences; and small numbers in words. A year that nothing marks
is a figure: rather one too many is checked than one too few.

Whether one figure bears another out.

The rule: a claim is borne out by a figure whose value, rounded to the digits in which the claim is written, is the
claim. `5117.3` bears out "5,117" and "5.12 thousand", not "5,118". Beyond that:

- A claim of a single digit is only borne out by exactly that value, unless "about" or the like precedes it.
- "about 5,100" is taken as rounded to its last digit that is no zero, but to two digits at the least.
- A percentage is borne out by the same number without a unit, and by the fraction: "15.3 %" by 15.3 and 0.153.
- Two units that are known and differ never agree: nothing is converted, for that is what code is there for.
- A fraction is exact; it is borne out by a decimal of three digits or more that is the fraction in all of them.
- The sign counts, except that "fell by 3 %" is borne out by -3 %.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from langchain_codeexec.grounding.numerals import (
    CURRENCY,
    FRACTION,
    NUMBER_WORDS,
    NUMERAL,
    SCALES,
    SUFFIX_SCALES,
    UNIT,
    read_fraction,
    read_number_words,
    read_numeral,
    unit_named,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from langchain_codeexec.grounding.numerals import Reading

__all__ = [
    "BLANK",
    "LATIN",
    "Figure",
    "bears_out",
    "figures_in",
    "output_without_labels",
    "printed_figures",
    "prose_without_labels",
    "stated_figures",
]

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


@dataclass(frozen=True, slots=True)
class Figure:
    """A number that a text states.

    Attributes:
        text: The figure as written, sign, scale and unit included.
        start: Where it begins in the text, in characters.
        end: Where it ends.
        value: Its value: `$1.2bn` is 1200000000, `12 %` is 12 with the unit `%`.
        step: What one in its last digit is worth, which is the precision it is written in; 0 for a fraction.
        unit: One name for its unit (`%`, `USD`, `km`); empty where it has none that is known.
        digits: Digits written, without leading zeros.
        is_rough: Whether a word such as "about" says that it is rounded.
        is_decrease: Whether the words around it say that a value went down, so that the sign is in them.
    """

    text: str
    start: int
    end: int
    value: Decimal
    step: Decimal
    unit: str = ""
    digits: int = 1
    is_rough: bool = False
    is_decrease: bool = False


def figures_in(prose: str, documents: int | None = None) -> list[Figure]:
    """The figures that prose claims, in order; see the module for what is one.

    Args:
        prose: What somebody wrote.
        documents: How many documents there are to cite: then `[2, 7]` is a list of figures if there are less than
            7. By default it is a citation, as `[7]` always is.
    """
    return _figures(prose, prose_without_labels(prose, documents=documents), _WORDS_WITH_SCALE)


def stated_figures(prose: str) -> list[Figure]:
    """The figures that a claim may rest on: besides those that are claims, years and numbers in words."""
    return _figures(prose, prose_without_labels(prose, years=True), _WORDS)


def printed_figures(output: str) -> list[Figure]:
    """The figures in what a program printed: lists and years too, but no dates, times or identifiers."""
    return _figures(output, output_without_labels(output))


_SPACE: Final = r"[ \u00a0\u2009\u202f]"
_SCALE: Final = "|".join(SCALES)
_MONEY: Final = {"k": 3, "m": 6, "mm": 6, "mn": 6, "b": 9, "bn": 9, "t": 12, "tn": 12}
_UNITS: Final = rf"(?:(?:{_SPACE}|-)?(?P<unit>{UNIT}))?"
_FIGURE: Final = re.compile(
    rf"""
    (?:(?<![\w)\]%.,}}])(?P<sign>[-\u2212+]))?
    (?:(?P<currency>{CURRENCY}){_SPACE}?(?P<inner>[-\u2212])?)?
    (?<![\d_])(?:(?P<fraction>{FRACTION})|(?P<numeral>{NUMERAL}))
    (?:
        (?:{_SPACE}|-)(?P<scale>{_SCALE})s?\b
      | (?(currency){_SPACE}?(?P<money>(?i:{"|".join(_MONEY)}))|(?P<suffix>{"|".join(SUFFIX_SCALES)}))(?![\w²³/])
    )?
    {_UNITS}
    (?=(?P<letter>[{LATIN}_])?)
    """,
    re.VERBOSE,
)
_WORDS: Final = re.compile(
    rf"\b(?P<words>{NUMBER_WORDS})\b(?:[ -](?P<scale>{_SCALE})s?\b)?{_UNITS}", re.IGNORECASE
)
_WORDS_WITH_SCALE: Final = re.compile(
    rf"\b(?P<words>{NUMBER_WORDS})[ -](?P<scale>{_SCALE})\b{_UNITS}", re.IGNORECASE
)
_ROUGH: Final = re.compile(
    r"(?:\b(?:about|around|roughly|approximately|approx\.?|circa|ca\.|nearly|almost|some|just (?:over|under))"
    r"|[~≈])\s*$",
    re.IGNORECASE,
)
_DECREASE: Final = re.compile(
    r"\b(?:decreas|declin|fell\b|fall|drop|shr[aiu]nk|los[est]|reduc|lower|less\b|fewer\b|below\b|minus\b|negative\b|"
    r"down\b|under\b|deficit)[^.;!?]*$",
    re.IGNORECASE,
)
_DECREASE_BEHIND: Final = re.compile(
    r"\s*(?:\w+\s){0,2}(?:lower|less|fewer|below|smaller|decrease|decline|drop|loss|reduction)\b",
    re.IGNORECASE,
)
_NEAR: Final = 60
"""Characters before or behind a figure that can say something of it."""
_MINUS: Final = re.compile(r"[-\u2212]")
_NAME: Final = re.compile(r"[A-Z_]")
"""A letter right behind digits that makes a name of both (`3D`); any other begins a unit that is not known."""


def _figures(text: str, readable: str, words: re.Pattern[str] | None = None) -> list[Figure]:
    matches = [found for found in _FIGURE.finditer(readable) if not _NAME.match(found["letter"] or "")]
    matches += words.finditer(readable) if words else ()
    return sorted(filter(None, (_figure(text, found) for found in matches)), key=lambda figure: figure.start)


def _figure(text: str, found: re.Match[str]) -> Figure | None:
    """The figure of a match; `None` for a numeral longer than any figure and a division by zero."""
    parts = found.groupdict()
    read = _read(parts)
    if read is None:
        return None
    start, end = found.span()
    before, behind = text[max(0, start - _NEAR) : start], text[end : end + _NEAR]
    signs = f"{parts.get('sign') or ''}{parts.get('inner') or ''}"
    is_rough = _ROUGH.search(before) is not None
    return Figure(
        text=text[start:end],
        start=start,
        end=end,
        value=-read.value if _MINUS.search(signs) else read.value,
        step=_rough_step(read) if is_rough else read.step,
        unit=unit_named(parts.get("currency") or parts.get("unit") or ""),
        digits=read.digits,
        is_rough=is_rough,
        is_decrease=bool(_DECREASE.search(before) or _DECREASE_BEHIND.match(behind)),
    )


def _read(parts: dict[str, str | None]) -> Reading | None:
    scale = SCALES.get((parts["scale"] or "").lower(), 0)
    if words := parts.get("words"):
        return read_number_words(words, scale)
    scale = (
        scale or SUFFIX_SCALES.get(parts["suffix"] or "", 0) or _MONEY.get((parts["money"] or "").lower(), 0)
    )
    if fraction := parts["fraction"]:
        return read_fraction(fraction, scale)
    return read_numeral(parts["numeral"] or "", scale)


def _rough_step(read: Reading) -> Decimal:
    """Zeros at the end of a number that is called rough may be rounded ones, but two digits are meant."""
    return read.step.scaleb(max(0, min(read.zeros, read.digits - 2)))


_PERCENT: Final = "%"
_FLOAT_DIGITS, _NOISE = 16, Decimal("1e-12")
"""Digits of a float that is printed with its noise, and the relative error to be expected of one."""
_ENOUGH_DIGITS: Final = 3


def bears_out(evidence: Figure, claim: Figure) -> bool:
    """Whether a figure bears a claim out, by the rule of this module."""
    return any(_rounds_to(value, evidence, claim) for value in _values(evidence, claim))


def _values(evidence: Figure, claim: Figure) -> Iterator[Decimal]:
    """What the evidence is worth in the unit of the claim; nothing where the units differ."""
    signs = (1, -1) if claim.is_decrease and claim.value > 0 else (1,)
    for factor in _factors(evidence.unit, claim.unit):
        for sign in signs:
            yield evidence.value * factor * sign


def _factors(evidence: str, claim: str) -> tuple[Decimal, ...]:
    if _PERCENT in (evidence, claim) and not (evidence and claim):
        return (Decimal(1), Decimal(100) if claim == _PERCENT else Decimal("0.01"))
    return (Decimal(1),) if evidence == claim or not (evidence and claim) else ()


def _rounds_to(value: Decimal, evidence: Figure, claim: Figure) -> bool:
    difference = abs(value - claim.value)
    noise = abs(value) * _NOISE if evidence.digits >= _FLOAT_DIGITS and evidence.step < 1 else 0
    if difference <= noise:
        return True
    if not claim.step:
        return evidence.digits >= _ENOUGH_DIGITS and difference <= evidence.step / 2
    return (claim.digits > 1 or claim.is_rough) and difference <= claim.step / 2
