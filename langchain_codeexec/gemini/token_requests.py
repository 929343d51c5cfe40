"""How google-auth reaches the token server: over httpx, so that requests need not be installed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["TokenRequest", "TokenResponse"]

_TIMEOUT = 60.0
"""Seconds; google-auth names its own for the probes that must be quick."""


@dataclass(frozen=True, slots=True)
class TokenResponse:
    """What google-auth reads of an answer (`google.auth.transport.Response`)."""

    status: int
    headers: Mapping[str, str]
    data: bytes


class TokenRequest:
    """Callable that google-auth makes its requests with (`google.auth.transport.Request`).

    A token lasts about an hour, so each request opens its own connection and leaves nothing behind to close.
    """

    def __call__(
        self,
        url: str,
        method: str = "GET",
        body: bytes | str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
        **_: Any,
    ) -> TokenResponse:
        """Make one request.

        Raises:
            google.auth.exceptions.TransportError: No answer.
        """
        import httpx  # noqa: PLC0415 -- importing this module must stay cheap
        from google.auth.exceptions import TransportError  # noqa: PLC0415 -- as above

        try:
            response = httpx.request(
                method, url, content=body, headers=headers, timeout=_TIMEOUT if timeout is None else timeout
            )
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise TransportError(f"{type(error).__name__}: {error}") from error  # type: ignore[no-untyped-call]  # google-auth annotates little
        return TokenResponse(response.status_code, response.headers, response.content)
