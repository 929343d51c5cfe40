"""Errors in words that the agent can act on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from langchain_codeexec.errors import (
    CodeExecError,
    ExecutionRequestError,
    GeminiConnectionError,
    GeminiTimeoutError,
    InvalidRequestError,
    RateLimitError,
    ServerError,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["advice"]

_LATER: Final = "This may pass: try once more, or go on without it."
_OTHERWISE: Final = "Try once more with the task stated otherwise, or go on without it."
_NEVER: Final = "Trying again will not help: go on without it and say so."

_ADVICE: Final[Mapping[type[CodeExecError], str]] = {
    RateLimitError: _LATER,
    ServerError: _LATER,
    GeminiConnectionError: _LATER,
    GeminiTimeoutError: "Try once more with a smaller task, or go on without it.",
    InvalidRequestError: _OTHERWISE,
    ExecutionRequestError: _OTHERWISE,
}


def advice(error: CodeExecError) -> str:
    """What happened, and what an agent can do about it."""
    what_to_do = next((words for kind, words in _ADVICE.items() if isinstance(error, kind)), _NEVER)
    return f"The code was not run: {error}\n{what_to_do}"
