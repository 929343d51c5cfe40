"""Figures: the numbers that a text states, as values with their place in it.

What is read as a figure: `5,117`, `1,234.5`, `1 234,5` (with a no-break or thin space), `1.234,5`, `1'234`,
`1.2e6`, `1.2 x 10^6`, `10²⁴`, `3/4`, `2½`, `12 %`, `12 percent`, `3.4 million`, `$1.2bn`, `US$ 5`, `20 EUR`, `-5`.
Numbers in words count where a scale stands behind them: `three million`.

What is not: ordinals, dates, times of day and years that a word such as "in" or "since" marks as such; the marks
of lists, citations (`[1]`) and things that are numbered (`Table 2`, `page 12`); identifiers (`GPT-4`, `3D`,
`input_file_0`), versions, addresses and Python in fences; and small numbers in words. A year that nothing marks
is a figure: rather one too many is checked than one too few.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from langchain_codeexec.grounding.labels import LATIN, output_without_labels, prose_without_labels
from langchain_codeexec.grounding.numerals import (
    FRACTION,
    NUMBER_WORDS,
    NUMERAL,
    read_fraction,
    read_number_words,
    read_numeral,
)
from langchain_codeexec.grounding.units import CURRENCY, SCALES, SUFFIX_SCALES, UNIT, unit_named

if TYPE_CHECKING:
    from decimal import Decimal

    from langchain_codeexec.grounding.numerals import Reading

__all__ = ["Figure", "figures_in", "printed_figures", "stated_figures"]


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
