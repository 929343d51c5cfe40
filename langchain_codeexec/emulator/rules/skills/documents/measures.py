"""Units of columns and figures: what their names are, and what converts into what."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace

__all__ = ["SIGNS", "UNIT_WORDS", "Unit", "unit_behind", "unit_in", "unit_of"]

SIGNS = " %$€£"
"""What may stand around a number in a cell."""

# Name, dimension, one of it in the dimension's base unit, other names. Factors are exact by definition:
# international foot and pound (1959), day of 86,400 s, Julian year.
_UNIT_LINES = """
km | length | 1000 | kilometres kilometers kilometre kilometer
m | length | 1 | metres meters metre meter
cm | length | 0.01 | centimetres centimeters
mm | length | 0.001 | millimetres millimeters
miles | length | 1609.344 | mile mi
feet | length | 0.3048 | foot ft
kg | mass | 1 | kilograms kilogram kilos kilo
g | mass | 0.001 | grams gram
tonnes | mass | 1000 | tonne t
pounds | mass | 0.45359237 | pound lb lbs
square miles | area | 2589988.110336 | square mile,sq mi,mi^2,mi²
km^2 | area | 1e6 | km²,km2,sq km,square kilometres,square kilometers,square kilometre,square kilometer
m^2 | area | 1 | m²,m2,square metres,square meters
hectares | area | 1e4 | hectare,ha
acres | area | 4046.8564224 | acre
km^3 | volume | 1e9 | km³,km3,cubic kilometres,cubic kilometers,cubic kilometre,cubic kilometer
m^3 | volume | 1 | m³,m3,cubic metres,cubic meters
cubic miles | volume | 4168181825.440579584 | cubic mile,mi^3,mi³
seconds | time | 1 | second s
minutes | time | 60 | minute min
hours | time | 3600 | hour h
days | time | 86400 | day d
years | time | 31557600 | year yr
km/s | speed | 1000 | kilometres per second,kilometers per second
m/s | speed | 1 | metres per second,meters per second
km/h | speed | 1000/3600 | kilometres per hour,kilometers per hour
miles per hour | speed | 1609.344/3600 | mph
kg/m^3 | density | 1 | kg/m³,kg/m3,kilograms per cubic metre,kilograms per cubic meter
g/cm^3 | density | 1000 | g/cm³,g/cm3,grams per cubic centimetre,grams per cubic centimeter
m/s^2 | acceleration | 1 | m/s²,m/s2
°C | temperature | 1 | celsius,degrees celsius,degree celsius
°F | temperature | 1 | fahrenheit,degrees fahrenheit,degree fahrenheit
K | temperature | 1 | kelvin,kelvins
USD | US dollars | 1 | $,US$,dollars,dollar
EUR | euros | 1 | €,euros,euro
GBP | pounds sterling | 1 | £
"""
# Temperatures are not proportional to one another: slope and offset.
_TEMPERATURES = {
    ("°C", "K"): (" + 273.15", 1, 273.15),
    ("°C", "°F"): (" * 9 / 5 + 32", 9 / 5, 32),
    ("K", "°C"): (" - 273.15", 1, -273.15),
    ("K", "°F"): (" * 9 / 5 - 459.67", 9 / 5, -459.67),
    ("°F", "°C"): (" * 5 / 9 - 160 / 9", 5 / 9, -160 / 9),
    ("°F", "K"): (" * 5 / 9 + 2298.35 / 9", 5 / 9, 2298.35 / 9),
}
_SCALES = {"thousand": "1e3", "million": "1e6", "billion": "1e9"}
_POWER = re.compile(r"10\s*\^?\s*([⁰¹²³⁴⁵⁶⁷⁸⁹]+|\d+)\s+")
_MONEY = re.compile(r"(\$|US\$|USD|€|EUR|£|GBP) ?(thousand|million|billion)", re.IGNORECASE)
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit.

    Attributes:
        name: How it is written.
        dimension: What it measures; its own name where that is not known.
        factor: One of it in the base unit of the dimension, as a Python expression.
        scale: Which scale of temperature it is; empty for any other unit.
    """

    name: str
    dimension: str
    factor: str = "1"
    scale: str = ""

    def into(self, other: Unit) -> str | None:
        """What to do with a figure to get it in `other`, as Python behind it; `None` where it cannot be."""
        if self.dimension != other.dimension:
            return None
        if self.scale != other.scale:
            return _TEMPERATURES[self.scale, other.scale][0]
        return "" if self.factor == other.factor else f" * ({self.factor}) / ({other.factor})"

    def read_in(self, other: Unit, value: float) -> float:
        """A figure of this unit in another one of its dimension."""
        if self.scale != other.scale:
            _, slope, offset = _TEMPERATURES[self.scale, other.scale]
            return value * slope + offset
        return value * _size(self.factor) / _size(other.factor)


