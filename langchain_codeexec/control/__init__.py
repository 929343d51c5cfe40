"""In control of what runs: limits, policies, audit, cost and tracing of executions, wherever they run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from langchain_codeexec._lazy import lazy_exports

if TYPE_CHECKING:
    from langchain_codeexec.control.audit import AuditFile, AuditLog
    from langchain_codeexec.control.otel import OpenTelemetryHandler
    from langchain_codeexec.control.redaction import SECRETS, Redactor, personal_data

__all__ = [
    "SECRETS",
    "AuditFile",
    "AuditLog",
    "OpenTelemetryHandler",
    "Redactor",
    "personal_data",
]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "audit": ["AuditFile", "AuditLog"],
        "otel": ["OpenTelemetryHandler"],
        "redaction": ["SECRETS", "Redactor", "personal_data"],
    },
)
