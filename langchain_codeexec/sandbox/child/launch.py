"""The start of a sandbox: leave the host's view of the system behind, then fork the zygote.

The first descriptor is a socket. A packet brings the settings, one goes back that says whether it worked; then
connections arrive, and its end is the end of the sandbox.
"""

from __future__ import annotations

import os
import shutil
import socket
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import frames, namespaces, zygote
from .folder import OwnedFolder
from .isolation import Folders, Isolation, Namespaces, live_in
from .kernel import call, die_with_parent, prctl
from .limits import Limits
from .namespaces import BOX, PLACES, build_root, mount_box, readable_paths

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["main"]

_NAMESPACES = ("--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try")
_ROOT_KEEPS = ("CAP_SETUID", "CAP_SETGID")  # to become nobody


_PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h
_ALL = namespaces.MOUNT | namespaces.PID | namespaces.NETWORK | namespaces.IPC | namespaces.UTS
_SCRATCH = 64 << 20  # bytes for what libraries write while they are loaded


def main() -> int:
    """Start as told, and end with the sandbox."""
    control = socket.socket(fileno=os.dup(0))
    os.set_inheritable(control.fileno(), False)
    within = sys.argv[1:] == ["within"]
    settings = frames.receive_packet(control, peek=True)
    if settings is None:
        return 0
    try:
        if settings["mode"] == "bubblewrap" and not within:
            _into_bubblewrap(settings)
        frames.receive_packet(control)
        os.environ.pop("PWD", None)  # bubblewrap sets it
        _MODES[settings["mode"]](control, settings)
    except OSError as error:
        _refuse(control, f"{error.filename or 'system'}: {error.strerror or error}")
        return 1
    return 0


def _with_namespaces(control: socket.socket, settings: dict[str, Any]) -> None:
    """Namespaces and a root made here; as root without a user namespace first, to see all libraries."""
    proc = namespaces.open_proc()
    readable = readable_paths(settings["readable"])
    built = False
    if os.geteuid() == 0:
        built = _build_as_root(readable)
        namespaces.become_nobody()
    namespaces.enter_cgroup()
    namespaces.enter(_ALL, proc)
    with suppress(OSError):
        call("sethostname", b"sandbox", 7)
    if not built:
        build_root(readable)
    _fork_zygote(control, settings, lambda: Namespaces(proc, readable))


def _build_as_root(readable: list[str]) -> bool:
    """Build the root with the right to read everything; false if this root may not mount."""
    try:
        namespaces.unshare(namespaces.MOUNT)
    except OSError:
        return False
    build_root(readable)
    return True


def _into_bubblewrap(settings: dict[str, Any]) -> None:
    """Start again within bubblewrap; does not return."""
    bwrap = shutil.which("bwrap", path=os.defpath) or "bwrap"
    command = _bubblewrap_command(bwrap, os.path.abspath(sys.argv[0]), settings["readable"])  # noqa: PTH100 -- a string
    try:
        os.execv(bwrap, command)  # noqa: S606 -- a list, no shell
    except OSError as error:
        raise OSError(error.errno, f"bubblewrap is not installed ({error.strerror})", "bwrap") from error


def _bubblewrap_command(bwrap: str, script: str, readable: Iterable[str]) -> list[str]:
    """How to start a script of this interpreter again, within bubblewrap (`man 1 bwrap`).

    Bubblewrap is not told to die with its parent: that is a thread of the host, which may end before.
    """
    command = [bwrap, *_NAMESPACES, "--hostname", "sandbox", "--new-session", "--cap-drop", "ALL"]
    if os.geteuid() == 0:
        for name in _ROOT_KEEPS:
            command += ["--cap-add", name]
    else:
        command += ["--unshare-user"]
    command += ["--dev", "/dev", "--proc", "/proc"]
    for folder in (BOX, *PLACES.values()):
        command += ["--perms", "1777", "--tmpfs", folder]
    own = (*_interpreter(), os.path.dirname(script))  # noqa: PTH120 -- a string
    paths = readable_paths((*readable, *own))  # after the folders, one of which they may lie in
    for folder in sorted(
        {str(parent) for path in paths for parent in Path(path).parents} - {"/", *PLACES.values()}
    ):
        command += ["--perms", "0755", "--dir", folder]  # else only root could pass
    for path in paths:
        command += ["--ro-bind", os.path.realpath(path), path]
    command += ["--remount-ro", "/", "--chdir", "/", "--"]
    return [*command, sys.executable, "-I", "-B", script, "within"]


def _interpreter() -> tuple[str, ...]:
    """The interpreter under every name that leads to it."""
    names = [sys.executable]
    while os.path.islink(names[-1]):  # noqa: PTH114 -- a string
        folder = os.path.dirname(names[-1])  # noqa: PTH120 -- as above
        names.append(os.path.join(folder, os.readlink(names[-1])))  # noqa: PTH115, PTH118 -- as above
    return (*names, os.path.realpath(sys.executable))


def _within_bubblewrap(control: socket.socket, settings: dict[str, Any]) -> None:
    """Namespaces for each run within bubblewrap's, where the system lets them be nested."""
    proc = namespaces.open_proc()
    readable = readable_paths(settings["readable"])
    if os.geteuid() == 0:
        namespaces.become_nobody()
    try:
        namespaces.enter(namespaces.MOUNT | namespaces.PID | namespaces.IPC, proc)
    except OSError:
        base = tempfile.mkdtemp(dir="/tmp")
        _fork_zygote(control, settings, lambda: Folders(base, readable))
    else:
        _fork_zygote(control, settings, lambda: Namespaces(proc, readable))


def _with_landlock(control: socket.socket, settings: dict[str, Any]) -> None:
    """No namespaces: what runs leave behind is removed here, when all of them have ended."""
    prctl(_PR_SET_CHILD_SUBREAPER, 1)
    base = OwnedFolder(settings["temporary"])
    live_in(base.path)
    readable = readable_paths(settings["readable"])
    try:
        _fork_zygote(control, settings, lambda: Folders(base.path, readable))
    finally:
        base.close()


def _fork_zygote(control: socket.socket, settings: dict[str, Any], isolate: Callable[[], Isolation]) -> None:
    """Fork the zygote, and wait for it and for all it leaves behind."""
    parent = os.getpid()
    pid = os.fork()
    if not pid:
        os._exit(_be_zygote(control, settings, isolate, parent))
    control.close()
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    with suppress(ChildProcessError):
        while True:
            os.wait()


def _be_zygote(
    control: socket.socket, settings: dict[str, Any], isolate: Callable[[], Isolation], parent: int
) -> int:
    try:
        os.dup2(os.open(os.devnull, os.O_RDWR), 0)
        isolation = isolate()
        die_with_parent(0 if isolation.isolated else parent)
        if isolation.isolated:
            mount_box(_SCRATCH, _SCRATCH >> 10, isolation.readable)
        zygote.serve(control, isolation, Limits(**settings["limits"]), settings["preload"])
    except zygote.BrokenLibraryError as error:
        frames.send_packet(control, {"broken": error.args})
    except OSError as error:
        _refuse(control, f"{error.filename or 'system'}: {error.strerror or error}")
    return 0


def _refuse(control: socket.socket, reason: str) -> None:
    with suppress(OSError):
        frames.send_packet(control, {"error": reason})


_MODES: dict[str, Callable[[socket.socket, dict[str, Any]], None]] = {
    "namespaces": _with_namespaces,
    "bubblewrap": _within_bubblewrap,
    "landlock": _with_landlock,
}
