"""Attacks that show whether the sandbox holds on a machine: one or two for each thing its kernel has to do."""

from __future__ import annotations

import os
from typing import TypedDict

from langchain_codeexec.executions import ExecutionResult, Outcome
from langchain_codeexec.sandbox.battery.attack import ENVIRONMENT, Attack, Decoys, Evidence, token_printed

__all__ = [
    "ATTACKS",
    "LEAVE",
    "LIMITS",
    "SYSCALL",
    "kernel_call",
    "mode_changed",
    "reached",
    "runs_on",
    "target_changed",
    "trace_left",
    "victim_hurt",
]

_MIB = 1 << 20


class _Limits(TypedDict):
    memory_bytes: int
    file_bytes: int
    disk_bytes: int
    output_bytes: int
    processes: int
    open_files: int


LIMITS: _Limits = {
    "memory_bytes": 1536 * _MIB,
    "file_bytes": 8 * _MIB,
    "disk_bytes": 16 * _MIB,
    "output_bytes": _MIB,
    "processes": 32,
    "open_files": 220,
}
"""What the sandbox is given for the battery; some attacks want more of each."""


def target_changed(decoys: Decoys, _: ExecutionResult) -> bool:
    """Whether a file of the host is not what it was."""
    return not decoys.target.exists() or decoys.target.read_text(encoding="utf-8") != "untouched"


def mode_changed(decoys: Decoys, _: ExecutionResult) -> bool:
    """Whether its mode or its times are not."""
    status = decoys.target.stat()
    return status.st_mode & 0o777 != 0o666 or status.st_mtime == 1  # noqa: PLR2004 -- what the decoys has set


def trace_left(decoys: Decoys, _: ExecutionResult) -> bool:
    """Whether a file has been left where others find it."""
    return bool(decoys.traces())


def victim_hurt(decoys: Decoys, _: ExecutionResult) -> bool:
    """Whether a process of the host has been killed or stopped."""
    return decoys.victim_is_hurt()


def reached(listener: str) -> Evidence:
    """Whether somebody has connected to a socket of the host."""
    return lambda decoys, _: decoys.was_reached(listener)


def runs_on(_: Decoys, result: ExecutionResult) -> bool:
    """Whether it was not stopped in time."""
    return result.outcome is not Outcome.DEADLINE_EXCEEDED


def kernel_call(name: str, x86: int, arm: int, arguments: str) -> Attack:
    """A system call that succeeds if the kernel lets it."""
    return Attack(
        name,
        "import ctypes, os, platform\n"
        "libc = ctypes.CDLL(None, use_errno=True)\n"
        f"number = {arm} if platform.machine() == 'aarch64' else {x86}\n"
        f"if number >= 0 and libc.syscall(number, {arguments}) >= 0: print(PROOF)",
    )


SYSCALL = """\
import ctypes, os, platform, signal
libc = ctypes.CDLL(None, use_errno=True)
arm = platform.machine() == 'aarch64'
"""
"""What system calls need."""

LEAVE = """\
import builtins, json, os, sys, tempfile
mark = decoys['abstract']
builtins.mark = json.mark = mark
for folder in ('.', '/tmp', '/dev/shm', '/box', '/work', tempfile.gettempdir()):
    try: open(folder + '/trace-' + mark, 'w').write(mark)
    except OSError: pass
"""
"""What an earlier run leaves."""

