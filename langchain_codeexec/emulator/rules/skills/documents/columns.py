"""The columns that a question asks for: by words of their headers, by sizes, by units, by numbers alone."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from langchain_codeexec.emulator.rules.skills.documents.adjectives import adjective
from langchain_codeexec.emulator.rules.skills.documents.leftovers import SAID_OF_ALL, follows_how
from langchain_codeexec.emulator.rules.skills.documents.reading import mentions
from langchain_codeexec.emulator.rules.skills.documents.words import concepts, words

if TYPE_CHECKING:
    from langchain_codeexec.emulator.rules.skills.documents.asking import Asked
    from langchain_codeexec.emulator.rules.skills.documents.link import Link
    from langchain_codeexec.emulator.rules.skills.documents.reading import Column

__all__ = ["take_columns", "take_size", "take_unit"]

_SIZES = frozenset().union(*map(concepts, ("area", "diameter", "radius", "volume", "population")))


def take_columns(link: Link, asked: Asked) -> None:
    """Take the column that most words speak for until none speaks for a further one."""
    free = {index for index in range(len(link.words)) if index not in link.used}
    while free:
        scored = [(score, column) for column in _askable(link) if (score := _spoken(link, column, free))]
        if not scored:
            break
        best = max(score for score, _ in scored)
        winners = [column for score, column in scored if score == best]
        column = min(winners, key=lambda one: _conversions(one, asked))
        indices = link.spoken(column) & free
        equal = [one for one in winners if link.spoken(one) & free == indices and _may_be(one, column, asked)]
        if len(equal) > 1:
            link.rivals = equal
        link.columns.append((column, _place(link, column, indices)))
        free -= indices
        link.used |= indices
    if not link.columns:
        _take_numbered(link)
    _drop_adjectives(link)
    link.columns.sort(key=lambda taken: taken[1])


def _take_numbered(link: Link) -> None:
    """`From 2010 to 2020` says enough where the only columns with these numbers hold one quantity."""
    for index, word in enumerate(link.words):
        numbered = [c for c in link.table.columns[1:] if any(word.stem in idea for idea in c.ideas)]
        if word.is_number and index not in link.used and len(numbered) == 1:
            link.columns.append((numbered[0], index))
    nouns = {column.ideas[column.head] for column in link.asked_columns}
    if len(link.columns) == 2 and len(nouns) == 1:  # noqa: PLR2004 -- from one to another
        link.used |= {index for _, index in link.columns}
    else:
        link.columns.clear()


def _conversions(column: Column, asked: Asked) -> int:
    """How far a column's unit is from the one that is asked for: 0 for the same, 1 where it converts."""
    into = "" if asked.unit is None else column.unit.into(asked.unit)
    return 2 if into is None else bool(into)


def _may_be(other: Column, column: Column, asked: Asked) -> bool:
    """Whether another column may be meant as well as one: not where it says the same in another unit."""
    converts = other.unit.into(column.unit)
    same_quantity = converts and other.label == column.label
    return other is column or not (same_quantity or (asked.unit and converts is None))


def _place(link: Link, column: Column, indices: set[int]) -> int:
    """Index of the word that names a column's noun, else of the first that speaks for it."""
    nouns = {index for index in indices if mentions(link.words[index], column.ideas[column.head])}
    return min(nouns or indices)


def _askable(link: Link) -> list[Column]:
    taken = link.asked_columns
    return [column for column in link.table.columns[1:] if column not in taken]


def _spoken(link: Link, column: Column, free: set[int]) -> tuple[int, int, int] | None:
    """How many free words speak for a column, most first; `None` where its own noun is not among the words."""
    indices = link.spoken(column)
    literal_label = bool(re.search(rf"\b{re.escape(column.label)}\b", link.text, re.IGNORECASE))
    telling = {index for index in indices & free if literal_label or not link.words[index].is_filler}
    matched = {
        n for n, idea in enumerate(column.ideas) if any(mentions(link.words[i], idea) for i in indices)
    }
    if not telling or column.head not in matched or _starts_elsewhere(link, column, matched):
        return None
    nouns = {index for index in telling if adjective(link.words[index].text) is None}
    return len(nouns), len(telling), -(len(column.ideas) - len(matched))


def _starts_elsewhere(link: Link, column: Column, matched: set[int]) -> bool:
    """Whether a question and a header both say `from`, and not from the same."""
    header = words(column.label)
    behind = next((n for n, word in enumerate(header) if word.text.lower() == "from"), len(header))
    told = {n for n in range(behind, len(header)) if not header[n].is_filler}
    kinds = frozenset().union(*(idea for one in link.mentions for idea in one.column.ideas))
    is_said = told & matched or any(column.ideas[n] & kinds for n in told)
    return bool(told) and not is_said and any(word.text.lower() == "from" for word in link.words)


def _drop_adjectives(link: Link) -> None:
    """`longest` speaks for a length only where it does not belong to another column's noun."""
    nouns = [
        (column, index)
        for column, index in link.columns
        if any(adjective(link.words[i].text) is None for i in link.spoken(column))
    ]
    if not nouns:
        return
    kept = []
    for column, index in link.columns:
        belongs = _belongs(link, index, nouns)
        if (column, index) in nouns or not belongs:
            kept.append((column, index))
    link.columns = kept


def _belongs(link: Link, index: int, nouns: list[tuple[Column, int]]) -> bool:
    """Whether an adjective says how much there is of something else: `the longest retention`."""
    how = adjective(link.words[index].text)
    if how is None or how.idea == "born":
        return False
    if how.degree == "superlative":
        return _in_front_of(link, index, nouns)
    return how.degree == "comparative" or how.idea in SAID_OF_ALL or not follows_how(link, index)


def _in_front_of(link: Link, index: int, nouns: list[tuple[Column, int]]) -> bool:
    return any(index + 1 in link.spoken(column) for column, _ in nouns)


def take_size(link: Link) -> None:
    """`Larger` or `the largest` without more means the one size that the table has."""
    for index, word in enumerate(link.words):
        how = adjective(word.text)
        if how is None or how.idea != "size":
            continue
        ranks = how.degree == "superlative" and not any(
            max(link.spoken(column)) > index for column in link.asked_columns
        )
        if link.columns and not ranks:
            continue
        sizes = [c for c in link.table.columns[1:] if c.is_numeric and c.ideas and c.ideas[c.head] & _SIZES]
        link.columns += [(column, index) for column in sizes[:1] if column not in link.asked_columns]
        link.rivals = sizes if len(sizes) > 1 else link.rivals


def take_unit(link: Link, asked: Asked) -> None:
    """`How many cubic miles` asks for the only column in such a unit."""
    if asked.unit is None or any(
        column.is_numeric and index < max(asked.per, 1) for column, index in link.columns
    ):
        return
    figures = (column for column in link.table.columns[1:] if column.is_numeric and not column.holds_years)
    measured = [column for column in figures if column.unit.into(asked.unit) is not None]
    measured.sort(key=lambda column: _conversions(column, asked))
    measured = [one for one in measured if _may_be(one, measured[0], asked)]
    if len(measured) == 1 and (asked.per >= 0 or not link.columns):
        link.columns.insert(0, (measured[0], 0))
