"""JSON bodies on the way out and in, and httpx's failures as this package's errors.

One attempt at one request: authenticate, send, and tell an answer from a refusal.

When a request is sent again, and after how long.
"""

from __future__ import annotations

import asyncio
import json
import logging
import random
import time
from contextlib import aclosing, asynccontextmanager, closing, contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from langchain_codeexec.errors import (
    ConfigurationError,
    CredentialsError,
    GeminiAPIError,
    GeminiConnectionError,
    GeminiError,
    GeminiTimeoutError,
    MessageError,
    ResponseFormatError,
)
from langchain_codeexec.gemini.errors import api_error, error_in

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping

    import httpx

    from langchain_codeexec.gemini.clients import Clients
    from langchain_codeexec.gemini.credentials import RequestCredentials

__all__ = ["Attempts", "Call", "Exchange", "RetryPolicy", "decoded", "encoded", "translated_failures"]

_EXCERPT = 500
_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def encoded(request: Mapping[str, Any]) -> bytes:
    """Compact UTF-8 JSON of a request.

    Raises:
        MessageError: Something in it has no JSON form.
    """
    try:
        return _ENCODER.encode(request).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise MessageError(
            f"the request cannot be written as JSON: {error}. Convert such values to numbers, text, lists or "
            "mappings before they go into a message or setting."
        ) from error


def decoded(body: bytes, url: str) -> dict[str, Any]:
    """The JSON object a successful answer consists of, verbatim.

    Raises:
        ResponseFormatError: It is something else, or cut off.
        GeminiAPIError: It is an error envelope (some gateways answer errors with 200).
    """
    try:
        payload = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ResponseFormatError(
            f"the answer of {url} is not complete JSON: {error or type(error).__name__}", body=_excerpt(body)
        ) from error
    if error_in(payload) is not None:
        raise api_error(payload, url=url)
    if not isinstance(payload, dict):
        raise ResponseFormatError(
            f"the answer of {url} is JSON but not an object: {type(payload).__name__}", body=_excerpt(body)
        )
    return payload


@contextmanager
def translated_failures(url: str) -> Iterator[None]:
    """Raise httpx's exceptions as `GeminiError`, with the original as the cause."""
    import httpx  # noqa: PLC0415 -- importing this module must stay cheap

    try:
        yield
    except httpx.HTTPError as error:
        raise _failure(error, url) from error


def _failure(error: httpx.HTTPError, url: str) -> GeminiError:
    import httpx  # noqa: PLC0415 -- as above

    what = f"{type(error).__name__} {error}".strip()
    match error:
        case httpx.PoolTimeout():
            return GeminiTimeoutError(
                f"no connection to {url} became free in time ({what}): send less at once"
            )
        case httpx.TimeoutException():
            return GeminiTimeoutError(f"no answer from {url} in time ({what}): allow more with timeout=…")
        case httpx.DecodingError():
            return ResponseFormatError(f"the answer of {url} is compressed wrongly: {what}")
        case _:
            return GeminiConnectionError(f"the connection to {url} failed: {what}")


def _excerpt(body: bytes) -> str:
    return body[:_EXCERPT].decode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class Call:
    """One request, ready to be sent any number of times."""

    url: httpx.URL
    address: str
    """The URL without its query, for messages."""
    body: bytes
    timeout: httpx.Timeout


