"""Answers that say where each of their figures comes from, as a record and as annotations of their text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Final, Literal, TypeAlias

from langchain_core.messages import AIMessage
from langchain_core.messages.content import Annotation, Citation
from pydantic import TypeAdapter, ValidationError

from langchain_codeexec._lazy import ShownInNotebooks
from langchain_codeexec.executions import CodeExecution
from langchain_codeexec.grounding.documents import CitedDocument, is_not_in_documents
from langchain_codeexec.messages.code_blocks import code_executions

__all__ = ["AnswerFigure", "CalculatedAnswer", "Origin", "blocks_of", "text_of"]

Origin: TypeAlias = Literal["execution", "document", "question"]
"""Where a figure comes from: code that ran well printed it, a document states it, or the user did."""

_KEY: Final = "grounding"
"""Key of `response_metadata` that holds an answer's record in plain JSON."""
_UNSUPPORTED, _UNJUDGED = "unsupported_figure", "unjudged_figure"
_ID_PREFIX: Final = "figure-"


@dataclass(frozen=True, slots=True)
class AnswerFigure:
    """A figure of an answer, and where it comes from.

    Attributes:
        text: The figure as the answer has it.
        value: Its value.
        unit: Its unit, in one spelling; empty where none is known.
        block: Index of the content block that holds it.
        start: Where it begins in that block's text.
        end: Where it ends.
        origin: `execution`, `document` or `question`; `None` if none of them supports it.
        evidence: The line, row or sentence that supports it.
        place: Where that stands: `run 1`, or a file's row and column.
        documents: Numbers of the documents that it is from or was computed from.
        page: The page of the document, where that is known.
        is_judged: Whether it can be told if anything supports it; a writing that has several meanings, one of them
            supported, leaves that open.
    """

    text: str
    value: float
    unit: str
    block: int
    start: int
    end: int
    origin: Origin | None = None
    evidence: str = ""
    place: str = ""
    documents: tuple[int, ...] = ()
    page: str = ""
    is_judged: bool = True


@dataclass(frozen=True, slots=True)
class CalculatedAnswer(ShownInNotebooks):
    """An answer computed from documents.

    Attributes:
        message: The model's message: its text blocks carry the citations as annotations, and its
            `response_metadata["grounding"]` the rest of this record, so that it survives every checkpoint.
        question: The question.
        documents: The documents, as they are numbered.
        figures: The figures of its text, in order.
        answered: Whether it answers; an answer that the documents do not say is none.
    """

    message: AIMessage
    question: str
    documents: tuple[CitedDocument, ...]
    figures: tuple[AnswerFigure, ...]
    answered: bool

    def __str__(self) -> str:
        """The text of the answer."""
        return self.text

    @classmethod
    def of(
        cls,
        message: AIMessage,
        question: str,
        documents: tuple[CitedDocument, ...],
        figures: tuple[AnswerFigure, ...],
    ) -> CalculatedAnswer:
        """An answer from the model's message, which is copied and annotated."""
        answered = not is_not_in_documents(str(message.text))
        if not answered:
            figures = tuple(replace(figure, documents=()) for figure in figures)
        answer = cls(message, question, documents, figures, answered)
        record = _records().dump_python(answer, mode="json", exclude={"message"})
        metadata = {**message.response_metadata, _KEY: record}
        # Text becomes a list of blocks, which its provider's package sends as such only where they are v1's.
        if isinstance(message.content, str):
            metadata["output_version"] = "v1"
        content = [
            _annotated(block, [figure for figure in figures if figure.block == index], documents)
            for index, block in enumerate(blocks_of(message))
        ]
        annotated = message.model_copy(update={"content": content, "response_metadata": metadata})
        return replace(answer, message=annotated)

    @classmethod
    def from_message(cls, message: AIMessage) -> CalculatedAnswer | None:
        """Read the record out of a message; `None` if it holds none, or one that was changed beyond recognition.

        Args:
            message: A message as it came, or as a checkpoint or JSON gave it back.
        """
        record: Any = message.response_metadata.get(_KEY)
        try:
            return _records().validate_python({**record, "message": message})
        except (TypeError, ValidationError):
            return None

    @property
    def text(self) -> str:
        """Its prose."""
        return str(self.message.text)

    @property
    def executions(self) -> list[CodeExecution]:
        """The runs of code that its message holds."""
        return code_executions(self.message)

    @property
    def unsupported(self) -> tuple[AnswerFigure, ...]:
        """The figures that neither a run, nor a document, nor the question supports."""
        return tuple(figure for figure in self.figures if figure.origin is None and figure.is_judged)

    @property
    def unjudged(self) -> tuple[AnswerFigure, ...]:
        """The figures that are written so that they are supported in one meaning and not in another."""
        return tuple(figure for figure in self.figures if not figure.is_judged)

    @property
    def cited(self) -> tuple[CitedDocument, ...]:
        """The documents that its figures rest on, by their numbers; none where it is no answer."""
        numbers = {number for figure in self.figures for number in figure.documents}
        return tuple(document for document in self.documents if document.number in numbers)


@cache
def _records() -> TypeAdapter[CalculatedAnswer]:
    return TypeAdapter(CalculatedAnswer)


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


def _annotated(block: Any, figures: Sequence[AnswerFigure], documents: Sequence[CitedDocument]) -> Any:
    """A block with the annotations of its figures behind those that it has; earlier ones of ours are replaced."""
    added = [annotation for figure in figures for annotation in _annotations(figure, documents)]
    if isinstance(block, str):
        return {"type": "text", "text": block, "annotations": added} if added else block
    given = block.get("annotations")
    kept = [
        annotation
        for annotation in (given if isinstance(given, list) else ())
        if not (isinstance(annotation, Mapping) and str(annotation.get("id", "")).startswith(_ID_PREFIX))
    ]
    bare = {key: value for key, value in block.items() if key != "annotations"}
    return {**bare, "annotations": [*kept, *added]} if kept or added else bare


def _annotations(figure: AnswerFigure, documents: Sequence[CitedDocument]) -> Iterator[Annotation]:
    annotation_id = f"{_ID_PREFIX}{figure.start}-{figure.end}"
    if figure.origin is None:
        span = {"start_index": figure.start, "end_index": figure.end}
        value = {"type": _UNSUPPORTED if figure.is_judged else _UNJUDGED, "figure": figure.text, **span}
        yield {"type": "non_standard_annotation", "id": annotation_id, "value": value}
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
            "id": f"{annotation_id}-{number}",
            "title": document.title,
            "start_index": figure.start,
            "end_index": figure.end,
            "cited_text": figure.evidence,
            "extras": {key: value for key, value in extras.items() if value},
        }
        yield {**citation, "url": document.url} if document.url else citation
