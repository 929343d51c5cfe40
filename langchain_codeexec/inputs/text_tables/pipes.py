"""Tables drawn with bars: Markdown's, those of database shells, and boxes with `+---+` borders."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from langchain_codeexec.inputs.text_tables.lines import Found

if TYPE_CHECKING:
    from langchain_codeexec.inputs.text_tables.lines import Line

__all__ = ["box_table", "pipe_table"]

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
