"""Recording: a proxy that writes a cassette of what goes through it."""

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
from collections.abc import AsyncIterator, Callable, Iterable
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
from langchain_codeexec.emulator.service_errors import EmulatedError
from langchain_codeexec.errors import ConfigurationError, MissingDependencyError

__all__ = [
    "METHODS",
    "UPLOAD_URL",
    "RecordingProxy",
    "largest_body",
    "place_of",
    "recorded_request",
]

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
UPLOAD_URL = "x-goog-upload-url"
_KEPT = (
    "content-type",
    "retry-after",
    "x-goog-upload-chunk-granularity",
    "x-goog-upload-size-received",
    "x-goog-upload-status",
    UPLOAD_URL,
)
_LARGEST_BODY = 20 * 1024 * 1024
_LARGEST_UPLOAD = 256 * 1024 * 1024
_LONGEST_TEXT = 64 * 1024
"""Of a longer piece of an upload, its digest is recorded."""
_LARGEST_ANSWER = 64 * 1024 * 1024
"""What is longer is passed on and not recorded."""
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
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
            routes=[Route("/{path:path}", self._answer, methods=METHODS)],
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
                raw = await read_body(request, largest_body(request))
                sending = client.send(self._onward(client, request, raw), stream=True)
                response = await while_connected(request, sending)
            except EmulatedError as error:
                return error_response(error)
            except httpx.HTTPError as error:
                message = f"{self._base_url} could not be reached: {error}"
                return error_response(EmulatedError(502, "UNAVAILABLE", message))
            unanswered.pop_all()
        headers = {name: value for name, value in response.headers.items() if name not in _NOT_SENT_BACK}
        if url := response.headers.get(UPLOAD_URL):
            headers[UPLOAD_URL] = self._through_here(url, request)
        record = partial(self._record, order, request, raw)
        pieces = self._recording(response, began, record)
        return BreakableResponse(pieces, client, status_code=response.status_code, headers=headers)

    def _through_here(self, url: str, request: Request) -> str:
        """The URL here of an upload that the service wants to have elsewhere."""
        place = place_of(url)
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
                recorded = recorded_request(request, raw, self._scrubber)
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
        if UPLOAD_URL in kept:
            kept[UPLOAD_URL] = self._scrubber.text(_without_secrets(kept[UPLOAD_URL]))
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


def largest_body(request: Request) -> int:
    """How many bytes a request may have."""
    return _LARGEST_UPLOAD if _uploads(request) else _LARGEST_BODY


def _uploads(request: Request) -> bool:
    return "/upload/" in request.url.path


def place_of(url: str) -> str:
    """Path and query of a URL."""
    return urlsplit(url)._replace(scheme="", netloc="").geturl()


def _without_secrets(url: str) -> str:
    """Path and query of a URL without the parameters that are secret."""
    query = [(name, value) for name, value in parse_qsl(urlsplit(url).query) if name not in SECRET_QUERY]
    return place_of(urlsplit(url)._replace(query=urlencode(query)).geturl())


def recorded_request(request: Request, raw: bytes, scrubber: Scrubber) -> RecordedRequest:
    """A request as a cassette holds it."""
    is_long = _uploads(request) and len(raw) > _LONGEST_TEXT
    scrubber.learn(request.url.path, request.url.query, request.headers)
    query = {name: value for name, value in parse_qsl(request.url.query) if name not in SECRET_QUERY}
    return RecordedRequest(
        method=request.method,
        path=scrubber.text(request.url.path),
        query=scrubber.value(query),
        body=scrubber.value(_digest(raw) if is_long else _parsed(raw)) if raw else None,
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
    return _digest(raw)


def _digest(raw: bytes) -> str:
    return f"{len(raw)} bytes, sha256 {hashlib.sha256(raw).hexdigest()}"


def _event(event: bytes) -> Any:
    """The data of an event, else the event as it is."""
    data = _parsed(event.removeprefix(b"data:")) if event.startswith(b"data:") else ""
    return event.decode("utf-8", "replace") if isinstance(data, str) else data
