"""An answer shown while it arrives.

`chat`: a conversation, turn by turn.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

from langchain_codeexec.cli.model import open_model
from langchain_codeexec.cli.output import (
    DEFAULT_IMAGES,
    DEFAULT_MODEL,
    Debug,
    Live,
    Model,
    NoCode,
    failure_panel,
    reported,
    results,
    show,
    spinner,
    stderr,
)
from langchain_codeexec.errors import CodeExecError
from langchain_codeexec.records.sections import Section, SectionReader, closing_sections, placed
from langchain_codeexec.records.terminal import heading, render_section, visible

if TYPE_CHECKING:
    from collections.abc import Iterable

    from langchain_core.messages import AIMessageChunk
    from rich.console import Console

__all__ = ["chat", "show_stream"]

_IN_PIECES: Final = frozenset({"model", "answer", "thoughts"})


def show_stream(chunks: Iterable[AIMessageChunk], console: Console) -> AIMessageChunk:
    """Show chunks as they come, and return their sum.

    Args:
        chunks: The chunks of one message; there is at least one.
        console: Where to show them.

    Raises:
        GeminiError: The stream broke.
    """
    arriving = iter(chunks)
    with spinner("waiting for the answer"):
        whole = next(arriving)
    view = _View(console)
    view.add(whole)
    for chunk in arriving:
        view.add(chunk)
        whole = whole + chunk
    view.close(whole)
    return whole


class _View:
    """What is on the screen so far."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._reader = SectionReader()
        self._open: str | None = None
        self._held = ""

    def add(self, chunk: AIMessageChunk) -> None:
        """Show what a chunk brings."""
        content = chunk.content if isinstance(chunk.content, list) else [chunk.content]
        for block in content:
            for section in placed(self._reader.sections(block), chunk):
                self._show(section)

    def close(self, whole: AIMessageChunk) -> None:
        """Show what is known at the end."""
        self._end_text()
        for section in closing_sections(whole):
            show(self._console, render_section(section))

    def _show(self, section: Section) -> None:
        if section.kind in _IN_PIECES:
            self._go_on(section)
            return
        self._end_text()
        show(self._console, render_section(section))

    def _go_on(self, section: Section) -> None:
        """Show a piece of text. Line ends wait for what follows: the last ones are not the text's to set."""
        if section.kind != self._open:
            self._end_text()
            self._console.print(heading(section))
            self._open = section.kind
        text = self._held + visible(section.text)
        shown = text.rstrip("\n")
        self._held = text[len(shown) :]
        self._console.out(shown, end="", highlight=False)

    def _end_text(self) -> None:
        if self._open is not None:
            self._console.print("\n")
        self._open, self._held = None, ""


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
