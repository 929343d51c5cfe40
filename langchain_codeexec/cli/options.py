"""Options that several commands take."""

from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

__all__ = ["DEFAULT_IMAGES", "DEFAULT_MODEL", "Debug", "Live", "Model", "NoCode", "Version", "own_version"]

DEFAULT_MODEL = "gemini-3-flash-preview"
DEFAULT_IMAGES = Path("demo-output")


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
Version: TypeAlias = Annotated[
    bool, typer.Option("--version", is_eager=True, callback=_print_version, help="Show the version.")
]
