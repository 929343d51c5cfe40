"""`judge`: whether a program of one's own copes with what goes wrong."""

import json
from dataclasses import asdict
from functools import partial
from typing import Annotated

import typer

from langchain_codeexec import emulator
from langchain_codeexec.cli import options
from langchain_codeexec.cli.output import FAILED, reported, results, spinner

__all__ = ["judge"]

_COLORS = {"good": "green", "bad": "bold red", "not seen": "dim"}
_RUNS_AT_A_TIME = 3


def judge(
    program: Annotated[
        list[str], typer.Argument(metavar="PROGRAM...", help="The program and its arguments, behind --.")
    ],
    *,
    script: options.Script = None,
    timeout: Annotated[
        float, typer.Option(min=1, metavar="SECONDS", help="How long one run of the program may take.")
    ] = 120,
    as_json: Annotated[bool, typer.Option("--json", help="Print the verdicts as JSON.")] = False,
    debug: options.Debug = False,
) -> None:
    """Run a program against an emulator, once for each fault, and say how it copes.

    It finds the service by GOOGLE_GEMINI_BASE_URL or GOOGLE_VERTEX_BASE_URL,
    a key in GOOGLE_API_KEY. A verdict is good, bad, or not seen where the
    program did not do what would tell. With a bad one the exit code is 1.
    """
    from langchain_codeexec.emulator import judging  # noqa: PLC0415 -- imports Starlette

    with reported(debug=debug, as_json=as_json), spinner("running it"):
        brain = partial(emulator.ScriptedBrain.from_yaml, script) if script else None
        run = partial(judging.run_command, program, timeout)
        verdicts = judging.judge(run, brain, workers=_RUNS_AT_A_TIME)
    if as_json:
        typer.echo(json.dumps([asdict(verdict) for verdict in verdicts], indent=2))
    else:
        for verdict in verdicts:
            results().print(str(verdict), style=_COLORS[verdict.state], markup=False, soft_wrap=True)
    if any(verdict.state == "bad" for verdict in verdicts):
        raise typer.Exit(FAILED)
