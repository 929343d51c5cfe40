"""The start of a sandbox: leave the host's view of the system behind, then fork the zygote.

The first descriptor is a socket. A message brings the settings, one goes back that says whether it worked; then
connections arrive, and its end is the end of the sandbox.
"""

from __future__ import annotations

import os
import socket
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import frames, namespaces, zygote
from .folder import OwnedFolder
from .isolation import Folders, Isolation, Namespaces, live_in
from .kernel import call, die_with_parent, prctl
from .limits import Limits
from .namespaces import build_root, mount_box, readable_paths

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["main"]

_PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h
_SCRATCH = 64 << 20  # bytes for what libraries write while they are loaded


def main() -> int:
    """Start as told, and end with the sandbox."""
    control = socket.socket(fileno=os.dup(0))
    message = frames.receive(control)
    if message is None:
        return 0
    settings = message[0]
    with suppress(OSError):  # where memory gets scarce, the kernel is to end programs and not their host
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")
    try:
        start = _with_namespaces if settings["mode"] == "namespaces" else _with_folders
        start(control, settings)
    except OSError as error:
        _refuse(control, error)
        return 1
    return 0


def _with_namespaces(control: socket.socket, settings: dict[str, Any]) -> None:
    """Namespaces and a root made here; as root without a user namespace first, to see all libraries."""
    proc = os.open("/proc", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    readable = readable_paths(settings["readable"])
    built = False
    if os.geteuid() == 0:
        built = _build_as_root(readable)
        namespaces.become_nobody()
    namespaces.enter_cgroup()
    namespaces.enter(namespaces.ALL, proc)
    with suppress(OSError):
        call("sethostname", b"sandbox", 7)
    if not built:
        build_root(readable)

    def isolate() -> Isolation:
        die_with_parent(0)
        mount_box(_SCRATCH, _SCRATCH >> 10, readable)
        return Namespaces(proc, readable)

    _fork_zygote(control, settings, isolate)


def _build_as_root(readable: list[str]) -> bool:
    """Build the root with the right to read everything; false if this root may not mount."""
    try:
        namespaces.unshare(namespaces.MOUNT)
    except OSError:
        return False
    build_root(readable)
    return True


def _with_folders(control: socket.socket, settings: dict[str, Any]) -> None:
    """No namespaces: what runs leave behind is removed here, when all of them have ended."""
    if sys.platform == "linux":  # pyright: ignore[reportUnnecessaryComparison]
        prctl(_PR_SET_CHILD_SUBREAPER, 1)  # of runs whose zygote is killed
    base = OwnedFolder(settings["temporary"])
    live_in(base.path)
    readable = readable_paths(settings["readable"])
    try:
        _fork_zygote(control, settings, lambda: Folders(settings["mode"], base.path, readable))
    finally:
        base.close()


def _fork_zygote(control: socket.socket, settings: dict[str, Any], isolate: Callable[[], Isolation]) -> None:
    """Fork the zygote, and wait for it and for runs that it leaves."""
    pid = os.fork()
    if not pid:
        os._exit(_be_zygote(control, settings, isolate))
    control.close()
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    with suppress(ChildProcessError):
        while True:
            os.wait()


def _be_zygote(control: socket.socket, settings: dict[str, Any], isolate: Callable[[], Isolation]) -> int:
    try:
        os.dup2(os.open(os.devnull, os.O_RDWR), 0)
        zygote.serve(control, isolate(), Limits(**settings["limits"]), settings["preload"])
    except zygote.BrokenLibraryError as error:
        with suppress(OSError):
            frames.send(control, {"broken": error.args})
    except OSError as error:
        _refuse(control, error)
    return 0


def _refuse(control: socket.socket, error: OSError) -> None:
    with suppress(OSError):
        frames.send(control, {"error": f"{error.filename or 'system'}: {error.strerror or error}"})
