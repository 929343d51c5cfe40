"""The emulator on a socket."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import threading
from collections import deque
from typing import TYPE_CHECKING, Self

from langchain_codeexec.errors import ConfigurationError, MissingDependencyError

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Unpack

    import uvicorn
    from starlette.applications import Starlette

    from langchain_codeexec.emulator.app import AppOptions, ServerOptions
    from langchain_codeexec.emulator.brain import Brain
    from langchain_codeexec.emulator.request_log import RecordedRequest
    from langchain_codeexec.executors.base import CodeExecutor

__all__ = ["GeminiEmulator", "serve"]

_GRACE_SECONDS = 5


class GeminiEmulator:
    """A Gemini service on a local port, running in a thread.

    Use it as a context manager, async or not, or call `start` and `stop`.

    Args:
        brain: What decides the answers; by default the built-in rules.
        executor: What runs the code the brain writes; by default a process with limits.
        host: Address to listen on.
        port: Port to listen on; 0 takes a free one.
        allow_remote: Whether `host` may be other than a loopback address. The emulator runs code for
            everyone who reaches it.
        **options: See `AppOptions`; by default everything is recorded.

    Raises:
        ConfigurationError: `host` is not a loopback address and `allow_remote` is not set.
        MissingDependencyError: Starlette or uvicorn is not installed.
    """

    def __init__(
        self,
        brain: Brain | None = None,
        executor: CodeExecutor | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        allow_remote: bool = False,
        **options: Unpack[AppOptions],
    ) -> None:
        _check_host(host, allow_remote=allow_remote)
        self._address = (host, port)
        self._log = options.setdefault("log", [])
        self._config = _config(_app(brain, executor, options))
        self._url = ""
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Base URL, without a trailing slash.

        Raises:
            ConfigurationError: The emulator was never started.
        """
        if not self._url:
            raise ConfigurationError(
                "the emulator has no URL before it is started; use it in a with statement"
            )
        return self._url

    @property
    def requests(self) -> tuple[RecordedRequest, ...]:
        """What came in so far, in the order it was answered."""
        return tuple(self._log)

    def start(self) -> Self:
        """Listen and answer. When this returns, connections are accepted; started twice is started.

        Raises:
            OSError: The address cannot be bound.
        """
        if self._thread is None:
            listener = _listen(self._address)
            self._url = _url(listener)
            self._server = _server(self._config)
            self._thread = threading.Thread(
                target=self._server.run, args=([listener],), name="gemini-emulator", daemon=True
            )
            self._thread.start()
        return self

    def stop(self) -> None:
        """Let requests under way finish for five seconds, then close everything; stopped twice is stopped."""
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
        if announce is not None:
            announce(self._url)
        _server(self._config).run([listener])

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *exc_info: object) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        return self.start()

    async def __aexit__(self, *exc_info: object) -> None:
        await asyncio.to_thread(self.stop)


def serve(
    brain: Brain | None = None,
    executor: CodeExecutor | None = None,
    *,
    announce: Callable[[str], None] | None = None,
    **options: Unpack[ServerOptions],
) -> None:
    """Run the emulator in the foreground until interrupted; nothing is recorded unless `log` is given.

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


def _app(brain: Brain | None, executor: CodeExecutor | None, options: AppOptions) -> Starlette:
    from langchain_codeexec.emulator.app import create_app  # noqa: PLC0415 -- imports Starlette

    return create_app(brain, executor, **options)


def _config(app: Starlette) -> uvicorn.Config:
    try:
        import uvicorn  # noqa: PLC0415 -- an optional library
    except ImportError as error:
        raise MissingDependencyError("uvicorn", "emulator") from error
    return uvicorn.Config(
        app,
        lifespan="off",
        ws="none",
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )


def _server(config: uvicorn.Config) -> uvicorn.Server:
    """A new server, which serves only once; its configuration proved that uvicorn is there."""
    import uvicorn  # noqa: PLC0415 -- an optional library

    return uvicorn.Server(config)


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
