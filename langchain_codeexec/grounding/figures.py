"""Figures: the numbers that a text states, and which of them supports which.

What is read as a figure: `5,117`, `1,234.5`, `1 234,5`, `1.234,5`, `1'234`, `12,34,567`, `1.2e6`, `1.2 x 10^6`,
`10²⁴`, `3/4`, `2½`, `12 %`, `12 percent`, `3.4 million`, `12,5 Mio. EUR`, `$1.2bn`, `US$ 5`, `20 EUR`, `-5`,
`three million`. What is a label instead, and blanked before: ordinals, dates, times of day and years that a word
such as "in" or "since" marks as such; the marks of lists, citations (`[1]`) and what is numbered (`Table 2`,
`page 12`); identifiers (`GPT-4`, `3D`, `input_file_0`), versions, addresses, Python in fences. A year that nothing
marks is a figure: rather one too many is marked than one too few.

The rule: a claim is supported by a figure whose value, rounded to the digits in which the claim is written, is the
claim. `5117.3` supports "5,117" and "5.12 thousand", not "5,118". Beyond that:

- A claim of a single digit is only supported by exactly that value, unless "about" or the like precedes it.
- "about 5,100" is taken as rounded to its last digit that is no zero, but to two digits at the least.
- A percentage is supported by the same number without a unit, and by the fraction: "15.3 %" by 15.3 and 0.153.
- Two units that are known and differ never agree: nothing is converted, for that is what code is there for.
- A fraction is exact; it is supported by a decimal of three digits or more that is the fraction in all of them.
- The sign counts, except that "fell by 3 %" is supported by -3 % as well.
- An amount in parentheses is negative where accounts write it so: alone in its line or cell, or with its
  currency, percent or power of ten outside. So is one with a minus a space before it, where nothing is there to
  take from, or right behind it, and one after "minus". Whether all these are meant as positive is not judged.

Some writings have several meanings: `1,234` and `1.234` group digits or divide decimals, `3,5` may be two figures,
"billion" is more in French than in English, an unknown word may be one for millions. Such a claim is read as the
rest of its text writes (`12,5` beside it makes `3.400` three thousand), else as programs write: 1234, 1.234, 3.5.
It is supported in that reading alone; `1.234` only by a figure with as many decimals, so that 3.4 is not taken
for "3.400" pieces, and not with a word for millions. Where it is not supported so, but is in another meaning,
nobody can judge it (`may_support`).
It is refuted where no meaning of it is supported. A text with decimal commas is in none of the languages whose
words are known here: in there a sign may be in the words, and four digits may be a year.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from langchain_codeexec.grounding.labels import (
    A_YEAR,
    BLANK,
    LATIN,
    output_without_labels,
    prose_without_labels,
    without_list_marks,
)
from langchain_codeexec.grounding.numerals import (
    COMMA,
    CURRENCY,
    CURRENCY_CODES,
    FRACTION,
    NUMBER_WORDS,
    NUMERAL,
    PAIR,
    PRINTED_NUMERAL,
    SCALE,
    SUFFIX_SCALES,
    UNIT,
    Reading,
    notation_of,
    powers_of,
    read_fraction,
    read_number_words,
    readings_of,
    unit_named,
)

__all__ = [
    "Figure",
    "figures_in",
    "is_noise",
    "may_support",
    "notation_in",
    "printed_figures",
    "stated_figures",
    "supports",
]


@dataclass(frozen=True, slots=True)
class Figure:
    """A number that a text states."""

    text: str  # the figure as written, sign, scale and unit included
    start: int  # where it begins in the text, in characters
    end: int  # where it ends
    value: Decimal  # its value: `$1.2bn` is 1200000000, `12 %` is 12 with the unit `%`
    step: Decimal  # what one in its last digit is worth; 0 for a fraction
    unit: str = ""  # one name for its unit (`%`, `USD`, `km`); empty where it has none that is known
    digits: int = 1  # digits written, without leading zeros
    is_rough: bool = False  # whether a word such as "about" says that it is rounded
    is_decrease: bool = False  # whether words beside it say that a value fell: the sign is in them
    is_ambiguous: bool = False  # whether its point may as well group digits, as far as the text shows
    others: tuple[tuple[Figure, ...], ...] = ()  # what else it may mean: each a figure, or several at once
    is_counted: bool = False  # whether a word that is no known unit follows, which may be a power of ten, too


def figures_in(prose: str, documents: int | None = None) -> list[Figure]:
    """The figures that prose claims, in order.

    Args:
        prose: What somebody wrote.
        documents: How many documents there are to cite: then `[2, 7]` is a list of figures if there are less than
            7. By default it is a citation, as `[7]` always is.
    """
    readable = prose_without_labels(prose, documents, with_years=False)
    claims = _figures(prose, without_list_marks(readable), _WRITTEN)
    if _COUNTED_IN.search(readable):
        claims = [replace(claim, is_counted=True) for claim in claims]
    return [claim for claim in claims if powers_of(claim.text)[0] or any(map(str.isnumeric, claim.text))]


def stated_figures(prose: str, notation: str = "") -> list[Figure]:
    """The figures that a claim may rest on: besides those that are claims, years and small numbers in words.

    `notation` is what stands before decimals in the text that the prose is from, as `notation_in` tells.
    """
    readable = prose_without_labels(prose)
    return _figures(prose, without_list_marks(readable), _WRITTEN, notation)


def printed_figures(output: str) -> list[Figure]:
    """The figures in what a program printed: lists and years too, but no dates, times or identifiers."""
    return _figures(output, output_without_labels(output), _PRINTED)


def notation_in(prose: str) -> str:
    """What stands before decimals in a text: `.`, `,`, or nothing where it does not show."""
    return _notation(prose_without_labels(prose), _WRITTEN)


# -- reading -------------------------------------------------------------------------------------------------

_CODES: Final = "|".join(CURRENCY_CODES)
_DASHES: Final = frozenset("-\u2010\u2011\u2013\u2212\ufe63\uff0d")
"""Hyphens and dashes that are written for a minus, beside the sign itself."""
_SIGNS: Final = _DASHES | set("(▲△")
_DASH: Final = f"[{''.join(sorted(_DASHES))}]"
_SPACE: Final = r"[ \u00a0\u2009\u202f]"
_MONEY: Final = {"k": 3, "m": 6, "mm": 6, "mn": 6, "b": 9, "bn": 9, "t": 12, "tn": 12}
"""Powers of ten behind an amount of money, in any case."""
_BEFORE_MONEY: Final = {"k": 3, "T": 3, "M": 6, "Md": 9, "G": 9}
"""Powers of ten between an amount and its currency."""
_UNITS: Final = rf"(?:(?:{_SPACE}|-)?(?P<unit>{UNIT}))?"


def _digits(numeral: str) -> re.Pattern[str]:
    return re.compile(
        rf"""
        (?:(?<![\w)\]%.,}}])(?P<sign>{_DASH}|\+))?
        (?:(?P<currency>{CURRENCY}){_SPACE}?(?P<inner>{_DASH})?)?
        (?P<open>(?<!\w)\((?=[^()\n]{{1,24}}\)(?(currency)|{_SPACE}?(?:{SCALE}|%|{CURRENCY})(?!\w))){_SPACE}?)?
        (?(currency)|(?<![\d_]))(?<!\d[eE])(?<!{BLANK}[.,])
        (?:(?P<fraction>{FRACTION})|(?P<numeral>{numeral}))(?(open){_SPACE}?\))
        (?:
            (?:{_SPACE}|-)?(?P<scale>{SCALE})s?(?![{LATIN}])(?:\.(?={_SPACE}?{UNIT}))?
          | {_SPACE}?(?P<between>{"|".join(_BEFORE_MONEY)})(?=[$€£¥₹]|(?:{_CODES})\b)
          | (?(currency){_SPACE}?(?P<money>(?i:{"|".join(_MONEY)}))
              | (?P<suffix>{"|".join(SUFFIX_SCALES)}))(?![\w²³/])
        )?
        {_UNITS}
        (?=(?P<letter>[{LATIN}_]\d?)?(?P<word>{_SPACE}[^\W\d_]|{_SPACE}?[‰\u2013-]{_SPACE}?[$€£¥₹]?\d?)?)
        """,
        re.VERBOSE,
    )


_PRINTED: Final = (_digits(PRINTED_NUMERAL),)
_WRITTEN: Final = (_digits(NUMERAL), re.compile(rf"\b(?P<words>{NUMBER_WORDS})s?\b{_UNITS}", re.IGNORECASE))
_PAIR: Final = re.compile(PAIR)
_NO_PARTS: Final = dict.fromkeys(_WRITTEN[0].groupindex, "") | {"words": ""}
_APART: Final = re.compile(rf"{PAIR}|\d+(?: \d{{3}})+(?:[.,]\d+)?")
"""Numerals that may be several with a comma or a space between."""
_MAY_GROUP: Final = re.compile(
    r"[1-9]\d{0,2}(?:\.\d{3} \D*|,\d{3} (?!hundred|thousand|.illion|lakh|cr).+)", re.IGNORECASE
)
"""A numeral and a word that multiplies it: where that is not English, a comma may stand before decimals."""
_DAY_DIGITS: Final = 2
_MAY_BE_YEAR: Final = re.compile(A_YEAR)
_PIECE: Final = re.compile(r"(?:[^, ]|,(?=\d+$)(?<= \d{3},))+")
_LISTED: Final = re.compile(r"[(\[{]\d+,\d+[)\]}]")
_NAME: Final = re.compile(r"[A-Z_]|e\d")
"""What right behind digits makes a name of both (`3D`, `123e4567`); another letter begins a unit not known."""
_NEAR: Final = 60
"""Characters before or behind a figure that can say something of it."""
_ROUGHLY: Final = (
    r"(?:\b(?:about|around|roughly|approximately|approx\.?|circa|ca\.|nearly|almost|some|just (?:over|under)|rund|"
    r"etwa|ungefähr|environ|près de|un[ao]s|cerca de|aproximadamente|około|ongeveer)"
    r"|[~≈])"
)
_ROUGH: Final = re.compile(rf"{_ROUGHLY}\s*$", re.IGNORECASE)
_BOUND: Final = re.compile(
    r"(?:\b(?:(?:more|less|fewer|greater|higher|lower) than|over|under|above|below|at (?:least|most)|mehr als|"
    r"über|weniger als|plus de|moins de|más de|menos de)|[<>≤≥]=?)\s*$",
    re.IGNORECASE,
)
_COUNTED_IN: Final = re.compile(
    rf"(?:[(\[]|\b(?:[Ii]n|[Ee]n|[Ww])\s)[^()\[\]\d\n]{{0,9}}"
    rf"(?:(?<![{LATIN}]){SCALE}s?(?![{LATIN}])|%|\b[kTM](?:[$€£]|{_CODES})|[$€£]\s?[kKMB]\b)"
)
"""What a header, or words before, state for the figures of a text: `(Mio. €)`, `in thousands`."""
_OPENED: Final = re.compile(rf"\({_SPACE}?$")
_CLOSED: Final = re.compile(rf"{_SPACE}?\)")
_CELL_BEFORE: Final = re.compile(r"(?:^|[|\t:]|\s\s)[\s*]*\(\s?$", re.MULTILINE)
_CELL_BEHIND: Final = re.compile(
    r"\s?\)[.*]*(?=\s*(?:$|[|,;])|\t|\s\s|\s?(?:zł|kr|Kč|PLN|SEK|NOK|DKK|CZK)\b)", re.MULTILINE
)
"""Around a number in parentheses that stands alone: with that, accounts say that it is negative."""
_MINUS_WORDS: Final = (
    r"(?:minus|negative|(?<!\bau )(?<!\bou )moins|(?<!\bo )meno"
    r"|(?<!\bal )(?<!\blo )(?<!\bao )(?<!\bpelo )(?<!\bo )(?<!\bou )menos)"
)
_MINUS_BEFORE: Final = re.compile(
    rf"(?:[=:|(\[\u2248~$€£¥₹]{_SPACE}*{_DASH}|(?:^|[^\W\d_]{{2}})\s*\u2212){_SPACE}$"
    rf"|(?:^|[=:|(,;]|[^\W\d_]{{2}})\s*\b{_MINUS_WORDS}{_SPACE}$",
    re.IGNORECASE | re.MULTILINE,
)
"""A minus apart from its number, or the word, where nothing before is there to take from."""
_MINUS_BEHIND: Final = re.compile(
    rf"[-\u2212](?=\s*(?:$|[|)])|\s\s|{_SPACE}?(?:[€$£]|(?:{_CODES})\b))", re.MULTILINE
)
_DASH_BEFORE: Final = re.compile(rf"(?:^|[^\d\s)\]}}%])\s*{_DASH}{_SPACE}$|[▲△]{_SPACE}?$", re.MULTILINE)
"""The mark of a list, a dash, or a minus; triangles are one in Japanese accounts."""
_ORDINAL_POINT: Final = re.compile(r"\.\s[^\W\d_]")
_DECREASE: Final = re.compile(
    r"\b(?:(?:decreas|declin|fell|fall|drop|shr[aiu]nk|los[est]|reduc)\w*|minus|negative|down)\b"
    rf"(?:\s(?:by|of))?(?:\s{_ROUGHLY})?\s*$|[▼↓]\s*$",
    re.IGNORECASE,
)
_DECREASE_BEHIND: Final = re.compile(
    r"\s*(?:\w+\s)?(?:lower|less|fewer|below|smaller|decrease|decline|drop|loss|reduction)\b", re.IGNORECASE
)


def _figures(
    text: str, readable: str, patterns: Sequence[re.Pattern[str]], notation: str = ""
) -> list[Figure]:
    notation = notation or _notation(readable, patterns)
    figures = [
        figure
        for pattern in patterns
        for match in pattern.finditer(readable)
        for figure in _figures_of(text, match, notation, is_printed=patterns is _PRINTED)
    ]
    return sorted(figures, key=lambda figure: figure.start)


def _notation(readable: str, patterns: Sequence[re.Pattern[str]]) -> str:
    return notation_of(
        match["numeral"]
        for match in patterns[0].finditer(readable)
        if match["numeral"] and not _may_be_list(match, is_printed=patterns is _PRINTED)
    )


def _may_be_list(match: re.Match[str], *, is_printed: bool) -> bool:
    return bool(_PAIR.fullmatch(match["numeral"])) and (
        is_printed or bool(_LISTED.match(match.string, max(0, match.start("numeral") - 1)))
    )


def _figures_of(text: str, match: re.Match[str], notation: str, *, is_printed: bool) -> list[Figure]:
    """The figure of a match, or both of a list; none for a name, a division by zero, or what is too long."""
    parts = {**_NO_PARTS, **match.groupdict("")}
    powers = _powers(parts)
    readings = [] if _NAME.match(parts["letter"]) else _readings(parts, notation, powers)
    if not readings:
        return []
    numeral, (start, end) = parts["numeral"], match.span()
    is_bare = powers == [0] and not parts["unit"] + parts["currency"]
    figure = replace(
        _figure(text, (start, end), readings[0], parts),
        is_ambiguous=not notation and _MAY_GROUP.fullmatch(f"{numeral} {parts['scale']}") is not None,
        is_counted=is_bare and bool(parts["word"]),
        others=tuple((_figure(text, (start, end), reading, parts),) for reading in readings[1:]),
    )
    if powers != [0]:
        unscaled = _figure(text, (start, end), _readings(parts, notation, [0])[0], parts)
        figure = replace(figure, others=(*figure.others, (unscaled,)))
    figure = _signed(figure, text, parts, may_be_negative=notation == COMMA and not is_printed)
    if not is_printed:
        label = is_bare and _may_be_label(numeral, match) and notation == COMMA
        no_figure = [()] * (label or _BOUND.search(text[max(0, start - _NEAR) : start]) is not None)
        figure = replace(figure, others=(*figure.others, *no_figure))
    if powers != [0]:
        return [figure]
    if not (is_bare and _APART.fullmatch(numeral)):
        return [figure]
    first = match.start("numeral")
    pieces = [(first + piece.start(), first + piece.end()) for piece in _PIECE.finditer(numeral)]
    apart = tuple(
        _figure(text, (start if number == 0 else span[0], span[1]), readings_of(text[slice(*span)])[0], parts)
        for number, span in enumerate(pieces)
    )
    if notation != COMMA and _may_be_list(match, is_printed=is_printed):
        return [replace(piece, others=((figure,), *figure.others)) for piece in apart]
    return [replace(figure, others=(*figure.others, apart))]


def _signed(figure: Figure, text: str, parts: dict[str, str], *, may_be_negative: bool) -> Figure:
    """The figure as what stands around it says: negative, or negative in another meaning."""
    start, end = figure.start, figure.end
    if not _DASHES.isdisjoint(parts["sign"] + parts["inner"]):
        return figure
    near, mark = max(0, start - _NEAR), text[max(0, start - 2) : start].rstrip()[-1:]
    if not (may_be_negative or parts["open"] or mark.isalpha() or {mark, text[end : end + 1]} & _SIGNS):
        return figure  # as most do
    is_enclosed = _OPENED.search(text, near, start) and _CLOSED.match(text, end)
    is_negative = (
        parts["open"]
        or _MINUS_BEFORE.search(text, near, start)
        or _MINUS_BEHIND.match(text, end)
        or (is_enclosed and _is_alone(figure, text))
    )
    meanings = [((figure,), *figure.others), tuple(map(_negated, ((figure,), *figure.others)))]
    if is_negative:
        (first,), *others = meanings[1]
        return replace(first, others=(*others, *meanings[0]))
    if may_be_negative or is_enclosed or _DASH_BEFORE.search(text, near, start):
        return replace(figure, others=(*figure.others, *meanings[1]))
    return figure


def _negated(meaning: tuple[Figure, ...]) -> tuple[Figure, ...]:
    return tuple(replace(figure, value=-figure.value, others=()) for figure in meaning)


def _is_alone(figure: Figure, text: str) -> bool:
    """Whether nothing else stands in the line or cell of a number in parentheses, or behind its label."""
    is_amount = figure.unit in ("", _PERCENT, *CURRENCY_CODES) and not _MAY_BE_YEAR.fullmatch(figure.text)
    near = max(0, figure.start - _NEAR)
    return bool(
        is_amount and _CELL_BEFORE.search(text, near, figure.start) and _CELL_BEHIND.match(text, figure.end)
    )


def _may_be_label(numeral: str, match: re.Match[str]) -> bool:
    """Whether a number may be a year, or the ordinal that a point makes of it in some languages."""
    is_ordinal = len(numeral) <= _DAY_DIGITS and _ORDINAL_POINT.match(match.string, match.end())
    return bool(is_ordinal or _MAY_BE_YEAR.fullmatch(numeral))


def _figure(text: str, span: tuple[int, int], reading: Reading, parts: dict[str, str]) -> Figure:
    start, end = span
    before, behind = text[max(0, start - _NEAR) : start], text[end : end + _NEAR]
    is_negative = not _DASHES.isdisjoint(parts["sign"] + parts["inner"])
    is_rough = _ROUGH.search(before) is not None
    # Zeros at the end of a number that is called rough may be rounded ones, but two digits are meant.
    rounded = max(0, min(reading.zeros, reading.digits - 2)) if is_rough else 0
    return Figure(
        text=text[start:end],
        start=start,
        end=end,
        value=-reading.value if is_negative else reading.value,
        step=reading.step.scaleb(rounded),
        unit=unit_named(parts["currency"] or parts["unit"]),
        digits=reading.digits,
        is_rough=is_rough,
        is_decrease=bool(_DECREASE.search(before) or _DECREASE_BEHIND.match(behind)),
    )


def _powers(parts: dict[str, str]) -> list[int]:
    """The powers of ten that a figure may count in."""
    if parts["scale"]:
        return powers_of(parts["scale"])
    known = (_BEFORE_MONEY, "between"), (SUFFIX_SCALES, "suffix"), (_MONEY, "money")
    return [sum(scales.get(parts[name], scales.get(parts[name].lower(), 0)) for scales, name in known)]


def _readings(parts: dict[str, str], notation: str, powers: list[int]) -> list[Reading]:
    if parts["words"]:
        return [read_number_words(parts["words"])]
    if parts["fraction"]:
        return [reading for power in powers for reading in read_fraction(parts["fraction"], power)]
    return [reading for power in powers for reading in readings_of(parts["numeral"], notation, power)]


# -- agreement -----------------------------------------------------------------------------------------------

_PERCENT: Final = "%"
_FLOAT_DIGITS, _NOISE = 16, Decimal("1e-12")
"""Digits of a float that is printed with its noise, and the relative error to be expected of one."""
_ENOUGH_DIGITS: Final = 3
_UNKNOWN_POWERS: Final = (-4, -3, -2, 3, 6, 9, 12)
"""What a word that is not known may stand for: basis point, thousand, million and so on, in any language."""
_REPEATED, _ALMOST_ZERO = 1e-9, 1e-12
"""What another processor or library version makes of the last digits of a float, relative and absolute."""


def supports(evidence: Figure, claim: Figure) -> bool:
    """Whether a figure supports a claim, by the rule of this module."""
    if claim.is_ambiguous and not evidence.step <= claim.step < 1:
        return False
    signs = (1, -1) if claim.is_decrease and claim.value > 0 else (1,)
    values = (
        evidence.value * factor * sign for factor in _factors(evidence.unit, claim.unit) for sign in signs
    )
    return any(_rounds_to(value, evidence, claim) for value in values)


def may_support(figures: Iterable[Figure], claim: Figure) -> bool:
    """Whether figures support a claim in what else it or they may mean, so that nobody can judge it."""
    meant = [part for figure in figures for meaning in ((figure,), *figure.others) for part in meaning]
    return any(
        all(any(supports(figure, part) for figure in meant) for part in meaning)
        for meaning in _meanings(claim)
    )


def _meanings(claim: Figure) -> Iterator[tuple[Figure, ...]]:
    yield (replace(claim, is_ambiguous=False),)
    yield from claim.others
    if claim.is_counted:
        for power in _UNKNOWN_POWERS:
            yield (replace(claim, value=claim.value.scaleb(power), step=claim.step.scaleb(power)),)


def is_noise(figure: Figure, repeated: Figure) -> bool:
    """Whether two printed figures differ by no more than the noise of floats; whole numbers have none."""
    if figure.text == repeated.text:
        return True
    if figure.unit != repeated.unit or "." not in figure.text + repeated.text:
        return False
    return math.isclose(figure.value, repeated.value, rel_tol=_REPEATED, abs_tol=_ALMOST_ZERO)


def _factors(evidence: str, claim: str) -> tuple[Decimal, ...]:
    """What the evidence is to be multiplied with for the unit of the claim; nothing where the units differ."""
    if _PERCENT in (evidence, claim) and not (evidence and claim):
        return (Decimal(1), Decimal(100) if claim == _PERCENT else Decimal("0.01"))
    return (Decimal(1),) if evidence == claim or not (evidence and claim) else ()


def _rounds_to(value: Decimal, evidence: Figure, claim: Figure) -> bool:
    difference = abs(value - claim.value)
    noise = abs(value) * _NOISE if evidence.digits >= _FLOAT_DIGITS and evidence.step < 1 else 0
    if difference <= noise:
        return True
    if not claim.step:
        return evidence.digits >= _ENOUGH_DIGITS and difference <= evidence.step / 2
    return (claim.digits > 1 or claim.is_rough) and difference <= claim.step / 2
