"""`ask`: one question, one answer."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from langchain_codeexec.cli.declarations import declared_functions
from langchain_codeexec.cli.documents import write_documents
from langchain_codeexec.cli.failures import reported, verdict
from langchain_codeexec.cli.options import DEFAULT_IMAGES, DEFAULT_MODEL, Debug, Live, Model, NoCode
from langchain_codeexec.cli.service import open_model
from langchain_codeexec.cli.streaming import show_stream
from langchain_codeexec.cli.terminal import results, show, spinner
from langchain_codeexec.inputs import data_message
from langchain_codeexec.records.console import render_message, render_section
from langchain_codeexec.records.json_record import json_record
from langchain_codeexec.records.sections import Section, plan_section, sections_of

__all__ = ["ask"]


def ask(  # noqa: PLR0913 -- one parameter for each option
    question: Annotated[str, typer.Argument(help="What to ask.", show_default=False)],
    *,
    file: Annotated[
        list[Path] | None, typer.Option("--file", "-f", help="A file to send along; may be repeated.")
    ] = None,
    model: Model = DEFAULT_MODEL,
    live: Live = False,
    no_code: NoCode = False,
    tools: Annotated[
        Path | None,
        typer.Option(help="JSON file with function declarations; a call the model makes is shown, not made."),
    ] = None,
    explain: Annotated[bool, typer.Option("--explain", help="Say what the model call got, and why.")] = False,
    stream: Annotated[bool, typer.Option("--stream", help="Show the answer while it arrives.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
    output_dir: Annotated[
        str | None,
        typer.Option(
            help=f"Folder or URL where images are saved; ./{DEFAULT_IMAGES} by default. With --json they are part "
            "of the object unless this is given."
        ),
    ] = None,
    html: Annotated[Path | None, typer.Option(help="Write the answer to this file, as a web page.")] = None,
    notebook: Annotated[
        Path | None, typer.Option(help="Write the answer to this file, as a Jupyter notebook.")
    ] = None,
    debug: Debug = False,
) -> None:
    """Ask one question and show the code, what it printed and the answer."""
    if stream and as_json:
        raise typer.BadParameter("--json prints one object at the end; leave --stream away")
    sink = output_dir or (None if as_json else DEFAULT_IMAGES)
    with reported(debug=debug):
        asked = data_message(question, *(file or ()))
        with open_model(model, live=live, code_execution=not no_code) as opened:
            llm = opened.bind_tools(declared_functions(tools)) if tools else opened
            if stream:
                answer: Any = _streamed(question, llm.stream([asked], output_sink=sink))
            else:
                with spinner("waiting for the answer"):
                    answer = llm.invoke([asked], output_sink=sink)
                _print(question, answer, as_json=as_json)
            if explain and not as_json:
                _explain(answer, shown=not stream)
        write_documents([asked, answer], html=html, notebook=notebook)
    if code := verdict(answer):
        raise typer.Exit(code)


def _explain(answer: Any, *, shown: bool) -> None:
    """Show the plan, unless it was among what has been shown."""
    plan = plan_section(answer)
    if plan and not (shown and plan in sections_of(answer)):
        show(results(), render_section(plan))


def _streamed(question: str, chunks: Iterable[Any]) -> Any:
    console = results()
    show(console, render_section(Section("question", question)))
    return show_stream(chunks, console)


def _print(question: str, answer: Any, *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps({"question": question, **json_record(answer)}, indent=2))
        return
    console = results()
    show(console, render_section(Section("question", question)))
    show(console, render_message(answer))
