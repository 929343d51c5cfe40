"""The command-line application: its commands, and `--version`."""

from typing import Annotated

import typer

from langchain_codeexec import __version__
from langchain_codeexec.cli.ask import ask
from langchain_codeexec.cli.batch import batch
from langchain_codeexec.cli.chat import chat
from langchain_codeexec.cli.demo import demo
from langchain_codeexec.cli.doctor import doctor
from langchain_codeexec.cli.judge import judge
from langchain_codeexec.cli.record import record, replay
from langchain_codeexec.cli.serve import serve
from langchain_codeexec.cli.show import show

__all__ = ["app"]

_EPILOGUE = (
    "Exit codes: 0 all went well; 1 the model or the service failed; 2 the command or the configuration is "
    "wrong."
)

app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, epilog=_EPILOGUE
)


def _print_version(value: bool) -> None:
    if value:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _about(
    *,
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_print_version, help="Show the version.")
    ] = False,
) -> None:
    """Ask Gemini questions that it answers by running code.

    Without --live everything happens offline: a stand-in on this machine
    answers, which is no language model and knows a few exact questions, or
    a script (--script), or a chat model of any provider (--brain). The code
    really runs.
    """


for _command in (ask, batch, chat, show, demo, doctor, serve, judge, record, replay):
    app.command(epilog=_EPILOGUE)(_command)
