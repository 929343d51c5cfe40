"""Tables written in a text: Markdown, the output of database shells, ruled columns, fenced CSV, HTML.

Markdown's blocks are told apart by markdown-it-py, which the extra `files` brings.
"""

from __future__ import annotations

import csv
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise, takewhile
from typing import TYPE_CHECKING, Final

from langchain_codeexec.data.delimited import delimiter_of
from langchain_codeexec.data.html_tables import DrawnTable, html_tables
from langchain_codeexec.data.text_cells import cleaned, plain_text
from langchain_codeexec.errors import MissingDependencyError

if TYPE_CHECKING:
    from markdown_it.token import Token


__all__ = ["TextTable", "tables_in_text"]

_SIGNS: Final = re.compile(
    r"^(?=[^\n]*[|+])(?=[^\n]*[-=])[ \t>|:+=-]+\r?$"  # a rule with bars or crossings
    r"|^ *(?:-{2,}|={2,})(?: +(?:-{2,}|={2,}))+ *\r?$"  # a rule with gaps
    r"|^[ \t>]*(?:`{3,}|~{3,})[ \t]*(?:csv|tsv|psv)\b"
    r"|<table\b",
    re.MULTILINE | re.IGNORECASE,
)
"""What all tables have that are read here; a text without any needs no library."""
_BREAK: Final = re.compile(r"\r\n?|\n")
_BORDER: Final = re.compile(r"^[ \t]*(?=[^\n+]*\+)[|+]?[-=:]+(?:\+[-=:]+)*[|+]?[ \t]*\r?$", re.MULTILINE)
"""The rules of boxes, shells and Org: Markdown's, but for crossings where it has bars."""
_TOP: Final = re.compile(r"(\A|(?<![|+\r \t])[ \t]*\r?\n)([ \t]*\+[-=:+]+\+[ \t]*)(?=\r?\n[ \t]*\|)")
"""The first border of a box and the line break in front of it."""
_CROSSING: Final = re.compile(r"[|+]")
_PROMPT: Final = re.compile(r"^[ \t]*>>>", re.MULTILINE)
"""Python's, which Markdown takes for a quotation."""
_AS_MARKDOWN: Final = {ord("+"): "|", ord("="): "-"}
_RULED: Final = re.compile(r" *(?:-{2,}|={2,})(?: +(?:-{2,}|={2,}))+ *")
_RUN: Final = re.compile(r"-+|=+")
_DELIMITERS: Final[Mapping[str, str | None]] = {"csv": None, "tsv": "\t", "psv": "|"}
_MOST_PARSES: Final = 20
_HTML_HEADING: Final = re.compile(r"<h[1-6]\b[^<>]*>(.{1,300}?)</h[1-6]\s*>", re.IGNORECASE)
_TITLE: Final = re.compile(r"(?:\W{0,3}\b(?:table|tab\.|figure|fig\.)\s?\w.*|.*:)", re.IGNORECASE)
_EMPHASIS: Final = re.compile(r"(\*\*|__|\*|_)(.+)\1")
_LONGEST_CAPTION: Final = 200
_NEAR: Final = 3  # lines above a table


@dataclass(frozen=True, slots=True)
class TextTable:
    """A table inside a text.

    Attributes:
        caption: What stands above it, or its own caption; may be empty.
        columns: The columns' names, each once, with their units.
        rows: Its cells, as many in each row as there are columns.
        start: Where it begins in the text.
        end: Where it ends, its last line break left out.
    """

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    start: int
    end: int


def tables_in_text(text: str) -> tuple[TextTable, ...]:
    """The tables written in a text, in order.

    Read are Markdown's tables and those of database shells, boxes of `+---+`, columns under a rule of dashes,
    fenced blocks that say they are `csv`, `tsv` or `psv`, and HTML. Columns that are aligned by spaces alone are
    not guessed, and blocks of code are left alone. Takes time in proportion to the text.

    Args:
        text: Text of any origin; malformed tables are passed over.

    Returns:
        Tables with at least one row, cells cleaned of markup; numbers are plain where a whole column is numbers.

    Raises:
        MissingDependencyError: The text shows signs of a table, and markdown-it-py is not installed.
    """
    if not _SIGNS.search(text):
        return ()
    lines = _Lines(text)
    blocks = _blocks(text, lines)
    markup = lines.without(block for block in blocks if block.type == "fence")
    headings = _headings(blocks, markup, lines)
    drawn = [*_markdown_tables(blocks, lines), *html_tables(markup)]
    tables: list[TextTable] = []
    for table in sorted(drawn, key=lambda table: table.start):
        columns, rows = cleaned(table.header, table.rows)
        if rows and not (tables and table.start < tables[-1].end):
            caption = table.caption or _caption(lines, lines.number(table.start), headings)
            tables.append(TextTable(caption, columns, rows, table.start, table.end))
    return tuple(tables)


