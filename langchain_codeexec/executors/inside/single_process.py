"""`multiprocessing` where there is one process: its locks become those of threads, so that thread pools work."""

from __future__ import annotations

import threading
from errno import EPERM
from typing import TYPE_CHECKING, Any

from .hooks import after_import

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["PROCESSES_REFUSED", "keep_to_one_process"]

PROCESSES_REFUSED = (
    "processes cannot be started in this sandbox: use threads instead, and libraries for commands"
)
_LOCKS = ("Lock", "RLock", "Semaphore", "BoundedSemaphore", "Condition", "Event")


def keep_to_one_process() -> None:
    """Refuse further processes in words, and make do without what only they would need."""
    after_import(
        {
            "multiprocessing.process": _refuse_to_start,
            "multiprocessing.synchronize": _lock_threads_only,
            "multiprocessing.util": _refuse_to_spawn,
        }
    )


def _refuse_to_start(module: ModuleType) -> None:
    def start(_process: object) -> None:
        raise PermissionError(EPERM, PROCESSES_REFUSED)

    setattr(module.BaseProcess, "start", start)  # noqa: B010 -- a class that is not known here


def _refuse_to_spawn(module: ModuleType) -> None:
    def spawn(*_arguments: object) -> None:
        raise PermissionError(EPERM, PROCESSES_REFUSED)

    setattr(module, "spawnv_passfds", spawn)  # noqa: B010 -- as above


def _lock_threads_only(module: ModuleType) -> None:
    for name in _LOCKS:
        setattr(module, name, _without_context(getattr(threading, name)))


def _without_context(make: Any) -> Any:
    """The function of `threading`, called as that of `multiprocessing`."""

    def made(*arguments: Any, ctx: object = None) -> Any:  # noqa: ARG001 -- a keyword of the original
        return make(*arguments)

    return made
