"""Cells of written tables: without their markup, and numbers without their ornaments where that is safe."""

from __future__ import annotations

import re
from html import unescape
from typing import TYPE_CHECKING, Final, NamedTuple

from langchain_codeexec.inputs.grids import unique_names

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["cleaned"]

_BREAK: Final = re.compile(r"<br\s*/?>", re.IGNORECASE)
_TAG: Final = re.compile(
    r"</?(?:a|abbr|b|code|del|em|i|ins|mark|p|s|small|span|strong|sub|sup|u)(?:\s[^<>]*)?>", re.IGNORECASE
)
_LINK: Final = re.compile(r"!?\[([^\[\]]*)\]\([^()\s]*(?:\s\"[^\"]*\")?\)")
_EMPHASIS: Final = re.compile(r"(\*\*|__|\*|_|`)(\S|\S.*\S)\1")
_ESCAPED: Final = re.compile(r"\\([\\`*_{}\[\]()#+\-.!|$~<>])")
_FOOTNOTE: Final = re.compile(r"\[(?:\d{1,3}|[a-z]|note \d{1,2}|\^[\w-]+)\]", re.ASCII)
_MARK: Final = re.compile(r"(?<=\d)(?: ?%)?(\s?[*†‡§]{1,3})$")

_SPACES: Final = "\N{NO-BREAK SPACE}\N{THIN SPACE}\N{NARROW NO-BREAK SPACE}\N{FIGURE SPACE}"
_MINUSES: Final = "\N{MINUS SIGN}\N{EN DASH}\N{FIGURE DASH}\N{NON-BREAKING HYPHEN}"
_NUMBER: Final = re.compile(
    rf"(?P<sign>[+-]|[{_MINUSES}])? ?(?P<currency>[$€£¥])? ?"
    rf"(?P<digits>\d{{1,3}}(?:,\d{{3}})+(?:\.\d+)?|\d{{1,3}}(?:[{_SPACES}]\d{{3}})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)"
    rf"(?P<exponent>[eE][+-]?\d{{1,3}})?(?P<percent>[ {_SPACES}]?%)?",
    re.ASCII,
)
_LEADING_ZEROS: Final = re.compile(r"0[\d,]", re.ASCII)
_NO_VALUE: Final = frozenset(
    ["", *"-\N{EN DASH}\N{EM DASH}\N{MINUS SIGN}", "--", "---", "...", "n/a", "N/A", "NA"]
)


class _Number(NamedTuple):
    """A number as it was written, and as `float` reads it."""

    written: str
    plain: str
    currency: str
    percent: bool


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
    names = [_plain(cell) for cell in header]
    columns = [
        [_plain(row[place]) if place < len(row) else "" for row in rows] for place in range(len(names))
    ]
    for place, cells in enumerate(columns):
        if numbers := _numbers(cells):
            names[place] = _with_unit(names[place], next(iter(numbers.values())))
            columns[place] = [numbers[cell].plain if cell in numbers else "" for cell in cells]
    return unique_names(names), tuple(zip(*columns, strict=True))


def _plain(cell: str) -> str:
    """Text without markup and without a footnote mark at its end."""
    text = _TAG.sub("", _BREAK.sub(" ", cell)) if "<" in cell else cell
    text = _LINK.sub(r"\1", text) if "](" in text else text
    text = unescape(text) if "&" in text else text
    text = text.strip()
    while emphasised := _EMPHASIS.fullmatch(text):
        text = emphasised[2].strip()
    text = _ESCAPED.sub(r"\1", text) if "\\" in text else text
    while text.endswith("]") and (mark := text.rfind("[")) > 0 and _FOOTNOTE.fullmatch(text, mark):
        text = text[:mark].rstrip()
    return text


def _numbers(cells: list[str]) -> Mapping[str, _Number]:
    """By cell, the numbers of a column; none if a cell is something else, or if they could be read otherwise."""
    numbers: dict[str, _Number] = {}
    for cell in dict.fromkeys(cells):
        if cell not in _NO_VALUE:
            number = _number(cell)
            if number is None:
                return {}
            numbers[cell] = number
    if len({(one.currency, one.percent) for one in numbers.values()}) != 1:
        return {}
    return (
        {}
        if all(cell == numbers[cell].plain for cell in numbers) and len(numbers) == len(set(cells))
        else numbers
    )


def _number(cell: str) -> _Number | None:
    mark = _MARK.search(cell)
    bare = cell[: mark.start(1)] if mark else cell
    found = _NUMBER.fullmatch(bare)
    if found is None or (len(found["digits"]) > 1 and _LEADING_ZEROS.match(found["digits"])):
        return None
    sign = "-" if found["sign"] and found["sign"] != "+" else ""
    digits = re.sub(rf"[,{_SPACES}]", "", found["digits"])
    plain = f"{sign}{digits}{found['exponent'] or ''}"
    return _Number(cell, plain, found["currency"] or "", bool(found["percent"]))


def _with_unit(name: str, number: _Number) -> str:
    unit = number.currency or ("%" if number.percent else "")
    return f"{name} ({unit})".strip() if unit and unit not in name else name
