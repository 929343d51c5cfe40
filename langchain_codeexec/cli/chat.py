"""`chat`: a conversation, turn by turn."""

import sys
from typing import Any

from langchain_codeexec.cli.model import open_model
from langchain_codeexec.cli.output import (
    DEFAULT_IMAGES,
    DEFAULT_MODEL,
    Brain,
    Debug,
    Live,
    Model,
    NoCode,
    Script,
    failure_panel,
    print_sections,
    print_stream,
    reported,
    stderr,
)
from langchain_codeexec.errors import CodeExecError
from langchain_codeexec.records.sections import Section

__all__ = ["chat"]

_COMMANDS = "/reset forgets the conversation, /quit leaves."


def chat(  # noqa: PLR0913 -- a parameter for each option
    *,
    model: Model = DEFAULT_MODEL,
    live: Live = False,
    script: Script = None,
    brain: Brain = None,
    no_code: NoCode = False,
    debug: Debug = False,
) -> None:
    """Talk with the model; it remembers the conversation."""
    with (
        reported(debug=debug),
        open_model(model, live=live, script=script, brain=brain, code_execution=not no_code) as llm,
    ):
        try:
            _converse(llm)
        except (EOFError, KeyboardInterrupt):
            stderr().print()


def _converse(llm: Any) -> None:
    """Take turns until `/quit`.

    Raises:
        EOFError: The input has ended.
        KeyboardInterrupt: The user has left.
        CodeExecError: A turn failed, and nobody is there to try another one.
    """
    if sys.stdin.isatty():
        stderr().print(f"[dim]{_COMMANDS}[/]\n")
    history: list[Any] = []
    while (line := _read_line()) != "/quit":
        if line == "/reset":
            history.clear()
            stderr().print("[dim]The conversation is forgotten.[/]\n")
        elif line.startswith("/"):
            stderr().print(f"[dim]No such command. {_COMMANDS}[/]\n")
        elif line:
            _take_turn(llm, history, line)


def _read_line() -> str:
    """The next line; at a terminal after a prompt, otherwise it is printed as the question it is."""
    if sys.stdin.isatty():
        return input("you> ").strip()
    line = input().strip()
    if line and not line.startswith("/"):
        print_sections(Section("question", line))
    return line


def _take_turn(llm: Any, history: list[Any], text: str) -> None:
    """Add a question and its answer to the history; one that failed leaves no trace in it."""
    question = {"role": "user", "content": text}
    try:
        answer = print_stream(llm.stream([*history, question], output_sink=DEFAULT_IMAGES))
    except CodeExecError as error:
        if not sys.stdin.isatty():
            raise
        stderr().print(failure_panel(error))
        return
    if answer.content:
        history += [question, answer]
