"""Tables inside text: Markdown, boxes, aligned columns under rules, fenced CSV and HTML."""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import TYPE_CHECKING, Final

from langchain_codeexec.inputs.text_tables.captions import Captions
from langchain_codeexec.inputs.text_tables.cells import cleaned
from langchain_codeexec.inputs.text_tables.fences import Fences
from langchain_codeexec.inputs.text_tables.html_tables import html_tables
from langchain_codeexec.inputs.text_tables.lines import TextTable, lines_of
from langchain_codeexec.inputs.text_tables.pipes import box_table, pipe_table
from langchain_codeexec.inputs.text_tables.ruled import ruled_table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from langchain_codeexec.inputs.text_tables.lines import Found, Line

__all__ = ["TextTable", "tables_in_text"]

_DRAWN: Final = (pipe_table, box_table, ruled_table)
_RULE: Final = re.compile(r"[-=]{2}|\|\s*:?-")


def tables_in_text(text: str) -> tuple[TextTable, ...]:
    """The tables written in a text, in order.

    Read are Markdown's tables and those of database shells, boxes of `+---+`, columns under a rule of dashes,
    fenced blocks that say they are `csv`, `tsv` or `psv`, and HTML. Columns that are aligned by spaces alone are
    not guessed, and blocks of code are left alone. Takes time in proportion to the text.

    Args:
        text: Text of any origin; malformed tables are passed over.

    Returns:
        Tables with at least one row, cells cleaned of markup; numbers are plain where a whole column is numbers.
    """
    lines = lines_of(text)
    captions = Captions(lines)
    starts = [line.start for line in lines]
    tables = []
    for found in _found(text, lines, starts):
        columns, rows = cleaned(found.header, found.rows)
        if rows:
            first = bisect_right(starts, found.start) - 1
            caption = found.caption or captions.above(first)
            tables.append(TextTable(caption, columns, rows, found.start, found.end))
    return tuple(tables)


def _found(text: str, lines: list[Line], starts: list[int]) -> Iterator[Found]:
    """Tables as they are written, in order, none of them inside a block of code."""
    fences = Fences(lines)
    marked_up = html_tables(text)
    html = next(marked_up, None)
    place = 0
    while place < len(lines):
        while html and html.start < lines[place].start:  # it began inside a block of code
            html = next(marked_up, None)
        if html and html.start <= lines[place].end:
            yield html
            place = bisect_right(starts, html.end)
            continue
        fenced = fences.block(place)
        drawn = fenced or _drawn(lines, place)
        if drawn is None:
            place += 1
            continue
        table, place = drawn
        if table:
            yield table


def _drawn(lines: list[Line], place: int) -> tuple[Found | None, int] | None:
    following = lines[place + 1].text if place + 1 < len(lines) else ""
    if not (_RULE.search(following) or _RULE.search(lines[place].text)):
        return None
    return next((found for read in _DRAWN if (found := read(lines, place))), None)
