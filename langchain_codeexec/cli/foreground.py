"""Servers that run until they are told to stop, and what is said of them then."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Final, Protocol

from rich.markup import escape
from rich.text import Text

from langchain_codeexec.cli.terminal import results, stderr
from langchain_codeexec.errors import ConfigurationError
from langchain_codeexec.records.visible import visible

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["LOOPBACK", "point_clients_at", "tell_unfinished", "until_interrupted"]

LOOPBACK: Final = "127.0.0.1"
"""Where proxies and players listen, for nobody but this machine."""


class _Planned(Protocol):
    def assert_finished(self) -> None: ...


def until_interrupted(serve: Callable[[], None], host: str, port: int) -> None:
    """Serve until Ctrl-C, or until the process is asked to end (SIGTERM, as `kill` and containers do).

    Args:
        serve: Listens and answers in this thread.
        host: Where it listens, for the error.
        port: The same.

    Raises:
        ConfigurationError: It cannot listen there.
    """
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        serve()
    except KeyboardInterrupt:
        stderr().print("[dim]Stopped.[/]")
    except OSError as error:
        raise ConfigurationError(
            f"cannot listen on {host}, port {port}: {error.strerror or error}. Choose another address; "
            "--port 0 takes a free port."
        ) from error
    finally:
        signal.signal(signal.SIGTERM, before)


def tell_unfinished(plan: _Planned) -> None:
    """Say what of a script or a cassette was not used, and which requests it had no answer for."""
    try:
        plan.assert_finished()
    except AssertionError as unfinished:
        stderr().print(Text(visible(str(unfinished)), "yellow"), soft_wrap=True)


def point_clients_at(url: str, told: str) -> None:
    """Say what listens, and how clients of any kind get there.

    Args:
        url: Its base URL.
        told: What it does.
    """
    console = results()
    console.print(f"[bold green]{escape(told)} on {url}[/]  (Ctrl-C stops it)", soft_wrap=True)
    console.print("Point clients there: base_url, or, where they read it from the environment,")
    console.print(f"    export GOOGLE_GEMINI_BASE_URL={url} GOOGLE_VERTEX_BASE_URL={url}", soft_wrap=True)