class Exchange:
    """Sends calls with credentials over clients.

    Args:
        clients: What to send with.
        credentials: What authenticates a call. Refused ones are replaced once where they can be.
        headers: Headers of every call; they override those of the credentials.
        clock: Seconds since the epoch.
    """

    def __init__(
        self,
        clients: Clients,
        credentials: RequestCredentials,
        headers: Mapping[str, str],
        clock: Callable[[], float],
    ) -> None:
        self._clients = clients
        self._credentials = credentials
        self._headers = headers
        self._clock = clock

    @contextmanager
    def answer(self, call: Call) -> Iterator[httpx.Response]:
        """Send a call and lend the successful answer, whose body is still to be read.

        Raises:
            GeminiError: There is none, or reading it failed.
            CredentialsError: There are no usable credentials.
        """
        with self._clients.borrow() as client, translated_failures(call.address):
            auth = self._credentials.headers()
            response = client.send(self._request(client, call, auth), stream=True)
            if response.status_code == HTTPStatus.UNAUTHORIZED and self._credentials.refuse(auth):
                refusal = self._refusal(call, response)
                try:
                    auth = self._credentials.headers()
                except CredentialsError as error:
                    raise refusal from error
                response = client.send(self._request(client, call, auth), stream=True)
            if not response.is_success:
                raise self._refusal(call, response)
            with closing(response):
                yield response

    @asynccontextmanager
    async def aanswer(self, call: Call) -> AsyncIterator[httpx.Response]:
        """Do the same without blocking the event loop; see `answer`."""
        async with self._clients.aborrow() as client:
            with translated_failures(call.address):
                auth = await self._credentials.aheaders()
                response = await client.send(self._request(client, call, auth), stream=True)
                if response.status_code == HTTPStatus.UNAUTHORIZED and self._credentials.refuse(auth):
                    refusal = await self._arefusal(call, response)
                    try:
                        auth = await self._credentials.aheaders()
                    except CredentialsError as error:
                        raise refusal from error
                    response = await client.send(self._request(client, call, auth), stream=True)
                if not response.is_success:
                    raise await self._arefusal(call, response)
                async with aclosing(response):
                    yield response

    def _request(
        self, client: httpx.Client | httpx.AsyncClient, call: Call, auth: Mapping[str, str]
    ) -> httpx.Request:
        headers = {**auth, **self._headers}
        return client.build_request(
            "POST", call.url, content=call.body, headers=headers, timeout=call.timeout
        )

    def _refusal(self, call: Call, response: httpx.Response) -> GeminiAPIError:
        body = b""
        # The status says enough when the rest is lost.
        with (
            closing(response),
            suppress(GeminiConnectionError, GeminiTimeoutError),
            translated_failures(call.address),
        ):
            body = response.read()
        return self._error(call, response, body)

    async def _arefusal(self, call: Call, response: httpx.Response) -> GeminiAPIError:
        body = b""
        async with aclosing(response):
            with suppress(GeminiConnectionError, GeminiTimeoutError), translated_failures(call.address):
                body = await response.aread()
        return self._error(call, response, body)

    def _error(self, call: Call, response: httpx.Response, body: bytes) -> GeminiAPIError:
        return api_error(
            body,
            status_code=response.status_code,
            url=call.address,
            headers=response.headers,
            response=response,
            now=self._clock(),
        )


_logger = logging.getLogger(__name__)


def _anywhere_up_to(limit: float) -> float:
    return random.uniform(0.0, limit)  # noqa: S311 -- spreads clients out, guards nothing


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often a request is repeated, and the clock that paces it.

    A wait the service asks for is kept, up to `longest_wait`. Otherwise the waits grow exponentially, each
    drawn at random between nothing and its limit ("full jitter").

    Attributes:
        max_retries: Attempts after the first one.
        first_wait: Limit of the first wait in seconds; it doubles each time.
        longest_wait: Seconds no wait exceeds.
        jitter: Draws a wait between 0 and its limit.
        clock: Seconds since the epoch.
        sleep: Waits in a thread.
        asleep: Waits in a task.
    """

    max_retries: int = 4
    first_wait: float = 1.0
    longest_wait: float = 60.0
    jitter: Callable[[float], float] = _anywhere_up_to
    clock: Callable[[], float] = time.time
    sleep: Callable[[float], object] = time.sleep
    asleep: Callable[[float], Awaitable[object]] = asyncio.sleep

    def __post_init__(self) -> None:
        if (
            isinstance(self.max_retries, bool)
            or not isinstance(self.max_retries, int)
            or self.max_retries < 0
        ):
            raise ConfigurationError(f"max_retries={self.max_retries!r} must be 0 or a positive whole number")

    def wait_before(self, retry: int, asked: float | None) -> float:
        """Seconds before the given retry (1 is the first), `asked` being what the service asked for."""
        if asked is not None:
            return min(asked, self.longest_wait)
        return self.jitter(min(self.first_wait * 2 ** min(retry - 1, 62), self.longest_wait))


class Attempts:
    """The attempts at one request.

    Args:
        policy: How often, and how long in between.
    """

    __slots__ = ("_policy", "_retries")

    def __init__(self, policy: RetryPolicy) -> None:
        self._policy = policy
        self._retries = 0

    def wait_after(self, error: GeminiError) -> float:
        """Seconds to wait before trying again.

        Raises:
            GeminiError: The given one, if there is nothing to gain by another attempt or none is left.
        """
        if self._retries >= self._policy.max_retries or not _is_transient(error):
            raise error
        self._retries += 1
        wait = self._policy.wait_before(self._retries, getattr(error, "retry_after", None))
        _logger.info("retry %d in %.1f s after %s: %s", self._retries, wait, type(error).__name__, error)
        return wait


def _is_transient(error: GeminiError) -> bool:
    if isinstance(error, GeminiAPIError):
        return error.status_code in (408, 429) or error.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR
    if isinstance(error, GeminiTimeoutError):
        # Nothing was sent yet; any other timeout has used up the time the caller allowed.
        return type(error.__cause__).__name__ == "ConnectTimeout"
    return isinstance(error, GeminiConnectionError)
