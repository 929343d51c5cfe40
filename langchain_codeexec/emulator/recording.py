"""Record and replay: a proxy that writes a cassette of what goes through it, and a server that plays one."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import httpx

from langchain_codeexec.emulator.cassettes import (
    SECRET_QUERY,
    Interaction,
    RecordedRequest,
    RecordedResponse,
    Scrubber,
    nearest,
    read_cassette,
    write_cassette,
)
from langchain_codeexec.emulator.fault_injection import ConnectionCut
from langchain_codeexec.emulator.responses import (
    BreakableResponse,
    error_response,
    read_body,
)
from langchain_codeexec.emulator.server import LocalServer, is_http_url
from langchain_codeexec.emulator.service_errors import EmulatedError, not_prepared
from langchain_codeexec.errors import ConfigurationError, MissingDependencyError

__all__ = ["CassettePlayer", "RecordingProxy", "open_cassette"]

try:
    from starlette.applications import Starlette
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
_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
"""What is passed on, recorded and replayed."""


class RecordingProxy(LocalServer):
    """Passes requests on to a service and writes them and their answers to a cassette.

    Point a client at `url` instead of at the service. Answers go through as they come, streams piece by piece.
    The file is written anew, after every answer that came to its end; interactions are in the order in which
    they came. Secrets are left out (see `Scrubber`), the client's credentials go to the service alone.

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
        if not is_http_url(base_url):
            raise ConfigurationError(f"base_url {base_url!r} is no http or https URL")
        self._base_url = base_url.rstrip("/")
        self._cassette = cassette
        self._scrubber = Scrubber(secrets)
        self._timeout = timeout
        self._lock = threading.Lock()
        self._received = 0
        self._recorded: dict[int, Interaction] = {}
        app = Starlette(routes=[Route("/{path:path}", self._answer, methods=_METHODS)])
        super().__init__(app, host=host, port=port)

    @property
    def interactions(self) -> tuple[Interaction, ...]:
        """What was recorded so far."""
        with self._lock:
            return tuple(self._recorded[place] for place in sorted(self._recorded))

    async def _answer(self, request: Request) -> Response:
        place, self._received = self._received, self._received + 1
        client = httpx.AsyncClient(timeout=self._timeout)
        try:
            raw = await read_body(request, _LARGEST_BODY)
            recorded = _recorded_request(request, raw, self._scrubber)
            response = await client.send(self._onward(client, request, raw), stream=True)
        except EmulatedError as error:
            await client.aclose()
            return error_response(error)
        except httpx.HTTPError as error:
            await client.aclose()
            message = f"{self._base_url} could not be reached: {error}"
            return error_response(EmulatedError(502, "UNAVAILABLE", message))
        headers = {name: value for name, value in response.headers.items() if name not in _NOT_SENT_BACK}
        pieces = self._recording(client, response, place, recorded)
        return BreakableResponse(pieces, response.status_code, headers)

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
        self, client: httpx.AsyncClient, response: httpx.Response, place: int, request: RecordedRequest
    ) -> AsyncIterator[bytes]:
        """The answer's bytes; at their end, and only there, the interaction is written down."""
        whole = bytearray()
        try:
            async for piece in response.aiter_bytes():
                whole += piece
                yield piece
        except httpx.HTTPError as error:
            raise ConnectionCut from error  # what breaks there breaks here
        finally:
            await client.aclose()
        interaction = Interaction(request, self._recorded_response(response, bytes(whole)))
        await asyncio.to_thread(self._write, place, interaction)

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

    def _write(self, place: int, interaction: Interaction) -> None:
        with self._lock:
            self._recorded[place] = interaction
            write_cassette(self._cassette, [self._recorded[place] for place in sorted(self._recorded)])


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
        self._fits = _same_request if strict else _same_method
        self._scrubber = Scrubber(secrets)
        self._recorded = read_cassette(cassette)
        self._left = list(self._recorded)
        self._unanswered: list[RecordedRequest] = []
        self._lock = threading.Lock()
        app = Starlette(routes=[Route("/{path:path}", self._answer, methods=_METHODS)])
        super().__init__(app, host=host, port=port)

    def assert_finished(self) -> None:
        """Check that every interaction was used and every request answered.

        Raises:
            AssertionError: It names those that were not.
        """
        with self._lock:
            left, unanswered = list(self._left), list(self._unanswered)
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
            return _response(self._take(_recorded_request(request, raw, self._scrubber)))
        except EmulatedError as error:
            return error_response(error)

    def _take(self, request: RecordedRequest) -> RecordedResponse:
        with self._lock:
            for index, interaction in enumerate(self._left):
                if self._fits(interaction, request):
                    del self._left[index]
                    return interaction.response
            self._unanswered.append(request)
            used = any(self._fits(interaction, request) for interaction in self._recorded)
        why = "this request was recorded and is used up" if used else "no such request was recorded"
        difference = nearest(request, (one.request for one in self._left or self._recorded))
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


def _same_request(interaction: Interaction, request: RecordedRequest) -> bool:
    return interaction.request.matches(request)


def _same_method(interaction: Interaction, request: RecordedRequest) -> bool:
    recorded = interaction.request
    same_action = recorded.path.rpartition(":")[2] == request.path.rpartition(":")[2]
    return recorded.method == request.method and same_action and recorded.query == request.query


def _response(response: RecordedResponse) -> Response:
    return Response(_content(response), response.status, headers=dict(response.headers))


def _content(response: RecordedResponse) -> bytes:
    if response.chunks is not None:
        return "".join(map(_event_replaying, response.chunks)).encode()
    return (json.dumps(response.body) if response.text is None else response.text).encode()


def _event_replaying(chunk: object) -> str:
    return f"{chunk if isinstance(chunk, str) else f'data: {json.dumps(chunk)}'}\r\n\r\n"
