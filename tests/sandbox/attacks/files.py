"""Attacks on files of the host, on what another run has left, and on what the host makes of a run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from langchain_codeexec.executions import Outcome
from tests.sandbox.attacks.attack import (
    LEAVE,
    Attack,
    mode_changed,
    target_changed,
    token_printed,
    trace_left,
)

if TYPE_CHECKING:
    from langchain_codeexec.executions import ExecutionResult
    from tests.sandbox.attacks.attack import Decoys

__all__ = ["FILES", "LEAKS"]


def _secret_collected(decoys: Decoys, result: ExecutionResult) -> bool:
    return any(decoys.token.encode() in file.data for file in result.files)


def _home_listed(_: Decoys, result: ExecutionResult) -> bool:
    home = Path.home()
    names = {path.name for path in home.iterdir()} if home.is_dir() else set()
    return bool(names and result.stdout) and names <= set(json.loads(result.stdout))


FILES = (
    Attack(
        "read a file by a relative path",
        "import os\nos.chdir('../' * 40 + decoys['folder'].lstrip('/'))\nprint(open('secret.txt').read())",
        token_printed,
    ),
    Attack(
        "read a file through a link",
        "import os\nos.symlink(decoys['secret'], 'a')\nprint(open('a').read())",
        token_printed,
    ),
    Attack(
        "inherit a descriptor",
        "import os\nfor fd in range(3, 4096):\n    try: print(os.pread(fd, 100, 0))\n    except OSError: pass",
        token_printed,
    ),
    Attack("change a file's mode", "import os\nos.chmod(decoys['target'], 0o600)", mode_changed),
    Attack(
        "plant code for the host",
        "import sys\nfor folder in sys.path:\n"
        "    try: open(folder + '/' + decoys['name'] + '.pth', 'w').close()\n    except OSError: pass",
        trace_left,
    ),
    Attack(
        "list the home folder", "import json, os\nprint(json.dumps(os.listdir(decoys['home'])))", _home_listed
    ),
    Attack(
        "look at a file that is opened as a mere place",
        "import os\nif os.fstat(os.open(decoys['secret'], os.O_PATH)).st_size: print(PROOF)",
    ),
    Attack(
        "look at a file that is opened neither to read nor to write",
        "import os\nif os.fstat(os.open(decoys['target'], 3)).st_size: print(PROOF)",
    ),
    Attack(
        "learn where a link leads", "import os\nos.chdir(decoys['link'])\nprint(os.getcwd())", token_printed
    ),
    Attack("ask for access to a file", "import os\nif os.access(decoys['secret'], os.F_OK): print(PROOF)"),
    Attack(
        "look at a folder's file system", "import os\nif os.statvfs(decoys['folder']).f_blocks: print(PROOF)"
    ),
    Attack("list a file's attributes", "import os\nos.listxattr(decoys['secret'])\nprint(PROOF)"),
    Attack(
        "look at a file while its name changes",
        """\
import os, threading, time
os.symlink('/dev/null', 'here')
os.symlink(decoys['secret'], 'there')
end = time.monotonic() + 0.3
def change():
    while time.monotonic() < end:
        os.rename('here', 'x'), os.rename('there', 'here'), os.rename('x', 'there')
threading.Thread(target=change).start()
while time.monotonic() < end:
    try:
        if os.stat('here').st_size: print(PROOF); break
    except OSError:
        pass
""",
    ),
    Attack("follow a link of the kernel", "import os\nprint(os.readlink('/proc/self/exe'))\nprint(PROOF)"),
    Attack(
        "read the accounts", "print(open('/etc/passwd').read())", lambda _, result: "root:" in result.stdout
    ),
    Attack("read the secrets of the system", "print(open('/etc/shadow').read())\nprint(PROOF)"),
    Attack("truncate a file", "import os\nos.truncate(decoys['target'], 0)", target_changed),
    Attack("rename a file", "import os\nos.rename(decoys['target'], decoys['target'] + '2')", target_changed),
    Attack(
        "replace a file",
        "import os\nopen('x', 'w').close()\nos.replace('x', decoys['target'])",
        target_changed,
    ),
    Attack("change a file's times", "import os\nos.utime(decoys['target'], (1, 1))", mode_changed),
    Attack("make a file in /tmp", "open('/tmp/' + decoys['name'], 'w').close()", trace_left),
    Attack("make a file in /dev/shm", "open('/dev/shm/' + decoys['name'], 'w').close()", trace_left),
    Attack(
        "hand a file out through a link",
        "import os\nos.symlink(decoys['secret'], 'answer.txt')",
        _secret_collected,
    ),
    Attack(
        "hand a file out through a hard link",
        "import os\nos.link(decoys['secret'], 'answer.txt')",
        _secret_collected,
    ),
    Attack(
        "make a device",
        "import os, stat\nos.mknod('disk', stat.S_IFCHR | 0o600, os.makedev(1, 1))\nprint(PROOF)",
    ),
)
"""By reading, by writing, and by having them collected."""


def _looks_good(_: Decoys, result: ExecutionResult) -> bool:
    return result.outcome is Outcome.OK


LEAKS = (
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
    Attack(
        "find objects of an earlier run",
        "import builtins, json\nprint(getattr(builtins, 'mark', ''), getattr(json, 'mark', ''))",
        token_printed,
        earlier=LEAVE,
    ),
    Attack(
        "find an earlier run in memory",
        """\
import gc
for thing in gc.get_objects():
    if isinstance(thing, dict) and isinstance(thing.get('mark'), str):
        print(thing['mark'])
""",
        token_printed,
        earlier=LEAVE,
    ),
    Attack(
        "plant code for the next run",
        "import sys\nprint(getattr(sys, 'mark', ''))",
        token_printed,
        earlier="""\
import sys
for folder in sys.path:
    try:
        open(f"{folder}/{decoys['name']}.pth", 'w').write(f"import sys; sys.mark = '{decoys['abstract']}'")
    except OSError:
        pass
""",
    ),
    Attack(
        "forge a long answer",
        "import json, os\nforged = {'status': 0, 'value': 'x' * 900_000, 'limit': 'library:' + 'x' * 90_000}\n"
        "os.write(199, json.dumps(forged).encode() + b'\\n')\nos._exit(1)",
        lambda _, result: len(result.detail + (result.value or "")) > 50_000,
    ),
    Attack(
        "forge the answer",
        "import json, os, struct\n"
        "forged = json.dumps({'status': 0, 'limit': '', 'value': ''}).encode() + b'\\n'\n"
        "reply = json.dumps({'ending': 'exited', 'status': 0, 'blobs': []}).encode()\n"
        "for fd in range(3, 1024):\n"
        "    for data in (forged, struct.pack('!I', len(reply)) + reply):\n"
        "        try: os.write(fd, data)\n        except OSError: pass\nos._exit(3)",
        _looks_good,
    ),
)
"""By what is left on disk and in memory, and by lies."""
