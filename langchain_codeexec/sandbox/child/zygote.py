"""The process that runs are forked from: libraries loaded, nothing of any request ever in its memory."""

from __future__ import annotations

import ctypes
import gc
import importlib
import io
import os
import signal
import socket
import sys
from contextlib import suppress
from importlib.util import find_spec
from typing import TYPE_CHECKING

from . import frames
from .confinement import barriers
from .kernel import call
from .supervisor import Supervisor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from .isolation import Isolation
    from .limits import Limits

__all__ = ["BrokenLibraryError", "fork_run", "serve"]


class BrokenLibraryError(Exception):
    """A library to load in advance is there and cannot be loaded."""


def serve(control: socket.socket, isolation: Isolation, limits: Limits, preload: Iterable[str]) -> None:
    """Fork a supervisor for every connection that arrives by `control`, until the host closes that.

    Raises:
        BrokenLibraryError: The zygote would hold a library that is half loaded.
    """
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel buries what is forked
    if isolation.mode != "process":
        barriers(isolation.mode)
    _try_out(isolation, limits)
    loaded = [name for name in preload if _load(name)]
    gc.collect()
    gc.freeze()
    with suppress(OSError):
        _use_large_pages(isolation.proc)
    frames.send(control, {"loaded": loaded})
    while True:
        data, descriptors, _, _ = socket.recv_fds(control, 1, 1)
        if not data:
            break
        fork_run(isolation, limits, socket.socket(fileno=descriptors[0]), [control])
    with suppress(ChildProcessError):
        os.wait()  # for all of them, as their ends are ignored


def fork_run(
    isolation: Isolation, limits: Limits, host: socket.socket, close: Iterable[socket.socket]
) -> None:
    """Fork the supervisor of a connection."""
    with host:
        try:
            pid = isolation.fork()
        except OSError as error:  # too many processes
            _report(host, error)
            return
        if pid:
            return
        status = 1
        try:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for channel in close:
                channel.close()
            Supervisor(host, isolation.enter_run(limits), limits).serve()
            status = 0
        except OSError as error:
            _report(host, error)
        finally:
            with suppress(OSError):
                isolation.leave_run()
            os._exit(status)


def _report(host: socket.socket, error: OSError) -> None:
    with suppress(OSError):
        frames.send(host, {"error": f"{error.filename or 'sandbox'}: {error.strerror or error}"})


def _try_out(isolation: Isolation, limits: Limits) -> None:
    """Confine a process as for a run, and run nothing in it."""
    ours, theirs = socket.socketpair()
    with ours:
        fork_run(isolation, limits, theirs, [ours])
        frames.send(ours, {"prepare": True})
        reply = frames.receive(ours)
    if reply is None or "ready" not in reply[0]:
        reason = reply[0].get("error", "") if reply else "it ended at once"
        raise OSError(0, reason, "confining a process")


_LARGE = 2 << 20  # bytes; elsewhere than on x86-64 a large page may be another, and this in vain
_MADV_COLLAPSE = 25  # asm-generic/mman-common.h, since Linux 6.1


def _use_large_pages(proc: int) -> None:
    """Have what has been loaded lie in large pages, so that a fork has less to copy."""
    with open(os.open("self/maps", os.O_RDONLY | os.O_CLOEXEC, dir_fd=proc), "rb") as maps:  # noqa: PTH123 -- a descriptor
        regions = [line.split() for line in maps]
    for addresses, access, _, _, inode, *_ in regions:
        if access == b"rw-p" and inode == b"0":
            start, end = (int(address, 16) for address in addresses.split(b"-"))
            for page in range(-(-start // _LARGE) * _LARGE, end - _LARGE + 1, _LARGE):
                with suppress(OSError):
                    call("madvise", ctypes.c_void_p(page), ctypes.c_size_t(_LARGE), _MADV_COLLAPSE)


def _load(name: str) -> bool:
    """Load a library and whatever it would load at its first use; false if it is not installed."""
    try:
        if find_spec(name.partition(".")[0]) is None:
            return False
        importlib.import_module(name)
        _WARM_UP.get(name, lambda: None)()
    except Exception as error:
        raise BrokenLibraryError(name, f"{type(error).__name__}: {error}") from error
    return True


def _warm_up_pyplot() -> None:
    """Draw once: that finds the fonts and loads what saves images."""
    pyplot = sys.modules["matplotlib.pyplot"]
    pyplot.plot([0, 1])
    pyplot.title("x")
    pyplot.savefig(io.BytesIO(), format="png")
    pyplot.close("all")
    sys.modules["matplotlib.font_manager"].__dict__["_get_font"].cache_clear()  # as every fork would


_WARM_UP: dict[str, Callable[[], None]] = {"matplotlib.pyplot": _warm_up_pyplot}
