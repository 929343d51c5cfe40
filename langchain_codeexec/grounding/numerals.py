"""Numerals as people and programs write them, read as decimals with the precision they are written in."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final, NamedTuple

__all__ = [
    "FRACTION",
    "NUMBER_WORDS",
    "NUMERAL",
    "POWER",
    "Reading",
    "read_fraction",
    "read_number_words",
    "read_numeral",
]


class Reading(NamedTuple):
    """A value and how exactly it is written.

    Attributes:
        value: The value.
        step: What one in the last digit written is worth; 0 for an exact value.
        digits: Digits written, without leading zeros.
        zeros: Zeros at the end of a whole number, which may be rounded ones.
    """

    value: Decimal
    step: Decimal
    digits: int
    zeros: int = 0


_THIN: Final = "\u00a0\u2009\u202f"
"""Spaces that group digits; a plain one stands between two figures as often."""

_BODIES: Final = (
    # pattern, marks of groups, mark of decimals; a comma groups only where every group has three digits
    (r"\d{1,3}(?:\{,\}\d{3})+(?:\.\d+)?", "{,}", "."),  # LaTeX
    (r"(?<!\d,)\d{1,3}(?:,\d{3})+(?:\.\d+)?", ",", "."),
    (rf"\d{{1,3}}(?:[{_THIN}]\d{{3}})+(?:[.,]\d+)?", _THIN, ","),
    (r"\d{1,3}(?:['\u2019]\d{3})+(?:\.\d+)?", "'\u2019", "."),
    (r"\d{1,3}(?:_\d{3})+(?:\.\d+)?", "_", "."),
    (r"\d{1,3}(?:\.\d{3})+,\d+", ".", ","),  # only with both marks is it clear which is which
    (r"\d+(?:\.\d+)?|\.\d+", "", "."),
)
_BODY: Final = "(?:" + "|".join(rf"(?:{pattern})(?![\d_]|[,.'\u2019]\d)" for pattern, _, _ in _BODIES[:-1])
POWER: Final = (
    r"10(?:(?:\^|\*\*)(?:\{[-+\u2212]?\d{1,3}\}|[-+\u2212]?\d{1,3})|[⁻⁺]?[⁰¹²³⁴⁵⁶⁷⁸⁹]{1,3})(?![\w.]*\d)"
)
"""Pattern of a power of ten."""
_EXPONENT: Final = rf"[eE][-+\u2212]?\d{{1,3}}(?!\w)|\s?(?:[\u00d7·⋅*x]|\\times|\\cdot)\s?{POWER}"
NUMERAL: Final = rf"(?:{POWER}|{_BODY}|{_BODIES[-1][0]})(?:{_EXPONENT})?)"
"""Pattern of a numeral without its sign."""

_VULGAR: Final = {
    "½": (1, 2),
    "⅓": (1, 3),
    "⅔": (2, 3),
    "¼": (1, 4),
    "¾": (3, 4),
    "⅕": (1, 5),
    "⅖": (2, 5),
    "⅗": (3, 5),
    "⅘": (4, 5),
    "⅙": (1, 6),
    "⅛": (1, 8),
    "⅜": (3, 8),
    "⅝": (5, 8),
    "⅞": (7, 8),
}
FRACTION: Final = rf"(?:(?:\d{{1,6}}[ ])?\d{{1,6}}/\d{{1,6}}(?![\d/]|[.,]\d)|\d{{0,6}}[{''.join(_VULGAR)}])"
"""Pattern of a fraction, with or without a whole number before it."""

_ONES: Final = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen"
).split()
_TENS: Final = "twenty thirty forty fifty sixty seventy eighty ninety".split()
_WORDS: Final = {
    **{word: number for number, word in enumerate(_ONES)},
    **{word: 10 * number for number, word in enumerate(_TENS, 2)},
    **{f"{ten}-{_ONES[one]}": 10 * tens + one for tens, ten in enumerate(_TENS, 2) for one in range(1, 10)},
}
NUMBER_WORDS: Final = "(?:" + "|".join(sorted(_WORDS, key=len, reverse=True)) + ")"
"""Pattern of the numbers below a hundred in words."""

_SPLIT: Final = re.compile(rf"(?P<body>.+?)(?P<power>{_EXPONENT})?")
_LAST_NUMBER: Final = re.compile(r"(?P<superscript>[⁻⁺]?[⁰¹²³⁴⁵⁶⁷⁸⁹]+)|(?P<plain>[-+\u2212]?\d+)\}?$")
_AS_ASCII: Final = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺\u2212", "0123456789-+-")
_LONGEST, _LARGEST = 100, 200
"""Characters and power of ten of a numeral that is read; beyond, it is no figure that somebody states."""


def read_numeral(text: str, scale: int = 0) -> Reading | None:
    """Read what `NUMERAL` matches.

    Args:
        text: The numeral.
        scale: Power of ten that it counts in: 6 for millions.

    Returns:
        The reading; `None` for a numeral that is longer or larger than any figure.
    """
    if len(text) > _LONGEST:
        return None
    if re.fullmatch(POWER, text):
        body, exponent = "1", scale + _exponent(text)
    else:
        found = _SPLIT.fullmatch(text)
        body = _plain(found["body"] if found else text)
        exponent = scale + (_exponent(found["power"]) if found and found["power"] else 0)
    if abs(exponent) > _LARGEST:
        return None
    whole, _, decimals = body.partition(".")
    digits = (whole + decimals).lstrip("0")
    return Reading(
        value=Decimal(f"{body}e{exponent}"),
        step=Decimal(f"1e{exponent - len(decimals)}"),
        digits=max(len(digits), 1),
        zeros=0 if decimals else len(digits) - len(digits.rstrip("0")),
    )


def read_fraction(text: str, scale: int = 0) -> Reading | None:
    """Read what `FRACTION` matches; `None` where it divides by zero. See `read_numeral`."""
    *before, last = text.split(" ")
    if last[-1] in _VULGAR:
        (over, under), whole = _VULGAR[last[-1]], last[:-1] or "0"
    else:
        over, under = (int(part) for part in last.split("/"))
        whole = before[0] if before else "0"
    if not under:
        return None
    return Reading((int(whole) + Decimal(over) / under).scaleb(scale), Decimal(0), len(str(over)))


def read_number_words(text: str, scale: int = 0) -> Reading:
    """Read what `NUMBER_WORDS` matches; see `read_numeral`."""
    value = Decimal(f"{_WORDS[text.lower()]}e{scale}")
    return Reading(value, Decimal(f"1e{scale}"), 1)


def _plain(body: str) -> str:
    """Digits and at most one point."""
    marks, point = next((marks, point) for pattern, marks, point in _BODIES if re.fullmatch(pattern, body))
    kept = "".join(character for character in body if character not in marks)
    return kept.replace(point, ".")


def _exponent(power: str) -> int:
    found = _LAST_NUMBER.search(power)
    return int(found[0].rstrip("}").translate(_AS_ASCII)) if found else 0
