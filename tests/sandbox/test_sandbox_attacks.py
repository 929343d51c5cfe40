"""Programs that work against limits, deadlines and cancelling, and against others' locks, in every mode."""

from __future__ import annotations

import asyncio
import fcntl
import os
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from langchain_codeexec import ExecutionRequest
from langchain_codeexec.executions import InlineFile, Outcome
from langchain_codeexec.sandbox.local import LocalSandbox
from tests.sandbox.processes import settles

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from langchain_codeexec.executors.base import ExecutorSession

LONG = ExecutionRequest("# " + "x" * 10_000_000, timeout=8.0)
"""More than fits into a socket that nobody reads."""
FEIGNED_END = "import os\nos.write(199, b'{\"status\": 0}\\n')\n"


def named(name: str) -> list[Path]:
    """The processes that call themselves so."""
    found = []
    for path in Path("/proc").glob("[0-9]*/comm"):
        with suppress(OSError):
            if path.read_text().strip() == name:
                found.append(path.parent)
    return found


def is_running(process: Path) -> bool:
    return (process / "stat").read_text().rpartition(")")[2].split()[0] == "R"


@pytest.fixture
def deaf(confined: LocalSandbox) -> Iterator[Callable[..., ExecutorSession]]:
    """Opens a session whose first program says that it has ended, goes on, and reads nothing any more."""
    opened = []

    def open_session(goes_on: str, **limits: float) -> ExecutorSession:
        sandbox = LocalSandbox(preload=(), mode=confined.mode, **limits)
        context = sandbox.session()
        session = context.__enter__()
        opened.append((sandbox, context))
        assert session.run(ExecutionRequest(FEIGNED_END + goes_on)).outcome is Outcome.OK
        return session

    yield open_session
    for sandbox, context in opened:
        context.__exit__(None, None, None)
        sandbox.close()


def test_a_deadline_holds_for_a_program_that_reads_nothing(deaf: Callable[..., ExecutorSession]):
    session = deaf("import time\nwhile True: time.sleep(1)")

    result = session.run(ExecutionRequest(LONG.code, timeout=0.5))

    assert (result.outcome, session.run(ExecutionRequest("print(1)")).stdout) == (
        Outcome.DEADLINE_EXCEEDED,
        "1\n",
    )


def test_time_on_processors_is_limited_for_a_program_that_reads_nothing(deaf: Callable[..., ExecutorSession]):
    result = deaf("while True: pass", cpu_seconds=0.3).run(LONG)

    assert (result.outcome, "CPU time" in result.detail) == (Outcome.FAILED, True)


def test_the_disk_is_limited_for_a_program_that_reads_nothing(deaf: Callable[..., ExecutorSession]):
    fill = "import time\nn = 0\ntry:\n  while n < 400: n += 1; open(f'{n}', 'wb').write(bytes(1 << 20))\nexcept OSError: pass\nos._exit(7 if n < 400 else 0)"
    result = deaf(fill, disk_bytes=16 << 20, file_bytes=1 << 20).run(LONG)

    assert result.outcome is Outcome.FAILED or "the variables and imports" in result.detail


async def test_a_run_is_cancelled_though_its_program_reads_nothing(deaf: Callable[..., ExecutorSession]):
    mark = f"deaf{os.getpid()}"
    session = await asyncio.to_thread(
        deaf, f"import ctypes\nctypes.CDLL(None).prctl(15, {mark.encode()!r}, 0, 0, 0)\nwhile True: pass"
    )
    task = asyncio.create_task(session.arun(ExecutionRequest(LONG.code, timeout=600)))
    assert await asyncio.to_thread(settles, lambda: any(is_running(path) for path in named(mark)))

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert await asyncio.to_thread(settles, lambda: not named(mark))


SPAM = "import os, threading\ndef spam():\n  while True: os.write(199, b'{}\\n' * 20_000)\nthreading.Thread(target=spam, daemon=True).start()\n"


