"""Attacks over sockets."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from langchain_codeexec.executors.sandbox.battery.attack import Attack

if TYPE_CHECKING:
    from langchain_codeexec.executions import ExecutionResult
    from langchain_codeexec.executors.sandbox.battery.attack import Evidence
    from langchain_codeexec.executors.sandbox.battery.scene import Scene

__all__ = ["NETWORK"]


def _reached(listener: str) -> Evidence:
    return partial(_was_reached, listener)


def _was_reached(listener: str, scene: Scene, result: ExecutionResult) -> bool:  # noqa: ARG001 -- one signature for all evidence
    return scene.was_reached(listener)


def _can_make(family: str, kind: str, control: str) -> Attack:
    code = f"import socket\nsocket.socket({family}, {kind})\nprint(PROOF)"
    return Attack(f"make a socket ({family.partition('.')[2]})", code, control=control)


NETWORK = (
    Attack(
        "connect by TCP",
        "import socket\nsocket.create_connection(('127.0.0.1', scene['tcp']), 2)",
        _reached("tcp"),
    ),
    Attack(
        "send by UDP",
        "import socket\nsocket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', scene['udp']))",
        _reached("udp"),
    ),
    Attack(
        "connect to an abstract socket",
        "import socket\nsocket.socket(socket.AF_UNIX).connect('\\0' + scene['abstract'])",
        _reached("abstract"),
    ),
    Attack(
        "connect to a socket in a folder",
        "import socket\nsocket.socket(socket.AF_UNIX).connect(scene['path'])",
        _reached("path"),
    ),
    Attack(
        "connect without the library",
        "import ctypes, platform, struct\n"
        "libc = ctypes.CDLL(None)\n"
        "call, connect = (198, 203) if platform.machine() == 'aarch64' else (41, 42)\n"
        "fd = libc.syscall(call, 2, 1, 0)\n"
        "address = struct.pack('=H', 2) + struct.pack('!H', scene['tcp']) + bytes([127, 0, 0, 1]) + bytes(8)\n"
        "libc.syscall(connect, fd, address, 16)",
        _reached("tcp"),
    ),
    Attack(
        "turn a pair around",
        "import socket\na, b = socket.socketpair(type=socket.SOCK_DGRAM)\n"
        "a.connect('\\0' + scene['abstract'])\nprint(PROOF)",
        control="nobody",
    ),
    Attack(
        "pass descriptors on",
        "import socket\na, b = socket.socketpair()\nsocket.send_fds(a, [b'x'], [0])\nprint(PROOF)",
    ),
    Attack("ask for a name", "import socket\nprint(socket.getaddrinfo('localhost', 80))\nprint(PROOF)"),
    Attack(
        "wait for connections",
        "import socket\ns = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen(); print(PROOF)",
    ),
    _can_make("socket.AF_INET6", "socket.SOCK_STREAM", "nobody"),
    _can_make("socket.AF_NETLINK", "socket.SOCK_RAW", "anybody"),
    _can_make("socket.AF_PACKET", "socket.SOCK_RAW", "root"),
    _can_make("socket.AF_VSOCK", "socket.SOCK_STREAM", "nobody"),
    _can_make("socket.AF_ALG", "socket.SOCK_SEQPACKET", "nobody"),
)
"""By the library and without it."""
