"""What a program finds around it, and what comes back of what it leaves."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from langchain_codeexec.executions import InlineFile, Outcome

CSV = InlineFile(b"a,b\n1,2\n", "text/csv", "data.csv")


def test_environment_holds_nothing_of_the_host(run: Any, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GOOGLE_API_KEY", "secret")
    seen = run("import os; print(*sorted(os.environ))").stdout.split()
    assert seen == [
        "HOME",
        "LANG",
        "LC_ALL",
        "MALLOC_ARENA_MAX",
        "MPLBACKEND",
        "MPLCONFIGDIR",
        "NUMEXPR_NUM_THREADS",
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "PATH",
        "TMPDIR",
        "USER",
    ]


def test_its_folders_are_its_own_and_are_removed(run: Any):
    result = run(
        "import os, pathlib, tempfile; print(os.getcwd(), pathlib.Path.home(), tempfile.mkdtemp(), sep='\\n')"
    )
    folders = [Path(line) for line in result.stdout.splitlines()]
    assert len({*folders, Path.cwd(), Path.home()}) == 5
    assert not any(folder.exists() for folder in folders)
    assert result.files == ()


def test_locked_folders_are_removed(run: Any):
    result = run(
        "import os; os.makedirs('a/b'); open('a/b/c', 'w').close(); os.chmod('a', 0); print(os.getcwd())"
    )
    assert result.outcome is Outcome.OK
    assert not Path(result.stdout.strip()).exists()


def test_descriptors_of_the_host_stay_with_the_host(run: Any):
    reading, writing = os.pipe()
    os.set_inheritable(writing, True)
    try:
        result = run(f"import os; os.fstat({writing})")
    finally:
        os.close(reading)
        os.close(writing)
    assert "Bad file descriptor" in result.stderr


def test_children_of_the_program_get_no_descriptor_but_the_three(run: Any):
    child = "import os; print([n for n in map(int, os.listdir('/proc/self/fd')) if n > 2 and os.path.exists(f'/proc/self/fd/{n}')])"
    result = run(f"import subprocess; subprocess.run([{sys.executable!r}, '-c', {child!r}])")
    assert result.stdout in {"[]\n", "[3]\n"}  # 3: listing the folder takes one


def test_files_are_there_and_unchanged_ones_do_not_come_back(run: Any):
    result = run("print(open('data.csv').read())", CSV)
    assert (result.stdout, result.files) == ("a,b\n1,2\n\n", ())


@pytest.mark.parametrize(
    ("code", "left"),
    [
        (
            "open('b.txt', 'w').write('1'); open('a.json', 'w').write('{}')",
            {"a.json": (b"{}", "application/json"), "b.txt": (b"1", "text/plain")},
        ),
        ("open('data.csv', 'a').write('3,4')", {"data.csv": (b"a,b\n1,2\n3,4", "text/csv")}),
        ("open('data.csv', 'r+')", {}),
        ("open('noext', 'wb').write(b'\\0')", {"noext": (b"\0", "application/octet-stream")}),
        ("import os; os.symlink('/etc/passwd', 'link'); os.symlink('data.csv', 'link2')", {}),
        ("import os; os.mkfifo('pipe'); os.mkdir('folder')", {}),
        ("import socket; socket.socket(socket.AF_UNIX).bind('socket')", {}),
        ("import os, shutil; shutil.rmtree(os.getcwd())", {}),
        ("import os; os.remove('data.csv'); os.symlink('/etc/passwd', 'data.csv')", {}),
        ("open('x', 'w').write('kept'); 1 / 0", {"x": (b"kept", "application/octet-stream")}),
    ],
)
def test_what_is_left(run: Any, code: str, left: dict[str, tuple[bytes, str]]):
    result = run(code, CSV)
    assert {file.name: (file.data, file.mime_type) for file in result.files} == left


def test_more_files_than_are_brought_back(run: Any):
    result = run("for n in range(150): open(f'{n:03}', 'w').write('x')", CSV)
    assert [file.name for file in result.files] == [f"{n:03}" for n in range(100)]
    assert (result.outcome, result.detail) == (
        Outcome.OK,
        "more files or images were left than are brought back",
    )


def test_larger_files_than_are_brought_back(run: Any):
    result = run(
        "for n in 'abc': open(n, 'w').write('x' * 600)\nopen('d', 'w').write('x' * 400)", file_bytes=1000
    )
    assert [file.name for file in result.files] == ["a", "d"]
    assert result.detail == "more files or images were left than are brought back"


def test_a_large_input_file_is_not_left_out_but_unchanged(run: Any):
    result = run("", InlineFile(b"x" * 2000, "text/plain", "big.txt"), file_bytes=1000)
    assert (result.files, result.detail) == ((), "")


def test_figures_come_back_once_each_whatever_forks_do(run: Any):
    code = """
import os
import matplotlib.pyplot as plt
plt.plot([1]); plt.show(); plt.plot([2])
if not os.fork(): raise SystemExit
os.wait()
"""
    result = run(code)
    assert [(image.name, image.mime_type) for image in result.images] == [
        ("image_0.png", "image/png"),
        ("image_1.png", "image/png"),
    ]
    assert (result.files, result.detail, "Warning" in result.stderr) == ((), "", False)


def test_matplotlib_is_loaded_only_by_the_program(run: Any):
    assert (
        run("import sys; print('matplotlib' in sys.modules, 'numpy' in sys.modules)").stdout
        == "False False\n"
    )
