"""Running something that blocks without blocking the event loop."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["in_thread"]

T = TypeVar("T")


async def in_thread(function: Callable[[], T], cancel: Callable[[], None]) -> T:
    """Call a function in a thread of its own.

    Args:
        function: What to call.
        cancel: Makes the function return soon; called when the task is cancelled, which then waits for it.
    """
    thread = ThreadPoolExecutor(1, thread_name_prefix="codeexec")
    run = asyncio.get_running_loop().run_in_executor(thread, function)
    try:
        return await asyncio.shield(run)
    except asyncio.CancelledError:
        cancel()
        await asyncio.gather(run, return_exceptions=True)
        raise
    except GeneratorExit:  # the loop was closed with the task pending
        cancel()
        raise
    finally:
        thread.shutdown(wait=False)
