"""A generator that blocks, advanced without blocking the event loop."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from queue import SimpleQueue
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

__all__ = ["Stepper"]

T = TypeVar("T")
R = TypeVar("R")


class Stepper(Generic[T]):
    """Advances a generator in one thread of its own, without blocking the event loop.

    All steps and the close run in the same thread, because a sandbox may tie its life to the thread that
    started it. A step that never ends keeps neither the loop nor the interpreter from ending.
    """

    def __init__(self, steps: Generator[T]) -> None:
        self._steps = steps
        self._jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._busy = False
        self._closed = False
        threading.Thread(target=self._work, name="gemini-emulator-brain", daemon=True).start()

    async def next(self) -> T | None:
        """The next step; `None` after the last."""
        self._busy = True
        step = await self._run(lambda: next(self._steps, None))
        self._busy = False
        return step()

    async def aclose(self) -> None:
        """Close the generator and end the thread; a step given up on ends first and is not awaited."""
        if self._closed:
            return
        self._closed = True
        if self._busy:
            self._jobs.put(self._steps.close)
            self._jobs.put(None)
            return
        closed = await self._run(self._steps.close)
        self._jobs.put(None)
        closed()

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()

    async def _run(self, work: Callable[[], R]) -> Callable[[], R]:
        """Do some work in the thread; gives a function that returns or raises what it did."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[Callable[[], R]] = loop.create_future()

        def job() -> None:
            outcome = _outcome(work)
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(_settle, done, outcome)

        self._jobs.put(job)
        return await done


def _outcome(work: Callable[[], R]) -> Callable[[], R]:
    try:
        result = work()
    except BaseException as error:  # noqa: BLE001 -- raised where it is waited for
        failure = error

        def fail() -> R:
            raise failure

        return fail
    return lambda: result


def _settle(done: asyncio.Future[T], outcome: T) -> None:
    if not done.done():
        done.set_result(outcome)
