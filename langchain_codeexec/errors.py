"""Every exception this package raises on purpose.

```
CodeExecError
├── ConfigurationError (ValueError)      a setting is missing, wrong or contradicts another
│   ├── CredentialsError                 no usable credentials, or they cannot be refreshed
│   ├── MissingDependencyError (ImportError)  an optional library is not installed
│   ├── UnknownPriceError                the cost has a limit, and no price of a model is known
│   └── UnsupportedSettingError          a taken-over model has a setting that cannot be carried over
├── MessageError (ValueError)            a message or content block cannot be put on the wire
├── DataError (ValueError)               a file, frame or document cannot be sent as data
├── ToolDeclarationError (ValueError)    a tool or tool choice cannot be declared to Gemini
├── PlanningError (ValueError)           a planner's answer cannot be carried out
├── ExecutionLimitError                  executions, tokens or money came to a limit; what was done is kept
├── SinkError (OSError)                  a file that came out of a run could not be saved
├── AuditError (OSError)                 an audit record could not be written
├── BatchError                           a batch stopped before its end; what it wrote is kept
├── GeminiError                          a request to Gemini did not give a response
│   ├── GeminiAPIError                   the service answered with an error
│   │   ├── InvalidRequestError          400
│   │   │   └── ContextOverflowError     the conversation has more tokens than the model takes
│   │   ├── AuthenticationError          401
│   │   ├── PermissionDeniedError        403
│   │   ├── NotFoundError                404
│   │   ├── RateLimitError               429
│   │   ├── RequestCancelledError        499
│   │   └── ServerError                  5xx
│   ├── GeminiConnectionError            the service could not be reached, or the connection broke
│   │   └── TruncatedResponseError (ResponseFormatError)  the answer ended before it was complete
│   ├── GeminiTimeoutError               no answer within the time allowed
│   └── ResponseFormatError              the answer is not what the protocol promises
└── ExecutorError                        a sandbox is broken (a failing program is data, not an error)
    ├── CourseChangedError               a program that is run again does not do what it did before
    ├── ExecutionRequestError (ValueError)   a request cannot be run as it stands
    ├── SandboxBusyError                 too many runs are waiting already
    └── SandboxUnavailableError          there is no sandbox that runs programs, and nothing was run
```

Where langchain-core has the matching provider-independent exception (`ModelRateLimitError` and its
siblings), the class here inherits from it too, so that middlewares which know only LangChain's
exceptions treat it rightly.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import langchain_core.exceptions as _lc

__all__ = [
    "AuditError",
    "AuthenticationError",
    "BatchError",
    "CodeExecError",
    "ConfigurationError",
    "ContextOverflowError",
    "CourseChangedError",
    "CredentialsError",
    "DataError",
    "ExecutionLimitError",
    "ExecutionRequestError",
    "ExecutorError",
    "GeminiAPIError",
    "GeminiConnectionError",
    "GeminiError",
    "GeminiTimeoutError",
    "InvalidRequestError",
    "MessageError",
    "MissingDependencyError",
    "NotFoundError",
    "PermissionDeniedError",
    "PlanningError",
    "RateLimitError",
    "RequestCancelledError",
    "ResponseFormatError",
    "SandboxBusyError",
    "SandboxUnavailableError",
    "ServerError",
    "SinkError",
    "ToolDeclarationError",
    "TruncatedResponseError",
    "UnknownPriceError",
    "UnsupportedSettingError",
]


def _model_error(name: str) -> type[Exception]:
    """LangChain's provider-independent exception of that name, or a stand-in on older releases."""
    base = getattr(_lc, name, None)
    return base if isinstance(base, type) else type(name, (_lc.LangChainException,), {})


class CodeExecError(Exception):
    """Base of all exceptions of this package."""


class ConfigurationError(CodeExecError, ValueError):
    """A setting is missing, wrong or contradicts another one."""


class CredentialsError(ConfigurationError):
    """No usable credentials were found, or they could not be refreshed."""


