"""How a run is kept apart from the host and from other runs: by namespaces, or by a folder of its own."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from . import namespaces
from .folder import remove_tree
from .kernel import die_with_parent, prctl
from .namespaces import BOX, PLACES, mount_box

if TYPE_CHECKING:
    from .limits import Limits

__all__ = ["Box", "Folders", "Isolation", "Namespaces", "live_in"]

_PR_SET_DUMPABLE = 4  # linux/prctl.h


@dataclass(frozen=True)
class Box:
    """The folders of a run.

    Attributes:
        top: What holds them all.
        work: The working directory.
        temporary: Home and temporary folder.
        images: Where drawings are left.
        writable: All that may be written to.
    """

    top: str
    work: str
    temporary: str
    images: str
    writable: tuple[str, ...]

    def settle(self) -> None:
        """Make this process at home in the box."""
        os.chdir(self.work)
        live_in(self.temporary)


def live_in(folder: str) -> None:
    """Have libraries keep in a folder what they would keep at home or among temporary files."""
    os.environ |= {"HOME": folder, "TMPDIR": folder, "MPLCONFIGDIR": f"{folder}/matplotlib"}
    tempfile.tempdir = None  # what this process found out before


def _mounted_box(limits: Limits, readable: list[str]) -> Box:
    """A new box on a file system of limited size, in a mount namespace of its own.

    Raises:
        OSError: The kernel refuses a mount.
    """
    mount_box(limits.disk, limits.files, readable)
    images = f"{BOX}/images"
    Path(images).mkdir()
    return Box(BOX, PLACES["work"], PLACES["temporary"], images, (BOX, *PLACES.values()))


def _folder_box(base: str) -> Box:
    """A new box in a folder of its own.

    Raises:
        OSError: It cannot be made.
    """
    top = tempfile.mkdtemp(dir=base)
    work, temporary, images = (f"{top}/{name}" for name in ("work", "temporary", "images"))
    for folder in (work, temporary, images):
        Path(folder).mkdir()
    return Box(top, work, temporary, images, (work, temporary, images))


class Isolation(Protocol):
    """What the zygote does differently, depending on what the system allows."""

    isolated: bool
    readable: list[str]

    def fork(self) -> int:
        """Fork the supervisor of a run."""
        ...

    def enter_run(self, limits: Limits) -> tuple[Box, list[str] | None]:
        """Make a box, as the supervisor; also returns what may be read, `None` for all that is to be seen."""
        ...

    def leave_run(self) -> None:
        """Free what `enter_run` took."""
        ...


class Namespaces:
    """Every run in user, mount and pid namespaces of its own.

    Args:
        proc: From `namespaces.open_proc`.
        readable: What is bound into the root.
    """

    isolated = True

    def __init__(self, proc: int, readable: list[str]) -> None:
        self._proc, self.readable = proc, readable
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

    def enter_run(self, limits: Limits) -> tuple[Box, list[str] | None]:
        """Mount an empty box where only this run sees it."""
        namespaces.enter(namespaces.MOUNT, self._proc)
        prctl(_PR_SET_DUMPABLE, 0)
        return _mounted_box(limits, self.readable), None

    def leave_run(self) -> None:
        """Nothing outlives the namespaces."""


class Folders:
    """Every run in a folder of its own, and Landlock and seccomp alone to keep it there.

    Args:
        base: Where the folders are made.
        readable: What may be read.
    """

    isolated = False

    def __init__(self, base: str, readable: list[str]) -> None:
        self._base, self.readable = base, readable
        self._box: Box | None = None

    def fork(self) -> int:
        """Fork a process that dies with this one."""
        parent = os.getpid()
        pid = os.fork()
        if not pid:
            die_with_parent(parent)
        return pid

    def enter_run(self, limits: Limits) -> tuple[Box, list[str] | None]:  # noqa: ARG002 -- one signature for both
        """Make a folder."""
        self._box = _folder_box(self._base)
        return self._box, self.readable

    def leave_run(self) -> None:
        """Remove the folder."""
        if self._box is not None:
            remove_tree(self._box.top)
