"""An answer's text blocks annotated with what bears its figures out: LangChain's citations, and marks of ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from langchain_core.messages import AIMessage
    from langchain_core.messages.content import Annotation, Citation

    from langchain_codeexec.grounding.answers import AnswerFigure, CitedDocument

__all__ = ["UNSUPPORTED", "annotated", "blocks_of", "text_of"]

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
