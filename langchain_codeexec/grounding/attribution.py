"""From each figure of an answer to the evidence for it: in a run's output, in a document or in the question."""

from __future__ import annotations

import ast
import re
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage

from langchain_codeexec.data.limits import one_line
from langchain_codeexec.executions import CodeExecution
from langchain_codeexec.grounding.answers import AnswerFigure, CalculatedAnswer, Origin, blocks_of, text_of
from langchain_codeexec.grounding.documents import DocumentData, DocumentTable
from langchain_codeexec.grounding.figures import (
    Figure,
    figures_in,
    may_support,
    notation_in,
    printed_figures,
    stated_figures,
    supports,
)
from langchain_codeexec.grounding.labels import BLANK
from langchain_codeexec.grounding.numerals import unit_in_header
from langchain_codeexec.grounding.repetition import FILES, sources_of_variation, syntax_nodes
from langchain_codeexec.messages.code_blocks import code_executions

__all__ = [
    "SOURCE_KEY",
    "Evidence",
    "attributed",
    "attributed_figures",
    "evidence_of_runs",
    "executions_in",
    "is_from_user",
    "last_question",
]

SOURCE_KEY: Final = "lc_source"
"""Where LangChain's middlewares note in `additional_kwargs` that a user's message is not the user's."""

_EXCERPT: Final = 300  # characters
_NUMBERS: Final = r"\d{1,4}(?:\s*,\s*\d{1,4})*"
_SOURCES: Final = re.compile(
    rf"\[(?P<cited>{_NUMBERS})\]|\b(?:sources?|documents?)[\"' \t:=(\[{{]+(?P<named>{_NUMBERS})",
    re.IGNORECASE,
)
_NUMBER: Final = re.compile(r"\d+")
_NAME_STEM: Final = "input_file_"
_CITATIONS: Final = re.compile(rf"(?:\[{_NUMBERS}\]\s?)+")
_SENTENCE_END: Final = re.compile(r"[.!?][\"'*_\u201d)]*\s+(?!\[\d)|\n\s*(?:\n|[-*+>|#]|\d{1,3}[.)]\s)")
"""Where a sentence may end: a citation behind is another's, unless it follows at once."""


def is_from_user(message: BaseMessage) -> bool:
    """Whether the user wrote a message, and not a middleware in the user's place."""
    return isinstance(message, HumanMessage) and SOURCE_KEY not in message.additional_kwargs


def last_question(messages: Sequence[BaseMessage]) -> int:
    """The index of the last message of the user; -1 if there is none."""
    return max((index for index, message in enumerate(messages) if is_from_user(message)), default=-1)


def executions_in(messages: Iterable[BaseMessage]) -> list[CodeExecution]:
    """The runs that answers and tools' replies hold."""
    return [run for message in messages for run in code_executions(message)]


def attributed(
    message: AIMessage,
    question: str,
    data: DocumentData,
    *,
    history: Sequence[BaseMessage] = (),
) -> CalculatedAnswer:
    """An answer with the record of where its figures come from, its text blocks annotated with it.

    A figure is looked for in what code printed, then in the documents, then in the question; what the code of
    the history printed and its user wrote counts as well. A figure that code printed is traced to the sources
    that the run printed, else to the files it opened; what the prose cites behind it can only choose among
    these. Code alone states nothing: a number or source in it that it did not compute supports nothing.

    Annotations do not go back to the service: the message stays, for a history, what it was.
    """
    questions = "\n".join([question, *(str(earlier.text) for earlier in history if is_from_user(earlier))])
    evidence = [
        *evidence_of_runs(executions_in([*history, message]), data),
        *_evidence_of_documents(data),
        *(
            Evidence(figure, "question", _line_at(questions, figure.start))
            for figure in stated_figures(questions)
        ),
    ]
    figures = tuple(
        figure
        for index, block in enumerate(blocks_of(message))
        for figure in attributed_figures(text_of(block), index, evidence, len(data.documents))
    )
    return CalculatedAnswer.of(message, question, data.documents, figures)


def attributed_figures(
    text: str, block: int, evidence: Sequence[Evidence], documents: int
) -> Iterator[AnswerFigure]:
    """The figures of a block's text with the evidence for each; `documents` is how many there are to cite."""
    for claim in figures_in(text, documents):
        figure = AnswerFigure(claim.text, float(claim.value), claim.unit, block, claim.start, claim.end)
        cited = _cited_behind(text, claim.end, documents)
        support = _best([item for item in evidence if supports(item.figure, claim)], cited)
        if support:
            figure = replace(
                figure,
                origin=support.origin,
                evidence=support.text,
                place=support.place,
                documents=tuple(number for number in cited if number in support.readable)
                or support.documents,
                page=support.page,
            )
        elif may_support((item.figure for item in evidence), claim):
            figure = replace(figure, is_judged=False)
        yield figure


def _best(evidence: Sequence[Evidence], cited: tuple[int, ...]) -> Evidence | None:
    """The first evidence; of several of its origin one that is from a document that is cited."""
    same = [item for item in evidence if item.origin == evidence[0].origin]
    return next(
        (item for item in same if not set(cited).isdisjoint(item.documents + item.readable)),
        same[0] if same else None,
    )


