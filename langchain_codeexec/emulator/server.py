"""An ASGI application on a local port, in a thread.

The emulator on a socket.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import threading
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Any, Self, cast
from urllib.parse import urlsplit

from langchain_codeexec.emulator.assertions import asked_requests, assert_asked
from langchain_codeexec.emulator.disturbances import CLOSE_EXTENSION, cut_connection
from langchain_codeexec.emulator.faults import Faults
from langchain_codeexec.emulator.page import PREFIX
from langchain_codeexec.errors import ConfigurationError, MissingDependencyError

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Unpack

    import uvicorn
    from starlette.applications import Starlette
    from starlette.types import ASGIApp, Receive, Scope, Send

    from langchain_codeexec.emulator.app import AppOptions, ServerOptions
    from langchain_codeexec.emulator.assertions import AskedRequest, RecordedRequest
    from langchain_codeexec.emulator.brain import Brain
    from langchain_codeexec.executors.base import CodeExecutor

__all__ = ["ENDING_EXTENSION", "GeminiEmulator", "LocalServer", "is_http_url", "serve"]

_KEEP_ALIVE = 300
"""Seconds an idle connection stays open; uvicorn's own five meet clients that are about to use it again."""

ENDING_EXTENSION = "langchain_codeexec.ending"
"""Key in an ASGI scope's `extensions` of an `asyncio.Event` that is set when the server is to end."""


class LocalServer:
    """Serves an ASGI application, usually from a thread of its own.

    Use it as a context manager, async or not, or call `start` and `stop`.

    Args:
        app: What answers.
        host: Address to listen on.
        port: Port to listen on; 0 takes a free one.
        allow_remote: Whether `host` may be other than a loopback address.
        grace: Seconds that requests under way may still take when it is stopped.

    Raises:
        ConfigurationError: `host` is not a loopback address and `allow_remote` is not set.
        MissingDependencyError: uvicorn is not installed.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        allow_remote: bool = False,
        grace: float = 5,
    ) -> None:
        _check_host(host, allow_remote=allow_remote)
        self._address = (host, port)
        self._new_server = partial(_server, app, grace)
        self._new_server()  # a server serves only once; this one proves that uvicorn is there
        self._url = ""
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Base URL, without a trailing slash.

        Raises:
            ConfigurationError: It was never started.
        """
        if not self._url:
            raise ConfigurationError(
                "the emulator has no URL before it is started; use it in a with statement"
            )
        return self._url

    def start(self) -> Self:
        """Listen and answer. When this returns, connections are accepted; started twice is started.

        Raises:
            OSError: The address cannot be bound.
        """
        if self._thread is None:
            listener = _listen(self._address)
            self._url = _url(listener)
            self._server = self._new_server()
            self._thread = threading.Thread(
                target=_run, args=(self._server, listener), name="gemini-emulator", daemon=True
            )
            self._thread.start()
        return self

    def stop(self) -> None:
        """Let requests under way finish for the time of grace, then close everything.

        Stopped twice is stopped. A brain that blocks for longer is left behind in its thread, which does not
        keep the interpreter from ending.
        """
        if self._server is not None and self._thread is not None:
            self._server.should_exit = True
            self._thread.join()
        self._server = self._thread = None

    def serve(self, announce: Callable[[str], None] | None = None) -> None:
        """Answer in the calling thread until interrupted, instead of in a thread of its own.

        Args:
            announce: Called with the base URL once connections are accepted.

        Raises:
            OSError: The address cannot be bound.
        """
        listener = _listen(self._address)
        self._url = _url(listener)
        with listener:
            if announce is not None:
                announce(self._url)
            _run(self._new_server(), listener)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *exc_info: object) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        return self.start()

    async def __aexit__(self, *exc_info: object) -> None:
        await asyncio.to_thread(self.stop)


def is_http_url(url: str) -> bool:
    """Whether a text is a URL that HTTP requests can go to."""
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # brackets that do not close, a port that is none
        return False


def _check_host(host: str, *, allow_remote: bool) -> None:
    if allow_remote or host == "localhost":
        return
    try:
        loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise ConfigurationError(
            f"host {host!r} is not a loopback address, and the emulator runs code for everyone who reaches "
            "it; listen on 127.0.0.1, or set allow_remote=True"
        )


