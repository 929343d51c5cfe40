"""What the command lines let their users choose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["ENDPOINTS", "Selection"]

ENDPOINTS = ("developer", "vertex")


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Which cases are run, against what, and with which credentials.

    Attributes:
        url: Base URL of the server.
        key: API key, sent as `x-goog-api-key`.
        token: OAuth token, sent instead as a bearer token.
        endpoint: Those of `ENDPOINTS` that are asked; all where none is named.
        project: Project on Vertex AI; empty for express mode.
        location: Location on Vertex AI.
        older: A model of Gemini 2; empty leaves it out.
        newer: A model of Gemini 3 or later; empty leaves it out.
        only: A regular expression for the names of cases.
        cases: Another file of cases.
        timeout: Seconds an answer may take.
        junit: Where the report is written besides, as JUnit's XML.
    """

    url: str
    key: str = ""
    token: str = ""
    endpoint: Sequence[str] = ()
    project: str = ""
    location: str = "global"
    older: str = "gemini-2.5-flash"
    newer: str = "gemini-3-flash-preview"
    only: str = ""
    cases: str | Path | None = None
    timeout: float = 120
    junit: Path | None = None
