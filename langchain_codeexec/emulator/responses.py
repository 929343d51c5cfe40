"""How answers travel: the bodies an answer consists of, the framing of a stream, and the connection beneath.

An `Answer` becomes one body, or a body for every chunk of a stream. A brain may block, so the bodies are made in
a thread of their own (`Stepper`) and framed on the event loop.
"""

from __future__ import annotations

import asyncio
import json
import re
import secrets
import threading
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Generator,
    Iterator,
    Mapping,
    Sequence,
)
from concurrent.futures import Future
from datetime import UTC, datetime
from queue import SimpleQueue
from typing import Any, Generic, Protocol, TypeAlias, TypeVar, cast

from langchain_codeexec.emulator.answering import Answer, mint_signature
from langchain_codeexec.emulator.brain import RESPONSE_FIELDS
from langchain_codeexec.emulator.continuing import merged
from langchain_codeexec.emulator.fault_injection import ConnectionCut, FaultInjection
from langchain_codeexec.emulator.service_errors import EmulatedError, error_from_exception, invalid
from langchain_codeexec.emulator.targets import Target
from langchain_codeexec.errors import MissingDependencyError
from langchain_codeexec.gemini.wire import FunctionCall, GenerateContentResponse, Part

__all__ = [
    "ARRAY",
    "BODIES",
    "CLOSE_EXTENSION",
    "EVENTS",
    "HALVES",
    "SHUTDOWN_EXTENSION",
    "BreakableResponse",
    "CutResponse",
    "Stepper",
    "all_bodies",
    "cut_connection",
    "error_response",
    "first_body",
    "json_response",
    "one_body",
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

# -- the bodies of an answer ---------------------------------------------------------------------------

_END_OF_CALL: Part = {"functionCall": {}}
_CALLED = "Model generated function call(s)."
_PIECE = re.compile(r".{1,20}", re.DOTALL)
"""A text is cut anywhere, inside words and numbers too, as recorded."""
_RESULTS = frozenset({"codeExecutionResult", "toolResponse"})
_AVG_LOGPROBS = -0.25
"""The same for every answer: a script has no probabilities."""


def _whole(answer: Answer) -> Generator[GenerateContentResponse]:
    """The whole answer in one body; its last signature rides on the last text."""
    parts = list(answer.parts())
    if any(map(_is_response, parts)):
        identity = _identity(answer.target)
        yield from merged(_sent(answer, part, identity) for part in parts)
        return
    if answer.unsigned_text:
        parts[-1] = {**parts[-1], "thoughtSignature": mint_signature(answer.target.endpoint)}
    yield _finished(answer, parts, _identity(answer.target), has_parts=bool(parts), whole=True)


def _chunks(answer: Answer) -> Generator[GenerateContentResponse]:
    """The answer in pieces: text cut anywhere, all else whole, and a last chunk with the totals.

    In recorded traffic Gemini 2 gives the finish reason with its last words or its last call, so these wait here
    for what comes next. From Gemini 3 on the last chunk holds an empty text, which carries the last signature
    where the answer ended with text. After parts a brain had sent as they are it holds no part at all, and after a
    chunk of the brain's own there is none.
    """
    identity = _identity(answer.target)
    has_parts = is_own = False
    last: Part | None = None
    waiting: list[GenerateContentResponse] = []
    try:
        for part in answer.parts():
            is_own = _is_response(part)
            for piece in _call_pieces(part) if answer.streams_arguments(part) else _pieces(part):
                yield from waiting
                has_parts, last = True, piece if _may_end(piece, answer) else None
                chunk = _sent(answer, piece, identity)
                waiting = [] if last is None else [chunk]
                if last is None:
                    yield chunk
    except Exception:
        yield from waiting
        raise
    if not is_own:
        yield _finished(answer, _closing(answer) if last is None else [last], identity, has_parts=has_parts)


BODIES: Mapping[str, Callable[[Answer], Generator[GenerateContentResponse]]] = {
    "generateContent": _whole,
    "streamGenerateContent": _chunks,
}
"""The bodies of an answer, by method: one, or one for every chunk. Closing the generator ends the answer."""


def _may_end(piece: Part, answer: Answer) -> bool:
    """Whether a piece would end an answer of Gemini 2 by itself."""
    if piece == _END_OF_CALL:
        return True
    return not answer.target.signs and not answer.verbatim and ("text" in piece or "functionCall" in piece)


def _is_response(part: Mapping[str, Any]) -> bool:
    """Whether a brain gave a chunk of its own for a part."""
    return not RESPONSE_FIELDS.isdisjoint(part)


def _sent(answer: Answer, piece: Part, identity: Mapping[str, str]) -> GenerateContentResponse:
    """A chunk of one part; that of a brain's own is only completed by what is the same in every chunk."""
    if _is_response(piece):
        return cast("GenerateContentResponse", _present({**identity, **piece}))
    target = answer.target
    is_code = (
        "executableCode" in piece and target.signs and target.endpoint == "developer" and not answer.verbatim
    )
    parts: list[Part] = [piece, {"text": ""}] if is_code else [piece]
    candidate = _candidate(target, parts)
    return cast(
        "GenerateContentResponse",
        {"candidates": [candidate], "usageMetadata": answer.usage.so_far, **identity},
    )


def _closing(answer: Answer) -> list[Part]:
    if answer.unsigned_text:
        return [{"text": "", "thoughtSignature": mint_signature(answer.target.endpoint)}]
    return [] if answer.verbatim else [{"text": ""}]


def _pieces(part: Part) -> Iterator[Part]:
    """A text in pieces that add up to it; a signature stays on the last of them."""
    groups = _PIECE.findall(part.get("text", ""))
    if len(groups) < 2:  # noqa: PLR2004 -- nothing to split
        yield part
        return
    unsigned = cast("Part", {key: value for key, value in part.items() if key != "thoughtSignature"})
    for group in groups[:-1]:
        yield {**unsigned, "text": group}
    yield {**part, "text": groups[-1]}


def _call_pieces(part: Part) -> Iterator[Part]:
    """A call as Vertex streams it where `streamFunctionCallArguments` is set: name, arguments, end."""
    call = part.get("functionCall", {})
    named: dict[str, Any] = {key: value for key, value in call.items() if key != "args"}
    yield {**part, "functionCall": cast("FunctionCall", {**named, "willContinue": True})}
    for path, value in _leaves(call.get("args") or {}, "$"):
        for partial in _partial_args(value):
            piece = {"partialArgs": [{"jsonPath": path, **partial}], "willContinue": True}
            yield cast("Part", {"functionCall": piece})
    yield _END_OF_CALL


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Every value within arguments that holds no other, and its JSONPath."""
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from _leaves(item, f"{path}.{key}" if key.isidentifier() else f"{path}['{key}']")
    elif isinstance(value, list) and value:
        for index, item in enumerate(value):
            yield from _leaves(item, f"{path}[{index}]")
    elif value not in ({}, []):
        yield path, value


def _partial_args(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, str):
        for group in _PIECE.findall(value):
            yield {"stringValue": group, "willContinue": True}
        yield {"stringValue": ""}
    elif value is None:
        yield {"nullValue": "NULL_VALUE"}
    else:
        yield {"boolValue" if isinstance(value, bool) else "numberValue": value}


def _identity(target: Target) -> dict[str, str]:
    """What is the same in every chunk of an answer."""
    identity = {"modelVersion": target.model_version, "responseId": secrets.token_urlsafe(16)}
    if target.endpoint == "vertex":
        identity["createTime"] = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    return identity


def _candidate(target: Target, parts: Sequence[Part]) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"parts": list(parts), "role": "model"}} if parts else {}
    ends_with_result = bool(parts) and not _RESULTS.isdisjoint(parts[-1])
    if target.endpoint == "developer" and not target.is_early and not ends_with_result:
        candidate["index"] = 0
    return candidate


def _finished(
    answer: Answer, parts: Sequence[Part], identity: dict[str, str], *, has_parts: bool, whole: bool = False
) -> GenerateContentResponse:
    """The last body: what the brain sets itself replaces what the emulator says, `None` takes a field out."""
    fields: dict[str, Any] = {**answer.fields}
    first, *others = fields.pop("candidates", None) or [{}]
    candidate = {**_candidate(answer.target, parts), "finishReason": answer.finish_reason}
    target = answer.target
    if answer.has_calls and target.endpoint == "developer" and not target.is_early:
        candidate["finishMessage"] = _CALLED
    if whole and parts and target.is_scored and not answer.verbatim:
        candidate["avgLogprobs"] = _AVG_LOGPROBS
    candidate |= first
    body: dict[str, Any] = {"usageMetadata": answer.usage.total, **identity, **fields}
    if has_parts or not answer.fields or answer.fields.get("candidates"):
        body = {"candidates": [_present(candidate), *others], **body}
    return cast("GenerateContentResponse", _present(body))


def _present(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


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


async def _halves(texts: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    async for text in texts:
        middle = len(text) // 2
        yield text[:middle]
        yield text[middle:]


_Framing: TypeAlias = tuple[Callable[[AsyncIterator[bytes]], AsyncIterator[bytes]], str]
"""How JSON texts become one body, and its media type."""

EVENTS: _Framing = (_events, "text/event-stream")
ARRAY: _Framing = (_array, _JSON)
HALVES: _Framing = (_halves, _JSON)
"""One body in two pieces, for what goes wrong between them."""


def json_response(body: Any) -> Response:
    """A 200 with a JSON body."""
    return Response(_encoded(body), media_type=_JSON)


def error_response(error: EmulatedError, *, as_array: bool = False) -> Response:
    """An error's envelope, in an array where the client expects one."""
    body = [error.envelope] if as_array else error.envelope
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
    source: Stepper[Any],
) -> Response:
    """Answer with bodies as they are made; `source` is closed when the stream ends or the client goes away."""
    frame, media_type = framing
    frames = frame(injection.texts(_texts(injection.bodies(bodies))))
    headers = {
        "content-type": media_type,
        **({"content-disposition": "attachment"} if framing is EVENTS else {}),
    }
    return BreakableResponse(injection.frames(frames), source, headers=headers)


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

    def __init__(self, content: AsyncIterator[bytes], source: _Closable, **settings: Any) -> None:
        super().__init__(content, **settings)
        self._source = source

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Stream the content, and close the connection where it says so."""
        try:
            await super().__call__(scope, receive, send)
        except ConnectionCut:
            await cut_connection(scope, receive)
        finally:
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
