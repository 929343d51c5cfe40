"""Hiding files from a program without a root of its own: what it may not read does not exist for it.

Landlock watches over reading a file, not over looking at it (`man 7 landlock`). So the calls that look do not
reach the kernel (`man 2 seccomp_unotify`): the supervisor opens the path itself, sees where that has led, and
reports what it has opened. Whatever the program does to its memory or its links meanwhile changes nothing.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import select
import stat
import struct
from contextlib import contextmanager, suppress
from errno import EACCES, EBADF, EFAULT, EINVAL, ENOENT, ERANGE
from typing import TYPE_CHECKING, NamedTuple

from . import seccomp
from .kernel import syscall
from .seccomp import MACHINE, number

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

__all__ = ["CALLS", "Call", "Listener", "Lookups", "Memory", "listen_to"]

_SET_MODE_FILTER, _NEW_LISTENER = 1, 1 << 3  # linux/seccomp.h
_RECEIVE, _SEND = 0xC0502100, 0xC0182101  # SECCOMP_IOCTL_NOTIF_RECV, SECCOMP_IOCTL_NOTIF_SEND
_NOTICE = struct.Struct("=QIIiIQ6Q")  # struct seccomp_notif
_ANSWER = struct.Struct("=QqiI")  # struct seccomp_notif_resp
_CONTINUE = 1  # SECCOMP_USER_NOTIF_FLAG_CONTINUE
_PAGE = 4096  # bytes; the smallest there is
_LONGEST_PATH = 4096  # bytes; PATH_MAX of linux/limits.h


class Call(NamedTuple):
    """A system call that waits for its answer.

    Attributes:
        task: The thread that makes it.
        number: Which it is.
        arguments: Its six arguments.
    """

    task: int
    number: int
    arguments: tuple[int, ...]


class Memory:
    """The memory of a child.

    Args:
        pid: The child.

    Raises:
        OSError: The system lets nobody look into it.
    """

    def __init__(self, pid: int) -> None:
        self._fd = os.open(f"/proc/{pid}/mem", os.O_RDWR | os.O_CLOEXEC)

    def read_path(self, address: int) -> bytes:
        """What is there up to a NUL.

        Raises:
            OSError: There is nothing, or more than a path.
        """
        data = bytearray()
        while len(data) < _LONGEST_PATH:
            position = address + len(data)
            try:
                more = os.pread(self._fd, _PAGE - position % _PAGE, position)
            except (OSError, OverflowError):  # nothing is there; an address of the kernel's
                more = b""
            if not more:
                break
            data += more
            path, end, _ = data.partition(b"\0")
            if end:
                return bytes(path)
        raise _bad_address()

    def write(self, address: int, data: bytes) -> None:
        """Put data there.

        Raises:
            OSError: That is no place for it.
        """
        try:
            written = os.pwrite(self._fd, data, address)
        except (OSError, OverflowError):  # as above
            written = 0
        if written < len(data):
            raise _bad_address()


class Listener:
    """Where the calls of a program arrive.

    Args:
        fd: From `listen_to`, in the program's process.
        answer: Gives the value of a call, or raises the `OSError` that it fails with; `None` leaves the call to
            the kernel.
    """

    def __init__(self, fd: int, answer: Callable[[Call], int | None]) -> None:
        self.fd = fd
        self._answer = answer
        self._poll = select.poll()
        self._poll.register(fd, select.POLLIN)

    def serve(self) -> bool:
        """Answer a call if one waits; false where there will be none any more."""
        [(_, events)] = self._poll.poll(0) or [(self.fd, 0)]
        if not events & select.POLLIN:  # it has ended; to ask for its calls would wait for ever
            return not events & select.POLLHUP
        notice = bytearray(_NOTICE.size)
        with suppress(OSError):  # a signal or its end has made an end of the call
            fcntl.ioctl(self.fd, _RECEIVE, notice)
            which, task, _, called, _, _, *arguments = _NOTICE.unpack(notice)
            answer = self._result(Call(task, called, tuple(arguments)))
            fcntl.ioctl(self.fd, _SEND, _ANSWER.pack(which, *answer))
        return True

    def close(self) -> None:
        """Let calls fail from now on."""
        os.close(self.fd)

    def _result(self, call: Call) -> tuple[int, int, int]:
        """Value, negative errno and flags."""
        try:
            value = self._answer(call)
        except OSError as error:
            return 0, -(error.errno or EFAULT), 0
        return (0, 0, _CONTINUE) if value is None else (value, 0, 0)


def listen_to(names: Iterable[str]) -> int:
    """Have these system calls of this process answered by whoever gets the descriptor that is returned.

    Raises:
        OSError: The kernel refuses, for example as somebody listens already.
    """
    code = [
        seccomp.load(seccomp.ARCHITECTURE),
        seccomp.jump_equal(seccomp.audit_architecture(), 1, 0),
        seccomp.KILL,
        seccomp.load(seccomp.NUMBER),
    ]
    for name in names:
        if number(name) >= 0:
            code += [seccomp.jump_equal(number(name), 0, 1), seccomp.NOTIFY]
    program = ctypes.byref(seccomp.Filter([*code, seccomp.ALLOW]))
    return syscall("seccomp", number("seccomp"), _SET_MODE_FILTER, _NEW_LISTENER, program)


def _bad_address() -> OSError:
    return OSError(EFAULT, os.strerror(EFAULT))


_AT_FDCWD, _AT_SYMLINK_NOFOLLOW, _AT_EMPTY_PATH = -100, 0x100, 0x1000  # linux/fcntl.h
_STAT_BYTES = {"x86_64": 144, "aarch64": 128}.get(MACHINE, 0)  # struct stat of asm/stat.h
_STATX_BYTES, _STATFS_BYTES = 256, 120  # struct statx of linux/stat.h, struct statfs of asm-generic/statfs.h
_UTSNAME_BYTES, _NODE_NAME = 390, slice(65, 130)  # struct new_utsname of linux/utsname.h


class Lookups:
    """Answers a program's calls that look at files, and those that would name a folder or the host.

    Args:
        memory: The program's.
        readable: What it may look at.
        writable: What it may also write to.
    """

    def __init__(self, memory: Memory, readable: Iterable[str], writable: Iterable[str]) -> None:
        self._memory = memory
        self._writable = _prefixes(writable)
        self._seen = self._writable + _prefixes(readable)
        self._above = {above for path in self._seen for above in _ancestors(path)}
        self._forms = {number(name): form for name, form in _FORMS.items()}
        self._others = {number("getcwd"): self._name_folder, number("uname"): self._name_system}

    def answer(self, call: Call) -> int:
        """The value of a call.

        Raises:
            OSError: What it fails with.
        """
        form = self._forms.get(call.number)
        if form is None:
            return self._others[call.number](call)
        with self._opened(form, call) as fd:
            return form.report(self, fd, *(call.arguments[index] for index in form.arguments))

    @contextmanager
    def _opened(self, form: _Form, call: Call) -> Iterator[int]:
        """What a call is about, opened without the right to read it."""
        flags = 0 if form.flags is None else call.arguments[form.flags]
        folder = _AT_FDCWD if form.folder is None else ctypes.c_int(call.arguments[form.folder]).value
        start = f"/proc/{call.task}/cwd" if folder == _AT_FDCWD else f"/proc/{call.task}/fd/{folder}"
        address, may_be_empty = call.arguments[form.path], bool(flags & _AT_EMPTY_PATH)
        path = os.fsdecode(self._memory.read_path(address)) if address or not may_be_empty else ""
        if not path and not may_be_empty:
            raise _failure(ENOENT)
        stays = path and (flags & _AT_SYMLINK_NOFOLLOW or not form.follows)
        try:
            fd = os.open(
                os.path.join(start, path) if path else start,  # noqa: PTH118 -- a string
                os.O_PATH | os.O_CLOEXEC | (os.O_NOFOLLOW if stays else 0),
            )
        except OSError as error:  # the kernel's reason might tell of what is not to be seen
            raise _failure(ENOENT if path else EBADF) from error
        try:
            if path or folder == _AT_FDCWD:
                self._check(fd)
            yield fd
        finally:
            os.close(fd)

    def _check(self, fd: int) -> None:
        place = _place(fd)
        if place not in self._above and not f"{place}/".startswith(self._seen):
            raise _failure(ENOENT)

    def _stat(self, fd: int, result: int) -> int:
        return self._fill(result, _STAT_BYTES, "newfstatat", fd, b"", None, _AT_EMPTY_PATH)

    def _statx(self, fd: int, mask: int, result: int) -> int:
        return self._fill(result, _STATX_BYTES, "statx", fd, b"", _AT_EMPTY_PATH, mask, None)

    def _statfs(self, fd: int, result: int) -> int:
        return self._fill(result, _STATFS_BYTES, "fstatfs", fd, None)

    def _fill(self, result: int, size: int, name: str, *arguments: object) -> int:
        """Have the kernel fill in a structure, `None` among the arguments, and put it where it is wanted."""
        filled = ctypes.create_string_buffer(size)
        syscall(name, number(name), *(filled if given is None else given for given in arguments))
        self._memory.write(result, filled.raw)
        return 0

    def _access(self, fd: int, mode: int) -> int:
        writes = mode & os.W_OK and not f"{_place(fd)}/".startswith(self._writable)
        if writes or not os.access(f"/proc/self/fd/{fd}", mode & 7):
            raise _failure(EACCES)
        return 0

    def _read_link(self, fd: int, result: int, size: int) -> int:
        if not stat.S_ISLNK(os.fstat(fd).st_mode):
            raise _failure(EINVAL)
        target = os.fsencode(os.readlink("", dir_fd=fd))[:size]
        self._memory.write(result, target)
        return len(target)

    def _name_folder(self, call: Call) -> int:
        """Where the program is; Landlock lets it go where it may not look, and a link might have led there."""
        result, size, *_ = call.arguments
        fd = os.open(f"/proc/{call.task}/cwd", os.O_PATH | os.O_CLOEXEC)
        try:
            self._check(fd)
            if not os.fstat(fd).st_nlink:  # it has been removed
                raise _failure(ENOENT)
            path = os.fsencode(_place(fd)) + b"\0"
        finally:
            os.close(fd)
        if len(path) > size:
            raise _failure(ERANGE)
        self._memory.write(result, path)
        return len(path)

    def _name_system(self, call: Call) -> int:
        filled = ctypes.create_string_buffer(_UTSNAME_BYTES)
        syscall("uname", number("uname"), filled)
        names = bytearray(filled.raw)
        names[_NODE_NAME] = b"sandbox".ljust(65, b"\0")
        self._memory.write(call.arguments[0], bytes(names))
        return 0


class _Form(NamedTuple):
    """What the arguments of a call mean.

    Attributes:
        report: What reports on the file.
        arguments: The arguments that it gets.
        folder: The argument that says where a path starts.
        path: The one that says where the path is.
        flags: The one with flags.
        follows: Whether the last link of the path is followed.
    """

    report: Callable[..., int]
    arguments: tuple[int, ...]
    folder: int | None = None
    path: int = 0
    flags: int | None = None
    follows: bool = True


_FORMS = {
    "stat": _Form(Lookups._stat, (1,)),  # noqa: SLF001 -- this table is a part of the class
    "lstat": _Form(Lookups._stat, (1,), follows=False),  # noqa: SLF001 -- as above
    "newfstatat": _Form(Lookups._stat, (2,), 0, 1, 3),  # noqa: SLF001 -- as above
    "statx": _Form(Lookups._statx, (3, 4), 0, 1, 2),  # noqa: SLF001 -- as above
    "statfs": _Form(Lookups._statfs, (1,)),  # noqa: SLF001 -- as above
    "access": _Form(Lookups._access, (1,)),  # noqa: SLF001 -- as above
    "faccessat": _Form(Lookups._access, (2,), 0, 1),  # noqa: SLF001 -- as above
    "faccessat2": _Form(Lookups._access, (2,), 0, 1, 3),  # noqa: SLF001 -- as above
    "readlink": _Form(Lookups._read_link, (1, 2), follows=False),  # noqa: SLF001 -- as above
    "readlinkat": _Form(Lookups._read_link, (2, 3), 0, 1, follows=False),  # noqa: SLF001 -- as above
}
CALLS = (*_FORMS, "getcwd", "uname")
"""The system calls that are answered."""


def _prefixes(paths: Iterable[str]) -> tuple[str, ...]:
    """Paths, under the names given and under those they really have, with a slash at the end."""
    return tuple(f"{name}/" for path in paths for name in {path, os.path.realpath(path)})


def _ancestors(path: str) -> Iterator[str]:
    """The folders that lead to a path."""
    yield "/"
    parts = path.strip("/").split("/")
    for end in range(1, len(parts)):
        yield "/" + "/".join(parts[:end])


def _place(fd: int) -> str:
    """Where an open file lies; what the kernel says of a pipe or a socket is no path."""
    return os.readlink(f"/proc/self/fd/{fd}")  # noqa: PTH115 -- no real link


def _failure(number: int) -> OSError:
    return OSError(number, os.strerror(number))
