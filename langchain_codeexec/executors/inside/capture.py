"""The head of a stream."""

from __future__ import annotations

__all__ = ["Capture"]


class Capture:
    """The head of a stream, up to a limit of bytes; what comes after is dropped.

    Args:
        limit: Bytes that are kept.

    Attributes:
        head: What is kept.
        truncated: Whether something was dropped.
    """

    def __init__(self, limit: int = 0) -> None:
        self.head = bytearray()
        self.truncated = False
        self._limit = limit

    def add(self, data: bytes) -> None:
        """Take what has arrived."""
        room = self._limit - len(self.head)
        self.head += data[:room]
        self.truncated = self.truncated or len(data) > room
