"""Generators that do no I/O, run by sync or by async code.

A generator yields what is to be done, is sent the result and has a failure thrown in, so that all there is to
decide stands in one place and only the waiting is written twice.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator
from contextlib import closing
from typing import Any, TypeVar

__all__ = ["arun_steps", "run_steps"]

Step = TypeVar("Step")
Result = TypeVar("Result")


def run_steps(steps: Generator[Step, Any, Result], take: Callable[[Step], Any]) -> Result:
    """Take each step of a generator; what it returns."""
    # Closed here also where whoever waits is interrupted, and so in the context that it was opened in.
    with closing(steps):
        try:
            step = next(steps)
            while True:
                try:
                    outcome = take(step)
                except Exception as error:  # noqa: BLE001 -- the generator raises it again, or goes another way
                    step = steps.throw(error)
                else:
                    step = steps.send(outcome)
        except StopIteration as end:
            result: Result = end.value
            return result


async def arun_steps(steps: Generator[Step, Any, Result], take: Callable[[Step], Awaitable[Any]]) -> Result:
    """Take each step of a generator without blocking the event loop; what it returns."""
    with closing(steps):
        try:
            step = next(steps)
            while True:
                try:
                    outcome = await take(step)
                except Exception as error:  # noqa: BLE001 -- as above
                    step = steps.throw(error)
                else:
                    step = steps.send(outcome)
        except StopIteration as end:
            result: Result = end.value
            return result
