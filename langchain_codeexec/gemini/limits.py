"""What a call may take: seconds of silence, seconds as a whole, connections."""

from __future__ import annotations

import asyncio
import reprlib
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from contextvars import copy_context
from typing import Final, TypeVar

from langchain_codeexec.errors import ConfigurationError, GeminiTimeoutError

__all__ = ["DEFAULT_TIMEOUT", "MAX_CONNECTIONS", "Deadline", "checked_seconds"]

T = TypeVar("T")

MAX_CONNECTIONS: Final = 100
DEFAULT_TIMEOUT: Final = 600.0
"""Seconds without a byte of the answer: the service thinks, and runs code, before it sends the first one."""

_LONGEST: Final = 2_000_000  # sockets count milliseconds in 31 bits


def checked_seconds(name: str, value: object) -> float:
    """A setting that is a number of seconds.

    Raises:
        ConfigurationError: It is something else, or no time at all.
    """
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value <= _LONGEST:
        raise ConfigurationError(
            f"{name}={reprlib.repr(value)} must be a number of seconds above 0, at most {_LONGEST}; `None` leaves "
            "it out"
        )
    return value


class Deadline:
    """The time one call has for everything: attempts, waits, tokens, and answers that trickle in.

    Args:
        seconds: How long, from now on; `None` for no limit.

    Attributes:
        waiting_for: What the call is waiting for, as the error tells it.
    """

    __slots__ = ("_until", "seconds", "waiting_for")

    def __init__(self, seconds: float | None = None) -> None:
        self.seconds = seconds
        self.waiting_for = "a free connection"
        self._until = None if seconds is None else time.monotonic() + seconds

    def least(self, seconds: float | None = None) -> float | None:
        """Those seconds, or what is left of the deadline if that is less; `None` for no limit."""
        if self._until is None:
            return seconds
        left = max(self._until - time.monotonic(), 0.0)
        return left if seconds is None else min(seconds, left)

    @property
    def is_over(self) -> bool:
        """Whether it has come."""
        return self._until is not None and time.monotonic() >= self._until

    def check(self) -> None:
        """Raise `GeminiTimeoutError` once it has come."""
        if self.is_over:
            raise self.error()

    def error(self) -> GeminiTimeoutError:
        """What is raised when it has come."""
        return GeminiTimeoutError(
            f"the call was not over after deadline={self.seconds:g} s; it was waiting for {self.waiting_for}: "
            "allow more with deadline=…"
        )

    async def limit(self, awaitable: Awaitable[T]) -> T:
        """Await something no longer than that."""
        if self._until is None:
            return await awaitable
        scope = asyncio.timeout(self.least())
        try:
            async with scope:
                return await awaitable
        except TimeoutError as error:
            if scope.expired():
                raise self.error() from error
            raise

    def run(self, call: Callable[[], T]) -> T:
        """Call something no longer than that; what cannot be broken off is left to its thread."""
        if self._until is None:
            return call()
        future: Future[T] = Future()
        threading.Thread(target=copy_context().run, args=(_complete, future, call), daemon=True).start()
        try:
            return future.result(self.least())
        except TimeoutError as error:
            if future.done():
                raise
            raise self.error() from error

    @contextmanager
    def enforced(self, break_off: Callable[[], None]) -> Iterator[None]:
        """Have a thread that blocks within broken off when it comes: sockets limit only each wait for a byte."""
        left = self.least()
        if left is None:
            yield
            return
        timer = threading.Timer(left, break_off)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            timer.join()  # what is broken off must not be another call's


def _complete(future: Future[T], call: Callable[[], T]) -> None:
    try:
        future.set_result(call())
    except BaseException as error:  # noqa: BLE001 -- whatever it is, it is raised where it is waited for
        future.set_exception(error)
