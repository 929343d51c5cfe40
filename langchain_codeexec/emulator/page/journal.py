"""One request and its answer, as the bytes that passed.

What the page remembers: the last exchanges, within a limit of bytes.

Writes exchanges down as they pass: their bytes on the way, and what the brain is asked.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from langchain_codeexec.emulator.cassettes import SECRET_QUERY

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from langchain_codeexec.emulator.brain import Brain, Prompt
    from langchain_codeexec.emulator.faults import Fault
    from langchain_codeexec.emulator.targets import Target
    from langchain_codeexec.executions import ExecutionResult
    from langchain_codeexec.gemini.wire import GenerateContentResponse, Part

__all__ = ["EXCHANGE", "Exchange", "Journal", "Run", "Watched", "WatchedBrain"]


@dataclass(frozen=True, slots=True)
class Run:
    """One run of code.

    Attributes:
        at: Seconds since the request came.
        seconds: How long the answer waited for it.
        outcome: How it ended, in the wire's words.
        cpu_time: Seconds on all processors; 0 where they were not counted.
        peak_memory: Bytes; 0 where they were not counted.
    """

    at: float
    seconds: float
    outcome: str
    cpu_time: float
    peak_memory: int


@dataclass(slots=True, eq=False)
class Exchange:
    """One request and its answer. Times are seconds since the request came.

    Attributes:
        number: From 1 on, in the order in which requests came.
        http_method: `POST` or `GET`.
        path: URL path without the query.
        query: Query parameters, credentials left out.
        credential: What came as credential: `key`, `bearer` or nothing; never the credential itself.
        received: When it came.
        target: What the URL addresses; `None` where it addresses nothing.
        question: The body as it came.
        content_type: Media type of the answer.
        brain: Name of what answered; empty where nothing was asked.
        notes: What that said about its answer.
        faults: What went wrong on purpose.
        runs: The code that was run.
        read_at: When the request was read.
        asked_at: When the brain was asked; `None` where it was not.
        first_at: When the answer began.
        ended_at: When it ended; `None` while it lasts.
        status: HTTP status; 0 is no answer (yet).
        complete: Whether the answer came to its end.
        pieces: The answer as it was sent: when, and the bytes.
        left_out: Bytes of both bodies that were too many to keep.
        revision: The journal's count of changes at the last change of this one.
        summary: Kept once the exchange is over.
    """

    number: int
    http_method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    credential: str = ""
    received: datetime = field(default_factory=lambda: datetime.now(UTC))
    target: Target | None = None
    question: bytes = b""
    content_type: str = ""
    brain: str = ""
    notes: list[str] = field(default_factory=list)
    faults: tuple[Fault, ...] = ()
    runs: list[Run] = field(default_factory=list)
    read_at: float = 0.0
    asked_at: float | None = None
    first_at: float | None = None
    ended_at: float | None = None
    status: int = 0
    complete: bool = False
    pieces: list[tuple[float, bytes]] = field(default_factory=list)
    left_out: int = 0
    revision: int = 0
    summary: dict[str, Any] | None = None
    _began: float = field(default_factory=time.perf_counter)

    @property
    def now(self) -> float:
        """Seconds since the request came."""
        return time.perf_counter() - self._began

    @property
    def method(self) -> str:
        """`generateContent` and the like; the HTTP method where the URL names none."""
        return (self.target.action if self.target else "") or self.http_method

    @property
    def answer(self) -> bytes:
        """The answer's body as far as it was kept."""
        return b"".join(piece for _, piece in self.pieces)


_EXCHANGE_BYTES = 2048
_PIECE_BYTES = 128