ATTACKS = (
    Attack("read a file", "print(open(decoys['secret']).read())", token_printed),
    Attack(
        "read a file through a link",
        "import os\nos.symlink(decoys['secret'], 'a')\nprint(open('a').read())",
        token_printed,
    ),
    Attack(
        "read a file through /proc",
        """\
for way in ('/proc/1/root', '/proc/self/root', '/proc/thread-self/root', '/proc/self/cwd' + '/..' * 40):
    try:
        print(open(way + decoys['secret']).read())
    except OSError:
        pass
""",
        token_printed,
    ),
    Attack(
        "list a folder",
        "import os\nprint(os.listdir(decoys['folder']))\n",
        lambda _, result: "secret.txt" in result.stdout,
    ),
    Attack("look at a file's size", "import os\nif os.stat(decoys['secret']).st_size: print(PROOF)"),
    Attack(
        "inherit a descriptor",
        "import os\nfor fd in range(3, 4096):\n    try: print(os.pread(fd, 100, 0))\n    except OSError: pass",
        token_printed,
    ),
    Attack("write a file", "open(decoys['target'], 'a').write('x')", target_changed),
    Attack("delete a file", "import os\nos.unlink(decoys['target'])", target_changed),
    Attack("change a file's mode", "import os\nos.chmod(decoys['target'], 0o600)", mode_changed),
    Attack("make a file", "open(decoys['folder'] + '/' + decoys['name'], 'w').close()", trace_left),
    Attack(
        "plant code for the host",
        "import sys\nfor folder in sys.path:\n"
        "    try: open(folder + '/' + decoys['name'] + '.pth', 'w').close()\n    except OSError: pass",
        trace_left,
    ),
    Attack(
        "open a disk",
        "import glob\nfor path in glob.glob('/dev/[svn][dv]*') + ['/dev/mem', '/dev/kmsg']:\n"
        "    try: open(path, 'rb', 0); print(PROOF)\n    except OSError: pass",
    ),
    Attack(
        "find files of an earlier run",
        """\
import glob
for folder in ('.', '/tmp', '/dev/shm', '/box/**', '/work'):
    for path in glob.glob(folder + '/trace-*', recursive=True):
        print(open(path).read())
""",
        token_printed,
        earlier=LEAVE,
    ),
    kernel_call("make a user namespace", 272, 97, "0x10000000"),
    kernel_call("mount", 165, 40, "b'none', b'/tmp', b'tmpfs', 0x1000, 0"),
    kernel_call("set up io_uring", 425, 425, "4, (ctypes.c_char * 120)()"),
    kernel_call("load a bpf program", 321, 280, "0, (ctypes.c_uint32 * 32)(2, 4, 4, 1), 128"),
    kernel_call("add a key", 248, 217, "b'user', b'x', b'y', 1, -2"),
    kernel_call("read the kernel's log", 103, 116, "10, 0, 0"),
    Attack(
        "connect by TCP",
        "import socket\nsocket.create_connection(('127.0.0.1', decoys['tcp']), 2)",
        reached("tcp"),
    ),
    Attack(
        "send by UDP",
        "import socket\nsocket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', decoys['udp']))",
        reached("udp"),
    ),
    Attack(
        "connect to an abstract socket",
        "import socket\nsocket.socket(socket.AF_UNIX).connect('\\0' + decoys['abstract'])",
        reached("abstract"),
    ),
    Attack(
        "connect to a socket in a folder",
        "import socket\nsocket.socket(socket.AF_UNIX).connect(decoys['path'])",
        reached("path"),
    ),
    Attack(
        "read its own environment",
        "import os\nprint(dict(os.environ))",
        lambda _, result: any(value in result.stdout for value in ENVIRONMENT.values()),
    ),
    Attack(
        "read the command lines of others",
        "import glob\nfor path in glob.glob('/proc/[0-9]*/cmdline'):\n"
        "    try: print(open(path).read())\n    except OSError: pass",
        token_printed,
    ),
    Attack(
        "learn the host's name",
        "import os, platform\nprint(os.uname().nodename, platform.node())",
        lambda _, result: os.uname().nodename in result.stdout.split(),
    ),
    Attack("kill a process", "import os, signal\nos.kill(decoys['victim'], signal.SIGTERM)", victim_hurt),
    Attack(
        "trace a process",
        SYSCALL
        + """\
if libc.ptrace(16, decoys['victim'], 0, 0) == 0:
    print(PROOF)
    libc.ptrace(17, decoys['victim'], 0, 0)
""",
    ),
    Attack("fork", "import os\nif not os.fork(): os._exit(0)\nos.wait(); print(PROOF)"),
    Attack(
        "run a command",
        "import subprocess\nprint(subprocess.run(['/bin/echo', PROOF], capture_output=True, text=True).stdout)",
    ),
    Attack(
        "start many threads",
        """\
import threading, time
event = threading.Event()
threads = [threading.Thread(target=event.wait) for _ in range(150)]
try:
    for thread in threads:
        thread.start()
    time.sleep(0.3)
    print(PROOF)
finally:
    event.set()
""",
    ),
    Attack("take much memory", "x = bytes(2 << 30)\nprint(PROOF)"),
    Attack(
        "write many files",
        "for n in range(6):\n    with open(f'x{n}', 'wb') as file: file.write(bytes(6 << 20))\n"
        "import time; time.sleep(1)\nprint(PROOF)",
    ),
    Attack(
        "open many files",
        "kept = [open('/dev/null') for _ in range(400)]\nprint(PROOF)",
    ),
    Attack("run for ever", "while True: pass", runs_on, timeout=0.5),
)
