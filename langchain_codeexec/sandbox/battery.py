"""Attacks that show whether the sandbox holds on a machine: one or two for each thing its kernel has to do."""

import os
import secrets
import socket
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

from langchain_codeexec.errors import SandboxUnavailableError
from langchain_codeexec.executions import ExecutionRequest
from langchain_codeexec.sandbox.local import LocalSandbox
from langchain_codeexec.sandbox.modes import MODES

__all__ = ["ATTACKS", "DECOY", "KNOWN_GAPS", "MODES_HERE", "TIMEOUTS", "kernel_call", "report_of_mode"]

MODES_HERE: Final = MODES if sys.platform == "linux" else ("auto",)
"""What there is to try: Linux's modes, or whatever another system has."""

KNOWN_GAPS: Final = {"landlock": {"learn the host's name", "look at a file's size"}}
"""By mode, the attacks that it is known not to hold: Landlock watches over reading, not over looking."""

DECOY: Final = "CODEEXEC_DECOY"
"""A variable of the host's environment that no program should see."""


def kernel_call(x86: int, arm: int, arguments: str) -> str:
    """A system call by its number, which succeeds if the kernel lets it."""
    return (
        "import ctypes, platform\n"
        "libc = ctypes.CDLL(None, use_errno=True)\n"
        f"number = {arm} if platform.machine() == 'aarch64' else {x86}\n"
        f"if number >= 0 and libc.syscall(number, {arguments}) >= 0: print(PROOF)"
    )


ATTACKS: Final = {
    "read a file": "print(open(decoys['secret']).read())",
    "read a file through /proc": """\
for way in ('/proc/1/root', '/proc/self/root', '/proc/thread-self/root', '/proc/self/cwd' + '/..' * 40):
    try: print(open(way + decoys['secret']).read())
    except OSError: pass""",
    "list a folder": "import os\nos.listdir(decoys['folder'])\nprint(PROOF)",
    "look at a file's size": "import os\nif os.stat(decoys['secret']).st_size: print(PROOF)",
    "write a file": "open(decoys['target'], 'a').write('x')\nprint(PROOF)",
    "delete a file": "import os\nos.unlink(decoys['target'])\nprint(PROOF)",
    "make a file": "open(decoys['folder'] + '/' + decoys['name'], 'w').close()\nprint(PROOF)",
    "open a disk": """\
import glob
for path in glob.glob('/dev/[svn][dv]*') + ['/dev/mem', '/dev/kmsg']:
    try: open(path, 'rb', 0); print(PROOF)
    except OSError: pass""",
    "make a user namespace": kernel_call(272, 97, "0x10000000"),
    "mount": kernel_call(165, 40, "b'none', b'/tmp', b'tmpfs', 0x1000, 0"),
    "set up io_uring": kernel_call(425, 425, "4, (ctypes.c_char * 120)()"),
    "load a bpf program": kernel_call(321, 280, "0, (ctypes.c_uint32 * 32)(2, 4, 4, 1), 128"),
    "add a key": kernel_call(248, 217, "b'user', b'x', b'y', 1, -2"),
    "read the kernel's log": kernel_call(103, 116, "10, 0, 0"),
    "trace a process": kernel_call(101, 117, "0x4206, decoys['victim'], 0, 0"),
    "connect by TCP": "import socket\nsocket.create_connection(('127.0.0.1', decoys['tcp']), 2)\nprint(PROOF)",
    "connect to an abstract socket": """\
import socket
socket.socket(socket.AF_UNIX).connect('\\0' + decoys['abstract'])
print(PROOF)""",
    "read the host's environment": f"import os\nif {DECOY!r} in os.environ: print(PROOF)",
    "read a command line": "print(open(f'/proc/{decoys[\"victim\"]}/cmdline').read(), PROOF)",
    "learn the host's name": "import os\nif os.uname().nodename == decoys['host']: print(PROOF)",
    "signal a process": "import os\nos.kill(decoys['victim'], 0)\nprint(PROOF)",
    "fork": "import os\nif not os.fork(): os._exit(0)\nos.wait(); print(PROOF)",
    "run a command": "import subprocess\nsubprocess.run('/bin/true')\nprint(PROOF)",
    "start many threads": """\
import threading
event = threading.Event()
try:
    for _ in range(150): threading.Thread(target=event.wait).start()
    print(PROOF)
finally: event.set()""",
    "take much memory": "x = bytes(2 << 30)\nprint(PROOF)",
    "fill the disk": """\
for n in range(6): open(f'x{n}', 'wb').write(bytes(6 << 20))
import time; time.sleep(1); print(PROOF)""",
    "run for ever": "import time\ntime.sleep(5)\nprint(PROOF)",
}
"""Programs by what they try. Each prints `PROOF` if it gets that; `decoys` tells it where things are."""

TIMEOUTS: Final = {"run for ever": 0.5}
"""Seconds that some are given instead of ten."""

_AT_A_TIME = 4  # some wait for something


def report_of_mode(mode: str) -> dict[str, Any]:
    """Attack a mode of the sandbox.

    Returns:
        `missing`: what the system lacks for it, empty if nothing; `attacks`: how many were run; `breaches`: the
        names of those that were not held; `known`: which of these the mode is known not to hold.

    Raises:
        ExecutorError: The sandbox failed.
    """
    os.environ[DECOY] = "1"
    try:
        with (
            LocalSandbox(
                mode=mode, preload=(), workers=_AT_A_TIME, disk_bytes=16 << 20, processes=32
            ) as sandbox,
            ThreadPoolExecutor(_AT_A_TIME) as threads,
        ):
            sandbox.start()
            results = threads.map(lambda name: _breaches(sandbox, name), ATTACKS)
            names = [name for name, breached in zip(ATTACKS, results, strict=True) if breached]
    except SandboxUnavailableError as error:
        missing = error.reasons.get(mode) or "; ".join(error.reasons.values())
        return {"missing": missing, "attacks": 0, "breaches": [], "known": []}
    finally:
        del os.environ[DECOY]
    known = [name for name in names if name in KNOWN_GAPS.get(mode, set())]
    return {"missing": "", "attacks": len(ATTACKS), "breaches": names, "known": known}


def _breaches(sandbox: LocalSandbox, name: str) -> bool:
    """Whether an attack gets what it wants, with decoys of its own."""
    proof = secrets.token_hex(16)
    with tempfile.TemporaryDirectory() as folder, socket.create_server(("127.0.0.1", 0)) as tcp:
        Path(folder).chmod(0o777)
        for file in ("secret", "target"):
            Path(folder, file).write_text(proof, encoding="ascii")
            Path(folder, file).chmod(0o666)
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(f"\0{proof}" if sys.platform == "linux" else f"{folder}/socket")
            listener.listen()
            decoys = {
                "folder": folder,
                "secret": f"{folder}/secret",
                "target": f"{folder}/target",
                "name": proof,
                "tcp": tcp.getsockname()[1],
                "abstract": proof,
                "victim": os.getpid(),
                "host": os.uname().nodename,
            }
            code = f"decoys, PROOF = {decoys!r}, {proof!r}\n{ATTACKS[name]}"
            result = sandbox.run(ExecutionRequest(code, timeout=TIMEOUTS.get(name, 10.0)))
    return proof in result.stdout
