"""The commands put together."""

import typer

from langchain_codeexec.cli.ask import ask
from langchain_codeexec.cli.chat import chat
from langchain_codeexec.cli.demo import demo
from langchain_codeexec.cli.doctor import doctor
from langchain_codeexec.cli.options import Version
from langchain_codeexec.cli.serve import serve

__all__ = ["app"]

_EPILOGUE = "Exit codes: 0 all went well; 1 the model or the service failed; 2 the command or the configuration is wrong."

app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, epilog=_EPILOGUE
)


@app.callback()
def _about(*, version: Version = False) -> None:  # noqa: ARG001 -- the option acts by itself
    """Ask Gemini questions that it answers by running code.

    Without --live everything happens offline: an emulator on this machine answers by rules, without a
    language model, and really runs the code it writes.
    """


for _command in (ask, chat, demo, doctor, serve):
    app.command(epilog=_EPILOGUE)(_command)
