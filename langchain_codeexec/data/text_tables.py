"""Text by lines, and the tables found among them.

What a table is called by what stands above it.

Fenced blocks: those that say they are CSV are tables, and nothing inside any other is one.

Tables drawn with bars: Markdown's, those of database shells, and boxes with `+---+` borders.

Tables in aligned columns, where a line of dashes says where each column begins and ends.

Tables inside text: Markdown, boxes, aligned columns under rules, fenced CSV and HTML.
"""

from __future__ import annotations

import csv
import re
from bisect import bisect_right
from typing import TYPE_CHECKING, Final

from langchain_codeexec.data.delimited import delimiter_of
from langchain_codeexec.data.html_tables import cleaned, html_tables
from langchain_codeexec.data.lines import Found, Line, TextTable, lines_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["Captions", "Fences", "box_table", "pipe_table", "ruled_table", "tables_in_text"]


_HEADING: Final = re.compile(r"#{1,6}\s+(.*?)\s*#*\s*")
_HTML_HEADING: Final = re.compile(r"<h[1-6]\b[^<>]*>(.*?)</h[1-6]>", re.IGNORECASE)
_UNDERLINE: Final = re.compile(r"={3,}|-{3,}")
_TITLE: Final = re.compile(r"(?:\W{0,3}\b(?:table|tab\.|figure|fig\.)\s?\w.*|.*:)", re.IGNORECASE)
_EMPHASIS: Final = re.compile(r"(\*\*|__|\*|_)(.+)\1")
_LONGEST: Final = 200


class Captions:
    """Finds captions; each line is looked at once, however many tables there are."""

    def __init__(self, lines: list[Line]) -> None:
        self._lines = lines
        self._headings: list[str] = []

    def above(self, first: int) -> str:
        """The caption of a table whose first line that is.

        It is the line above, where that is a heading, names a table, is emphasised or ends in a colon; else the
        last heading; else the line above, if it is short.
        """
        place = first - 1
        while place >= 0 and first - place <= 3 and not self._lines[place].text.strip():  # noqa: PLR2004 -- blank lines
            place -= 1
        line = self._lines[place].text.strip() if place >= 0 else ""
        if _UNDERLINE.fullmatch(line) and place:
            line = self._lines[place - 1].text.strip()
        if "|" in line or line.startswith(("```", "+--", "</")):
            line = ""
        emphasised = _EMPHASIS.fullmatch(line)
        if len(line) <= _LONGEST and (emphasised or _TITLE.fullmatch(line)):
            return (emphasised[2] if emphasised else line).rstrip(":").strip()
        return self._heading(first) or (line if len(line) <= _LONGEST else "")

    def _heading(self, before: int) -> str:
        """The last heading above a line."""
        while len(self._headings) < before:
            place = len(self._headings)
            below = self._lines[place + 1].text.strip() if place + 1 < len(self._lines) else ""
            last = self._headings[-1] if self._headings else ""
            self._headings.append(_heading(self._lines[place].text.strip(), below) or last)
        return self._headings[before - 1] if before else ""


def _heading(line: str, below: str) -> str:
    found = _HEADING.fullmatch(line) or _HTML_HEADING.fullmatch(line)
    if found:
        return found[1].strip()
    is_underlined = line and "|" not in line and _UNDERLINE.fullmatch(below)
    return line if is_underlined and len(line) <= _LONGEST else ""


_OPENING: Final = re.compile(r"\s*(`{3,}|~{3,})\s*([\w-]*)[^`]*")
_DELIMITERS: Final[Mapping[str, str]] = {"csv": "", "tsv": "\t", "psv": "|"}


class Fences:
    """Reads the fenced blocks of a text; one that is never closed is none, as a text may be cut anywhere."""

    def __init__(self, lines: list[Line]) -> None:
        self._lines = lines
        self._unclosed: dict[str, int] = {}

    def block(self, first: int) -> tuple[Found | None, int] | None:
        """The fenced block that opens at a line.

        Returns:
            Its table, if it is one, and the first line behind it.
        """
        opening = _OPENING.fullmatch(self._lines[first].text)
        if opening is None:
            return None
        last = self._closing(first, opening[1])
        if last is None:
            return None
        return self._table(first, last, opening[2].lower()), last + 1

    def _closing(self, first: int, fence: str) -> int | None:
        mark, length = fence[0], len(fence)
        if length >= self._unclosed.get(mark, length + 1):
            return None
        for place in range(first + 1, len(self._lines)):
            bare = self._lines[place].text.strip()
            if len(bare) >= length and not bare.strip(mark):
                return place
        self._unclosed[mark] = length
        return None

    def _table(self, first: int, last: int, label: str) -> Found | None:
        if label not in _DELIMITERS:
            return None
        body = [f"{line.text}\n" for line in self._lines[first + 1 : last] if line.text.strip()]
        delimiter = _DELIMITERS[label] or delimiter_of("".join(body))
        try:
            rows = list(csv.reader(body, delimiter=delimiter, skipinitialspace=True))
        except csv.Error:
            return None
        if len(rows) < 2:  # noqa: PLR2004 -- a header and a row
            return None
        return Found(rows[0], rows[1:], self._lines[first].start, self._lines[last].end)


