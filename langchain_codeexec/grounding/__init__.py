"""Answers computed from documents, the sources of their figures, and verification by running code again."""

from __future__ import annotations

from langchain_codeexec.grounding.answers import AnswerFigure, CalculatedAnswer
from langchain_codeexec.grounding.calculation import DocumentCalculation
from langchain_codeexec.grounding.documents import CitedDocument, DocumentData, documents_as_data
from langchain_codeexec.grounding.verdicts import RunVerification, Verdict, Verification
from langchain_codeexec.grounding.verification import averify_executions, verify_executions

__all__ = [
    "AnswerFigure",
    "CalculatedAnswer",
    "CitedDocument",
    "DocumentCalculation",
    "DocumentData",
    "RunVerification",
    "Verdict",
    "Verification",
    "averify_executions",
    "documents_as_data",
    "verify_executions",
]
