"""Words for what the kernel will refuse, so that whoever wrote the program knows what to do instead.

These are no barrier: a program that makes the system call itself is refused by the kernel, without words. Of
`multiprocessing`, the locks become those of threads, so that thread pools work where there is one process.
"""

from __future__ import annotations

import selectors
import sys
import threading
from errno import EPERM
from typing import TYPE_CHECKING, Any

from .program import after_import

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["explain_refusals", "keep_to_one_process"]

_PROCESSES = "processes cannot be started in this sandbox: use threads instead, and libraries for commands"
_LOCKS = ("Lock", "RLock", "Semaphore", "BoundedSemaphore", "Condition", "Event")


def keep_to_one_process() -> None:
    """Refuse further processes in words, and make do without what only they would need."""
    setattr(selectors, "DefaultSelector", selectors.PollSelector)  # noqa: B010 -- there is no epoll
    after_import(
        {
            "multiprocessing.process": lambda module: setattr(module.BaseProcess, "start", _refuse),
            "multiprocessing.synchronize": _lock_threads_only,
            "multiprocessing.util": lambda module: setattr(module, "spawnv_passfds", _refuse),
        }
    )


def _refuse(*_arguments: object) -> None:
    raise PermissionError(EPERM, _PROCESSES)


def _lock_threads_only(module: ModuleType) -> None:
    for name in _LOCKS:
        setattr(module, name, _without_context(getattr(threading, name)))


def _without_context(make: Any) -> Any:
    """The function of `threading`, called as that of `multiprocessing`."""

    def made(*arguments: Any, ctx: object = None) -> Any:  # noqa: ARG001 -- a keyword of the original
        return make(*arguments)

    return made


_NETWORK = "there is no network in this sandbox: work with the files that were given"
_WORDS = {
    "os.fork": _PROCESSES,
    "os.forkpty": _PROCESSES,
    "os.exec": _PROCESSES,
    "os.posix_spawn": _PROCESSES,
    "os.system": _PROCESSES,
    "subprocess.Popen": _PROCESSES,
    "socket.getaddrinfo": _NETWORK,
    "socket.gethostbyname": _NETWORK,
    "socket.connect": _NETWORK,
    "socket.bind": _NETWORK,
}
"""By the audit events of the standard library (docs.python.org, "Audit events table")."""


def explain_refusals() -> None:
    """Raise `PermissionError` with words in place of a bare one."""
    sys.addaudithook(_explain)


def _explain(event: str, _arguments: tuple[object, ...]) -> None:
    words = _WORDS.get(event)
    if words is not None:
        raise PermissionError(EPERM, words)
