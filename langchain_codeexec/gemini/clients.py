"""The httpx clients behind a transport: one for threads, one for each event loop."""

from __future__ import annotations

import asyncio
import threading
import weakref
from functools import cache
from typing import TYPE_CHECKING, Any

from langchain_codeexec.errors import ConfigurationError
from langchain_codeexec.gemini.fork import abandon, renew_after_fork

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncGenerator

    import httpx

__all__ = ["Clients"]

# httpx keeps 20 idle connections for 5 s: too few and too short for a chat model under load, whose requests
# are long and come in bursts.
_MAX_CONNECTIONS = 1000
_MAX_IDLE = 100
_IDLE_SECONDS = 60.0


class Clients:
    """Opens clients when they are needed, and closes those it opened.

    Connections of an asynchronous client belong to the event loop that opened them, so each loop has a client
    of its own, which is closed when the loop shuts down its asynchronous generators (`asyncio.run` does).
    A child process starts without clients. Everything may be used again after closing.

    Args:
        client: Client to use instead of an own one; it is never closed here.
        async_client: The same for coroutines. It is used on whichever loop asks.
        trust_env: Whether own clients honour the proxy variables of the environment.
    """

    def __init__(
        self,
        client: httpx.Client | None = None,
        async_client: httpx.AsyncClient | None = None,
        *,
        trust_env: bool = True,
    ) -> None:
        self._given = client
        self._given_async = async_client
        self._trust_env = trust_env
        self._lock = threading.Lock()
        self._own: httpx.Client | None = None
        self._closer: weakref.finalize[Any, Any] | None = None
        self._by_loop: dict[asyncio.AbstractEventLoop, _LoopClient] = {}
        renew_after_fork(self)

    def renew(self) -> None:
        """Start afresh in a child process; the connections are still the parent's."""
        if self._closer is not None:
            self._closer.detach()
        abandon((self._own, self._by_loop))
        self._lock = threading.Lock()
        self._own, self._closer, self._by_loop = None, None, {}

    def get(self) -> httpx.Client:
        """The client for blocking requests.

        Raises:
            ConfigurationError: The client that was given is closed.
        """
        if self._given is not None:
            _check_open(self._given)
            return self._given
        client = self._own
        return self._open() if client is None else client

    async def aget(self) -> httpx.AsyncClient:
        """The client for the running event loop.

        Raises:
            ConfigurationError: The client that was given is closed.
        """
        if self._given_async is not None:
            _check_open(self._given_async)
            return self._given_async
        loop = asyncio.get_running_loop()
        entry = self._by_loop.get(loop)
        if entry is None or entry.client.is_closed:
            entry = _LoopClient(self._async_client())
            with self._lock:
                self._forget_ended_loops()
                self._by_loop[loop] = entry
            await entry.start()
        return entry.client

    def close(self) -> None:
        """Close the client for blocking requests, and forget those of loops that have ended."""
        with self._lock:
            closer, self._own, self._closer = self._closer, None, None
            self._forget_ended_loops()
        if closer is not None:
            closer()

    async def aclose(self) -> None:
        """Close the client of the running event loop too. Those of other running loops close with them."""
        self.close()
        with self._lock:
            entry = self._by_loop.pop(asyncio.get_running_loop(), None)
        if entry is not None:
            await entry.close()

    def _open(self) -> httpx.Client:
        import httpx  # noqa: PLC0415 -- importing this module must stay cheap

        with self._lock:
            if self._own is None:
                self._own = httpx.Client(**self._options())
                # Also when the transport is dropped without closing, and when the interpreter ends.
                self._closer = weakref.finalize(self, self._own.close)
            return self._own

    def _async_client(self) -> httpx.AsyncClient:
        import httpx  # noqa: PLC0415 -- as above

        return httpx.AsyncClient(**self._options())

    def _options(self) -> dict[str, Any]:
        import httpx  # noqa: PLC0415 -- as above

        limits = httpx.Limits(
            max_connections=_MAX_CONNECTIONS,
            max_keepalive_connections=_MAX_IDLE,
            keepalive_expiry=_IDLE_SECONDS,
        )
        # No redirects: httpx would carry x-goog-api-key to another host.
        return {
            "limits": limits,
            "verify": _ssl_context(),
            "trust_env": self._trust_env,
            "follow_redirects": False,
        }

    def _forget_ended_loops(self) -> None:
        for loop in [
            loop for loop, entry in self._by_loop.items() if loop.is_closed() or entry.client.is_closed
        ]:
            del self._by_loop[loop]


class _LoopClient:
    """A client that its event loop closes when it shuts down.

    The loop keeps track of the asynchronous generators that were started on it, and closes them at its end or
    when they are collected; one that holds the client therefore closes it in time, on the right loop.
    """

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client
        self._life = _until_closed(client)

    async def start(self) -> None:
        await anext(self._life)

    async def close(self) -> None:
        await self._life.aclose()


async def _until_closed(client: httpx.AsyncClient) -> AsyncGenerator[None, None]:
    try:
        yield
    finally:
        await client.aclose()


def _check_open(client: httpx.Client | httpx.AsyncClient) -> None:
    if client.is_closed:
        raise ConfigurationError(
            "the httpx client given to the transport is closed: keep it open, or give none"
        )


@cache
def _ssl_context() -> ssl.SSLContext:
    """One for the process: reading the certificates takes longer than a request on an open connection."""
    import httpx  # noqa: PLC0415 -- as above

    return httpx.create_ssl_context()
