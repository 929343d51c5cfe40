"""A folder of this machine as a sink."""

from __future__ import annotations

import asyncio
import os
import stat
from contextlib import suppress
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING

from langchain_codeexec.errors import SinkError
from langchain_codeexec.outputs.names import names_for
from langchain_codeexec.outputs.sinks import SavedFile, facts_of

if TYPE_CHECKING:
    from langchain_codeexec.executions import InlineFile

__all__ = ["FolderSink"]


class FolderSink:
    """Saves files in a folder, which is made when the first one comes.

    A file appears under its name whole or not at all, however the process ends. Nothing that lies in the folder
    is overwritten, and no link in it is followed. Any number of threads and processes may save at once.

    Args:
        path: The folder. A relative one is taken from the directory that is current now.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path).expanduser().absolute()

    def __repr__(self) -> str:
        return f"FolderSink({str(self.path)!r})"

    def save(self, file: InlineFile) -> SavedFile:
        """Write a file, unless it is there already.

        Raises:
            SinkError: The folder cannot be made or written.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            for name in names_for(file):
                path = self.path / name
                # The second look: somebody else has just written it.
                if _holds(path, file.data) or _create(path, file.data) or _holds(path, file.data):
                    return SavedFile(name, path.as_uri(), **facts_of(file))
        except (OSError, ValueError) as error:
            reason = (isinstance(error, OSError) and error.strerror) or error
            raise SinkError(
                f"a file could not be saved in {str(self.path)!r}: {reason}. Name a folder that can be written; "
                "the message still holds it."
            ) from error
        raise SinkError(
            f"every name for the file is taken by other contents in {str(self.path)!r}; somebody changed what was "
            "saved there. Name another folder; the message still holds it."
        )

    async def asave(self, file: InlineFile) -> SavedFile:
        """Write a file without blocking the event loop; see `save`."""
        return await asyncio.to_thread(self.save, file)


def _holds(path: Path, data: bytes) -> bool:
    """Whether a regular file of these bytes is there; no link is followed to find out."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return False
    if not stat.S_ISREG(found.st_mode) or found.st_size != len(data):
        return False
    with suppress(OSError):  # gone, made unreadable or swapped for a link: in any case not ours to rely on
        no_link = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
        with os.fdopen(os.open(path, os.O_RDONLY | no_link), "rb") as opened:
            return opened.read() == data
    return False


def _create(path: Path, data: bytes) -> bool:
    """Write a file where there is none; whether that came to pass."""
    temporary = path.with_name(f".{token_hex(8)}.part")
    try:
        with temporary.open("xb") as opened:
            opened.write(data)
            opened.flush()
            os.fsync(opened.fileno())
        return _publish(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _publish(temporary: Path, path: Path) -> bool:
    """Give a complete file its name, unless that is taken.

    A link is the one way that refuses a taken name on every POSIX system; renaming does on Windows.
    """
    try:
        os.link(temporary, path)
    except FileExistsError:
        return False
    except OSError:  # a file system without links
        if os.path.lexists(path):
            return False
        temporary.rename(path)
    return True
