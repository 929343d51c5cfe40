"""Whether a request may come in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_codeexec.emulator.service_errors import EmulatedError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from langchain_codeexec.emulator.targets import Target

__all__ = ["check_credentials"]

_OAUTH = (
    "Expected OAuth 2 access token, login cookie or other valid authentication credential. "
    "See https://developers.google.com/identity/sign-in/web/devconsole-project."
)


def check_credentials(
    target: Target,
    headers: Mapping[str, str],
    query: Mapping[str, str],
    accept_key: Callable[[str], bool],
) -> None:
    """Refuse a request without credentials, or with ones that are not accepted.

    The Developer API takes an API key, Vertex a bearer token or an API key.

    Args:
        target: Where the request goes.
        headers: Its headers, looked up case-insensitively.
        query: Its query parameters.
        accept_key: Whether an API key or a bearer token is good.

    Raises:
        EmulatedError: With the envelope the service sends.
    """
    if key := headers.get("x-goog-api-key") or query.get("key"):
        if not accept_key(key):
            raise _refused_key(target)
        return
    scheme, _, token = headers.get("authorization", "").partition(" ")
    bearer = token.strip() if scheme.lower() == "bearer" else ""
    if target.endpoint == "developer":
        raise EmulatedError(
            403,
            message="Method doesn't allow unregistered callers (callers without established identity). "
            "Please use API Key or other form of API consumer identity to call this API.",
        )
    if not bearer:
        message = f"Request is missing required authentication credential. {_OAUTH}"
        raise EmulatedError(401, message=message, details=[_reason(target, "CREDENTIALS_MISSING")])
    if not accept_key(bearer):
        message = f"Request had invalid authentication credentials. {_OAUTH}"
        raise EmulatedError(401, message=message, details=[_reason(target, "ACCESS_TOKEN_TYPE_UNSUPPORTED")])


def _refused_key(target: Target) -> EmulatedError:
    message = "API key not valid. Please pass a valid API key."
    localized = {
        "@type": "type.googleapis.com/google.rpc.LocalizedMessage",
        "locale": "en-US",
        "message": message,
    }
    return EmulatedError(400, message=message, details=[_reason(target, "API_KEY_INVALID"), localized])


def _reason(target: Target, reason: str) -> dict[str, Any]:
    return {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": reason,
        "domain": "googleapis.com",
        "metadata": {"service": target.host},
    }
