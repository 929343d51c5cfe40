"""Words for what the kernel will refuse, so that whoever wrote the program knows what to do instead.

These are no barrier: a program that makes the system call itself is refused by the kernel, without words.
"""

from __future__ import annotations

import sys
from errno import EPERM

__all__ = ["explain_refusals"]

_PROCESSES = "processes cannot be started in this sandbox: use threads instead, and libraries for commands"
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
