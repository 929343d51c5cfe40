"""Attacks on what another run has left, and on what the host makes of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from langchain_codeexec.executions import Outcome
from langchain_codeexec.executors.sandbox.battery.attack import Attack

if TYPE_CHECKING:
    from langchain_codeexec.executions import ExecutionResult
    from langchain_codeexec.executors.sandbox.battery.scene import Scene

__all__ = ["LEAKS"]


def _token_printed(scene: Scene, result: ExecutionResult) -> bool:
    return scene.token in result.stdout


def _looks_good(scene: Scene, result: ExecutionResult) -> bool:  # noqa: ARG001 -- one signature for all evidence
    return result.outcome is Outcome.OK


_LEAVE = """\
import builtins, json, os, sys, tempfile
mark = scene['abstract']
builtins.mark = json.mark = mark
for folder in ('.', '/tmp', '/dev/shm', '/box', '/work', tempfile.gettempdir()):
    try: open(folder + '/trace-' + mark, 'w').write(mark)
    except OSError: pass
"""

LEAKS = (
    Attack(
        "find files of an earlier run",
        """\
import glob
for folder in ('.', '/tmp', '/dev/shm', '/box/**', '/work'):
    for path in glob.glob(folder + '/trace-*', recursive=True):
        print(open(path).read())
""",
        _token_printed,
        earlier=_LEAVE,
    ),
    Attack(
        "find objects of an earlier run",
        "import builtins, json\nprint(getattr(builtins, 'mark', ''), getattr(json, 'mark', ''))",
        _token_printed,
        earlier=_LEAVE,
        control="nobody",
    ),
    Attack(
        "find an earlier run in memory",
        """\
import gc
for thing in gc.get_objects():
    if isinstance(thing, dict) and isinstance(thing.get('mark'), str):
        print(thing['mark'])
""",
        _token_printed,
        earlier=_LEAVE,
        control="nobody",
    ),
    Attack(
        "plant code for the next run",
        "import sys\nprint(getattr(sys, 'mark', ''))",
        _token_printed,
        earlier="import sys\nfor folder in sys.path:\n    try: open(f\"{folder}/{scene['name']}.pth\", 'w').write("
        "f\"import sys; sys.mark = '{scene['abstract']}'\")\n    except OSError: pass",
        control="root",
    ),
    Attack(
        "forge a long answer",
        "import json, os\nforged = {'status': 0, 'value': 'x' * 900_000, 'limit': 'library:' + 'x' * 90_000}\n"
        "os.write(199, json.dumps(forged).encode() + b'\\n')\nos._exit(1)",
        lambda _, result: len(result.detail + (result.value or "")) > 50_000,  # noqa: PLR2004 -- a lot
        control="nobody",
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
        control="nobody",
    ),
)
"""By what is left on disk and in memory, and by lies."""
