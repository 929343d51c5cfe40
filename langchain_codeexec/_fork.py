"""What starts afresh in a child process, which inherits locks, connections and processes that are its parent's."""

from __future__ import annotations

import os
import weakref
from typing import Any, Protocol

__all__ = ["abandon", "renew_after_fork"]


class Renewable(Protocol):
    """Something that can start afresh in a child process."""

    def renew(self) -> None:
        """Replace every lock, and leave the parent's connections alone."""
        ...


_renewables: weakref.WeakSet[Any] = weakref.WeakSet()
_abandoned: list[object] = []


def renew_after_fork(renewable: Renewable) -> None:
    """Have `renewable.renew()` called in every child process, for as long as the object lives."""
    _renewables.add(renewable)


def abandon(inherited: object) -> None:
    """Keep an inherited object from being closed or collected in this process.

    Closing it could wait for a lock that a thread of the parent held, and collecting it would warn of
    sockets that are the parent's to close.
    """
    _abandoned.append(inherited)


def _renew_in_child() -> None:
    for renewable in list(_renewables):
        renewable.renew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_in_child)
