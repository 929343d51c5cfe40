"""HTML tables.

Read by a pattern of tags rather than by `html.parser`, which before Python 3.13.6 takes quadratic time on markup
that is never closed, and does not say where in the text it is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from langchain_codeexec.inputs.text_tables.lines import Found

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

__all__ = ["html_tables"]

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