def _cited_behind(text: str, position: int, documents: int) -> tuple[int, ...]:
    """The documents that the next citation in the same sentence names, as far as there are such."""
    end = _SENTENCE_END.search(text, position)
    citation = _CITATIONS.search(text, position, end.start() if end else len(text))
    numbers = map(int, _NUMBER.findall(citation[0])) if citation else ()
    return tuple(dict.fromkeys(number for number in numbers if 0 < number <= documents))


# -- evidence ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Evidence:
    """A figure that a claim may rest on."""

    figure: Figure  # the figure, as it is written there
    origin: Origin  # who states it
    text: str  # the line, row or sentence that holds it
    place: str = ""  # where that is: `run 1`, `input_file_0.csv, row 3, column moons`; empty for a sentence
    documents: tuple[int, ...] = ()  # numbers of the documents that it is from or was computed from
    page: str = ""  # the page of the document, if that is known
    readable: tuple[int, ...] = ()  # numbers of all documents that it may have been computed from


def evidence_of_runs(runs: Iterable[CodeExecution], data: DocumentData | None = None) -> Iterator[Evidence]:
    """The figures that runs printed, those that failed not counted, with the documents they are from.

    A run names its documents by the sources that it prints (`source: 1`, `[1]`) and does not itself hold as
    text, else by the files of a single document that its code opens. What an earlier run opened, a later one
    can read.
    """
    readable: dict[int, None] = {}
    for number, run in enumerate(runs, 1):
        opened = _opened(run.code, data)
        readable.update(dict.fromkeys(document for documents in opened for document in documents))
        if not run.ok or not run.output:
            continue
        output, printed = _without_sources(run, len(data.documents) if data else 0, readable)
        documents = printed or tuple(dict.fromkeys(of[0] for of in opened if len(of) == 1))
        for figure in printed_figures(output):
            line = _line_at(run.output, figure.start)
            yield Evidence(
                figure, "execution", line, f"run {number}", documents, readable=(*readable, *printed)
            )


def _evidence_of_documents(data: DocumentData) -> Iterator[Evidence]:
    for table, file in zip(data.tables, data.files, strict=False):
        yield from _evidence_of_cells(table, file.name)
    for sentence in data.sentences:
        for figure in sentence.figures:
            yield Evidence(figure, "document", sentence.text, "", (sentence.document,), sentence.page)


def _evidence_of_cells(table: DocumentTable, file: str) -> Iterator[Evidence]:
    notation = notation_in("\n".join(cell for row in table.rows for cell in row))
    for number, row in enumerate(table.rows, 1):
        for column, cell in zip(table.columns, row, strict=False):
            first = "" if cell == row[0] else f"{table.columns[0]}: {row[0]}; "
            text = one_line(f"{first}{column}: {cell}", _EXCERPT)
            place = f"{file}, row {number}, column {one_line(column, _EXCERPT)}"
            for figure in _cell_figures(column, cell, notation):
                yield Evidence(figure, "document", text, place, (table.document,), table.page)


def _cell_figures(column: str, cell: str, notation: str) -> Iterator[Figure]:
    """The figures of a cell, in the unit of its header; under "(millions)" `3` is 3 and 3 million."""
    unit, scale = unit_in_header(column)
    for figure in stated_figures(cell, notation):
        in_unit = replace(figure, unit=figure.unit or unit)
        yield in_unit
        if scale:
            yield replace(in_unit, value=in_unit.value.scaleb(scale), step=in_unit.step.scaleb(scale))


def _without_sources(
    run: CodeExecution, documents: int, readable: Container[int]
) -> tuple[str, tuple[int, ...]]:
    """The output with the sources it names blanked, and these; numbers that no document has are no sources."""
    sources: list[int] = []

    def blank(match: re.Match[str]) -> str:
        numbers = [int(number) for number in _NUMBER.findall(match["cited"] or match["named"])]
        if not all(0 < number <= documents for number in numbers):
            return match[0]
        sources.extend(number for number in numbers if number in readable or match[0] not in run.code)
        return BLANK * len(match[0])

    return _SOURCES.sub(blank, run.output or ""), tuple(dict.fromkeys(sources))


def _opened(code: str, data: DocumentData | None) -> list[tuple[int, ...]]:
    """The documents of each file that code names in a text; of all files where it lists or counts them."""
    if data is None:
        return []
    constants = [node.value for node in syntax_nodes(code) if isinstance(node, ast.Constant)]
    texts = [text for text in constants if isinstance(text, str)]
    named = [file for file in data.files if any(file.name in text for text in texts)]
    is_any = FILES in sources_of_variation([code]) or any(text.endswith(_NAME_STEM) for text in texts)
    return [data.documents_of(file.name) for file in named or data.files * is_any]


def _line_at(text: str, position: int) -> str:
    start = text.rfind("\n", 0, position) + 1
    end = text.find("\n", position)
    return one_line(text[start : len(text) if end < 0 else end], _EXCERPT)
