"""A question read against one table: which cells, columns and conditions its words stand for."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from langchain_codeexec.emulator.rules.numerals import NUMBER, literal
from langchain_codeexec.emulator.rules.phrasing import phrase
from langchain_codeexec.emulator.rules.skills.documents.measures import UNIT_WORDS, unit_of
from langchain_codeexec.emulator.rules.skills.documents.mentions import Mention, mentions_in
from langchain_codeexec.emulator.rules.skills.documents.reading import mentions
from langchain_codeexec.emulator.rules.skills.documents.words import adjective, concepts, is_year

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from langchain_codeexec.emulator.rules.skills.documents.asking import Asked
    from langchain_codeexec.emulator.rules.skills.documents.reading import Column, Table
    from langchain_codeexec.emulator.rules.skills.documents.words import Word

__all__ = ["Condition", "Link", "linked"]

_MORE = r"more than|over|above|greater than|larger than|exceed(?:s|ing)?|beyond|upwards of"
_LESS = r"less than|fewer than|under|below|smaller than"
_COMPARED = phrase(
    rf"\b(?:(?P<least>at least|no fewer than|no less than)|(?P<most>at most|up to|no more than)"
    rf"|(?P<more>{_MORE})|(?P<less>{_LESS})|(?P<than>\w+) than|(?P<before>before|earlier than|prior to)"
    rf"|(?P<after>after|later than)|(?P<since>since)|(?P<until>until)|(?P<equal>exactly|of|in)) (?P<number>{NUMBER})"
)
_BETWEEN = phrase(rf"\b(?:between|from) (?P<low>{NUMBER}) (?:and|to) (?P<high>{NUMBER})")
_OPERATORS = {
    "least": ">=",
    "most": "<=",
    "more": ">",
    "less": "<",
    "before": "<",
    "after": ">",
    "since": ">=",
    "until": "<=",
    "equal": "==",
}
_IN_TIME = frozenset({"before", "after", "since", "until", "equal"})
_WINDOW = 4  # words before or after a number that may say what it is compared with
_SIZES = frozenset({"area", "diameter", "radius", "volume", "population"})


@dataclass(frozen=True, slots=True)
class Condition:
    """A test of a number in a row.

    Attributes:
        column: The column.
        test: What follows the number in Python: `> 10`.
    """

    column: Column
    test: str


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

    @property
    def asked_columns(self) -> list[Column]:
        """The columns it asks for."""
        return [column for column, _ in self.columns]

    @property
    def paths(self) -> set[str]:
        """The files that are needed."""
        named = [one.column for one in self.mentions] + [one.column for one in self.conditions]
        return {column.path for column in (*self.asked_columns, *named) if column is not self.table.key}


def linked(asked: Asked, table: Table) -> Link:
    """Read a question against a table."""
    link = Link(table, asked.text, asked.words)
    link.mentions = mentions_in(asked.words, table)
    link.used |= asked.spoken_for
    for one in link.mentions:
        link.used |= set(range(one.first, one.last + 1))
    _take_conditions(link, asked)
    _take_columns(link, asked)
    _take_size(link)
    _take_unit(link, asked)
    link.missing = [
        word.text for index, word in enumerate(link.words) if not _is_accounted_for(link, index, word)
    ]
    return link


def _take_conditions(link: Link, asked: Asked) -> None:
    text = asked.text
    for found in _BETWEEN.finditer(text):
        numbers = literal(found["low"]), literal(found["high"])
        column = _compared_column(link, found, "", years=all(is_year(number) for number in numbers))
        if column is not None and not _in_headers(link, numbers):
            _take_condition(link, column, found, f">= {numbers[0]}", f"<= {numbers[1]}")
    for found in _COMPARED.finditer(text):
        kind = found.lastgroup if found.lastgroup != "number" else ""
        kind = next(name for name in (*_OPERATORS, "than") if found[name])
        number = literal(found["number"])
        if _in_headers(link, [number]) or _indices(link, found) & (link.used - asked.spoken_for):
            continue
        if (operator := _operator(kind, found)) is None:
            continue
        column = _compared_column(link, found, kind, years=is_year(number))
        if column is not None:
            _take_condition(link, column, found, f"{operator} {number}")


def _operator(kind: str, found: re.Match[str]) -> str | None:
    if kind != "than":
        return _OPERATORS[kind]
    how = adjective(found["than"])
    return None if how is None or how.degree != 1 else ">" if how.sign > 0 else "<"


def _take_condition(link: Link, column: Column, found: re.Match[str], *tests: str) -> None:
    link.conditions += [Condition(column, test) for test in tests]
    link.used |= _indices(link, found)
    near = _nearby(link, found)
    link.used |= {index for index in near if any(mentions(link.words[index], idea) for idea in column.ideas)}


def _indices(link: Link, found: re.Match[str]) -> set[int]:
    return {index for index, word in enumerate(link.words) if found.start() <= word.start < found.end()}


def _nearby(link: Link, found: re.Match[str]) -> list[int]:
    inside = _indices(link, found)
    after = range(max(inside) + 1, min(len(link.words), max(inside) + 1 + _WINDOW))
    before = range(min(inside) - 1, max(-1, min(inside) - 1 - _WINDOW), -1)
    return [*sorted(inside), *after, *before]


def _in_headers(link: Link, numbers: Iterable[str]) -> bool:
    return any(number in idea for number in numbers for column in link.table.columns for idea in column.ideas)


def _compared_column(link: Link, found: re.Match[str], kind: str, *, years: bool) -> Column | None:
    """The column of a comparison: named beside the number, else the only one with its unit or with years."""
    numeric = [column for column in link.table.columns if column.is_numeric]
    if years and (not kind or kind in _IN_TIME):
        numeric = [column for column in numeric if column.holds_years]
    elif kind in _IN_TIME:
        return None
    near = [link.words[index] for index in _nearby(link, found)]
    scores = {column.name: _shared(near, column) for column in numeric}
    best = [column for column in numeric if scores[column.name] == max(scores.values()) > 0]
    if len(best) == 1:
        return best[0]
    behind = " ".join(word.text for word in link.words[max(_indices(link, found)) + 1 :][:2])
    units = [
        column
        for column in numeric
        if column.unit.name and unit_of(behind).dimension == column.unit.dimension
    ]
    return units[0] if len(units) == 1 else numeric[0] if years and len(numeric) == 1 else None


def _shared(near: Iterable[Word], column: Column) -> int:
    """How many ideas of a header some words name, if they name its noun."""
    named = [any(mentions(word, idea) for word in near) for idea in column.ideas]
    return sum(named) if named and named[column.head] else 0


def _take_columns(link: Link, asked: Asked) -> None:
    """Take the column that most words speak for until none speaks for a further one."""
    free = {index for index in range(len(link.words)) if index not in link.used}
    while free:
        scored = [(score, column) for column in _askable(link) if (score := _spoken(link, column, free))]
        if not scored:
            break
        best = max(score for score, _ in scored)
        winners = [column for score, column in scored if score == best]
        column = next(
            (one for one in winners if asked.unit and one.unit.into(asked.unit) is not None), winners[0]
        )
        indices = _matching(link, column) & free
        equal = [one for one in winners if _matching(link, one) & free == indices]
        if len(equal) > 1 and (asked.unit is None or column.unit.dimension == equal[-1].unit.dimension):
            link.rivals = equal
        link.columns.append((column, _place(link, column, indices)))
        free -= indices
        link.used |= indices
    _drop_adjectives(link)
    link.columns.sort(key=lambda taken: taken[1])


def _place(link: Link, column: Column, indices: set[int]) -> int:
    """Index of the word that names a column's noun, else of the first that speaks for it."""
    nouns = {index for index in indices if mentions(link.words[index], column.ideas[column.head])}
    return min(nouns or indices)


