"""Answers with the record of where each of their figures comes from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from langchain_codeexec.messages.code_blocks import code_executions

if TYPE_CHECKING:
    from langchain_core.messages import AIMessage

    from langchain_codeexec.executions import CodeExecution
    from langchain_codeexec.grounding.evidence import Origin

__all__ = ["GROUNDING_KEY", "AnswerFigure", "CalculatedAnswer", "CitedDocument"]

Json = dict[str, Any]

GROUNDING_KEY: Final = "grounding"
"""Key of `response_metadata` that holds an answer's record in plain JSON."""


@dataclass(frozen=True, slots=True)
class CitedDocument:
    """A document that an answer could cite.

    Attributes:
        number: Its number in the citations.
        title: Its title.
        source: Where it is from; empty where that is not known.
        url: Its address on the web; empty where it has none.
    """

    number: int
    title: str
    source: str = ""
    url: str = ""


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
        origin: `execution`, `document` or `question`; `None` if none of them bears it out.
        evidence: The line, row or sentence that bears it out.
        place: Where that stands: `run 1`, or a file's row and column.
        documents: Numbers of the documents that it is from or was computed from.
        page: The page of the document, where that is known.
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


@dataclass(frozen=True, slots=True)
class CalculatedAnswer:
    """An answer computed from documents.

    Attributes:
        message: The model's message: its text blocks carry the citations as annotations, and its
            `response_metadata["grounding"]` the rest of this record, so that it survives every checkpoint.
        question: What was asked.
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
    def from_message(cls, message: AIMessage) -> CalculatedAnswer | None:
        """Read the record out of a message; `None` if it holds none, or one that was changed beyond recognition.

        Args:
            message: A message as it came, or as a checkpoint or JSON gave it back.
        """
        record = message.response_metadata.get(GROUNDING_KEY)
        if not isinstance(record, Mapping):
            return None
        try:
            return cls(
                message=message,
                question=str(record["question"]),
                documents=tuple(CitedDocument(**document) for document in record["documents"]),
                figures=tuple(
                    AnswerFigure(**{**figure, "documents": tuple(figure["documents"])})
                    for figure in record["figures"]
                ),
                answered=bool(record["answered"]),
            )
        except (AttributeError, KeyError, TypeError):
            return None

    def recorded(self) -> CalculatedAnswer:
        """The same answer, its record in its message."""
        record = {
            "question": self.question,
            "answered": self.answered,
            "documents": [asdict(document) for document in self.documents],
            "figures": [{**asdict(figure), "documents": list(figure.documents)} for figure in self.figures],
        }
        metadata = {**self.message.response_metadata, GROUNDING_KEY: record}
        return replace(self, message=self.message.model_copy(update={"response_metadata": metadata}))

    @property
    def text(self) -> str:
        """Its prose."""
        return str(self.message.text)

    @property
    def executions(self) -> list[CodeExecution]:
        """The runs of code that its message tells of."""
        return code_executions(self.message)

    @property
    def unsupported(self) -> tuple[AnswerFigure, ...]:
        """The figures that neither a run, nor a document, nor the question bears out."""
        return tuple(figure for figure in self.figures if figure.origin is None)

    @property
    def cited(self) -> tuple[CitedDocument, ...]:
        """The documents that its figures rest on, in the order of their numbers."""
        numbers = {number for figure in self.figures for number in figure.documents}
        return tuple(document for document in self.documents if document.number in numbers)
