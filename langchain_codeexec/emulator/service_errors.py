"""The service's errors: what they say, and the envelope they travel in.

Most wordings are the real services', as users quote them in public bug reports. Ours are those for unknown
routes, JSON that cannot be read or is nested too deep, and code in the history without the tool.
"""

from __future__ import annotations

import logging
from http import HTTPStatus
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from langchain_codeexec.errors import CodeExecError, ExecutorError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from langchain_codeexec.emulator.targets import Target

__all__ = ["EmulatedError", "error_from_exception", "invalid", "model_not_found", "route_not_found"]

logger = logging.getLogger(__name__)

_STATUS = MappingProxyType(
    {
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
)


class EmulatedError(CodeExecError):
    """An error the emulator answers with, as the service would.

    Args:
        status_code: HTTP status.
        status: Canonical name; empty takes the one that belongs to `status_code`.
        message: The service's words.
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
        self.message = message or HTTPStatus(status_code).phrase
        self.details = [dict(detail) for detail in details]
        self.headers = dict(headers or {})

    @property
    def envelope(self) -> dict[str, Any]:
        """The body of the answer."""
        error: dict[str, Any] = {"code": self.status_code, "message": self.message, "status": self.status}
        if self.details:
            error["details"] = self.details
        return {"error": error}


def invalid(message: str, *, details: Sequence[Mapping[str, Any]] = ()) -> EmulatedError:
    """A 400 INVALID_ARGUMENT."""
    return EmulatedError(400, message=message, details=details)


def route_not_found(path: str) -> EmulatedError:
    """The answer for a path or a method the service does not have (the wording is ours)."""
    return EmulatedError(404, message=f"Method not found: {path}")


def model_not_found(target: Target) -> EmulatedError:
    """The answer for a model the service does not know, worded as each service does."""
    if target.endpoint == "vertex":
        message = (
            f"Publisher Model `{target.resource}` was not found or your project does not have access to it. "
            "Please ensure you are using a valid model version. For more information, see: "
            "https://cloud.google.com/vertex-ai/generative-ai/docs/learn/model-versions"
        )
    else:
        message = (
            f"{target.resource} is not found for API version {target.version}, or is not supported for "
            f"{target.action}. Call ListModels to see the list of available models and their supported "
            "methods."
        )
    return EmulatedError(404, message=message)


def error_from_exception(error: Exception) -> EmulatedError:
    """What a client is told when answering failed: brains may raise `EmulatedError`, all else is a 500."""
    if isinstance(error, EmulatedError):
        return error
    if isinstance(error, ExecutorError):
        cause = f"The sandbox is broken: {error}"
    else:
        logger.error("the brain failed", exc_info=error)
        cause = f"The brain failed with {type(error).__name__}: {error}"
    detail = {"@type": "type.googleapis.com/google.rpc.DebugInfo", "detail": cause}
    return EmulatedError(500, message=f"Internal error encountered. {cause}", details=[detail])
