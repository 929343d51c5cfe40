"""The emulator on a socket."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from langchain_codeexec.emulator.asked import asked_requests, assert_asked
from langchain_codeexec.emulator.faults import Faults
from langchain_codeexec.emulator.hosting import LocalServer
from langchain_codeexec.emulator.page import PREFIX

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Unpack

    from starlette.applications import Starlette

    from langchain_codeexec.emulator.app import AppOptions, ServerOptions
    from langchain_codeexec.emulator.asked import AskedRequest
    from langchain_codeexec.emulator.brain import Brain
    from langchain_codeexec.emulator.request_log import RecordedRequest
    from langchain_codeexec.executors.base import CodeExecutor

__all__ = ["GeminiEmulator", "serve"]

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
