"""Words of a question that a table does not account for: those that need not be, and those that must."""

from __future__ import annotations

from typing import TYPE_CHECKING

from langchain_codeexec.emulator.rules.skills.documents.adjectives import adjective
from langchain_codeexec.emulator.rules.skills.documents.measures import UNIT_WORDS
from langchain_codeexec.emulator.rules.skills.documents.words import concepts

if TYPE_CHECKING:
    from langchain_codeexec.emulator.rules.skills.documents.asking import Asked
    from langchain_codeexec.emulator.rules.skills.documents.link import Link
    from langchain_codeexec.emulator.rules.skills.documents.mentions import Mention
    from langchain_codeexec.emulator.rules.skills.documents.words import Word

__all__ = ["SAID_OF_ALL", "follows_how", "is_idle", "part_of"]

SAID_OF_ALL = frozenset({"size", "height"})
_SAID_OF_TIME = frozenset({"length", "year", "born"})
# What stands for the row itself.
_ALIASES = frozenset().union(*map(concepts, ("symbol", "code", "abbreviation", "name", "number")))
_PLACES = frozenset({"in", "on", "at", "during", "by", "for"})
# What a unit says already: `the weight of the samples`, in kg.
_DIMENSIONS = ("mass", "time", "area", "volume")


def is_idle(link: Link, index: int, word: Word, asked: Asked) -> bool:
    """Whether a word need not stand for anything."""
    if word.is_filler or word.text.lower() in UNIT_WORDS or word.text == str(len(link.table.rows)):
        return True
    if any(_measures(word, column.unit.dimension) for column in link.asked_columns):
        return True
    how = adjective(word.text)
    if how is None or not (how.idea and link.columns):
        return how is not None and not how.idea
    if how.degree == "positive" and not follows_how(link, index):
        return True
    return _fits(link, index, how.idea, asked)


def follows_how(link: Link, index: int) -> bool:
    """Whether a word is asked for by `how`: `how deep`."""
    return index > 0 and link.words[index - 1].text.lower() == "how"


def _fits(link: Link, index: int, idea: str, asked: Asked) -> bool:
    """Whether an adjective can be said of what is asked for: `deep` of no discharge, but `high` of everything."""
    columns = link.asked_columns
    if idea in SAID_OF_ALL or any(index + 1 in link.spoken(column) for column in columns):
        return True
    in_time = any(column.unit.dimension == "time" for column in columns)
    return in_time and (idea in _SAID_OF_TIME or asked.lasts)


def _measures(word: Word, dimension: str) -> bool:
    return dimension in _DIMENSIONS and bool(concepts(word.text) & concepts(dimension))


def part_of(link: Link, mention: Mention) -> list[str]:
    """The words that name something else than a row unless the question says so.

    The area of `Phoenix` is not that of the state whose capital it is, and the radius of `Saturn` is not that of
    its moon; but the rain `in January` is.
    """
    column, key = mention.column, link.table.key
    is_said = link.spoken(column) or any(idea & _ALIASES for idea in column.ideas)
    if is_said or any(one.column is key for one in link.mentions):
        return []
    named = link.words[mention.first : mention.last + 1]
    is_own = len(set(column.cells)) == len(column.cells)
    is_name = named[0].text in mention.cells[0].split() and named[0].text[0].isupper()
    before = link.words[max(mention.first - 1, 0)].text.lower()
    return [word.text for word in named] if is_own or (is_name and before not in _PLACES) else []
