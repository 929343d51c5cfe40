"""A file system of its own for the sandbox: an empty one in memory, with the readable paths bound into it."""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import TYPE_CHECKING

from .kernel import call, syscall
from .layout import DEVICES
from .namespaces import NOBODY

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["BOX", "ETC", "PLACES", "bind", "build_root", "mount_box"]

BOX = "/box"
"""Where all that a run may write lies, on a file system of limited size."""

PLACES = {"work": "/work", "temporary": "/tmp", "shared": "/dev/shm"}  # noqa: S108 -- within the sandbox
"""Folders of the box, and where a program finds them."""

ETC = {
    "passwd": f"sandbox:x:{NOBODY}:{NOBODY}:sandbox:/tmp:/bin/false\n",
    "group": f"sandbox:x:{NOBODY}:\n",
    "hosts": "127.0.0.1 localhost\n",
    "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
}
"""All there is in /etc, the cache of the dynamic loader excepted."""

# MS_* of linux/mount.h
_RDONLY, _NOSUID, _NODEV, _NOEXEC, _BIND, _RECURSIVE, _PRIVATE = 1, 2, 4, 8, 4096, 16384, 1 << 18
_DETACH = 2  # MNT_DETACH
_OPEN_TREE, _MOVE_MOUNT, _MOUNT_SETATTR = 428, 429, 442  # the same on every architecture
_AT_FDCWD, _AT_RECURSIVE = -100, 0x8000
_OPEN_TREE_CLONE, _FROM_EMPTY_PATH = 1, 4  # MOVE_MOUNT_F_EMPTY_PATH
_ATTR_RDONLY, _ATTR_NOSUID, _ATTR_NODEV, _ATTR_NOEXEC = 1, 2, 4, 8  # MOUNT_ATTR_* of linux/mount.h


def build_root(readable: Iterable[str]) -> None:
    """Replace the root of this mount namespace by one that holds the readable paths and nothing else.

    The old root is moved below the new one while paths are bound, so that a mount hides none of them.

    Raises:
        OSError: The kernel refuses a mount.
    """
    _mount("none", "/", "", _RECURSIVE | _PRIVATE, "")
    base = "/tmp"  # noqa: S108 -- any folder that exists will do; it is covered in this namespace only
    _mount("tmpfs", base, "tmpfs", _NOSUID | _NODEV, "size=1m,nr_inodes=4k,mode=0755")
    for name in ("old", "new"):
        Path(base, name).mkdir(mode=0o755)
    call("pivot_root", base.encode(), f"{base}/old".encode())
    os.chdir("/")
    bind("/new", "/new")
    for path in readable:
        _expose(path, read_only=True)
    for path in DEVICES:
        _expose(path, read_only=False)
    Path("/new/etc").mkdir(exist_ok=True)
    for name, content in ETC.items():
        Path("/new/etc", name).write_bytes(content.encode())
    for path in (BOX, *PLACES.values(), "/proc"):
        Path(f"/new{path}").mkdir(exist_ok=True)
    os.chdir("/new")
    call("pivot_root", b".", b".")  # the old root now lies on top of the new one (`man 2 pivot_root`)
    call("umount2", b".", _DETACH)
    os.chdir("/")
    _set_attributes("/", _ATTR_RDONLY | _ATTR_NOSUID, recursive=False)


def mount_box(size: int, files: int, readable: Iterable[str]) -> None:
    """Mount an empty box over the last one, and its folders where programs look for them.

    Args:
        size: Bytes it holds.
        files: Files and folders it holds.
        readable: Paths that stay readable, even where they lie below one of these folders.

    Raises:
        OSError: The kernel refuses a mount.
    """
    hidden = [path for path in readable if path.startswith(tuple(f"{place}/" for place in PLACES.values()))]
    trees = [_take_tree(path) for path in hidden]
    flags = _NOSUID | _NODEV | _NOEXEC
    _mount("tmpfs", BOX, "tmpfs", flags, f"size={size},nr_inodes={files},mode=0700")
    for name, target in PLACES.items():
        Path(BOX, name).mkdir()
        bind(f"{BOX}/{name}", target)
    if os.listdir("/proc"):  # noqa: PTH208 -- bubblewrap's; a program needs none
        _mount("tmpfs", "/proc", "tmpfs", flags | _RDONLY, "size=4k,nr_inodes=1,mode=0555")
    for path, (tree, is_folder) in zip(hidden, trees, strict=True):
        _make_mount_point(Path(path), is_folder=is_folder)
        syscall("move_mount", _MOVE_MOUNT, tree, b"", _AT_FDCWD, os.fsencode(path), _FROM_EMPTY_PATH)
        os.close(tree)


def bind(source: str, target: str) -> None:
    """Show a file or folder, and what is mounted below it, at another place too.

    Raises:
        OSError: The kernel refuses.
    """
    _mount(source, target, "", _BIND | _RECURSIVE, "")


def _expose(path: str, *, read_only: bool) -> None:
    """Bind a path of the old root into the new one."""
    source, target = _resolve_below(f"/old{path}"), Path(f"/new{path}")
    _make_mount_point(target, is_folder=Path(source).is_dir())
    bind(source, str(target))
    attributes = _ATTR_NOSUID | ((_ATTR_RDONLY | _ATTR_NODEV) if read_only else _ATTR_NOEXEC)
    _set_attributes(str(target), attributes, recursive=True)


def _make_mount_point(target: Path, *, is_folder: bool) -> None:
    target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    if is_folder:
        target.mkdir(exist_ok=True)
    else:
        target.touch()


def _take_tree(path: str) -> tuple[int, bool]:
    """A copy of what is mounted at a path, to be attached later; and whether it is a folder."""
    flags = _OPEN_TREE_CLONE | _AT_RECURSIVE | os.O_CLOEXEC
    return syscall("open_tree", _OPEN_TREE, _AT_FDCWD, os.fsencode(path), flags), Path(path).is_dir()


def _resolve_below(path: str) -> str:
    """Follow symbolic links as if /old were the root."""
    done, rest, links = "/old", path.removeprefix("/old").split("/"), 0
    while rest:
        name = rest.pop(0)
        if name in {"", "."}:
            continue
        if name == "..":
            done = done if done == "/old" else done.rpartition("/")[0]
            continue
        step = f"{done}/{name}"
        if not Path(step).is_symlink():
            done = step
            continue
        links += 1
        if links > 40:  # noqa: PLR2004 -- what the kernel allows (`man 7 path_resolution`)
            raise OSError(40, "too many symbolic links", path)
        link = str(Path(step).readlink())
        rest = link.split("/") + rest
        done = "/old" if link.startswith("/") else done
    return done


def _mount(source: str, target: str, kind: str, flags: int, options: str) -> None:
    try:
        call("mount", os.fsencode(source), os.fsencode(target), kind.encode(), flags, options.encode())
    except OSError as error:
        raise OSError(error.errno, error.strerror, f"mount of {target}") from error


def _set_attributes(path: str, attributes: int, *, recursive: bool) -> None:
    wanted = struct.pack("=QQQQ", attributes, 0, 0, 0)  # struct mount_attr
    flags = _AT_RECURSIVE if recursive else 0
    syscall("mount_setattr", _MOUNT_SETATTR, _AT_FDCWD, os.fsencode(path), flags, wanted, len(wanted))
