"""Text by lines, and the tables found among them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

__all__ = ["Found", "Line", "TextTable", "lines_of"]


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


class Line(NamedTuple):
    """A line without its break, and where it stands."""

    text: str
    start: int

    @property
    def end(self) -> int:
        """Where its text ends."""
        return self.start + len(self.text)


class Found(NamedTuple):
    """A table as it was written.

    Attributes:
        header: The cells of its header.
        rows: The cells of its rows, any number in each.
        start: Where it begins in the text.
        end: Where it ends.
        caption: Its own caption, if it has one.
    """

    header: list[str]
    rows: list[list[str]]
    start: int
    end: int
    caption: str = ""


def lines_of(text: str) -> list[Line]:
    """The lines of a text."""
    lines, place = [], 0
    for line in text.split("\n"):
        lines.append(Line(line.removesuffix("\r"), place))
        place += len(line) + 1
    return lines
