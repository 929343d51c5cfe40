"""The httpx clients behind a transport: some for threads, some for each event loop, none for a forked child."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
import time
import weakref
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import suppress
from functools import cache, partial
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

import httpx

from langchain_codeexec._fork import abandon, renew_after_fork
from langchain_codeexec.errors import ConfigurationError, GeminiTimeoutError
from langchain_codeexec.gemini.limits import MAX_CONNECTIONS, Deadline

__all__ = [
    "Clients",
    "Connected",
    "LoopPool",
    "Pool",
    "ThreadPool",
]

Client = TypeVar("Client")

_ALWAYS_KEPT: Final = 2
"""Idle connections that stay open for the next question of a conversation."""
_IDLE_SECONDS: Final = 4.0
_SWEEP_SECONDS: Final = 0.5


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
        max_connections: Connections that threads may have at a time, and each event loop as well.
        client_args: Arguments of the clients that are opened here.
    """

    def __init__(
        self,
        client: httpx.Client | None = None,
        async_client: httpx.AsyncClient | None = None,
        *,
        trust_env: bool = True,
        max_connections: int = MAX_CONNECTIONS,
        client_args: Mapping[str, Any] | None = None,
    ) -> None:
        self._given = client
        self._given_async = async_client
        self._arguments = {"trust_env": trust_env, **(client_args or {})}
        self._width = max_connections
        self._start()
        renew_after_fork(self)

    def _start(self) -> None:
        self._lock = threading.Lock()
        self._threads: ThreadPool | None = None
        self._closer: weakref.finalize[Any, Any] | None = None
        self._loops: dict[asyncio.AbstractEventLoop, LoopPool] = {}
        self._leaver = weakref.finalize(self, _leave_loops, self._loops)

    def renew(self) -> None:
        """Start afresh in a child process; the connections are still the parent's."""
        for finalizer in (self._closer, self._leaver):
            if finalizer is not None:
                finalizer.detach()
        abandon((self._threads, self._loops))
        self._start()

    @property
    def are_given(self) -> bool:
        """Whether some are not opened here."""
        return bool(self._given or self._given_async)

    def of_threads(self) -> ThreadPool:
        """The clients of blocking requests."""
        if self._threads is not None:
            return self._threads
        with self._lock:
            if self._threads is None:
                make = partial(self._opened, httpx.Client)
                self._threads = ThreadPool(make, self._width, self._given)
                # Also when the transport is dropped without closing, and when the interpreter ends.
                self._closer = weakref.finalize(self, _close_all, self._threads)
            return self._threads

    async def of_loop(self) -> LoopPool:
        """The clients of the running event loop."""
        loop = asyncio.get_running_loop()
        pool = self._loops.get(loop)
        if pool is None or pool.is_closed:
            make = partial(self._opened, httpx.AsyncClient)
            pool = LoopPool(make, self._width, self._given_async)
            with self._lock:
                self._forget_ended_loops()
                self._loops[loop] = pool
            await anext(pool.life)
        return pool

    def _opened(self, open_client: Callable[..., Client]) -> Client:
        try:
            arguments: dict[str, Any] = {**_OPTIONS, **self._arguments}
            verify = arguments.get("verify", True)
            if isinstance(verify, bool | str) and "cert" not in arguments:
                arguments["verify"] = _tls(verify)
            return open_client(**arguments)
        except (ValueError, TypeError, OSError, ImportError, httpx.InvalidURL) as error:
            given = self._arguments.keys() - {"trust_env"}
            what = (
                f"client_args={{{', '.join(sorted(given))}}}"
                if given
                else "HTTPS_PROXY, ALL_PROXY or SSL_CERT_FILE"
            )
            raise ConfigurationError(f"{what} cannot be used: {type(error).__name__} {error}") from error

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
            pool = self._loops.pop(asyncio.get_running_loop(), None)
        if pool is not None:
            await pool.aclose()

    def _forget_ended_loops(self) -> None:
        ended = [loop for loop, pool in self._loops.items() if loop.is_closed() or pool.is_closed]
        for loop in ended:
            del self._loops[loop]


