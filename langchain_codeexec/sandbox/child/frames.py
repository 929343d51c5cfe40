"""Messages on a socket: a small JSON object, and blobs of bytes that follow it."""

from __future__ import annotations

import json
import socket
import struct
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["encode", "receive", "send"]

_LENGTH = struct.Struct("!I")
_MOST_IN_HEADER = 1 << 24  # bytes
_MOST_DESCRIPTORS = 253  # SCM_MAX_FD of linux/net/scm.h
_CLOSE_ON_EXEC = getattr(socket, "MSG_CMSG_CLOEXEC", 0)  # not on macOS


def send(
    channel: socket.socket,
    header: dict[str, Any],
    blobs: Sequence[bytes | bytearray] = (),
    descriptors: Sequence[int] = (),
) -> None:
    """Send a message, and descriptors with it.

    Raises:
        OSError: The other side is gone.
    """
    message = memoryview(encode(header, blobs))
    sent = socket.send_fds(channel, [message], descriptors) if descriptors else 0
    channel.sendall(message[sent:])


def encode(header: dict[str, Any], blobs: Sequence[bytes | bytearray] = ()) -> bytes:
    """A message as it is sent."""
    encoded = json.dumps({**header, "blobs": [len(blob) for blob in blobs]}).encode()
    return b"".join((_LENGTH.pack(len(encoded)), encoded, *blobs))


def receive(
    channel: socket.socket, descriptors: list[int] | None = None
) -> tuple[dict[str, Any], list[bytes]] | None:
    """Receive a message; `None` where the other side has closed the connection.

    Args:
        channel: From where.
        descriptors: Where those that come with the message are put; without it none are taken.

    Raises:
        OSError: The other side is gone.
        ValueError: That was no message.
    """
    if descriptors is None:
        start = _exactly(channel, _LENGTH.size)
    else:
        first, received, _, _ = socket.recv_fds(channel, _LENGTH.size, _MOST_DESCRIPTORS, _CLOSE_ON_EXEC)
        descriptors += received
        rest = _exactly(channel, _LENGTH.size - len(first)) if first else None
        start = None if rest is None else first + rest
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
