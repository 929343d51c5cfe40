"""An answer shown while it arrives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from langchain_codeexec.cli.terminal import show, spinner
from langchain_codeexec.records.console import heading, render_section
from langchain_codeexec.records.sections import SectionReader, closing_sections, placed
from langchain_codeexec.records.visible import visible

if TYPE_CHECKING:
    from collections.abc import Iterable

    from langchain_core.messages import AIMessageChunk
    from rich.console import Console

    from langchain_codeexec.records.sections import Section

__all__ = ["show_stream"]

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
