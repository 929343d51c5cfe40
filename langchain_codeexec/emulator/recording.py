"""Record and replay: a proxy that writes a cassette of what goes through it, and a server that plays one."""

from __future__ import annotations

import asyncio
import base64
import bisect
import hashlib
import itertools
import json
import logging
import re
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AsyncExitStack, suppress
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import parse_qsl, urlencode, urlsplit

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
from langchain_codeexec.emulator.parsing import bytes_from_base64
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
    from starlette.responses import Response, StreamingResponse
    from starlette.routing import Route
except ImportError as error:
    raise MissingDependencyError("starlette", "emulator") from error


_NOT_SENT_ON = frozenset(
    "host content-length connection keep-alive transfer-encoding te trailer upgrade accept-encoding "
    "proxy-authorization proxy-authenticate x-forwarded-for x-forwarded-proto forwarded".split()
)
_NOT_SENT_BACK = _NOT_SENT_ON | {"content-encoding", "date", "server"}
_UPLOAD_URL = "x-goog-upload-url"
_KEPT = (
    "content-type",
    "retry-after",
    "x-goog-upload-chunk-granularity",
    "x-goog-upload-size-received",
    "x-goog-upload-status",
    _UPLOAD_URL,
)
_LARGEST_BODY = 20 * 1024 * 1024
_LARGEST_UPLOAD = 256 * 1024 * 1024
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
    client's credentials go to the service alone. The URL that the service gives for an upload leads through here.

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
        self._uploads: dict[str, str] = {}
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
        order, began = next(self._order), time.monotonic()
        client = httpx.AsyncClient(timeout=self._timeout)
        async with AsyncExitStack() as unanswered:
            unanswered.push_async_callback(client.aclose)
            try:
                raw = await read_body(request, _largest(request))
                sending = client.send(self._onward(client, request, raw), stream=True)
                response = await while_connected(request, sending)
            except EmulatedError as error:
                return error_response(error)
            except httpx.HTTPError as error:
                message = f"{self._base_url} could not be reached: {error}"
                return error_response(EmulatedError(502, "UNAVAILABLE", message))
            unanswered.pop_all()
        headers = {name: value for name, value in response.headers.items() if name not in _NOT_SENT_BACK}
        if url := response.headers.get(_UPLOAD_URL):
            headers[_UPLOAD_URL] = self._through_here(url, request)
        record = partial(self._record, order, request, raw)
        pieces = self._recording(response, began, record)
        return BreakableResponse(pieces, client, status_code=response.status_code, headers=headers)

    def _through_here(self, url: str, request: Request) -> str:
        """The URL here of an upload that the service wants to have elsewhere."""
        place = _place(url)
        self._uploads[place] = url
        return f"{str(request.base_url).rstrip('/')}{place}"

    def _onward(self, client: httpx.AsyncClient, request: Request, raw: bytes) -> httpx.Request:
        place = _raw_path(request) + (f"?{request.url.query}" if request.url.query else "")
        headers = [(name, value) for name, value in request.headers.items() if name not in _NOT_SENT_ON]
        return client.build_request(
            request.method,
            self._uploads.get(place) or f"{self._base_url}{place}",
            headers=[*headers, ("accept-encoding", "identity")],
            content=raw,
        )

    async def _recording(
        self, response: httpx.Response, began: float, record: Callable[[Callable[[], RecordedResponse]], None]
    ) -> AsyncIterator[bytes]:
        """The answer's bytes; at their end, and only there, they are recorded."""
        whole, marks = bytearray(), []
        try:
            async for piece in response.aiter_bytes():
                if len(whole) <= _LARGEST_ANSWER:
                    whole += piece
                    marks.append((len(whole), time.monotonic() - began))
                yield piece
        except httpx.HTTPError as error:
            raise ConnectionCut from error  # what breaks there breaks here
        await asyncio.to_thread(record, partial(self._recorded_response, response, bytes(whole), marks))

    def _record(
        self, order: int, request: Request, raw: bytes, response: Callable[[], RecordedResponse]
    ) -> None:
        """Write an interaction down; what goes wrong with that is no concern of the client."""
        with self._lock:
            if self._is_over:
                return
            try:
                recorded = _recorded_request(request, raw, self._scrubber)
                interaction = Interaction(recorded, response(), order)
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

    def _recorded_response(
        self, response: httpx.Response, raw: bytes, marks: list[_Mark]
    ) -> RecordedResponse:
        if len(raw) > _LARGEST_ANSWER:
            raise ValueError(f"it is longer than {_LARGEST_ANSWER} bytes")
        kept = {name: response.headers[name] for name in _KEPT if name in response.headers}
        if _UPLOAD_URL in kept:
            kept[_UPLOAD_URL] = self._scrubber.text(_without_secrets(kept[_UPLOAD_URL]))
        scrub = self._scrubber.value
        if kept.get("content-type", "").startswith("text/event-stream"):
            events = [_event(event) for event in raw.replace(b"\r\n", b"\n").split(b"\n\n") if event]
            timing = _timing([match.end() for match in _EVENT_ENDS.finditer(raw)], marks)
            return RecordedResponse(response.status_code, kept, chunks=scrub(events), timing=timing)
        timing = _timing([len(raw)], marks)
        try:
            raw.decode()
        except UnicodeDecodeError:
            data = base64.b64encode(raw).decode()
            return RecordedResponse(response.status_code, kept, data=data, timing=timing)
        parsed = _parsed(raw)
        if isinstance(parsed, str):
            return RecordedResponse(response.status_code, kept, text=scrub(parsed), timing=timing)
        return RecordedResponse(response.status_code, kept, body=scrub(parsed), timing=timing)


