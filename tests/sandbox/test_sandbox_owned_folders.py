"""Temporary folders: gone when closed, when the interpreter ends, and after their owner has been killed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from langchain_codeexec.sandbox.child.folder import OwnedFolder

OWNER = """
import os, sys
from pathlib import Path
from langchain_codeexec.sandbox.child.folder import OwnedFolder
folder = OwnedFolder(sys.argv[1])
Path(folder.path, "deep", "er").mkdir(parents=True)
Path(folder.path, "deep", "file").write_text("x")
print(folder.path, flush=True)
{ending}
"""


def own(where: Path, ending: str) -> Path:
    """The folder of a process that has ended."""
    command = [sys.executable, "-c", OWNER.format(ending=ending), str(where)]
    done = subprocess.run(command, capture_output=True, check=False, text=True)
    assert "Error" not in done.stderr
    return Path(done.stdout.strip())


def test_is_gone_when_it_is_closed(tmp_path: Path):
    folder = OwnedFolder(str(tmp_path))
    assert Path(folder.path).stat().st_mode & 0o777 == 0o700
    (Path(folder.path) / "locked").mkdir(mode=0)

    folder.close()
    folder.close()

    assert not [*tmp_path.iterdir()]


def test_is_gone_when_its_owner_ends(tmp_path: Path):
    assert not own(tmp_path, "sys.exit(3)").exists()


def test_what_a_killed_owner_has_left_goes_when_another_folder_is_made(tmp_path: Path):
    left = own(tmp_path, "os.kill(os.getpid(), 9)")
    assert left.exists()

    with_another = OwnedFolder(str(tmp_path))

    assert [*tmp_path.iterdir()] == [Path(with_another.path)]
    with_another.close()


def test_what_a_fork_still_uses_stays(tmp_path: Path):
    """A process that was forked from the owner lives on: its parent's end, and its own, take nothing away."""
    folder = OwnedFolder(str(tmp_path))
    pid = os.fork()
    if not pid:
        folder.close()
        os._exit(0)
    os.waitpid(pid, 0)
    other = OwnedFolder(str(tmp_path))

    assert {Path(folder.path), Path(other.path)} == {*tmp_path.iterdir()}
    folder.close()
    other.close()


def test_links_and_other_folders_are_let_alone(tmp_path: Path):
    precious = tmp_path / "precious"
    precious.mkdir()
    (tmp_path / "codeexec-owned-link").symlink_to(precious)
    (tmp_path / "codeexec-owned-file").write_text("x")

    OwnedFolder(str(tmp_path)).close()

    assert {path.name for path in tmp_path.iterdir()} == {
        "precious",
        "codeexec-owned-link",
        "codeexec-owned-file",
    }
