"""A record on a terminal: headings in the margin's colour, code highlighted, everything else verbatim.

Nothing has a frame around it, so that code and output can be copied as they are, and lines are never broken
where a program did not break them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from langchain_core.messages import BaseMessage
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.markdown import Markdown
from rich.rule import Rule
from rich.syntax import Syntax
from rich.text import Text

from langchain_codeexec.executions import CodeExecution
from langchain_codeexec.records.sections import (
    Kind,
    Section,
    call_rows,
    sections_of,
    sections_of_execution,
    visible,
)

__all__ = ["heading", "render_execution", "render_message", "render_section", "verbatim"]

_COLOURS: Final[Mapping[Kind, str]] = {
    "question": "bold cyan",
    "answer": "bold green",
    "model": "bold blue",
    "code": "bold yellow",
    "output": "bold magenta",
    "image": "bold magenta",
}
_FAILED: Final = "bold red"
_THEME: Final = "ansi_dark"  # the terminal's own palette, whatever its background


def render_message(message: BaseMessage) -> RenderableType:
    """A message of any role and provider, ready to be printed on a rich console."""
    return _stacked(sections_of(message))


def render_execution(execution: CodeExecution) -> RenderableType:
    """One run: its code, what it printed and what it drew."""
    return _stacked(sections_of_execution(execution))


def render_section(section: Section) -> RenderableType:
    """One section: heading, body and an empty line."""
    body = _BODIES[section.kind](section) if section.kind in _BODIES else verbatim(section.text)
    if section.place:
        body = Group(body, verbatim(section.place))
    return Group(body, "") if section.kind in _WITHOUT_HEADING else Group(heading(section), body, "")


def heading(section: Section) -> RenderableType:
    """The line above a section."""
    colour = _FAILED if section.failed else _COLOURS.get(section.kind, "bold")
    label = f" · {visible(section.label)}" if section.label else ""
    return Rule(Text.assemble((section.kind, colour), (label, "dim")), align="left", style="dim")


def verbatim(text: str, style: str = "") -> Text:
    """Text whose lines stay as they are, however long."""
    return Text(visible(text).rstrip("\n"), style, no_wrap=True, overflow="ignore")


def _stacked(sections: Iterable[Section]) -> RenderableType:
    return Group(*map(render_section, sections))


class _Prose:
    """Markdown for a person at a terminal, the text as it came for a file or another program."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if not console.is_terminal:
            yield verbatim(self._text)
            return
        markdown = Markdown(visible(self._text), code_theme=_THEME)
        for token in markdown.parsed:
            for child in token.children or ():
                if child.type == "softbreak":  # models mean the line ends they write
                    child.type = "hardbreak"
        yield markdown


def _prose(section: Section) -> RenderableType:
    return _Prose(section.text)


def _code(section: Section) -> RenderableType:
    code = visible(section.text).strip("\n")
    highlighted = Syntax(code, section.label, theme=_THEME, background_color="default").highlight(code)
    highlighted.rstrip()
    if section.calls:
        lines = list(highlighted.split("\n", allow_blank=True))
        for index, row in reversed(list(call_rows(section, code.split("\n")))):
            lines.insert(index + 1, Text(row, "yellow"))
        highlighted = Text("\n").join(lines)
    highlighted.no_wrap, highlighted.overflow = True, "ignore"
    return highlighted


def _output(section: Section) -> RenderableType:
    if not section.text.strip("\n"):
        return Text("(it printed nothing)", "dim")
    return verbatim(section.text, "red" if section.failed else "")


_WITHOUT_HEADING: Final = frozenset({"notice", "usage"})
_BODIES: Final[Mapping[Kind, Callable[[Section], RenderableType]]] = {
    "question": _prose,
    "model": _prose,
    "answer": _prose,
    "code": _code,
    "output": _output,
    "plan": lambda section: Text(visible(section.text), "dim"),
    "thoughts": lambda section: Text(visible(section.text).strip(), "dim italic"),
    "notice": lambda section: Text(visible(section.text), "red" if section.failed else "yellow"),
    "usage": lambda section: verbatim(" · ".join(filter(None, (section.label, section.text))), "dim"),
}
