"""The record of the page: the last exchanges, as the bytes that passed, within a limit.

Nothing is recorded before somebody looks: the journal is opened by the first request of the page, or at once where
the emulator is served for one. Until then a request costs it one comparison and a count.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from langchain_codeexec.emulator.answering import Run
from langchain_codeexec.emulator.brain import Brain
from langchain_codeexec.emulator.cassettes import SECRET_QUERY
from langchain_codeexec.emulator.faults import Fault
from langchain_codeexec.emulator.targets import Target

__all__ = ["EXCHANGE", "Exchange", "Journal", "RecordedApp"]

EXCHANGE = "langchain_codeexec.exchange"
"""Key in an ASGI scope of the exchange it belongs to, where it is recorded."""

_SERVER_ERROR = 500


@dataclass(slots=True, eq=False)
class Exchange:
    """One request and its answer. Times are seconds since the request came.

    Attributes:
        number: From 1 on, in the order in which requests came.
        query: Query parameters, credentials left out.
        credential: What came as credential: `key`, `bearer` or nothing; never the credential itself.
        target: What the URL addresses; `None` where it addresses nothing.
        content_type: Media type of the answer.
        brain: Name of what answered; empty where no brain did.
        notes: What the brain noted about its answer.
        runs: The code that was run.
        status: HTTP status; 0 is no answer (yet).
        complete: Whether the answer came to its end.
        pieces: The answer as it was sent: when, and the bytes.
        size: Bytes that it takes, roughly.
        dropped: Bytes of both bodies that were too many to keep.
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
    request_body: bytes = b""
    content_type: str = ""
    brain: str = ""
    notes: list[str] = field(default_factory=list)
    faults: tuple[Fault, ...] = ()
    runs: list[Run] = field(default_factory=list)
    read_at: float = 0.0
    brain_at: float | None = None
    first_at: float | None = None
    ended_at: float | None = None
    status: int = 0
    complete: bool = False
    pieces: list[tuple[float, bytes]] = field(default_factory=list)
    size: int = 0
    dropped: int = 0
    revision: int = 0
    summary: dict[str, Any] | None = None
    began: float = field(default_factory=time.perf_counter)

    @property
    def now(self) -> float:
        """Seconds since the request came."""
        return time.perf_counter() - self.began

    @property
    def method(self) -> str:
        """`generateContent` and the like; the HTTP method where the URL names none."""
        return (self.target.action if self.target else "") or self.http_method

    def answered_by(self, brain: Brain, notes: list[str], runs: list[Run]) -> None:
        """A brain gets the prompt; it fills the notes, and its code the runs."""
        self.brain, self.notes, self.runs = type(brain).__name__.strip("_"), notes, runs
        self.brain_at = self.now

    @property
    def response_body(self) -> bytes:
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
        is_open: Whether exchanges are recorded.
        missed: How many requests came before it was opened.
    """

    def __init__(self, most: int = 1000, most_bytes: int = 64 * 1024 * 1024) -> None:
        self.run = secrets.token_hex(4)
        self.revision = 0
        self.is_open = False
        self.missed = 0
        self._most = most
        self._most_bytes = most_bytes
        self._kept: dict[int, Exchange] = {}
        self._size = 0
        self._begun = 0
        self._listeners: set[asyncio.Event] = set()

    @property
    def size(self) -> int:
        """Bytes that the exchanges take, roughly."""
        return self._size

    @property
    def oldest(self) -> int:
        """Number of the oldest exchange that is kept; the next one's where there is none."""
        return next(iter(self._kept), self.missed + self._begun + 1)

    def begin(self, http_method: str, path: str, query: Mapping[str, str], credential: str) -> Exchange:
        """A request came."""
        self._begun += 1
        exchange = Exchange(self.missed + self._begun, http_method, path, query, credential)
        self._kept[exchange.number] = exchange
        self._grow(exchange, _EXCHANGE_BYTES)
        self.changed(exchange)
        return exchange

    def add_request_body(self, exchange: Exchange, body: bytes) -> None:
        """Its body was read."""
        exchange.read_at = exchange.now
        if self._grow(exchange, len(body)):
            exchange.request_body = body
        self.changed(exchange)

    def add_piece(self, exchange: Exchange, piece: bytes) -> None:
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
        if exchange.number not in self._kept:
            return False
        if exchange.size + size > self._most_bytes // 2:
            exchange.dropped += size
            return False
        exchange.size += size
        self._size += size
        while len(self._kept) > self._most or self._size > self._most_bytes:
            oldest = next(number for number in self._kept if number != exchange.number)
            self._size -= self._kept.pop(oldest).size
        return True


class RecordedApp:
    """An application whose exchanges are recorded once the journal is open, except with the page itself."""

    def __init__(self, app: ASGIApp, journal: Journal, is_page: Callable[[Scope], bool]) -> None:
        self._app = app
        self._journal = journal
        self._is_page = is_page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, and record what passes."""
        if scope["type"] != "http" or self._is_page(scope):
            await self._app(scope, receive, send)
        elif self._journal.is_open:
            await self._record(scope, receive, send)
        else:
            self._journal.missed += 1
            await self._app(scope, receive, send)

    async def _record(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange = scope[EXCHANGE] = self._begin(scope)
        body = bytearray()

        async def received() -> Message:
            message = await receive()
            if message["type"] == "http.request":
                body.extend(message.get("body", b""))
                if not message.get("more_body", False):
                    self._journal.add_request_body(exchange, bytes(body))
            return message

        async def sent(message: Message) -> None:
            self._add(exchange, message)
            await send(message)

        try:
            await self._app(scope, received, sent)
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

    def _add(self, exchange: Exchange, message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = dict(message["headers"])
            exchange.content_type = headers.get(b"content-type", b"").decode("latin-1")
            exchange.status = message["status"]
            exchange.first_at = exchange.now
        elif message["type"] == "http.response.body":
            exchange.complete = not message.get("more_body", False)
            if piece := message.get("body", b""):
                self._journal.add_piece(exchange, piece)
