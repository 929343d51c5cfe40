"""A generator that blocks, advanced without blocking the event loop.

How answers travel: whole, or as a stream of bodies in one of two framings.
"""

from __future__ import annotations

import asyncio
import json
import threading
from contextlib import suppress
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar

from starlette.responses import Response, StreamingResponse

from langchain_codeexec.emulator.disturbances import ConnectionCut, cut_connection
from langchain_codeexec.emulator.service_errors import error_from_exception

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Generator, Mapping

    from starlette.types import Receive, Scope, Send

    from langchain_codeexec.emulator.disturbances import Disturbance
    from langchain_codeexec.emulator.service_errors import EmulatedError

__all__ = [
    "ARRAY",
    "EVENTS",
    "WHOLE",
    "BreakableResponse",
    "CutResponse",
    "Stepper",
    "all_bodies",
    "error_response",
    "json_response",
    "one_body",
    "stream_response",
]

T = TypeVar("T")
R = TypeVar("R")


class Stepper(Generic[T]):
    """Advances a generator in one thread of its own, without blocking the event loop.

    All steps and the close run in the same thread, because a sandbox may tie its life to the thread that
    started it. A step that never ends keeps neither the loop nor the interpreter from ending.
    """

    def __init__(self, steps: Generator[T]) -> None:
        self._steps = steps
        self._jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._busy = False
        self._closed = False
        threading.Thread(target=self._work, name="gemini-emulator-brain", daemon=True).start()

    async def next(self) -> T | None:
        """The next step; `None` after the last."""
        self._busy = True
        step = await self._run(lambda: next(self._steps, None))
        self._busy = False
        return step()

    async def aclose(self) -> None:
        """Close the generator and end the thread; a step given up on ends first and is not awaited."""
        if self._closed:
            return
        self._closed = True
        if self._busy:
            self._jobs.put(self._steps.close)
            self._jobs.put(None)
            return
        closed = await self._run(self._steps.close)
        self._jobs.put(None)
        closed()

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()

    async def _run(self, work: Callable[[], R]) -> Callable[[], R]:
        """Do some work in the thread; gives a function that returns or raises what it did."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[Callable[[], R]] = loop.create_future()

        def job() -> None:
            outcome = _outcome(work)
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(_settle, done, outcome)

        self._jobs.put(job)
        return await done


def _outcome(work: Callable[[], R]) -> Callable[[], R]:
    try:
        result = work()
    except BaseException as error:  # noqa: BLE001 -- raised where it is waited for
        failure = error

        def fail() -> R:
            raise failure

        return fail
    return lambda: result


def _settle(done: asyncio.Future[T], outcome: T) -> None:
    if not done.done():
        done.set_result(outcome)


_JSON = "application/json; charset=UTF-8"


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


def stream_response(
    bodies: AsyncIterator[Mapping[str, Any]],
    framing: Framing,
    disturbance: Disturbance,
    source: Stepper[Any],
) -> Response:
    """Answer with bodies as they are made.

    Args:
        bodies: What is sent; the first is made before the answer begins, so that its failure is a status.
        framing: How they are put into one body.
        disturbance: What goes wrong on the way.
        source: Closed when the stream ends or the client goes away.
    """
    frame, media_type = framing
    frames = frame(disturbance.texts(_texts(disturbance.bodies(bodies))))
    return _Stream(disturbance.frames(frames), source, media_type)


class CutResponse(Response):
    """The connection closes, and nothing is said."""

    def __init__(self) -> None:
        super().__init__()
        self.status_code = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 -- ASGI's signature
        """Close the connection beneath."""
        await cut_connection(scope, receive)


class BreakableResponse(StreamingResponse):
    """A streaming response whose content may raise `ConnectionCut`."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Stream the content, and close the connection where it says so."""
        try:
            await super().__call__(scope, receive, send)
        except ConnectionCut:
            await cut_connection(scope, receive)


class _Stream(BreakableResponse):
    """A streaming response that closes what it streams however it ends."""

    def __init__(self, content: AsyncIterator[bytes], source: Stepper[Any], media_type: str) -> None:
        super().__init__(content, media_type=media_type)
        self._source = source

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self._source.aclose()


async def one_body(body: T) -> AsyncIterator[T]:
    """An answer that is no stream."""
    yield body


async def all_bodies(first: Mapping[str, Any], rest: Stepper[Any]) -> AsyncIterator[Mapping[str, Any]]:
    """All bodies; a failure on the way becomes an error envelope, which is then the last."""
    body: Mapping[str, Any] | None = first
    while body is not None:
        yield body
        try:
            body = await rest.next()
        except Exception as error:  # noqa: BLE001 -- whatever a brain raises, the client is told in-stream
            yield error_from_exception(error).envelope
            return


async def _texts(bodies: AsyncIterator[Mapping[str, Any]]) -> AsyncIterator[bytes]:
    async for body in bodies:
        yield _encoded(body)


async def _events(texts: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    async for text in texts:
        yield b"data: " + text + b"\r\n\r\n"


async def _array(texts: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    separator = b"["
    async for text in texts:
        yield separator + text
        separator = b",\r\n"
    yield b"]"


async def _halves(texts: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    async for text in texts:
        middle = len(text) // 2
        yield text[:middle]
        yield text[middle:]


Framing: TypeAlias = "tuple[Callable[[AsyncIterator[bytes]], AsyncIterator[bytes]], str]"
"""How JSON texts become one body, and its media type."""

EVENTS: Framing = (_events, "text/event-stream")
ARRAY: Framing = (_array, _JSON)
WHOLE: Framing = (_halves, _JSON)
"""One body in two pieces, for what goes wrong between them."""
