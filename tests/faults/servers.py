"""A server on the loopback that speaks raw bytes, at the pace and with the ends that a fault needs."""

from __future__ import annotations

import socket
import ssl
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass


@dataclass(frozen=True)
class Drip:
    """Bytes sent one at a time, for as long as the client reads."""

    data: bytes
    seconds: float = 0.02


HANG = object()
"""Send nothing more, and wait for the client to leave."""
RESET = object()
"""End the connection with an error."""
HALF_CLOSE = object()
"""Say that nothing more is sent, and wait for the client to leave."""

Step = bytes | Drip | object


class RawServer:
    """Answers the first requests with steps, each in turn, and those that follow with the last ones."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self._listener.getsockname()[1]}"
        self.replies: list[tuple[Step, ...]] = []
        self.reads_body = True
        self.requests = self.connections = 0
        self._ended = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._ended.set()
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.connections += 1
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, accepted: socket.socket) -> None:
        with (
            suppress(OSError),
            self._tls.wrap_socket(accepted, server_side=True) if self._tls else accepted as connection,
        ):
            connection.settimeout(5)
            data = b""
            while b"\r\n\r\n" not in data:
                piece = connection.recv(65536)
                if not piece:
                    return
                data += piece
            head, _, body = data.partition(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0] or 0)
            while self.reads_body and len(body) < length:
                body += connection.recv(65536)
            steps = self.replies[min(self.requests, len(self.replies) - 1)]
            self.requests += 1
            for step in steps:
                self._take(step, connection)

    def _take(self, step: Step, connection: socket.socket) -> None:
        if isinstance(step, bytes):
            connection.sendall(step)
        elif isinstance(step, Drip):
            for byte in step.data:
                connection.sendall(bytes([byte]))
                if self._ended.wait(step.seconds):
                    return
        elif step is HALF_CLOSE:
            connection.shutdown(socket.SHUT_WR)
            connection.recv(1)
        elif step is HANG:
            connection.recv(1)
        elif step is RESET:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


@contextmanager
def raw_server(*replies: tuple[Step, ...], tls: ssl.SSLContext | None = None) -> Iterator[RawServer]:
    """A server for the duration."""
    server = RawServer(tls)
    server.replies = list(replies)
    try:
        yield server
    finally:
        server.close()
