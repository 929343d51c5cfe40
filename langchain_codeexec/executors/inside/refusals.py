"""Words for what the kernel will refuse, so that whoever wrote the program knows what to do instead.

These are no barrier: a program that makes the system call itself is refused by the kernel, without words.
"""

from __future__ import annotations

import sys
from errno import EPERM

from .single_process import PROCESSES_REFUSED

__all__ = ["explain_refusals"]

_NETWORK = "there is no network in this sandbox: work with the files that were given"
_WORDS = {
    "os.fork": PROCESSES_REFUSED,
    "os.forkpty": PROCESSES_REFUSED,
    "os.exec": PROCESSES_REFUSED,
    "os.posix_spawn": PROCESSES_REFUSED,
    "os.system": PROCESSES_REFUSED,
    "subprocess.Popen": PROCESSES_REFUSED,
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
