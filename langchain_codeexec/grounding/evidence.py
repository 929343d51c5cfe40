"""A conversation as far as answers rest on it: what the user wrote and what code in it printed.

What a claim may rest on: figures that a run printed, a document tells or the question asked with.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from langchain_core.messages import HumanMessage

from langchain_codeexec.data.limits import shown
from langchain_codeexec.grounding.figures import BLANK, printed_figures, stated_figures
from langchain_codeexec.grounding.numerals import unit_in_header
from langchain_codeexec.messages.code_blocks import code_executions

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from langchain_core.messages import BaseMessage

    from langchain_codeexec.executions import CodeExecution
    from langchain_codeexec.grounding.documents import DocumentData, DocumentTable
    from langchain_codeexec.grounding.figures import Figure

__all__ = [
    "SOURCE_KEY",
    "Evidence",
    "Origin",
    "asked_last",
    "document_evidence",
    "execution_evidence",
    "is_users",
    "question_evidence",
    "runs_in",
    "users_texts",
]

SOURCE_KEY: Final = "lc_source"
"""Where LangChain's middlewares note in `additional_kwargs` that a user's message is not the user's."""


def is_users(message: BaseMessage) -> bool:
    """Whether the user wrote a message, and not a middleware in the user's place."""
    return isinstance(message, HumanMessage) and SOURCE_KEY not in message.additional_kwargs


def asked_last(messages: Sequence[BaseMessage]) -> int:
    """The index of the last message of the user; -1 if there is none."""
    return max((index for index, message in enumerate(messages) if is_users(message)), default=-1)


def users_texts(messages: Iterable[BaseMessage]) -> list[str]:
    """What the user wrote."""
    return [str(message.text) for message in messages if is_users(message)]


def runs_in(messages: Iterable[BaseMessage]) -> list[CodeExecution]:
    """The runs that answers and tools' replies tell of."""
    return [run for message in messages for run in code_executions(message)]


Origin: TypeAlias = Literal["execution", "document", "question"]
"""Where a figure comes from: code that ran well printed it, a document states it, or the user did."""

_EXCERPT: Final = 300  # characters
_NUMBERS: Final = r"\d{1,4}(?:\s*,\s*\d{1,4})*"
_SOURCES: Final = re.compile(
    rf"\[(?P<cited>{_NUMBERS})\]|\b(?:sources?|documents?)[\"' \t:=(\[{{]+(?P<named>{_NUMBERS})",
    re.IGNORECASE,
)
_NUMBER: Final = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class Evidence:
    """A figure that a claim may rest on.

    Attributes:
        figure: The figure, as it is written there.
        origin: Who states it.
        text: The line, row or sentence that holds it.
        place: Where that is: `run 1`, `input_file_0.csv, row 3, column moons`; empty for a sentence.
        documents: Numbers of the documents that it is from or was computed from.
        page: The page of the document, if that is known.
    """

    figure: Figure
    origin: Origin
    text: str
    place: str = ""
    documents: tuple[int, ...] = ()
    page: str = ""


def execution_evidence(runs: Iterable[CodeExecution], data: DocumentData | None = None) -> Iterator[Evidence]:
    """The figures that runs printed, those that failed not counted.

    A run tells its documents by the sources that it prints (`source: 1`, `[1]`), else by the files of a single
    document that its code names.

    Args:
        runs: The runs.
        data: The documents that the code could read.
    """
    for number, run in enumerate(runs, 1):
        if not run.ok or not run.output:
            continue
        output, printed = _without_sources(run.output, len(data.documents) if data else 0)
        documents = printed or _opened(run.code, data)
        for figure in printed_figures(output):
            line = _line_at(run.output, figure.start)
            yield Evidence(figure, "execution", shown(line, _EXCERPT), f"run {number}", documents)


def document_evidence(data: DocumentData) -> Iterator[Evidence]:
    """The figures that documents state in their tables and sentences."""
    for table, file in zip(data.tables, data.files, strict=False):
        yield from _cells(table, file.name)
    for sentence in data.sentences:
        for figure in sentence.figures:
            yield Evidence(figure, "document", sentence.text, "", (sentence.document,), sentence.page)


def question_evidence(question: str) -> Iterator[Evidence]:
    """The figures that the question itself states."""
    for figure in stated_figures(question):
        yield Evidence(figure, "question", shown(_line_at(question, figure.start), _EXCERPT))


def _cells(table: DocumentTable, file: str) -> Iterator[Evidence]:
    for number, row in enumerate(table.rows, 1):
        for column, cell in zip(table.columns, row, strict=False):
            text = (
                f"{column}: {cell}" if cell == row[0] else f"{table.columns[0]}: {row[0]}; {column}: {cell}"
            )
            place = f"{file}, row {number}, column {shown(column, _EXCERPT)}"
            for figure in _cell_figures(column, cell):
                yield Evidence(
                    figure, "document", shown(text, _EXCERPT), place, (table.document,), table.page
                )


def _cell_figures(column: str, cell: str) -> Iterator[Figure]:
    """The figures of a cell, in the unit of its header; under "(millions)" `3` is 3 and 3 million."""
    unit, scale = unit_in_header(column)
    for figure in printed_figures(cell):
        own = replace(figure, unit=figure.unit or unit)
        yield own
        if scale:
            yield replace(own, value=own.value.scaleb(scale), step=own.step.scaleb(scale))


def _without_sources(output: str, documents: int) -> tuple[str, tuple[int, ...]]:
    """The output with the sources it names blanked, and these; numbers that no document has are no sources."""
    named: list[int] = []

    def blank(found: re.Match[str]) -> str:
        numbers = [int(number) for number in _NUMBER.findall(found["cited"] or found["named"])]
        if not all(0 < number <= documents for number in numbers):
            return found[0]
        named.extend(numbers)
        return BLANK * len(found[0])

    return _SOURCES.sub(blank, output), tuple(dict.fromkeys(named))


def _opened(code: str, data: DocumentData | None) -> tuple[int, ...]:
    """The documents of the files that code names, each of one document."""
    named = [data.documents_of(file.name) for file in data.files if file.name in code] if data else []
    return tuple(dict.fromkeys(documents[0] for documents in named if len(documents) == 1))


def _line_at(text: str, position: int) -> str:
    start = text.rfind("\n", 0, position) + 1
    end = text.find("\n", position)
    return text[start : len(text) if end < 0 else end]
