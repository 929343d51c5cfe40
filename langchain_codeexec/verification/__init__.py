"""Verification: an answer's code run again elsewhere, its outputs compared, its numbers looked for in them."""

from langchain_codeexec.verification.records import RunVerification, Verdict, Verification
from langchain_codeexec.verification.verifying import averify_executions, verify_executions

__all__ = ["RunVerification", "Verdict", "Verification", "averify_executions", "verify_executions"]