class Journal:
    """The last exchanges. It belongs to the event loop's thread.

    An exchange that had to go to make room, or was cleared, is forgotten even if it still lasts.

    Args:
        most: How many exchanges it keeps.
        most_bytes: How many bytes they may take together; one alone has at most half of that.

    Attributes:
        run: Tells this journal from those before a restart.
        revision: Counts changes.
    """

    def __init__(self, most: int = 1000, most_bytes: int = 64 * 1024 * 1024) -> None:
        self.run = secrets.token_hex(4)
        self.revision = 0
        self._most = most
        self._most_bytes = most_bytes
        self._kept: dict[int, Exchange] = {}
        self._sizes: dict[int, int] = {}
        self._size = 0
        self._next = 1
        self._listeners: set[asyncio.Event] = set()

    @property
    def size(self) -> int:
        """Bytes that the exchanges take, roughly."""
        return self._size

    @property
    def oldest(self) -> int:
        """Number of the oldest exchange that is kept; the next one's where there is none."""
        return next(iter(self._kept), self._next)

    def begin(self, http_method: str, path: str, query: Mapping[str, str], credential: str) -> Exchange:
        """A request came."""
        exchange = Exchange(self._next, http_method, path, query, credential)
        self._next += 1
        self._kept[exchange.number] = exchange
        self._sizes[exchange.number] = 0
        self._grow(exchange, _EXCHANGE_BYTES)
        self.changed(exchange)
        return exchange

    def asks(self, exchange: Exchange, body: bytes) -> None:
        """Its body was read."""
        exchange.read_at = exchange.now
        if self._grow(exchange, len(body)):
            exchange.question = body
        self.changed(exchange)

    def answers(self, exchange: Exchange, piece: bytes) -> None:
        """A piece of its answer is sent."""
        if self._grow(exchange, len(piece) + _PIECE_BYTES):
            exchange.pieces.append((exchange.now, piece))
        self.changed(exchange)

    def end(self, exchange: Exchange) -> None:
        """Its answer is over, complete or not."""
        exchange.ended_at = exchange.now
        self.changed(exchange)

    def changed(self, exchange: Exchange | None = None) -> None:
        """Tell whoever listens that an exchange, or something else the page shows, is another."""
        self.revision += 1
        if exchange is not None:
            exchange.revision = self.revision
        for woken in self._listeners:
            woken.set()

    def get(self, number: int) -> Exchange | None:
        """The exchange of that number, if it is kept."""
        return self._kept.get(number)

    def since(self, revision: int) -> list[Exchange]:
        """What changed after a revision, in the order in which it came."""
        return [exchange for exchange in self._kept.values() if exchange.revision > revision]

    def clear(self) -> None:
        """Forget everything; numbers go on."""
        self._kept.clear()
        self._sizes.clear()
        self._size = 0
        self.changed()

    @contextmanager
    def listening(self) -> Iterator[asyncio.Event]:
        """An event that every change sets."""
        woken = asyncio.Event()
        self._listeners.add(woken)
        try:
            yield woken
        finally:
            self._listeners.discard(woken)

    def _grow(self, exchange: Exchange, size: int) -> bool:
        """Make room; whether there is."""
        taken = self._sizes.get(exchange.number)
        if taken is None:
            return False
        if taken + size > self._most_bytes // 2:
            exchange.left_out += size
            return False
        self._sizes[exchange.number] = taken + size
        self._size += size
        while len(self._kept) > self._most or self._size > self._most_bytes:
            oldest = next(number for number in self._kept if number != exchange.number)
            del self._kept[oldest]
            self._size -= self._sizes.pop(oldest)
        return True


EXCHANGE = "langchain_codeexec.exchange"
"""Key in an ASGI scope of the exchange it belongs to."""

_SERVER_ERROR = 500


class Watched:
    """An application whose exchanges are written down.

    Args:
        app: The application.
        journal: Where to.
        is_own: Whether a request is the emulator's own matter, which is not written down.
    """

    def __init__(self, app: ASGIApp, journal: Journal, is_own: Callable[[Scope], bool]) -> None:
        self._app = app
        self._journal = journal
        self._is_own = is_own

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, and write down what is sent."""
        if scope["type"] != "http" or self._is_own(scope):
            await self._app(scope, receive, send)
            return
        exchange = scope[EXCHANGE] = self._begin(scope)

        async def sent(message: Message) -> None:
            self._write(exchange, message)
            await send(message)

        try:
            await self._app(scope, receive, sent)
        except Exception:
            exchange.status = exchange.status or _SERVER_ERROR
            raise
        finally:
            self._journal.end(exchange)

    def _begin(self, scope: Scope) -> Exchange:
        pairs = dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
        headers = {name for name, _ in scope["headers"]}
        has_key = b"x-goog-api-key" in headers or not SECRET_QUERY.isdisjoint(pairs)
        credential = "key" if has_key else "bearer" if b"authorization" in headers else ""
        query = {name: value for name, value in pairs.items() if name not in SECRET_QUERY}
        return self._journal.begin(scope["method"], scope["path"], query, credential)

    def _write(self, exchange: Exchange, message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = dict(message["headers"])
            exchange.content_type = headers.get(b"content-type", b"").decode("latin-1")
            exchange.status = message["status"]
            exchange.first_at = exchange.now
        elif message["type"] == "http.response.body":
            exchange.complete = not message.get("more_body", False)
            if piece := message.get("body", b""):
                self._journal.answers(exchange, piece)


class WatchedBrain:
    """A brain, and a note of when it was asked and what its code did.

    Args:
        brain: What answers.
        exchange: Where it is written down.
    """

    def __init__(self, brain: Brain, exchange: Exchange) -> None:
        self._brain = brain
        self._exchange = exchange

    def respond(
        self, prompt: Prompt
    ) -> Generator[Part | list[Part], ExecutionResult | None, GenerateContentResponse | None]:
        """Answer as the brain does."""
        exchange = self._exchange
        exchange.brain = type(self._brain).__name__.strip("_")
        exchange.notes = prompt.notes
        exchange.asked_at = exchange.now
        feedback: Any = None
        with closing(self._brain.respond(prompt)) as said:
            while True:
                try:
                    item = said.send(feedback)
                except StopIteration as end:
                    response: GenerateContentResponse | None = end.value
                    return response
                at = exchange.now
                feedback = yield item
                if feedback is not None:
                    exchange.runs.append(_run(feedback, at, exchange.now))


def _run(result: ExecutionResult, begun: float, ended: float) -> Run:
    return Run(begun, ended - begun, result.outcome.value, result.cpu_time, result.peak_memory)
