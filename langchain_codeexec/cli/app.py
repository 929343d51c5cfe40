"""The commands put together."""

import typer

from langchain_codeexec.cli.ask import ask
from langchain_codeexec.cli.chat import chat
from langchain_codeexec.cli.demo import demo
from langchain_codeexec.cli.doctor import doctor
from langchain_codeexec.cli.output import Version
from langchain_codeexec.cli.record import record, replay
from langchain_codeexec.cli.serve import serve

__all__ = ["app"]

_EPILOGUE = (
    "Exit codes: 0 all went well; 1 the model or the service failed; 2 the command or the configuration is "
    "wrong."
)

app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, epilog=_EPILOGUE
)


@app.callback()
def _about(*, version: Version = False) -> None:
    """Ask Gemini questions that it answers by running code.

    Without --live everything happens offline: a rule-based stand-in on this
    machine answers, which is no language model, and really runs the code it
    writes.
    """


for _command in (ask, chat, demo, doctor, serve, record, replay):
    app.command(epilog=_EPILOGUE)(_command)
