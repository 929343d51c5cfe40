"""Documents that a request hands over as files, as the rules read them."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from langchain_codeexec.emulator.rules.numerals import in_digits
from langchain_codeexec.emulator.rules.skills.documents.measures import SIGNS, Unit, unit_of
from langchain_codeexec.emulator.rules.skills.documents.words import Word, concepts, is_year, words

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from langchain_codeexec.emulator.rules.question import Attachment, Question

__all__ = ["Column", "DocumentFiles", "Statement", "Table", "documents_in", "lists_documents", "mentions"]

_LISTING = re.compile(r"^Documents:\n((?:\[\d+\].*(?:\n|$))+)", re.MULTILINE)
_LISTED = re.compile(r"\[(\d+)\]\s*(.*)")
_FILE_LINE = re.compile(r"^- (input_file_\d+\.csv): ([^;\n]*)", re.MULTILINE)
_SENTENCE_COLUMNS = frozenset({"sentence", "figure", "value", "unit", "source"})
_UNIT_BEHIND = re.compile(r"^(.*\S)\s*[(\[]([^()\[\]]+)[)\]]$")
_NUMBER = re.compile(r"[-\u2212+]?(?:\d[\d,]*(?:\.\d+)?|\.\d+)(?:e[-+]?\d+)?", re.IGNORECASE)
_NOTHING = frozenset({"", "-", "n/a", "na", "none", "nan", "unknown", "?", "\u2013", "\u2014", "..."})
_HEAD_ENDS = re.compile(r"\s+(?:of|from|on|in|per|at|to|with|by|for)\b.*$", re.IGNORECASE)
_MANY = 3  # keys; what fewer share may be what tells them from others
_CHARACTERS = 4000  # of a question; what is longer is no question


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    Attributes:
        name: The header.
        path: The file it is in.
        label: The header without its unit.
        unit: The unit in the header; one without a name where there is none.
        ideas: For each word of the label what may be said for it; years and numbers as they are.
        head: Which of them says what the column holds.
        cells: Its texts.
        is_numeric: Whether every cell that is not empty is a number.
        holds_years: Whether all its cells are years.
    """

    name: str
    path: str
    label: str
    unit: Unit
    ideas: tuple[frozenset[str], ...]
    head: int
    cells: tuple[str, ...]
    is_numeric: bool
    holds_years: bool

    @classmethod
    def of(cls, name: str, path: str, cells: Iterable[str]) -> Column:
        """Read a header."""
        plain = " ".join(name.replace("_", " ").split())
        found = _UNIT_BEHIND.match(plain)
        label, unit = (found[1], found[2]) if found else (plain, "")
        every = words(label)
        first = words(_HEAD_ENDS.sub("", label))
        named = [index for index, word in enumerate(first) if not word.is_number]
        ideas = tuple(concepts(word.text) if not word.is_number else frozenset({word.stem}) for word in every)
        texts = tuple(cells)
        filled = [text for text in texts if text.lower() not in _NOTHING]
        in_years = not unit and bool(texts) and all(map(is_year, texts))
        return cls(
            name=name,
            path=path,
            label=label,
            unit=replace(unit_of("years"), name="") if in_years else unit_of(unit),
            ideas=ideas,
            head=named[-1] if named else 0,
            cells=texts,
            is_numeric=bool(filled) and all(_NUMBER.fullmatch(text.strip(SIGNS)) for text in filled),
            holds_years=in_years,
        )

    @property
    def names_years(self) -> bool:
        """Whether its header speaks of years and nothing else."""
        return len(self.ideas) == 1 and bool(self.ideas[0] & concepts("year"))


@dataclass(frozen=True, slots=True)
class Table:
    """A table, or several whose first columns name the same things.

    Attributes:
        columns: Its columns, the key first, without `source`.
        rows: Its rows by column names; a row of several files has what all of them say.
        topic: What captions and titles may be mentioned by.
        nouns: What its rows may be called: by the key's header, and by words that all keys share.
    """

    columns: tuple[Column, ...]
    rows: tuple[Mapping[str, str], ...]
    topic: frozenset[str]
    nouns: frozenset[str]

    @property
    def key(self) -> Column:
        """The column that names what the rows are about."""
        return self.columns[0]


@dataclass(frozen=True, slots=True)
class Statement:
    """A figure in a sentence.

    Attributes:
        path: The file it is in.
        sentence: The sentence.
        figure: The figure as written.
        unit: Its unit.
        topic: What its document may be mentioned by.
    """

    path: str
    sentence: str
    figure: str
    unit: Unit
    topic: frozenset[str]


