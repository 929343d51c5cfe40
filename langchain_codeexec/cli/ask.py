"""`ask`: one question, one answer."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

import langchain_codeexec
from langchain_codeexec.cli.declarations import declared_functions
from langchain_codeexec.cli.documents import write_documents
from langchain_codeexec.cli.failures import reported, verdict
from langchain_codeexec.cli.options import DEFAULT_IMAGES, DEFAULT_MODEL, Debug, Live, Model, NoCode
from langchain_codeexec.cli.service import open_model
from langchain_codeexec.cli.streaming import show_stream
from langchain_codeexec.cli.terminal import results, show, spinner
from langchain_codeexec.inputs import DataLimits, data_message
from langchain_codeexec.records.console import render_section
from langchain_codeexec.records.json_record import json_record
from langchain_codeexec.records.sections import Section, plan_section, sections_of, verification_section

__all__ = ["ask"]


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
