"""`conformance`: whether a server speaks Gemini's protocol."""

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

import langchain_codeexec.emulator.conformance
from langchain_codeexec.cli.failures import FAILED, reported
from langchain_codeexec.cli.options import Debug
from langchain_codeexec.cli.terminal import spinner
from langchain_codeexec.emulator.conformance.selection import Selection
from langchain_codeexec.records.visible import visible

__all__ = ["conformance"]


class _Endpoint(StrEnum):
    DEVELOPER = "developer"
    VERTEX = "vertex"


def conformance(  # noqa: PLR0913 -- a parameter for each option
    url: Annotated[str, typer.Argument(metavar="URL", help="Base URL of the server.")],
    *,
    key: Annotated[str, typer.Option(metavar="KEY", help="API key, sent as x-goog-api-key.")] = "",
    token: Annotated[str, typer.Option(metavar="TOKEN", help="OAuth token, sent as a bearer token.")] = "",
    endpoint: Annotated[
        list[_Endpoint] | None, typer.Option(help="Ask this one only; both by default.")
    ] = None,
    project: Annotated[
        str, typer.Option(metavar="NAME", help="Project on Vertex AI; without one, express mode.")
    ] = Selection.project,
    location: Annotated[
        str, typer.Option(metavar="NAME", help="Location on Vertex AI.")
    ] = Selection.location,
    older: Annotated[
        str, typer.Option(metavar="NAME", help="A model of Gemini 2; empty leaves it out.")
    ] = Selection.older,
    newer: Annotated[
        str, typer.Option(metavar="NAME", help="A model of Gemini 3 or later; empty leaves it out.")
    ] = Selection.newer,
    only: Annotated[
        str, typer.Option(metavar="REGEX", help="Run the cases whose names match.")
    ] = Selection.only,
    cases: Annotated[Path | None, typer.Option(metavar="FILE", help="A file of other cases to run.")] = None,
    timeout: Annotated[
        float, typer.Option(metavar="SECONDS", help="How long an answer may take.")
    ] = Selection.timeout,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
    junit: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the report to this file too, as JUnit's XML.")
    ] = None,
    debug: Debug = False,
) -> None:
    """Run cases that tell whether a server speaks Gemini's protocol."""
    selection = Selection(
        url=url,
        key=key,
        token=token,
        endpoint=endpoint or (),
        project=project,
        location=location,
        older=older,
        newer=newer,
        only=only,
        cases=cases,
        timeout=timeout,
        junit=junit,
    )
    with reported(debug=debug), spinner("running the cases"):
        report = langchain_codeexec.emulator.conformance.run_selection(selection)
    typer.echo(json.dumps(report.as_json(), indent=2) if as_json else visible(report.table()))
    if report.failed:
        raise typer.Exit(FAILED)
