"""`python -m langchain_codeexec.emulator.conformance`: the cases against any server."""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from langchain_codeexec.emulator.conformance import Case, Place, Report, Verdict, load_cases, run_cases
from langchain_codeexec.emulator.hosting import is_http_url
from langchain_codeexec.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]

_FAILED, _UNUSABLE = 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the cases and print what came of them.

    Returns:
        0 where all passed, 1 where some failed, 2 where the server could not be reached or a setting is wrong.
    """
    parser = _parser()
    chosen = parser.parse_args(arguments)
    tell = _silent if chosen.json else _tell
    try:
        report = run_cases(_cases(chosen), _places(chosen), chosen.url, timeout=chosen.timeout, tell=tell)
        _write(report, chosen.junit)
    except (ConfigurationError, httpx.ConnectError) as error:
        sys.stderr.write(f"{error or type(error).__name__} ({chosen.url})\n")
        return _UNUSABLE
    sys.stdout.write(json.dumps(report.as_json(), indent=2) + "\n" if chosen.json else report.table() + "\n")
    return _FAILED if report.failed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m langchain_codeexec.emulator.conformance",
        description="Run the conformance cases against a server that speaks Gemini's protocol.",
    )
    add = parser.add_argument
    add("--url", required=True, help="base URL of the server")
    add("--key", default="", help="API key, sent as x-goog-api-key")
    add("--token", default="", help="OAuth token, sent as a bearer token (Vertex AI)")
    add("--endpoint", choices=["developer", "vertex"], action="append", help="default: both")
    add("--project", default="", help="project on Vertex AI; without one, express mode")
    add("--location", default="global", help="location on Vertex AI")
    add("--older", default="gemini-2.5-flash", help="a model of Gemini 2; empty leaves it out")
    add("--newer", default="gemini-3-flash-preview", help="a model of Gemini 3 or later; empty leaves it out")
    add("--only", default="", help="a regular expression for the names of cases")
    add("--cases", default=None, help="another file of cases")
    add("--timeout", type=float, default=120, help="seconds an answer may take")
    add("--json", action="store_true", help="print the report as JSON")
    add("--junit", type=Path, default=None, metavar="FILE", help="write it as JUnit's XML besides")
    return parser


def _cases(chosen: argparse.Namespace) -> list[Case]:
    try:
        wanted = re.compile(chosen.only)
    except re.error as error:
        raise ConfigurationError(f"{chosen.only!r} is no regular expression: {error}") from error
    if not is_http_url(chosen.url):
        raise ConfigurationError("the server's URL is no http or https URL")
    cases = [case for case in load_cases(chosen.cases) if wanted.search(case.name)]
    if not cases:
        raise ConfigurationError(f"no case has a name like {chosen.only!r}")
    return cases


def _places(chosen: argparse.Namespace) -> list[Place]:
    headers = {"x-goog-api-key": chosen.key} if chosen.key else {}
    if chosen.token:
        headers = {"authorization": f"Bearer {chosen.token}"}
    parent = f"/projects/{chosen.project}/locations/{chosen.location}" if chosen.project else ""
    prefixes = {"developer": "/v1beta/models", "vertex": f"/v1beta1{parent}/publishers/google/models"}
    return [
        Place(f"{endpoint}/{generation}", prefixes[endpoint], model, headers)
        for endpoint in chosen.endpoint or prefixes
        for generation, model in ((2, chosen.older), (3, chosen.newer))
        if model
    ]


def _write(report: Report, path: Path | None) -> None:
    if path is None:
        return
    try:
        path.write_text(report.as_junit(), encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"cannot write the report to {path}: {error.strerror or error}") from error


def _tell(verdict: Verdict) -> None:
    sys.stderr.write("." if verdict.passed else "F")
    sys.stderr.flush()


def _silent(verdict: Verdict) -> None:
    """Nothing is said on the way."""


if __name__ == "__main__":
    sys.exit(main())
