"""One request and its response over httpx: body, headers, a refused token, and failures as errors."""

from __future__ import annotations

import json
import platform
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import aclosing, asynccontextmanager, closing, contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

import httpx

from langchain_codeexec.errors import (
    ConfigurationError,
    CredentialsError,
    GeminiAPIError,
    GeminiConnectionError,
    GeminiTimeoutError,
    MessageError,
    ResponseFormatError,
)
from langchain_codeexec.gemini.clients import Clients
from langchain_codeexec.gemini.credentials import RequestCredentials
from langchain_codeexec.gemini.errors import api_error, error_in, excerpt, without_secrets

__all__ = ["Call", "Exchange", "decoded", "encoded", "request_headers"]

_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))
_HEADER_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_HEADER_VALUE: Final = re.compile(r"[\t\x20-\x7e]*")


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
    """The JSON object of a successful response, verbatim.

    Raises:
        ResponseFormatError: It is something else, or cut off.
        GeminiAPIError: It is an error envelope (some gateways answer errors with 200).
    """
    try:
        payload = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ResponseFormatError(
            f"the answer of {url} is not complete JSON: {error or type(error).__name__}", body=excerpt(body)
        ) from error
    if isinstance(payload, dict) and not payload.get("error"):
        return payload
    if error_in(payload) is not None:
        raise api_error(payload, url=url)
    if not isinstance(payload, dict):
        raise ResponseFormatError(
            f"the answer of {url} is JSON but not an object: {type(payload).__name__}", body=excerpt(body)
        )
    return payload


def request_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """This package's headers and the caller's, names in lower case; the caller's win.

    Raises:
        ConfigurationError: A name or value cannot be sent; the message does not show the value.
    """
    if not isinstance(headers, Mapping):
        raise ConfigurationError(
            f"headers must be a mapping of names to values, not {type(headers).__name__}"
        )
    product = _product()
    merged = {"content-type": "application/json", "user-agent": product, "x-goog-api-client": product}
    for name, value in headers.items():
        if not isinstance(name, str) or not _HEADER_NAME.fullmatch(name):
            raise ConfigurationError(f"headers: {name!r} is not a header name")
        if not isinstance(value, str) or not _HEADER_VALUE.fullmatch(value):
            raise ConfigurationError(f"headers: the value of {name!r} must be one line of ASCII text")
        merged[name.lower()] = value
    return merged


@cache
def _product() -> str:
    try:
        release = version("langchain-codeexec")
    except PackageNotFoundError:  # run from a source tree that is not installed
        release = "unknown"
    return f"langchain-codeexec/{release} gl-python/{platform.python_version()}"


@dataclass(frozen=True, slots=True)
class Call:
    """One request, ready to be sent any number of times.

    Attributes:
        url: Where it goes.
        address: The URL without its query, for messages.
        body: Its JSON.
        timeout: Its limits.
    """

    url: httpx.URL
    address: str
    body: bytes
    timeout: httpx.Timeout


class Exchange:
    """Sends calls with credentials over clients.

    Args:
        clients: What to send with.
        credentials: What authenticates a call. Refused ones are replaced once where they can be.
        headers: Headers of every call; they override those of the credentials.
    """

    def __init__(self, clients: Clients, credentials: RequestCredentials, headers: Mapping[str, str]) -> None:
        self._clients = clients
        self._credentials = credentials
        self._headers = headers

    @contextmanager
    def response(self, call: Call) -> Iterator[httpx.Response]:
        """Send a call and lend the successful response, whose body is still to be read.

        Raises:
            GeminiError: There is none, or reading it failed.
            CredentialsError: There are no usable credentials.
        """
        refusal: GeminiAPIError | None = None
        with self._clients.borrow() as client, _translated_failures(call.address) as failures:
            while True:
                try:
                    request = self._request(client, call, self._credentials.headers())
                except CredentialsError as error:
                    if refusal is None:
                        raise
                    raise refusal from error
                response = client.send(request, stream=True)
                with closing(response):
                    if response.is_success:
                        yield response
                        return
                    body = b""
                    with suppress(failures):  # the status says enough when the rest is lost
                        body = response.read()
                refusal = self._refusal(call, response, body, refusal)

    @asynccontextmanager
    async def aresponse(self, call: Call) -> AsyncIterator[httpx.Response]:
        """Do the same without blocking the event loop; see `response`."""
        refusal: GeminiAPIError | None = None
        async with self._clients.aborrow() as client:
            with _translated_failures(call.address) as failures:
                while True:
                    try:
                        request = self._request(client, call, await self._credentials.aheaders())
                    except CredentialsError as error:
                        if refusal is None:
                            raise
                        raise refusal from error
                    response = await client.send(request, stream=True)
                    async with aclosing(response):
                        if response.is_success:
                            yield response
                            return
                        body = b""
                        with suppress(failures):
                            body = await response.aread()
                    refusal = self._refusal(call, response, body, refusal)

    def _request(
        self, client: httpx.Client | httpx.AsyncClient, call: Call, auth: Mapping[str, str]
    ) -> httpx.Request:
        """A request; no caller keeps the headers in a variable, which error reporters would show."""
        headers = {**auth, **self._headers}
        return client.build_request(
            "POST", call.url, content=call.body, headers=headers, timeout=call.timeout
        )

    def _refusal(
        self,
        call: Call,
        response: httpx.Response,
        body: bytes,
        earlier: GeminiAPIError | None,
    ) -> GeminiAPIError:
        """The error of an unsuccessful response; raised unless another attempt with a new token makes sense."""
        error = api_error(
            body,
            status_code=response.status_code,
            url=call.address,
            headers=response.headers,
            response=_detached(response, call, body),
        )
        is_unauthorized = response.status_code == HTTPStatus.UNAUTHORIZED
        if earlier is None and is_unauthorized and self._credentials.refuse(response.request.headers):
            return error
        raise error


def _detached(response: httpx.Response, call: Call, body: bytes) -> httpx.Response:
    """A response as errors keep it: without its connection, and without the headers of its request."""
    import httpx  # noqa: PLC0415 -- importing this module must stay cheap

    framing = ("content-encoding", "content-length", "transfer-encoding")  # of what is unpacked by now
    headers = [(name, value) for name, value in response.headers.multi_items() if name not in framing]
    request = httpx.Request("POST", call.address)
    return httpx.Response(response.status_code, headers=headers, content=body, request=request)


@contextmanager
def _translated_failures(url: str) -> Iterator[type[Exception]]:
    """Raise httpx's exceptions as `GeminiError`, with the original as the cause; gives their base class."""
    try:
        yield httpx.HTTPError
    except httpx.HTTPError as error:
        without_secrets(error)
        failure = f"{type(error).__name__} {error}".strip()
        match error:
            case httpx.PoolTimeout():
                raise GeminiTimeoutError(
                    f"no connection to {url} became free in time ({failure}): send less at once"
                ) from error
            case httpx.TimeoutException():
                raise GeminiTimeoutError(
                    f"no answer from {url} in time ({failure}): allow more with timeout=…"
                ) from error
            case httpx.DecodingError():
                raise ResponseFormatError(f"the answer of {url} is compressed wrongly: {failure}") from error
            case _:
                raise GeminiConnectionError(f"the connection to {url} failed: {failure}") from error
