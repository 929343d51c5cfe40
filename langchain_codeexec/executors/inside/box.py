"""Where a run may write: on a file system of its own, or in a folder of the host."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .root import BOX, PLACES, mount_box

if TYPE_CHECKING:
    from .limits import Limits

__all__ = ["Box", "folder_box", "mounted_box", "remove_tree"]


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
        os.environ |= {
            "HOME": self.temporary,
            "TMPDIR": self.temporary,
            "MPLCONFIGDIR": f"{self.temporary}/matplotlib",
        }
        tempfile.tempdir = None  # what this process found out before


def mounted_box(limits: Limits, readable: list[str]) -> Box:
    """A new box on a file system of limited size, in a mount namespace of its own.

    Raises:
        OSError: The kernel refuses a mount.
    """
    mount_box(limits.disk, limits.files, readable)
    images = f"{BOX}/images"
    Path(images).mkdir()
    return Box(BOX, PLACES["work"], PLACES["temporary"], images, (BOX, *PLACES.values()))


def folder_box(base: str) -> Box:
    """A new box in a folder of its own.

    Raises:
        OSError: It cannot be made.
    """
    top = tempfile.mkdtemp(dir=base)
    work, temporary, images = (f"{top}/{name}" for name in ("work", "temporary", "images"))
    for folder in (work, temporary, images):
        Path(folder).mkdir()
    return Box(top, work, temporary, images, (work, temporary, images))


def remove_tree(top: str) -> None:
    """Remove a folder that a program has filled, however deep it is and whatever it has locked.

    Folders are moved up before they are emptied, so that no path gets longer than the system allows.

    Raises:
        OSError: Something cannot be removed.
    """
    waiting, count = [top], 0
    emptied: list[str] = []
    while waiting:
        folder = waiting.pop()
        os.chmod(folder, 0o700)  # noqa: PTH101 -- all in this function are strings
        with os.scandir(folder) as entries:
            found = [(entry.path, entry.is_dir(follow_symlinks=False)) for entry in entries]
        for path, is_folder in found:
            if not is_folder:
                os.unlink(path)  # noqa: PTH108 -- as above
                continue
            os.chmod(path, 0o700)  # noqa: PTH101 -- a folder is only moved by those who may write to it
            count += 1
            moved = f"{top}/.{count}"
            while os.path.lexists(moved):
                moved += "."
            os.rename(path, moved)  # noqa: PTH104 -- as above
            waiting.append(moved)
        emptied.append(folder)
    for folder in reversed(emptied):
        os.rmdir(folder)  # noqa: PTH106 -- as above