class MissingDependencyError(ConfigurationError, ImportError):
    """An optional library is needed and not installed.

    Args:
        library: What could not be imported.
        extra: The extra of this package that installs it.
    """

    def __init__(self, library: str, extra: str) -> None:
        super().__init__(
            f"{library} is not installed. Install it with: pip install 'langchain-codeexec[{extra}]'"
        )
        self.library = library
        self.extra = extra


class UnknownPriceError(ConfigurationError):
    """The cost has a limit, and no price of a model is known.

    Args:
        models: Names of models without a price.
    """

    def __init__(self, models: Sequence[str]) -> None:
        super().__init__(
            f"the cost has a limit, and no price of {', '.join(models)} is known: give that of a million tokens "
            f"in ExecutionLimits(prices={{{models[0]!r}: {{'prompt': …, 'candidates': …}}}})"
        )
        self.models = tuple(models)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.models,)


class UnsupportedSettingError(ConfigurationError):
    """A model that is taken over has a setting that cannot be carried over.

    Args:
        setting: Name of the setting on the model that is taken over.
        reason: Why it cannot be carried over, and the remedy.
    """

    def __init__(self, setting: str, reason: str) -> None:
        super().__init__(f"cannot carry over {setting!r}: {reason}")
        self.setting = setting


class MessageError(CodeExecError, ValueError):
    """A message or one of its content blocks cannot be put on the wire."""


class DataError(CodeExecError, ValueError):
    """A file, frame or document cannot be sent as data: of no known type, unreadable, empty or too large."""


class ToolDeclarationError(CodeExecError, ValueError):
    """A tool or a tool choice cannot be declared to Gemini."""


class PlanningError(CodeExecError, ValueError):
    """A planner answered with something that cannot be carried out for its request."""


class ExecutionLimitError(CodeExecError):
    """Executions, tokens or money came to a limit.

    Attributes:
        limit: Which limit: `limit`, `most`, `used` and `per`, as in `ReachedLimit`.
        messages: The conversation with what was done until then.
    """

    def __init__(
        self, message: str, *, limit: Mapping[str, Any] | None = None, messages: Sequence[Any] = ()
    ) -> None:
        super().__init__(message)
        self.limit = dict(limit or {})
        self.messages = list(messages)

    @property
    def message(self) -> Any:
        """The last message: of an answer that was cut, what there is of it; `None` if there is none."""
        return self.messages[-1] if self.messages else None


class SinkError(CodeExecError, OSError):
    """A file that came out of a run could not be saved; the message it came in still holds it."""


class AuditError(CodeExecError, OSError):
    """The record of an execution could not be written; the run that it belongs to ends here."""


class BatchError(CodeExecError):
    """A batch stopped before its end; what it wrote is kept, and the same batch goes on from there.

    Attributes:
        remedy: What its reader can do about it.
    """

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message + (f"\nRemedy: {remedy}" if remedy else ""))
        self.remedy = remedy


class GeminiError(CodeExecError, _model_error("ModelError")):  # type: ignore[misc]  # base depends on the langchain-core release
    """A request to Gemini did not give a usable response.

    Attributes:
        remedy: What its reader can do about it; empty if there is nothing but to try again.
    """

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message + (f"\nRemedy: {remedy}" if remedy else ""))
        self.remedy = remedy


class GeminiAPIError(GeminiError):
    """The service answered with an error.

    Attributes:
        status_code: HTTP status, or the `code` of an error that arrived in mid-stream.
        status: Canonical name such as `INVALID_ARGUMENT`; empty if the answer named none.
        message: The service's own words.
        details: The `details` list of the error envelope, verbatim.
        url: Where the request went, without its query.
        retry_after: Seconds the service asked to wait, if it did.
        response: The httpx response, where there was one (`None` over other transports).
    """

    def __init__(  # noqa: PLR0913 -- one keyword for each fact of the error envelope
        self,
        message: str,
        *,
        status_code: int,
        status: str = "",
        details: list[Any] | None = None,
        url: str = "",
        retry_after: float | None = None,
        response: Any = None,
        remedy: str = "",
    ) -> None:
        label = f"{status_code} {status}".strip()
        where = f" ({url})" if url else ""
        super().__init__(f"{label}{where}: {message}", remedy=remedy)
        self.status_code = status_code
        self.status = status
        self.message = message
        self.details = details or []
        self.url = url
        self.retry_after = retry_after
        self.response = response

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.args, {**self.__dict__, "response": None})


