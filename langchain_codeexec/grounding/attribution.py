"""An answer's text blocks annotated with what bears its figures out: LangChain's citations, and marks of ours.

From an answer's figures to what bears them out, and the answer annotated with it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from langchain_codeexec.grounding.answers import AnswerFigure, CalculatedAnswer, CitedDocument
from langchain_codeexec.grounding.documents import says_nothing, sentences_in
from langchain_codeexec.grounding.evidence import (
    Evidence,
    document_evidence,
    execution_evidence,
    question_evidence,
    runs_in,
    users_texts,
)
from langchain_codeexec.grounding.figures import bears_out, figures_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from langchain_core.messages import AIMessage, BaseMessage
    from langchain_core.messages.content import Annotation, Citation

    from langchain_codeexec.grounding.documents import DocumentData
    from langchain_codeexec.grounding.figures import Figure

__all__ = ["UNSUPPORTED", "annotated", "attributed", "blocks_of", "text_of"]

UNSUPPORTED: Final = "unsupported_figure"
"""What `value["type"]` of the annotation says that marks a figure nothing bears out."""

_ID_PREFIX: Final = "figure-"


def blocks_of(message: AIMessage) -> list[Any]:
    """The content blocks of a message; a plain text is one."""
    content = message.content
    return [{"type": "text", "text": content}] if isinstance(content, str) else list(content)


def text_of(block: Any) -> str:
    """The prose of a block; empty for any that is no text."""
    if isinstance(block, str):
        return block
    is_text = isinstance(block, Mapping) and block.get("type") == "text"
    return str(block.get("text") or "") if is_text else ""


def annotated(block: Any, figures: Sequence[AnswerFigure], documents: Sequence[CitedDocument]) -> Any:
    """A block with the annotations of its figures behind those that it has; earlier ones of ours are replaced."""
    made = [annotation for figure in figures for annotation in _annotations(figure, documents)]
    if isinstance(block, str):
        return {"type": "text", "text": block, "annotations": made} if made else block
    kept = [
        one for one in block.get("annotations") or () if not str(one.get("id", "")).startswith(_ID_PREFIX)
    ]
    bare = {key: value for key, value in block.items() if key != "annotations"}
    return {**bare, "annotations": [*kept, *made]} if kept or made else bare


def _annotations(figure: AnswerFigure, documents: Sequence[CitedDocument]) -> Iterator[Annotation]:
    span = f"{_ID_PREFIX}{figure.start}-{figure.end}"
    if figure.origin is None:
        value = {
            "type": UNSUPPORTED,
            "figure": figure.text,
            "start_index": figure.start,
            "end_index": figure.end,
        }
        yield {"type": "non_standard_annotation", "id": span, "value": value}
    for number in figure.documents:
        document = documents[number - 1]
        extras = {
            "document": number,
            "origin": figure.origin,
            "source": document.source,
            "place": figure.place,
            "page": figure.page,
        }
        citation: Citation = {
            "type": "citation",
            "id": f"{span}-{number}",
            "title": document.title,
            "start_index": figure.start,
            "end_index": figure.end,
            "cited_text": figure.evidence,
            "extras": {key: value for key, value in extras.items() if value},
        }
        yield {**citation, "url": document.url} if document.url else citation


_CITATIONS: Final = re.compile(r"(?:\[\d{1,4}(?:\s*,\s*\d{1,4})*\]\s?)+")
_NUMBER: Final = re.compile(r"\d+")
_COUNTED: Final = re.compile(r"\s(?:of the )?(?P<what>document|source|file|table)s\b")


def attributed(
    message: AIMessage,
    question: str,
    data: DocumentData,
    *,
    history: Sequence[BaseMessage] = (),
) -> CalculatedAnswer:
    """An answer with the record of where its figures come from, its text blocks annotated with it.

    A figure is looked for in what code printed, then in the documents, then in the question. A figure that code
    printed is traced to the documents that the prose cites behind it, else to the sources that the run printed,
    else to the files it opened. Code alone states nothing: a number in it that it did not print bears nothing out.

    Annotations do not go back to the service: the message stays, for a history, what it was.

    Args:
        message: The model's answer.
        question: What was asked.
        data: The documents that it was to be computed from.
        history: The conversation before; what its code printed and its user wrote counts as well.
    """
    blocks = blocks_of(message)
    evidence = [
        *execution_evidence(runs_in([*history, message]), data),
        *document_evidence(data),
        *question_evidence("\n".join([question, *users_texts(history)])),
    ]
    figures = tuple(
        figure
        for index, block in enumerate(blocks)
        for figure in _traced(text_of(block), index, evidence, data)
    )
    documents = tuple(
        CitedDocument(document.number, document.title, document.source, document.url)
        for document in data.documents
    )
    content = [
        annotated(block, [figure for figure in figures if figure.block == index], documents)
        for index, block in enumerate(blocks)
    ]
    noted = message.model_copy(update={"content": content})
    if isinstance(message.content, str):  # it has become what its provider's package sends as such
        noted.response_metadata = {**message.response_metadata, "output_version": "v1"}
    return CalculatedAnswer(noted, question, documents, figures, not says_nothing(message.text)).recorded()


def _traced(
    text: str, block: int, evidence: Sequence[Evidence], data: DocumentData
) -> Iterator[AnswerFigure]:
    """The figures of a block's text, each with the first evidence that bears it out."""
    documents = len(data.documents)
    sentences = list(sentences_in(text))
    for figure in figures_in(text, documents):
        stated = AnswerFigure(figure.text, float(figure.value), figure.unit, block, figure.start, figure.end)
        cited = _cited_behind(figure, sentences, documents)
        found = _best([one for one in evidence if bears_out(one.figure, figure)], cited)
        found = found or _count(text, figure, data)
        if found:
            traced = cited if found.origin == "execution" and cited else found.documents
            stated = replace(
                stated,
                origin=found.origin,
                evidence=found.text,
                place=found.place,
                documents=traced,
                page=found.page,
            )
        yield stated


def _best(evidence: Sequence[Evidence], cited: tuple[int, ...]) -> Evidence | None:
    """The first evidence; of several of its origin one that is from a document that is cited."""
    same = [one for one in evidence if one.origin == evidence[0].origin]
    return next((one for one in same if not set(cited).isdisjoint(one.documents)), same[0] if same else None)


def _cited_behind(figure: Figure, sentences: Sequence[tuple[int, str]], documents: int) -> tuple[int, ...]:
    """The documents that the next citation of the figure's sentence names, as far as there are such."""
    start, sentence = max((one for one in sentences if one[0] <= figure.start), default=(0, ""))
    found = _CITATIONS.search(sentence, max(0, figure.end - start))
    numbers = map(int, _NUMBER.findall(found[0])) if found else ()
    return tuple(dict.fromkeys(number for number in numbers if 0 < number <= documents))


def _count(text: str, figure: Figure, data: DocumentData) -> Evidence | None:
    """Evidence for a number of documents, files or tables that there are."""
    counted = _COUNTED.match(text, figure.end)
    there_are = {"file": len(data.files), "table": len(data.tables)}
    if counted is None or figure.value != there_are.get(counted["what"], len(data.documents)):
        return None
    return Evidence(figure, "document", f"there are {figure.text} {counted['what']}s")
