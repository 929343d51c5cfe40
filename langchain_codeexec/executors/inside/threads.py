"""The limit of a program's threads where its user may have other processes, which the kernel would count too."""

from __future__ import annotations

import os
from errno import EAGAIN
from typing import TYPE_CHECKING

from .syscall_numbers import number
from .usage import tasks

if TYPE_CHECKING:
    from collections.abc import Callable

    from .listener import Call

__all__ = ["CALL", "limit_threads"]

CALL = "clone"
"""The system call that starts a thread; that of a process is refused before anybody is asked."""


def limit_threads(pid: int, most: int, others: Callable[[Call], int] | None) -> Callable[[Call], int | None]:
    """What answers a program's calls: refuses a thread too many, and leaves the others to the kernel.

    Args:
        pid: The program's process.
        most: Threads that it may have.
        others: Answers all other calls; without it they are left to the kernel.
    """

    def answer(call: Call) -> int | None:
        if call.number != number(CALL):
            return others(call) if others else None
        if tasks(pid) >= most:
            raise OSError(EAGAIN, os.strerror(EAGAIN))
        return None

    return answer
