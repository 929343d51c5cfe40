"""Replaying: a server that plays a cassette."""

from __future__ import annotations

import asyncio
import itertools
import json
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from pathlib import Path

from langchain_codeexec.emulator.access import GuardedApp
from langchain_codeexec.emulator.cassettes import (
    RecordedRequest,
    RecordedResponse,
    Scrubber,
    fingerprint,
    nearest,
    read_cassette,
)
from langchain_codeexec.emulator.parsing import bytes_from_base64
from langchain_codeexec.emulator.recording import (
    METHODS,
    UPLOAD_URL,
    RecordingProxy,
    largest_body,
    place_of,
    recorded_request,
)
from langchain_codeexec.emulator.responses import error_response, read_body
from langchain_codeexec.emulator.server import LocalServer
from langchain_codeexec.emulator.service_errors import EmulatedError, not_prepared
from langchain_codeexec.errors import ConfigurationError, MissingDependencyError

__all__ = ["CassettePlayer", "open_cassette"]

try:
    from starlette.applications import Starlette
    from starlette.middleware import Middleware
    from starlette.requests import Request
    from starlette.responses import Response, StreamingResponse
    from starlette.routing import Route
except ImportError as error:
    raise MissingDependencyError("starlette", "emulator") from error


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
            routes=[Route("/{path:path}", self._answer, methods=METHODS)],
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
            raw = await read_body(request, largest_body(request))
            recorded = await asyncio.to_thread(self._take, request, raw)
            return await self._response(recorded, str(request.base_url).rstrip("/"))
        except EmulatedError as error:
            return error_response(error)

    def _take(self, received: Request, raw: bytes) -> RecordedResponse:
        with self._lock:
            request = recorded_request(received, raw, self._scrubber)
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
        if UPLOAD_URL in headers:
            headers[UPLOAD_URL] = base_url + place_of(headers[UPLOAD_URL])
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
