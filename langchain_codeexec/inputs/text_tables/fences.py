"""Fenced blocks: those that say they are CSV are tables, and nothing inside any other is one."""

from __future__ import annotations

import csv
import re
from typing import TYPE_CHECKING, Final

from langchain_codeexec.inputs.delimited import delimiter_of
from langchain_codeexec.inputs.text_tables.lines import Found

if TYPE_CHECKING:
    from collections.abc import Mapping

    from langchain_codeexec.inputs.text_tables.lines import Line

__all__ = ["Fences"]

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
