"""`chat`: a conversation, turn by turn."""

import sys
from typing import Any

from langchain_codeexec.cli.failures import failure_panel, reported
from langchain_codeexec.cli.options import DEFAULT_IMAGES, DEFAULT_MODEL, Debug, Live, Model, NoCode
from langchain_codeexec.cli.service import open_model
from langchain_codeexec.cli.streaming import show_stream
from langchain_codeexec.cli.terminal import results, show, stderr
from langchain_codeexec.errors import CodeExecError
from langchain_codeexec.records.console import render_section
from langchain_codeexec.records.sections import Section

__all__ = ["chat"]

_COMMANDS = "/reset forgets the conversation, /quit leaves."
_QUIT, _RESET = "/quit", "/reset"


def chat(
    *, model: Model = DEFAULT_MODEL, live: Live = False, no_code: NoCode = False, debug: Debug = False
) -> None:
    """Talk with the model; it remembers the conversation."""
    with reported(debug=debug), open_model(model, live=live, code_execution=not no_code) as llm:
        try:
            _converse(llm)
        except (EOFError, KeyboardInterrupt):
            stderr().print()


def _converse(llm: Any) -> None:
    """Take turns until `/quit`.

    Raises:
        EOFError: The user has nothing more to say.
        KeyboardInterrupt: The user has had enough.
        CodeExecError: A turn failed, and nobody is there to try another one.
    """
    if sys.stdin.isatty():
        stderr().print(f"[dim]{_COMMANDS}[/]\n")
    history: list[Any] = []
    while (said := _read_line()) != _QUIT:
        if said == _RESET:
            history.clear()
            stderr().print("[dim]The conversation is forgotten.[/]\n")
        elif said.startswith("/"):
            stderr().print(f"[dim]No such command. {_COMMANDS}[/]\n")
        elif said:
            _take_turn(llm, history, said)


def _read_line() -> str:
    """The next line; at a terminal after a prompt, otherwise it is shown as the question it is."""
    if sys.stdin.isatty():
        return input("you> ").strip()
    said = input().strip()
    if said and not said.startswith("/"):
        show(results(), render_section(Section("question", said)))
    return said


def _take_turn(llm: Any, history: list[Any], said: str) -> None:
    """Add a question and its answer to the history; one that failed leaves no trace in it."""
    question = {"role": "user", "content": said}
    try:
        answer = show_stream(llm.stream([*history, question], output_sink=DEFAULT_IMAGES), results())
    except CodeExecError as error:
        if not sys.stdin.isatty():
            raise
        stderr().print(failure_panel(error))
        return
    if answer.content:
        history += [question, answer]
