"""Units as people write them behind (or, currencies, before) a figure, and one name for each."""

from __future__ import annotations

import re
from typing import Final

from langchain_codeexec.grounding.numerals import POWER, read_numeral

__all__ = ["CURRENCY", "SCALES", "SUFFIX_SCALES", "UNIT", "unit_in_header", "unit_named"]

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