def _askable(link: Link) -> list[Column]:
    taken = link.asked_columns
    return [column for column in link.table.columns[1:] if column not in taken]


def _matching(link: Link, column: Column) -> set[int]:
    return {
        index
        for index, word in enumerate(link.words)
        if not _in_mention(link, index) and any(mentions(word, idea) for idea in column.ideas)
    }


def _in_mention(link: Link, index: int) -> bool:
    return any(one.first <= index <= one.last for one in link.mentions)


def _spoken(link: Link, column: Column, free: set[int]) -> tuple[int, int, int] | None:
    """How many free words speak for a column, most first; `None` where its own noun is not among the words."""
    indices = _matching(link, column)
    literal_label = bool(re.search(rf"\b{re.escape(column.label)}\b", link.text, re.IGNORECASE))
    telling = {index for index in indices & free if literal_label or not link.words[index].is_filler}
    matched = {
        n for n, idea in enumerate(column.ideas) if any(mentions(link.words[i], idea) for i in indices)
    }
    if not telling or column.head not in matched:
        return None
    nouns = {index for index in telling if adjective(link.words[index].text) is None}
    return len(nouns), len(telling), -(len(column.ideas) - len(matched))


def _drop_adjectives(link: Link) -> None:
    """`longest` speaks for a length only where it does not belong to another column's noun."""
    nouns = [
        (column, index)
        for column, index in link.columns
        if any(adjective(link.words[i].text) is None for i in _matching(link, column))
    ]
    if not nouns:
        return
    kept = []
    for column, index in link.columns:
        how = adjective(link.words[index].text)
        belongs = (
            how is not None and how.idea != "born" and (how.degree < 2 or _in_front_of(link, index, nouns))
        )
        if (column, index) in nouns or not belongs:
            kept.append((column, index))
    link.columns = kept


def _in_front_of(link: Link, index: int, nouns: list[tuple[Column, int]]) -> bool:
    return any(index + 1 in _matching(link, column) for column, _ in nouns)


def _take_size(link: Link) -> None:
    """`larger` without more means the one size that the table has."""
    sized = any((how := adjective(word.text)) and how.idea == "size" for word in link.words)
    if link.columns or not sized:
        return
    sizes = [c for c in link.table.columns[1:] if c.is_numeric and c.ideas and c.ideas[c.head] & _SIZES]
    link.columns = [(column, 0) for column in sizes[:1]]
    link.rivals = sizes if len(sizes) > 1 else []


def _take_unit(link: Link, asked: Asked) -> None:
    """`How many cubic miles` asks for the only column in such a unit."""
    if asked.unit is None or any(
        column.is_numeric and index < max(asked.per, 1) for column, index in link.columns
    ):
        return
    measured = [
        c for c in link.table.columns[1:] if c.is_numeric and c.unit.dimension == asked.unit.dimension
    ]
    if len(measured) == 1 and (asked.per >= 0 or not link.columns):
        link.columns.insert(0, (measured[0], 0))


def _is_accounted_for(link: Link, index: int, word: Word) -> bool:
    if index in link.used or word.is_filler or word.text.lower() in UNIT_WORDS:
        return True
    if word.is_number:
        return word.text == str(len(link.table.rows))
    how = adjective(word.text)
    if how is not None and (not how.idea or link.columns):
        return True
    names = frozenset().union(*link.table.key.ideas, link.table.topic)
    return bool(concepts(word.text) & names)
