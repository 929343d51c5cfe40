"""`chat`: a conversation, turn by turn."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from langchain_codeexec import data, records
from langchain_codeexec.cli import options
from langchain_codeexec.cli.model import open_model
from langchain_codeexec.cli.output import answer_of, failure_panel, print_sections, reported, stderr
from langchain_codeexec.errors import CodeExecError

__all__ = ["chat"]

_HELP = "help shows this, reset forgets the conversation, exit or quit leaves; Ctrl-C stops an answer."


def chat(  # noqa: PLR0913 -- a parameter for each option
    *,
    file: options.Files = None,
    model: options.Model = options.DEFAULT_MODEL,
    live: options.Live = False,
    script: options.Script = None,
    brain: options.Brain = None,
    no_code: options.NoCode = False,
    settings: options.Settings = None,
    stream: Annotated[
        bool, typer.Option("--stream/--no-stream", help="Show answers while they arrive, or whole.")
    ] = True,
    debug: options.Debug = False,
) -> None:
    """Talk with the model; it remembers the conversation. Files go with the first question."""
    with reported(debug=debug):
        data.data_message("", *(file or ()))  # says now what cannot be read
        with open_model(
            model, live=live, script=script, brain=brain, code_execution=not no_code, settings=settings
        ) as llm:
            try:
                _converse(llm, file or [], stream=stream)
            except (EOFError, KeyboardInterrupt):
                stderr().print()


def _converse(llm: Any, files: list[Path], *, stream: bool) -> None:
    """Take turns until `quit`, the end of the input, or a turn that fails where nobody can try another one."""
    if sys.stdin.isatty():
        stderr().print(f"[dim]{_HELP}[/]\n")
    history: list[Any] = []
    while (command := (line := _read_line()).removeprefix("/").lower()) not in ("exit", "quit"):
        if command == "reset":
            history.clear()
            stderr().print("[dim]The conversation is forgotten.[/]\n")
        elif command == "help" or line.startswith("/"):
            stderr().print(f"[dim]{'' if command == 'help' else 'No such command. '}{_HELP}[/]\n")
        elif line:
            _take_turn(llm, history, data.data_message(line, *([] if history else files)), stream=stream)


def _read_line() -> str:
    """The next line, at a terminal after a prompt."""
    return input("you> " if sys.stdin.isatty() else "").strip()


def _take_turn(llm: Any, history: list[Any], question: Any, *, stream: bool) -> None:
    """Add a question and its answer to the history; one that failed or was stopped leaves no trace in it."""
    if not sys.stdin.isatty():
        print_sections(records.sections.Section("question", str(question.text)))
    try:
        answer = answer_of(llm, [*history, question], options.DEFAULT_IMAGES, stream=stream)
        print_sections(*() if stream else records.sections.sections_of(answer))
    except KeyboardInterrupt:
        stderr().print("\n[dim]Stopped; this question is forgotten.[/]\n")
    except CodeExecError as error:
        if not sys.stdin.isatty():
            raise
        stderr().print(failure_panel(error))
    else:
        if answer.content:
            history += [question, answer]
