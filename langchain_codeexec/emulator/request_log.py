"""What came in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime

    from langchain_codeexec.gemini.transport import EndpointKind

__all__ = ["RecordedRequest"]


@dataclass(frozen=True, slots=True)
class RecordedRequest:
    """A request the emulator received, as it was sent. Credentials are not kept.

    Attributes:
        path: URL path without the query.
        endpoint: Which service it was for; `None` where the path belongs to neither.
        model: Bare model name; empty where the path names none.
        method: `generateContent`, `streamGenerateContent`, `countTokens`; `GET` for a look-up.
        body: The JSON body before any normalising; `None` where there was none or it was not JSON.
        status: HTTP status of the answer. A stream that failed after its beginning has 200; 0 is no answer at all.
        number: Its number on the emulator's page, from 1 on; 0 where it has none.
        received: When it came.
    """

    path: str
    endpoint: EndpointKind | None
    model: str
    method: str
    body: Any
    status: int
    number: int = 0
    received: datetime | None = None
