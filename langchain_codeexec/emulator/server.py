"""The emulator on a local port, in a thread: starting and stopping it, and looking at what it received.

Starting binds the port before the thread begins, so that connections queue from then on.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, MutableSequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self, TypedDict, Unpack, get_args
from urllib.parse import urlsplit

from langchain_codeexec.emulator.assertions import ReceivedRequest
from langchain_codeexec.emulator.brain import Brain, When, prompt_line
from langchain_codeexec.emulator.environment import Libraries
from langchain_codeexec.emulator.faults import FaultLike, Faults
from langchain_codeexec.emulator.page import PREFIX
from langchain_codeexec.errors import ConfigurationError
from langchain_codeexec.executors.base import CodeExecutor

if TYPE_CHECKING:
    from langchain_codeexec.emulator.certificates import Certificate
    from langchain_codeexec.emulator.hosting import Hosting  # imports uvicorn

__all__ = ["AppOptions", "GeminiEmulator", "LocalServer", "check_settings", "is_http_url", "is_loopback"]


class LocalServer:
    """Serves an ASGI application, usually from a thread of its own; its settings are those of `GeminiEmulator`.

    Use it as a context manager, async or not, or call `start` and `stop`.
    """

    def __init__(  # noqa: PLR0913 -- where to listen, to whom, and how
        self,
        app: Callable[..., Awaitable[None]],
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        allow_remote: bool | Collection[str] = False,
        tls: bool = False,
        grace: float = 5,
    ) -> None:
        check_settings(host=host, port=port, allow_remote=allow_remote, tls=tls, grace=grace)
        if not (allow_remote or is_loopback(host)):
            raise ConfigurationError(
                f"host {host!r} is not a loopback address, and the emulator runs code for everyone who reaches "
                "it; listen on 127.0.0.1, or set allow_remote=True"
            )
        from langchain_codeexec.emulator.hosting import Hosting  # noqa: PLC0415 -- imports uvicorn

        self._address = (host, port)
        self._tls = _certificate(host, allow_remote) if tls else None
        context = self._tls.context if self._tls else None
        self._new_hosting: Callable[[], Hosting] = partial(
            Hosting, app, grace, context
        )  # it serves only once
        self._url = ""
        self._hosting: Hosting | None = None
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

    @property
    def certificate(self) -> Path:
        """File with the certificate that clients must trust, where it serves with one it made (`tls`).

        Most clients read its name from the environment: `SSL_CERT_FILE`, `REQUESTS_CA_BUNDLE` or
        `NODE_EXTRA_CA_CERTS`.

        Raises:
            ConfigurationError: It serves plain HTTP.
        """
        if self._tls is None:
            raise ConfigurationError("the emulator serves plain HTTP; start it with tls=True")
        return self._tls.path

    def start(self) -> Self:
        """Listen and answer. When this returns, connections are accepted; started twice is started.

        Raises:
            OSError: The address cannot be bound.
        """
        if self._thread is None:
            listener = _listen(self._address)
            self._url = _url(listener, self._tls)
            self._hosting = self._new_hosting()
            self._thread = threading.Thread(
                target=self._hosting.run, args=(listener,), name="gemini-emulator", daemon=True
            )
            self._thread.start()
        return self

    def stop(self) -> None:
        """Let requests under way finish for the time of grace, then close everything.

        Stopped twice is stopped. A brain that blocks for longer is left behind in its thread, which does not
        keep the interpreter from ending.
        """
        if self._hosting is not None and self._thread is not None:
            self._hosting.stop()
            self._thread.join()
        self._hosting = self._thread = None

    def serve(self, announce: Callable[[str], None] | None = None) -> None:
        """Answer in the calling thread until interrupted, instead of in a thread of its own.

        Args:
            announce: Called with the base URL once connections are accepted.

        Raises:
            OSError: The address cannot be bound.
        """
        listener = _listen(self._address)
        self._url = _url(listener, self._tls)
        with listener:
            if announce is not None:
                announce(self._url)
            self._new_hosting().run(listener)

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


def is_loopback(host: str) -> bool:
    """Whether a host's name or address is this machine's."""
    name = host.removesuffix(".")
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "localhost" or name.endswith(".localhost")


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


def _certificate(host: str, allow_remote: bool | Collection[str]) -> Certificate:
    from langchain_codeexec.emulator.certificates import Certificate  # noqa: PLC0415 -- imports cryptography

    names = [allow_remote] if isinstance(allow_remote, str) else allow_remote
    return Certificate([host, *(() if isinstance(names, bool) else names)])


def _url(listener: socket.socket, tls: Certificate | None = None) -> str:
    """A URL that reaches the listener from this machine, whatever address it is bound to."""
    bound, port = listener.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(bound, str(bound))  # noqa: S104 -- recognised, not bound
    scheme = "https" if tls else "http"
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def check_settings(**settings: Any) -> None:
    """Refuse settings that an emulator does not have, or that are of another kind than it takes.

    Raises:
        ConfigurationError: There is one.
    """
    for name, value in settings.items():
        if name not in _KINDS:
            raise ConfigurationError(f"the emulator has no setting {name!r}; it has {', '.join(_KINDS)}")
        kind, is_of_kind = _KINDS[name]
        if not is_of_kind(value):
            raise ConfigurationError(f"{name} must be {kind}, not {value!r:.100}")


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool)


def _are_names(value: Any) -> bool:
    is_some = isinstance(value, Collection) and not isinstance(value, str)
    return is_some and all(isinstance(name, str) for name in value)


_KINDS: Final[Mapping[str, tuple[str, Callable[[Any], bool]]]] = {
    "brain": (
        "a Brain, a ScriptedBrain say",
        lambda value: not isinstance(value, type) and hasattr(value, "respond"),
    ),
    "executor": ("a CodeExecutor", lambda value: not isinstance(value, type) and hasattr(value, "session")),
    "host": ("an address", lambda value: isinstance(value, str)),
    "port": ("a number up to 65535", lambda value: isinstance(value, int) and 0 <= value <= _HIGHEST_PORT),
    "allow_remote": (
        "True, False, a name or a list of names",
        lambda value: isinstance(value, bool | str) or _are_names(value),
    ),
    "allow_origins": ("a list of origins", _are_names),
    "grace": ("a number of seconds", lambda value: isinstance(value, int | float) and value >= 0),
    "accept_key": ("a function of a key", callable),
    "known_models": ("a list of names", _are_names),
    "max_body_bytes": ("a number of bytes", lambda value: isinstance(value, int) and value > 0),
    "libraries": ("'gemini' or 'all'", lambda value: value in get_args(Libraries)),
    "buckets": ("a folder", lambda value: isinstance(value, str | Path) and Path(value).is_dir()),
    "log": ("a list", lambda value: hasattr(value, "append")),
    "faults": ("a list of faults", lambda value: isinstance(value, Faults | Iterable)),
    **dict.fromkeys(
        ("tls", "send_empty_output", "allow_unsafe_code", "record_page"), ("True or False", _is_flag)
    ),
}
"""What each setting takes, in words, and whether a value is that."""
_HIGHEST_PORT: Final = 65_535
_REMEMBERED: Final = 10_000


class AppOptions(TypedDict, total=False):
    """What can be set on the emulator.

    Attributes:
        accept_key: Whether an API key or bearer token is good; by default all but `invalid`.
        known_models: Names the service knows besides those of Gemini and Gemma.
        max_body_bytes: Largest body accepted, by default 20 MiB as the service's.
        send_empty_output: Whether a result without output has `output: ""`; by default it has no `output`.
        allow_unsafe_code: Whether code may run without isolation where the system allows no sandbox and no
            executor is given; by default only where the environment says `CODEEXEC_ALLOW_UNSAFE=1`.
        libraries: What programs can import where no executor is given: the libraries of Gemini's environment
            as far as they are installed (`gemini`, the default), or all that are (`all`).
        log: Where requests are recorded, in the order they were answered; by default nowhere.
        faults: What goes wrong with which request; by default nothing.
        buckets: Folder that stands for Cloud Storage, each folder in it for a bucket; by default there is none.
        record_page: Whether the page records requests from the start; by default from when it is first opened.
    """

    accept_key: Callable[[str], bool]
    known_models: Collection[str]
    max_body_bytes: int
    send_empty_output: bool
    allow_unsafe_code: bool
    libraries: Libraries
    log: MutableSequence[ReceivedRequest]
    faults: Faults | Iterable[FaultLike]
    buckets: str | Path
    record_page: bool


class GeminiEmulator(LocalServer):
    """A Gemini service on a local port, running in a thread.

    Use it as a context manager, async or not, or call `start` and `stop`.

    Args:
        brain: What decides the answers; by default the built-in scenes.
        executor: What runs the code the brain writes; by default the local sandbox; see `AppOptions` for where
            there can be none.
        host: Address to listen on.
        port: Port to listen on; 0 takes a free one.
        allow_remote: Whether `host` may be other than a loopback address, and by which names clients may call it
            then: those given, or any (`True`). The emulator runs code for everyone it answers.
        allow_origins: Origins of pages, `http://localhost:5173` for example, that may call it from a browser
            (CORS); by default none, and never all.
        tls: Whether to serve HTTPS, with a certificate made for this run; see `certificate`.
        grace: Seconds that requests under way may still take when it is stopped.
        **options: See `AppOptions`; by default the last 10,000 requests are recorded.

    Attributes:
        faults: What goes wrong with which request; add to it at any time.

    Raises:
        ConfigurationError: `host` is not a loopback address and `allow_remote` is not set, or a setting is none or
            of another kind.
        MissingDependencyError: Starlette or uvicorn is not installed; for `tls`, cryptography.
    """

    def __init__(  # noqa: PLR0913 -- where to listen, and for how long
        self,
        brain: Brain | None = None,
        executor: CodeExecutor | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        allow_remote: bool | Collection[str] = False,
        allow_origins: Collection[str] = (),
        tls: bool = False,
        grace: float = 5,
        **options: Unpack[AppOptions],
    ) -> None:
        self._log = options.setdefault("log", deque(maxlen=_REMEMBERED))
        self.faults = options["faults"] = Faults.of(options.get("faults", ()))
        from langchain_codeexec.emulator.app import create_app  # noqa: PLC0415 -- imports Starlette

        app = create_app(brain, executor, allow_remote=allow_remote, allow_origins=allow_origins, **options)
        super().__init__(app, host=host, port=port, allow_remote=allow_remote, tls=tls, grace=grace)

    @property
    def page_url(self) -> str:
        """Where a browser on this machine shows what came in and what was answered, from when it is opened on.

        Raises:
            ConfigurationError: It was never started.
        """
        return f"{self.url}{PREFIX}/"

    @property
    def requests(self) -> tuple[ReceivedRequest, ...]:
        """What came in so far, in the order it was answered."""
        return tuple(self._log)

    def assert_requested(
        self,
        *,
        times: int | None = None,
        tools: Collection[str] | None = None,
        functions: Collection[str] | None = None,
        **conditions: str,
    ) -> None:
        """Check that there was a request to generate content.

        Args:
            times: How often; by default at least once.
            tools: The kinds of tools it declares, all of them.
            functions: The functions it declares, all of them.
            **conditions: `text`, `regex` and `model` as in `When`.

        Raises:
            AssertionError: It shows the requests there were instead.
        """
        generating = [request for request in self._log if request.generates]
        when = When(reply="", **conditions)
        fitting = [
            request
            for request in generating
            if when.fits(request.prompt)
            and (tools is None or request.tools == frozenset(tools))
            and (functions is None or request.functions == frozenset(functions))
        ]
        if bool(fitting) if times is None else len(fitting) == times:
            return
        sought = {**when.conditions, "tools": tools, "functions": functions}
        sought = {name: value for name, value in sought.items() if value is not None}
        expected = "at least one" if times is None else str(times)
        lines = [f"Received: {prompt_line(request.prompt)}" for request in generating] or ["No request came."]
        raise AssertionError("\n".join([f"{len(fitting)} requests fit {sought}, not {expected}", *lines]))
