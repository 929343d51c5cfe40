"""Units of columns and figures: what their names are, and what converts into what."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["UNIT_WORDS", "Unit", "unit_in", "unit_of"]

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
square miles | area | 2589988.110336 | square mile sq mi,mi^2,mi²
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
°C | degrees Celsius | 1 | celsius,degrees celsius,degree celsius
K | kelvins | 1 | kelvin,kelvins
USD | US dollars | 1 | $,US$,dollars,dollar
EUR | euros | 1 | €,euros,euro
GBP | pounds sterling | 1 | £
"""
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
    """

    name: str
    dimension: str
    factor: str = "1"

    def into(self, other: Unit) -> str | None:
        """What to multiply with to get `other`, as Python; empty for nothing, `None` where it cannot be."""
        if self.dimension != other.dimension:
            return None
        return "" if self.factor == other.factor else f" * ({self.factor}) / ({other.factor})"


def _units() -> dict[str, Unit]:
    found = {}
    for line in _UNIT_LINES.strip().splitlines():
        name, dimension, factor, others = (part.strip() for part in line.split("|"))
        spelt = others.split(",") if "," in others else others.split()
        for spelling in (name, *spelt):
            found[spelling] = Unit(name, dimension, factor)
    return found


_UNITS = _units()
_SPOKEN = sorted((name for name in _UNITS if len(name) > 1), key=len, reverse=True)
_IN = re.compile(
    rf"\b(?:in|into|to|how many|number of)\s+(?:(thousand|million|billion)s?\s+(?:of\s+)?)?(degrees\s+)?"
    rf"({'|'.join(map(re.escape, [*_SPOKEN, 'm', 'K', 'g', 'h']))})(?![\w/^²³])",
    re.IGNORECASE,
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
    dimension, factor = (known.dimension, known.factor) if known else (rest, "1")
    bare = bare.replace(rest, known.name) if known and rest in {"$", "US$", "€", "£"} else bare
    return Unit(bare, dimension, f"{scale} * {factor}" if scale and factor != "1" else scale or factor)


def unit_in(question: str) -> tuple[Unit, int, int] | None:
    """The unit that a question wants its answer in (`in million km`), and where it says so."""
    found = _IN.search(question)
    if found is None:
        return None
    name = f"{found[1]} {found[3]}" if found[1] else found[3]
    return unit_of(name), found.start(), found.end()
