"""`record` and `replay`: a proxy that writes down traffic with a service, and a player that answers from it."""

import asyncio
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

import langchain_codeexec.emulator
from langchain_codeexec.cli import options
from langchain_codeexec.cli.output import check_writable, print_unfinished, reported, stderr
from langchain_codeexec.cli.serve import LOOPBACK, announce, until_interrupted
from langchain_codeexec.errors import ConfigurationError

__all__ = ["record", "replay"]

_PORT = 8766
"""Beside the emulator's, which can be recorded then; one for both commands, so that clients stay as they are."""


def record(
    url: Annotated[
        str,
        typer.Argument(metavar="URL", help="The service, such as https://generativelanguage.googleapis.com."),
    ],
    cassette: Annotated[Path, typer.Argument(metavar="CASSETTE", help="The YAML file to write.")],
    *,
    port: options.Port = _PORT,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a cassette that is there.")] = False,
    debug: options.Debug = False,
) -> None:
    """Pass requests on to a service and write both sides down, until Ctrl-C.

    Keys and tokens go to the service and not into the file; what is asked and answered does.
    """
    with reported(debug=debug):
        proxy = langchain_codeexec.emulator.RecordingProxy(url, cassette, host=LOOPBACK, port=port)
        _check_place(cassette, overwrite=overwrite)
        announced = partial(announce, description=f"Recording {url}")
        until_interrupted(partial(proxy.serve, announced), LOOPBACK, port)
        count = len(proxy.interactions)
    written = f"Interactions written to {cassette}: {count}"
    line = written if count else "Nothing was asked, no file was written."
    stderr().print(line, markup=False, soft_wrap=True)


def _check_place(cassette: Path, *, overwrite: bool) -> None:
    """Raise `ConfigurationError` before anything is asked, not when an answer cannot be written down."""
    if cassette.exists() and not (overwrite and cassette.is_file()):
        raise ConfigurationError(
            f"{str(cassette)!r} is there already. Choose another file, play it with `replay`, or let a cassette "
            "be replaced with --overwrite."
        )
    with suppress(OSError):
        cassette.parent.mkdir(parents=True, exist_ok=True)
    check_writable(cassette)


def replay(
    cassette: Annotated[Path, typer.Argument(metavar="CASSETTE", help="A file that `record` has written.")],
    *,
    port: options.Port = _PORT,
    lenient: Annotated[
        bool,
        typer.Option("--lenient", help="Answer in the recorded order, even if something else is asked."),
    ] = False,
    timing: Annotated[
        bool, typer.Option("--timing", help="Take as long for answers and their chunks as was recorded.")
    ] = False,
    debug: options.Debug = False,
) -> None:
    """Answer requests as they were recorded, each once, until Ctrl-C."""
    with reported(debug=debug):
        player = langchain_codeexec.emulator.CassettePlayer(
            cassette,
            strict=not lenient,
            wait=asyncio.sleep if timing else None,
            host=LOOPBACK,
            port=port,
        )
        announced = partial(announce, description=f"Replaying {cassette}")
        until_interrupted(partial(player.serve, announced), LOOPBACK, port)
    print_unfinished(player)
