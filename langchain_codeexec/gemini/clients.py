"""The httpx clients behind a transport: some for threads, some for each event loop, none for a forked child."""

from __future__ import annotations

import asyncio
import os
import threading
import weakref
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, Final, Generic, Protocol, TypeVar

import httpx

from langchain_codeexec.errors import ConfigurationError

__all__ = ["Clients", "abandon", "renew_after_fork"]

Client = TypeVar("Client")

# httpx walks over all pairs of idle connections at the beginning and end of each request, which makes a wide
# pool slow: 50 requests at a time cost five times as much in one pool of 50 as in several of this width.
_LANE_WIDTH: Final = 8
_IDLE_SECONDS: Final = 60.0


class Renewable(Protocol):
    """Something that can start afresh in a child process."""

    def renew(self) -> None:
        """Replace every lock, and leave the parent's connections alone."""
        ...


_renewables: weakref.WeakSet[Any] = weakref.WeakSet()
_abandoned: list[object] = []


def renew_after_fork(renewable: Renewable) -> None:
    """Have `renewable.renew()` called in every child process, for as long as the object lives."""
    _renewables.add(renewable)


def abandon(inherited: object) -> None:
    """Keep an inherited object from being closed or collected in this process.

    Closing it could wait for a lock that a thread of the parent held, and collecting it would warn of
    sockets that are the parent's to close.
    """
    _abandoned.append(inherited)


def _renew_in_child() -> None:
    for renewable in list(_renewables):
        renewable.renew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_in_child)


class Clients:
    """Opens clients as they are needed, lends them, and closes those it opened.

    Connections of an asynchronous client belong to the event loop that opened them, so each loop has clients
    of its own. They are closed when the loop shuts down its asynchronous generators, as `asyncio.run` does;
    before a loop is closed by hand, call `aclose` on it. A child process starts without clients. Everything
    may be used again after closing.

    Args:
        client: Client to lend instead of those opened here; it is never closed here.
        async_client: The same for coroutines, on whichever loop they run.
        trust_env: Whether clients opened here honour the proxy variables of the environment.
        client_args: Arguments of the clients that are opened here.
    """

    def __init__(
        self,
        client: httpx.Client | None = None,
        async_client: httpx.AsyncClient | None = None,
        *,
        trust_env: bool = True,
        client_args: Mapping[str, Any] | None = None,
    ) -> None:
        self._given = client
        self._given_async = async_client
        self._arguments = {"trust_env": trust_env, **(client_args or {})}
        self._start()
        renew_after_fork(self)

    def _start(self) -> None:
        self._lock = threading.Lock()
        self._threads: _Lanes[httpx.Client] | None = None
        self._closer: weakref.finalize[Any, Any] | None = None
        self._loops: dict[
            asyncio.AbstractEventLoop, tuple[_Lanes[httpx.AsyncClient], AsyncGenerator[None, None]]
        ] = {}

    def renew(self) -> None:
        """Start afresh in a child process; the connections are still the parent's."""
        if self._closer is not None:
            self._closer.detach()
        abandon((self._threads, self._loops))
        self._start()

    @contextmanager
    def borrow(self) -> Iterator[httpx.Client]:
        """Lend a client for one blocking request.

        Raises:
            ConfigurationError: The client that was given is closed.
        """
        if self._given is not None:
            yield _checked_open(self._given)
            return
        with (self._threads or self._open()).borrow() as client:
            yield client

    @asynccontextmanager
    async def aborrow(self) -> AsyncIterator[httpx.AsyncClient]:
        """Lend a client for one request on the running event loop.

        Raises:
            ConfigurationError: The client that was given is closed.
        """
        if self._given_async is not None:
            yield _checked_open(self._given_async)
            return
        lanes = await self._lanes_of_loop(asyncio.get_running_loop())
        with lanes.borrow() as client:
            yield client

    def close(self) -> None:
        """Close the clients of blocking requests."""
        with self._lock:
            closer, self._threads, self._closer = self._closer, None, None
            self._forget_ended_loops()
        if closer is not None:
            closer()

    async def aclose(self) -> None:
        """Close them and those of the running event loop. Other loops' clients close with their loops."""
        self.close()
        with self._lock:
            _, life = self._loops.pop(asyncio.get_running_loop(), (None, None))
        if life is not None:
            await life.aclose()

    def _open(self) -> _Lanes[httpx.Client]:
        with self._lock:
            if self._threads is None:
                self._threads = _Lanes(partial(httpx.Client, **{**_options(), **self._arguments}))
                # Also when the transport is dropped without closing, and when the interpreter ends.
                self._closer = weakref.finalize(self, _close_all, self._threads)
            return self._threads

    async def _lanes_of_loop(self, loop: asyncio.AbstractEventLoop) -> _Lanes[httpx.AsyncClient]:
        lanes, _ = self._loops.get(loop, (None, None))
        if lanes is None or lanes.is_closed:
            lanes = _Lanes(partial(httpx.AsyncClient, **{**_options(), **self._arguments}))
            life = _until_closed(lanes)
            with self._lock:
                self._forget_ended_loops()
                self._loops[loop] = lanes, life
            await anext(life)
        return lanes

    def _forget_ended_loops(self) -> None:
        ended = [loop for loop, (lanes, _) in self._loops.items() if loop.is_closed() or lanes.is_closed]
        for loop in ended:
            del self._loops[loop]


@dataclass(slots=True)
class _Lane(Generic[Client]):
    client: Client
    lent: int = 0


class _Lanes(Generic[Client]):
    """Clients side by side, so that none has more than a few requests at a time.

    The first one that is not full is lent, so one request after another stays on one connection.
    """

    def __init__(self, make: Callable[[], Client]) -> None:
        self.is_closed = False
        self._make = make
        self._lock = threading.Lock()
        self._lanes: list[_Lane[Client]] = []

    @contextmanager
    def borrow(self) -> Iterator[Client]:
        with self._lock:
            lane = next((lane for lane in self._lanes if lane.lent < _LANE_WIDTH), None)
            if lane is None:
                lane = _Lane(self._make())
                self._lanes.append(lane)
            lane.lent += 1
        try:
            yield lane.client
        finally:
            with self._lock:
                lane.lent -= 1

    def drain(self) -> list[Client]:
        """Give all clients away to be closed."""
        self.is_closed = True
        return [lane.client for lane in self._lanes]


def _close_all(lanes: _Lanes[httpx.Client]) -> None:
    for client in lanes.drain():
        client.close()


async def _until_closed(lanes: _Lanes[httpx.AsyncClient]) -> AsyncGenerator[None, None]:
    """Hold clients until their event loop shuts down.

    The loop keeps track of the asynchronous generators started on it, and closes them at its end or when they
    are collected. One that holds the clients therefore closes them in time and on the right loop.
    """
    try:
        yield
    finally:
        for client in lanes.drain():
            await client.aclose()


@cache
def _options() -> Mapping[str, Any]:
    """Options of all clients, with one TLS context: reading the certificates takes longer than a request."""
    return {
        "limits": httpx.Limits(
            max_connections=None, max_keepalive_connections=_LANE_WIDTH, keepalive_expiry=_IDLE_SECONDS
        ),
        "verify": httpx.create_ssl_context(),
        "follow_redirects": False,  # httpx would carry x-goog-api-key to another host
    }


def _checked_open(client: Client) -> Client:
    if getattr(client, "is_closed", False):
        raise ConfigurationError(
            "the httpx client given to the transport is closed: keep it open, or give none"
        )
    return client
