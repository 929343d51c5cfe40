"""`python -m tests.conformance`: the cases against any server."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from langchain_codeexec.errors import ConfigurationError
from tests.conformance.command import run_selection
from tests.conformance.selection import ENDPOINTS, Selection

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.conformance.reports import Verdict

__all__ = ["main"]

_FAILED, _UNUSABLE = 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the cases and print what came of them.

    Returns:
        0 where all passed, 1 where some failed, 2 where the server could not be reached or a setting is wrong.
    """
    chosen = vars(_parser().parse_args(arguments))
    as_json = chosen.pop("json", False)
    selection = Selection(**chosen)
    try:
        report = run_selection(selection) if as_json else run_selection(selection, _tell)
    except ConfigurationError as error:
        sys.stderr.write(f"{error} ({selection.url})\n")
        return _UNUSABLE
    sys.stdout.write(json.dumps(report.as_json(), indent=2) + "\n" if as_json else report.table() + "\n")
    return _FAILED if report.failed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.conformance",
        description="Run the conformance cases against a server that speaks Gemini's protocol.",
        argument_default=argparse.SUPPRESS,  # what is not given is `Selection`'s to say
    )
    add = parser.add_argument
    add("--url", required=True, help="base URL of the server")
    add("--key", help="API key, sent as x-goog-api-key")
    add("--token", help="OAuth token, sent as a bearer token (Vertex AI)")
    add("--endpoint", choices=ENDPOINTS, action="append", help="default: both")
    add("--project", help="project on Vertex AI; without one, express mode")
    add("--location", help=f"location on Vertex AI; default: {Selection.location}")
    add("--older", help=f"a model of Gemini 2; empty leaves it out; default: {Selection.older}")
    add("--newer", help=f"a model of Gemini 3 or later; empty leaves it out; default: {Selection.newer}")
    add("--only", help="a regular expression for the names of cases")
    add("--cases", help="another file of cases")
    add("--timeout", type=float, help=f"seconds an answer may take; default: {Selection.timeout}")
    add("--json", action="store_true", help="print the report as JSON")
    add("--junit", type=Path, metavar="FILE", help="write it as JUnit's XML besides")
    return parser


def _tell(verdict: Verdict) -> None:
    sys.stderr.write("." if verdict.passed else "F")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
