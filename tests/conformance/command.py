"""What the command lines do: find the cases and places that are chosen, run them, write the report."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import httpx

from langchain_codeexec.emulator.server import is_http_url
from langchain_codeexec.errors import ConfigurationError
from tests.conformance.cases import load_cases
from tests.conformance.runner import Place, run_cases
from tests.conformance.selection import ENDPOINTS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conformance.cases import Case
    from tests.conformance.reports import Report, Verdict
    from tests.conformance.selection import Selection

__all__ = ["run_selection"]


def run_selection(
    chosen: Selection,
    tell: Callable[[Verdict], object] = lambda verdict: None,
) -> Report:
    """Run what is chosen.

    Args:
        chosen: The choice.
        tell: Called with every verdict as it is reached.

    Raises:
        ConfigurationError: A choice is wrong, the server cannot be reached or the report not be written.
    """
    if not is_http_url(chosen.url):
        raise ConfigurationError(
            "the server's URL is no http or https URL; give one such as http://127.0.0.1:8765"
        )
    try:
        report = run_cases(_cases(chosen), _places(chosen), chosen.url, timeout=chosen.timeout, tell=tell)
    except httpx.ConnectError as error:
        raise ConfigurationError(
            f"the server cannot be reached: {error}; start it, or correct its URL"
        ) from error
    if not report.verdicts:
        raise ConfigurationError("no case is left for the endpoints and models chosen; choose more of them")
    if chosen.junit is not None:
        _write(report, chosen.junit)
    return report


def _cases(chosen: Selection) -> list[Case]:
    try:
        wanted = re.compile(chosen.only)
    except re.error as error:
        raise ConfigurationError(f"{chosen.only!r} is no regular expression: {error}") from error
    cases = [case for case in load_cases(chosen.cases) if wanted.search(case.name)]
    if not cases:
        raise ConfigurationError(f"no case has a name like {chosen.only!r}")
    return cases


def _places(chosen: Selection) -> list[Place]:
    headers = {"x-goog-api-key": chosen.key} if chosen.key else {}
    if chosen.token:
        headers = {"authorization": f"Bearer {chosen.token}"}
    parent = f"/projects/{chosen.project}/locations/{chosen.location}" if chosen.project else ""
    prefixes = {"developer": "/v1beta/models", "vertex": f"/v1beta1{parent}/publishers/google/models"}
    return [
        Place(f"{endpoint}/{generation}", prefixes[endpoint], model, headers)
        for endpoint in chosen.endpoint or ENDPOINTS
        for generation, model in ((2, chosen.older), (3, chosen.newer))
        if model
    ]


def _write(report: Report, path: Path) -> None:
    try:
        path.write_text(report.as_junit(), encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"cannot write the report to {path}: {error.strerror or error}") from error