@dataclass(frozen=True, slots=True)
class DocumentFiles:
    """What a request hands over.

    Attributes:
        question: What is asked, number words in digits.
        titles: Titles by the documents' numbers.
        tables: The tables, joined ones after those they are made of.
        statements: The figures in sentences.
    """

    question: str
    titles: Mapping[str, str]
    tables: tuple[Table, ...] = ()
    statements: tuple[Statement, ...] = field(default=())


def lists_documents(text: str) -> bool:
    """Whether the text of a request lists documents."""
    return _LISTING.search(text) is not None


def documents_in(question: Question) -> DocumentFiles | None:
    """The documents of a request; `None` for a request that lists none."""
    listing = _LISTING.search(question.text)
    if listing is None:
        return None
    titles = {number: title.strip() for number, title in _LISTED.findall(listing[1])}
    asked = " ".join(in_digits(question.text[: listing.start()][:_CHARACTERS]).split())
    described = dict(_FILE_LINE.findall(question.text[listing.end() :]))
    files = [file for file in question.attachments if file.path in described and file.data]
    tables, statements = [], []
    for file in files:
        rows = _rows(file)
        if rows and rows[0].keys() >= _SENTENCE_COLUMNS:
            statements += [_statement(row, file.path, titles) for row in rows]
        elif rows and "source" in rows[0] and len(rows[0]) > 1:
            tables.append(_table(rows, file.path, described[file.path], titles))
    return DocumentFiles(asked, titles, (*tables, *_joined(tables)), tuple(statements))


def _rows(file: Attachment) -> list[dict[str, str]]:
    text = file.data.decode("utf-8-sig", "replace")
    try:
        read = list(csv.DictReader(io.StringIO(text, newline=""), restval=""))
    except csv.Error:
        return []
    return [{name: cell.strip() for name, cell in row.items() if name} for row in read]


def _topic(*texts: str) -> frozenset[str]:
    """What the words of a title stand for; its numbers say too much to stand for anything."""
    every = (word for text in texts for word in words(in_digits(text)))
    return frozenset().union(*(concepts(word.text) for word in every if not word.is_number))


def _statement(row: Mapping[str, str], path: str, titles: Mapping[str, str]) -> Statement:
    topic = _topic(titles.get(row["source"], ""))
    return Statement(path, row["sentence"], row["figure"], unit_of(row["unit"]), topic)


def _table(rows: list[dict[str, str]], path: str, caption: str, titles: Mapping[str, str]) -> Table:
    names = [name for name in rows[0] if name != "source"]
    columns = tuple(Column.of(name, path, [row[name] for row in rows]) for name in names)
    sources = {row["source"] for row in rows}
    topic = _topic(caption, *(titles.get(source, "") for source in sources))
    return Table(columns, tuple(rows), topic, _nouns(columns[0]))


def _nouns(key: Column) -> frozenset[str]:
    shared: frozenset[str] | None = None
    for cell in key.cells:
        named = frozenset().union(*(concepts(word.text) for word in words(cell) if not word.is_number))
        shared = named if shared is None else shared & named
        if not shared:
            break
    return frozenset().union(*key.ideas, (shared or ()) if len(key.cells) >= _MANY else ())


def _joined(tables: list[Table]) -> list[Table]:
    """One table more for each group whose keys have the same header and whose rows can be matched by it."""
    groups: dict[str, list[Table]] = {}
    for table in tables:
        if len(set(table.key.cells)) == len(table.rows):
            groups.setdefault(table.key.label.lower(), []).append(table)
    return [_join(group) for group in groups.values() if len(group) > 1]


def _join(group: list[Table]) -> Table:
    rows: dict[str, dict[str, str]] = {}
    for table in group:
        for row in table.rows:
            rows.setdefault(row[table.key.name], {}).update(row)
    first = group[0]
    columns = [replace(first.key, cells=tuple(rows))]
    for table in group:
        names = {column.name for column in columns}
        columns += [column for column in table.columns[1:] if column.name not in names]
    every = tuple({column.name: row.get(column.name, "") for column in columns} for row in rows.values())
    topic = frozenset().union(*(table.topic for table in group))
    return Table(tuple(columns), every, topic, first.nouns)


def mentions(word: Word, ideas: frozenset[str]) -> bool:
    """Whether a word of a question may stand for one of a header."""
    return word.stem in ideas if word.is_number else bool(concepts(word.text) & ideas)
