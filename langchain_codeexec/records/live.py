"""A record as it comes into being: what a model or an agent streams, on a terminal."""

from __future__ import annotations

from collections.abc import AsyncIterable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from langchain_core.messages import AIMessageChunk, BaseMessage
from langchain_core.utils.utils import LC_ID_PREFIX

from langchain_codeexec.messages.code_blocks import CodeReader
from langchain_codeexec.records.sections import (
    Section,
    call_section,
    closing_sections,
    placed,
    sections_of,
    sections_of_block,
)
from langchain_codeexec.records.terminal import Console, heading, render_section
from langchain_codeexec.records.texts import visible

__all__ = ["aprint_stream", "print_stream"]

_TEXTS: Final = frozenset({"model", "thoughts"})


def print_stream(stream: Iterable[Any], console: Console | None = None) -> list[BaseMessage]:
    """Print what a model or an agent streams while it arrives: text, code, output, images and calls.

    Args:
        stream: What `llm.stream(…)`, or `agent.stream(…)` in any of its modes and versions gives. The mode
            `messages` shows text in pieces, `updates` and `values` each message when it is whole; with several,
            each message is shown once. Other events are passed over.
        console: Where to print; stdout by default.

    Returns:
        The messages, whole, in the order in which they were complete.
    """
    record = _LiveRecord(console)
    try:
        for event in stream:
            record.add(event)
    finally:
        record.end_text()
    return record.completed()


async def aprint_stream(stream: AsyncIterable[Any], console: Console | None = None) -> list[BaseMessage]:
    """Print what `llm.astream(…)` or `agent.astream(…)` gives; see `print_stream`."""
    record = _LiveRecord(console)
    try:
        async for event in stream:
            record.add(event)
    finally:
        record.end_text()
    return record.completed()


class _LiveRecord:
    """Sections on the screen, the last of which may go on."""

    def __init__(self, console: Console | None) -> None:
        self._messages: list[BaseMessage] = []
        self._console = console or Console(highlight=False)
        self._chunks: dict[str | None, AIMessageChunk] = {}
        self._readers: dict[str | None, CodeReader] = {}
        self._ran: set[str | None] = set()
        self._complete: set[str] = set()
        self._ids: dict[str, str] = {}
        self._named: str | None = None
        self._programs: dict[str, object] = {}
        self._open: tuple[str | None, str] | None = None
        self._line_ends = ""

    def add(self, event: object) -> None:
        for message in _messages_in_event(event):
            if isinstance(message, AIMessageChunk):
                self._add_chunk(message)
            elif message.id in self._chunks:
                self._complete_message(message.id, message)
            elif message.id is None or message.id not in self._complete:
                self._print(*self._new(message))
                self._keep(message)

    def _new(self, message: BaseMessage) -> Iterator[Section]:
        """The sections of a message, but programs that its call has shown."""
        program = self._programs.get(getattr(message, "tool_call_id", ""))
        for section in sections_of(message):
            if section.kind != "code" or section.calls or section.text != program:
                yield section

    def completed(self) -> list[BaseMessage]:
        """All messages; one that did not say that it is complete is so now."""
        for message_id in list(self._chunks):
            self._complete_message(message_id)
        return self._messages

    def end_text(self) -> None:
        """End the line that is open, if one is."""
        if self._open is not None:
            self._console.print("\n")
        self._open, self._line_ends = None, ""

    def _add_chunk(self, chunk: AIMessageChunk) -> None:
        message_id = self._message_id(chunk)
        if message_id in self._complete:
            return
        before = self._chunks.get(message_id)
        self._chunks[message_id] = chunk if before is None else before + chunk
        reader = self._readers.setdefault(message_id, CodeReader())
        for block in chunk.content if isinstance(chunk.content, list) else [chunk.content]:
            if codes := reader.read(block):
                self._ran.add(message_id)
            for section in placed(sections_of_block(block, codes), chunk):
                if section.kind == "model" and message_id in self._ran:
                    self._continue_text(message_id, replace(section, kind="answer"))
                elif section.kind in _TEXTS:
                    self._continue_text(message_id, section)
                elif section.kind != "call":  # its arguments come in pieces
                    self._print(section)
        if chunk.chunk_position == "last":
            self._complete_message(message_id)

    def _message_id(self, chunk: AIMessageChunk) -> str | None:
        """The id of the chunk's message: its service's, which the first chunk alone may name, else the run's."""
        if chunk.id is None or not chunk.id.startswith(LC_ID_PREFIX):
            self._named = chunk.id
            return chunk.id
        if chunk.id not in self._ids:
            begun = self._named if self._named in self._chunks else None
            self._ids[chunk.id] = begun or chunk.id
        return self._ids[chunk.id]

    def _complete_message(self, message_id: str | None, message: BaseMessage | None = None) -> None:
        chunks = self._chunks.pop(message_id)
        del self._readers[message_id]
        self._print(*map(call_section, chunks.tool_calls), *closing_sections(message or chunks))
        self._keep(message or chunks)

    def _keep(self, message: BaseMessage) -> None:
        self._messages.append(message)
        calls = getattr(message, "tool_calls", ())
        self._programs |= {call["id"]: call["args"].get("code") for call in calls}
        if message.id is not None:
            self._complete.add(message.id)

    def _print(self, *sections: Section) -> None:
        for section in sections:
            self.end_text()
            self._console.print(render_section(section), crop=False)

    def _continue_text(self, message_id: str | None, section: Section) -> None:
        """Print a piece of text. Line ends wait for what follows: the last ones are not the text's to set."""
        if self._open != (message_id, section.kind):
            self.end_text()
            self._console.print(heading(section))
            self._open = message_id, section.kind
        text = self._line_ends + visible(section.text)
        stripped = text.rstrip("\n")
        self._line_ends = text[len(stripped) :]
        self._console.out(stripped, end="", highlight=False)


def _messages_in_event(event: object) -> Iterator[BaseMessage]:
    """The messages of an event: it is one, or a tuple, list or mapping that holds some."""
    if isinstance(event, BaseMessage):
        yield event
    elif isinstance(event, Mapping):
        yield from _messages_in_event(list(event.values()))
    elif isinstance(event, list | tuple):
        for each in event:
            yield from _messages_in_event(each)
