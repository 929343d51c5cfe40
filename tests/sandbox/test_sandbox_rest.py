"""A session that will not rest between its runs, and what it says of itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from langchain_codeexec import ExecutionRequest
from langchain_codeexec.executions import Outcome

if TYPE_CHECKING:
    from langchain_codeexec.sandbox.local import LocalSandbox

GIVEN_UP = (
    "killed: its threads could not be stopped at the end of the run; "
    "the variables and imports of the session are lost"
)
VFORK = """
import ctypes, mmap, struct, threading
code, stack = mmap.mmap(-1, 4096, prot=7), mmap.mmap(-1, 65536)
top = ctypes.addressof(ctypes.c_char.from_buffer(stack)) + 65536 - 64
# clone(CLONE_{VM,FS,FILES,SIGHAND,THREAD,SYSVSEM,VFORK}); the new thread sets a byte, and calls pause() for ever
code.write(b"\\x49\\xb8" + struct.pack("<Q", top) + bytes.fromhex(
    "b838000000 bf004f0500 4c89c6 31d2 4d31d2 4d31c9 0f05 4885c0 7401 c3 41c60001 b822000000 0f05 ebf7"))
function = ctypes.CFUNCTYPE(None)(ctypes.addressof(ctypes.c_char.from_buffer(code)))
threading.Thread(target=function, daemon=True).start()
while not stack[65536 - 64]: pass
print("done")
"""


@pytest.mark.skipif(
    "sys.platform != 'linux' or __import__('platform').machine() != 'x86_64'", reason="machine code"
)
def test_a_session_that_cannot_be_stopped_is_given_up(confined: LocalSandbox):
    with confined.session() as session:
        restless = session.run(ExecutionRequest(VFORK))
        after = session.run(ExecutionRequest("print('code' in globals())"))

    assert (restless.outcome, restless.stdout) == (Outcome.FAILED, "done\n")
    assert restless.detail == GIVEN_UP
    assert after.stdout == "False\n"


def test_threads_that_wake_each_other_end_or_rest(confined: LocalSandbox):
    spam = """
import os, signal, threading
def wake():
    while True: os.kill(os.getpid(), signal.SIGCONT)
for _ in range(4): threading.Thread(target=wake, daemon=True).start()
"""
    with confined.session() as session:
        first = session.run(ExecutionRequest(spam, timeout=100))
        second = session.run(ExecutionRequest("import os; os._exit(3)", timeout=100))

    assert first.detail in {"", GIVEN_UP}
    assert second.detail.startswith("exit status 3")


def test_a_forged_report_is_not_believed_beyond_its_limits(confined: LocalSandbox):
    forged = r"""
import os, time
os.write(199, b'{"status": 0, "value": "x", "limit": [], "peak": -5}\n')
time.sleep(9)
"""
    with confined.session() as session:
        result = session.run(ExecutionRequest(forged))

    assert result.peak_memory == 0


@pytest.mark.parametrize(
    ("code", "outcome", "stdout", "stderr"),
    [
        ("class S(str):\n def __getitem__(s, i): return object()\nclass X:\n def __repr__(s): return S('v')\nX()", Outcome.OK, "", ""),
        ("class E(OSError):\n errno = property(lambda s: 1 / 0)\nraise E('words')", Outcome.FAILED, "", "E: words"),
        ("raise ModuleNotFoundError('words', name=5)", Outcome.FAILED, "", "ModuleNotFoundError: words"),
        ("import sys\nclass I(int):\n def __bool__(s): return False\nsys.exit(I(5))", Outcome.FAILED, "", ""),
        ("import sys\nclass O:\n def flush(s): raise KeyboardInterrupt\nprint('a', end='')\nsys.stdout = O()", Outcome.OK, "a", ""),
        ("import builtins\nprint('a', end='')\nbuiltins.getattr = None", Outcome.OK, "a", ""),
    ],
)  # fmt: skip
def test_hostile_objects_get_no_further_than_their_program(
    sandbox: LocalSandbox, code: str, outcome: Outcome, stdout: str, stderr: str
):
    result = sandbox.run(ExecutionRequest(code))

    assert (result.outcome, result.stdout) == (outcome, stdout)
    assert stderr in result.stderr
    assert "exit status 70" not in result.detail


def test_libraries_keep_nothing_where_others_could_have_put_it(confined: LocalSandbox):
    result = confined.run(
        ExecutionRequest("import os\nprint(os.environ['MPLCONFIGDIR'].startswith(os.environ['HOME']))")
    )

    assert result.stdout == "True\n"
