"""`replay`: a recorded service, without the service."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

import langchain_codeexec.emulator
from langchain_codeexec.cli.failures import reported
from langchain_codeexec.cli.foreground import LOOPBACK, point_clients_at, tell_unfinished, until_interrupted
from langchain_codeexec.cli.options import PROXY_PORT, Debug, Port

__all__ = ["replay"]


def replay(
    cassette: Annotated[Path, typer.Argument(metavar="CASSETTE", help="A file that `record` has written.")],
    *,
    port: Port = PROXY_PORT,
    lenient: Annotated[
        bool,
        typer.Option("--lenient", help="Answer in the recorded order, even if something else is asked."),
    ] = False,
    debug: Debug = False,
) -> None:
    """Answer requests as they were recorded, each once, until Ctrl-C."""
    with reported(debug=debug):
        player = langchain_codeexec.emulator.CassettePlayer(
            cassette, strict=not lenient, host=LOOPBACK, port=port
        )
        announce = partial(point_clients_at, told=f"Replaying {cassette}")
        until_interrupted(partial(player.serve, announce), LOOPBACK, port)
    tell_unfinished(player)
