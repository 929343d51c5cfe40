"""HTML tables, read by patterns of tags.

`html.parser` does not say where in a text it is, and before Python 3.13.6 takes quadratic time on markup that is
never closed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Final, NamedTuple

__all__ = ["DrawnTable", "html_tables"]

_SILENT: Final = re.compile(
    r"<!--.*?(?:-->|\Z)|<(script|style)\b.*?(?:</\1[^<>]*>|\Z)", re.IGNORECASE | re.DOTALL
)
_TABLE: Final = re.compile(r"<table\b[^<>]*>((?:[^<]+|<(?!/?table\b))*+)</table\s*>", re.IGNORECASE)
"""A table that holds no other."""
_TAG: Final = re.compile(r"<(/?)(caption|thead|tbody|tfoot|tr|th|td)\b([^<>]*)>", re.IGNORECASE)
_BREAK: Final = re.compile(r"<br\b[^<>]*>", re.IGNORECASE)
_ANY_TAG: Final = re.compile(r"</?[a-z][^<>]*>", re.IGNORECASE)
_SPAN: Final = re.compile(r"\b(colspan|rowspan)\s*=\s*[\"']?(\d{1,4})", re.IGNORECASE)
_SECTIONS: Final = frozenset({"thead", "tbody", "tfoot"})
_MOST_SPANNED: Final = 100
_MOST_CELLS: Final = 1_000_000


class DrawnTable(NamedTuple):
    """A table as it was written.

    Attributes:
        header: The cells of its header.
        rows: The cells of its rows, any number in each.
        start: Where it begins in the text.
        end: Where it ends.
        caption: Its own caption, if it has one.
    """

    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    start: int
    end: int
    caption: str = ""


@dataclass(slots=True)
class _Row:
    """A row's cells: how many columns and rows each spans, and its text."""

    is_header: bool
    cells: list[tuple[int, int, str]] = field(default_factory=list)


def html_tables(text: str) -> Iterator[DrawnTable]:
    """The tables of a text that hold no other table, have a header, two columns and rows."""
    if "<table" not in text.lower():
        return
    visible = _SILENT.sub(lambda silent: " " * len(silent[0]), text)
    for table in _TABLE.finditer(visible):
        caption, rows = _read(table[1])
        lines = _spread(rows)
        headers = sum(1 for _ in takewhile(lambda row: row.is_header, rows))
        headers = headers if 0 < headers < len(lines) else 1
        if len(lines) > headers and max(map(len, lines)) > 1:
            yield DrawnTable(_joined(lines[:headers]), lines[headers:], table.start(), table.end(), caption)


def _read(body: str) -> tuple[str, list[_Row]]:
    """The caption and the rows that hold cells; no tag needs to be closed."""
    caption, in_head = "", False
    rows: list[_Row] = []
    pieces = _TAG.split(body)
    for closing, tag, attributes, text in zip(*(pieces[place::4] for place in range(1, 5)), strict=True):
        name = tag.lower()
        if name in _SECTIONS:
            in_head = name == "thead" and not closing
        if name in _SECTIONS or name == "tr" or not rows:
            rows.append(_Row(is_header=True))
        if name == "caption" and not closing:
            caption = _content(text)
        if name in {"th", "td"} and not closing:
            spans = {span.lower(): int(size) for span, size in _SPAN.findall(attributes)}
            columns, depth = (min(_MOST_SPANNED, max(1, spans.get(of, 1))) for of in ("colspan", "rowspan"))
            rows[-1].cells.append((columns, depth, _content(text)))
            rows[-1].is_header &= name == "th" or in_head
    return caption, [row for row in rows if row.cells]


def _content(markup: str) -> str:
    return " ".join(_ANY_TAG.sub("", _BREAK.sub(" ", markup)).split())


def _spread(rows: list[_Row]) -> list[list[str]]:
    """The rows with each cell in as many places as it spans; none where that would be too many."""
    lines: list[list[str]] = []
    below: dict[int, tuple[int, str]] = {}
    size = 0
    for row in rows:
        line: list[str] = []
        for columns, depth, text in [*row.cells, (0, 0, "")]:
            while (place := len(line)) in below:
                left, reaching = below.pop(place)
                line.append(reaching)
                if left > 1:
                    below[place] = left - 1, reaching
            for _ in range(columns):
                if depth > 1:
                    below[len(line)] = depth - 1, text
                line.append(text)
        lines.append(line)
        size += len(line)
        if size > _MOST_CELLS:
            return []
    return lines


def _joined(headers: list[list[str]]) -> list[str]:
    """The names of the columns under several headers."""
    width = max(map(len, headers))
    columns = ([line[place] for line in headers if len(line) > place] for place in range(width))
    return [" / ".join(dict.fromkeys(filter(None, cells))) for cells in columns]
