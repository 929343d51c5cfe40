"""Tables in aligned columns, where a line of dashes says where each column begins and ends."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from langchain_codeexec.inputs.text_tables.lines import Found

if TYPE_CHECKING:
    from langchain_codeexec.inputs.text_tables.lines import Line

__all__ = ["ruled_table"]

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
    header, *rows = [_cells(line.text, runs) for line in written]
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


def _cells(line: str, runs: list[tuple[int, int]]) -> list[str]:
    *inner, (last, _) = runs
    return [*(line[start:end].strip() for start, end in inner), line[last:].strip()]
