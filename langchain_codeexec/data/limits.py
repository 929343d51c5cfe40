"""Text of unknown origin as a line that a prompt can hold.

How much may be sent, and what to do about more.

Files of the user's, read once and never waited for.
"""

from __future__ import annotations

import os
import stat
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from langchain_codeexec.errors import ConfigurationError, DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = [
    "DataLimits",
    "fair_share",
    "in_words",
    "inline_size",
    "read_path",
    "shown",
    "shown_path",
    "too_large",
]

_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Unicode's categories of what does not show, moves or reorders text, or is no character."""


def shown(text: str, most: int) -> str:
    """At most so many characters, on one line, nothing in them that hides or breaks out."""
    cut = text[: 4 * most]
    plain = "".join(" " if unicodedata.category(one) in _HIDDEN else one for one in cut)
    line = " ".join(plain.split())
    return line if len(line) <= most and len(cut) == len(text) else f"{line[: most - 1]}…"


_PART: Final = 120
"""Bytes of JSON around the data of a part, rounded up."""
_REMEDIES: Final = (
    "Send fewer rows or columns; or let tables be thinned out with limits=DataLimits(down_sample=True), on the "
    "command line with --down-sample; or run the code where the data is, with "
    "CodeExecutionTool(executor=LocalSandbox())."
)


@dataclass(frozen=True, slots=True)
class DataLimits:
    """What the files of a request may amount to.

    The service's models also have a limit of tokens, by which about 2 MB of text are a million tokens. Source:
    the Gemini API's guides to file input and to code execution.

    Attributes:
        request_bytes: The most a request may have, base64 and JSON included. The service takes 20 MB inline.
        file_bytes: The most one file may have, as bytes of its own; `None` leaves it to `request_bytes`.
        files: The most files one request may have.
        down_sample: Whether a table that does not fit is thinned out to every n-th row, and the model told so.

    Raises:
        ConfigurationError: A limit is not above zero.
    """

    request_bytes: int = 20_000_000
    file_bytes: int | None = None
    files: int = 100
    down_sample: bool = False

    def __post_init__(self) -> None:
        for name in ("request_bytes", "file_bytes", "files"):
            value = getattr(self, name)
            if value is not None and not (isinstance(value, int | float) and value > 0):
                raise ConfigurationError(f"DataLimits({name}={value!r}): a limit must be a number above zero")

    @property
    def largest_file(self) -> int:
        """Bytes that one file may have if it travels alone."""
        alone = max(0, self.request_bytes - _PART) // 4 * 3
        return alone if self.file_bytes is None else min(alone, self.file_bytes)


def inline_size(size: int) -> int:
    """Bytes that so many bytes of a file take in a request."""
    return (size + 2) // 3 * 4 + _PART


def fair_share(sizes: Iterable[int], room: int) -> int:
    """The most bytes each table may have, so that all fit into a request's room and small ones stay whole.

    Args:
        sizes: How large they are.
        room: Bytes of the request that there are for all of them.
    """
    waiting = sorted(sizes)
    left = (room - len(waiting) * _PART) // 4 * 3
    for place, size in enumerate(waiting):
        share = left // (len(waiting) - place)
        if size > share:
            return max(0, share - 2)
        left -= size
    return left


def too_large(source: str, size: str, limit: int, of: str) -> DataError:
    """The error for what does not fit.

    Args:
        source: What is too large.
        size: How large it is, in words.
        limit: The limit in bytes.
        of: What the limit is of.
    """
    return DataError(f"{source} has {size}, and the limit of {of} is {in_words(limit)}. {_REMEDIES}")


def in_words(size: int) -> str:
    """A number of bytes as people say it."""
    return f"{size / 1e6:.1f} MB" if size >= 100_000 else f"{size / 1e3:.1f} kB"  # noqa: PLR2004 -- 0.1 MB


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
