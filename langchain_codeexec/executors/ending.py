"""What has to happen when the interpreter ends."""

from __future__ import annotations

import atexit
import concurrent.futures.thread  # noqa: F401 -- so that what it registers itself comes after what is registered here
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["before_threads_are_joined"]


def before_threads_are_joined(function: Callable[[], None]) -> Callable[[], None]:
    """Call a function when the interpreter ends, while threads still run.

    The interpreter waits for threads before it calls what `atexit` has registered. Where they wait for a
    program to end that would take as long as the program.
    """
    getattr(threading, "_register_atexit", atexit.register)(function)
    return function
