"""Figures: the numbers that a text states, and which of them supports which.

What is read as a figure: `5,117`, `1,234.5`, `1 234,5` (with a no-break or thin space), `1.234,5`, `1'234`,
`1.2e6`, `1.2 x 10^6`, `10²⁴`, `3/4`, `2½`, `12 %`, `12 percent`, `3.4 million`, `$1.2bn`, `US$ 5`, `20 EUR`, `-5`,
`three million`. What is a label instead, and blanked before: ordinals, dates, times of day and years that a word
such as "in" or "since" marks as such; the marks of lists, citations (`[1]`) and what is numbered (`Table 2`,
`page 12`); identifiers (`GPT-4`, `3D`, `input_file_0`), versions, addresses, Python in fences. A year that nothing
marks is a figure, and `3,5`, which may be two, is supported by `3,5` alone: rather one too many is marked than one
too few.

The rule: a claim is supported by a figure whose value, rounded to the digits in which the claim is written, is the
claim. `5117.3` supports "5,117" and "5.12 thousand", not "5,118". Beyond that:

- A claim of a single digit is only supported by exactly that value, unless "about" or the like precedes it.
- "about 5,100" is taken as rounded to its last digit that is no zero, but to two digits at the least.
- A percentage is supported by the same number without a unit, and by the fraction: "15.3 %" by 15.3 and 0.153.
- Two units that are known and differ never agree: nothing is converted, for that is what code is there for.
- A fraction is exact; it is supported by a decimal of three digits or more that is the fraction in all of them.
- The sign counts, except that "fell by 3 %" is supported by -3 % as well.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import Final

from langchain_codeexec.grounding.numerals import (
    AMBIGUOUS,
    CURRENCY,
    CURRENCY_CODES,
    FRACTION,
    NUMBER_WORDS,
    NUMERAL,
    SCALE,
    SUFFIX_SCALES,
    UNIT,
    Reading,
    read_fraction,
    read_number_words,
    read_numeral,
    scale_of,
    unit_named,
)

__all__ = ["BLANK", "Figure", "figures_in", "is_noise", "printed_figures", "stated_figures", "supports"]


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
        is_decrease: Whether the words beside it say that a value went down, so that the sign is in them.
        is_ambiguous: Whether it may be two figures; it then agrees with nothing but what is written alike.
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
    is_ambiguous: bool = False


def figures_in(prose: str, documents: int | None = None) -> list[Figure]:
    """The figures that prose claims, in order.

    Args:
        prose: What somebody wrote.
        documents: How many documents there are to cite: then `[2, 7]` is a list of figures if there are less than
            7. By default it is a citation, as `[7]` always is.
    """
    readable = _blanked(_without_citations(prose, documents), *_IN_PROSE, _YEAR)
    claims = _figures(prose, _without_list_marks(readable), _WRITTEN)
    return [claim for claim in claims if scale_of(claim.text) or any(map(str.isnumeric, claim.text))]


def stated_figures(prose: str) -> list[Figure]:
    """The figures that a claim may rest on: besides those that are claims, years and small numbers in words."""
    readable = _blanked(_without_citations(prose), *_IN_PROSE)
    return _figures(prose, _without_list_marks(readable), _WRITTEN)


def printed_figures(output: str) -> list[Figure]:
    """The figures in what a program printed: lists and years too, but no dates, times or identifiers."""
    return _figures(output, _blanked(output, *_IN_OUTPUT), _PRINTED)


# -- labels --------------------------------------------------------------------------------------------------

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
_LATIN: Final = "A-Za-z\u00c0-\u024f\u0370-\u03ff"
"""Letters that names are spelt with; other scripts write figures and words without a space between."""
_NUMBERED: Final = (
    r"(?:(?i:section|table|figure|chapter|step|question|page|pages|equation|version|python|row|rows|column|line|lines|"
    r"item|part|appendix|footnote|document|example|exercise|problem|attempt|volume|issue|article|paragraph)"
    r"|(?:Sec|Tab|Fig|Chap|Ch|Eq|No|Nr|Vol|Art|[Pp]p?)\.)"
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
    rf"(?<!\w)(?!(?:{_CODES})\d)(?:[{_LATIN}]\w*-\d|(?:_|[{_LATIN}]\w*?)\d)\w*(?:[-.]\w*[{_LATIN}\d]\w*)*"
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
_IN_OUTPUT: Final = (_ADDRESS, _MOMENT, _VERSION, _ORDINAL, _IDENTIFIER)
_IN_PROSE: Final = (
    *(_PYTHON, _MATH_MARK, _ADDRESS, _MOMENT, _VERSION),
    *(_DATE, _DECADE, _NAMED, _ORDINAL, _IDENTIFIER),
)


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


def _without_list_marks(text: str) -> str:
    """The text without the marks of lists: lines numbered one after the other, or all the same, from 1 on."""
    marks = [(int(match["number"]), match.span()) for match in _LIST_MARK.finditer(text)]
    listed: set[tuple[int, int]] = set()
    for (number, span), (following, next_span) in pairwise(marks):
        if following in (number, number + 1) and (number <= 1 or span in listed):
            listed |= {span, next_span}
    for start, end in listed:
        text = text[:start] + BLANK * (end - start) + text[end:]
    return text


# -- reading -------------------------------------------------------------------------------------------------

_SPACE: Final = r"[ \u00a0\u2009\u202f]"
_MONEY: Final = {"k": 3, "m": 6, "mm": 6, "mn": 6, "b": 9, "bn": 9, "t": 12, "tn": 12}
"""Powers of ten behind an amount of money, in any case."""
_UNITS: Final = rf"(?:(?:{_SPACE}|-)?(?P<unit>{UNIT}))?"


def _digits(ambiguous: str) -> re.Pattern[str]:
    return re.compile(
        rf"""
        (?:(?<![\w)\]%.,}}])(?P<sign>[-\u2212+]))?
        (?:(?P<currency>{CURRENCY}){_SPACE}?(?P<inner>[-\u2212])?)?
        (?(currency)|(?<![\d_]))(?<!\d[eE])(?<!{BLANK}[.,])
        (?:(?P<fraction>{FRACTION})|(?P<ambiguous>{ambiguous})|(?P<numeral>{NUMERAL}))
        (?:
            (?:{_SPACE}|-)(?P<scale>{SCALE})s?\b
          | (?(currency){_SPACE}?(?P<money>(?i:{"|".join(_MONEY)}))
              | (?P<suffix>{"|".join(SUFFIX_SCALES)}))(?![\w²³/])
        )?
        {_UNITS}
        (?=(?P<letter>[{_LATIN}_]\d?)?)
        """,
        re.VERBOSE,
    )


_PRINTED: Final = (_digits(r"(?!)"),)
_WRITTEN: Final = (_digits(AMBIGUOUS), re.compile(rf"\b(?P<words>{NUMBER_WORDS})s?\b{_UNITS}", re.IGNORECASE))
_NAME: Final = re.compile(r"[A-Z_]|e\d")
"""What right behind digits makes a name of both (`3D`, `123e4567`); another letter begins a unit not known."""
_NEAR: Final = 60
"""Characters before or behind a figure that can say something of it."""
_ROUGHLY: Final = (
    r"(?:\b(?:about|around|roughly|approximately|approx\.?|circa|ca\.|nearly|almost|some|just (?:over|under))"
    r"|[~≈])"
)
_ROUGH: Final = re.compile(rf"{_ROUGHLY}\s*$", re.IGNORECASE)
_DECREASE: Final = re.compile(
    r"\b(?:(?:decreas|declin|fell|fall|drop|shr[aiu]nk|los[est]|reduc)\w*|minus|negative|down)\b"
    rf"(?:\s(?:by|of))?(?:\s{_ROUGHLY})?\s*$",
    re.IGNORECASE,
)
_DECREASE_BEHIND: Final = re.compile(
    r"\s*(?:\w+\s)?(?:lower|less|fewer|below|smaller|decrease|decline|drop|loss|reduction)\b", re.IGNORECASE
)


def _figures(text: str, readable: str, patterns: Iterable[re.Pattern[str]]) -> list[Figure]:
    matches = (match for pattern in patterns for match in pattern.finditer(readable))
    return sorted(filter(None, (_figure(text, match) for match in matches)), key=lambda figure: figure.start)


def _figure(text: str, match: re.Match[str]) -> Figure | None:
    """The figure of a match; `None` for a name, a numeral longer than any figure and a division by zero."""
    parts = match.groupdict("")
    reading = None if _NAME.match(parts.get("letter", "")) else _reading(parts)
    if reading is None:
        return None
    start, end = match.span()
    before, behind = text[max(0, start - _NEAR) : start], text[end : end + _NEAR]
    is_negative = not {"-", "\u2212"}.isdisjoint(parts.get("sign", "") + parts.get("inner", ""))
    is_rough = _ROUGH.search(before) is not None
    return Figure(
        text=text[start:end],
        start=start,
        end=end,
        value=-reading.value if is_negative else reading.value,
        step=_rough_step(reading) if is_rough else reading.step,
        unit=unit_named(parts.get("currency") or parts["unit"]),
        digits=reading.digits,
        is_rough=is_rough,
        is_decrease=bool(_DECREASE.search(before) or _DECREASE_BEHIND.match(behind)),
        is_ambiguous=bool(parts.get("ambiguous")),
    )


def _reading(parts: dict[str, str]) -> Reading | None:
    if words := parts.get("words"):
        return read_number_words(words)
    scale = (
        scale_of(parts["scale"])
        + SUFFIX_SCALES.get(parts["suffix"], 0)
        + _MONEY.get(parts["money"].lower(), 0)
    )
    if fraction := parts["fraction"]:
        return read_fraction(fraction, scale)
    return read_numeral(parts["ambiguous"] or parts["numeral"], scale)


def _rough_step(reading: Reading) -> Decimal:
    """Zeros at the end of a number that is called rough may be rounded ones, but two digits are meant."""
    return reading.step.scaleb(max(0, min(reading.zeros, reading.digits - 2)))


# -- agreement -----------------------------------------------------------------------------------------------

_PERCENT: Final = "%"
_FLOAT_DIGITS, _NOISE = 16, Decimal("1e-12")
"""Digits of a float that is printed with its noise, and the relative error to be expected of one."""
_ENOUGH_DIGITS: Final = 3
_REPEATED, _ALMOST_ZERO = 1e-9, 1e-12
"""What another processor or library version makes of the last digits of a float, relative and absolute."""


def supports(evidence: Figure, claim: Figure) -> bool:
    """Whether a figure supports a claim, by the rule of this module."""
    if evidence.is_ambiguous or claim.is_ambiguous:  # the same in both readings, or unknown
        return evidence.is_ambiguous == claim.is_ambiguous and evidence.text == claim.text
    signs = (1, -1) if claim.is_decrease and claim.value > 0 else (1,)
    values = (
        evidence.value * factor * sign for factor in _factors(evidence.unit, claim.unit) for sign in signs
    )
    return any(_rounds_to(value, evidence, claim) for value in values)


def is_noise(figure: Figure, repeated: Figure) -> bool:
    """Whether two printed figures differ by no more than the noise of floats; whole numbers have none."""
    if figure.text == repeated.text:
        return True
    if figure.unit != repeated.unit or "." not in figure.text + repeated.text:
        return False
    return math.isclose(figure.value, repeated.value, rel_tol=_REPEATED, abs_tol=_ALMOST_ZERO)


def _factors(evidence: str, claim: str) -> tuple[Decimal, ...]:
    """What the evidence is to be multiplied with for the unit of the claim; nothing where the units differ."""
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
