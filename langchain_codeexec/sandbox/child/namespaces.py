"""The namespaces of a sandbox (`man 7 namespaces`), and the root in there: libraries, and little else."""

from __future__ import annotations

import os
import struct
import sys
import sysconfig
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from .kernel import call, prctl, syscall

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = [
    "ALL",
    "DEVICES",
    "MOUNT",
    "PID",
    "become_nobody",
    "build_root",
    "enter",
    "enter_cgroup",
    "mount_box",
    "places",
    "readable_paths",
    "return_to",
    "unshare",
]

DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")

_SYSTEM = (
    "/lib",
    "/lib64",
    "/usr/lib",
    "/usr/lib64",
    "/usr/local/lib",
    "/usr/share/fonts",
    "/usr/share/zoneinfo",
    "/etc/ld.so.cache",
    "/etc/mime.types",
)
"""Where libraries, fonts, time zones and types of files lie on Linux (`man 7 hier`, `man 8 ld.so`)."""

_OF_A_PREFIX = ("lib", "lib64", "pyvenv.cfg")
_STANDARD = ("stdlib", "platstdlib", "purelib", "platlib")


def readable_paths(more: Iterable[str] = ()) -> list[str]:
    """Folders and files, none within another, all of which exist.

    Folders that a `.pth` file puts on `sys.path` from elsewhere are left out: an editable installation is
    a checkout, with whatever else lies there.
    """
    paths: list[str] = []
    for path in sorted({os.path.abspath(path) for path in (*_candidates(), *more)}):  # noqa: PTH100 -- keeps links
        within = any(path == known or path.startswith(f"{known}/") for known in paths)
        if path != "/" and not within and Path(path).exists():
            paths.append(path)
    return paths


def _candidates() -> Iterator[str]:
    yield from _SYSTEM
    for prefix in {sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix}:
        yield from (f"{prefix}/{name}" for name in _OF_A_PREFIX)
    for name in _STANDARD:
        yield sysconfig.get_path(name)
    yield from _loaded_libraries()


def _loaded_libraries() -> Iterator[str]:
    """The folders of the shared libraries of this very process, which may lie anywhere (`man 5 proc`)."""
    try:
        maps = Path("/proc/self/maps").read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return
    for line in maps.splitlines():
        path = line.partition("/")[2]
        if ".so" in path and not path.endswith(" (deleted)"):
            yield f"/{path}"


# CLONE_NEW* of linux/sched.h
MOUNT, CGROUP, UTS, IPC = 0x00020000, 0x02000000, 0x04000000, 0x08000000
USER, PID, NETWORK = 0x10000000, 0x20000000, 0x40000000
ALL = MOUNT | PID | NETWORK | IPC | UTS

_NOBODY = 65534
"""The user of programs, and what the kernel shows for ids that are not mapped (/proc/sys/kernel/overflowuid)."""

_PR_SET_DUMPABLE = 4
_NAMES = {USER: "user", MOUNT: "mount", PID: "pid", NETWORK: "network", UTS: "uts", IPC: "ipc"}


def unshare(flags: int) -> None:
    """Give this process new namespaces; a new pid namespace is for its children."""
    try:
        call("unshare", flags)
    except OSError as error:
        names = " and ".join(name for flag, name in _NAMES.items() if flags & flag)
        raise OSError(error.errno, error.strerror, f"{names} namespaces") from error


def enter(flags: int, proc: int) -> None:
    """Enter a new user namespace as `_NOBODY` with all capabilities there, and other namespaces with it."""
    user, group = os.geteuid(), os.getegid()
    unshare(USER | flags)
    with suppress(OSError):  # older than Linux 3.19, or denied already in the namespace around it
        _write(proc, "setgroups", "deny")
    _write(proc, "uid_map", f"{_NOBODY} {user} 1")
    _write(proc, "gid_map", f"{_NOBODY} {group} 1")


def enter_cgroup() -> None:
    """Hide the names of control groups, where the kernel can (it may be built without)."""
    with suppress(OSError):
        call("unshare", CGROUP)


def return_to(pid_namespace: int) -> None:
    """Have children start in this pid namespace again, the one this process lives in."""
    call("setns", pid_namespace, PID)


def become_nobody() -> None:
    """Give up root's identity; in a new user namespace there are capabilities enough."""
    os.setgroups([])
    os.setresgid(_NOBODY, _NOBODY, _NOBODY)
    os.setresuid(_NOBODY, _NOBODY, _NOBODY)
    prctl(_PR_SET_DUMPABLE, 1)  # else its files in /proc belong to root, and it cannot map itself


def _write(proc: int, name: str, content: str) -> None:
    try:
        fd = os.open(f"self/{name}", os.O_WRONLY | os.O_CLOEXEC, dir_fd=proc)
        try:
            os.write(fd, content.encode())
        finally:
            os.close(fd)
    except OSError as error:
        raise OSError(error.errno, error.strerror, f"user namespaces ({name})") from error


