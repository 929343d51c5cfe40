"""What the user is told when something goes wrong, and the exit code that says so."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import typer
from rich.console import Group
from rich.panel import Panel
from rich.text import Text

from langchain_codeexec.cli.terminal import stderr
from langchain_codeexec.errors import (
    CodeExecError,
    ConfigurationError,
    DataError,
    GeminiAPIError,
    MessageError,
    ToolDeclarationError,
)
from langchain_codeexec.outputs.recording import saved_outputs
from langchain_codeexec.records.visible import visible

if TYPE_CHECKING:
    from collections.abc import Iterator

    from langchain_core.messages import AIMessage
    from rich.console import RenderableType

__all__ = ["FAILED", "MISUSED", "exit_code", "failure_panel", "reported", "verdict"]

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