_Mark: TypeAlias = tuple[int, float]
"""How many bytes of an answer had come after how many seconds."""
_EVENT_ENDS = re.compile(rb"(?:\r?\n){2,}")


def _timing(ends: list[int], marks: list[_Mark]) -> str | None:
    """How long each piece of an answer took, in milliseconds, by where the pieces end."""
    if not marks:
        return None
    came = [marks[bisect.bisect_left(marks, (end,))][1] for end in ends if end <= marks[-1][0]]
    rounded = [0, *(round(seconds * 1000) for seconds in came)]
    return " ".join(str(later - earlier) for earlier, later in itertools.pairwise(rounded)) or None


def _largest(request: Request) -> int:
    return _LARGEST_UPLOAD if "/upload/" in request.url.path else _LARGEST_BODY


def _place(url: str) -> str:
    """Path and query of a URL."""
    return urlsplit(url)._replace(scheme="", netloc="").geturl()


def _without_secrets(url: str) -> str:
    """Path and query of a URL without the parameters that are secret."""
    query = [(name, value) for name, value in parse_qsl(urlsplit(url).query) if name not in SECRET_QUERY]
    return _place(urlsplit(url)._replace(query=urlencode(query)).geturl())


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
    """JSON, else text, else what tells the bytes from others."""
    with suppress(ValueError):
        return json.loads(raw)
    with suppress(UnicodeDecodeError):
        return raw.decode()
    return f"{len(raw)} bytes, sha256 {hashlib.sha256(raw).hexdigest()}"


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
        wait: How to let the recorded seconds pass before an answer and between its chunks, `asyncio.sleep` for
            example; by default none pass.
        host: Address to listen on.
        port: Port to listen on; 0 takes a free one.

    Raises:
        ConfigurationError: The file cannot be read or is no cassette, or `host` is not a loopback address.
        MissingDependencyError: Starlette or uvicorn is not installed.
    """

    def __init__(  # noqa: PLR0913 -- what is played and where, as keywords
        self,
        cassette: str | Path,
        *,
        strict: bool = True,
        secrets: Iterable[str] = (),
        wait: Callable[[float], Awaitable[object]] | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        self._wait = wait
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
            raw = await read_body(request, _largest(request))
            recorded = await asyncio.to_thread(self._take, request, raw)
            return await self._response(recorded, str(request.base_url).rstrip("/"))
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
        number = len(self._recorded) - len(self._left) + len(self._unanswered)
        step = f"request {number}, {request.method} {request.path}"
        raise not_prepared(f"{self._name}: {step}: {why}; record it anew.\n{difference}".strip())

    async def _response(self, recorded: RecordedResponse, base_url: str) -> Response:
        headers = dict(recorded.headers)
        if _UPLOAD_URL in headers:
            headers[_UPLOAD_URL] = base_url + _place(headers[_UPLOAD_URL])
        pieces = _pieces(recorded)
        if self._wait is None:
            return Response(b"".join(pieces), recorded.status, headers)
        first, *delays = [int(text) / 1000 for text in (recorded.timing or "0").split()]
        await self._wait(first)
        return StreamingResponse(_timed(pieces, delays, self._wait), recorded.status, headers)


def open_cassette(
    cassette: str | Path,
    *,
    base_url: str = "",
    strict: bool = True,
    secrets: Iterable[str] = (),
    wait: Callable[[float], Awaitable[object]] | None = None,
) -> CassettePlayer | RecordingProxy:
    """Play a cassette where there is one, else record it.

    Args:
        cassette: The file.
        base_url: The service to record; empty only plays.
        strict: As for `CassettePlayer`.
        secrets: As for both.
        wait: As for `CassettePlayer`.

    Raises:
        ConfigurationError: There is no file and no service.
    """
    if Path(cassette).exists():
        return CassettePlayer(cassette, strict=strict, secrets=secrets, wait=wait)
    if not base_url:
        raise ConfigurationError(f"there is no cassette {cassette}; give a base_url to record it from")
    return RecordingProxy(base_url, cassette, secrets=secrets)


def _method(request: RecordedRequest) -> str:
    return json.dumps([request.method, request.path.rpartition(":")[2], dict(request.query)], sort_keys=True)


async def _timed(
    pieces: list[bytes], delays: list[float], wait: Callable[[float], Awaitable[object]]
) -> AsyncIterator[bytes]:
    for piece, delay in itertools.zip_longest(pieces, delays):
        yield piece or b""
        if delay:
            await wait(delay)


def _pieces(recorded: RecordedResponse) -> list[bytes]:
    if recorded.data is not None:
        return [bytes_from_base64(recorded.data)]
    if recorded.chunks is not None:
        texts = list(map(_event_replaying, recorded.chunks))
    else:
        texts = [json.dumps(recorded.body) if recorded.text is None else recorded.text]
    return [text.encode("utf-8", "backslashreplace") for text in texts]


def _event_replaying(chunk: object) -> str:
    return f"{chunk if isinstance(chunk, str) else f'data: {json.dumps(chunk)}'}\r\n\r\n"