def _size(factor: str) -> float:
    """The value of a factor, which is a product of numbers and of fractions of two."""
    parts = (part.partition("/") for part in factor.split("*"))
    return math.prod(float(over) / float(under or 1) for over, _, under in parts)


def _units() -> dict[str, Unit]:
    found = {}
    for line in _UNIT_LINES.strip().splitlines():
        name, dimension, factor, others = (part.strip() for part in line.split("|"))
        spelt = others.split(",") if "," in others else others.split()
        for spelling in (name, *spelt):
            found[spelling] = Unit(name, dimension, factor, name if dimension == "temperature" else "")
    return found


_UNITS = _units()
_SPOKEN = sorted((name for name in _UNITS if len(name) > 1), key=len, reverse=True)
_IN = re.compile(
    rf"\b(?:in|into|to|how many|number of)\s+(?:(thousand|million|billion)s?\s+(?:of\s+)?)?(degrees\s+)?"
    rf"({'|'.join(map(re.escape, [*_SPOKEN, 'm', 'K', 'g', 'h']))})(?![\w/^²³])",
    re.IGNORECASE,
)
_BEHIND = re.compile(
    rf"[ -]?(?:degrees )?({'|'.join(map(re.escape, [*_SPOKEN, 'm', 'K', 'g', 'h', 's', 't']))})(?![\w/^²³])"
)
UNIT_WORDS = frozenset(word for name in _UNITS for word in re.findall(r"[a-z]+", name.lower()))
"""The words that units are written with."""


def unit_of(text: str) -> Unit:
    """The unit that a header or a figure's row names: `million km`, `10^24 kg`, `people`."""
    bare = " ".join(_MONEY.sub(r"\2 \1", text.strip()).split())
    scale = ""
    if power := _POWER.match(bare):
        scale, rest = f"1e{power[1].translate(_SUPERSCRIPTS)}", bare[power.end() :]
    else:
        first, _, rest = bare.partition(" ")
        scale, rest = (_SCALES[first.lower()], rest) if first.lower() in _SCALES else ("", bare)
    known = _UNITS.get(rest) or _UNITS.get(rest.lower())
    known = known or Unit(rest, rest)
    bare = bare.replace(rest, known.name) if rest in {"$", "US$", "€", "£"} else bare
    factor = f"{scale} * {known.factor}" if scale and known.factor != "1" else scale or known.factor
    return replace(known, name=bare, factor=factor)


def unit_in(question: str) -> tuple[Unit, int, int] | None:
    """The unit that a question wants its answer in (`in million km`), and where it says so."""
    found = _IN.search(question)
    if found is None:
        return None
    name = f"{found[1]} {found[3]}" if found[1] else found[3]
    return unit_of(name), found.start(), found.end()


def unit_behind(text: str, place: int) -> Unit | None:
    """The unit that a number has behind it, which ends at a place of a text."""
    found = _BEHIND.match(text, place)
    return unit_of(found[1]) if found else None
