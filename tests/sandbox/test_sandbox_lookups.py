"""Looking at files where no namespace hides the host's: what is one's own is seen as ever, the rest is not there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from langchain_codeexec import ExecutionRequest

if TYPE_CHECKING:
    from langchain_codeexec.sandbox.local import LocalSandbox

PREPARE = """
import ctypes, errno, os, pathlib, shutil, socket, stat, sys, tempfile
open('a', 'w').write('abc'); os.symlink('a', 'link'); os.symlink('/etc/shadow', 'out'); os.mkdir('d')
folder = os.open('d', os.O_RDONLY); libc = ctypes.CDLL(None, use_errno=True)
def failing(call, *args, **kwargs):
    try: return call(*args, **kwargs)
    except OSError as error: return errno.errorcode[error.errno]
"""


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("os.stat('a').st_size", "3"),
        ("os.stat('link').st_size", "3"),
        ("stat.S_ISLNK(os.lstat('link').st_mode)", "True"),
        ("os.readlink('link')", "'a'"),
        ("os.readlink('out')", "'/etc/shadow'"),
        ("failing(os.readlink, 'a')", "'EINVAL'"),
        ("failing(os.stat, 'out')", "'ENOENT'"),
        ("failing(os.stat, '')", "'ENOENT'"),
        ("failing(os.stat, 'nothing')", "'ENOENT'"),
        ("failing(os.stat, '../../../../../etc/shadow', dir_fd=folder)", "'ENOENT'"),
        ("failing(os.stat, '/proc/self/environ')", "'ENOENT'"),
        ("os.stat('../a', dir_fd=folder).st_size", "3"),
        ("os.path.samestat(os.stat('.'), os.stat(os.getcwd()))", "True"),
        ("os.path.samestat(os.fstat(folder), os.stat('d'))", "True"),
        ("stat.S_ISFIFO(os.fstat(os.pipe()[0]).st_mode)", "True"),
        ("stat.S_ISSOCK(os.fstat(socket.socketpair()[0].detach()).st_mode)", "True"),
        ("(lambda file: os.fstat(file.fileno()).st_nlink)(tempfile.TemporaryFile())", "0"),
        ("failing(os.fstat, 150)", "'EBADF'"),
        ("os.path.isfile(os.__file__), os.path.isdir('/'), os.path.isdir(sys.prefix)", "(True, True, True)"),
        ("os.access('a', os.R_OK | os.W_OK), os.access(os.__file__, os.R_OK)", "(True, True)"),
        ("os.access(os.__file__, os.W_OK), os.access('/etc/shadow', os.F_OK)", "(False, False)"),
        ("os.access('a', os.R_OK, dir_fd=None, follow_symlinks=False)", "True"),
        ("os.statvfs('.').f_bsize > 0, failing(os.statvfs, 'out')", "(True, 'ENOENT')"),
        ("pathlib.Path('link').resolve() == pathlib.Path('a').resolve()", "True"),
        ("shutil.disk_usage('.').total > 0", "True"),
        ("shutil.copy2(os.__file__, 'copy') and os.path.getsize('copy') > 1000", "True"),
        ("libc.stat(ctypes.c_void_p(8), ctypes.create_string_buffer(200)), ctypes.get_errno()", "(-1, 14)"),
        ("libc.stat(ctypes.c_void_p(-8), ctypes.create_string_buffer(200)), ctypes.get_errno()", "(-1, 14)"),
        ("libc.stat(b'a', ctypes.c_void_p(8)), ctypes.get_errno()", "(-1, 14)"),
        ("libc.stat(b'a', ctypes.c_void_p(-8)), ctypes.get_errno()", "(-1, 14)"),
        ("libc.stat(b'x' * 9000, ctypes.create_string_buffer(200))", "-1"),
        ("os.getcwd() == os.path.realpath('.')", "True"),
        ("os.chdir('/usr'), os.getcwd()", "(None, '/usr')"),
        (
            "os.mkdir('gone'), os.chdir('gone'), os.rmdir('../gone'), failing(os.getcwd)",
            "(None, None, None, 'ENOENT')",
        ),
        ("libc.getcwd(ctypes.create_string_buffer(3), 3), ctypes.get_errno()", "(0, 34)"),
        ("os.uname().nodename", "'sandbox'"),
        ("os.uname().sysname", "'Linux'"),
    ],
)
def test_own_files_look_as_ever(confined: LocalSandbox, expression: str, value: str):
    result = confined.run(ExecutionRequest(PREPARE + expression))

    assert (result.value, result.stderr) == (value, "")


def test_many_threads_may_look_at_once(confined: LocalSandbox):
    code = (
        "import os\nfrom concurrent.futures import ThreadPoolExecutor\nopen('a', 'w').write('abc')\n"
        "with ThreadPoolExecutor(8) as pool: print({s.st_size for s in pool.map(os.stat, ['a'] * 200)})"
    )

    assert confined.run(ExecutionRequest(code)).stdout == "{3}\n"


def test_looking_goes_on_in_the_next_run_of_a_session(confined: LocalSandbox):
    with confined.session() as session:
        session.run(ExecutionRequest("import os, threading\nopen('a', 'w').write('abc')\nn = 0"))
        session.run(
            ExecutionRequest(
                "def look():\n  global n\n  while True: n += os.stat('a').st_size\n"
                "threading.Thread(target=look, daemon=True).start()"
            )
        )
        result = session.run(ExecutionRequest("print(os.stat('a').st_size, n % 3)"))

    assert result.stdout == "3 0\n"
