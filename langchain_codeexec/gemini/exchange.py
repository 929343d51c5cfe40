"""One attempt at one request: authenticate, send, and tell an answer from a refusal."""

from __future__ import annotations

from contextlib import aclosing, asynccontextmanager, closing, contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

from langchain_codeexec.errors import (
    CredentialsError,
    GeminiAPIError,
    GeminiConnectionError,
    GeminiTimeoutError,
)
from langchain_codeexec.gemini.api_errors import api_error
from langchain_codeexec.gemini.bodies import translated_failures

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping

    import httpx

    from langchain_codeexec.gemini.clients import Clients
    from langchain_codeexec.gemini.credentials import RequestCredentials

__all__ = ["Call", "Exchange"]


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
