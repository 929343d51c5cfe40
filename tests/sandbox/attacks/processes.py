"""Attacks on other processes, and by processes that should not be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.sandbox.attacks.attack import SYSCALL, Attack, token_printed, victim_hurt

if TYPE_CHECKING:
    from langchain_codeexec.executions import ExecutionResult
    from tests.sandbox.attacks.attack import Decoys

__all__ = ["PROCESSES"]


def _stray_left(decoys: Decoys, _: ExecutionResult) -> bool:
    return bool(decoys.strays())


PROCESSES = (
    Attack("kill a process", "import os, signal\nos.kill(decoys['victim'], signal.SIGTERM)", victim_hurt),
    Attack(
        "set a timer that wakes what has been stopped",
        SYSCALL
        + """\
wish = (ctypes.c_int * 16)(0, 0, signal.SIGCONT)
if libc.syscall(107 if arm else 222, 1, wish, ctypes.byref(ctypes.c_int())) == 0: print(PROOF)
""",
    ),
    Attack(
        "read the environment of others",
        "import glob\nfor path in glob.glob('/proc/[0-9]*/environ'):\n"
        "    try: print(open(path).read())\n    except OSError: pass",
        token_printed,
    ),
    Attack(
        "list processes",
        "import os\nif len([n for n in os.listdir('/proc') if n.isdigit()]) > 1: print(PROOF)",
    ),
    Attack("find a process by its group", "import os\nos.getpgid(decoys['victim'])\nprint(PROOF)"),
    Attack("find a process by its session", "import os\nos.getsid(decoys['victim'])\nprint(PROOF)"),
    Attack(
        "find a process by its processors", "import os\nos.sched_getaffinity(decoys['victim'])\nprint(PROOF)"
    ),
    Attack(
        "find a process by its priority",
        "import os\nos.getpriority(os.PRIO_PROCESS, decoys['victim'])\nprint(PROOF)",
    ),
    Attack(
        "read what time a process has used",
        "import time\ntime.clock_gettime((~decoys['victim'] << 3) | 2)\nprint(PROOF)",
    ),
    Attack(
        "ask who is at the other end",
        "import os, socket\nfor fd in range(3, 256):\n"
        "    try: print(socket.socket(fileno=os.dup(fd)).getsockopt(1, 17, 12), PROOF)\n    except OSError: pass",
    ),
    Attack(
        "kill every process",
        "import os, signal\nos.kill(-1, signal.SIGTERM)",
        victim_hurt,
    ),
    Attack(
        "kill a process by its handle",
        "import os, signal\nsignal.pidfd_send_signal(os.pidfd_open(decoys['victim']), signal.SIGTERM)",
        victim_hurt,
    ),
    Attack(
        "kill a process by a pipe",
        "import fcntl, os\nreading, writing = os.pipe()\n"
        "fcntl.fcntl(reading, fcntl.F_SETSIG, 15)\nfcntl.fcntl(reading, fcntl.F_SETOWN, decoys['victim'])\n"
        "fcntl.fcntl(reading, fcntl.F_SETFL, os.O_ASYNC)\nos.write(writing, b'x')",
        victim_hurt,
    ),
    Attack(
        "signal the parent",
        "import os\nif os.getppid() == 0: raise SystemExit\nos.kill(os.getppid(), 0)\nprint(PROOF)",
    ),
    Attack(
        "queue a signal",
        SYSCALL
        + "info = ctypes.create_string_buffer(bytes([15, 0, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255]), 128)\n"
        "libc.syscall(138 if arm else 129, decoys['victim'], 15, info)",
        victim_hurt,
    ),
    Attack(
        "read the memory of a process",
        SYSCALL
        + """\
class Range(ctypes.Structure):
    _fields_ = [('start', ctypes.c_void_p), ('size', ctypes.c_size_t)]
mine, out = ctypes.create_string_buffer(8), ctypes.create_string_buffer(8)
here, there = Range(ctypes.addressof(out), 8), Range(ctypes.addressof(mine), 8)
one, none = ctypes.c_ulong(1), ctypes.c_ulong(0)
for pid in (1, os.getppid(), decoys['victim']):
    ctypes.set_errno(0)
    libc.process_vm_readv(pid, ctypes.byref(here), one, ctypes.byref(there), one, none)
    if ctypes.get_errno() in (0, 14):  # no such address, but the right to ask
        print(PROOF)
""",
    ),
    Attack(
        "change the limits of a process",
        "import resource\nresource.prlimit(decoys['victim'], resource.RLIMIT_NOFILE, (9, 9))\nprint(PROOF)",
    ),
    Attack("pin a process", "import os\nos.sched_setaffinity(decoys['victim'], {0})\nprint(PROOF)"),
    Attack(
        "slow a process down",
        "import os\nos.setpriority(os.PRIO_PROCESS, decoys['victim'], 19)\nprint(PROOF)",
    ),
    Attack(
        "fork without the library",
        SYSCALL + "pid = libc.syscall(220 if arm else 56, 17, 0, 0, 0, 0)\n"
        "if pid == 0: os._exit(0)\nif pid > 0: os.waitpid(pid, 0); print(PROOF)",
    ),
    Attack("run a command by the shell", "import os\nif os.system('true') == 0: print(PROOF)"),
    Attack("spawn", "import os\nos.waitpid(os.posix_spawn('/bin/true', ['true'], {}), 0)\nprint(PROOF)"),
    Attack(
        "become a command without the library",
        SYSCALL + "words = (ctypes.c_char_p * 3)(b'echo', PROOF.encode(), None)\n"
        "libc.execve(b'/bin/echo', words, (ctypes.c_char_p * 1)(None))",
    ),
    Attack("become a command", "import os\nos.execv('/bin/echo', ['echo', PROOF])"),
    Attack(
        "leave a daemon",
        """\
import os, time
if not os.fork():
    os.setsid()
    if not os.fork():
        os.closerange(0, 200)
        os.execvp('sleep', ['sleep', decoys['seconds']])
    os._exit(0)
os.wait()
time.sleep(0.1)
""",
        _stray_left,
    ),
    Attack(
        "start many threads and end before they are counted",
        """\
import threading, os
release = threading.Event()
for _ in range(150):
    threading.Thread(target=release.wait, daemon=True).start()
print(PROOF, flush=True)
os._exit(0)
""",
    ),
)
"""By signals, by tracing, by limits, by starting more of them."""
