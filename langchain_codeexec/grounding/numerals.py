"""How people and programs write numbers and units, and what they are worth.

Each way of writing digits is a row of `_NOTATIONS`, each unit a line of `_UNITS`. What two rows read differently
(`1,234` is 1234 or 1.234) has two readings. No language is guessed: what else a text writes may show whether its
author puts a point or a comma before decimals (`notation_of`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Final, NamedTuple
from unicodedata import normalize

__all__ = [
    "CURRENCY",
    "CURRENCY_CODES",
    "FRACTION",
    "NUMBER_WORDS",
    "NUMERAL",
    "PAIR",
    "POINT",
    "PRINTED_NUMERAL",
    "SCALE",
    "SUFFIX_SCALES",
    "UNIT",
    "Reading",
    "notation_of",
    "powers_of",
    "read_fraction",
    "read_number_words",
    "readings_of",
    "unit_in_header",
    "unit_named",
]


class Reading(NamedTuple):
    """A value and how exactly it is written."""

    value: Decimal
    step: Decimal  # what one in the last digit written is worth; 0 for an exact value
    digits: int  # digits written, without leading zeros
    zeros: int = 0  # zeros at the end of a whole number, which may be rounded ones


# -- digits --------------------------------------------------------------------------------------------------

POINT, COMMA = ".", ","
"""What stands before decimals."""
_THIN: Final = "\u00a0\u2009\u202f"
"""Spaces that group digits; a plain one may as well stand between two numbers."""
_END: Final = r"(?![\d_]|[,.'\u2019\u066b\u066c]\d)"
_ALONE: Final = r"(?<!\d,)"
_NOTATIONS: Final = (
    # pattern, marks of groups, mark of decimals, whether programs print it unless told otherwise
    (r"\d{1,3}(?:\{,\}\d{3})+(?:\.\d+)?", "{,}", POINT, True),  # LaTeX
    (rf"{_ALONE}[1-9]\d{{0,2}}(?:,\d{{3}})+(?:\.\d+)?", ",", POINT, True),
    (rf"{_ALONE}[1-9]\d?(?:,\d{{2}})+,\d{{3}}(?:\.\d+)?", ",", POINT, False),  # India
    (rf"\d{{1,3}}(?:[{_THIN}]\d{{3}})+(?:[.,]\d+)?", _THIN, "", True),
    (r"(?<!\d[ ])[1-9]\d{0,2}(?:[ ]\d{3})+(?:[.,]\d+)?(?![ ]?\d)", " ", "", False),
    (r"\d{1,3}(?:['\u2019]\d{3})+(?:[.,]\d+)?", "'\u2019", "", True),
    (r"\d{1,3}(?:_\d{3})+(?:\.\d+)?", "_", POINT, True),
    (r"[1-9]\d{0,2}(?:\.\d{3})+,\d+|[1-9]\d{0,2}(?:\.\d{3}){2,}", ".", COMMA, True),
    (r"[1-9]\d{0,2}\.\d{3}", ".", COMMA, False),
    (rf"{_ALONE}\d+,\d+", "", COMMA, False),
    (r"\d{1,3}(?:\u066c\d{3})+(?:\u066b\d+)?|\d+\u066b\d+", "\u066c", "\u066b", True),
    (r"\d+(?:\.\d+)?|\.\d+", "", POINT, True),
)
_POWER: Final = (
    r"10(?:(?:\^|\*\*)(?:\{[-+\u2212]?\d{1,3}\}|[-+\u2212]?\d{1,3})|[⁻⁺]?[⁰¹²³⁴⁵⁶⁷⁸⁹]{1,3})(?![\w.]*\d)"
)
_EXPONENT: Final = rf"[eE][-+\u2212]?\d{{1,3}}(?!\w)|\s?(?:[\u00d7·⋅*x]|\\times|\\cdot)\s?{_POWER}"


def _numeral(bodies: list[str]) -> str:
    grouped = "|".join(rf"(?:{body}){_END}" for body in bodies[:-1])
    return rf"(?:{_POWER}|(?:{grouped}|{bodies[-1]})(?:{_EXPONENT})?)"


NUMERAL: Final = _numeral([row[0] for row in _NOTATIONS])
"""Pattern of a numeral in prose, without its sign."""
PAIR: Final = rf"{_ALONE}(?![1-9]\d{{0,2}},\d{{3}}(?!\d))(?:0|[1-9]\d*),(?:0|[1-9]\d*){_END}"
"""Pattern of a numeral that may be two with nothing but a comma between."""
PRINTED_NUMERAL: Final = rf"(?:{PAIR}|{_numeral([row[0] for row in _NOTATIONS if row[3]])})"
"""Pattern of a numeral that a program printed: what a plain space divides is two."""

_SPLIT: Final = re.compile(rf"(?P<body>.+?)(?P<power>{_EXPONENT})?")
_LAST_NUMBER: Final = re.compile(r"(?P<superscript>[⁻⁺]?[⁰¹²³⁴⁵⁶⁷⁸⁹]+)|(?P<plain>[-+\u2212]?\d+)\}?$")
_AS_ASCII: Final = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺\u2212", "0123456789-+-")
_LONGEST, _LARGEST = 100, 200
"""Characters and power of ten of a numeral that is read; beyond, it is no number that somebody states."""


def readings_of(text: str, notation: str = "", scale: int = 0) -> list[Reading]:
    """What a numeral, as `NUMERAL` matches it, may be worth.

    Args:
        text: The numeral.
        notation: What its author puts before decimals; empty where that is not known.
        scale: Power of ten that it counts in: 6 for millions.

    Returns:
        The likeliest reading first, by the notation, else with a point before decimals as programs write; none of
        a numeral that is longer or larger than any number that somebody states.
    """
    if len(text) > _LONGEST:
        return []
    if re.fullmatch(_POWER, text):
        return list(filter(None, [_reading("1", scale + _exponent(text))]))
    parts = _SPLIT.fullmatch(text)
    exponent = scale + (_exponent(parts["power"]) if parts and parts["power"] else 0)
    bodies = _bodies(parts["body"] if parts else text)
    likely = sorted(bodies, key=lambda body: bodies[body] != (notation or POINT))
    return list(filter(None, (_reading(body, exponent) for body in likely)))


def _bodies(written: str) -> dict[str, str]:
    """Digits and at most one point, by each notation that reads them, with its mark of decimals."""
    if written.isdecimal():
        return {written: POINT}
    bodies: dict[str, str] = {}
    for pattern, groups, decimals, _ in _NOTATIONS:
        if re.fullmatch(pattern, written):
            digits = "".join(character for character in written if character not in groups)
            mark = decimals or next((sign for sign in (POINT, COMMA) if sign in digits), "")
            bodies.setdefault(re.sub(r"[,\u066b]", ".", digits), mark)
    return bodies


def _reading(body: str, exponent: int) -> Reading | None:
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


def notation_of(numerals: Iterable[str]) -> str:
    """The mark that stands before decimals in numerals of one text that allow one reading only: `.` or `,`.

    Empty where there are none of either, or some of both.
    """
    read = [_bodies(text) for text in numerals if not text.isdecimal()]
    marks = {mark for bodies in read if len(bodies) == 1 for mark in bodies.values()} & {POINT, COMMA}
    return marks.pop() if len(marks) == 1 else ""


def _exponent(power: str) -> int:
    last = _LAST_NUMBER.search(power)
    return int(last[0].rstrip("}").translate(_AS_ASCII)) if last else 0


_VULGAR: Final = "½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞"
FRACTION: Final = (
    rf"(?:\\[dt]?frac\{{\d{{1,6}}\}}\{{\d{{1,6}}\}}|(?:\d{{1,6}}[ ])?\d{{1,6}}/\d{{1,6}}(?![\d/]|[.,]\d)"
    rf"|\d{{0,6}}[{_VULGAR}])"
)
"""Pattern of a fraction, with or without a whole number before it."""

_LATEX_FRACTION: Final = re.compile(r"\\[dt]?frac\{(\d+)\}\{(\d+)\}")


def read_fraction(text: str, scale: int = 0) -> list[Reading]:
    """Read what `FRACTION` matches; nothing where it divides by zero."""
    whole, _, fraction = _LATEX_FRACTION.sub(r"\1/\2", text).rpartition(" ")
    if text[-1] in _VULGAR:
        whole, fraction = text[:-1], normalize("NFKC", text[-1]).replace("\u2044", "/")
    over, under = (int(part) for part in fraction.split("/"))
    if not under:
        return []
    value = (int(whole or 0) + Decimal(over) / under).scaleb(scale)
    return [Reading(value, Decimal(0), len(str(over)))]


# -- words ---------------------------------------------------------------------------------------------------

_SCALES: Final = {"hundred": 2, "thousand": 3, "million": 6, "billion": 9, "trillion": 12}
_MORE_SCALES: Final = """
3 Tsd Tausend mil mille tys; 4 万 萬; 5 lakh; 6 Mio Mill mln Millionen millones milioni; 7 crore cr; 8 億 亿;
9 Mrd mld Milliarde Milliarden milliard miliardi; 12 Billionen
"""
"""Powers of ten, and how they are written beside the English words; in any case, an `s` or a point behind."""
_LONG_SCALE: Final = {"billion": 12, "trillion": 18}
"""What words are worth outside of English."""
_ONES: Final = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen"
).split()
_TENS: Final = "twenty thirty forty fifty sixty seventy eighty ninety".split()
_WORDS: Final = {word: number for number, word in enumerate(_ONES)} | {
    word: 10 * number for number, word in enumerate(_TENS, 2)
}
_BELOW_HUNDRED: Final = (
    rf"(?:(?:{'|'.join(_TENS)})(?:[- ](?:{'|'.join(_ONES[1:10])})\b)?|(?:{'|'.join(reversed(_ONES))})\b)"
)
_GROUP: Final = rf"{_BELOW_HUNDRED}(?:[- ]hundred\b(?:(?: and)? {_BELOW_HUNDRED})?)?"
_THOUSANDS: Final = rf"[- ](?:{'|'.join(list(_SCALES)[1:])})\b"
NUMBER_WORDS: Final = (
    rf"(?:{_GROUP}(?:{_THOUSANDS}(?:(?: and)? {_GROUP}{_THOUSANDS})*(?:(?: and)? {_GROUP})?)?)"
)
"""Pattern of a whole number in English words."""
_POWERS: Final = _SCALES | {
    word.lower(): int(power) for power, *words in map(str.split, _MORE_SCALES.split(";")) for word in words
}
_ANY_SCALE: Final = rf"(?:{'|'.join(sorted(_POWERS, key=len, reverse=True))})"
SCALE: Final = rf"(?i:{_ANY_SCALE}(?:[- ]{_ANY_SCALE})*)"
"""Pattern of words that multiply."""
SUFFIX_SCALES: Final = {"k": 3, "M": 6, "mn": 6, "B": 9, "bn": 9, "tn": 12}
"""Powers of ten that are written right behind the digits."""


def powers_of(words: str) -> list[int]:
    """The powers of ten that `SCALE` may stand for, the likeliest first; 0 for a text without its words."""
    spelt = re.findall(r"[^\W\d_]+", words.lower())
    known = [
        word for text in spelt if (word := text if text in _POWERS else text.removesuffix("s")) in _POWERS
    ]
    short = sum(_POWERS[word] for word in known)
    return list(dict.fromkeys([short, sum(_LONG_SCALE.get(word, _POWERS[word]) for word in known)]))


def read_number_words(text: str) -> Reading:
    """Read what `NUMBER_WORDS` matches."""
    total = group = 0
    for word in re.findall(r"[a-z]+", text.lower()):
        if word in _WORDS:
            group += _WORDS[word]
        elif word == "hundred":
            group *= 100
        elif word in _SCALES:
            total, group = total + group * 10 ** _SCALES[word], 0
    written = str(total + group)
    digits = written.rstrip("0") or "0"
    return Reading(Decimal(written), Decimal(1).scaleb(len(written) - len(digits)), len(digits))


# -- units ---------------------------------------------------------------------------------------------------

_UNITS: Final = """
% percent, per cent, pct, percentage point, pp, Prozent, pour cent, por ciento, procent; \u00d7 x, times, -fold;
km kilometer; m meter; cm centimeter; mm millimeter; µm μm, micrometer; nm nanometer; mi mile; ft foot, feet;
inch inches; yd yard; au AU, astronomical unit; ly light-year, light year; kg kilogram; g gram; mg milligram;
t tonne, metric tons; lb lbs, pound; oz ounce; u amu, Da, dalton; s sec, second; ms millisecond; min minute;
h hr, hrs, hour; d day; week; month; yr year; K kelvin; °C ℃, degrees Celsius, degree Celsius;
°F ℉, degrees Fahrenheit, degree Fahrenheit; ° degree; L l, liter; mL ml, milliliter; N newton; J joule;
kJ kilojoule; eV electronvolt; Wh watt-hour; kWh kilowatt-hour; W watt; kW kilowatt; MW megawatt; GW gigawatt;
Pa pascal; kPa kilopascal; hPa hectopascal; bar; atm atmosphere; Hz hertz; kHz kilohertz; MHz megahertz;
GHz gigahertz; V volt; ampere amp; mol mole; B byte; kB KB, kilobyte; MB megabyte; GB gigabyte; TB terabyte;
km² km2, km^2, sq km, square kilometer; m² m2, m^2, square meter; ha hectare; mi² mi2, sq mi, square mile; acre;
km³ km3, km^3, cubic kilometer; m³ m3, m^3, cubic meter; cm³ cm3, cm^3; m/s meters per second; m/s² m/s2, m/s^2;
km/s kilometers per second; km/h kph, kilometers per hour; mph miles per hour; g/cm³ g/cm3, g/cm^3;
kg/m³ kg/m3, kg/m^3; g/mol grams per mole; USD dollar, US dollar; EUR euro, Euro; GBP pounds sterling; JPY yen;
CHF franc; INR rupee; CNY yuan; CAD; AUD
"""
"""The name of each unit, and the ways in which it is spelt besides; plurals in `s` and British `re` are added."""
CURRENCY_CODES: Final = ("USD", "EUR", "GBP", "JPY", "CHF", "INR", "CNY", "CAD", "AUD")
_CURRENCY_SIGNS: Final = {code: code for code in CURRENCY_CODES} | {
    "$": "USD",
    "US$": "USD",
    "€": "EUR",
    "£": "GBP",
    "¥": "JPY",
    "₹": "INR",
    "Rs": "INR",
    "Rs.": "INR",
    "CA$": "CAD",
    "C$": "CAD",
    "AU$": "AUD",
    "A$": "AUD",
}

_SYMBOL: Final = 2  # letters of a spelling that has no plural


def _spellings(name: str, more: str) -> Iterator[str]:
    for spelling in (name, *filter(None, more.split(", "))):
        for word in {spelling, spelling.replace("meter", "metre").replace("liter", "litre")}:
            yield word
            if len(word) > _SYMBOL and word[-1] not in "sz23":
                yield f"{word}s"


_ENTRIES: Final = (entry.strip().partition(" ") for entry in _UNITS.split(";"))
_NAMES: Final = {
    spelling: name for name, _, more in _ENTRIES for spelling in _spellings(name, more)
} | _CURRENCY_SIGNS


def _any_of(spellings: list[str]) -> str:
    return "|".join(map(re.escape, sorted(spellings, key=len, reverse=True)))


UNIT: Final = rf"(?:\\?(?:{_any_of(list(_NAMES))}))(?![\w²³/^]|\$\d)"
"""Pattern of a unit behind a figure."""
CURRENCY: Final = rf"(?:(?<![A-Za-z])\\?(?:{_any_of(list(_CURRENCY_SIGNS))}))"
"""Pattern of a currency before a figure."""

_STATED_UNIT: Final = re.compile(r"[(\[][^()\[\]]*[)\]]\s*$|,[^,()\[\]]*$")
_UNIT_ALONE: Final = re.compile(rf"(?<![\w^]){UNIT}")


def unit_named(spelling: str) -> str:
    """The one name of a unit, however it is spelt; empty for none."""
    return _NAMES.get(spelling.strip().lstrip("\\"), "")


def unit_in_header(column: str) -> tuple[str, int]:
    """The unit that the header of a column states for its cells, and the power of ten they count in.

    `("kg", 24)` for `mass (10^24 kg)`; empty and 0 where it states none.
    """
    stated = _STATED_UNIT.search(column)
    words = stated[0] if stated else ""
    power = re.search(_POWER, words)
    unit = _UNIT_ALONE.search(words)
    return unit_named(unit[0]) if unit else "", powers_of(words)[0] or (_exponent(power[0]) if power else 0)
