"""A question read against one table: which cells, columns and conditions its words stand for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from langchain_codeexec.emulator.rules.skills.documents.columns import take_columns, take_size, take_unit
from langchain_codeexec.emulator.rules.skills.documents.conditions import conditions_in
from langchain_codeexec.emulator.rules.skills.documents.leftovers import is_idle, part_of
from langchain_codeexec.emulator.rules.skills.documents.link import Link
from langchain_codeexec.emulator.rules.skills.documents.mentions import Mention, mentions_in
from langchain_codeexec.emulator.rules.skills.documents.reading import mentions
from langchain_codeexec.emulator.rules.skills.documents.words import GENERIC, concepts

if TYPE_CHECKING:
    from langchain_codeexec.emulator.rules.skills.documents.asking import Asked
    from langchain_codeexec.emulator.rules.skills.documents.reading import Column, Table

__all__ = ["linked", "unsaid"]


def linked(asked: Asked, table: Table) -> Link:
    """Read a question against a table."""
    link = Link(table, asked.text, asked.words)
    link.mentions = mentions_in(asked.words, table)
    link.used |= asked.spoken_for
    for one in link.mentions:
        link.used |= set(range(one.first, one.last + 1))
    stated = conditions_in(asked, table, link.used - asked.spoken_for)
    link.conditions = stated.found
    link.used |= stated.used
    _take_years(link)
    take_columns(link, asked)
    link.unsaid = sum(len(unsaid(link, column)) for column in link.asked_columns)
    take_size(link)
    take_unit(link, asked)
    named = (word for index, word in enumerate(link.words) if index not in link.used)
    link.names_key = any(concepts(word.text) & table.nouns for word in named)
    rest = [
        word
        for index, word in enumerate(link.words)
        if index not in link.used and not is_idle(link, index, word, asked)
    ]
    rest = [word for word in rest if word.is_number or not concepts(word.text) & table.nouns]
    link.missing = [] if link.names_key else [word for one in link.mentions for word in part_of(link, one)]
    link.missing += [word.text for word in rest if word.is_number or not concepts(word.text) & table.topic]
    link.topical = len(rest) - len(link.missing)
    return link


def unsaid(link: Link, column: Column) -> list[int]:
    """Which telling words of a header the question does not say in any way."""
    return [
        place
        for place, idea in enumerate(column.ideas)
        if not (idea & GENERIC or any(mentions(word, idea) for word in link.words))
    ]


def _take_years(link: Link) -> None:
    """A bare year names a row where a column is for nothing else."""
    columns = [column for column in link.table.columns if column.holds_years and column.names_years]
    for index, word in enumerate(link.words):
        if len(columns) == 1 and index not in link.used and word.text in columns[0].cells:
            link.mentions.append(Mention(columns[0], (word.text,), index, index))
            link.used.add(index)
