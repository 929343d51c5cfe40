"""A record on a terminal: headings in the margin's colour, code highlighted, everything else verbatim.

Nothing has a frame around it, so that code and output can be copied as they are, and lines are never broken
where a program did not break them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from langchain_codeexec.control.prices import Prices, PriceTable
from langchain_codeexec.errors import MissingDependencyError
from langchain_codeexec.records.conversation import Recorded, sections_in
from langchain_codeexec.records.sections import Kind, Section, call_rows
from langchain_codeexec.records.texts import LONGEST_MARKED, joined, visible

try:
    from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
    from rich.markdown import Markdown
    from rich.rule import Rule
    from rich.segment import Segment
    from rich.syntax import Syntax
    from rich.text import Text
except ModuleNotFoundError as error:
    raise MissingDependencyError("rich", "cli") from error

__all__ = ["Console", "heading", "render", "render_section"]

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


def render(messages: Recorded, *, prices: Prices | PriceTable | None = None) -> RenderableType:
    """A message, a conversation or a run, ready to be printed on a rich console.

    Args:
        messages: As of `html_page`.
        prices: As of `html_page`.
    """
    return Group(*map(render_section, sections_in(messages, prices)))


def render_section(section: Section) -> RenderableType:
    """One section: heading, body and an empty line."""
    body = _BODIES[section.kind](section) if section.kind in _BODIES else _Verbatim(section.text)
    if section.place:
        body = Group(body, _Verbatim(section.place))
    return Group(body, "") if section.kind in _WITHOUT_HEADING else Group(heading(section), body, "")


def heading(section: Section) -> RenderableType:
    """The line above a section."""
    colour = _FAILED if section.failed else _COLOURS.get(section.kind, "bold")
    title = Text.assemble((section.kind, colour), (section.heading.removeprefix(section.kind), "dim"))
    return Rule(title, align="left", style="dim")


class _Verbatim:
    """Text whose lines stay as they are, however long and however many; not measured, which would take minutes."""

    def __init__(self, text: str, style: str = "") -> None:
        self._text = visible(text).rstrip("\n")
        self._style = style

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Segment(self._text, console.get_style(self._style))
        yield Segment.line()


class _Prose:
    """Markdown for a person at a terminal, the text as it came for a file or another program."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if not console.is_terminal or len(self._text) > LONGEST_MARKED:
            yield _Verbatim(self._text)
            return
        # An address stands beside its text: nobody sees where a hyperlink of a terminal leads.
        markdown = Markdown(visible(self._text), code_theme=_THEME, hyperlinks=False)
        for token in markdown.parsed:
            for child in token.children or ():
                if child.type == "softbreak":  # models mean the line ends they write
                    child.type = "hardbreak"
        yield markdown


def _wrapped(text: str, style: str) -> RenderableType:
    return Text(visible(text), style) if len(text) <= LONGEST_MARKED else _Verbatim(text, style)


def _code(section: Section) -> RenderableType:
    code = visible(section.text).strip("\n")
    lines = code.split("\n")
    rows = call_rows(section, lines)
    if len(code) > LONGEST_MARKED:
        for index, row in rows:
            lines[index] += f"\n{row}"
        source: RenderableType = _Verbatim("\n".join(lines))
    else:
        marked = Syntax(code, section.label, theme=_THEME, background_color="default").highlight(code)
        marked_lines = marked.split("\n")
        for index, row in rows:
            marked_lines[index].append(f"\n{row}", "yellow")
        source = Text("\n", no_wrap=True, overflow="ignore").join(marked_lines)
    if not section.written:
        return source
    written = _Verbatim(section.written.strip("\n"), "dim")
    return Group(Text("as the model wrote it:", "bold"), written, Text("as it was edited:", "bold"), source)


def _output(section: Section) -> RenderableType:
    if not section.text.strip("\n"):
        return Text("(it printed nothing)", "dim")
    return _Verbatim(section.text, "red" if section.failed else "")


_WITHOUT_HEADING: Final = frozenset({"notice", "usage"})
_BODIES: Final[Mapping[Kind, Callable[[Section], RenderableType]]] = {
    **dict.fromkeys(("system", "question", "model", "answer"), lambda section: _Prose(section.text)),
    "code": _code,
    "output": _output,
    **dict.fromkeys(("plan", "review"), lambda section: _wrapped(section.text, "dim")),
    "thoughts": lambda section: _wrapped(section.text.strip(), "dim italic"),
    "notice": lambda section: _wrapped(section.text, "red" if section.failed else "yellow"),
    "usage": lambda section: _Verbatim(joined(section.label, section.text), "dim"),
}
