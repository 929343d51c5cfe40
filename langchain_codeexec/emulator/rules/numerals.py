"""Numbers as people write them: signs, thousands separators, words."""

from __future__ import annotations

import re

from langchain_codeexec.emulator.rules.phrasing import phrase

__all__ = ["LIST", "NTH", "NUMBER", "in_digits", "literal", "literals", "nth"]

_INTEGER = r"(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)"
NUMBER = rf"(?<![\w.])[-+]?(?:{_INTEGER}(?:\.\d+)?|\.\d+)(?:e[-+]?\d+)?"
"""Pattern of one number, without groups."""

_ITEM = r"[$€£]?\s?-?(?:\d+(?:,\d{3}(?=[,;]?\s))*(?:\.\d+)?|\.\d+)(?:e[-+]?\d+)?"
_SEPARATOR = r"\s*(?:,\s*and\s+|,\s*|;\s*|\s+and\s+|\s+)"
LIST = rf"(?<![\w.]){_ITEM}(?:{_SEPARATOR}{_ITEM})+(?!\w)"
"""Pattern of two or more numbers in a row, without groups."""

_ITEM_OF_SPACED_LIST = re.compile(NUMBER)
_ITEM_OF_DENSE_LIST = re.compile(r"-?(?:\d+(?:\.\d+)?|\.\d+)(?:e[-+]?\d+)?")
_SPACED_LIST = re.compile(r"\d(?:[,;]?\s|;)")

NTH = r"(\d+)(?:st|nd|rd|th)|\b(first|second|third)"
"""Pattern of an ordinal: two groups, read with `nth`."""
_ORDINALS = {"first": 1, "second": 2, "third": 3}

_UNIT_WORDS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen"
)
_TEN_WORDS = "twenty thirty forty fifty sixty seventy eighty ninety"
_UNITS = {word: value for value, word in enumerate(_UNIT_WORDS.split())}
_TENS = {word: 10 * value for value, word in enumerate(_TEN_WORDS.split(), start=2)}
_SCALES = {"thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
_NTH_WORD_LIST = (
    "4 fourth 5 fifth 6 sixth 7 seventh 8 eighth 9 ninth 10 tenth 11 eleventh 12 twelfth 15 fifteenth "
    "20 twentieth 30 thirtieth 40 fortieth 50 fiftieth 100 hundredth 1000 thousandth"
)
_NTH_PAIRS = _NTH_WORD_LIST.split()
_NTH_WORDS = {word: f"{number}th" for number, word in zip(_NTH_PAIRS[::2], _NTH_PAIRS[1::2], strict=True)}

_UNIT = "|".join(_UNITS)
_TEN = "|".join(_TENS)
_SCALE = "|".join(_SCALES)
_SMALL = rf"(?:(?:{_TEN})(?:[\s-](?:{_UNIT}))?|{_UNIT})"
_GROUP = rf"{_SMALL}(?:\shundred(?:\s(?:and\s)?{_SMALL})?)?"
_WORDS = phrase(
    rf"\b(?!one\b(?!\s(?:hundred|{_SCALE})))(?:{_GROUP})"
    rf"(?:\s(?:{_SCALE})\b(?:,?\s(?:and\s)?(?:{_GROUP})\b)?)*\b"
)
_ONE_IN_A_SUM = phrase(
    rf"\bone(?=\s(?:plus|minus|times|divided|multiplied|over)\b)"
    rf"|(?:(?<=\bplus\s)|(?<=\bminus\s)|(?<=\btimes\s)|(?<=\bby\s))one\b(?!\s(?:hundred|{_SCALE}))"
)
_A_SCALE = phrase(rf"\ban?\s(hundred|dozen|{_SCALE})\b")
_SCALED = phrase(rf"\b(\d[\d,]*(?:\.\d+)?)\s({_SCALE})\b")
_POINT = phrase(r"\b(\d+) point (\d+(?: \d+)*)\b")
_NTH_WORD = phrase(r"\b(" + "|".join(_NTH_WORDS) + r")\b")


def literal(text: str) -> str:
    """A number as people write it as a Python literal: `1,234.50` gives `1234.50`, `007` gives `7`."""
    plain = text.strip("$€£ ").replace(",", "").lstrip("+").lower()
    sign, plain = ("-", plain[1:]) if plain.startswith("-") else ("", plain)
    whole = re.match(r"\d*", plain)
    digits = whole[0] if whole else ""
    return sign + (digits.lstrip("0") or "0") + plain[len(digits) :]


def literals(text: str) -> list[str]:
    """The numbers of a list.

    `1,200; 3,400` and `1,200, 3,400` hold two numbers, `100,200,300` holds three: a comma separates
    thousands only where something else separates the items.
    """
    item = _ITEM_OF_SPACED_LIST if _SPACED_LIST.search(text) else _ITEM_OF_DENSE_LIST
    return [literal(found) for found in item.findall(text)]


def nth(digits: str | None, word: str | None) -> int:
    """The two groups of `NTH` as a number."""
    return int(digits) if digits else _ORDINALS[(word or "first").lower()]


def in_digits(text: str) -> str:
    """Number words in digits: `twenty-five` gives `25`, `2.5 million` gives `2500000`.

    A lone `one` stays unless it is an operand, since it is more often a pronoun.
    """
    text = _ONE_IN_A_SUM.sub("1", text)
    text = _A_SCALE.sub(lambda found: _hundreds(found[1]), text)
    text = _WORDS.sub(lambda found: str(_value(found[0])), text)
    text = _SCALED.sub(_scaled, text)
    text = _POINT.sub(lambda found: f"{found[1]}.{found[2].replace(' ', '')}", text)
    return _NTH_WORD.sub(lambda found: _NTH_WORDS[found[1].lower()], text)


def _hundreds(scale: str) -> str:
    return str({"hundred": 100, "dozen": 12, **_SCALES}[scale.lower()])


def _scaled(found: re.Match[str]) -> str:
    whole, _, fraction = found[1].replace(",", "").partition(".")
    zeros = len(str(_SCALES[found[2].lower()])) - 1
    if len(fraction) > zeros:
        return found[0]
    return str(int(whole + fraction.ljust(zeros, "0")))


def _value(words: str) -> int:
    """The value of a matched run of number words."""
    total = group = 0
    for word in re.findall(r"[a-z]+", words.lower()):
        if word in _SCALES:
            total, group = total + group * _SCALES[word], 0
        elif word == "hundred":
            group *= 100
        else:
            group += _UNITS.get(word, 0) + _TENS.get(word, 0)
    return total + group
