"""One request and its response over httpx: body, headers, a refused token, and failures as errors."""

from __future__ import annotations

import asyncio
import json
import platform
import re
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, aclosing, closing, contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from http import HTTPStatus
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final, Generic, TypeVar, cast

import httpx

from langchain_codeexec.errors import (
    ConfigurationError,
    CredentialsError,
    GeminiAPIError,
    GeminiError,
    GeminiTimeoutError,
    MessageError,
    ResponseFormatError,
    TruncatedResponseError,
)
from langchain_codeexec.gemini.clients import Clients, Connected, Pool
from langchain_codeexec.gemini.credentials import RequestCredentials
from langchain_codeexec.gemini.errors import (
    MAX_ERROR_BODY,
    api_error,
    connection_error,
    error_in,
    excerpt,
    without_secrets,
)
from langchain_codeexec.gemini.limits import Deadline
from langchain_codeexec.gemini.responses import canonical, joined
from langchain_codeexec.gemini.sse import Completeness

__all__ = ["Call", "Exchange", "Lease", "decoded", "encoded", "is_cut", "json_object", "request_headers"]

Client = TypeVar("Client")

_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))
_LARGE_BODY: Final = 64_000
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
    """The JSON object of a successful response; an array of them, as streams have it, is one response.

    Raises:
        ResponseFormatError: It is something else.
        TruncatedResponseError: It is cut off.
        GeminiAPIError: It is an error envelope (some gateways answer errors with 200).
    """
    payload = _parsed(body, url)
    if error_in(payload) is not None:
        raise api_error(payload, url=url)
    responses = payload if isinstance(payload, list) else [payload]
    if not responses or not all(isinstance(each, dict) for each in responses):
        raise _no_object(payload, body, url)
    spelled = [canonical(each, url) for each in responses]
    whole = joined(list(Completeness(url).counted(spelled))) if len(spelled) > 1 else spelled[0]
    return cast("dict[str, Any]", whole)


def json_object(body: bytes, url: str) -> dict[str, Any]:
    """The JSON object that tells of a resource, be it of an error.

    Raises:
        ResponseFormatError: It is something else.
        TruncatedResponseError: It is cut off.
    """
    payload = _parsed(body, url)
    if not isinstance(payload, dict):
        raise _no_object(payload, body, url)
    return payload


def _parsed(body: bytes, url: str) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        if is_cut(body, error):
            raise TruncatedResponseError(
                f"the answer of {url} is not complete JSON", body=excerpt(body)
            ) from error
        page = "a web page: check base_url, and sign in to the network if it asks for that (captive portal)"
        what = (
            page if body.lstrip().startswith(b"<") else f"not complete JSON: {error or type(error).__name__}"
        )
        raise ResponseFormatError(f"the answer of {url} is {what}", body=excerpt(body)) from error


def _no_object(payload: object, body: bytes, url: str) -> ResponseFormatError:
    return ResponseFormatError(
        f"the answer of {url} is JSON but not an object: {type(payload).__name__}", body=excerpt(body)
    )


