"""Files of the user's, read once and never waited for."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from langchain_codeexec.errors import DataError
from langchain_codeexec.inputs.limits import in_words, too_large
from langchain_codeexec.inputs.shown import shown

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["read_path", "shown_path"]

_KINDS: Final[Mapping[int, str]] = {
    stat.S_IFDIR: "a folder; name its files",
    stat.S_IFIFO: "a pipe; read it, and pass the bytes with a name",
    stat.S_IFSOCK: "a socket; read it, and pass the bytes with a name",
    stat.S_IFCHR: "a device, not a file",
    stat.S_IFBLK: "a device, not a file",
}
_OPENING: Final = (
    os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
)
"""Opening a pipe without a writer would block otherwise, should the file become one in between."""


def read_path(path: Any, most: int) -> bytes:
    """The bytes of a regular file.

    Args:
        path: Where it is; links are followed.
        most: The most bytes it may have.

    Raises:
        DataError: It is no regular file, cannot be read or is too large.
    """
    name = shown_path(path)
    try:
        _check_regular(Path(os.fsdecode(path)).stat(), name)  # opening a device may do something already
        with os.fdopen(os.open(path, _OPENING), "rb") as file:
            status = os.fstat(file.fileno())
            _check_regular(status, name)
            data = b"" if status.st_size > most else file.read(most + 1)
    except DataError:
        raise
    except OSError as error:
        raise DataError(f"{name} cannot be read: {error.strerror or error}") from error
    except ValueError as error:  # a path with a NUL character
        raise DataError(f"{name} cannot be read: {error}") from error
    if status.st_size > most or len(data) > most:
        size = max(status.st_size, len(data))
        raise too_large(name, in_words(size), most, "one file")
    return data


def shown_path(path: Any) -> str:
    """The last part of a path, fit to be shown; it may hold bytes that are no text."""
    base = os.fspath(path)
    text = base.decode("utf-8", "replace") if isinstance(base, bytes) else base
    return (
        shown(text.replace("\\", "/").rstrip("/").rpartition("/")[2] or text, 120) or "a file without a name"
    )


def _check_regular(status: os.stat_result, name: str) -> None:
    if not stat.S_ISREG(status.st_mode):
        kind = _KINDS.get(stat.S_IFMT(status.st_mode), "no regular file")
        raise DataError(f"{name} cannot be read: it is {kind}")
