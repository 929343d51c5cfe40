"""Attacks on what the machine has: time, memory, disk, descriptors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.sandbox.attacks.attack import LIMITS, Attack, runs_on

if TYPE_CHECKING:
    from langchain_codeexec.executions import ExecutionResult
    from tests.sandbox.attacks.attack import Decoys

__all__ = ["RESOURCES"]


def _much_output(_: Decoys, result: ExecutionResult) -> bool:
    return len(result.stdout + result.stderr) > LIMITS["output_bytes"]


RESOURCES = (
    Attack("open many files", "kept = [open('/dev/null') for _ in range(400)]\nprint(PROOF)"),
    Attack("map much memory", "import mmap\nx = mmap.mmap(-1, 2 << 30)\nprint(PROOF)"),
    Attack(
        "raise its own limits",
        "import resource\nresource.setrlimit(resource.RLIMIT_AS, (-1, -1))\nx = bytes(2 << 30)\nprint(PROOF)",
    ),
    Attack(
        "write a large file",
        "with open('x', 'wb') as file:\n    for _ in range(24): file.write(bytes(1 << 20))\nprint(PROOF)",
    ),
    Attack(
        "write files that are deleted",
        """\
import os, time
kept = []
for n in range(6):
    kept.append(open('x', 'wb'))
    os.unlink('x')
    kept[-1].write(bytes(6 << 20))
    kept[-1].flush()
time.sleep(1)
print(PROOF)
""",
    ),
    Attack(
        "map files that are deleted",
        """\
import ctypes, os, time
libc = ctypes.CDLL(None)
libc.mmap.restype = ctypes.c_void_p
for n in range(30):
    fd = os.open('x', os.O_CREAT | os.O_RDWR)
    os.ftruncate(fd, 1 << 20)
    place = libc.mmap(None, ctypes.c_size_t(1 << 20), 3, 1, fd, ctypes.c_long(0))
    ctypes.memset(place, 1, 1 << 20)
    os.close(fd)
    os.unlink('x')
time.sleep(1)
print(PROOF)
""",
    ),
    Attack(
        "reserve the disk",
        "import os, time\nfor n in range(6):\n    fd = os.open(f'x{n}', os.O_CREAT | os.O_RDWR)\n"
        "    os.posix_fallocate(fd, 0, 6 << 20)\ntime.sleep(1)\nprint(PROOF)",
    ),
    Attack(
        "set many timers",
        "import ctypes, platform\nlibc, timer = ctypes.CDLL(None), ctypes.c_int()\n"
        "number = 107 if platform.machine() == 'aarch64' else 222\n"
        "if all(libc.syscall(number, 1, None, ctypes.byref(timer)) == 0 for _ in range(3000)): print(PROOF)",
    ),
    Attack(
        "make many files",
        "for n in range(3000): open(f'x{n}', 'w').close()\nimport time; time.sleep(1)\nprint(PROOF)",
    ),
    Attack(
        "make deep folders",
        """\
import os, time
for n in range(3000):
    os.mkdir('x')
    os.chdir('x')
time.sleep(1)
print(PROOF)
""",
    ),
    Attack("print much", "import sys\nfor _ in range(5): sys.stdout.write('x' * (1 << 20))", _much_output),
    Attack("complain much", "import sys\nfor _ in range(5): sys.stderr.write('x' * (1 << 20))", _much_output),
    Attack(
        "hand back a picture that fills memory",
        """\
import struct
class Bomb:
    def _repr_png_(self):
        return b'\\x89PNG\\r\\n\\x1a\\n' + struct.pack('!I4sII', 13, b'IHDR', 100_000, 100_000) + bytes(9)
Bomb()
""",
        lambda _, result: bool(result.images),
    ),
    Attack(
        "hand back a value that fills memory",
        "class Bomb:\n    def __repr__(self): return 'x' * (5 << 20)\nBomb()",
        lambda _, result: len(result.value or "") > LIMITS["output_bytes"],
    ),
    Attack("run for ever in C", "sum(iter(int, 1))", runs_on, timeout=0.5),
    Attack(
        "ignore every signal",
        """\
import signal, time
for number in range(1, 65):
    try:
        signal.signal(number, signal.SIG_IGN)
    except (OSError, ValueError):
        pass
while True:
    time.sleep(1)
""",
        runs_on,
        timeout=0.5,
    ),
    Attack(
        "print for ever",
        "import os\nwhile True: os.write(1, b'x' * 65536)",
        runs_on,
        timeout=0.5,
    ),
)
"""Each asks for little enough not to harm the machine where it is not held."""
