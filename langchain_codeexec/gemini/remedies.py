"""What the reader of an error can do about it."""

from __future__ import annotations

from typing import Any

__all__ = ["remedy_for"]

_NEW_KEY = (
    "check api_key=… or GOOGLE_API_KEY (it beats GEMINI_API_KEY); a new key comes from "
    "https://aistudio.google.com/apikey"
)

_KEY_REASONS = frozenset({"API_KEY_INVALID", "API_KEY_EXPIRED"})
_KEY_TEXTS = ("api key not valid", "api key expired", "api_key_invalid")

_BY_REASON = {
    "API_KEY_INVALID": _NEW_KEY,
    "API_KEY_EXPIRED": _NEW_KEY,
    "API_KEY_SERVICE_BLOCKED": "allow the API in the key's restrictions, or use another key",
    "ACCESS_TOKEN_SCOPE_INSUFFICIENT": "use credentials with the scope https://www.googleapis.com/auth/cloud-platform",
    "ACCESS_TOKEN_EXPIRED": "sign in again: gcloud auth application-default login",
    "BILLING_DISABLED": "enable billing for the project",
    "CONSUMER_INVALID": "check the project's id: it does not exist or was deleted",
    "IAM_PERMISSION_DENIED": "grant the account the role roles/aiplatform.user in the project",
    "RATE_LIMIT_EXCEEDED": "send less often, raise max_retries, or request more quota for the project",
    "SERVICE_DISABLED": "enable the API for the project, then wait a few minutes",
    "USER_PROJECT_DENIED": "grant the account roles/serviceusage.serviceUsageConsumer in the quota project",
}
"""By `reason` of google.rpc.ErrorInfo; source of the names: google/api/error_reason.proto."""

_BY_TEXT = (
    ("location is not supported", "the service is not offered where the request came from; use Vertex AI"),
    ("api has not been used", _BY_REASON["SERVICE_DISABLED"]),
)
"""By words of the message, for answers without ErrorInfo."""

_BY_CODE = {
    400: "the request itself was refused; the message names the field",
    401: "sign in (gcloud auth application-default login), or check the API key and which service it is for",
    403: "grant the account roles/aiplatform.user, or check that the API is enabled and the key is for it",
    404: "check the model's name, and whether it is offered in this location (try location='global')",
    408: "try again, or allow more time with timeout=…",
    413: "send less at once: upload large files and refer to them by URI",
    429: "quota or rate limit: wait, send less often, raise max_retries, or request more quota",
    499: "the request was cancelled on the way: look for a proxy or a timeout shorter than the answer takes",
    500: "a fault of the service: try again, or with a shorter input",
    501: "the service does not do this; the message says why",
    503: "the service is overloaded: try again later, or with another model or location",
    504: "the service did not finish in time: shorten the input, or allow more time with timeout=…",
}
_REDIRECT = "redirects are not followed, they could carry credentials elsewhere: set base_url to the last one"


def remedy_for(code: int, message: str, details: list[Any]) -> tuple[str, bool]:
    """Choose the advice for an error.

    Args:
        code: HTTP status.
        message: The service's words.
        details: The `details` list of the envelope.

    Returns:
        The advice (empty if there is none to give), and whether the API key itself is what is wrong.
    """
    infos = [detail for detail in details if isinstance(detail, dict)]
    reason = next((info["reason"] for info in infos if isinstance(info.get("reason"), str)), "")
    words = message.lower()
    if reason in _KEY_REASONS or any(text in words for text in _KEY_TEXTS):
        return _NEW_KEY, True
    remedy = _BY_REASON.get(reason) or next((advice for text, advice in _BY_TEXT if text in words), "")
    if reason == "SERVICE_DISABLED":
        remedy = _with_activation_url(remedy, infos)
    if not remedy and 300 <= code < 400:  # noqa: PLR2004 -- HTTP's redirects
        remedy = _REDIRECT
    return remedy or _BY_CODE.get(code) or (_BY_CODE[500] if code > 500 else ""), False  # noqa: PLR2004 -- 5xx


def _with_activation_url(remedy: str, infos: list[dict[str, Any]]) -> str:
    for info in infos:
        metadata = info.get("metadata")
        url = metadata.get("activationUrl") if isinstance(metadata, dict) else None
        if isinstance(url, str):
            return f"{remedy}: {url}"
    return remedy