class _Hosted:
    """An application that can close its connections, and be told to end what is under way.

    Uvicorn's own end of patience cancels a request twice and logs where it was; this one closes quietly.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._under_way: set[asyncio.Task[Any]] = set()
        self.ending = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        transport = getattr(
            getattr(receive, "__self__", None), "transport", None
        )  # uvicorn's, where it has one
        extensions = {**(scope.get("extensions") or {}), ENDING_EXTENSION: self.ending}
        if transport is not None:
            extensions[CLOSE_EXTENSION] = transport.close
        scope = {**scope, "extensions": extensions}
        task = cast("asyncio.Task[Any]", asyncio.current_task())
        self._under_way.add(task)
        try:
            await self._app(scope, receive, send)
        except asyncio.CancelledError:
            await cut_connection(scope, receive)
        finally:
            self._under_way.discard(task)

    def cut_all(self) -> None:
        for task in self._under_way:
            task.cancel()


def _server(app: ASGIApp, grace: float) -> uvicorn.Server:
    try:
        import uvicorn  # noqa: PLC0415 -- an optional library
    except ImportError as error:
        raise MissingDependencyError("uvicorn", "emulator") from error

    hosted = _Hosted(app)

    class Server(uvicorn.Server):
        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            hosted.ending.set()
            asyncio.get_running_loop().call_later(grace, hosted.cut_all)
            await super().shutdown(sockets)

    config = uvicorn.Config(
        hosted,
        interface="asgi3",
        lifespan="off",
        ws="none",
        log_config=None,
        access_log=False,
        timeout_keep_alive=_KEEP_ALIVE,
    )
    return Server(config)


def _run(server: uvicorn.Server, listener: socket.socket) -> None:
    """Serve until it is told to exit; where that was before it began, uvicorn leaves the listener open."""
    with listener:
        server.run([listener])


def _listen(address: tuple[str, int]) -> socket.socket:
    """Bind and listen here: the port is known, and connections queue until the server takes them."""
    host, port = address
    family, kind, protocol, _, resolved = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(resolved)
        listener.listen()
    except OSError:
        listener.close()
        raise
    return listener


def _url(listener: socket.socket) -> str:
    """A URL that reaches the listener from this machine, whatever address it is bound to."""
    bound, port = listener.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(bound, str(bound))  # noqa: S104 -- recognised, not bound
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


_REMEMBERED = 10_000


class GeminiEmulator(LocalServer):
    """A Gemini service on a local port, running in a thread.

    Use it as a context manager, async or not, or call `start` and `stop`.

    Args:
        brain: What decides the answers; by default the built-in rules.
        executor: What runs the code the brain writes; by default the local sandbox; see `AppOptions` for where
            there can be none.
        host: Address to listen on.
        port: Port to listen on; 0 takes a free one.
        allow_remote: Whether `host` may be other than a loopback address. The emulator runs code for
            everyone who reaches it.
        grace: Seconds that requests under way may still take when it is stopped.
        **options: See `AppOptions`; by default the last 10,000 requests are recorded.

    Attributes:
        faults: What goes wrong with which request; add to it at any time.

    Raises:
        ConfigurationError: `host` is not a loopback address and `allow_remote` is not set.
        MissingDependencyError: Starlette or uvicorn is not installed.
    """

    def __init__(  # noqa: PLR0913 -- where to listen, and for how long
        self,
        brain: Brain | None = None,
        executor: CodeExecutor | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        allow_remote: bool = False,
        grace: float = 5,
        **options: Unpack[AppOptions],
    ) -> None:
        self._log = options.setdefault("log", deque(maxlen=_REMEMBERED))
        self.faults = options["faults"] = Faults.of(options.get("faults", ()))
        app = _app(brain, executor, options)
        super().__init__(app, host=host, port=port, allow_remote=allow_remote, grace=grace)

    @property
    def page_url(self) -> str:
        """Where a browser on this machine shows what came in and what was answered.

        Raises:
            ConfigurationError: It was never started.
        """
        return f"{self.url}{PREFIX}/"

    @property
    def requests(self) -> tuple[RecordedRequest, ...]:
        """What came in so far, in the order it was answered."""
        return tuple(self._log)

    @property
    def asked(self) -> tuple[AskedRequest, ...]:
        """The requests to generate content among them, ready to be looked into."""
        return asked_requests(self._log)

    def assert_asked(self, *, times: int | None = None, **wanted: Any) -> None:
        """Check that something was asked.

        Args:
            times: How often; by default at least once.
            **wanted: `text` or `regex` in the last turn, `model`, and all of its `tools` or `functions`: see
                `langchain_codeexec.emulator.asked.assert_asked`.

        Raises:
            AssertionError: It shows what was asked instead.
        """
        assert_asked(self.asked, times=times, **wanted)


def serve(
    brain: Brain | None = None,
    executor: CodeExecutor | None = None,
    *,
    announce: Callable[[str], None] | None = None,
    **options: Unpack[ServerOptions],
) -> None:
    """Run the emulator in the foreground until interrupted.

    Its page remembers the last 1,000 requests, 64 MiB of them at most; beyond that nothing is recorded unless
    `log` is given.

    Args:
        brain: As for `GeminiEmulator`.
        executor: As for `GeminiEmulator`.
        announce: Called with the base URL once connections are accepted.
        **options: As for `GeminiEmulator`.

    Raises:
        ConfigurationError: `host` is not a loopback address and `allow_remote` is not set.
        MissingDependencyError: Starlette or uvicorn is not installed.
        OSError: The address cannot be bound.
    """
    options.setdefault("log", deque(maxlen=0))
    GeminiEmulator(brain, executor, **options).serve(announce)


def _app(brain: Brain | None, executor: CodeExecutor | None, options: AppOptions) -> Starlette:
    from langchain_codeexec.emulator.app import create_app  # noqa: PLC0415 -- imports Starlette

    return create_app(brain, executor, **options)
