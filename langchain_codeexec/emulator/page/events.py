"""What changed, as server-sent events."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from langchain_codeexec.emulator.page.details import summary

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from langchain_codeexec.emulator.faults import Faults
    from langchain_codeexec.emulator.page.journal import Journal

__all__ = ["changes", "event_stream"]

_TOGETHER = 0.1
_LOOK_AGAIN = 1.0
_ALIVE = 15


async def changes(journal: Journal, faults: Faults, after: int) -> dict[str, Any]:
    """The state of the page, with the exchanges that changed after a revision.

    Returns:
        `run` and `revision` of the journal; `oldest`, before which everything is forgotten; `faults`; `requests`.
    """
    exchanges = journal.since(after)
    change = {
        "run": journal.run,
        "revision": journal.revision,
        "oldest": journal.oldest,
        "faults": [fault.as_json() for fault in faults.pending],
    }
    lines = await asyncio.to_thread(lambda: [summary(exchange) for exchange in exchanges])
    return {**change, "requests": lines}


async def event_stream(
    journal: Journal, faults: Faults, after: int, ending: asyncio.Event
) -> AsyncIterator[bytes]:
    """The state at first, then at every change, a few changes at once. It ends when the server does.

    Faults are looked at now and then as well: a program may set them without telling anybody.
    """
    told: tuple[int, object] | None = None
    waited = 0.0
    over = asyncio.ensure_future(ending.wait())
    try:
        with journal.listening() as woken:
            while not ending.is_set():
                woken.clear()
                state = (journal.revision, faults.pending)
                if state != told:
                    change = await changes(journal, faults, after)
                    told, after, waited = state, change["revision"], 0.0
                    yield f"data: {json.dumps(change)}\n\n".encode()
                elif waited >= _ALIVE:
                    waited = 0.0
                    yield b": alive\n\n"
                await asyncio.wait({over}, timeout=_TOGETHER)
                waited += await _next(woken, over)
    finally:
        over.cancel()


async def _next(woken: asyncio.Event, over: asyncio.Future[Any]) -> float:
    """Wait for something to happen, up to a while; the seconds of that while."""
    waiting = asyncio.ensure_future(woken.wait())
    try:
        await asyncio.wait({waiting, over}, timeout=_LOOK_AGAIN, return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiting.cancel()
    return _TOGETHER + _LOOK_AGAIN
