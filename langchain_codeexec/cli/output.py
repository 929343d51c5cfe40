"""What commands share: consoles, records and streams on them, errors as panels and exit codes."""

from __future__ import annotations

import errno
import json
import re
from contextlib import contextmanager, nullcontext
from itertools import chain
from pathlib import Path
from secrets import token_hex
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any, Final, cast

import typer
from rich.console import Console, Group
from rich.panel import Panel
from rich.text import Text

from langchain_codeexec import data, records
from langchain_codeexec.errors import (
    CodeExecError,
    ConfigurationError,
    DataError,
    GeminiAPIError,
    MessageError,
    ToolDeclarationError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager

    from langchain_core.messages import AIMessage, BaseMessage
    from rich.console import RenderableType

    from langchain_codeexec.control.prices import Prices, PriceTable
    from langchain_codeexec.emulator import CassettePlayer, ScriptedBrain
    from langchain_codeexec.records.sections import Section

__all__ = [
    "FAILED",
    "MISUSED",
    "OUTPUT_ERRORS",
    "answer_of",
    "check_documents",
    "check_writable",
    "failure_panel",
    "in_flags",
    "print_sections",
    "print_unfinished",
    "reported",
    "results",
    "spinner",
    "stderr",
    "verdict",
    "write_documents",
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
        results().print(records.terminal.render_section(section), crop=False)


def print_unfinished(steps: ScriptedBrain | CassettePlayer) -> None:
    """Print what of a script or a cassette was not used, and which requests it had no answer for."""
    try:
        steps.assert_finished()
    except AssertionError as unfinished:
        stderr().print(Text(records.sections.visible(str(unfinished)), "yellow"), soft_wrap=True)


# -- an answer -----------------------------------------------------------------------------------------


def answer_of(llm: Any, messages: list[Any], sink: str | Path | None, *, stream: bool = False) -> AIMessage:
    """The answer to a conversation, printed as it comes if it is streamed, its images saved in the sink."""
    with spinner("waiting for the answer"):
        if not stream:
            answer: AIMessage = llm.invoke(messages, output_sink=sink)
            return answer
        chunks = iter(llm.stream(messages, output_sink=sink))
        first = next(chunks)
    [streamed] = records.print_stream(chain([first], chunks), results())
    return cast("AIMessage", streamed)


# -- errors and exit codes -----------------------------------------------------------------------------

FAILED: Final = 1
"""The model or the service failed."""
MISUSED: Final = 2
"""The command or the configuration is wrong."""

_MISUSE: Final = (ConfigurationError, DataError, MessageError, ToolDeclarationError)


OUTPUT_ERRORS: Final = (errno.ENOSPC, errno.EIO, errno.EFBIG, errno.EBADF, errno.EPIPE)
"""What writing to stdout fails with."""

_FLAGS: Final = {
    "limits=DataLimits(down_sample=True)": "--down-sample",
    ", or raise DataLimits(files=...)": "",
    "set allow_remote=True": "give --allow-remote",
    "of an emulator also allow_unsafe_code=True, or": "or give",
    " or pass api_key=…": "",  # whoever lists processes reads their arguments
    "pass api_key=… or set": "set",
    "api_key=… or ": "",
    "raise max_retries": "raise --set max_retries=…",
    "set base_url to the last one": "give the last one as --set base_url=…",
}
"""What remedies say to programmers, and how the command line spells it."""


def in_flags(text: str) -> str:
    """The text of an error, with the settings it names as options of the command line."""
    from langchain_codeexec.settings import GeminiSettings  # noqa: PLC0415 -- `--help` needs no chat model

    for remedy, flag in _FLAGS.items():
        text = text.replace(remedy, flag)
    setting = rf"(?<!--set )\b({'|'.join(GeminiSettings.model_fields)})=('?)(…|[\w.-]+)\2"
    return re.sub(setting, r"--set \1=\3", text)


def _described(error: CodeExecError) -> tuple[str, str]:
    """What happened and what to do, in the words of the command line."""
    message, _, remedy = str(error).partition("\nRemedy: ")
    message = error.message if isinstance(error, GeminiAPIError) else in_flags(message)
    return message, in_flags(remedy)


def failure_panel(error: CodeExecError) -> RenderableType:
    """An error in a frame: its type, what happened, what to do."""
    message, remedy = _described(error)
    title = type(error).__name__
    if isinstance(error, GeminiAPIError):
        title = f"{title} · {error.status_code} {error.status}".rstrip()
    body = [Text(records.sections.visible(message))]
    if remedy:
        body += [Text(), Text.assemble(("Remedy: ", "bold"), records.sections.visible(remedy))]
    return Panel(Group(*body), title=title, title_align="left", border_style="red")


def verdict(answer: AIMessage) -> int:
    """The exit code for an answer.

    It failed if the model did not end it by itself, or if its code, run again, gave another output. If what it
    drew could not be saved, the place is wrong.
    """
    from langchain_codeexec.messages.from_wire import failure_of  # noqa: PLC0415 -- `--help` reads no messages

    metadata = answer.response_metadata
    verification = metadata.get("verification") or {}
    if metadata.get("finish_reason") != "STOP" or failure_of(answer):
        return FAILED
    if verification.get("verdict") == "mismatch":
        return FAILED
    return MISUSED if any(entry.get("error") for entry in data.saved_outputs(answer)) else 0


@contextmanager
def reported(*, debug: bool, as_json: bool = False) -> Iterator[None]:
    """Turn the errors of this package into a panel on stderr and an exit code.

    With `debug` the traceback is printed as well, without local variables, which may hold secrets. With
    `as_json` they are printed on stdout instead, as a JSON object; misuse of options as well.
    """
    try:
        yield
    except typer.BadParameter as error:
        if not as_json:
            raise
        _print_error(type=type(error).__name__, message=error.message)
        raise typer.Exit(MISUSED) from error
    except CodeExecError as error:
        if debug:
            stderr().print_exception(show_locals=False)
        if as_json:
            message, remedy = _described(error)
            code = getattr(error, "status_code", None)
            _print_error(type=type(error).__name__, message=message, remedy=remedy, status_code=code)
        else:
            stderr().print(failure_panel(error))
        raise typer.Exit(MISUSED if isinstance(error, _MISUSE) else FAILED) from error


def _print_error(**facts: Any) -> None:
    typer.echo(json.dumps({"error": {name: fact for name, fact in facts.items() if fact}}, indent=2))


# -- documents -----------------------------------------------------------------------------------------


def check_documents(html: Path | None, notebook: Path | None) -> None:
    """Raise what `write_documents` would fail with, before anything is paid for."""
    if html and html == notebook:
        raise typer.BadParameter("--html and --notebook name the same file; give them one each")
    for path in filter(None, (html, notebook)):
        check_writable(path)


def write_documents(
    messages: Sequence[BaseMessage],
    html: Path | None,
    notebook: Path | None,
    prices: Prices | PriceTable | None = None,
) -> None:
    """Write a conversation as the documents that are named."""
    if html:
        _write(html, records.html_page(messages, prices=prices))
    if notebook:
        document = records.notebook_from_messages(messages, prices=prices)
        _write(notebook, json.dumps(document, indent=1, ensure_ascii=False) + "\n")


def check_writable(path: Path, *, folder: bool = False) -> None:
    """Raise `ConfigurationError` for a file that cannot be written, before anything is paid for.

    A folder need not be there yet: it is made when something is saved in it.
    """
    try:
        if not folder and path.exists() and not path.is_file():
            raise OSError("it is not a file")  # noqa: TRY301 -- one message for every reason
        places = [path, *path.absolute().parents] if folder else [path.parent]
        with TemporaryFile(dir=next((place for place in places if place.exists()), path.parent)):
            pass
    except OSError as error:
        raise ConfigurationError(
            f"{str(path)!r} cannot be written: {error.strerror or error}. Choose another "
            f"{'folder' if folder else 'file'}."
        ) from error


def _write(path: Path, text: str) -> None:
    """Write a file whole or not at all: what it held before stays where it cannot be written."""
    temporary = path.parent / f".{token_hex(8)}.part"
    try:
        try:
            temporary.write_text(text, encoding="utf-8")
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise ConfigurationError(
            f"{str(path)!r} cannot be written: {error.strerror or error}. Choose another file."
        ) from error
