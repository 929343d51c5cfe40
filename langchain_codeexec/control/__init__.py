"""In control of what runs: limits, policies, audit, cost and tracing of executions, wherever they run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from langchain_codeexec._lazy import lazy_exports

if TYPE_CHECKING:
    from langchain_codeexec.control.audit import AuditFile, AuditLog
    from langchain_codeexec.control.limits import ExecutionLimits
    from langchain_codeexec.control.otel import OpenTelemetryHandler
    from langchain_codeexec.control.policy import ExecutionPolicy, Finding, PolicyDecision
    from langchain_codeexec.control.prices import published_prices
    from langchain_codeexec.control.program import ParsedProgram, Use
    from langchain_codeexec.control.redaction import SECRETS, Redactor, personal_data
    from langchain_codeexec.control.usage import ExecutionUsage

__all__ = [
    "SECRETS",
    "AuditFile",
    "AuditLog",
    "ExecutionLimits",
    "ExecutionPolicy",
    "ExecutionUsage",
    "Finding",
    "OpenTelemetryHandler",
    "ParsedProgram",
    "PolicyDecision",
    "Redactor",
    "Use",
    "personal_data",
    "published_prices",
]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "audit": ["AuditFile", "AuditLog"],
        "limits": ["ExecutionLimits"],
        "otel": ["OpenTelemetryHandler"],
        "policy": ["ExecutionPolicy", "Finding", "PolicyDecision"],
        "prices": ["published_prices"],
        "program": ["ParsedProgram", "Use"],
        "redaction": ["SECRETS", "Redactor", "personal_data"],
        "usage": ["ExecutionUsage"],
    },
)
