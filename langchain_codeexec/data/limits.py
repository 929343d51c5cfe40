"""How much the files of a request may amount to, and how sizes and names are put into words."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from langchain_codeexec.errors import ConfigurationError, DataError

__all__ = ["DataLimits", "fair_share", "in_words", "inline_size", "one_line", "too_large"]

_PART: Final = 120
"""Bytes of JSON around the data of a part, rounded up."""
_REMEDIES: Final = (
    "Send fewer rows or columns; or let tables be thinned out with limits=DataLimits(down_sample=True), on the "
    "command line with --down-sample; or run the code where the data is, with "
    "PythonTool(LocalSandbox())."
)
_HIDDEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Unicode's categories of what does not show, moves or reorders text, or is no character."""


@dataclass(frozen=True, slots=True)
class DataLimits:
    """What the files of a request may amount to.

    Source: the Gemini API's guides to file input and to code execution.

    Attributes:
        request_bytes: The most a request may have, base64 and JSON included. The service takes 20 MB inline.
        file_bytes: The most one file may have before base64; `None` leaves it to `request_bytes`.
        files: The most files one request may have.
        down_sample: Whether tables that do not fit are thinned out to every n-th row, and the model told so.
        down_sampled_bytes: What tables may amount to together where they may be thinned out. Models read files
            as text, and about 2 MB are the million tokens that most of them take.

    Raises:
        ConfigurationError: A limit is not above zero.
    """

    request_bytes: int = 20_000_000
    file_bytes: int | None = None
    files: int = 100
    down_sample: bool = False
    down_sampled_bytes: int = 2_000_000

    def __post_init__(self) -> None:
        for name in ("request_bytes", "file_bytes", "files", "down_sampled_bytes"):
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
    """The most bytes each table may have, so that all fit into a request's room and small ones stay whole."""
    waiting = sorted(sizes)
    left = (room - len(waiting) * _PART) // 4 * 3
    for place, size in enumerate(waiting):
        share = left // (len(waiting) - place)
        if size > share:
            return max(0, share - 2)
        left -= size
    return left


def too_large(source: str, size: str, limit: int, of: str) -> DataError:
    """The error for what does not fit, its size in words beside the limit in bytes and what that is of."""
    return DataError(f"{source} has {size}, and the limit of {of} is {in_words(limit)}. {_REMEDIES}")


def in_words(size: int) -> str:
    """A number of bytes as people say it."""
    return f"{size / 1e6:.1f} MB" if size >= 100_000 else f"{size / 1e3:.1f} kB"  # noqa: PLR2004 -- 0.1 MB


def one_line(text: str, most: int) -> str:
    """Text of unknown origin in at most so many characters of one line, with nothing that hides or breaks out."""
    head = text[: 4 * most]
    visible = "".join(" " if unicodedata.category(char) in _HIDDEN else char for char in head)
    line = " ".join(visible.split())
    return line if len(line) <= most and len(head) == len(text) else f"{line[: most - 1]}…"