def places(readable: Iterable[str]) -> tuple[str, dict[str, str]]:
    """Where all that a run may write lies, and its folders by the places where a program finds them.

    The box lies where nothing of the host's is to be seen, so that the working directory hides nothing, and
    nothing shows in there.
    """
    top = "/box"
    while any(f"{path}/".startswith(f"{top}/") for path in readable):
        top += "_"
    return top, {"work": f"{top}/work", "temporary": "/tmp", "shared": "/dev/shm"}  # noqa: S108 -- within the sandbox


_ETC = {
    "passwd": f"sandbox:x:{_NOBODY}:{_NOBODY}:sandbox:/tmp:/bin/false\n",
    "group": f"sandbox:x:{_NOBODY}:\n",
    "hosts": "127.0.0.1 localhost\n",
    "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
}
"""All there is in /etc, the cache of the dynamic loader excepted."""

# MS_* of linux/mount.h
_NOSUID, _NODEV, _NOEXEC, _BIND, _RECURSIVE, _PRIVATE = 2, 4, 8, 4096, 16384, 1 << 18
_DETACH = 2  # MNT_DETACH
_OPEN_TREE, _MOVE_MOUNT, _MOUNT_SETATTR = 428, 429, 442  # the same on every architecture
_AT_FDCWD, _AT_RECURSIVE = -100, 0x8000
_OPEN_TREE_CLONE, _FROM_EMPTY_PATH = 1, 4  # MOVE_MOUNT_F_EMPTY_PATH
_ATTR_RDONLY, _ATTR_NOSUID, _ATTR_NODEV, _ATTR_NOEXEC = 1, 2, 4, 8  # MOUNT_ATTR_* of linux/mount.h


def build_root(readable: list[str]) -> None:
    """Replace the root of this mount namespace by one that holds the readable paths and nothing else.

    The old root is moved below the new one while paths are bound, so that a mount hides none of them.
    """
    _mount("none", "/", "", _RECURSIVE | _PRIVATE, "")
    base = "/tmp"  # noqa: S108 -- any folder that exists will do; it is covered in this namespace only
    _mount("tmpfs", base, "tmpfs", _NOSUID | _NODEV, "size=1m,nr_inodes=4k,mode=0755")
    for name in ("old", "new"):
        Path(base, name).mkdir(mode=0o755)
    call("pivot_root", base.encode(), f"{base}/old".encode())
    os.chdir("/")
    _bind("/new", "/new")
    for path in readable:
        _expose(path, read_only=True)
    for path in DEVICES:
        _expose(path, read_only=False)
    Path("/new/etc").mkdir(exist_ok=True)
    for name, content in _ETC.items():
        Path("/new/etc", name).write_bytes(content.encode())
    top, folders = places(readable)
    for path in (top, *folders.values(), "/proc"):
        Path(f"/new{path}").mkdir(exist_ok=True)
    os.chdir("/new")
    call("pivot_root", b".", b".")  # the old root now lies on top of the new one (`man 2 pivot_root`)
    call("umount2", b".", _DETACH)
    os.chdir("/")
    _set_attributes("/", _ATTR_RDONLY | _ATTR_NOSUID, recursive=False)


def mount_box(size: int, files: int, readable: list[str]) -> None:
    """Mount an empty box of limited size over the last one; readable paths stay so even below its folders."""
    top, folders = places(readable)
    hidden = [path for path in readable if path.startswith(tuple(f"{place}/" for place in folders.values()))]
    trees = [_take_tree(path) for path in hidden]
    flags = _NOSUID | _NODEV | _NOEXEC
    _mount("tmpfs", top, "tmpfs", flags, f"size={size},nr_inodes={files},mode=0700")
    for name, target in folders.items():
        Path(top, name).mkdir()
        _bind(f"{top}/{name}", target)
    for path, (tree, is_folder) in zip(hidden, trees, strict=True):
        _make_mount_point(Path(path), is_folder=is_folder)
        syscall("move_mount", _MOVE_MOUNT, tree, b"", _AT_FDCWD, os.fsencode(path), _FROM_EMPTY_PATH)
        os.close(tree)


def _bind(source: str, target: str) -> None:
    """Show a file or folder, and what is mounted below it, at another place too."""
    _mount(source, target, "", _BIND | _RECURSIVE, "")


def _expose(path: str, *, read_only: bool) -> None:
    """Bind a path of the old root into the new one."""
    source, target = _resolve_below(f"/old{path}"), Path(f"/new{path}")
    _make_mount_point(target, is_folder=Path(source).is_dir())
    _bind(source, str(target))
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
    mount_attr = struct.pack("=QQQQ", attributes, 0, 0, 0)  # struct mount_attr
    flags = _AT_RECURSIVE if recursive else 0
    syscall("mount_setattr", _MOUNT_SETATTR, _AT_FDCWD, os.fsencode(path), flags, mount_attr, len(mount_attr))
