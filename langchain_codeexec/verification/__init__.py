"""Verification: an answer's code run again elsewhere, its outputs compared, its numbers looked for in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from langchain_codeexec.lazy import lazy_exports

if TYPE_CHECKING:
    from langchain_codeexec.verification.records import RunVerification, Verdict, Verification
    from langchain_codeexec.verification.verifying import averify_executions, verify_executions

__all__ = ["RunVerification", "Verdict", "Verification", "averify_executions", "verify_executions"]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "records": ["RunVerification", "Verdict", "Verification"],
        "verifying": ["averify_executions", "verify_executions"],
    },
)
