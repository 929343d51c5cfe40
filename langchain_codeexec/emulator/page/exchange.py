"""One request and its answer, as the bytes that passed."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from langchain_codeexec.emulator.faults import Fault
    from langchain_codeexec.emulator.targets import Target

__all__ = ["Exchange", "Run"]


@dataclass(frozen=True, slots=True)
class Run:
    """One run of code.

    Attributes:
        at: Seconds since the request came.
        seconds: How long the answer waited for it.
        outcome: How it ended, in the wire's words.
        cpu_time: Seconds on all processors; 0 where they were not counted.
        peak_memory: Bytes; 0 where they were not counted.
    """

    at: float
    seconds: float
    outcome: str
    cpu_time: float
    peak_memory: int


@dataclass(slots=True, eq=False)
class Exchange:
    """One request and its answer. Times are seconds since the request came.

    Attributes:
        number: From 1 on, in the order in which requests came.
        http_method: `POST` or `GET`.
        path: URL path without the query.
        query: Query parameters, credentials left out.
        credential: What came as credential: `key`, `bearer` or nothing; never the credential itself.
        received: When it came.
        target: What the URL addresses; `None` where it addresses nothing.
        question: The body as it came.
        content_type: Media type of the answer.
        brain: Name of what answered; empty where nothing was asked.
        notes: What that said about its answer.
        faults: What went wrong on purpose.
        runs: The code that was run.
        read_at: When the request was read.
        asked_at: When the brain was asked; `None` where it was not.
        first_at: When the answer began.
        ended_at: When it ended; `None` while it lasts.
        status: HTTP status; 0 is no answer (yet).
        complete: Whether the answer came to its end.
        pieces: The answer as it was sent: when, and the bytes.
        left_out: Bytes of both bodies that were too many to keep.
        revision: The journal's count of changes at the last change of this one.
        summary: Kept once the exchange is over.
    """

    number: int
    http_method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    credential: str = ""
    received: datetime = field(default_factory=lambda: datetime.now(UTC))
    target: Target | None = None
    question: bytes = b""
    content_type: str = ""
    brain: str = ""
    notes: list[str] = field(default_factory=list)
    faults: tuple[Fault, ...] = ()
    runs: list[Run] = field(default_factory=list)
    read_at: float = 0.0
    asked_at: float | None = None
    first_at: float | None = None
    ended_at: float | None = None
    status: int = 0
    complete: bool = False
    pieces: list[tuple[float, bytes]] = field(default_factory=list)
    left_out: int = 0
    revision: int = 0
    summary: dict[str, Any] | None = None
    _began: float = field(default_factory=time.perf_counter)

    @property
    def now(self) -> float:
        """Seconds since the request came."""
        return time.perf_counter() - self._began

    @property
    def method(self) -> str:
        """`generateContent` and the like; the HTTP method where the URL names none."""
        return (self.target.action if self.target else "") or self.http_method

    @property
    def answer(self) -> bytes:
        """The answer's body as far as it was kept."""
        return b"".join(piece for _, piece in self.pieces)
