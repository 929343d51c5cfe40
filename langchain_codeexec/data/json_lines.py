"""Lines of JSON in files that are appended to, and may end in the middle of a line after a crash."""

from __future__ import annotations

import json
import os
from base64 import b64encode
from collections.abc import Mapping
from datetime import date, time
from typing import IO, Any

__all__ = ["json_line", "plain", "unfinished_line"]


def json_line(row: Mapping[str, Any]) -> bytes:
    """A row as a line of JSON in UTF-8; half a surrogate pair stays an escape."""
    return json.dumps(row, ensure_ascii=False, default=plain).encode("utf-8", "backslashreplace") + b"\n"


def plain(value: object) -> str:
    """Dates, decimals, bytes and the like, as text."""
    if isinstance(value, bytes):
        return b64encode(value).decode()
    return value.isoformat() if isinstance(value, date | time) else str(value)


def unfinished_line(file: IO[bytes]) -> tuple[int, bytes]:
    """Where the line that has no end begins, and what there is of it: nothing where the last line is whole."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(size - 1, 0))
    if file.read(1) in (b"", b"\n"):
        return size, b""
    start = size
    while start > 0:  # back to the last line's end
        step = min(start, 65_536)
        file.seek(start - step)
        place = file.read(step).rfind(b"\n")
        start += place + 1 - step if place >= 0 else -step
        if place >= 0:
            break
    file.seek(start)
    return start, file.read(size - start)
