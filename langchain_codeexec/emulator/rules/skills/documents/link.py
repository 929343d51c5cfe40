"""What the words of a question stand for in one table."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from langchain_codeexec.emulator.rules.skills.documents.reading import mentions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from langchain_codeexec.emulator.rules.skills.documents.conditions import Condition
    from langchain_codeexec.emulator.rules.skills.documents.mentions import Mention
    from langchain_codeexec.emulator.rules.skills.documents.reading import Column, Table
    from langchain_codeexec.emulator.rules.skills.documents.words import Word

__all__ = ["Link"]


@dataclass(slots=True)
class Link:
    """What the words of a question stand for in one table.

    Attributes:
        table: The table.
        text: The question.
        words: Its words.
        mentions: Cells it names, in order.
        conditions: Tests it states.
        columns: Columns it asks for, in order, each with the index of the word that says so.
        rivals: Columns that the same words could mean as well.
        used: Indices of the words that stand for something.
        missing: Words that stand for nothing here.
        names_key: Whether it says what its rows are.
        unsaid: How many words of the asked columns' headers the question leaves out.
        topical: How many of its words only captions and titles speak of.
    """

    table: Table
    text: str
    words: Sequence[Word]
    mentions: list[Mention] = field(default_factory=list)
    conditions: list[Condition] = field(default_factory=list)
    columns: list[tuple[Column, int]] = field(default_factory=list)
    rivals: list[Column] = field(default_factory=list)
    used: set[int] = field(default_factory=set)
    missing: list[str] = field(default_factory=list)
    names_key: bool = False
    unsaid: int = 0
    topical: int = 0

    @property
    def asked_columns(self) -> list[Column]:
        """The columns it asks for."""
        return [column for column, _ in self.columns]

    @property
    def paths(self) -> set[str]:
        """The files that are needed."""
        named = [one.column for one in self.mentions] + [one.column for one in self.conditions]
        return {column.path for column in (*self.asked_columns, *named) if column is not self.table.key}

    def spoken(self, column: Column) -> set[int]:
        """Indices of the words that speak for a column, apart from names of rows."""
        named = {index for one in self.mentions for index in range(one.first, one.last + 1)}
        return {
            index
            for index, word in enumerate(self.words)
            if index not in named and any(mentions(word, idea) for idea in column.ideas)
        }
