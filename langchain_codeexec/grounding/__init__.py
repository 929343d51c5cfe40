"""Answers that are computed from documents, and where each of their figures comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from langchain_codeexec.lazy import lazy_exports

if TYPE_CHECKING:
    from langchain_codeexec.grounding.agreement import bears_out
    from langchain_codeexec.grounding.answers import AnswerFigure, CalculatedAnswer, CitedDocument
    from langchain_codeexec.grounding.attribution import attributed
    from langchain_codeexec.grounding.calculation import DocumentCalculation
    from langchain_codeexec.grounding.documents import DocumentData, documents_as_data
    from langchain_codeexec.grounding.figures import Figure, figures_in, printed_figures
    from langchain_codeexec.grounding.prompt import NOT_SAID

__all__ = [
    "NOT_SAID",
    "AnswerFigure",
    "CalculatedAnswer",
    "CitedDocument",
    "DocumentCalculation",
    "DocumentData",
    "Figure",
    "attributed",
    "bears_out",
    "documents_as_data",
    "figures_in",
    "printed_figures",
]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "agreement": ["bears_out"],
        "answers": ["AnswerFigure", "CalculatedAnswer", "CitedDocument"],
        "attribution": ["attributed"],
        "calculation": ["DocumentCalculation"],
        "documents": ["DocumentData", "documents_as_data"],
        "figures": ["Figure", "figures_in", "printed_figures"],
        "prompt": ["NOT_SAID"],
    },
)
