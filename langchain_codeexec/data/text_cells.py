"""Cells of written tables: without their markup, and numbers without their ornaments where that is safe.

Markup is taken off by patterns rather than rendered: read as Markdown, `2*3*4` would be the number 234.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from html import unescape
from typing import Final, NamedTuple

from langchain_codeexec.data.tables import unique_names

__all__ = ["cleaned", "plain_text"]

_BREAK: Final = re.compile(r"<br\s*/?>", re.IGNORECASE)
_TAG: Final = re.compile(
    r"</?(?:a|abbr|b|code|del|em|i|ins|mark|p|s|small|span|strong|sub|sup|u)(?:\s[^<>]*)?>", re.IGNORECASE
)
_LINK: Final = re.compile(r"!?\[([^\[\]]*)\]\([^()\s]*(?:\s\"[^\"]*\")?\)")
_EMPHASIS: Final = re.compile(r"(\*\*|__|\*|_|`)(\S|\S.*\S)\1")
_ESCAPED: Final = re.compile(r"\\([\\`*_{}\[\]()#+\-.!|$~<>])")
_FOOTNOTE: Final = re.compile(r"\[(?:\d{1,3}|[a-z]|note \d{1,2}|\^[\w-]+)\]", re.ASCII)

_SPACES: Final = "\N{NO-BREAK SPACE}\N{THIN SPACE}\N{NARROW NO-BREAK SPACE}\N{FIGURE SPACE}"
_MINUSES: Final = "\N{MINUS SIGN}\N{EN DASH}\N{FIGURE DASH}\N{NON-BREAKING HYPHEN}"
_NUMBER: Final = re.compile(
    rf"(?P<sign>[+-]|[{_MINUSES}])? ?(?P<currency>[$€£¥])? ?(?!0[\d,])"
    rf"(?P<digits>\d{{1,3}}(?:,\d{{3}})+(?:\.\d+)?|\d{{1,3}}(?:[{_SPACES}]\d{{3}})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)"
    rf"(?P<exponent>[eE][+-]?\d{{1,3}})?(?:[ {_SPACES}]?(?P<percent>%))?(?:\s?[*†‡§]{{1,3}})?",
    re.ASCII,
)
_SEPARATORS: Final = re.compile(rf"[,{_SPACES}]")
_NO_VALUE: Final = frozenset(
    ["", *"-\N{EN DASH}\N{EM DASH}\N{MINUS SIGN}", "--", "---", "...", "n/a", "N/A", "NA"]
)


class _Number(NamedTuple):
    """A number as `float` reads it, and the currency or per cent sign it was written with."""

    digits: str
    unit: str


def cleaned(
    header: Sequence[str], rows: Sequence[Sequence[str]]
) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """Names and cells of a table, as many in each row as there are columns.

    A column becomes plain numbers only if every cell of it is one or says that there is no value: then thousands
    separators, typographic minus signs and footnote marks go, a per cent or currency sign that all of them have
    goes into the column's name, and a dash becomes an empty cell. Any other column keeps its text.
    """
    if rows and not any(map(str.strip, header)):
        header, rows = rows[0], rows[1:]
    names = [plain_text(cell) for cell in header]
    columns = [
        [plain_text(row[place]) if place < len(row) else "" for row in rows] for place in range(len(names))
    ]
    for place, cells in enumerate(columns):
        if numbers := _numbers(cells):
            unit = next(iter(numbers.values())).unit
            if unit not in names[place]:
                names[place] = f"{names[place]} ({unit})".strip()
            columns[place] = [numbers[cell].digits if cell in numbers else "" for cell in cells]
    return unique_names(names), tuple(zip(*columns, strict=True))


def plain_text(cell: str) -> str:
    """Text without markup and without a footnote mark at its end."""
    text = _TAG.sub("", _BREAK.sub(" ", cell)) if "<" in cell else cell
    text = _LINK.sub(r"\1", text) if "](" in text else text
    text = unescape(text).strip()
    while emphasised := _EMPHASIS.fullmatch(text):
        text = emphasised[2].strip()
    text = _ESCAPED.sub(r"\1", text) if "\\" in text else text
    while text.endswith("]") and (mark := text.rfind("[")) > 0 and _FOOTNOTE.fullmatch(text, mark):
        text = text[:mark].rstrip()
    return text


def _numbers(cells: Iterable[str]) -> Mapping[str, _Number]:
    """By cell, the numbers of a column; none if a cell is something else, or if their units differ."""
    numbers: dict[str, _Number] = {}
    for cell in dict.fromkeys(cells):
        if cell in _NO_VALUE:
            continue
        match = _NUMBER.fullmatch(cell)
        if match is None:
            return {}
        sign = "-" if match["sign"] not in (None, "+") else ""
        digits = f"{sign}{_SEPARATORS.sub('', match['digits'])}{match['exponent'] or ''}"
        numbers[cell] = _Number(digits, match["currency"] or match["percent"] or "")
    return numbers if len({number.unit for number in numbers.values()}) == 1 else {}
