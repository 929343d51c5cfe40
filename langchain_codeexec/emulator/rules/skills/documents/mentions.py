"""Cells that a question names: the things it asks about, and the kinds of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import takewhile
from typing import TYPE_CHECKING

from langchain_codeexec.emulator.rules.functions.words import stem
from langchain_codeexec.emulator.rules.skills.documents.words import concepts, words

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from langchain_codeexec.emulator.rules.skills.documents.reading import Column, Table
    from langchain_codeexec.emulator.rules.skills.documents.words import Word

__all__ = ["Mention", "mentions_in"]

_LONGEST_CELL = 6  # words; a longer text is no name
_SHORT = 3  # letters; symbols of that length are names only as they are written
_ROOT = 4  # letters
_NAME_ENDINGS = frozenset({"", "s", "n", "ns", "an", "ans", "ic"})
# `Virginia` is not short for `West Virginia`, as `Everest` is for `Mount Everest`.
_DISTINGUISHING = frozenset(
    "north south east west northern southern eastern western new old upper lower central great inner outer".split()
)


@dataclass(frozen=True, slots=True)
class Mention:
    """Cells of one column that the same words of a question name.

    Attributes:
        column: The column.
        cells: The cells.
        first: Index of the first word.
        last: Index of the last one.
    """

    column: Column
    cells: tuple[str, ...]
    first: int
    last: int


def mentions_in(asked: Sequence[Word], table: Table) -> list[Mention]:
    """What a question names of a table, in its order; longer names before shorter ones, whole before partial."""
    heads = frozenset(stem for column in table.columns for idea in column.ideas for stem in idea)
    columns = [column for column in table.columns if not column.is_numeric]
    found = [one for column in columns for one in _of_column(asked, column, heads)]
    found.sort(key=lambda one: (one.first - one.last, len(one.cells), one.column is not table.key))
    taken: set[int] = set()
    kept = []
    for one in found:
        span = set(range(one.first, one.last + 1))
        if not span & taken:
            taken |= span
            kept.append(one)
    return sorted(kept, key=lambda one: one.first)


def _of_column(asked: Sequence[Word], column: Column, heads: frozenset[str]) -> Iterator[Mention]:
    spans: dict[tuple[int, int], list[str]] = {}
    whole: set[tuple[int, int]] = set()
    for cell in dict.fromkeys(column.cells):
        for first, last, is_whole in _spans(asked, cell, column, heads):
            if is_whole and (first, last) not in whole:
                spans[first, last] = []
                whole.add((first, last))
            if is_whole or (first, last) not in whole:
                spans.setdefault((first, last), []).append(cell)
    for (first, last), cells in spans.items():
        yield Mention(column, tuple(cells), first, last)


def _spans(
    asked: Sequence[Word], cell: str, column: Column, heads: frozenset[str]
) -> Iterator[tuple[int, int, bool]]:
    """Where a question names a cell, and whether with all of its words."""
    name = _name(cell)
    if not 0 < len(name) <= _LONGEST_CELL:
        return
    for start in range(len(asked)):
        for offset in range(len(name)):
            count = 0
            while (
                offset + count < len(name)
                and start + count < len(asked)
                and _same(asked[start + count], name[offset + count], column)
            ):
                count += 1
            left_out = {word.lower() for word in (*name[:offset], *name[offset + count :])}
            if not count or left_out & _DISTINGUISHING:
                continue
            named = asked[start : start + count]
            if not left_out or (
                _is_name(named, name) and not all(concepts(word.text) & heads for word in named)
            ):
                yield start, start + count - 1, not left_out


@lru_cache(maxsize=4096)
def _name(cell: str) -> tuple[str, ...]:
    return tuple(word.text for word in words(cell))


def _is_name(named: Sequence[Word], name: Sequence[str]) -> bool:
    """Whether a part of a name is enough: a proper name in capitals, or a telling word of a kind."""
    is_told = all(not word.is_filler and not word.is_number and len(word.text) >= _SHORT for word in named)
    tells = any(word.text.lower() not in _DISTINGUISHING for word in named)  # `North` is no name of an ocean
    return is_told and tells and len(name) > 1


def _names_its_people(word: str, name: str) -> bool:
    """Whether both are forms of one name: `Republicans`, `Democrats` of `Democratic`, `African` of `Africa`."""
    shared = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(word, name, strict=False)))
    return shared >= _ROOT and {word[shared:], name[shared:]} <= _NAME_ENDINGS


def _same(word: Word, part: str, column: Column) -> bool:
    if len(part) < _SHORT or part.isdigit():
        return word.text == part
    if part[0].isupper():
        headed = any(stem(part.lower()) in ideas for ideas in column.ideas)
        if word.text.lower() == part.lower():
            return word.text[0].isupper() or not headed
        return not headed and word.text[0].isupper() and _names_its_people(word.text.lower(), part.lower())
    return stem(word.text.lower()) == stem(part.lower())
