"""Messages on a socket: a small JSON object, and blobs of bytes that follow it."""

from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import socket
    from collections.abc import Sequence

__all__ = ["encode", "receive", "send"]

_LENGTH = struct.Struct("!I")
_MOST_IN_HEADER = 1 << 24  # bytes


def send(channel: socket.socket, header: dict[str, Any], blobs: Sequence[bytes | bytearray] = ()) -> None:
    """Send a message.

    Raises:
        OSError: The other side is gone.
    """
    channel.sendall(encode(header, blobs))


def encode(header: dict[str, Any], blobs: Sequence[bytes | bytearray] = ()) -> bytes:
    """A message as it is sent."""
    encoded = json.dumps({**header, "blobs": [len(blob) for blob in blobs]}).encode()
    return b"".join((_LENGTH.pack(len(encoded)), encoded, *blobs))


def receive(channel: socket.socket) -> tuple[dict[str, Any], list[bytes]] | None:
    """Receive a message; `None` where the other side has closed the connection.

    Raises:
        OSError: The other side is gone.
        ValueError: That was no message.
    """
    start = _exactly(channel, _LENGTH.size)
    if start is None:
        return None
    length = _LENGTH.unpack(start)[0]
    encoded = _exactly(channel, length) if length <= _MOST_IN_HEADER else None
    if encoded is None:
        return None
    header = json.loads(encoded)
    blobs = [_exactly(channel, size) for size in header.pop("blobs")]
    if None in blobs:
        return None
    return header, [blob for blob in blobs if blob is not None]


def _exactly(channel: socket.socket, size: int) -> bytes | None:
    data = bytearray(size)
    view = memoryview(data)
    while view:
        count = channel.recv_into(view)
        if not count:
            return None
        view = view[count:]
    return bytes(data)