_BAR: Final = re.compile(r"(?<!\\)\|")
_CROSSING: Final = re.compile(r"[|+]")
_DASHES: Final = re.compile(r"\s*:?-+:?\s*")
_BORDER: Final = re.compile(r"\+(?:[-=:]+\+)+")


def pipe_table(lines: list[Line], first: int) -> tuple[Found, int] | None:
    """A table whose header is that line and whose next line is a rule of as many dashes as there are columns.

    Returns:
        The table and the first line behind it.
    """
    if first + 1 >= len(lines) or "|" not in lines[first].text or "-" not in lines[first + 1].text:
        return None
    header = _cells(lines[first].text)
    if not _is_rule(lines[first + 1].text, len(header)):
        return None
    last = first + 2
    while last < len(lines) and "|" in lines[last].text:
        last += 1
    rows = [_cells(line.text) for line in lines[first + 2 : last]]
    return Found(header, rows, lines[first].start, lines[last - 1].end), last


def box_table(lines: list[Line], first: int) -> tuple[Found | None, int] | None:
    """A table in a box: borders, and lines between bars that all have as many cells.

    Returns:
        The table, if the drawing is one, and the first line behind it.
    """
    if not _BORDER.fullmatch(lines[first].text.strip()):
        return None
    last = first
    bands: list[list[list[str]]] = []
    while last < len(lines) and (drawn := lines[last].text.strip())[:1] in {"+", "|"}:
        if _BORDER.fullmatch(drawn):
            bands.append([])
        else:
            bands[-1].append(_cells(drawn))
        last += 1
    width = lines[first].text.strip().count("+") - 1
    rows = _rows_in(bands, width)
    return (Found(rows[0], rows[1:], lines[first].start, lines[last - 1].end) if rows else None), last


def _rows_in(bands: list[list[list[str]]], width: int) -> list[list[str]]:
    """The header and the rows between borders: one row a band if there is a border below each, else one a line."""
    filled = [band for band in bands if band]
    is_closed = not bands[-1]
    if len(filled) < 2 or not is_closed or any(len(cells) != width for band in filled for cells in band):  # noqa: PLR2004 -- a header and rows
        return []
    joined = [[" ".join(filter(None, cells)) for cells in zip(*band, strict=True)] for band in filled]
    return [joined[0], *filled[1]] if len(filled) == 2 else joined  # noqa: PLR2004 -- as above


def _cells(line: str) -> list[str]:
    bare = line.strip().removeprefix("|")
    if bare.endswith("|") and not bare.endswith("\\|"):
        bare = bare[:-1]
    return [cell.strip() for cell in _BAR.split(bare)]


def _is_rule(line: str, width: int) -> bool:
    bare = line.strip()
    if width == 1 and "|" not in bare:
        return False
    runs = _CROSSING.split(bare.removeprefix("|").removesuffix("|"))
    return len(runs) == width and all(map(_DASHES.fullmatch, runs))


_RUN: Final = re.compile(r"-{2,}|={2,}")


def ruled_table(lines: list[Line], first: int) -> tuple[Found, int] | None:
    """A table whose header is that line, or the one below if that line is a rule itself.

    Columns without a rule are not guessed, and neither is a table in which text crosses from one column to the
    next.

    Returns:
        The table and the first line behind it.
    """
    top = first + 1 if _runs(lines[first].text) else first
    if top + 1 >= len(lines) or not lines[top].text.strip() or _runs(lines[top].text):
        return None
    runs = _runs(lines[top + 1].text)
    if not runs:
        return None
    last = top + 2
    while last < len(lines) and lines[last].text.strip() and not _runs(lines[last].text):
        last += 1
    written = [lines[top], *lines[top + 2 : last]]
    if len(written) < 2 or any(_crosses(line.text, runs) for line in written):  # noqa: PLR2004 -- a header and a row
        return None
    header, *rows = [_cells_ruled(line.text, runs) for line in written]
    if last < len(lines) and _runs(lines[last].text):
        last += 1
    return Found(header, rows, lines[first].start, lines[last - 1].end), last


def _runs(line: str) -> list[tuple[int, int]]:
    """Where the dashes of a rule begin and end; none if it is no rule of two columns or more."""
    if line.strip(" -=") or not line.strip():
        return []
    runs = [found.span() for found in _RUN.finditer(line)]
    drawn = sum(end - start for start, end in runs)
    return runs if len(runs) > 1 and drawn == len(line.replace(" ", "")) else []


def _crosses(line: str, runs: list[tuple[int, int]]) -> bool:
    """Whether there is text where no column is; the last one may run on."""
    edges = [0, *(edge for run in runs for edge in run)][:-1]
    return any(line[start:end].strip() for start, end in zip(edges[::2], edges[1::2], strict=True))


def _cells_ruled(line: str, runs: list[tuple[int, int]]) -> list[str]:
    *inner, (last, _) = runs
    return [*(line[start:end].strip() for start, end in inner), line[last:].strip()]


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