class Pool(ABC, Generic[Client]):
    """Clients of one connection each, at most so many at a time; the last one given back is lent first.

    One pool of httpx compares all of its connections at the beginning and end of each request, and all that
    wait as well: 1,000 requests at once over 100 connections take ten times as long in it.
    """

    def __init__(
        self, make: Callable[[], Client], width: int, given: Client | None, give_permit: Callable[[], None]
    ) -> None:
        self.is_closed = False
        self._give_permit = give_permit
        self._make = make
        self._width = width
        self._given = given
        self._lock = threading.Lock()
        self._clients: dict[Client, Connected] = {}
        self._idle: deque[tuple[float, Client]] = deque()
        self._last_given_back = 0.0
        self._will_sweep = False

    def lend(self) -> tuple[Client, Connected]:
        """A client that no other request uses, and its connection; to be given back in any case.

        Raises:
            ConfigurationError: The client that was given is closed.
        """
        if self._given is not None:
            if getattr(self._given, "is_closed", False):
                raise ConfigurationError(
                    "the httpx client given to the transport is closed: keep it open, or give none"
                )
            return self._given, Connected()
        with self._lock:
            if self._idle:
                client = self._idle.pop()[1]
                return client, self._clients[client]
            try:
                client = self._make()
            except Exception:
                self._give_permit()
                raise
            self._clients[client] = connected = Connected()
            return client, connected

    def give_back(self, client: Client, response: httpx.Response | None) -> None:
        """Take a client back. One whose last response was not read to its end is closed, without waiting."""
        is_done = response is not None and response.is_closed
        if client is self._given:
            if response is not None and not is_done:
                self._close(response)
            return
        self._give_permit()
        with self._lock:
            self._last_given_back = time.monotonic()
            keeps = is_done and client in self._clients
            is_left = not keeps and self._clients.pop(client, None) is not None
            if keeps:
                self._idle.append((self._last_given_back, client))
            begins = len(self._idle) > _ALWAYS_KEPT and not self._will_sweep
            self._will_sweep |= begins
        if is_left:
            self._close(client)
        if begins:
            self._later(_IDLE_SECONDS, self._sweep)

    def drain(self) -> list[Client]:
        """Give all clients away to be closed."""
        with self._lock:
            self.is_closed = True
            clients = list(self._clients)
            self._clients.clear()
            self._idle.clear()
        return clients

    def _sweep(self) -> None:
        """Close what has been idle for long: the server may have closed it, which nobody notices until then."""
        stale = []
        with self._lock:
            now = time.monotonic()
            while len(self._idle) > _ALWAYS_KEPT and self._idle[0][0] <= now - _IDLE_SECONDS:
                client = self._idle.popleft()[1]
                del self._clients[client]
                stale.append(client)
            self._will_sweep = len(self._idle) > _ALWAYS_KEPT
            wait = self._idle[0][0] + _IDLE_SECONDS - now if self._will_sweep else 0.0
        for client in stale:
            self._close(client)
        if self._will_sweep:
            self._later(max(wait, _SWEEP_SECONDS), self._sweep)

    def _patience(self, since: float, limit: float | None) -> float | None:
        """Seconds to wait on: those of `limit` begin anew whenever a connection is given back to anyone."""
        return None if limit is None else max(since, self._last_given_back) + limit - time.monotonic()

    def _check_patience(self, since: float, limit: float | None) -> None:
        patience = self._patience(since, limit)
        if patience is not None and patience <= 0:
            raise GeminiTimeoutError(
                f"all {self._width} connections were in use, and none was given back for {limit:g} s: close "
                "streams that are no longer read, send less at once, or allow more with max_connections=…"
            )

    @abstractmethod
    def _close(self, resource: Any) -> None: ...

    @abstractmethod
    def _later(self, seconds: float, action: Callable[[], None]) -> None: ...


class ThreadPool(Pool[httpx.Client]):
    """Clients of blocking requests."""

    def __init__(self, make: Callable[[], httpx.Client], width: int, given: httpx.Client | None) -> None:
        self._permits = threading.Semaphore(width)
        super().__init__(make, width, given, self._permits.release)

    def wait(self, limit: float | None, deadline: Deadline) -> None:
        """Wait until a client may be lent.

        Raises:
            GeminiTimeoutError: None was given back for `limit` seconds, or the deadline has come.
        """
        since = time.monotonic()
        while not (
            self._given or self._permits.acquire(timeout=deadline.least(self._patience(since, limit)))
        ):
            deadline.check()
            self._check_patience(since, limit)

    def _close(self, resource: Any) -> None:
        resource.close()

    def _later(self, seconds: float, action: Callable[[], None]) -> None:
        timer = threading.Timer(seconds, action)
        timer.daemon = True
        timer.start()


