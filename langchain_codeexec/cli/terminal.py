"""The two consoles: results go to stdout, everything about them to stderr."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from rich.console import Console

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from rich.console import RenderableType

__all__ = ["results", "show", "spinner", "stderr"]


def results() -> Console:
    """The console of stdout, as it is now."""
    return Console(highlight=False)


def stderr() -> Console:
    """The console of stderr, as it is now."""
    return Console(stderr=True, highlight=False)


def show(console: Console, renderable: RenderableType) -> None:
    """Print a record; lines longer than the terminal are its to break."""
    console.print(renderable, crop=False)


def spinner(text: str) -> AbstractContextManager[Any]:
    """Show that something is under way, at a terminal only."""
    console = stderr()
    return console.status(f"[dim]{text}[/]", spinner="dots") if console.is_terminal else nullcontext()