class _Lines:
    """The lines of a text, as Markdown counts them, and where they stand."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._starts = [0, *(match.end() for match in _BREAK.finditer(text))]
        self.texts = _BREAK.split(text)

    def start(self, number: int) -> int:
        return self._starts[number]

    def end(self, number: int) -> int:
        return self._starts[number] + len(self.texts[number])

    def number(self, place: int) -> int:
        return bisect_right(self._starts, place) - 1

    def without(self, blocks: Iterable[Token]) -> str:
        """The text with spaces in the place of some blocks."""
        pieces, place = [], 0
        for block in blocks:
            first, last = _range(block)
            pieces += [self._text[place : self.start(first)], " " * (self.end(last - 1) - self.start(first))]
            place = self.end(last - 1)
        return "".join((*pieces, self._text[place:]))


def _range(block: Token) -> tuple[int, int]:
    """The first line of a block and the first behind it."""
    first, last = block.map or (0, 0)
    return first, last


def _blocks(text: str, lines: _Lines) -> list[Token]:
    """Markdown's blocks. A fence that nothing closes is none, as a text may be cut anywhere."""
    try:
        from markdown_it import MarkdownIt  # noqa: PLC0415 -- optional
    except ImportError as error:
        raise MissingDependencyError("markdown-it-py", "files") from error
    parser = MarkdownIt("zero").disable("inline")
    parser.enable(["blockquote", "fence", "heading", "lheading", "list", "table"])
    text = _TOP.sub(lambda top: top[1] + " " * len(top[2]), text)
    text = _BORDER.sub(lambda border: border[0].translate(_AS_MARKDOWN), text)
    text = _PROMPT.sub(lambda prompt: " " * len(prompt[0]), text)
    blocks = parser.parse(text)
    for _ in range(_MOST_PARSES):
        unclosed = next((block for block in blocks if _is_unclosed(block, lines)), None)
        if unclosed is None:
            break
        start, end = lines.start(_range(unclosed)[0]), lines.end(_range(unclosed)[0])
        text = f"{text[:start]}{' ' * (end - start)}{text[end:]}"
        blocks = parser.parse(text)
    return blocks


def _is_unclosed(block: Token, lines: _Lines) -> bool:
    if block.type != "fence" or block.level:
        return False
    first, last = _range(block)
    closing = lines.texts[last - 1].strip()
    return last - first == 1 or len(closing) < len(block.markup) or bool(closing.strip(block.markup[0]))


def _markdown_tables(blocks: list[Token], lines: _Lines) -> Iterator[DrawnTable]:
    reading = iter(blocks)
    for block in reading:
        table = None
        if block.type == "table_open":
            table = _barred_table(_rows(reading), lines)
        elif block.type == "fence":
            table = _fenced_table(block, lines)
        elif block.type == "paragraph_open":
            table = _ruled_table(*_range(block), lines)
        if table is not None:
            yield table


def _rows(reading: Iterator[Token]) -> list[tuple[int, list[str]]]:
    """The rows of the table that was opened: their lines and cells."""
    rows: list[tuple[int, list[str]]] = []
    for block in takewhile(lambda block: block.type != "table_close", reading):
        if block.type == "tr_open":
            rows.append((_range(block)[0], []))
        elif block.type == "inline":
            rows[-1][1].append(block.content)
    return rows


