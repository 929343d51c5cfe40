"""What the page remembers: the last exchanges, within a limit of bytes."""

from __future__ import annotations

import asyncio
import secrets
from contextlib import contextmanager
from typing import TYPE_CHECKING

from langchain_codeexec.emulator.page.exchange import Exchange

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["Journal"]

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
