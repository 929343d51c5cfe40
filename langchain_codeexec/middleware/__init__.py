"""Code execution in `langchain.agents.create_agent`, with any chat model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from langchain_codeexec.errors import MissingDependencyError
from langchain_codeexec.lazy import lazy_exports

if TYPE_CHECKING:
    from langchain_codeexec.middleware.agent import CodeExecutionMiddleware
    from langchain_codeexec.middleware.documents import DocumentCalculationMiddleware
    from langchain_codeexec.middleware.outputs import OutputsMiddleware, OutputsState
    from langchain_codeexec.middleware.state import CodeExecutionState
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
        "agent": ["CodeExecutionMiddleware"],
        "documents": ["DocumentCalculationMiddleware"],
        "outputs": ["OutputsMiddleware", "OutputsState"],
        "state": ["CodeExecutionState"],
        "verification": ["VerificationMiddleware"],
    },
)
