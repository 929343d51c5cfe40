"""Repeating a request that failed for a reason that may pass: how often, and after how long."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import TypeVar

from langchain_codeexec.errors import (
    ConfigurationError,
    GeminiAPIError,
    GeminiConnectionError,
    GeminiError,
    GeminiTimeoutError,
)

__all__ = ["RetryPolicy"]

T = TypeVar("T")
A = TypeVar("A")

_logger = logging.getLogger(__name__)


def _full_jitter(limit: float) -> float:
    return random.uniform(0.0, limit)  # noqa: S311 -- spreads clients out, guards nothing


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often a request is repeated, and after how long.

    A wait the service demands is kept, up to `longest_wait`. Otherwise the waits grow exponentially, each
    drawn at random between nothing and its limit ("full jitter"). tenacity does the same in as many lines, but
    adds a tenth to what httpx takes for a request that succeeds, and an import that langchain-core puts off.

    Attributes:
        max_retries: Attempts after the first one.
        first_wait: Limit of the first wait in seconds; it doubles each time.
        longest_wait: Seconds no wait exceeds.
        jitter: Draws a wait between 0 and its limit.
        sleep: Waits in a thread.
        asleep: Waits in a task.
    """

    max_retries: int = 4
    first_wait: float = 1.0
    longest_wait: float = 60.0
    jitter: Callable[[float], float] = _full_jitter
    sleep: Callable[[float], object] = time.sleep
    asleep: Callable[[float], Awaitable[object]] = asyncio.sleep

    def __post_init__(self) -> None:
        if type(self.max_retries) is not int or self.max_retries < 0:
            raise ConfigurationError(f"max_retries={self.max_retries!r} must be 0 or a positive whole number")

    def repeat(self, attempt: Callable[[A], T], argument: A) -> T:
        """Give what `attempt` returns, the first time it does not fail for a reason that may pass.

        Raises:
            GeminiError: That of the last attempt.
        """
        retries = 0
        while True:
            try:
                return attempt(argument)
            except GeminiError as error:
                wait = self._wait_after(error, retries)
            self.sleep(wait)
            retries += 1

    async def arepeat(self, attempt: Callable[[A], Awaitable[T]], argument: A) -> T:
        """Do the same without blocking the event loop; see `repeat`."""
        retries = 0
        while True:
            try:
                return await attempt(argument)
            except GeminiError as error:
                wait = self._wait_after(error, retries)
            await self.asleep(wait)
            retries += 1

    def _wait_after(self, error: GeminiError, retries: int) -> float:
        """Seconds before the next attempt; raises the error if none is left or would help."""
        if retries >= self.max_retries or not _is_transient(error):
            raise error
        retry_after = getattr(error, "retry_after", None)
        limit = min(self.first_wait * 2 ** min(retries, 62), self.longest_wait)
        wait = self.jitter(limit) if retry_after is None else min(retry_after, self.longest_wait)
        _logger.info("retry %d in %.1f s after %s: %s", retries + 1, wait, type(error).__name__, error)
        return wait


def _is_transient(error: GeminiError) -> bool:
    if isinstance(error, GeminiAPIError):
        return error.status_code in (408, 429) or error.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR
    if isinstance(error, GeminiTimeoutError):
        # Nothing was sent yet; any other timeout has used up the time the caller allowed.
        return type(error.__cause__).__name__ == "ConnectTimeout"
    return isinstance(error, GeminiConnectionError)
