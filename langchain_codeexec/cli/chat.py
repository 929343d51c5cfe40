"""`chat`: a conversation, turn by turn."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from langchain_core.messages import AIMessage, BaseMessage

from langchain_codeexec.cli.model import open_model
from langchain_codeexec.cli.output import (
    DEFAULT_IMAGES,
    DEFAULT_MODEL,
    Brain,
    Debug,
    Files,
    Live,
    Model,
    NoCode,
    Script,
    Settings,
    failure_panel,
    print_sections,
    print_stream,
    reported,
    spinner,
    stderr,
)
from langchain_codeexec.data.files import data_message
from langchain_codeexec.errors import CodeExecError
from langchain_codeexec.records.sections import Section, sections_of

__all__ = ["chat"]

_HELP = "help shows this, reset forgets the conversation, exit or quit leaves; Ctrl-C stops an answer."


def chat(  # noqa: PLR0913 -- a parameter for each option
    *,
    file: Files = None,
    model: Model = DEFAULT_MODEL,
    live: Live = False,
    script: Script = None,
    brain: Brain = None,
    no_code: NoCode = False,
    settings: Settings = None,
    stream: Annotated[
        bool, typer.Option("--stream/--no-stream", help="Show answers while they arrive, or whole.")
    ] = True,
    debug: Debug = False,
) -> None:
    """Talk with the model; it remembers the conversation. Files go with the first question."""
    with reported(debug=debug):
        data_message("", *(file or ()))  # says now what cannot be read
        with open_model(
            model, live=live, script=script, brain=brain, code_execution=not no_code, settings=settings
        ) as llm:
            answered = _streamed if stream else _whole
            try:
                _converse(lambda messages: answered(llm, messages), file or [])
            except (EOFError, KeyboardInterrupt):
                stderr().print()


def _converse(answered: Callable[[list[BaseMessage]], AIMessage], files: list[Path]) -> None:
    """Take turns until `quit`.

    Raises:
        EOFError: The input has ended.
        KeyboardInterrupt: The user has left.
        CodeExecError: A turn failed, and nobody is there to try another one.
    """
    if sys.stdin.isatty():
        stderr().print(f"[dim]{_HELP}[/]\n")
    history: list[BaseMessage] = []
    while (command := (line := _read_line()).removeprefix("/").lower()) not in ("exit", "quit"):
        if command == "reset":
            history.clear()
            stderr().print("[dim]The conversation is forgotten.[/]\n")
        elif command == "help" or line.startswith("/"):
            stderr().print(f"[dim]{'' if command == 'help' else 'No such command. '}{_HELP}[/]\n")
        elif line:
            _take_turn(answered, history, data_message(line, *([] if history else files)))


def _read_line() -> str:
    """The next line, at a terminal after a prompt."""
    return input("you> " if sys.stdin.isatty() else "").strip()


def _take_turn(
    answered: Callable[[list[BaseMessage]], AIMessage], history: list[BaseMessage], question: BaseMessage
) -> None:
    """Add a question and its answer to the history; one that failed or was stopped leaves no trace in it."""
    if not sys.stdin.isatty():
        print_sections(Section("question", str(question.text)))
    try:
        answer = answered([*history, question])
    except KeyboardInterrupt:
        stderr().print("\n[dim]Stopped; this question is forgotten.[/]\n")
    except CodeExecError as error:
        if not sys.stdin.isatty():
            raise
        stderr().print(failure_panel(error))
    else:
        if answer.content:
            history += [question, answer]


def _streamed(llm: Any, messages: list[BaseMessage]) -> AIMessage:
    return print_stream(llm.stream(messages, output_sink=DEFAULT_IMAGES))


def _whole(llm: Any, messages: list[BaseMessage]) -> AIMessage:
    with spinner("waiting for the answer"):
        answer: AIMessage = llm.invoke(messages, output_sink=DEFAULT_IMAGES)
    print_sections(*sections_of(answer))
    return answer
