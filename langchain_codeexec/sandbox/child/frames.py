"""Messages on a socket: a small JSON object, and blobs of bytes that follow it."""

from __future__ import annotations

import json
import socket
import struct
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["receive", "receive_packet", "send", "send_packet"]

_LENGTH = struct.Struct("!I")
_MOST_IN_HEADER = 1 << 24  # bytes
_MOST_IN_PACKET = 1 << 20  # bytes


def send(channel: socket.socket, header: dict[str, Any], blobs: Sequence[bytes | bytearray] = ()) -> None:
    """Send a message.

    Raises:
        OSError: The other side is gone.
    """
    encoded = json.dumps({**header, "blobs": [len(blob) for blob in blobs]}).encode()
    channel.sendall(_LENGTH.pack(len(encoded)) + encoded)
    for blob in blobs:
        channel.sendall(blob)


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


def send_packet(control: socket.socket, message: dict[str, Any]) -> None:
    """Send an object on a socket that keeps messages whole.

    Raises:
        OSError: The other side is gone.
    """
    control.send(json.dumps(message).encode())


def receive_packet(control: socket.socket, *, peek: bool = False) -> dict[str, Any] | None:
    """Receive an object from a socket that keeps messages whole; `None` where the other side is gone.

    Args:
        control: The socket.
        peek: Leave the message there.

    Raises:
        OSError: The other side is gone.
        ValueError: That was no message.
    """
    data = control.recv(_MOST_IN_PACKET, socket.MSG_PEEK if peek else 0)
    return dict(json.loads(data)) if data else None


def _exactly(channel: socket.socket, size: int) -> bytes | None:
    data = bytearray(size)
    view = memoryview(data)
    while view:
        count = channel.recv_into(view)
        if not count:
            return None
        view = view[count:]
    return bytes(data)
