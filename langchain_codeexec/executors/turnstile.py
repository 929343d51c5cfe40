"""Places for so many at a time, given in the order in which they were asked for."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future
from threading import Lock

from langchain_codeexec.errors import SandboxBusyError

__all__ = ["Turnstile"]


class Turnstile:
    """Lets in as many as there are places; the others wait, first come, first served.

    Args:
        places: How many are in at a time.
        waiting: How many may wait.
    """

    def __init__(self, places: int, waiting: int) -> None:
        self._free = places
        self._most = waiting
        self._waiting: deque[Future[None]] = deque()
        self._lock = Lock()

    def queue(self) -> Future[None]:
        """Ask for a place: the future is done when it is yours. Cancel it to give up waiting.

        Raises:
            SandboxBusyError: Too many are waiting.
        """
        ticket: Future[None] = Future()
        with self._lock:
            if not self._free and len(self._waiting) >= self._most:
                self._waiting = deque(other for other in self._waiting if not other.cancelled())
            if not self._free and len(self._waiting) >= self._most:
                raise SandboxBusyError(
                    f"{self._most} runs are waiting already: run fewer at a time, or give the sandbox more workers"
                )
            if self._free:
                self._free -= 1
                _admit(ticket)
            else:
                self._waiting.append(ticket)
        return ticket

    def leave(self) -> None:
        """Give a place back."""
        with self._lock:
            while self._waiting:
                if _admit(self._waiting.popleft()):
                    return
            self._free += 1

    def give_up(self, ticket: Future[None]) -> None:
        """Stop waiting, or give the place back if it has been given meanwhile."""
        if not ticket.cancel():
            self.leave()


def _admit(ticket: Future[None]) -> bool:
    """Whether whoever holds the ticket still wants in."""
    if not ticket.set_running_or_notify_cancel():
        return False
    ticket.set_result(None)
    return True
