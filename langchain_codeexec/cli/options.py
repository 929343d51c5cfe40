"""Options that several commands take."""

from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

__all__ = [
    "DEFAULT_IMAGES",
    "DEFAULT_MODEL",
    "PROXY_PORT",
    "Debug",
    "Live",
    "Model",
    "NoCode",
    "Port",
    "Version",
    "own_version",
]

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
