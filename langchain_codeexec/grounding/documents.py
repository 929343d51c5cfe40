"""Documents as data: their tables and the sentences that hold figures, each with the document it is from."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from langchain_core.messages import HumanMessage

from langchain_codeexec.executions import InlineFile
from langchain_codeexec.grounding.figures import Figure, stated_figures
from langchain_codeexec.grounding.passages import SourceDocument, source_documents
from langchain_codeexec.grounding.prompt import calculation_prompt
from langchain_codeexec.grounding.sentences import sentences_in
from langchain_codeexec.inputs import DataFile, DataLimits, data_files, listing, tables_in_text
from langchain_codeexec.inputs.shown import shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from langchain_core.documents import Document

    from langchain_codeexec.grounding.passages import Passage

__all__ = ["DocumentData", "DocumentSentence", "DocumentTable", "documents_as_data"]

_SENTENCE: Final = 500  # characters
_SOURCE: Final = "source"
_HEADER: Final = ("sentence", "figure", "value", "unit", _SOURCE)
_LONGEST_VALUE: Final = 40  # digits that are written out


@dataclass(frozen=True, slots=True)
class DocumentTable:
    """A table of a document.

    Attributes:
        document: The number of the document.
        caption: What stands above it; may be empty.
        columns: Its header.
        rows: Its cells, as text.
        page: The page it is on, if that is known.
    """

    document: int
    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    page: str = ""


@dataclass(frozen=True, slots=True)
class DocumentSentence:
    """A sentence that holds figures.

    Attributes:
        document: The number of the document.
        text: The sentence on one line, at most 500 characters of it.
        figures: Its figures, years and numbers in words among them.
        page: The page it is on, if that is known.
    """

    document: int
    text: str
    figures: tuple[Figure, ...]
    page: str = ""


@dataclass(frozen=True, slots=True)
class DocumentData:
    """Documents as files that code can compute with.

    Attributes:
        documents: The documents, as they are numbered and cited.
        tables: Their tables; file i holds table i.
        sentences: Their sentences that hold figures; the last file holds them, if there are any.
        files: The files: CSV, with a last column `source` that holds the number of each row's document.
    """

    documents: tuple[SourceDocument, ...]
    tables: tuple[DocumentTable, ...]
    sentences: tuple[DocumentSentence, ...]
    files: tuple[DataFile, ...]

    def prompt(self, question: str) -> str:
        """The text that asks a question of these documents."""
        listed = (document.line for document in self.documents)
        return calculation_prompt(question, listed, listing(self.files))

    def message(self, question: str, *attachments: Any) -> HumanMessage:
        """The message that asks a question and carries the files.

        Args:
            question: The question.
            *attachments: Content blocks that the question came with; they go before the files.
        """
        blocks = [*attachments, *(file.block for file in self.files)]
        return HumanMessage([{"type": "text", "text": self.prompt(question)}, *blocks])

    def documents_of(self, file_name: str) -> tuple[int, ...]:
        """The numbers of the documents whose data a file holds; none for a file that is not one of these."""
        for file, table in zip(self.files, self.tables, strict=False):
            if file.name == file_name:
                return (table.document,)
        is_last = bool(self.sentences) and self.files[-1].name == file_name
        return tuple(dict.fromkeys(sentence.document for sentence in self.sentences)) if is_last else ()


def documents_as_data(
    documents: Iterable[Document] | Document, *, first: int = 0, limits: DataLimits | None = None
) -> DocumentData:
    """Take the data out of documents.

    Each table becomes a file, with its own columns and a last one `source`. All sentences that hold figures
    become one more, with a row for each figure: `sentence`, `figure` (as written), `value`, `unit`, `source`.
    A table or sentence that overlapping chunks of a document repeat is taken once. What documents say is
    data: it is cleaned of characters that hide, and nothing of it but titles and samples of tables is shown to
    the model as text.

    Args:
        documents: What a retriever gave, the best first; chunks of one document may stand apart.
        first: How many files the request has before these.
        limits: What the files may amount to.

    Raises:
        DataError: One of them is no `Document`, or the files are too large.
    """
    sources = source_documents(documents)
    found = [(source, passage) for source in sources for passage in source.passages]
    tables = _distinct(table for source, passage in found for table in _tables(source, passage))
    told = (sentence for source, passage in found for sentence in _sentences(source, passage))
    sentences = tuple({(sentence.document, sentence.text): sentence for sentence in told}.values())
    labelled = [*_table_files(tables, sources)]
    if sentences:
        labelled.append(("sentences with figures", _csv(_HEADER, _figure_rows(sentences))))
    files = data_files(
        *(InlineFile(data, "text/csv", f"{index}.csv") for index, (_, data) in enumerate(labelled)),
        first=first,
        limits=limits or DataLimits(),
    )
    named = tuple(
        replace(file, source=label, sample=file.sample if index < len(tables) else ())
        for index, (file, (label, _)) in enumerate(zip(files, labelled, strict=True))
    )
    return DocumentData(sources, tables, sentences, named)


def _tables(source: SourceDocument, passage: Passage) -> Iterator[DocumentTable]:
    for table in tables_in_text(passage.text):
        rows = tuple(tuple(row) for row in table.rows)
        yield DocumentTable(source.number, table.caption or "", tuple(table.columns), rows, passage.page)


def _distinct(tables: Iterable[DocumentTable]) -> tuple[DocumentTable, ...]:
    """Each table once: one whose rows are all in another of the same document and header is a part of it."""
    kept: list[DocumentTable] = []
    for table in tables:
        same = [one for one in kept if (one.document, one.columns) == (table.document, table.columns)]
        if any(set(table.rows) <= set(one.rows) for one in same):
            continue
        kept = [one for one in kept if one not in same or not set(one.rows) <= set(table.rows)]
        kept.append(table)
    return tuple(kept)


def _sentences(source: SourceDocument, passage: Passage) -> Iterator[DocumentSentence]:
    for _, text in sentences_in(_without_tables(passage.text)):
        line = shown(text, _SENTENCE)
        if figures := stated_figures(line):
            yield DocumentSentence(source.number, line, tuple(figures), passage.page)


def _without_tables(text: str) -> str:
    """The text between its tables."""
    pieces, end = [], 0
    for table in tables_in_text(text):
        pieces.append(text[end : table.start])
        end = table.end
    return "\n\n".join((*pieces, text[end:]))


def _table_files(
    tables: Sequence[DocumentTable], sources: Sequence[SourceDocument]
) -> Iterator[tuple[str, bytes]]:
    counts: dict[int, int] = {}
    for table in tables:
        counts[table.document] = counts.get(table.document, 0) + 1
        title = sources[table.document - 1].title
        caption = f", {table.caption}" if table.caption not in ("", title) else ""
        label = f"table {counts[table.document]} of [{table.document}] {title}{caption}"
        header = [*(_other_name(name) for name in table.columns), _SOURCE]
        yield label, _csv(header, ((*row, str(table.document)) for row in table.rows))


def _other_name(column: str) -> str:
    """A table's own column `source` stays, under a name of its own."""
    return f"{column} (in the document)" if column.strip().lower() == _SOURCE else column


def _figure_rows(sentences: Iterable[DocumentSentence]) -> Iterator[tuple[str, ...]]:
    for sentence in sentences:
        for figure in sentence.figures:
            yield sentence.text, figure.text, _digits(figure), figure.unit, str(sentence.document)


def _digits(figure: Figure) -> str:
    written = f"{figure.value:f}"
    return written if len(written) <= _LONGEST_VALUE else f"{figure.value:e}"


def _csv(header: Iterable[str], rows: Iterable[Iterable[str]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue().encode("utf-8", "replace")
