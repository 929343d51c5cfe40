"""The service's error envelope as an exception of this package, with what its reader can do about it."""

from __future__ import annotations

import errno
import json
import re
import time
from collections.abc import Iterator, Mapping
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from math import isfinite
from typing import Any, Final, TypeVar

from langchain_codeexec import errors

__all__ = [
    "LONGEST_EXCERPT",
    "LONGEST_WAIT",
    "MAX_ERROR_BODY",
    "api_error",
    "connection_error",
    "error_in",
    "excerpt",
    "is_daily_quota",
    "without_secrets",
]

_CLASSES: Final[dict[int, type[errors.GeminiAPIError]]] = {
    400: errors.InvalidRequestError,
    401: errors.AuthenticationError,
    403: errors.PermissionDeniedError,
    404: errors.NotFoundError,
    429: errors.RateLimitError,
    499: errors.RequestCancelledError,
}
_STATUS_CODES: Final = {
    "INVALID_ARGUMENT": 400,
    "FAILED_PRECONDITION": 400,
    "OUT_OF_RANGE": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "ABORTED": 409,
    "ALREADY_EXISTS": 409,
    "RESOURCE_EXHAUSTED": 429,
    "CANCELLED": 499,
    "UNKNOWN": 500,
    "INTERNAL": 500,
    "DATA_LOSS": 500,
    "UNIMPLEMENTED": 501,
    "UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
    "INVALID_REQUEST": 400,
    "CONFLICT": 409,
    "TOO_MANY_REQUESTS": 429,
    "INTERNAL_ERROR": 500,
    "SERVICE_UNAVAILABLE": 503,
    "GATEWAY_TIMEOUT": 504,
}
"""google.rpc.Code by name; source: the comments of google/rpc/code.proto. Below, what interactions say instead."""
_RPC_CODES: Final = (
    *("", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS"),
    *("PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE"),
    *("UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED"),
)
"""The same by number: operations and jobs have no other code."""

_NEW_KEY: Final = (
    "check api_key=… or GOOGLE_API_KEY (it beats GEMINI_API_KEY); a new key comes from "
    "https://aistudio.google.com/apikey"
)
_ENABLE_API: Final = "enable the API for the project, then wait a few minutes"
_BY_REASON: Final = {
    "API_KEY_INVALID": _NEW_KEY,
    "API_KEY_EXPIRED": _NEW_KEY,
    "API_KEY_SERVICE_BLOCKED": "allow the API in the key's restrictions, or use another key",
    "ACCESS_TOKEN_SCOPE_INSUFFICIENT": "use credentials with the scope https://www.googleapis.com/auth/cloud-platform",
    "ACCESS_TOKEN_EXPIRED": "sign in again: gcloud auth application-default login",
    "BILLING_DISABLED": "enable billing for the project",
    "CONSUMER_INVALID": "check the project's id: it does not exist or was deleted",
    "IAM_PERMISSION_DENIED": "grant the account the role roles/aiplatform.user in the project",
    "RATE_LIMIT_EXCEEDED": "send less often, raise max_retries, or request more quota for the project",
    "SERVICE_DISABLED": _ENABLE_API,
    "USER_PROJECT_DENIED": "grant the account roles/serviceusage.serviceUsageConsumer in the quota project",
}
"""Remedies by `reason` of google.rpc.ErrorInfo; source of the names: google/api/error_reason.proto."""

_BY_TEXT: Final = {
    "api key not valid": _NEW_KEY,
    "api key expired": _NEW_KEY,
    "api_key_invalid": _NEW_KEY,
    "location is not supported": "the service is not offered where the request came from; use Vertex AI",
    "api has not been used": _ENABLE_API,
}
"""Remedies by words of the message, for answers without ErrorInfo."""

_BY_STATUS: Final = {
    "FAILED_PRECONDITION": "the request itself is in order; the message names what has to be set up first"
}
_BY_CODE: Final = {
    400: "the request itself was refused; the message names the field",
    401: "sign in (gcloud auth application-default login), or check the API key and which service it is for",
    403: "grant the account roles/aiplatform.user, or check that the API is enabled and the key is for it",
    404: "check the model's name, and whether it is offered in this location (try location='global')",
    407: "name the proxy with its user and password: HTTPS_PROXY=http://user:password@host:port",
    408: "try again, or allow more time with timeout=…",
    413: "send less at once: upload large files and refer to them by URI",
    429: "quota or rate limit: wait, send less often, raise max_retries, or request more quota",
    499: "the request was cancelled on the way: look for a proxy or a timeout shorter than the answer takes",
    501: "the service does not do this; the message says why",
    503: "the service is overloaded: try again later, or with another model or location",
    504: "the service did not finish in time: shorten the input, or allow more time with timeout=…",
}
_BY_HUNDREDS: Final = {
    3: "redirects are not followed, they could carry credentials elsewhere: set base_url to the last one",
    5: "a fault of the service: try again, or with a shorter input",
}

_SEND_LESS: Final = (
    "send less: trim the conversation, split the input, or let tables be thinned out with "
    "limits=DataLimits(down_sample=True)"
)
_TOO_MANY_TOKENS: Final = re.compile(
    r"(input|prompt) token count.*(exceeds|only supports)|exceeds the maximum number of (input )?tokens"
    r"|context (length|window).*exceed|exceed.*context (length|window)|prompt is too long",
    re.IGNORECASE | re.DOTALL,
)
_USED_UP: Final = "the quota of the day is used up: request more for the project, or use another model or key"
_BY_FAILURE: Final = {
    "SSLCertVerificationError": "its certificate is not trusted: name its CA, or that of your proxy, in "
    "SSL_CERT_FILE or client_args={'verify': 'ca.pem'}, sign in to the network if it asks for that (captive "
    "portal), or check base_url",
    "SSLError": "it does not speak TLS: check base_url (http:// for a local server) and HTTPS_PROXY",
    "gaierror": "there is no such host here: check base_url, location, the network and HTTPS_PROXY",
    "ConnectionRefusedError": "nothing listens there: check base_url and its port, and HTTPS_PROXY",
    "ProxyError": "the proxy of HTTPS_PROXY does not let it through",
    "ConnectTimeout": "it cannot be reached from here: check base_url, the network and HTTPS_PROXY",
    "UnsupportedProtocol": "check base_url",
}
"""Remedies by an exception among the causes of a connection that could not be made."""
_BY_ERRNO: Final = {
    errno.EMFILE: "this process may open no more files: lower max_connections, or raise `ulimit -n`",
    errno.ENETUNREACH: "there is no network: check its connection, and HTTPS_PROXY",
    errno.EHOSTUNREACH: "there is no way to that host: check base_url, the network and HTTPS_PROXY",
}

_NOT_NOW: Final = "its certificate is not valid at this time: have it renewed, or set this machine's clock"
_NOT_ITS_NAME: Final = "its certificate is for another host: check base_url, and HTTPS_PROXY"
_CERTIFICATE_WANTED: Final = (
    "it wants a certificate of its clients: load one into an ssl context, client_args={'verify': context}"
)
_BY_VERIFY_CODE: Final = {9: _NOT_NOW, 10: _NOT_NOW, 62: _NOT_ITS_NAME, 64: _NOT_ITS_NAME}
"""Source of the codes: OpenSSL's x509_vfy.h."""

LONGEST_WAIT: Final = 60.0
"""Seconds a service may ask to wait before the next attempt."""
LONGEST_EXCERPT: Final = 500
MAX_ERROR_BODY: Final = 1_000_000
"""How much of an error's body is read: no envelope is longer."""
# Neither looks at a character twice, whatever a body repeats and leaves open.
_TITLE: Final = re.compile(r"<title[^<>]*>([^<]*)", re.IGNORECASE)
_MARKUP: Final = re.compile(r"<(script|style)\b.*?(?:</\1>|\Z)|<[^<>]*>", re.IGNORECASE | re.DOTALL)


def error_in(payload: Any) -> dict[str, Any] | None:
    """The error of an envelope `{"error": …}` or `[{"error": …}]`; `None` for anything else.

    An error that is a mere text (some gateways) is given as its message.
    """
    if isinstance(payload, list):
        return next((error for item in payload if (error := error_in(item)) is not None), None)
    if not isinstance(payload, dict) or "candidates" in payload:
        return None
    match payload.get("error"):
        case dict() as error if error:
            return error
        case str() as text if text:
            return {"message": payload.get("error_description") or text}
        case _:
            return None


def api_error(
    payload: Any,
    *,
    status_code: int = 0,
    url: str = "",
    headers: Mapping[str, str] | None = None,
    response: Any = None,
) -> errors.GeminiAPIError:
    """Make the exception for an answer that is an error.

    Args:
        payload: The answer: an error envelope, or the body as text or bytes whatever it holds.
        status_code: HTTP status; 0 for an error in mid-stream, whose envelope has the code.
        url: Where the request went; its query is dropped.
        headers: Headers of the answer, for `Retry-After`.
        response: The httpx response.
    """
    if isinstance(payload, bytes | bytearray):
        payload = payload[:MAX_ERROR_BODY].decode("utf-8", "replace")
    text = payload[:MAX_ERROR_BODY] if isinstance(payload, str) else ""
    error = error_in(_json(text) if text else payload) or {}
    status = _text(error.get("status")) or _status_in(error.get("code"))
    code = status_code or _code(error.get("code"), status)
    details = error["details"] if isinstance(error.get("details"), list) else []
    message = _text(error.get("message")) or _readable(text) or _phrase(code)
    delay = _retry_after(headers or {}, details)
    remedy = _remedy(code, status, message, details)
    kind = _class_for(code, remedy)
    if is_daily_quota(details):
        remedy = _USED_UP
    elif delay is not None and delay > LONGEST_WAIT:
        remedy = f"the service asks to wait for {delay:.0f} s: call again then, or {remedy}"
    elif location := (headers or {}).get("location", "").partition("?")[0]:
        remedy = f"{remedy}; it redirects to {location}"
    return kind(
        message,
        status_code=code,
        status=status,
        details=details,
        url=url.partition("?")[0],
        retry_after=delay,
        response=response,
        remedy=remedy,
    )


def is_daily_quota(details: list[Any]) -> bool:
    """Whether google.rpc.QuotaFailure names a quota that is renewed only once a day."""
    violations = [
        violation
        for detail in details
        if isinstance(detail, dict) and isinstance(detail.get("violations"), list)
        for violation in detail["violations"]
    ]
    return "perday" in str(violations).lower().replace("_", "")


def connection_error(
    error: Exception, message: str
) -> errors.GeminiConnectionError | errors.GeminiTimeoutError:
    """The error for a connection that could not be made or broke; one that does not heal has a remedy."""
    causes = list(_causes(error))
    names = {cls.__name__ for cause in causes for cls in type(cause).__mro__}
    by_errno = (_BY_ERRNO.get(cause.errno or 0) for cause in causes if isinstance(cause, OSError))
    by_code = (_BY_VERIFY_CODE.get(getattr(cause, "verify_code", 0)) for cause in causes)
    reasons = (str(getattr(cause, "reason", "")) for cause in causes)
    by_alert = (_CERTIFICATE_WANTED for reason in reasons if {"ALERT", "CERTIFICATE"} <= {*reason.split("_")})
    by_name = (remedy for name, remedy in _BY_FAILURE.items() if name in names)
    remedy = next((remedy for remedy in (*by_errno, *by_code, *by_alert, *by_name) if remedy), "")
    error_class = errors.GeminiTimeoutError if "ConnectTimeout" in names else errors.GeminiConnectionError
    return error_class(f"{message}: {type(error).__name__} {error}".rstrip(), remedy=remedy)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """An exception, what led to it, and what groups among them hold."""
    while error is not None:
        yield error
        for inner in getattr(error, "exceptions", ()):
            yield from _causes(inner)
        error = error.__cause__ or error.__context__


def _class_for(code: int, remedy: str) -> type[errors.GeminiAPIError]:
    # The Developer API answers a wrong key with 400, which is no fault of the request itself.
    if remedy == _NEW_KEY:
        return errors.AuthenticationError
    if remedy == _SEND_LESS:
        return errors.ContextOverflowError
    if code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return errors.ServerError
    return _CLASSES.get(code, errors.GeminiAPIError)


def _remedy(code: int, status: str, message: str, details: list[Any]) -> str:
    """Advice by what says most: the reason, words of the message, the status, the code."""
    if code == HTTPStatus.BAD_REQUEST and _TOO_MANY_TOKENS.search(message):
        return _SEND_LESS
    infos = [info for info in details if isinstance(info, dict)]
    reason = next((info["reason"] for info in infos if isinstance(info.get("reason"), str)), "")
    words = message.lower()
    remedy = _BY_REASON.get(reason) or next(
        (advice for text, advice in _BY_TEXT.items() if text in words), ""
    )
    if reason == "SERVICE_DISABLED":
        urls = (
            info["metadata"].get("activationUrl") for info in infos if isinstance(info.get("metadata"), dict)
        )
        return ": ".join([remedy, *(url for url in urls if isinstance(url, str))][:2])
    return remedy or _BY_STATUS.get(status) or _BY_CODE.get(code) or _BY_HUNDREDS.get(min(code // 100, 5), "")


E = TypeVar("E", bound=BaseException)


def without_secrets(error: E) -> E:
    """An exception without the credentials that error reporters would show of it and of those that led to it.

    Locals of the frames beneath hold them in the clear, and httpx's exceptions hold the request with its headers.
    """
    link: BaseException | None = error
    cleared: set[int] = set()
    while link is not None and id(link) not in cleared:
        cleared.add(id(link))
        link.__traceback__ = None
        if getattr(link, "_request", None) is not None:
            link._request = None  # type: ignore[attr-defined]  # noqa: SLF001 -- httpx's own setter takes a request only
        link = link.__cause__ or link.__context__
    return error


def excerpt(body: bytes) -> str:
    """How a body begins that breaks the protocol."""
    return body[:LONGEST_EXCERPT].decode("utf-8", "replace")


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""


def _status_in(code: Any) -> str:
    """The status that a code stands for: a number of google.rpc.Code or, of interactions, a word or a URI."""
    if isinstance(code, int):
        return _RPC_CODES[code] if 0 <= code < len(_RPC_CODES) else ""
    word = code.rpartition("/")[2] if isinstance(code, str) else ""
    return "" if word.isdecimal() else word.replace("-", "_").upper()


def _code(value: Any, status: str) -> int:
    """HTTP status of an envelope; a code outside HTTP's range is a number of google.rpc.Code."""
    if isinstance(value, int) and 400 <= value < 600:  # noqa: PLR2004 -- HTTP's error range
        return value
    return _STATUS_CODES.get(status, 500)


def _phrase(code: int) -> str:
    try:
        return f"{HTTPStatus(code).phrase} (empty answer)"
    except ValueError:
        return "no message"


def _readable(text: str) -> str:
    """What a person would read of a body that is no envelope: a page's title, or how its text begins."""
    title = _TITLE.search(text)
    words = " ".join((title[1] if title else _MARKUP.sub(" ", text)).split())
    return words if len(words) <= LONGEST_EXCERPT else words[:LONGEST_EXCERPT] + "…"


def _retry_after(headers: Mapping[str, str], details: list[Any]) -> float | None:
    """Seconds from `Retry-After` (a number or a date) or else from google.rpc.RetryInfo."""
    header = headers.get("retry-after", "")
    delays = (_seconds(header), _seconds_until(header), *map(_retry_info, details))
    return next((delay for delay in delays if delay is not None), None)


def _retry_info(detail: Any) -> float | None:
    if not isinstance(detail, dict) or not str(detail.get("@type")).endswith("google.rpc.RetryInfo"):
        return None
    return _seconds(str(detail.get("retryDelay", "")).removesuffix("s"))


def _seconds(text: str) -> float | None:
    try:
        seconds = float(text)
    except ValueError:
        return None
    return max(seconds, 0.0) if isfinite(seconds) else None


def _seconds_until(date: str) -> float | None:
    try:
        return max(parsedate_to_datetime(date).timestamp() - time.time(), 0.0)
    except (ValueError, OverflowError):
        return None
