"""Repeating a request that failed for a reason that may pass: how often, and after how long."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from math import inf
from typing import Final, TypeVar

from langchain_codeexec.errors import (
    ConfigurationError,
    GeminiAPIError,
    GeminiConnectionError,
    GeminiError,
    GeminiTimeoutError,
)
from langchain_codeexec.gemini.errors import LONGEST_WAIT, is_daily_quota
from langchain_codeexec.gemini.limits import Deadline

__all__ = ["MAX_RETRIES", "RetryPolicy"]

T = TypeVar("T")

MAX_RETRIES: Final = 6
_PERMANENT: Final = (HTTPStatus.NOT_IMPLEMENTED, HTTPStatus.HTTP_VERSION_NOT_SUPPORTED, 511)

_RANDOM: Final = random.SystemRandom()  # draws nothing from the generator that a program may have seeded
_logger = logging.getLogger(__name__)


def _full_jitter(limit: float) -> float:
    return _RANDOM.uniform(0.0, limit)


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often a request is repeated, and after how long; `RestTransport` says which ones are.

    A wait the service demands is kept. Otherwise the waits grow exponentially, each drawn at random between
    nothing and its limit ("full jitter"). tenacity does the same in as many lines, but adds a tenth to what
    httpx takes for a request that succeeds, and an import that langchain-core puts off.

    Attributes:
        max_retries: Attempts after the first one.
        first_wait: Limit of the first wait in seconds; it doubles each time.
        longest_wait: Seconds no wait exceeds; a service that demands more is not asked again.
        jitter: Draws a wait between 0 and its limit.
        sleep: Waits in a thread.
        asleep: Waits in a task.
    """

    max_retries: int = MAX_RETRIES
    first_wait: float = 1.0
    longest_wait: float = LONGEST_WAIT
    jitter: Callable[[float], float] = _full_jitter
    sleep: Callable[[float], object] = time.sleep
    asleep: Callable[[float], Awaitable[object]] = asyncio.sleep

    def __post_init__(self) -> None:
        if type(self.max_retries) is not int or self.max_retries < 0:
            raise ConfigurationError(f"max_retries={self.max_retries!r} must be 0 or a positive whole number")

    def repeat(
        self,
        attempt: Callable[[], T],
        deadline: Deadline,
        after: tuple[type[GeminiError], ...] = (GeminiError,),
    ) -> T:
        """Give what `attempt` returns, the first time it does not fail like that for a reason that may pass.

        Raises:
            GeminiError: That of the last attempt.
        """
        retries = 0
        while True:
            try:
                return attempt()
            except after as error:
                wait = self._wait_after(error, retries, deadline)
            self.sleep(wait)
            retries += 1

    async def arepeat(
        self,
        attempt: Callable[[], Awaitable[T]],
        deadline: Deadline,
        after: tuple[type[GeminiError], ...] = (GeminiError,),
    ) -> T:
        """Do the same without blocking the event loop; see `repeat`."""
        retries = 0
        while True:
            try:
                return await attempt()
            except after as error:
                wait = self._wait_after(error, retries, deadline)
            await self.asleep(wait)
            retries += 1

    def _wait_after(self, error: GeminiError, retries: int, deadline: Deadline) -> float:
        """Seconds before the next attempt; raises the error if none is left or would help."""
        if retries >= min(self.max_retries, _most_retries(error)):
            raise error
        wait = self.jitter(min(self.first_wait * 2 ** min(retries, 62), self.longest_wait))
        retry_after = getattr(error, "retry_after", None)
        if retry_after:  # none at all, or a date in the past, is no reason not to back off
            wait = retry_after
        if wait > self.longest_wait or deadline.least(wait) != wait:
            raise error
        deadline.waiting_for = f"the next attempt after {type(error).__name__}"
        _logger.info("retry %d in %.1f s after %s: %s", retries + 1, wait, type(error).__name__, error)
        return wait


def _most_retries(error: GeminiError) -> float:
    """How often a request that failed like this is worth repeating."""
    if isinstance(error, GeminiAPIError):
        code = error.status_code
        is_transient = code in (408, 429) or (
            code >= HTTPStatus.INTERNAL_SERVER_ERROR and code not in _PERMANENT
        )
        return inf if is_transient and not is_daily_quota(error.details) else 0
    if isinstance(error, GeminiConnectionError | GeminiTimeoutError) and error.remedy:
        return 1  # what has a remedy seldom heals by itself
    return inf if isinstance(error, GeminiConnectionError) else 0
