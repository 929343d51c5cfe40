"""uvicorn, stopped by events: one run of an application on a listener.

uvicorn looks every tenth of a second whether it is to end, and again whether its last connection is gone. Here
both wait for events, so that stopping takes milliseconds. What is under way ends quietly: uvicorn's own end of
patience cancels a request twice and logs where it was.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from contextlib import suppress
from types import FrameType
from typing import Any, TypeVar

from starlette.types import ASGIApp, Receive, Scope, Send

from langchain_codeexec.emulator.responses import CLOSE_EXTENSION, SHUTDOWN_EXTENSION, cut_connection
from langchain_codeexec.errors import MissingDependencyError

__all__ = ["Hosting"]

try:
    import uvicorn
except ImportError as error:
    raise MissingDependencyError("uvicorn", "emulator") from error

T = TypeVar("T")

_KEEP_ALIVE = 300
"""Seconds an idle connection stays open; uvicorn's own five meet clients that are about to use it again."""
_TICK = 1.0
"""Seconds between two looks at the clock, for the time in the headers."""


class Hosting:
    """One run of an application, from its first request to the close of its last connection.

    Args:
        app: What answers.
        grace: Seconds that requests under way may still take when it is stopped.
        tls: What is served with; by default plain HTTP.
    """

    def __init__(self, app: ASGIApp, grace: float, tls: ssl.SSLContext | None = None) -> None:
        self._app = _QuietApp(app)
        config = uvicorn.Config(
            self._app,
            interface="asgi3",
            lifespan="auto",
            ws="none",
            log_config=None,
            access_log=False,
            timeout_keep_alive=_KEEP_ALIVE,
        )
        self._config, self._tls = config, tls
        self._server = _Server(config, self._app, grace)

    def run(self, listener: socket.socket) -> None:
        """Serve until told to stop; where that was before it began, uvicorn leaves the listener open."""
        self._config.load()
        self._config.ssl = self._tls  # of its own making: uvicorn's would need the key in a file
        with listener:
            self._server.run([listener])

    def stop(self) -> None:
        """Tell the server to end, from any thread."""
        self._server.should_exit = True
        self._server.wake()


class _QuietApp:
    """An application that may close its connections, and whose requests can all be ended."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._requests: set[asyncio.Task[Any]] = set()
        self.shutdown = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        extensions = {**(scope.get("extensions") or {}), SHUTDOWN_EXTENSION: self.shutdown}
        transport = getattr(getattr(receive, "__self__", None), "transport", None)
        if transport is not None:  # uvicorn's, where it has one
            extensions[CLOSE_EXTENSION] = transport.close
        scope = {**scope, "extensions": extensions}
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 -- uvicorn answers every request in a task
        self._requests.add(task)
        try:
            await self._app(scope, receive, send)
        except asyncio.CancelledError:
            await cut_connection(scope, receive)
        finally:
            self._requests.discard(task)

    def cut_all(self) -> None:
        for task in self._requests:
            task.cancel()


class _AwaitedSet(set[T]):
    """A set that can be waited for to be empty; uvicorn keeps its connections and tasks in two."""

    def __init__(self) -> None:
        super().__init__()
        self._discarded = asyncio.Event()

    def discard(self, element: object) -> None:
        super().discard(element)
        self._discarded.set()

    async def emptied(self) -> None:
        while self:
            self._discarded.clear()
            await self._discarded.wait()


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, app: _QuietApp, grace: float) -> None:
        super().__init__(config)
        self._quiet_app = app
        self._grace = grace
        self._loop: asyncio.AbstractEventLoop | None = None
        self._woken = asyncio.Event()
        self._connections = self.server_state.connections = _AwaitedSet[Any]()
        self._tasks = self.server_state.tasks = _AwaitedSet[Any]()

    def wake(self) -> None:
        """Look now, and not at the next tick, whether to end."""
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop is closed: it has ended
                self._loop.call_soon_threadsafe(self._woken.set)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        super().handle_exit(sig, frame)
        self.wake()

    async def main_loop(self) -> None:
        self._loop = asyncio.get_running_loop()  # before the look: who stops it sees the loop, or is seen
        while not await self.on_tick(0):
            with suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), _TICK)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take no more connections, let the answers under way end, cut those that outlast the time of grace."""
        self._quiet_app.shutdown.set()
        for server in self.servers:
            server.close()
        for listener in sockets or ():
            listener.close()
        for connection in list(self._connections):
            connection.shutdown()
        patience = asyncio.create_task(self._lose_patience())
        await self._connections.emptied()
        await self._tasks.emptied()
        patience.cancel()
        await self.lifespan.shutdown()

    async def _lose_patience(self) -> None:
        """Cut what is left after the time of grace, or at a second Ctrl-C; who does not read is not waited for."""
        loop = asyncio.get_running_loop()
        end = loop.time() + self._grace
        while not self.force_exit and (left := end - loop.time()) > 0:
            self._woken.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), left)
        self._quiet_app.cut_all()
        for connection in list(self._connections):
            if connection.transport.get_write_buffer_size():
                connection.transport.abort()