def test_what_a_program_makes_its_supervisor_do_counts_as_its_own():
    with LocalSandbox(preload=(), cpu_seconds=0.4) as sandbox:
        result = sandbox.run(ExecutionRequest(f"{SPAM}import time\ntime.sleep(99)"))

    assert "CPU time" in result.detail


HIDING = """
import ctypes, os, threading, time
libc = ctypes.CDLL(None)
main = threading.get_native_id()
def write():
    time.sleep(0.1)
    kept = []
    try:
        for n in range(60):
            kept.append(os.open('x', os.O_CREAT | os.O_WRONLY))
            os.unlink('x')
            os.write(kept[-1], bytes(4 << 20))
            time.sleep(0.02)
        os.write(1, b'breached')
    finally:
        os._exit(3)
threading.Thread(target=write).start()
libc.syscall(93 if os.uname().machine == 'aarch64' else 60, 0)
"""


def test_files_that_are_removed_count_after_the_main_thread_has_ended(confined: LocalSandbox):
    result = confined.run(ExecutionRequest(HIDING))

    assert (result.outcome, result.stdout) == (Outcome.FAILED, "")


def test_files_with_holes_are_not_read_for_ever():
    holes = "for n in range(200):\n  with open(f'{n:03}', 'wb') as file: file.truncate(8 << 20)"
    with LocalSandbox(preload=(), disk_bytes=16 << 20, file_bytes=8 << 20) as sandbox:
        result = sandbox.run(ExecutionRequest(holes))

    assert [file.name for file in result.files] == ["000"]
    assert "more files" in result.detail


OUTSIDE_LIMITS = {
    "access control lists": (
        "import os, struct\nopen('x', 'w').close()\n"
        "entries = [(1, 6, -1), *[(2, 4, 65534)] * 900, (4, 4, -1), (16, 4, -1), (32, 4, -1)]\n"
        "acl = struct.pack('<I', 2) + b''.join(struct.pack('<HHi', *entry) for entry in entries)\n"
        "os.setxattr('x', 'system.posix_acl_access', acl)"
    ),
    "watches of epoll": "import ctypes\nif ctypes.CDLL(None).epoll_create1(0) < 0: raise OSError",
}


@pytest.mark.parametrize("code", OUTSIDE_LIMITS.values(), ids=OUTSIDE_LIMITS)
def test_memory_that_no_limit_counts_is_refused(confined: LocalSandbox, code: str):
    assert "OSError" in confined.run(ExecutionRequest(code)).stderr


LOCK = "import fcntl\nfile = open({path!r}, {how!r})\nfcntl.{lock}(file, fcntl.LOCK_{kind} | fcntl.LOCK_NB)\nprint('locked')"


