"""How a run is kept apart from the host and from other runs: by namespaces, or by a folder of its own."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from . import namespaces
from .folder import remove_tree
from .kernel import prctl

if TYPE_CHECKING:
    from .limits import Limits

__all__ = ["Box", "Folders", "Isolation", "Namespaces", "live_in"]

_PR_SET_DUMPABLE = 4  # linux/prctl.h


@dataclass(frozen=True)
class Box:
    """The folders of a run."""

    mode: str  # how it is kept to them: `namespaces`, `landlock` or, not at all, `process`
    top: str  # what holds them all
    work: str  # the working directory
    temporary: str  # home and temporary folder
    images: str  # where drawings are left
    writable: tuple[str, ...]
    readable: tuple[str, ...] = ("/",)  # where more is to be seen than may be read

    def settle(self) -> None:
        """Make this process at home in the box."""
        os.chdir(self.work)
        fonts = os.environ["MPLCONFIGDIR"]
        live_in(self.temporary)
        if self.mode == "process":  # runs trust each other, and save the search for fonts
            os.environ["MPLCONFIGDIR"] = fonts


def live_in(folder: str) -> None:
    """Have libraries keep in a folder what they would keep at home or among temporary files."""
    os.environ |= {"HOME": folder, "TMPDIR": folder, "MPLCONFIGDIR": f"{folder}/matplotlib"}
    tempfile.tempdir = None  # what this process found out before


class Namespaces:
    """Every run in user, mount and pid namespaces of its own; `proc` is a descriptor of /proc."""

    mode = "namespaces"

    def __init__(self, proc: int, readable: list[str]) -> None:
        self.proc, self._readable = proc, readable
        self._own = os.open("self/ns/pid", os.O_RDONLY | os.O_CLOEXEC, dir_fd=proc)

    def fork(self) -> int:
        """Fork a process that is the first of a new pid namespace: when it ends, so does all in there."""
        namespaces.unshare(namespaces.PID)
        pid = -1
        try:
            pid = os.fork()
        finally:
            if pid:
                namespaces.return_to(self._own)
        return pid

    def enter_run(self, limits: Limits) -> Box:
        """Mount an empty box of limited size where only this run sees it."""
        namespaces.enter(namespaces.MOUNT, self.proc)
        prctl(_PR_SET_DUMPABLE, 0)
        namespaces.mount_box(limits.disk, limits.files, self._readable)
        top, places = namespaces.places(self._readable)
        images = f"{top}/images"
        Path(images).mkdir()
        writable = (top, *places.values())
        return Box(self.mode, top, places["work"], places["temporary"], images, writable)

    def leave_run(self) -> None:
        """Nothing outlives the namespaces."""


class Folders:
    """Every run in a folder of its own, kept there by Landlock or, in the mode `process`, by nothing."""

    def __init__(self, mode: str, base: str, readable: list[str]) -> None:
        self.mode, self._base, self._readable = mode, base, tuple(readable)
        self._top = ""
        self.proc = os.open("/proc", os.O_RDONLY | os.O_CLOEXEC) if Path("/proc/self").exists() else -1

    def fork(self) -> int:
        """Fork a process; the end of its connection is its end."""
        return os.fork()

    def enter_run(self, limits: Limits) -> Box:  # noqa: ARG002 -- one signature for both
        """Make a folder."""
        self._top = top = tempfile.mkdtemp(dir=self._base)
        places = work, temporary, images = (f"{top}/work", f"{top}/temporary", f"{top}/images")
        for folder in places:
            Path(folder).mkdir()
        return Box(self.mode, top, work, temporary, images, places, self._readable)

    def leave_run(self) -> None:
        """Remove the folder."""
        if self._top:
            remove_tree(self._top)


Isolation: TypeAlias = Namespaces | Folders
"""What the zygote does differently, depending on what the system allows."""
