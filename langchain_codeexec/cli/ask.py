"""Function declarations out of a file.

The answer as a document, in a file of its own.

`ask`: one question, one answer.
"""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from secrets import token_hex
from typing import Annotated, Any

import typer
from langchain_core.messages import BaseMessage

import langchain_codeexec
from langchain_codeexec.cli.chat import show_stream
from langchain_codeexec.cli.model import open_model
from langchain_codeexec.cli.output import (
    DEFAULT_IMAGES,
    DEFAULT_MODEL,
    Debug,
    Live,
    Model,
    NoCode,
    reported,
    results,
    show,
    spinner,
    verdict,
)
from langchain_codeexec.data.files import data_message
from langchain_codeexec.data.limits import DataLimits
from langchain_codeexec.errors import ConfigurationError
from langchain_codeexec.records.html import html_page
from langchain_codeexec.records.notebook import notebook_from_messages
from langchain_codeexec.records.sections import (
    Section,
    json_record,
    plan_section,
    sections_of,
    verification_section,
)
from langchain_codeexec.records.terminal import render_section

__all__ = ["ask", "declared_functions", "write_documents"]


def declared_functions(path: Path) -> list[Any]:
    """The declarations in a JSON file: a list of them, or a single one, in any form that `bind_tools` takes.

    Raises:
        ConfigurationError: The file cannot be read, is not JSON, or holds something else.
    """
    try:
        read = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise ConfigurationError(f"cannot read function declarations from {path}: {reason}") from error
    declared = read if isinstance(read, list) else [read]
    if not declared or not all(isinstance(one, dict) for one in declared):
        raise ConfigurationError(
            f"{path} holds something else than function declarations; give it an object with name, description "
            "and parameters (a JSON schema), or a list of such objects"
        )
    return declared


def write_documents(messages: Sequence[BaseMessage], *, html: Path | None, notebook: Path | None) -> None:
    """Write a conversation as a web page and as a notebook, where that is asked for.

    Raises:
        ConfigurationError: A file cannot be written; what it held before is still there.
    """
    if html is not None:
        _write(html, html_page(messages))
    if notebook is not None:
        _write(notebook, json.dumps(notebook_from_messages(messages), indent=1, ensure_ascii=False) + "\n")


def _write(path: Path, text: str) -> None:
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


def _not_blank(question: str) -> str:
    if not question.strip():
        raise typer.BadParameter("there is nothing in it to answer")
    return question


def ask(  # noqa: PLR0913 -- one parameter for each option
    question: Annotated[str, typer.Argument(help="What to ask.", show_default=False, callback=_not_blank)],
    *,
    file: Annotated[
        list[Path] | None,
        typer.Option("--file", "-f", metavar="FILE", help="A file to send along; may be repeated."),
    ] = None,
    down_sample: Annotated[
        bool, typer.Option("--down-sample", help="Thin out tables that are too large to be sent.")
    ] = False,
    model: Model = DEFAULT_MODEL,
    live: Live = False,
    no_code: NoCode = False,
    tools: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="JSON file with function declarations; a call the model makes is shown, not made.",
        ),
    ] = None,
    explain: Annotated[bool, typer.Option("--explain", help="Say what the model call got, and why.")] = False,
    verify: Annotated[
        bool, typer.Option("--verify", help="Run the answer's code again in the local sandbox, and compare.")
    ] = False,
    stream: Annotated[bool, typer.Option("--stream", help="Show the answer while it arrives.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
    output_dir: Annotated[
        str | None,
        typer.Option(
            metavar="FOLDER",
            help=f"Folder or URL where images are saved; ./{DEFAULT_IMAGES} by default. With --json they are part "
            "of the object unless this is given.",
        ),
    ] = None,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the answer to this file, as a web page.")
    ] = None,
    notebook: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the answer to this file, as a Jupyter notebook."),
    ] = None,
    debug: Debug = False,
) -> None:
    """Ask one question and show the code, what it printed and the answer."""
    if stream and as_json:
        raise typer.BadParameter("--json prints one object at the end; leave --stream away")
    if html and html == notebook:
        raise typer.BadParameter("--html and --notebook name the same file; give them one each")
    sink = output_dir or (None if as_json else DEFAULT_IMAGES)
    with reported(debug=debug):
        asked = data_message(question, *(file or ()), limits=DataLimits(down_sample=down_sample))
        with open_model(model, live=live, code_execution=not no_code) as opened:
            llm = opened.bind_tools(declared_functions(tools)) if tools else opened
            if stream:
                answer = _streamed(question, llm.stream([asked], output_sink=sink))
            else:
                with spinner("waiting for the answer"):
                    answer = llm.invoke([asked], output_sink=sink)
        if verify:
            answer = _verified(answer, asked)
        if as_json:
            typer.echo(json.dumps({"question": question, **json_record(answer)}, indent=2))
        else:
            _show(question, answer, streamed=stream, explain=explain)
        write_documents([asked, answer], html=html, notebook=notebook)
    if code := verdict(answer):
        raise typer.Exit(code)


def _streamed(question: str, chunks: Iterable[Any]) -> Any:
    console = results()
    show(console, render_section(Section("question", question)))
    return show_stream(chunks, console)


def _verified(answer: Any, asked: Any) -> Any:
    """The answer with what running its code again gave."""
    with spinner("running the code again"):
        return langchain_codeexec.verify_executions(answer, history=[asked]).beside(answer)


def _show(question: str, answer: Any, *, streamed: bool, explain: bool) -> None:
    """Show what was not shown while it arrived."""
    told = [] if streamed else [Section("question", question), *sections_of(answer)]
    late = [verification_section(answer)] if streamed else []
    if explain and plan_section(answer) not in told:
        late.append(plan_section(answer))
    for section in filter(None, [*told, *late]):
        show(results(), render_section(section))
