"""The service's errors: what they say, and the envelope they travel in.

The envelope and the canonical status names are the public API's. Seen in answers of the services, as users
quote them, are the refusals of combined tools, of a function calling configuration without functions and of
unknown names, and what is said with a bare status. The others follow the services' manner as closely as is known
and may differ in a word; match them loosely. Ours alone are those for unknown routes, JSON that cannot be read or
is nested too deep, and code in the history without the tool.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from langchain_codeexec.errors import (
    CodeExecError,
    ConfigurationError,
    ExecutionRequestError,
    ExecutorError,
    SandboxUnavailableError,
)

__all__ = [
    "RPC",
    "VERTEX_WORDS",
    "EmulatedError",
    "error_from_exception",
    "invalid",
    "not_prepared",
    "retry_info",
    "stamp",
    "unable",
]

logger = logging.getLogger(__name__)

_DOCUMENTATION = "https://cloud.google.com/vertex-ai/generative-ai/docs/"
RPC = "type.googleapis.com/google.rpc"
_STATUS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ABORTED",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
_RPC_CODES = (
    "OK CANCELLED UNKNOWN INVALID_ARGUMENT DEADLINE_EXCEEDED NOT_FOUND ALREADY_EXISTS PERMISSION_DENIED "
    "RESOURCE_EXHAUSTED FAILED_PRECONDITION ABORTED OUT_OF_RANGE UNIMPLEMENTED INTERNAL UNAVAILABLE DATA_LOSS "
    "UNAUTHENTICATED"
).split()
"""In the order of their numbers."""
_WORDS = {
    400: "Request contains an invalid argument.",
    403: "The caller does not have permission",
    404: "Requested entity was not found.",
    429: "Resource has been exhausted (e.g. check quota).",
    499: "The operation was cancelled.",
    500: "Internal error encountered.",
    503: "This model is currently experiencing high demand. Spikes in demand are usually temporary. "
    "Please try again later.",
    504: "Deadline expired before operation could complete.",
}
VERTEX_WORDS = {
    429: "Resource exhausted. Please try again later. Please refer to "
    "https://cloud.google.com/vertex-ai/generative-ai/docs/error-code-429 for more details.",
    503: "The service is currently unavailable.",
}
"""What Vertex says with a status where it says something else."""


class EmulatedError(CodeExecError):
    """An error the emulator answers with, as the service would.

    Args:
        status_code: HTTP status.
        status: Canonical name; empty takes the one that belongs to `status_code`.
        message: The service's words; empty takes those of the Developer API that belong to `status_code`.
        details: The `details` list of the envelope.
        headers: Additional response headers, `Retry-After` for example.
    """

    def __init__(
        self,
        status_code: int,
        status: str = "",
        message: str = "",
        *,
        details: Sequence[Mapping[str, Any]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{status_code} {message}")
        self.status_code = status_code
        self.status = status or _STATUS.get(status_code, "UNKNOWN")
        self.message = message or _WORDS.get(status_code) or HTTPStatus(status_code).phrase
        self.details = [dict(detail) for detail in details]
        self.headers = dict(headers or {})

    @property
    def envelope(self) -> dict[str, Any]:
        """The body of the answer."""
        error: dict[str, Any] = {"code": self.status_code, "message": self.message, "status": self.status}
        if self.details:
            error["details"] = self.details
        return {"error": error}

    @property
    def as_status(self) -> dict[str, Any]:
        """It as a `google.rpc.Status`, as operations and rows of batch jobs hold it; without the details.

        In rows, google-genai reads no details but texts.
        """
        code = _RPC_CODES.index(self.status if self.status in _RPC_CODES else "UNKNOWN")
        return {"code": code, "message": self.message}


def invalid(message: str, *, details: Sequence[Mapping[str, Any]] = ()) -> EmulatedError:
    """A 400 INVALID_ARGUMENT."""
    return EmulatedError(400, message=message, details=details)


def unable(reason: str, page: str = "model-reference/gemini") -> EmulatedError:
    """A 400 INVALID_ARGUMENT in the frame that Vertex AI gives its reasons.

    Args:
        reason: What stands in the way, as a sentence without its beginning.
        page: The part of the documentation to learn more from.
    """
    return invalid(f"Unable to submit request because {reason} Learn more: {_DOCUMENTATION}{page}")


def stamp(moment: datetime) -> str:
    """A moment as the services write it."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def retry_info(seconds: float) -> dict[str, Any]:
    """The detail that says when to come back."""
    return {"@type": f"{RPC}.RetryInfo", "retryDelay": f"{seconds:g}s"}


def not_prepared(message: str) -> EmulatedError:
    """A 400 FAILED_PRECONDITION: the emulator itself is not set up for this request.

    Google's clients and this package's do not try a 400 again, so a test that has forgotten something learns it at
    once.
    """
    return EmulatedError(400, "FAILED_PRECONDITION", message)


def error_from_exception(error: Exception) -> EmulatedError:
    """The answer where answering failed: a 400 for what is not set up, a 500 for what broke.

    Brains may raise `EmulatedError`.
    """
    if isinstance(error, EmulatedError):
        return error
    if isinstance(error, SandboxUnavailableError):
        return not_prepared(f"The emulator does not run this code: {error}")
    if isinstance(error, ConfigurationError):
        return not_prepared(f"The emulator is not set up for this request: {error}")
    if isinstance(error, ExecutionRequestError):
        return invalid(f"The program cannot be run: {error}")
    if isinstance(error, ExecutorError):
        cause = f"The sandbox is broken: {error}"
    else:
        logger.error("the brain failed", exc_info=error)
        cause = f"The brain failed with {type(error).__name__}: {error}"
    detail = {"@type": f"{RPC}.DebugInfo", "detail": cause}
    return EmulatedError(500, message=f"Internal error encountered. {cause}", details=[detail])
