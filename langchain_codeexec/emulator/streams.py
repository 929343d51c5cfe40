"""Bodies made step by step in a worker thread, and how a stream of them is framed."""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from starlette.responses import Response, StreamingResponse

from langchain_codeexec.emulator.service_errors import error_from_exception

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Generator, Mapping

    from starlette.types import Receive, Scope, Send

    from langchain_codeexec.emulator.service_errors import EmulatedError

__all__ = ["Stepper", "error_response", "json_response", "stream_response"]

T = TypeVar("T")

_JSON = "application/json; charset=UTF-8"


class Stepper(Generic[T]):
    """Advances a generator in one thread of its own, without blocking the event loop.

    All steps and the close run in the same thread, because a sandbox may tie its life to the thread that
    started it.
    """

    def __init__(self, steps: Generator[T]) -> None:
        self._steps = steps
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="gemini-emulator-brain")
        self._busy = False

    async def next(self) -> T | None:
        """The next step; `None` after the last."""
        self._busy = True
        step = asyncio.wrap_future(self._thread.submit(next, self._steps, None))
        await asyncio.wait([step])
        self._busy = False
        return step.result()

    async def aclose(self) -> None:
        """Close the generator and end the thread; a step given up on ends first and is not awaited."""
        closing = self._thread.submit(self._steps.close)
        if not self._busy:
            await asyncio.wrap_future(closing)
        self._thread.shutdown(wait=not self._busy)


def _encoded(body: Any) -> bytes:
    """UTF-8 as the service sends it; a lone surrogate becomes its JSON escape."""
    return json.dumps(body, ensure_ascii=False).encode("utf-8", "backslashreplace")


def json_response(body: Any) -> Response:
    """A 200 with a JSON body."""
    return Response(_encoded(body), media_type=_JSON)


def error_response(error: EmulatedError, *, as_array: bool = False) -> Response:
    """An error's envelope, in an array where the client expects one."""
    body = [error.envelope] if as_array else error.envelope
    return Response(_encoded(body), error.status_code, headers=error.headers, media_type=_JSON)


def stream_response(first: Mapping[str, Any], rest: Stepper[Any], *, sse: bool) -> Response:
    """A stream of bodies: server-sent events, or a JSON array element by element.

    Args:
        first: The first body, made before the answer began so that its failure could still be a status.
        rest: What gives the others; closed when the stream ends or the client goes away.
        sse: Whether to frame as server-sent events.
    """
    bodies = _bodies(first, rest)
    if sse:
        return _Stream(_events(bodies), rest, "text/event-stream")
    return _Stream(_array(bodies), rest, _JSON)


class _Stream(StreamingResponse):
    """A streaming response that closes what it streams however it ends."""

    def __init__(self, content: AsyncIterator[bytes], source: Stepper[Any], media_type: str) -> None:
        super().__init__(content, media_type=media_type)
        self._source = source

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self._source.aclose()


async def _bodies(first: Mapping[str, Any], rest: Stepper[Any]) -> AsyncIterator[Mapping[str, Any]]:
    """All bodies; a failure on the way becomes an error envelope, which is then the last."""
    body: Mapping[str, Any] | None = first
    while body is not None:
        yield body
        try:
            body = await rest.next()
        except Exception as error:  # noqa: BLE001 -- whatever a brain raises, the client is told in-stream
            yield error_from_exception(error).envelope
            return


async def _events(bodies: AsyncIterator[Mapping[str, Any]]) -> AsyncIterator[bytes]:
    async for body in bodies:
        yield b"data: " + _encoded(body) + b"\r\n\r\n"


async def _array(bodies: AsyncIterator[Mapping[str, Any]]) -> AsyncIterator[bytes]:
    separator = b"["
    async for body in bodies:
        yield separator + _encoded(body)
        separator = b",\r\n"
    yield b"]"
