"""Record and replay: a proxy that writes a cassette of what goes through it, and a server that plays one."""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
import threading
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import httpx

from langchain_codeexec.emulator.access import GuardedApp
from langchain_codeexec.emulator.cassettes import (
    SECRET_QUERY,
    Interaction,
    RecordedRequest,
    RecordedResponse,
    Scrubber,
    append_to_cassette,
    fingerprint,
    nearest,
    read_cassette,
    write_cassette,
)
from langchain_codeexec.emulator.fault_injection import ConnectionCut
from langchain_codeexec.emulator.responses import (
    BreakableResponse,
    error_response,
    read_body,
    while_connected,
)
from langchain_codeexec.emulator.server import LocalServer, is_http_url
from langchain_codeexec.emulator.service_errors import EmulatedError, not_prepared
from langchain_codeexec.errors import ConfigurationError, MissingDependencyError

__all__ = ["CassettePlayer", "RecordingProxy", "open_cassette"]

try:
    from starlette.applications import Starlette
    from starlette.middleware import Middleware
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route
except ImportError as error:
    raise MissingDependencyError("starlette", "emulator") from error


_NOT_SENT_ON = frozenset(
    "host content-length connection keep-alive transfer-encoding te trailer upgrade accept-encoding "
    "proxy-authorization proxy-authenticate x-forwarded-for x-forwarded-proto forwarded".split()
)
_NOT_SENT_BACK = _NOT_SENT_ON | {"content-encoding", "date", "server"}
_KEPT = ("content-type", "retry-after")
_LARGEST_BODY = 20 * 1024 * 1024
_LARGEST_ANSWER = 64 * 1024 * 1024
"""What is longer is passed on and not recorded."""
_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
"""What is passed on, recorded and replayed."""

_logger = logging.getLogger(__name__)


