"""`python as_user.py COMMAND...` as root: run a command as an ordinary user, who can reach the interpreter.

An interpreter in root's private home is moved in sight, in a mount namespace that only the command sees.
"""

import os
import sys
from pathlib import Path

from langchain_codeexec.sandbox.child.kernel import call, prctl, syscall

USER = 12345
AT_FDCWD, MS_REC_PRIVATE = -100, 16384 | (1 << 18)
OPEN_TREE, MOVE_MOUNT, CLONE_RECURSIVE, FROM_EMPTY_PATH = 428, 429, 0x8001, 4
PR_SET_DUMPABLE = 4


def private_parent(path: Path) -> Path | None:
    """The outermost folder above a path that others cannot pass."""
    return next((parent for parent in reversed(path.parents) if not parent.stat().st_mode & 0o001), None)


def show(path: Path, hidden_by: Path) -> None:
    """Put an otherwise empty folder that can be passed in place of a private one."""
    call("unshare", 0x00020000)
    call("mount", b"none", b"/", b"", MS_REC_PRIVATE, b"")
    tree = syscall("open_tree", OPEN_TREE, AT_FDCWD, os.fsencode(path), CLONE_RECURSIVE)
    call("mount", b"tmpfs", os.fsencode(hidden_by), b"tmpfs", 0, b"mode=0755")
    path.mkdir(parents=True)
    syscall("move_mount", MOVE_MOUNT, tree, b"", AT_FDCWD, os.fsencode(path), FROM_EMPTY_PATH)


def main() -> None:
    prefix = Path(sys.base_prefix)
    hidden_by = private_parent(prefix / "lib")
    if hidden_by is not None:
        show(prefix, hidden_by)
    os.setgroups([])
    os.setresgid(USER, USER, USER)
    os.setresuid(USER, USER, USER)
    prctl(PR_SET_DUMPABLE, 1)
    os.environ["HOME"] = "/etc"
    os.execv(sys.argv[1], sys.argv[1:])


if __name__ == "__main__":
    main()