def _barred_table(rows: list[tuple[int, list[str]]], lines: _Lines) -> DrawnTable | None:
    """A table of lines with bars; below the rule of a shell or box, all have as many bars as it has crossings.

    Below a double rule, where there are borders between the rows, a row is all that stands between two of them.
    Everywhere else a row is a line.
    """
    (first, header), *body = rows
    top, last = first, first + 1
    rule = lines.texts[first + 1].strip()
    bands: list[list[list[str]]] = [[]]
    for number, cells in body:
        line = lines.texts[number]
        if _BORDER.match(line):
            bands.append([])
        elif "|" not in line:  # a remark below the table, such as the number of its rows
            break
        elif "+" in rule and line.count("|") != len(_CROSSING.findall(rule)):
            return None
        else:
            bands[-1].append(cells)
        last = number
    if rule.startswith("+"):
        top -= 1
        if top < 0 or not _BORDER.match(lines.texts[top]):
            return None
    written = [cells for band in bands for cells in band]
    if "=" in rule and sum(map(bool, bands)) > 1:
        written = [
            [" ".join(filter(None, column)) for column in zip(*band, strict=True)] for band in bands if band
        ]
    return DrawnTable(header, written, lines.start(top), lines.end(last))


def _fenced_table(block: Token, lines: _Lines) -> DrawnTable | None:
    label = block.info.partition(" ")[0].lower()
    if label not in _DELIMITERS:
        return None
    body = [f"{line}\n" for line in block.content.split("\n") if line.strip()]
    delimiter = _DELIMITERS[label] or delimiter_of("".join(body)) or ","
    try:
        header, *rows = csv.reader(body, delimiter=delimiter, skipinitialspace=True)
    except (csv.Error, ValueError):  # no rows are a ValueError
        return None
    first, last = _range(block)
    return DrawnTable(header, rows, lines.start(first), lines.end(last - 1))


def _ruled_table(first: int, last: int, lines: _Lines) -> DrawnTable | None:
    """A table whose header stands on a rule with gaps between the columns; there may be rules around it.

    Columns without a rule are not guessed, and neither is a table in which text crosses a gap.
    """
    rules = dict.fromkeys(number for number in range(first, last) if _RULED.fullmatch(lines.texts[number]))
    header = next((number - 1 for number in rules if number > first and number - 1 not in rules), None)
    if header is None:
        return None
    bottom = next((number for number in rules if number > header + 1), last)
    edges = [edge for run in _RUN.finditer(lines.texts[header + 1]) for edge in run.span()][:-1]
    written = [lines.texts[number] for number in (header, *range(header + 2, bottom))]
    gaps = list(zip([0, *edges[1::2]], edges[::2], strict=True))
    if any(line[start:end].strip() for line in written for start, end in gaps):
        return None
    names, *rows = [
        [line[start:end].strip() for start, end in zip(edges[::2], [*edges[1::2], None], strict=True)]
        for line in written
    ]
    top = header - 1 if header - 1 in rules else header
    return DrawnTable(names, rows, lines.start(top), lines.end(min(bottom, last - 1)))


def _headings(blocks: list[Token], markup: str, lines: _Lines) -> list[tuple[int, str]]:
    """The headings of one line, and where they stand, in order."""
    headings = [
        (_range(block)[0], content.content)
        for block, content in pairwise(blocks)
        if block.type == "heading_open" and "\n" not in content.content
    ]
    headings += [(lines.number(match.start()), match[1]) for match in _HTML_HEADING.finditer(markup)]
    plain = sorted((number, plain_text(text)) for number, text in headings)
    return [(number, text) for number, text in plain if len(text) <= _LONGEST_CAPTION]


def _caption(lines: _Lines, first: int, headings: list[tuple[int, str]]) -> str:
    """What a table is called whose first line that is.

    It is the line above, where that names a table, is emphasised or ends in a colon; else the last heading; else
    the line above, if it is short.
    """
    above = range(first - 1, max(-1, first - 1 - _NEAR), -1)
    line = next((text for number in above if (text := lines.texts[number].strip().lstrip("> #"))), "")
    if len(line) > _LONGEST_CAPTION or "|" in line or line.startswith("</") or not re.search(r"\w", line):
        line = ""
    emphasised = _EMPHASIS.fullmatch(line)
    if emphasised or _TITLE.fullmatch(line):
        return (emphasised[2] if emphasised else line).rstrip(":").strip()
    place = bisect_left(headings, (first,))
    return headings[place - 1][1] if place else line
