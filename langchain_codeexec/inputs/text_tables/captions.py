"""What a table is called by what stands above it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from langchain_codeexec.inputs.text_tables.lines import Line

__all__ = ["Captions"]

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
