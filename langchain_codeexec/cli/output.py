"""The two consoles: results go to stdout, everything about them to stderr.

What the user is told when something goes wrong, and the exit code that says so.

Options that several commands take.
"""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeAlias

import typer
from rich.console import Console, Group
from rich.panel import Panel
from rich.text import Text

from langchain_codeexec.data.outputs import saved_outputs
from langchain_codeexec.errors import (
    CodeExecError,
    ConfigurationError,
    DataError,
    GeminiAPIError,
    MessageError,
    ToolDeclarationError,
)
from langchain_codeexec.records.terminal import visible

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from langchain_core.messages import AIMessage
    from rich.console import RenderableType

__all__ = [
    "DEFAULT_IMAGES",
    "DEFAULT_MODEL",
    "FAILED",
    "MISUSED",
    "PROXY_PORT",
    "Debug",
    "Live",
    "Model",
    "NoCode",
    "Port",
    "Version",
    "exit_code",
    "failure_panel",
    "own_version",
    "reported",
    "results",
    "show",
    "spinner",
    "stderr",
    "verdict",
]


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


FAILED: Final = 1
"""The model or the service failed."""
MISUSED: Final = 2
"""The command or the configuration is wrong."""

_MISUSE: Final = (ConfigurationError, DataError, MessageError, ToolDeclarationError)
_REMEDY: Final = "\nRemedy: "


def exit_code(error: CodeExecError) -> int:
    """1 or 2: whose fault an error is."""
    return MISUSED if isinstance(error, _MISUSE) else FAILED


def failure_panel(error: CodeExecError) -> RenderableType:
    """An error in a frame: what it is, what happened, what to do."""
    message, _, remedy = str(error).partition(_REMEDY)
    title = type(error).__name__
    if isinstance(error, GeminiAPIError):
        message, title = error.message, f"{title} · {error.status_code} {error.status}".rstrip()
    body = [Text(visible(message))]
    if remedy:
        body += [Text(), Text.assemble(("Remedy: ", "bold"), visible(remedy))]
    return Panel(Group(*body), title=title, title_align="left", border_style="red")


def verdict(answer: AIMessage) -> int:
    """The exit code for an answer.

    It failed if the model did not end it by itself, or if its code, run again, gave something else. If what it
    drew could not be saved, the place is wrong.
    """
    metadata = answer.response_metadata
    verification = metadata.get("verification") or {}
    if metadata.get("finish_reason") != "STOP" or metadata.get("finish_message"):
        return FAILED
    if verification.get("verdict") == "mismatch":
        return FAILED
    return MISUSED if any(entry.get("error") for entry in saved_outputs(answer)) else 0


@contextmanager
def reported(*, debug: bool) -> Iterator[None]:
    """Turn the errors of this package into a panel on stderr and an exit code.

    Args:
        debug: Whether to show the traceback as well; without local variables, which may hold secrets.
    """
    try:
        yield
    except CodeExecError as error:
        console = stderr()
        if debug:
            console.print_exception(show_locals=False)
        console.print(failure_panel(error))
        raise typer.Exit(exit_code(error)) from error


DEFAULT_MODEL = "gemini-3-flash-preview"
DEFAULT_IMAGES = Path("demo-output")
PROXY_PORT = 8766
"""Beside the emulator's, so that this can be recorded; the same for both, so that clients stay as they are."""


def own_version() -> str:
    """The version of this package that is installed."""
    try:
        return version("langchain-codeexec")
    except PackageNotFoundError:
        return "unknown (not installed)"


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(own_version())
        raise typer.Exit


Model: TypeAlias = Annotated[str, typer.Option("--model", "-m", metavar="NAME", help="The model to ask.")]
Live: TypeAlias = Annotated[
    bool, typer.Option("--live", help="Ask the real service; `doctor` says which one that is.")
]
NoCode: TypeAlias = Annotated[bool, typer.Option("--no-code", help="Do not let the model run code.")]
Debug: TypeAlias = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]
Port: TypeAlias = Annotated[
    int, typer.Option(min=0, max=65535, metavar="PORT", help="Where to listen; 0 takes a free port.")
]
Version: TypeAlias = Annotated[
    bool, typer.Option("--version", is_eager=True, callback=_print_version, help="Show the version.")
]
