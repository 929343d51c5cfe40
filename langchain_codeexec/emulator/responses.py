"""How answers travel: the framing of a stream, and the connection beneath.

A brain may block, so the bodies of an answer are made in a thread of their own (`Stepper`) and framed on the event
loop.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Generator,
    Mapping,
)
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any, Generic, Protocol, TypeAlias, TypeVar

from langchain_codeexec.emulator.fault_injection import ConnectionCut, FaultInjection
from langchain_codeexec.emulator.service_errors import EmulatedError, error_from_exception, invalid
from langchain_codeexec.emulator.targets import Target
from langchain_codeexec.errors import MissingDependencyError
from langchain_codeexec.gemini.wire import GenerateContentResponse

__all__ = [
    "ARRAY",
    "CLOSE_EXTENSION",
    "EVENTS",
    "SHUTDOWN_EXTENSION",
    "BreakableResponse",
    "CutResponse",
    "Stepper",
    "all_bodies",
    "cut_connection",
    "damaged",
    "error_response",
    "first_body",
    "json_response",
    "read_body",
    "stream_response",
    "while_connected",
    "with_headers",
]

try:
    from starlette.requests import ClientDisconnect, Request
    from starlette.responses import Response, StreamingResponse
    from starlette.types import Receive, Scope, Send
except ImportError as error:
    raise MissingDependencyError("starlette", "emulator") from error

T = TypeVar("T")
R = TypeVar("R")

CLOSE_EXTENSION = "langchain_codeexec.close"
"""Key in an ASGI scope's `extensions` of the function that closes the connection beneath."""
SHUTDOWN_EXTENSION = "langchain_codeexec.shutdown"
"""Key in an ASGI scope's `extensions` of an `asyncio.Event` that is set when the server is to end."""

# -- a generator that blocks ---------------------------------------------------------------------------


class Stepper(Generic[T]):
    """Advances a generator in one thread of its own, without blocking the event loop.

    All steps and the close run in the same thread, because a sandbox may tie its life to the thread that
    started it. A step that never ends keeps neither the loop nor the interpreter from ending.

    Args:
        steps: The generator.
        stop: Called from the event loop's thread, it makes the step end that is given up on.
    """

    def __init__(self, steps: Generator[T], stop: Callable[[], None] = lambda: None) -> None:
        self._steps = steps
        self._stop = stop
        self._jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._last: Future[Any] | None = None
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="gemini-emulator-brain", daemon=True)
        self._thread.start()

    async def next(self) -> T | None:
        """The next step; `None` after the last."""
        self._last = step = self._submit(lambda: next(self._steps, None))
        return await asyncio.wrap_future(step)

    async def aclose(self) -> None:
        """Close the generator and end the thread; a step given up on ends first and is not awaited."""
        if self._closed:
            return
        self._closed = True
        given_up = self._last is not None and not self._last.done()
        if given_up:
            self._stop()
        closed = self._submit(self._steps.close)
        self._jobs.put(None)
        if not given_up:
            await asyncio.wrap_future(closed)
            self._thread.join()  # it has nothing left to do

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()

    def _submit(self, work: Callable[[], R]) -> Future[R]:
        """Have some work done in the thread."""
        future: Future[R] = Future()
        future.set_running_or_notify_cancel()  # who waits may go away; the work is done

        def job() -> None:
            try:
                future.set_result(work())
            except BaseException as error:  # noqa: BLE001 -- raised where it is waited for
                future.set_exception(error)

        self._jobs.put(job)
        return future


async def first_body(bodies: Stepper[GenerateContentResponse], *, last: bool) -> GenerateContentResponse:
    """Make the first body before the answer begins, so that a failure up to there is a status."""
    first: GenerateContentResponse | None = None
    try:
        first = await bodies.next()
    except Exception as error:
        raise error_from_exception(error) from error
    finally:
        if first is None or last:
            await bodies.aclose()
    assert first is not None  # noqa: S101 -- an answer has at least its last body
    return first


async def all_bodies(first: Mapping[str, Any], rest: Stepper[Any]) -> AsyncIterator[Mapping[str, Any]]:
    """All bodies; a failure on the way becomes an error envelope, which is then the last."""
    body: Mapping[str, Any] | None = first
    while body is not None:
        yield body
        try:
            body = await rest.next()
        except Exception as error:  # noqa: BLE001 -- whatever a brain raises, the client gets in the stream
            yield error_from_exception(error).envelope
            return


# -- framing -------------------------------------------------------------------------------------------

_JSON = "application/json; charset=UTF-8"
_HEADERS = (
    (b"vary", b"Origin"),
    (b"vary", b"X-Origin"),
    (b"vary", b"Referer"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"SAMEORIGIN"),
    (b"x-xss-protection", b"0"),
)
"""What every answer was recorded with; `alt-svc` is left out, for nothing here speaks HTTP/3."""