@pytest.mark.parametrize("lock", ["flock", "lockf"])
def test_a_run_locks_out_neither_the_host_nor_another_run(confined: LocalSandbox, lock: str, tmp_path: Path):
    path = tmp_path / "data.db"
    path.write_bytes(b"data")
    path.chmod(0o644)
    tmp_path.chmod(0o755)
    kind = "EX" if lock == "flock" else "SH"  # for the other kind a file must be open for writing
    request = ExecutionRequest(LOCK.format(path=str(path), how="rb", lock=lock, kind=kind))
    with (
        LocalSandbox(preload=(), mode=confined.mode, readable=[tmp_path]) as sandbox,
        sandbox.session() as one,
        sandbox.session() as other,
    ):
        assert [session.run(request).stdout for session in (one, other)] == ["locked\n"] * 2
        with path.open("r+b") as file:
            getattr(fcntl, lock)(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            assert one.run(request).stdout == "locked\n"


SQLITE = """
import sqlite3, threading
given = sqlite3.connect('file:given.db?mode=ro', uri=True).execute('select sum(a) from t').fetchone()[0]
sqlite3.connect('own.db').execute('create table t (a)').connection.close()
def add(n):
    with sqlite3.connect('own.db', timeout=60) as db: db.execute('insert into t values (?)', (n,))
    db.close()
threads = [threading.Thread(target=add, args=(n,)) for n in range(20)]
for thread in threads: thread.start()
for thread in threads: thread.join()
own = sqlite3.connect('own.db')
print(own.execute('pragma journal_mode=wal').fetchone()[0], own.execute('select sum(a) from t').fetchone()[0], given)
"""


def test_sqlite_works_in_the_folder_of_a_run(confined: LocalSandbox, tmp_path: Path):
    with sqlite3.connect(tmp_path / "given.db") as database:
        database.execute("create table t (a)")
        database.execute("insert into t values (7)")
    database.close()
    given = InlineFile((tmp_path / "given.db").read_bytes(), "application/octet-stream", "given.db")

    result = confined.run(ExecutionRequest(SQLITE, files=(given,)))

    assert (result.stdout, result.stderr) == ("wal 190 7\n", "")


def test_pictures_of_an_earlier_run_do_not_come_back(confined: LocalSandbox):
    draw = "for n in range(120): Image.new('RGB', (1, 1)).show()"
    with confined.session() as session:
        first = session.run(ExecutionRequest(f"from PIL import Image\n{draw}"))
        second = session.run(ExecutionRequest("Image.new('RGB', (2, 2)).show()"))

    assert (len(first.images), len(second.images)) == (100, 1)
    assert "more files or images" in first.detail


def test_programs_give_way_to_their_host(confined: LocalSandbox):
    mark = f"nice{os.getpid()}"
    code = f"import ctypes\nctypes.CDLL(None).prctl(15, {mark.encode()!r}, 0, 0, 0)\nwhile True: pass"
    with confined.session() as session:
        with ThreadPoolExecutor() as threads:
            run = threads.submit(session.run, ExecutionRequest(code, timeout=60))
            assert settles(lambda: bool(named(mark)))
            (program,) = named(mark)

            assert int((program / "oom_score_adj").read_text()) == 1000
            assert settles(lambda: (program / "stat").read_text().rpartition(")")[2].split()[16] == "10")
            session.cancel()
        assert run.exception()


SILENT = '''
import os, struct, sys, threading
from langchain_codeexec import ExecutionRequest, LocalSandbox
from langchain_codeexec.sandbox import worker
from langchain_codeexec.sandbox.child.kernel import call
worker._ENDING = 0.5
device, folder = os.open("/dev/fuse", os.O_RDWR), sys.argv[2]
call("unshare", 0x00020000)
call("mount", b"none", b"/", b"", 16384 | (1 << 18), b"")
call("mount", b"silent", folder.encode(), b"fuse", 0, f"fd={device},rootmode=40000,user_id=0,group_id=0,allow_other".encode())
READ, LOOKUP, GETATTR, OPEN, INIT, FLUSH = 15, 1, 3, 14, 26, 25
def attributes(node):  # struct fuse_attr of linux/fuse.h
    return struct.pack("=6Q10I", node, 9, 1, 0, 0, 0, 0, 0, 0, 0o100644 if node == 2 else 0o040755, 1, 0, 0, 0, 4096, 0)
def answer():
    """A file system with one file that can be opened, and never read."""
    while True:
        request = os.read(device, 1 << 20)
        _, code, unique, node = struct.unpack_from("=IIQQ", request)
        replies = {
            INIT: struct.pack("=IIIIHHIIHHI7I", 7, 31, 4096, 0, 0, 0, 4096, 1, 0, 0, 0, *[0] * 7),
            LOOKUP: struct.pack("=4QII", 2, 0, 9, 9, 0, 0) + attributes(2),
            GETATTR: struct.pack("=QII", 9, 0, 0) + attributes(node),
            OPEN: struct.pack("=QII", 0, 1, 0), FLUSH: b"",
        }
        if code in (READ, 2, 42):  # that, and what wants no answer
            continue
        reply = replies.get(code)
        error = 0 if reply is not None else -38
        os.write(device, struct.pack("=IiQ", 16 + len(reply or b""), error, unique) + (reply or b""))
threading.Thread(target=answer, daemon=True).start()
with LocalSandbox(preload=(), mode=sys.argv[1], readable=[folder]) as sandbox:
    code = f"file = open({folder + '/file'!r}, 'rb', 0)\\nprint('open', flush=True)\\nfile.read()"
    result = sandbox.run(ExecutionRequest(code, timeout=0.5))
    print(result.outcome.name, result.stdout.strip(), sandbox.run(ExecutionRequest("print(1)")).stdout.strip())
print("closed", flush=True)
os._exit(0)
'''


@pytest.mark.skipif(os.geteuid() != 0 or not Path("/dev/fuse").exists(), reason="needs root and FUSE")
def test_a_file_system_that_does_not_answer_stops_neither_a_deadline_nor_closing(
    confined: LocalSandbox, tmp_path: Path
):
    tmp_path.chmod(0o755)
    command = [sys.executable, "-c", SILENT, confined.mode, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, check=False, text=True)

    assert (done.stdout, done.stderr) == ("DEADLINE_EXCEEDED open 1\nclosed\n", "")


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)", "time limit"),
        ("import os\nos.close(199)\nwhile True: pass", "time limit"),
        ("import os\nos.closerange(0, 65536)", ""),
        ("import os\nos.mkfifo('a.csv')", ""),
        ("import os\nos.symlink('/etc/passwd', 'a.csv')", ""),
        ("import os\nos.makedirs('a.csv/b')\nos.chmod('a.csv', 0)", ""),
        (
            "import os\nw = os.getcwd()\ntry: os.rename(w, w + '2'); os.symlink('/tmp', w)\nexcept OSError: pass",
            "",
        ),
        ("import os, time\nfor n in range(5000): os.symlink('x' * 4000, f's{n}')\ntime.sleep(9)", "disk"),
        (
            "import os, time\nfor n in range(5000): open('x', 'w'); os.link('x', f's{n}')\ntime.sleep(9)",
            "disk",
        ),
        pytest.param(
            "import os, time\nfor n in range(5000): os.mkdir('d'); os.chdir('d'); os.chmod('.', 0o300)\n"
            "time.sleep(9)",
            "disk",
        ),
        pytest.param(
            "import mmap, time\nkept = []\nfor n in range(8):\n"
            "    file = open(f'x{n}', 'w+b'); file.truncate(4 << 20)\n"
            "    kept.append(mmap.mmap(file.fileno(), 4 << 20))\n"
            "    for at in range(0, 4 << 20, 4096): kept[-1][at] = 1\n"
            "time.sleep(9)",
            "killed",
        ),
        pytest.param(
            "import os, signal, threading\ndef wake():\n    while True: os.kill(os.getpid(), signal.SIGCONT)\n"
            "threading.Thread(target=wake, daemon=True).start()",
            "",
        ),
    ],
)
def test_a_session_outlives_its_programs(confined: LocalSandbox, program: str, words: str):
    with confined.session() as session:
        first = session.run(ExecutionRequest(program, timeout=0.5 if words == "time limit" else 60.0))
        given = (InlineFile(b"2", "text/csv", "a.csv"),)
        second = session.run(ExecutionRequest("print(open('a.csv').read())", files=given))

    assert words in first.detail
    assert second.outcome is Outcome.OK or "limit of the disk" in second.detail  # which is full
    assert confined.run(ExecutionRequest("print(1)")).stdout == "1\n"


def test_threads_that_outlive_the_main_one_use_up_its_time(confined: LocalSandbox):
    spin = "def spin():\n    while True: pass\n"
    program = f"import ctypes, threading\n{spin}for _ in range(2): threading.Thread(target=spin).start()\n"
    number = "93 if __import__('os').uname().machine == 'aarch64' else 60"
    with LocalSandbox(preload=(), mode=confined.mode, cpu_seconds=0.4) as sandbox:
        result = sandbox.run(ExecutionRequest(f"{program}ctypes.CDLL(None).syscall({number}, 0)"))

    assert "CPU time" in result.detail
