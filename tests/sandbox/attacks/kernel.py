"""Attacks on the kernel: by calls that a program has no need of, and by sockets."""

from __future__ import annotations

from tests.sandbox.attacks.attack import Attack, kernel_call, reached

__all__ = ["KERNEL", "NETWORK"]


KERNEL = (
    kernel_call("make namespaces by clone3", 435, 435, "(ctypes.c_uint64 * 11)(0x10020000, 0, 0, 0, 0), 88"),
    kernel_call("make a mount namespace", 272, 97, "0x20000"),
    kernel_call("change the root", 161, 51, "b'/'"),
    kernel_call("clone a mount", 428, 428, "-100, b'/', 1"),
    kernel_call("change the host's name", 170, 161, "b'x', 1"),
    kernel_call("count events", 298, 241, "(ctypes.c_uint32 * 32)(1, 112), 0, -1, -1, 0"),
    kernel_call("read a keyring", 250, 219, "0, -3, 1"),
    kernel_call("handle page faults", 323, 282, "1"),
    kernel_call("make an anonymous file", 319, 279, "b'x', 0"),
    kernel_call("make shared memory", 29, 194, "0, 4096, 0o1600"),
    kernel_call("make a message queue", 68, 186, "0, 0o1600"),
    kernel_call("switch off randomized addresses", 135, 92, "0x0040000"),
    kernel_call("change a descriptor table entry of the processor", 154, -1, "0, (ctypes.c_char * 16)(), 16"),
    kernel_call("watch a folder", 294, 26, "0"),
    kernel_call(
        "make a file handle",
        303,
        264,
        "-100, b'/', (ctypes.c_uint32 * 40)(128), (ctypes.c_int * 1)(), 0",
    ),
    kernel_call("copy a descriptor of a process", 438, 438, "libc.syscall(434, decoys['victim'], 0), 0, 0"),
    kernel_call("compare processes", 312, 272, "decoys['victim'], decoys['victim'], 0, 0, 0"),
    kernel_call("put its reading and writing last", 251, 30, "1, 0, 3 << 13"),
    kernel_call("run before all others", 144, 119, "0, 1, (ctypes.c_int * 1)(1)"),
    kernel_call("have a table of descriptors of its own", 436, 436, "4000, 4001, 2"),
    kernel_call("open a file system", 430, 430, "b'tmpfs', 0"),
    kernel_call("watch all files", 300, 262, "0, 0"),
    kernel_call("reach the ports of devices", 172, -1, "3"),
    kernel_call("make a named message queue", 240, 180, "b'x', 0o102, 0o600, 0"),
    kernel_call("make semaphores", 64, 190, "0, 1, 0o1600"),
    kernel_call("ask for a key", 249, 218, "b'user', b'x', 0, 0"),
    kernel_call("hide memory from the kernel", 447, 447, "0"),
    kernel_call("take memory that is set aside", 9, 222, "0, 2 << 20, 3, 0x40022, -1, 0"),
    kernel_call("become another user", 105, 146, "0"),
    kernel_call("leave its group", 109, 154, "0, 0"),
    kernel_call("set the clock", 227, 112, "0, (ctypes.c_long * 2)(-1, -1)"),
    kernel_call("use the other 64-bit door", 0x40000000 | 39, -1, "0"),
    Attack(
        "use the 32-bit door",
        "import ctypes, mmap, platform\nif platform.machine() != 'x86_64': raise SystemExit\n"
        "page = mmap.mmap(-1, 4096, prot=7)\n"
        "page.write(bytes.fromhex('53b814000000cd805bc3'))\n"
        "address = ctypes.addressof(ctypes.c_char.from_buffer(page))\n"
        "if ctypes.CFUNCTYPE(ctypes.c_int)(address)() > 0: print(PROOF)",
    ),
    Attack(
        "type into the terminal",
        "import fcntl\nfcntl.ioctl(open('/dev/tty'), 0x5412, b'x')\nprint(PROOF)",
    ),
)
"""By the numbers of system calls on x86-64 and on aarch64."""


def _can_make(family: str, kind: str) -> Attack:
    code = f"import socket\nsocket.socket({family}, {kind})\nprint(PROOF)"
    return Attack(f"make a socket ({family.partition('.')[2]})", code)


NETWORK = (
    Attack(
        "send by UDP",
        "import socket\nsocket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', decoys['udp']))",
        reached("udp"),
    ),
    Attack(
        "connect to a socket in a folder",
        "import socket\nsocket.socket(socket.AF_UNIX).connect(decoys['path'])",
        reached("path"),
    ),
    Attack(
        "connect without the library",
        "import ctypes, platform, struct\n"
        "libc = ctypes.CDLL(None)\n"
        "call, connect = (198, 203) if platform.machine() == 'aarch64' else (41, 42)\n"
        "fd = libc.syscall(call, 2, 1, 0)\n"
        "address = struct.pack('=H', 2) + struct.pack('!H', decoys['tcp']) + bytes([127, 0, 0, 1]) + bytes(8)\n"
        "libc.syscall(connect, fd, address, 16)",
        reached("tcp"),
    ),
    Attack(
        "turn a pair around",
        "import socket\na, b = socket.socketpair(type=socket.SOCK_DGRAM)\n"
        "a.connect('\\0' + decoys['abstract'])\nprint(PROOF)",
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
    _can_make("socket.AF_INET6", "socket.SOCK_STREAM"),
    _can_make("socket.AF_NETLINK", "socket.SOCK_RAW"),
    _can_make("socket.AF_PACKET", "socket.SOCK_RAW"),
    _can_make("socket.AF_VSOCK", "socket.SOCK_STREAM"),
    _can_make("socket.AF_ALG", "socket.SOCK_SEQPACKET"),
)
"""By the library and without it."""