class LoopPool(Pool[httpx.AsyncClient]):
    """Clients of one event loop; made on it."""

    def __init__(
        self, make: Callable[[], httpx.AsyncClient], width: int, given: httpx.AsyncClient | None
    ) -> None:
        self._permits = asyncio.Semaphore(width)
        super().__init__(make, width, given, self._permits.release)
        self._loop = asyncio.get_running_loop()
        self._closing: dict[asyncio.Task[None], Any] = {}
        self.life = self._until_closed()

    async def wait(self, limit: float | None) -> None:
        """Wait until a client may be lent; see `ThreadPool.wait`."""
        since = time.monotonic()
        while not self._given:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._patience(since, limit) if self._permits.locked() else None):
                    await self._permits.acquire()
                return
            self._check_patience(since, limit)

    def give_back(self, client: httpx.AsyncClient, response: httpx.Response | None) -> None:
        """Take a client back; of a loop that was closed by hand, its sockets close as they are collected."""
        if not self._loop.is_closed():
            super().give_back(client, response)

    async def _until_closed(self) -> AsyncGenerator[None, None]:
        """Hold clients until their event loop shuts down.

        The loop keeps track of the asynchronous generators started on it, and closes them at its end. One that
        holds the clients therefore closes them in time and on the right loop.
        """
        try:
            yield
        finally:
            await self.aclose()

    def begin_to_close(self) -> None:
        """Close all clients."""
        for client in self.drain():
            self._close(client)

    async def aclose(self) -> None:
        """Close all clients, and wait for those that close already."""
        self.begin_to_close()
        await asyncio.gather(*self._closing, return_exceptions=True)

    def _close(self, resource: Any) -> None:
        # In a task of its own: who gives a client back may be cancelled, or be closed as a generator at the end
        # of its loop, and must not wait.
        task = self._loop.create_task(_aclose(resource))
        self._closing[task] = resource
        task.add_done_callback(self._closed)

    def _closed(self, task: asyncio.Task[None]) -> None:
        resource = self._closing.pop(task)
        if task.cancelled():  # as at the end of a loop, perhaps before it began
            self._clients[resource] = Connected()

    def _later(self, seconds: float, action: Callable[[], None]) -> None:
        self._loop.call_later(seconds, action)


async def _aclose(resource: Any) -> None:
    with suppress(Exception):  # it is given up; there is nobody to tell
        await resource.aclose()


class Connected:
    """What httpcore tells of a blocking request: which stream it is sent on, so that it can be broken off."""

    def __init__(self) -> None:
        self._stream: Any = None

    def __call__(self, event: str, info: Mapping[str, Any]) -> None:
        """Take note of an event; see httpx's request extension `trace`."""
        if event.endswith(("connect_tcp.complete", "start_tls.complete")):
            self._stream = info["return_value"]

    def break_off(self) -> None:
        """End what another thread reads or writes."""
        if self._stream is not None:
            with suppress(OSError):  # it has ended
                socket.socket.shutdown(self._stream.get_extra_info("socket"), socket.SHUT_RDWR)


def _close_all(pool: ThreadPool) -> None:
    for client in pool.drain():
        client.close()


def _leave_loops(loops: dict[asyncio.AbstractEventLoop, LoopPool]) -> None:
    """Close the clients of a transport that was dropped, on the loops where it was used."""
    for loop, pool in loops.items():
        with suppress(RuntimeError):  # it is closed
            loop.call_soon_threadsafe(pool.begin_to_close)


_OPTIONS: Final[Mapping[str, Any]] = {
    "limits": httpx.Limits(max_connections=1, keepalive_expiry=60.0),
    "follow_redirects": False,  # httpx would carry x-goog-api-key to another host
}


@cache
def _tls(verify: bool | str) -> ssl.SSLContext:
    """One TLS context for all clients that verify alike: reading the certificates takes longer than a request."""
    if isinstance(verify, str):
        is_folder = Path(verify).is_dir()
        return ssl.create_default_context(
            cafile=None if is_folder else verify, capath=verify if is_folder else None
        )
    return httpx.create_ssl_context(verify)
