"""What commands share: consoles, records and streams on them, errors as panels and exit codes, common options."""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Protocol, TypeAlias

import typer
from rich.console import Console, Group
from rich.panel import Panel
from rich.text import Text

from langchain_codeexec.data.outputs import saved_outputs
from langchain_codeexec.errors import (
    CodeExecError,
    ConfigurationError,
    DataError,
    GeminiAPIError,
    MessageError,
    ToolDeclarationError,
)
from langchain_codeexec.messages.from_wire import failure_of
from langchain_codeexec.records.sections import Section, SectionReader, closing_sections, placed, visible
from langchain_codeexec.records.terminal import heading, render_section

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from contextlib import AbstractContextManager

    from langchain_core.messages import AIMessage, AIMessageChunk
    from rich.console import RenderableType

__all__ = [
    "DEFAULT_IMAGES",
    "DEFAULT_MODEL",
    "FAILED",
    "MISUSED",
    "Brain",
    "Debug",
    "Live",
    "Model",
    "NoCode",
    "Port",
    "Script",
    "failure_panel",
    "package_version",
    "print_sections",
    "print_stream",
    "print_unfinished",
    "reported",
    "results",
    "spinner",
    "stderr",
    "verdict",
]

# -- consoles ------------------------------------------------------------------------------------------


def results() -> Console:
    """The console of stdout, as it is now."""
    return Console(highlight=False)


def stderr() -> Console:
    """The console of stderr, as it is now."""
    return Console(stderr=True, highlight=False)


def spinner(text: str) -> AbstractContextManager[Any]:
    """A sign that something is under way, at a terminal only."""
    console = stderr()
    return console.status(f"[dim]{text}[/]", spinner="dots") if console.is_terminal else nullcontext()


def print_sections(*sections: Section) -> None:
    """Print sections of a record; lines longer than the terminal are its to break."""
    for section in sections:
        results().print(render_section(section), crop=False)


class _HasSteps(Protocol):
    def assert_finished(self) -> None: ...


def print_unfinished(steps: _HasSteps) -> None:
    """Print what of a script or a cassette was not used, and which requests it had no answer for."""
    try:
        steps.assert_finished()
    except AssertionError as unfinished:
        stderr().print(Text(visible(str(unfinished)), "yellow"), soft_wrap=True)


# -- an answer that streams in -------------------------------------------------------------------------


def print_stream(chunks: Iterable[AIMessageChunk]) -> AIMessageChunk:
    """Print the chunks of one message, at least one, as they come, and return their sum.

    Raises:
        GeminiError: The stream broke.
    """
    iterator = iter(chunks)
    with spinner("waiting for the answer"):
        message = next(iterator)
    view = _StreamView()
    view.add(message)
    for chunk in iterator:
        view.add(chunk)
        message = message + chunk
    view.close(message)
    return message


class _StreamView:
    """Sections on the screen, whose text may go on."""

    def __init__(self) -> None:
        self._console = results()
        self._reader = SectionReader()
        self._open: str | None = None
        self._line_ends = ""

    def add(self, chunk: AIMessageChunk) -> None:
        content = chunk.content if isinstance(chunk.content, list) else [chunk.content]
        for block in content:
            for section in placed(self._reader.sections(block), chunk):
                if section.kind in ("model", "answer", "thoughts"):
                    self._continue_text(section)
                else:
                    self._end_text()
                    print_sections(section)

    def close(self, message: AIMessageChunk) -> None:
        self._end_text()
        print_sections(*closing_sections(message))

    def _continue_text(self, section: Section) -> None:
        """Print a piece of text. Line ends wait for what follows: the last ones are not the text's to set."""
        if section.kind != self._open:
            self._end_text()
            self._console.print(heading(section))
            self._open = section.kind
        text = self._line_ends + visible(section.text)
        stripped = text.rstrip("\n")
        self._line_ends = text[len(stripped) :]
        self._console.out(stripped, end="", highlight=False)

    def _end_text(self) -> None:
        if self._open is not None:
            self._console.print("\n")
        self._open, self._line_ends = None, ""


# -- errors and exit codes -----------------------------------------------------------------------------

FAILED: Final = 1
"""The model or the service failed."""
MISUSED: Final = 2
"""The command or the configuration is wrong."""

_MISUSE: Final = (ConfigurationError, DataError, MessageError, ToolDeclarationError)


def failure_panel(error: CodeExecError) -> RenderableType:
    """An error in a frame: its type, what happened, what to do."""
    message, _, remedy = str(error).partition("\nRemedy: ")
    title = type(error).__name__
    if isinstance(error, GeminiAPIError):
        message, title = error.message, f"{title} · {error.status_code} {error.status}".rstrip()
    body = [Text(visible(message))]
    if remedy:
        body += [Text(), Text.assemble(("Remedy: ", "bold"), visible(remedy))]
    return Panel(Group(*body), title=title, title_align="left", border_style="red")


def verdict(answer: AIMessage) -> int:
    """The exit code for an answer.

    It failed if the model did not end it by itself, or if its code, run again, gave another output. If what it
    drew could not be saved, the place is wrong.
    """
    metadata = answer.response_metadata
    verification = metadata.get("verification") or {}
    if metadata.get("finish_reason") != "STOP" or failure_of(answer):
        return FAILED
    if verification.get("verdict") == "mismatch":
        return FAILED
    return MISUSED if any(entry.get("error") for entry in saved_outputs(answer)) else 0


@contextmanager
def reported(*, debug: bool) -> Iterator[None]:
    """Turn the errors of this package into a panel on stderr and an exit code.

    Args:
        debug: Whether to print the traceback as well; without local variables, which may hold secrets.
    """
    try:
        yield
    except CodeExecError as error:
        console = stderr()
        if debug:
            console.print_exception(show_locals=False)
        console.print(failure_panel(error))
        raise typer.Exit(MISUSED if isinstance(error, _MISUSE) else FAILED) from error


# -- options that several commands take ----------------------------------------------------------------

DEFAULT_MODEL: Final = "gemini-3-flash-preview"
DEFAULT_IMAGES: Final = Path("demo-output")

Model: TypeAlias = Annotated[str, typer.Option("--model", "-m", metavar="NAME", help="The model to ask.")]
Live: TypeAlias = Annotated[
    bool, typer.Option("--live", help="Ask the real service; `doctor` says which one that is.")
]
Script: TypeAlias = Annotated[
    Path | None, typer.Option("--script", metavar="FILE", help="Answer with the steps of this YAML file.")
]
Brain: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--brain",
        metavar="PROVIDER:MODEL",
        help="Let a chat model answer, such as ollama:qwen3; its LangChain package must be installed.",
    ),
]
NoCode: TypeAlias = Annotated[bool, typer.Option("--no-code", help="Do not let the model run code.")]
Debug: TypeAlias = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]
Port: TypeAlias = Annotated[
    int, typer.Option(min=0, max=65535, metavar="PORT", help="Where to listen; 0 takes a free port.")
]


def package_version() -> str:
    """The version of this package that is installed."""
    try:
        return version("langchain-codeexec")
    except PackageNotFoundError:
        return "unknown (not installed)"
