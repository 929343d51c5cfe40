"""A proxy that writes down what goes through it."""

from __future__ import annotations

import asyncio
import json
import threading
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import httpx

from langchain_codeexec.emulator.cassettes import (
    Interaction,
    RecordedAnswer,
    RecordedQuestion,
    write_cassette,
)
from langchain_codeexec.emulator.disturbances import ConnectionCut
from langchain_codeexec.emulator.hosting import LocalServer, is_http_url
from langchain_codeexec.emulator.scrubbing import SECRET_QUERY, Scrubber
from langchain_codeexec.emulator.service_errors import EmulatedError
from langchain_codeexec.errors import ConfigurationError, MissingDependencyError

try:
    from starlette.applications import Starlette
    from starlette.routing import Route
except ImportError as error:
    raise MissingDependencyError("starlette", "emulator") from error

from langchain_codeexec.emulator.reading import read_body
from langchain_codeexec.emulator.streams import BreakableResponse, error_response

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable
    from pathlib import Path

    from starlette.requests import Request
    from starlette.responses import Response

__all__ = ["LARGEST_BODY", "METHODS", "RecordingProxy", "recorded_question"]

_NOT_SENT_ON = frozenset(
    "host content-length connection keep-alive transfer-encoding te trailer upgrade accept-encoding "
    "proxy-authorization proxy-authenticate x-forwarded-for x-forwarded-proto forwarded".split()
)
_NOT_SENT_BACK = _NOT_SENT_ON | {"content-encoding", "date", "server"}
_KEPT = ("content-type", "retry-after")
LARGEST_BODY = 20 * 1024 * 1024
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
"""What is passed on, recorded and replayed."""


class RecordingProxy(LocalServer):
    """Passes requests on to a service and writes them and their answers to a cassette.

    Point a client at `url` instead of at the service. Answers go through as they come, streams piece by piece.
    The file is written anew, after every answer that came to its end; interactions are in the order in which
    they were asked. Secrets are left out (see `Scrubber`), the client's credentials go to the service alone.

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
        self._recorder = _Recorder(base_url.rstrip("/"), cassette, Scrubber(secrets), timeout)
        app = Starlette(routes=[Route("/{path:path}", self._recorder.answer, methods=METHODS)])
        super().__init__(app, host=host, port=port)

    @property
    def interactions(self) -> tuple[Interaction, ...]:
        """What was recorded so far."""
        return self._recorder.interactions


def recorded_question(request: Request, raw: bytes, scrubber: Scrubber) -> RecordedQuestion:
    """A request as a cassette holds it."""
    scrubber.learn(request.url.path, request.url.query, request.headers)
    query = {name: value for name, value in parse_qsl(request.url.query) if name not in SECRET_QUERY}
    return RecordedQuestion(
        method=request.method,
        path=scrubber.text(request.url.path),
        query=scrubber.value(query),
        body=scrubber.value(_parsed(raw)) if raw else None,
    )


class _Recorder:
    def __init__(self, base_url: str, cassette: str | Path, scrubber: Scrubber, timeout: float) -> None:
        self._base_url = base_url
        self._cassette = cassette
        self._scrubber = scrubber
        self._timeout = timeout
        self._lock = threading.Lock()
        self._asked = 0
        self._recorded: dict[int, Interaction] = {}

    @property
    def interactions(self) -> tuple[Interaction, ...]:
        with self._lock:
            return tuple(self._recorded[place] for place in sorted(self._recorded))

    async def answer(self, request: Request) -> Response:
        place, self._asked = self._asked, self._asked + 1
        client = httpx.AsyncClient(timeout=self._timeout)
        try:
            raw = await read_body(request, LARGEST_BODY)
            question = recorded_question(request, raw, self._scrubber)
            answered = await client.send(self._onward(client, request, raw), stream=True)
        except EmulatedError as error:
            await client.aclose()
            return error_response(error)
        except httpx.HTTPError as error:
            await client.aclose()
            told = f"{self._base_url} could not be reached: {error}"
            return error_response(EmulatedError(502, "UNAVAILABLE", told))
        headers = {name: value for name, value in answered.headers.items() if name not in _NOT_SENT_BACK}
        pieces = self._recording(client, answered, place, question)
        return BreakableResponse(pieces, answered.status_code, headers)

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
        self, client: httpx.AsyncClient, answered: httpx.Response, place: int, question: RecordedQuestion
    ) -> AsyncIterator[bytes]:
        """The answer's bytes; at their end, and only there, the interaction is written down."""
        whole = bytearray()
        try:
            async for piece in answered.aiter_bytes():
                whole += piece
                yield piece
        except httpx.HTTPError as error:
            raise ConnectionCut from error  # what breaks there breaks here
        finally:
            await client.aclose()
        interaction = Interaction(question, self._recorded_answer(answered, bytes(whole)))
        await asyncio.to_thread(self._write, place, interaction)

    def _recorded_answer(self, answered: httpx.Response, raw: bytes) -> RecordedAnswer:
        kept = {name: answered.headers[name] for name in _KEPT if name in answered.headers}
        scrub = self._scrubber.value
        if kept.get("content-type", "").startswith("text/event-stream"):
            events = [_event(event) for event in raw.replace(b"\r\n", b"\n").split(b"\n\n") if event]
            return RecordedAnswer(answered.status_code, kept, chunks=scrub(events))
        parsed = _parsed(raw)
        if isinstance(parsed, str):
            return RecordedAnswer(answered.status_code, kept, text=scrub(parsed))
        return RecordedAnswer(answered.status_code, kept, body=scrub(parsed))

    def _write(self, place: int, interaction: Interaction) -> None:
        with self._lock:
            self._recorded[place] = interaction
            write_cassette(self._cassette, [self._recorded[place] for place in sorted(self._recorded)])


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
