"""HTML tables.

Read by a pattern of tags rather than by `html.parser`, which before Python 3.13.6 takes quadratic time on markup
that is never closed, and does not say where in the text it is.

Cells of written tables: without their markup, and numbers without their ornaments where that is safe.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html import unescape
from typing import TYPE_CHECKING, Final, NamedTuple

from langchain_codeexec.data.frames import unique_names
from langchain_codeexec.data.lines import Found

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

__all__ = ["cleaned", "html_tables"]

_TAG: Final = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)\b([^<>]*)>|<!--")
_SPAN: Final = re.compile(r"\b(colspan|rowspan)\s*=\s*[\"']?(\d{1,4})", re.IGNORECASE)
_MOST_SPANNED: Final = 100
_SILENT: Final = frozenset({"script", "style"})


def html_tables(text: str) -> Iterator[Found]:
    """The tables of a text that hold no other table, first to last."""
    if "<table" not in text.lower():
        return
    stack: list[_Table] = []
    place = 0
    while tag := _TAG.search(text, place):
        if stack:
            stack[-1].say(text[place : tag.start()])
        place = tag.end()
        if tag[0] == "<!--":
            place = _next(text, "-->", place) + 3
            continue
        closing, name = bool(tag[1]), tag[2].lower()
        if name in _SILENT and not closing:
            place = _next(text, f"</{tag[2]}", place)
        elif name == "table" and not closing:
            if stack:
                stack[-1].is_layout = True
            stack.append(_Table(tag.start()))
        elif name == "table" and stack:
            yield from stack.pop().found(tag.end())
        elif stack and (act := _ACTS.get((closing, name))):
            act(stack[-1], tag[3])


def _next(text: str, mark: str, place: int) -> int:
    """Where the next such mark is; behind the text if there is none."""
    found = text.find(mark, place)
    return len(text) if found < 0 else found


@dataclass
class _Table:
    """A table in the making."""

    start: int
    is_layout: bool = False
    caption: str = ""
    rows: list[list[str]] = field(default_factory=list)
    headers: int = 0
    _heard: list[str] | None = None
    _row: list[str] = field(default_factory=list)
    _spans: tuple[int, int] = (1, 1)
    _below: dict[int, tuple[int, str]] = field(default_factory=dict)
    _in_head: bool = False
    _all_headings: bool = True

    def say(self, text: str) -> None:
        """Text of the cell or caption that is open."""
        if self._heard is not None:
            self._heard.append(text)

    def found(self, end: int) -> Iterator[Found]:
        """The table, if it has a header, two columns and rows."""
        self.end_row("")
        headers = self.headers if 0 < self.headers < len(self.rows) else 1
        body = self.rows[headers:]
        if self.is_layout or not body or max(map(len, self.rows)) < 2:  # noqa: PLR2004 -- columns
            return
        header = [" / ".join(dict.fromkeys(filter(None, cells))) for cells in _columns(self.rows[:headers])]
        yield Found(header, body, self.start, end, self.caption)

    def open_caption(self, _attributes: str) -> None:
        """Hear what follows."""
        self._heard = []

    def close_caption(self, _attributes: str) -> None:
        """Keep what was heard."""
        self.caption = " ".join("".join(self._heard or ()).split())
        self._heard = None

    def open_head(self, _attributes: str) -> None:
        """Rows from here on are headers."""
        self._in_head = True

    def end_row(self, _attributes: str) -> None:
        """Keep the row, and count it if it is a header."""
        self.end_cell("")
        if self._row:
            self._fill()
            is_header = self._in_head or (self._all_headings and self.headers == len(self.rows))
            self.headers += is_header and self.headers == len(self.rows)
            self.rows.append(self._row)
        self._row, self._all_headings = [], True

    def close_head(self, _attributes: str) -> None:
        """Rows from here on are no headers, unless they say so themselves."""
        self.end_row("")
        self._in_head = False

    def open_heading(self, attributes: str) -> None:
        """A `th` cell."""
        self._open_cell(attributes)

    def open_value(self, attributes: str) -> None:
        """A `td` cell."""
        self._open_cell(attributes)
        self._all_headings = False

    def end_cell(self, _attributes: str) -> None:
        """Put the cell into as many places as it spans."""
        if self._heard is None:
            return
        text = " ".join("".join(self._heard).split())
        self._heard = None
        self._fill()
        columns, rows = self._spans
        for _ in range(columns):
            if rows > 1:
                self._below[len(self._row)] = (rows, text)
            self._row.append(text)

    def line_break(self, _attributes: str) -> None:
        """Words on both sides are apart."""
        self.say(" ")

    def _open_cell(self, attributes: str) -> None:
        self.end_cell("")
        spans = {
            name.lower(): min(_MOST_SPANNED, max(1, int(size))) for name, size in _SPAN.findall(attributes)
        }
        self._spans = spans.get("colspan", 1), spans.get("rowspan", 1)
        self._heard = []

    def _fill(self) -> None:
        """Cells that reach down from rows above."""
        while (place := len(self._row)) in self._below:
            left, text = self._below.pop(place)
            if left > 1:
                self._row.append(text)
                if left > 2:  # noqa: PLR2004 -- this row and at least one more
                    self._below[place] = (left - 1, text)


def _columns(rows: list[list[str]]) -> Iterator[list[str]]:
    for place in range(max(map(len, rows))):
        yield [row[place] for row in rows if len(row) > place]


_ACTS: Final[Mapping[tuple[bool, str], Callable[[_Table, str], None]]] = {
    (False, "caption"): _Table.open_caption,
    (True, "caption"): _Table.close_caption,
    (False, "thead"): _Table.open_head,
    (True, "thead"): _Table.close_head,
    (False, "tbody"): _Table.close_head,
    (False, "tr"): _Table.end_row,
    (True, "tr"): _Table.end_row,
    (False, "th"): _Table.open_heading,
    (False, "td"): _Table.open_value,
    (True, "th"): _Table.end_cell,
    (True, "td"): _Table.end_cell,
    (False, "br"): _Table.line_break,
}


_BREAK: Final = re.compile(r"<br\s*/?>", re.IGNORECASE)
_CELLS_TAG: Final = re.compile(
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
    text = _CELLS_TAG.sub("", _BREAK.sub(" ", cell)) if "<" in cell else cell
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
