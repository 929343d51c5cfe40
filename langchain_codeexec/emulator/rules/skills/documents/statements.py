"""Figures in sentences, and comparisons of what stands in different places."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from langchain_codeexec.emulator.rules.skills.documents.adjectives import adjective
from langchain_codeexec.emulator.rules.skills.documents.answers import lookup_of
from langchain_codeexec.emulator.rules.skills.documents.asking import asked
from langchain_codeexec.emulator.rules.skills.documents.linking import linked
from langchain_codeexec.emulator.rules.skills.documents.measures import UNIT_WORDS
from langchain_codeexec.emulator.rules.skills.documents.pairs import Pair, compared_pair
from langchain_codeexec.emulator.rules.skills.documents.programs import figure_of
from langchain_codeexec.emulator.rules.skills.documents.selections import Measure, Selection, Test, plain
from langchain_codeexec.emulator.rules.skills.documents.words import concepts, is_year, words

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from langchain_codeexec.emulator.rules.skills.documents.asking import Asked
    from langchain_codeexec.emulator.rules.skills.documents.cases import Answer
    from langchain_codeexec.emulator.rules.skills.documents.reading import DocumentFiles, Statement
    from langchain_codeexec.emulator.rules.skills.documents.words import Word
    from langchain_codeexec.emulator.rules.solution import Solution

__all__ = ["answer_between", "answer_in_sentences"]

_HOW_MANY = re.compile(r"\bhow many (\w+)", re.IGNORECASE)
_NEAR = 4  # words from the figure on
_ENOUGH = 2  # words that say what is asked for; one is found in too many sentences
_CLAUSE_ENDS = re.compile(r"[,;:](?=\s)|\b(?:and|but|after|before|while)\b")
_WHEN = re.compile(r"\bwhen\b|\byear\b", re.IGNORECASE)


def answer_in_sentences(wish: Asked, files: DocumentFiles) -> Solution | None:
    """The one figure of a sentence that says all that the question names."""
    if wish.binary or wish.superlative or wish.per >= 0:
        return None
    statement = _stated(wish, files.statements)
    if statement is None:
        return None
    return figure_of("look up", _selection(statement, wish), plain(statement.sentence))


def answer_between(wish: Asked, files: DocumentFiles) -> Answer | None:
    """A comparison of two things that are named in capitals, each looked up for itself."""
    names = _names(wish)
    if not wish.binary or len(names) != 2:  # noqa: PLR2004 -- two things
        return None
    named = {index for first, last in names for index in range(first, last + 1)}
    telling = [word for word in _telling(wish, sized=False) if wish.words.index(word) not in named]
    quantity = " ".join(dict.fromkeys(word.text for word in telling)) or _idea(wish)
    found = []
    for first, last in names:
        name = wish.text[wish.words[first].start : wish.words[last].end]
        found.append(_looked_up(f"What is the {quantity} of {name}?", files))
    one, other = found
    if one is None or other is None:
        return None
    first, second = (wish.words[first].start for first, _ in names)
    return compared_pair(wish, Pair(one, other, (first, second)))


def _looked_up(question: str, files: DocumentFiles) -> Selection | None:
    wish = asked(question)
    if wish is None:
        return None
    links = [link for table in files.tables if not (link := linked(wish, table)).missing and link.columns]
    in_tables = (selection for link in links if (selection := lookup_of(wish, link)) is not None)
    if found := next(in_tables, None):
        return found
    statement = _stated(wish, files.statements)
    return _selection(statement, wish) if statement else None


def _names(wish: Asked) -> list[tuple[int, int]]:
    """Runs of words in capitals, as indices of their first and last word."""
    runs: list[tuple[int, int]] = []
    for index, word in enumerate(wish.words):
        if not index or not word.text[0].isupper() or word.is_filler:
            continue
        if runs and runs[-1][1] == index - 1:
            runs[-1] = (runs[-1][0], index)
        else:
            runs.append((index, index))
    return runs


def _idea(wish: Asked) -> str:
    return next((how.idea for word in wish.words if (how := adjective(word.text)) and how.idea), "")


def _telling(wish: Asked, *, sized: bool = True) -> list[Word]:
    """The words that a sentence has to say in some way."""
    return [
        word
        for index, word in enumerate(wish.words)
        if index not in wish.spoken_for
        and not word.is_filler
        and word.text.lower() not in UNIT_WORDS
        and (sized or adjective(word.text) is None)
    ]


def _stated(wish: Asked, statements: Iterable[Statement]) -> Statement | None:
    """The statement that says all that a question names; none where several say different things."""
    telling = _telling(wish)
    fitting = [one for one in statements if _says(one, telling)]
    if wish.unit is not None:
        fitting = [one for one in fitting if one.unit.into(wish.unit) is not None]
    numbers = {word.stem for word in wish.words if word.is_number}
    fitting = [one for one in fitting if one.figure.replace(",", "") not in numbers]
    dated = [one for one in fitting if is_year(one.figure)]
    fitting = dated if _WHEN.search(wish.text) else [one for one in fitting if one not in dated]
    counting = {one.sentence for one in fitting if _counts(one, wish)}
    fitting = [one for one in fitting if one.sentence in counting]
    if not fitting or len({_ideas(word) for word in telling}) < max(_ENOUGH, len(telling)):
        return None  # one word twice, as in `moons of the Moon`, is two things
    best = min(_distance(one, telling, numbers) for one in fitting)
    nearest = [one for one in fitting if _distance(one, telling, numbers) == best]
    return nearest[0] if len({one.figure for one in nearest}) == 1 else None


def _counts(statement: Statement, wish: Asked) -> bool:
    """Whether a figure is of what `how many` asks for: its noun stands behind it."""
    found = _HOW_MANY.search(wish.text)
    if found is None or wish.unit is not None:
        return True
    behind = statement.sentence.partition(statement.figure)[2]
    near = words(f"{statement.figure} {behind}")[:_NEAR]
    return any(concepts(word.text) & concepts(found[1]) for word in near)


def _says(statement: Statement, telling: Sequence[Word]) -> bool:
    every = words(statement.sentence)
    said = {idea for word in every for idea in _ideas(word)}
    named = {idea for word in every if word.text[0].isupper() for idea in _ideas(word)}
    own = any(_ideas(word) & said for word in telling)
    return own and all(
        _ideas(word) & (named if word.start and word.text[0].isupper() else said)
        or (not word.is_number and _ideas(word) & statement.topic)
        for word in telling
    )


def _ideas(word: Word) -> frozenset[str]:
    return frozenset({word.stem}) if word.is_number else concepts(word.text)


def _distance(statement: Statement, telling: Sequence[Word], numbers: set[str]) -> int:
    """How far a figure stands from a number of the question, else from what it names before the figure."""
    place = statement.sentence.find(statement.figure)
    every = words(statement.sentence)
    if anchors := [word.start for word in every if word.stem in numbers]:
        return min(_apart(statement.sentence, *sorted((place, anchor))) for anchor in anchors)
    return sum(place - _last_before(place, every, _ideas(word), statement) for word in telling)


def _apart(sentence: str, first: int, last: int) -> int:
    """How far two places are apart, much farther in two clauses than in one."""
    return last - first + len(sentence) * len(_CLAUSE_ENDS.findall(sentence, first, last))


def _last_before(place: int, every: Sequence[Word], ideas: frozenset[str], statement: Statement) -> int:
    """Where a word was said last; as far away as can be if not at all."""
    said = (word.start for word in every if word.start < place and _ideas(word) & ideas)
    return max(said, default=-len(statement.sentence))


def _selection(statement: Statement, wish: Asked) -> Selection:
    telling = _telling(wish)
    label = plain(wish.text[telling[0].start : telling[-1].end])
    code = f'row["figure"] == {statement.figure!r} and row["sentence"] == {statement.sentence!r}'
    measure = Measure("value", statement.path, statement.unit, label)
    if wish.unit is not None:
        measure = measure.into(wish.unit) or measure
    return Selection("sentence", (Test(code, lambda _: True, statement.path, ""),), measure, label)
