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

__all__ = ["Box", "folder_box", "live_in", "mounted_box"]


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