def _rebuild(cls: type[GeminiAPIError], args: tuple[Any, ...], state: Mapping[str, Any]) -> GeminiAPIError:
    """Unpickle without calling `__init__`, whose keywords `args` does not hold."""
    error = cls.__new__(cls, *args)
    error.__dict__.update(state)
    return error


class InvalidRequestError(GeminiAPIError, _model_error("ModelInvalidRequestError")):  # type: ignore[misc]  # as above
    """400: the service refused the request as it stands."""


class ContextOverflowError(InvalidRequestError, _model_error("ContextOverflowError")):  # type: ignore[misc]  # as above
    """400: the conversation has more tokens than the model takes; shorten it, or summarize its beginning."""


class AuthenticationError(GeminiAPIError, _model_error("ModelAuthenticationError")):  # type: ignore[misc]  # as above
    """401: the credentials are missing, malformed or expired."""


class PermissionDeniedError(GeminiAPIError, _model_error("ModelPermissionDeniedError")):  # type: ignore[misc]  # as above
    """403: the credentials are valid and not enough."""


class NotFoundError(GeminiAPIError, _model_error("ModelNotFoundError")):  # type: ignore[misc]  # as above
    """404: no such model, project or location."""


class RateLimitError(GeminiAPIError, _model_error("ModelRateLimitError")):  # type: ignore[misc]  # as above
    """429: quota or rate limit exceeded, and retries did not help."""


class RequestCancelledError(GeminiAPIError):
    """499: the client side went away before the service answered."""


class ServerError(GeminiAPIError, _model_error("ModelAPIError")):  # type: ignore[misc]  # as above
    """5xx: the service failed, and retries did not help."""


class GeminiConnectionError(GeminiError, _model_error("ModelConnectionError")):  # type: ignore[misc]  # as above
    """The service could not be reached, or the connection broke while it answered."""


class GeminiTimeoutError(GeminiError, _model_error("ModelTimeoutError")):  # type: ignore[misc]  # as above
    """The service was silent for too long (`timeout`), or the call was not over in time (`deadline`)."""


class ResponseFormatError(GeminiError):
    """The answer is not what the protocol promises: not JSON, not an object, compressed wrongly.

    Attributes:
        body: The beginning of what was received, for a bug report.
    """

    def __init__(self, message: str, *, body: str = "") -> None:
        GeminiError.__init__(self, message)
        self.body = body


class TruncatedResponseError(GeminiConnectionError, ResponseFormatError):
    """The answer ended before it was complete; what a stream gave until then has been shown."""

    def __init__(self, message: str, *, body: str = "") -> None:
        ResponseFormatError.__init__(self, message, body=body)


class ExecutorError(CodeExecError):
    """A sandbox could not run the code at all. A program that fails is an `Outcome`, not this."""


class CourseChangedError(ExecutorError):
    """A program that was interrupted, and is run again, does not make the calls that it made before."""


class ExecutionRequestError(ExecutorError, ValueError):
    """An `ExecutionRequest` cannot be run as it stands: a hostile file name, a time-out below zero."""


class SandboxBusyError(ExecutorError):
    """So many runs are waiting already that one more would only wait in vain."""


class SandboxUnavailableError(ExecutorError):
    """This system cannot isolate programs, or a managed sandbox cannot run them; nothing was run.

    Attributes:
        reasons: By mode of this system's sandbox, what is missing.
    """

    def __init__(self, message: str, reasons: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.reasons = dict(reasons or {})
