"""Unit conversions."""

from __future__ import annotations

import re

from langchain_codeexec.emulator.rules.numerals import NUMBER, literal
from langchain_codeexec.emulator.rules.phrasing import phrase
from langchain_codeexec.emulator.rules.question import first_of
from langchain_codeexec.emulator.rules.solution import Solution, program

__all__ = ["units"]

# One unit of each row as a Python expression in its dimension's base unit. The factors are exact by
# definition: international yard and pound (1959), US gallon of 231 cubic inches, IEC 80000-13 prefixes.
_DIMENSIONS: dict[str, dict[str, str]] = {
    "length in metres": {
        "mm|millimet(?:er|re)s?": "0.001",
        "cm|centimet(?:er|re)s?": "0.01",
        "m|met(?:er|re)s?": "1",
        "km|kilomet(?:er|re)s?": "1000",
        "in|inch(?:es)?": "0.0254",
        "ft|foot|feet": "0.3048",
        "yd|yards?": "0.9144",
        "mi|miles?": "1609.344",
        "nautical miles?|nmi": "1852",
    },
    "mass in kilograms": {
        "mg|milligrams?": "1e-6",
        "g|grams?": "0.001",
        "kg|kilos?|kilograms?": "1",
        "t|tonnes?|metric tons?": "1000",
        "oz|ounces?": "0.028349523125",
        "lbs?|pounds?": "0.45359237",
        "st|stones?": "6.35029318",
    },
    "volume in litres": {
        "ml|millilit(?:er|re)s?": "0.001",
        "cl|centilit(?:er|re)s?": "0.01",
        "l|lit(?:er|re)s?": "1",
        "(?:us )?gallons?|gal": "3.785411784",
        "(?:us )?quarts?|qt": "0.946352946",
        "(?:us )?pints?|pt": "0.473176473",
        "(?:us )?cups?": "0.2365882365",
        "(?:us )?fluid ounces?|fl oz": "0.0295735295625",
        "tablespoons?|tbsp": "0.01478676478125",
        "teaspoons?|tsp": "0.00492892159375",
        "cubic met(?:er|re)s?|m3|m³": "1000",
    },
    "area in square metres": {
        "square met(?:er|re)s?|m2|m²|sqm": "1",
        "square kilomet(?:er|re)s?|km2|km²": "1e6",
        "square (?:feet|foot)|sq ft|ft2|sqft": "0.09290304",
        "square yards?": "0.83612736",
        "square miles?": "2589988.110336",
        "acres?": "4046.8564224",
        "hectares?|ha": "10000",
    },
    "speed in metres per second": {
        "m/s|met(?:er|re)s per second|mps": "1",
        "km/h|kph|kmh|kilomet(?:er|re)s (?:per|an) hour": "1000 / 3600",
        "mph|miles (?:per|an) hour": "1609.344 / 3600",
        "knots?": "1852 / 3600",
        "ft/s|feet per second": "0.3048",
    },
    "time in seconds": {
        "ms|milliseconds?": "0.001",
        "s|secs?|seconds?": "1",
        "min|mins|minutes?": "60",
        "h|hrs?|hours?": "3600",
        "days?": "86400",
        "weeks?": "604800",
        "years?": "31557600",
    },
    "data in bytes": {
        "bits?": "1 / 8",
        "bytes?|b": "1",
        "kb|kilobytes?": "1000",
        "mb|megabytes?": "1000**2",
        "gb|gigabytes?": "1000**3",
        "tb|terabytes?": "1000**4",
        "kib|kibibytes?": "1024",
        "mib|mebibytes?": "1024**2",
        "gib|gibibytes?": "1024**3",
        "tib|tebibytes?": "1024**4",
    },
    "energy in joules": {
        "j|joules?": "1",
        "kj|kilojoules?": "1000",
        "cal|calories": "4.184",
        "kcal|kilocalories": "4184",
        "kwh|kilowatt[ -]hours?": "3.6e6",
    },
    "angle in radians": {"degrees?(?! [cfk])|°": "math.pi / 180", "rad|radians?": "1"},
}
_TEMPERATURES: dict[str, tuple[str, str]] = {
    "(?:degrees? |°|° )?(?:celsius|centigrade|c)": ("{x}", "{x}"),
    "(?:degrees? |°|° )?(?:fahrenheit|f)": ("({x} - 32) * 5 / 9", "{x} * 9 / 5 + 32"),
    "(?:degrees? )?(?:kelvins?|k)": ("{x} - 273.15", "{x} + 273.15"),
}

_ALL = [unit for row in _DIMENSIONS.values() for unit in row]
_UNIT = "(?:" + "|".join(sorted((*_TEMPERATURES, *_ALL), key=len, reverse=True)) + ")"
_LINK = r"\s+(?:in(?:to)?|to|as|is (?:what|how many) in|expressed in)\s+"
_CONVERT = phrase(rf"({NUMBER})\s?({_UNIT}){_LINK}(?:how many )?({_UNIT})(?=[\s?.,;!)]|$)")
_END = r"(?=[\s?.,;!)]|$)"
_HOW_MANY = phrase(
    rf"\bhow many ({_UNIT}) (?:are |is |make |does |do |equals? )?(?:there )?(?:up )?(?:in |is |are )"
    rf"(?:(an?)|({NUMBER}))\s?({_UNIT}){_END}",
)
_WHAT_IN = phrase(rf"\b(?:convert|what is|what's|how much is) ({NUMBER})\s?({_UNIT}) (?:in|to) ({_UNIT})\b")


def _fullmatch(pattern: str, text: str) -> bool:
    return re.fullmatch(pattern, text, re.IGNORECASE) is not None


def _factors(source: str, target: str) -> tuple[str, str, str] | None:
    """The dimension that both units share, and their factors."""
    for dimension, row in _DIMENSIONS.items():
        first = next((factor for unit, factor in row.items() if _fullmatch(unit, source)), None)
        second = next((factor for unit, factor in row.items() if _fullmatch(unit, target)), None)
        if first and second:
            return dimension, first, second
    return None


def _conversion(amount: str, source: str, target: str) -> Solution | None:
    value = literal(amount)
    if code := _temperature(value, source, target):
        plan = f"I will convert {value} {source} by the temperature formula."
    elif factors := _factors(source, target):
        dimension, first, second = factors
        code = f"value = {value}\nin_base_unit = value * ({first})  # {dimension}\n"
        code += f"converted = in_base_unit / ({second})"
        plan = f"I will convert {value} {source} by way of the {dimension}."
    else:
        return None
    code += '\nprint("converted =", float(f"{converted:.10g}"))'
    return Solution(
        plan,
        program(code, ["math"] if "math." in code else ()),
        f"{value} {source} is {{converted}} {target}.",
    )


def _temperature(value: str, source: str, target: str) -> str | None:
    to_celsius = next((row[0] for unit, row in _TEMPERATURES.items() if _fullmatch(unit, source)), None)
    from_celsius = next((row[1] for unit, row in _TEMPERATURES.items() if _fullmatch(unit, target)), None)
    if to_celsius is None or from_celsius is None:
        return None
    return f"celsius = {to_celsius.format(x=value)}\nconverted = {from_celsius.format(x='celsius')}"


units = first_of(
    (_HOW_MANY, lambda found: _conversion(found[3] or "1", found[4], found[1])),
    (_CONVERT, lambda found: _conversion(*found.groups())),
    (_WHAT_IN, lambda found: _conversion(*found.groups())),
)
