"""`ask`: one question, one answer, on the terminal, as JSON, as a web page and as a notebook."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

import langchain_codeexec
from langchain_codeexec import data, records
from langchain_codeexec.cli import options
from langchain_codeexec.cli.model import open_model
from langchain_codeexec.cli.output import (
    answer_of,
    check_documents,
    check_writable,
    print_sections,
    reported,
    spinner,
    verdict,
    write_documents,
)
from langchain_codeexec.errors import ConfigurationError

__all__ = ["ask"]


def ask(  # noqa: PLR0913 -- a parameter for each option
    question: Annotated[str, typer.Argument(help="What to ask; - reads it from a pipe.", show_default=False)],
    *,
    file: options.Files = None,
    down_sample: Annotated[
        bool, typer.Option("--down-sample", help="Thin out tables that are too large to be sent.")
    ] = False,
    model: options.Model = options.DEFAULT_MODEL,
    live: options.Live = False,
    script: options.Script = None,
    brain: options.Brain = None,
    no_code: options.NoCode = False,
    settings: options.Settings = None,
    tools: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="JSON file with function declarations; a call the model makes is shown, not made.",
        ),
    ] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Say what the model was offered, and why.")
    ] = False,
    verify: Annotated[
        bool, typer.Option("--verify", help="Run the answer's code again in the local sandbox, and compare.")
    ] = False,
    stream: Annotated[bool, typer.Option("--stream", help="Show the answer while it arrives.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
    output_dir: Annotated[
        str | None,
        typer.Option(
            metavar="FOLDER",
            help=f"Folder or URL where images are saved; ./{options.DEFAULT_IMAGES} by default. With --json they "
            "are part of the object unless this is given.",
        ),
    ] = None,
    html: options.Html = None,
    notebook: options.Notebook = None,
    debug: options.Debug = False,
) -> None:
    """Ask one question and show the code, what it printed and the answer."""
    sink = output_dir or (None if as_json else options.DEFAULT_IMAGES)
    with reported(debug=debug, as_json=as_json):
        if stream and as_json:
            raise typer.BadParameter("--json prints one object at the end; leave --stream away")
        check_documents(html, notebook)
        if output_dir and "://" not in output_dir:
            check_writable(Path(output_dir), folder=True)
        question = _question(question)
        request = data.data_message(question, *(file or ()), limits=data.DataLimits(down_sample=down_sample))
        question_sections = [
            records.sections.Section("question", question),
            *records.sections.notices_of(request),
        ]
        with open_model(
            model, live=live, script=script, brain=brain, code_execution=not no_code, settings=settings
        ) as opened:
            llm: Any = opened.bind_tools(_declarations(tools)) if tools else opened
            print_sections(*question_sections if stream else ())
            answer = answer_of(llm, [request], sink, stream=stream)
        if verify:
            with spinner("running the code again"):
                answer = langchain_codeexec.verify_executions(answer, history=[request]).beside(answer)
        if as_json:
            notices = [section.text for section in records.sections.notices_of(request)]
            record = {
                "question": question,
                **({"notices": notices} if notices else {}),
                **records.json_record(answer),
            }
            typer.echo(json.dumps(record, indent=2))
        else:
            _print(question_sections, answer, streamed=stream, explain=explain)
        write_documents([request, answer], html, notebook)
    if code := verdict(answer):
        raise typer.Exit(code)


def _question(text: str) -> str:
    """A question, from stdin where it is `-`."""
    question = sys.stdin.read().strip() if text == "-" else text
    if not question.strip():
        raise typer.BadParameter("there is nothing in it to answer", param_hint="question")
    return question


def _print(question_sections: list[Any], answer: Any, *, streamed: bool, explain: bool) -> None:
    """Print what was not printed while the answer arrived."""
    sections = [] if streamed else [*question_sections, *records.sections.sections_of(answer)]
    later = [records.sections.verification_section(answer)] if streamed else []
    if explain and records.sections.plan_section(answer) not in sections:
        later.append(records.sections.plan_section(answer))
    print_sections(*sections, *filter(None, later))


def _declarations(path: Path) -> list[Any]:
    """The function declarations in a JSON file: a list or a single one, in any form that `bind_tools` takes."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise ConfigurationError(f"cannot read function declarations from {path}: {reason}") from error
    declarations = content if isinstance(content, list) else [content]
    if not declarations or not all(isinstance(declaration, dict) for declaration in declarations):
        raise ConfigurationError(
            f"{path} holds something else than function declarations; give it an object with name, description "
            "and parameters (a JSON schema), or a list of such objects"
        )
    return declarations