class RecordingProxy(LocalServer):
    """Passes requests on to a service and writes them and their answers to a cassette.

    Point a client at `url` instead of at the service. Answers go through as they come, streams piece by piece.
    After every answer that came to its end it is added to the file, which the first one replaces. Where it cannot
    be written, the log says so once and requests are still passed on. Secrets are left out (see `Scrubber`), the
    client's credentials go to the service alone.

    Args:
        base_url: The service: `https://generativelanguage.googleapis.com`, a Vertex host, another emulator.
        cassette: The file to write.
        secrets: Further texts that are not to be written down.
        timeout: Seconds the service may be silent.
        host: Address to listen on.
        port: Port to listen on; 0 takes a free one.

    Raises:
        ConfigurationError: `base_url` is no URL of a host, or `host` is not a loopback address.
        MissingDependencyError: Starlette or uvicorn is not installed.
    """

    def __init__(  # noqa: PLR0913 -- what is recorded and where, as keywords
        self,
        base_url: str,
        cassette: str | Path,
        *,
        secrets: Iterable[str] = (),
        timeout: float = 600,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        has_more = not {"@", "?", "#"}.isdisjoint(base_url)  # which may be a key
        if has_more or not is_http_url(base_url):
            shown = "base_url" if has_more else f"base_url {base_url!r}"
            raise ConfigurationError(
                f"{shown} is no http or https URL of scheme, host and perhaps port and path, no more"
            )
        self._base_url = base_url.rstrip("/")
        self._cassette = cassette
        self._scrubber = Scrubber(secrets)
        self._timeout = timeout
        self._lock = threading.Lock()
        self._order = itertools.count()
        self._is_begun = self._is_over = False
        app = Starlette(
            routes=[Route("/{path:path}", self._answer, methods=_METHODS)],
            middleware=[Middleware(GuardedApp)],
        )
        super().__init__(app, host=host, port=port)

    @property
    def interactions(self) -> tuple[Interaction, ...]:
        """What was recorded so far.

        Raises:
            ConfigurationError: The file cannot be read any more.
        """
        with self._lock:
            return tuple(read_cassette(self._cassette)) if self._is_begun else ()

    async def _answer(self, request: Request) -> Response:
        order = next(self._order)
        client = httpx.AsyncClient(timeout=self._timeout)
        async with AsyncExitStack() as unanswered:
            unanswered.push_async_callback(client.aclose)
            try:
                raw = await read_body(request, _LARGEST_BODY)
                sending = client.send(self._onward(client, request, raw), stream=True)
                response = await while_connected(request, sending)
            except EmulatedError as error:
                return error_response(error)
            except httpx.HTTPError as error:
                message = f"{self._base_url} could not be reached: {error}"
                return error_response(EmulatedError(502, "UNAVAILABLE", message))
            unanswered.pop_all()
        headers = {name: value for name, value in response.headers.items() if name not in _NOT_SENT_BACK}
        record = partial(self._record, order, request, raw, response)
        pieces = self._recording(response, record)
        return BreakableResponse(pieces, client, status_code=response.status_code, headers=headers)

    def _onward(self, client: httpx.AsyncClient, request: Request, raw: bytes) -> httpx.Request:
        query = f"?{request.url.query}" if request.url.query else ""
        headers = [(name, value) for name, value in request.headers.items() if name not in _NOT_SENT_ON]
        return client.build_request(
            request.method,
            f"{self._base_url}{_raw_path(request)}{query}",
            headers=[*headers, ("accept-encoding", "identity")],
            content=raw,
        )

    async def _recording(
        self, response: httpx.Response, record: Callable[[bytes], None]
    ) -> AsyncIterator[bytes]:
        """The answer's bytes; at their end, and only there, they are recorded."""
        whole = bytearray()
        try:
            async for piece in response.aiter_bytes():
                if len(whole) <= _LARGEST_ANSWER:
                    whole += piece
                yield piece
        except httpx.HTTPError as error:
            raise ConnectionCut from error  # what breaks there breaks here
        await asyncio.to_thread(record, bytes(whole))

    def _record(
        self, order: int, request: Request, raw: bytes, response: httpx.Response, whole: bytes
    ) -> None:
        """Write an interaction down; what goes wrong with that is no concern of the client."""
        with self._lock:
            if self._is_over:
                return
            try:
                if len(whole) > _LARGEST_ANSWER:
                    raise ValueError(f"it is longer than {_LARGEST_ANSWER} bytes")  # noqa: TRY301 -- logged below
                interaction = Interaction(
                    _recorded_request(request, raw, self._scrubber),
                    self._recorded_response(response, whole),
                    order,
                )
                if self._is_begun:
                    append_to_cassette(self._cassette, interaction)
                else:
                    write_cassette(self._cassette, [interaction])
                self._is_begun = True
            except Exception as error:  # noqa: BLE001 -- told, and the client gets its answer
                self._is_over = isinstance(error, OSError)
                lost = "this and every later answer is" if self._is_over else "an answer is"
                reason = error or type(error).__name__
                _logger.warning("%s: %s not recorded: %s", self._cassette, lost, reason)

    def _recorded_response(self, response: httpx.Response, raw: bytes) -> RecordedResponse:
        kept = {name: response.headers[name] for name in _KEPT if name in response.headers}
        scrub = self._scrubber.value
        if kept.get("content-type", "").startswith("text/event-stream"):
            events = [_event(event) for event in raw.replace(b"\r\n", b"\n").split(b"\n\n") if event]
            return RecordedResponse(response.status_code, kept, chunks=scrub(events))
        parsed = _parsed(raw)
        if isinstance(parsed, str):
            return RecordedResponse(response.status_code, kept, text=scrub(parsed))
        return RecordedResponse(response.status_code, kept, body=scrub(parsed))


def _recorded_request(request: Request, raw: bytes, scrubber: Scrubber) -> RecordedRequest:
    """A request as a cassette holds it."""
    scrubber.learn(request.url.path, request.url.query, request.headers)
    query = {name: value for name, value in parse_qsl(request.url.query) if name not in SECRET_QUERY}
    return RecordedRequest(
        method=request.method,
        path=scrubber.text(request.url.path),
        query=scrubber.value(query),
        body=scrubber.value(_parsed(raw)) if raw else None,
    )


def _raw_path(request: Request) -> str:
    """The path as it was spelled, escapes and all."""
    raw = request.scope.get("raw_path")
    return raw.decode("ascii") if raw else request.url.path


def _parsed(raw: bytes) -> Any:
    """JSON, else text."""
    try:
        return json.loads(raw)
    except ValueError:
        return raw.decode("utf-8", "replace")


def _event(event: bytes) -> Any:
    """The data of an event, else the event as it is."""
    data = _parsed(event.removeprefix(b"data:")) if event.startswith(b"data:") else ""
    return event.decode("utf-8", "replace") if isinstance(data, str) else data


# -- replaying -----------------------------------------------------------------------------------------


class CassettePlayer(LocalServer):
    """Answers requests as a cassette says, each interaction once.

    A request nothing was recorded for is answered with 400, which clients do not try again; the message shows
    the recorded request most like it.

    Args:
        cassette: The file.
        strict: Whether the request must be the recorded one. Otherwise each takes the next interaction of its
            method (`generateContent`, `streamGenerateContent` and so on), whatever it asks.
        secrets: The texts that were not to be written down.
        host: Address to listen on.
        port: Port to listen on; 0 takes a free one.

    Raises:
        ConfigurationError: The file cannot be read or is no cassette, or `host` is not a loopback address.
        MissingDependencyError: Starlette or uvicorn is not installed.
    """

    def __init__(
        self,
        cassette: str | Path,
        *,
        strict: bool = True,
        secrets: Iterable[str] = (),
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        self._name = str(cassette)
        self._key = fingerprint if strict else _method
        self._scrubber = Scrubber(secrets)
        self._recorded = read_cassette(cassette)
        self._keys = [self._key(interaction.request) for interaction in self._recorded]
        self._left = dict(enumerate(self._recorded))
        self._unanswered: list[RecordedRequest] = []
        self._lock = threading.Lock()
        app = Starlette(
            routes=[Route("/{path:path}", self._answer, methods=_METHODS)],
            middleware=[Middleware(GuardedApp)],
        )
        super().__init__(app, host=host, port=port)

    def assert_finished(self) -> None:
        """Check that every interaction was used and every request answered.

        Raises:
            AssertionError: It names those that were not.
        """
        with self._lock:
            left, unanswered = list(self._left.values()), list(self._unanswered)
        if left or unanswered:
            summary = (
                f"{self._name} was not played as it was recorded: interactions not used: {len(left)} of "
                f"{len(self._recorded)}; requests not recorded: {len(unanswered)}"
            )
            lines = [f"Not used: {one.request.method} {one.request.path}" for one in left]
            lines += [f"Not recorded: {one.method} {one.path}" for one in unanswered]
            raise AssertionError("\n".join([summary, *lines]))

    async def _answer(self, request: Request) -> Response:
        try:
            raw = await read_body(request, _LARGEST_BODY)
            return _response(await asyncio.to_thread(self._take, request, raw))
        except EmulatedError as error:
            return error_response(error)

    def _take(self, received: Request, raw: bytes) -> RecordedResponse:
        with self._lock:
            request = _recorded_request(received, raw, self._scrubber)
            key = self._key(request)
            for index in self._left:
                if self._keys[index] == key:
                    return self._left.pop(index).response
            self._unanswered.append(request)
            left = list(self._left.values()) or self._recorded
        why = (
            "this request was recorded and is used up"
            if key in self._keys
            else "no such request was recorded"
        )
        difference = nearest(request, (interaction.request for interaction in left))
        raise not_prepared(f"{self._name}: {why}; record it anew.\n{difference}".strip())


def open_cassette(
    cassette: str | Path, *, base_url: str = "", strict: bool = True, secrets: Iterable[str] = ()
) -> CassettePlayer | RecordingProxy:
    """Play a cassette where there is one, else record it.

    Args:
        cassette: The file.
        base_url: The service to record; empty only plays.
        strict: As for `CassettePlayer`.
        secrets: As for both.

    Raises:
        ConfigurationError: There is no file and no service.
    """
    if Path(cassette).exists():
        return CassettePlayer(cassette, strict=strict, secrets=secrets)
    if not base_url:
        raise ConfigurationError(f"there is no cassette {cassette}; give a base_url to record it from")
    return RecordingProxy(base_url, cassette, secrets=secrets)


def _method(request: RecordedRequest) -> str:
    return json.dumps([request.method, request.path.rpartition(":")[2], dict(request.query)], sort_keys=True)


def _response(response: RecordedResponse) -> Response:
    return Response(_content(response), response.status, headers=dict(response.headers))


def _content(response: RecordedResponse) -> bytes:
    if response.chunks is not None:
        text = "".join(map(_event_replaying, response.chunks))
    else:
        text = json.dumps(response.body) if response.text is None else response.text
    return text.encode("utf-8", "backslashreplace")


def _event_replaying(chunk: object) -> str:
    return f"{chunk if isinstance(chunk, str) else f'data: {json.dumps(chunk)}'}\r\n\r\n"