def _encoded(body: Any) -> bytes:
    """UTF-8 as the service sends it; a lone surrogate becomes its JSON escape."""
    return json.dumps(body, ensure_ascii=False).encode("utf-8", "backslashreplace")


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


_Framing: TypeAlias = tuple[Callable[[AsyncIterator[bytes]], AsyncIterator[bytes]], str]
"""How JSON texts become one body, and its media type."""

EVENTS: _Framing = (_events, "text/event-stream")
ARRAY: _Framing = (_array, _JSON)


def json_response(body: Any, headers: Mapping[str, str] | None = None) -> Response:
    """A 200 with a JSON body."""
    return Response(_encoded(body), headers=headers, media_type=_JSON)


def error_response(
    error: EmulatedError, envelope: Mapping[str, Any] | None = None, *, as_array: bool = False
) -> Response:
    """An error's envelope, by default that of all services but one; in an array where the client expects one."""
    envelope = error.envelope if envelope is None else envelope
    body = [envelope] if as_array else envelope
    return Response(_encoded(body), error.status_code, headers=error.headers, media_type=_JSON)


def with_headers(response: Response, target: Target, seconds: float) -> Response:
    """Add what the service sends with every answer; the Developer API says how long it took."""
    response.raw_headers += _HEADERS
    if target.endpoint == "developer":
        response.raw_headers.append((b"server-timing", f"gfet4t7; dur={seconds * 1000:.0f}".encode()))
    return response


def stream_response(
    bodies: AsyncIterator[Mapping[str, Any]],
    framing: _Framing,
    injection: FaultInjection,
    source: _Closable,
) -> Response:
    """Answer with bodies as they are made; `source` is closed when the stream ends or the client goes away."""
    frame, media_type = framing
    frames = frame(injection.texts(_texts(injection.bodies(bodies))))
    headers = {
        "content-type": media_type,
        **({"content-disposition": "attachment"} if framing is EVENTS else {}),
    }
    return BreakableResponse(injection.frames(frames), source, headers=headers)


async def _once(body: bytes) -> AsyncIterator[bytes]:
    yield body


async def _halves(texts: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    async for text in texts:
        middle = len(text) // 2
        yield text[:middle]
        yield text[middle:]


def damaged(response: Response, injection: FaultInjection) -> Response:
    """An answer that is no stream as it arrives: where a fault waits on its way, it goes in two halves."""
    if not injection.on_the_way:
        return response
    frames = injection.frames(_halves(injection.texts(_once(bytes(response.body)))))
    headers = {name: value for name, value in response.headers.items() if name != "content-length"}
    return BreakableResponse(frames, status_code=response.status_code, headers=headers)


# -- the connection beneath ----------------------------------------------------------------------------


async def cut_connection(scope: Scope, receive: Receive) -> None:
    """Close the connection and wait until it is.

    A server that offers no way to do that is left with an answer that never came to its end.
    """
    close = (scope.get("extensions") or {}).get(CLOSE_EXTENSION)
    if close is None:
        return
    close()
    while (await receive())["type"] != "http.disconnect":
        pass


class _Closable(Protocol):
    async def aclose(self) -> None: ...


class CutResponse(Response):
    """The connection closes, and nothing is sent."""

    def __init__(self) -> None:
        super().__init__()
        self.status_code = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 -- ASGI's signature
        """Close the connection beneath."""
        await cut_connection(scope, receive)


class BreakableResponse(StreamingResponse):
    """A streaming response whose content may raise `ConnectionCut`, and whose source is closed however it ends."""

    def __init__(
        self, content: AsyncIterator[bytes], source: _Closable | None = None, **settings: Any
    ) -> None:
        super().__init__(content, **settings)
        self._source = source

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Stream the content, and close the connection where it says so."""
        try:
            await super().__call__(scope, receive, send)
        except ConnectionCut:
            await cut_connection(scope, receive)
        finally:
            if self._source is not None:
                await self._source.aclose()


async def while_connected(request: Request, work: Awaitable[T]) -> T:
    """Do some work for a client whose request has been read, and stop when it goes away."""
    working, leaving = asyncio.ensure_future(work), asyncio.ensure_future(request.receive())
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise EmulatedError(499, message="The client went away.")
        return working.result()
    finally:
        working.cancel()
        leaving.cancel()
        await asyncio.gather(working, leaving, return_exceptions=True)


async def read_body(request: Request, limit: int) -> bytes:
    """Read a request's body; what is over the limit is refused as soon as that is known."""
    too_large = invalid(f"Request payload size exceeds the limit: {limit} bytes.")
    raw = bytearray()
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared[:20]) > limit:
        raise too_large
    try:
        async for piece in request.stream():
            raw += piece
            if len(raw) > limit:
                raise too_large
    except ClientDisconnect:
        raise EmulatedError(499, message="The client went away.") from None
    return bytes(raw)
