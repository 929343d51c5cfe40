"""When a request is sent again, and after how long."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

from langchain_codeexec.errors import (
    ConfigurationError,
    GeminiAPIError,
    GeminiConnectionError,
    GeminiError,
    GeminiTimeoutError,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

__all__ = ["Attempts", "RetryPolicy"]

_logger = logging.getLogger(__name__)


def _anywhere_up_to(limit: float) -> float:
    return random.uniform(0.0, limit)  # noqa: S311 -- spreads clients out, guards nothing


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often a request is repeated, and the clock that paces it.

    A wait the service asks for is kept, up to `longest_wait`. Otherwise the waits grow exponentially, each
    drawn at random between nothing and its limit ("full jitter").

    Attributes:
        max_retries: Attempts after the first one.
        first_wait: Limit of the first wait in seconds; it doubles each time.
        longest_wait: Seconds no wait exceeds.
        jitter: Draws a wait between 0 and its limit.
        clock: Seconds since the epoch.
        sleep: Waits in a thread.
        asleep: Waits in a task.
    """

    max_retries: int = 4
    first_wait: float = 1.0
    longest_wait: float = 60.0
    jitter: Callable[[float], float] = _anywhere_up_to
    clock: Callable[[], float] = time.time
    sleep: Callable[[float], object] = time.sleep
    asleep: Callable[[float], Awaitable[object]] = asyncio.sleep

    def __post_init__(self) -> None:
        if (
            isinstance(self.max_retries, bool)
            or not isinstance(self.max_retries, int)
            or self.max_retries < 0
        ):
            raise ConfigurationError(f"max_retries={self.max_retries!r} must be 0 or a positive whole number")

    def wait_before(self, retry: int, asked: float | None) -> float:
        """Seconds before the given retry (1 is the first), `asked` being what the service asked for."""
        if asked is not None:
            return min(asked, self.longest_wait)
        return self.jitter(min(self.first_wait * 2 ** min(retry - 1, 62), self.longest_wait))


class Attempts:
    """The attempts at one request.

    Args:
        policy: How often, and how long in between.
    """

    __slots__ = ("_policy", "_retries")

    def __init__(self, policy: RetryPolicy) -> None:
        self._policy = policy
        self._retries = 0

    def wait_after(self, error: GeminiError) -> float:
        """Seconds to wait before trying again.

        Raises:
            GeminiError: The given one, if there is nothing to gain by another attempt or none is left.
        """
        if self._retries >= self._policy.max_retries or not _is_transient(error):
            raise error
        self._retries += 1
        wait = self._policy.wait_before(self._retries, getattr(error, "retry_after", None))
        _logger.info("retry %d in %.1f s after %s: %s", self._retries, wait, type(error).__name__, error)
        return wait


def _is_transient(error: GeminiError) -> bool:
    if isinstance(error, GeminiAPIError):
        return error.status_code in (408, 429) or error.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR
    if isinstance(error, GeminiTimeoutError):
        # Nothing was sent yet; any other timeout has used up the time the caller allowed.
        return type(error.__cause__).__name__ == "ConnectTimeout"
    return isinstance(error, GeminiConnectionError)