def is_cut(body: bytes, error: Exception) -> bool:
    """Whether JSON that cannot be read is the beginning of some, whatever told where it ends."""
    return isinstance(error, json.JSONDecodeError) and body.lstrip()[:1] in (b"", b"{", b"[")


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
        limits: How long the service may be silent.
        deadline: When the call must be over.
        method: HTTP's method.
        headers: Headers of this call alone.
        ends_with_reason: Whether a stream of its answer is cut if it brings no finish reason.
    """

    url: httpx.URL
    address: str
    body: bytes
    limits: httpx.Timeout
    deadline: Deadline
    method: str = "POST"
    headers: Mapping[str, str] = field(default_factory=dict)
    ends_with_reason: bool = True

    def timeout(self) -> httpx.Timeout:
        """The limits, and no more than what is left of the deadline."""
        if self.deadline.seconds is None:
            return self.limits
        limits = {name: self.deadline.least(seconds) for name, seconds in self.limits.as_dict().items()}
        return type(self.limits)(**limits)


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
    def lease(self, call: Call) -> Iterator[Lease[httpx.Client]]:
        """Lend a client for one blocking call, once one is free.

        Raises:
            GeminiError: None was free in time, or what was done with it failed.
        """
        pool = self._clients.of_threads()
        pool.wait(call.limits.pool, call.deadline)
        with _lent(pool, call) as lease, call.deadline.enforced(lease.connected.break_off):
            yield lease

    async def alease(self, call: Call) -> AbstractContextManager[Lease[httpx.AsyncClient]]:
        """Do the same without blocking the event loop; see `lease`."""
        # No asynchronous generator: a loop that ends closes all of them at once, inner ones before outer ones.
        pool = await self._clients.of_loop()
        await pool.wait(call.limits.pool)
        return _lent(pool, call)

    def send(self, call: Call, lease: Lease[httpx.Client]) -> httpx.Response:
        """Send a call; gives the successful response, whose body is still to be read.

        Raises:
            GeminiError: There is none.
            CredentialsError: There are no usable credentials.
        """
        refusal: GeminiAPIError | None = None
        while True:
            call.deadline.waiting_for = "a token"
            try:
                request = self._request(lease, call, self._credentials.headers(call.timeout().read))
            except CredentialsError as error:
                if refusal is None:
                    raise
                raise refusal from error
            call.deadline.waiting_for = f"the answer of {call.address}"
            request.extensions["trace"] = lease.connected
            lease.response = response = lease.client.send(request, stream=True)
            if response.is_success:
                return response
            body = _ErrorBody(call, response)
            with closing(response), body.reading():
                for data in response.iter_bytes():
                    body += data
                    if body.is_enough:
                        break
            call.deadline.check()
            refusal = self._refusal(call, response, bytes(body), refusal)

    async def asend(self, call: Call, lease: Lease[httpx.AsyncClient]) -> httpx.Response:
        """Do the same without blocking the event loop; see `send`."""
        refusal: GeminiAPIError | None = None
        while True:
            call.deadline.waiting_for = "a token"
            try:
                request = self._request(lease, call, await self._credentials.aheaders(call.limits.read))
            except CredentialsError as error:
                if refusal is None:
                    raise
                raise refusal from error
            call.deadline.waiting_for = f"the answer of {call.address}"
            lease.response = response = await self._reply(call, lease.client, request)
            if response.is_success:
                return response
            body = _ErrorBody(call, response)
            async with aclosing(response):
                with body.reading():
                    async for data in response.aiter_bytes():
                        body += data
                        if body.is_enough:
                            break
            refusal = self._refusal(call, response, bytes(body), refusal)

    async def _reply(self, call: Call, client: httpx.AsyncClient, request: httpx.Request) -> httpx.Response:
        try:
            return await client.send(request, stream=True)
        except (httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError):
            if len(call.body) < _LARGE_BODY or self._clients.are_given:
                raise
        # asyncio drops what has arrived once it can send no more, such as an early 413; blocking sockets give it.
        return await asyncio.to_thread(self._blocking_reply, call)

    def _blocking_reply(self, call: Call) -> httpx.Response:
        with self.lease(call) as lease:
            request = self._request(lease, call, self._credentials.headers(call.timeout().read))
            lease.response = lease.client.send(request)
        return _detached(lease.response, call, lease.response.content)

    def _request(self, lease: Lease[Any], call: Call, auth: Mapping[str, str]) -> httpx.Request:
        """A request; no caller keeps the headers in a variable, which error reporters would show."""
        headers = {**auth, **call.headers, **self._headers}
        client: httpx.Client | httpx.AsyncClient = lease.client
        return client.build_request(
            call.method, call.url, content=call.body or None, headers=headers, timeout=call.timeout()
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
    framing = ("content-encoding", "content-length", "transfer-encoding")  # of what is unpacked by now
    headers = [(name, value) for name, value in response.headers.multi_items() if name not in framing]
    request = httpx.Request(call.method, call.address)
    return httpx.Response(response.status_code, headers=headers, content=body, request=request)


class _ErrorBody(bytearray):
    """What has been read of an error's body: the status says enough when the rest is lost, or takes long."""

    def __init__(self, call: Call, response: httpx.Response) -> None:
        super().__init__()
        call.deadline.waiting_for = f"the rest of the {response.status_code} of {call.address}"
        self._deadline = Deadline(call.timeout().read)

    @property
    def is_enough(self) -> bool:
        """Whether the rest may be left."""
        return len(self) > MAX_ERROR_BODY or self._deadline.is_over

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Leave the rest when it cannot be read."""
        with suppress(httpx.HTTPError):
            yield


@dataclass(slots=True)
class Lease(Generic[Client]):
    """A client while it is lent.

    Attributes:
        client: The client.
        connected: What is known of its connection.
        response: The last response it gave.
    """

    client: Client
    connected: Connected
    response: httpx.Response | None = None


@contextmanager
def _lent(pool: Pool[Client], call: Call) -> Iterator[Lease[Client]]:
    """Lend a client that is free; httpx's exceptions become `GeminiError`, with the original as the cause."""
    lease: Lease[Client] = Lease(*pool.lend())
    try:
        yield lease
    except httpx.HTTPError as error:
        raise _failure(without_secrets(error), call) from error
    except GeminiTimeoutError:
        call.deadline.check()
        raise
    finally:
        pool.give_back(lease.client, lease.response)


class _ReadTimeoutError(GeminiTimeoutError, httpx.ReadTimeout):
    """Silence, which code that was written for google-genai expects as httpx's exception."""


def _failure(error: httpx.HTTPError, call: Call) -> GeminiError:
    if call.deadline.is_over:
        return call.deadline.error()
    url, limits = call.address, call.limits
    match type(error).__name__:
        case "PoolTimeout":
            return GeminiTimeoutError(
                f"no connection to {url} became free for {limits.pool:g} s: close streams that are no longer "
                "read, or raise max_connections in the httpx.Limits of the client that was given"
            )
        case "ReadTimeout":
            return _ReadTimeoutError(f"{url} sent nothing for {limits.read:g} s: allow more with timeout=…")
        case "WriteTimeout":
            return GeminiTimeoutError(f"{url} took nothing for {limits.write:g} s: allow more with timeout=…")
        case "DecodingError":
            return ResponseFormatError(f"the answer of {url} is compressed wrongly: {error}")
        case _:
            return connection_error(error, f"the connection to {url} failed")
