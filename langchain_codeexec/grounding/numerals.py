"""Numerals as people and programs write them, read as decimals with the precision they are written in.

Units as people write them behind (or, currencies, before) a figure, and one name for each.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final, NamedTuple

__all__ = [
    "CURRENCY",
    "FRACTION",
    "NUMBER_WORDS",
    "NUMERAL",
    "POWER",
    "SCALES",
    "SUFFIX_SCALES",
    "UNIT",
    "Reading",
    "read_fraction",
    "read_number_words",
    "read_numeral",
    "unit_in_header",
    "unit_named",
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


_UNITS: Final = """
% percent|per cent|pct|percentage point|percentage points|pp
km kilometer|kilometers|kilometre|kilometres
m meter|meters|metre|metres
cm centimeter|centimeters|centimetre|centimetres
mm millimeter|millimeters|millimetre|millimetres
µm μm|micrometer|micrometers|micrometre|micrometres
nm nanometer|nanometers|nanometre|nanometres
mi mile|miles
ft foot|feet
inch inches
yd yard|yards
au AU|astronomical unit|astronomical units
ly light-year|light-years|light year|light years
kg kilogram|kilograms
g gram|grams
mg milligram|milligrams
t tonne|tonnes|metric tons
lb lbs|pound|pounds
oz ounce|ounces
u amu|Da|dalton|daltons
s sec|second|seconds
ms millisecond|milliseconds
min minute|minutes
h hr|hrs|hour|hours
d day|days
week weeks
month months
yr year|years
K kelvin|kelvins
°C ℃|degrees Celsius|degree Celsius
°F ℉|degrees Fahrenheit|degree Fahrenheit
° degree|degrees
L l|liter|liters|litre|litres
mL ml|milliliter|milliliters|millilitre|millilitres
N newton|newtons
J joule|joules
kJ kilojoule|kilojoules
eV electronvolt|electronvolts
Wh watt-hours
kWh kilowatt-hours
W watt|watts
kW kilowatt|kilowatts
MW megawatt|megawatts
GW gigawatt|gigawatts
Pa pascal|pascals
kPa kilopascals
hPa hectopascals
bar bars
atm atmospheres
Hz hertz
kHz kilohertz
MHz megahertz
GHz gigahertz
V volt|volts
ampere amperes|amps
mol moles
B byte|bytes
kB KB|kilobyte|kilobytes
MB megabyte|megabytes
GB gigabyte|gigabytes
TB terabyte|terabytes
km² km2|km^2|sq km|square kilometers|square kilometres
m² m2|m^2|square meters|square metres
ha hectare|hectares
mi² mi2|sq mi|square miles
acre acres
km³ km3|km^3|cubic kilometers|cubic kilometres
m³ m3|m^3|cubic meters|cubic metres
cm³ cm3|cm^3
m/s meters per second|metres per second
m/s² m/s2|m/s^2
km/s kilometers per second|kilometres per second
km/h kph|kilometers per hour|kilometres per hour
mph miles per hour
g/cm³ g/cm3|g/cm^3
kg/m³ kg/m3|kg/m^3
g/mol grams per mole
\u00d7 x|times|-fold
USD dollars|dollar|US dollars
EUR euros|euro
GBP pounds sterling
JPY yen
CHF francs
INR rupees
CNY yuan
CAD
AUD
"""

_CURRENCY_SIGNS: Final = {
    "$": "USD",
    "US$": "USD",
    "€": "EUR",
    "£": "GBP",
    "¥": "JPY",
    "₹": "INR",
    "CA$": "CAD",
    "C$": "CAD",
    "AU$": "AUD",
    "A$": "AUD",
    **{code: code for code in ("USD", "EUR", "GBP", "JPY", "CHF", "INR", "CNY", "CAD", "AUD")},
}

_LINES: Final = [line.partition(" ") for line in _UNITS.strip().splitlines()]
_NAMES: Final = {
    spelt: name for name, _, others in _LINES for spelt in (name, *filter(None, others.split("|")))
} | _CURRENCY_SIGNS


def _any_of(spellings: list[str]) -> str:
    return "|".join(map(re.escape, sorted(spellings, key=len, reverse=True)))


UNIT: Final = f"(?:\\\\?(?:{_any_of(list(_NAMES))}))(?![\\w²³/^]|\\$\\d)"
"""Pattern of a unit behind a figure."""

CURRENCY: Final = f"(?:(?<![A-Za-z])\\\\?(?:{_any_of(list(_CURRENCY_SIGNS))}))"
"""Pattern of a currency before a figure."""

SCALES: Final = {"hundred": 2, "thousand": 3, "million": 6, "billion": 9, "trillion": 12}
"""Words that multiply, and the power of ten they stand for."""

SUFFIX_SCALES: Final = {"k": 3, "M": 6, "mn": 6, "B": 9, "bn": 9, "tn": 12}
"""The same, written right behind the digits; behind an amount of money in any case, `m`, `b` and `t` too."""


def unit_named(spelling: str) -> str:
    """The one name of a unit, however it is spelt; empty for none."""
    return _NAMES.get(spelling.strip().lstrip("\\"), "")


def unit_in_header(column: str) -> tuple[str, int]:
    """The unit that the header of a column states for its cells, and the power of ten they count in.

    Args:
        column: The header: `mass (10^24 kg)`, `population, millions`, `share [%]`.

    Returns:
        The unit's name, empty for none, and the power, 0 for none: `("kg", 24)`.
    """
    stated = _STATED.search(column)
    words = stated[0] if stated else ""
    power = _POWER.search(words)
    read = read_numeral(power[0]) if power else None
    scale = next(
        (SCALES[word] for word in SCALES if word in words.lower()), read.value.adjusted() if read else 0
    )
    unit = _UNIT.search(words)
    return unit_named(unit[0]) if unit else "", scale


_STATED: Final = re.compile(r"[(\[][^()\[\]]*[)\]]\s*$|,[^,()\[\]]*$")
_POWER: Final = re.compile(POWER)
_UNIT: Final = re.compile(rf"(?<![\w^]){UNIT}")
