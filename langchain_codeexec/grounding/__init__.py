"""Answers computed from documents, the sources of their figures, and verification by running code again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from langchain_codeexec._lazy import lazy_exports

if TYPE_CHECKING:
    from langchain_codeexec.grounding.answers import AnswerFigure, CalculatedAnswer, CitedDocument
    from langchain_codeexec.grounding.attribution import attributed
    from langchain_codeexec.grounding.calculation import DocumentCalculation
    from langchain_codeexec.grounding.documents import NOT_SAID, DocumentData, documents_as_data
    from langchain_codeexec.grounding.figures import Figure, bears_out, figures_in, printed_figures
    from langchain_codeexec.grounding.verification import averify_executions, verify_executions
    from langchain_codeexec.grounding.verification_records import RunVerification, Verdict, Verification

__all__ = [
    "NOT_SAID",
    "AnswerFigure",
    "CalculatedAnswer",
    "CitedDocument",
    "DocumentCalculation",
    "DocumentData",
    "Figure",
    "RunVerification",
    "Verdict",
    "Verification",
    "attributed",
    "averify_executions",
    "bears_out",
    "documents_as_data",
    "figures_in",
    "printed_figures",
    "verify_executions",
]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "answers": ["AnswerFigure", "CalculatedAnswer", "CitedDocument"],
        "attribution": ["attributed"],
        "calculation": ["DocumentCalculation"],
        "documents": ["NOT_SAID", "DocumentData", "documents_as_data"],
        "figures": ["Figure", "bears_out", "figures_in", "printed_figures"],
        "verification": ["averify_executions", "verify_executions"],
        "verification_records": ["RunVerification", "Verdict", "Verification"],
    },
)
