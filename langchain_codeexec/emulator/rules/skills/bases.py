"""Numbers in other bases, and Roman numerals."""

from __future__ import annotations

import re

from langchain_codeexec.emulator.rules.phrasing import phrase
from langchain_codeexec.emulator.rules.question import first_of
from langchain_codeexec.emulator.rules.solution import Solution, program

__all__ = ["bases"]

_NAMES = {"binary": 2, "octal": 8, "decimal": 10, "hexadecimal": 16, "hex": 16}
_NAME = "(?:" + "|".join(_NAMES) + r"|base[ -]?\d{1,2})"
_INTO = r"(?:in|to|into|as)(?: an?)?"
_DIGITS = r"(0x[0-9a-f]+|0b[01]+|0o[0-7]+|(?=[0-9a-z]*\d)[0-9a-z]+|[a-f]+)"
_TO = phrase(
    rf"\b{_DIGITS},? (?:(?:from|in) ({_NAME}) )?{_INTO} ({_NAME})\b(?: number)?(?:,? from ({_NAME}))?"
)
_TYPED_TO = phrase(rf"\b({_NAME})(?: number)? {_DIGITS} (?:in|to|into|as)(?: an?)? ({_NAME})\b")
_REPRESENTATION = phrase(
    rf"(?<!log )\b({_NAME}) (?:(?:representation|form|equivalent|value|number) )?(?:of|for) "
    rf"(?:({_NAME}) )?(?:the )?(?:number )?{_DIGITS}"
)
_TO_ROMAN = phrase(r"\b(\d{1,4}) (?:in|to|into|as)(?: an?)? roman\b")
_FROM_ROMAN = phrase(r"\b(?:roman (?:numeral|number) )([MDCLXVI]+)\b|\b([MDCLXVI]{2,}) (?:from|in) roman\b")
_PREFIXES = {"0x": 16, "0b": 2, "0o": 8}

_TO_BASE = """
number = int({token!r}, {source})
digits = ""
rest = number
while rest:
    rest, digit = divmod(rest, {target})
    digits = "0123456789abcdefghijklmnopqrstuvwxyz"[digit] + digits
print("converted =", digits or "0")
"""
_FORMATS = {2: "b", 8: "o", 10: "d", 16: "X"}
_ROMAN_VALUES = """
values = {{
    "M": 1000, "CM": 900, "D": 500, "CD": 400, "C": 100, "XC": 90,
    "L": 50, "XL": 40, "X": 10, "IX": 9, "V": 5, "IV": 4, "I": 1,
}}
"""
_TO_ROMAN_CODE = (
    _ROMAN_VALUES
    + """
rest, roman = {number}, ""
for letters, value in values.items():
    count, rest = divmod(rest, value)
    roman += letters * count
print("roman =", roman)
"""
)
_FROM_ROMAN_CODE = (
    _ROMAN_VALUES
    + """
letters = [values[letter] for letter in "{letters}"]
number = 0
for value, following in zip(letters, [*letters[1:], 0]):
    number += -value if value < following else value
print(f"{{number = }}")
"""
)


def _base(name: str | None) -> int | None:
    if not name:
        return None
    return _NAMES.get(name.lower()) or int(re.sub(r"\D", "", name))


def _convert(token: str, source: str | None, target: str) -> Solution | None:
    prefixed = _PREFIXES.get(token[:2].lower())
    from_base, to_base = _base(source) or prefixed or 10, _base(target) or 10
    digits = token[2:] if prefixed == from_base and prefixed is not None else token
    try:
        int(digits, from_base)
        if not 2 <= to_base <= 36:  # noqa: PLR2004 -- the digits 0 to z
            return None
    except ValueError:
        return None
    if to_base in _FORMATS:
        shown = f'format(number, "{_FORMATS[to_base]}")'
        code = f'number = int("{digits}", {from_base})\nprint("converted =", {shown})'
    else:
        code = _TO_BASE.format(token=digits, source=from_base, target=to_base)
    return Solution(
        f"I will convert {token} from base {from_base} to base {to_base}.",
        program(code),
        f"{token} in base {from_base} is {{converted}} in base {to_base}.",
    )


def _to_roman(found: re.Match[str]) -> Solution | None:
    number = int(found[1])
    if not 0 < number < 4000:  # noqa: PLR2004 -- Roman numerals go up to MMMCMXCIX
        return None
    return Solution(
        f"I will take the largest Roman values out of {number} in turn.",
        program(_TO_ROMAN_CODE.format(number=number)),
        f"{number} in Roman numerals is {{roman}}.",
    )


def _from_roman(found: re.Match[str]) -> Solution:
    letters = (found[1] or found[2]).upper()
    return Solution(
        f"I will add up the letters of {letters}, a smaller one before a larger one counting negative.",
        program(_FROM_ROMAN_CODE.format(letters=letters)),
        f"The Roman numeral {letters} is {{number}}.",
    )


bases = first_of(
    (_TO_ROMAN, _to_roman),
    (_FROM_ROMAN, _from_roman),
    (_TYPED_TO, lambda found: _convert(found[2], found[1], found[3])),
    (_REPRESENTATION, lambda found: _convert(found[3], found[2], found[1])),
    (_TO, lambda found: _convert(found[1], found[2] or found[4], found[3])),
)
