"""Code execution in `langchain.agents.create_agent`, with any chat model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from langchain_codeexec._lazy import lazy_exports
from langchain_codeexec.errors import MissingDependencyError

if TYPE_CHECKING:
    from langchain_codeexec.middleware.code_execution import CodeExecutionMiddleware, CodeExecutionState
    from langchain_codeexec.middleware.documents import DocumentCalculationMiddleware
    from langchain_codeexec.middleware.outputs import OutputsMiddleware, OutputsState
    from langchain_codeexec.middleware.verification import VerificationMiddleware

try:
    import langchain.agents.middleware  # noqa: F401 -- an optional library
except ModuleNotFoundError as error:
    raise MissingDependencyError("langchain", "agents") from error

__all__ = [
    "CodeExecutionMiddleware",
    "CodeExecutionState",
    "DocumentCalculationMiddleware",
    "OutputsMiddleware",
    "OutputsState",
    "VerificationMiddleware",
]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "code_execution": ["CodeExecutionMiddleware", "CodeExecutionState"],
        "documents": ["DocumentCalculationMiddleware"],
        "outputs": ["OutputsMiddleware", "OutputsState"],
        "verification": ["VerificationMiddleware"],
    },
)
