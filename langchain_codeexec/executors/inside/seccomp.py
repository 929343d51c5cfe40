"""Which system calls a program may make.

A list of what is allowed: files, memory, threads, clocks, pipes. All else fails with EPERM: processes,
sockets, other processes, mounts, keys, tracing, io_uring, bpf, anonymous files outside the limit of the disk.
Calls newer than the list fail with ENOSYS, so that libraries fall back to those they used before.
"""

from __future__ import annotations

import ctypes
from errno import ENOSYS, ENOTTY, EPERM
from typing import TYPE_CHECKING

from . import bpf
from .kernel import prctl
from .syscall_numbers import LAST_KNOWN, audit_architecture, number

if TYPE_CHECKING:
    from .bpf import Instruction

__all__ = ["filter_syscalls", "program"]

_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER = 22, 2  # linux/prctl.h, linux/seccomp.h
_X32 = 0x40000000  # __X32_SYSCALL_BIT of asm/unistd.h: the other way into the x86-64 kernel
_CLONE_THREAD = 0x00010000
_CLONE_NEW = 0x7E020080  # CLONE_NEW{TIME,NS,CGROUP,UTS,IPC,USER,PID,NET} of linux/sched.h
_AF_UNIX = 1
_PERSONALITY_QUERY = 0xFFFFFFFF

_ALLOWED = """
    read write open close stat fstat lstat poll lseek mmap mprotect munmap brk rt_sigaction rt_sigprocmask
    rt_sigreturn pread64 pwrite64 readv writev access pipe select sched_yield mremap msync mincore madvise dup
    dup2 pause nanosleep getitimer alarm setitimer getpid sendfile exit wait4 uname flock fsync fdatasync
    ftruncate getdents getcwd chdir fchdir rename mkdir rmdir creat link unlink symlink readlink umask
    gettimeofday getrlimit getrusage sysinfo times getuid getgid geteuid getegid getppid getpgrp getgroups
    getresuid getresgid getpgid getsid capget rt_sigpending rt_sigtimedwait rt_sigsuspend sigaltstack mknod
    statfs fstatfs getpriority sched_getparam sched_getscheduler sched_get_priority_max sched_get_priority_min
    sched_rr_get_interval mlock munlock mlock2 arch_prctl setrlimit sync_file_range gettid readahead getxattr
    lgetxattr fgetxattr listxattr llistxattr flistxattr time futex sched_getaffinity epoll_create getdents64
    set_tid_address restart_syscall fadvise64 timer_create timer_settime timer_gettime timer_getoverrun
    timer_delete clock_gettime clock_getres clock_nanosleep exit_group epoll_wait epoll_ctl waitid openat
    mkdirat mknodat newfstatat unlinkat renameat linkat symlinkat readlinkat faccessat pselect6 ppoll
    set_robust_list epoll_pwait signalfd timerfd_create eventfd fallocate timerfd_settime timerfd_gettime
    signalfd4 eventfd2 epoll_create1 dup3 pipe2 preadv pwritev getcpu renameat2 getrandom membarrier
    copy_file_range preadv2 pwritev2 pkey_mprotect pkey_alloc pkey_free statx rseq close_range openat2
    faccessat2 epoll_pwait2 futex_waitv recvfrom shutdown getsockname getpeername getsockopt
""".split()

_ATTRIBUTES = """
    chmod fchmod fchmodat fchmodat2 chown fchown lchown fchownat utime utimes futimesat utimensat
    setxattr lsetxattr fsetxattr removexattr lremovexattr fremovexattr
""".split()
"""Changes of owner, mode, times and the like: no business of Landlock's (linux/landlock.h)."""

_IOCTLS = (0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)  # TCGETS TIOCGWINSZ FIONREAD FIONBIO FIO(N)CLEX
_FCNTLS_REFUSED = (8, 10, 15, 1024, 1026, 1031)  # SETOWN SETSIG SETOWN_EX SETLEASE NOTIFY SETPIPE_SZ
_PRCTLS = (2, 3, 15, 16, 21, 23, 30, 39, 0x53564D41)  # getters, and the names of threads and of memory


def filter_syscalls(own_pid: int, *, isolated: bool, can_truncate: bool) -> None:
    """Let the kernel refuse this thread and all it starts whatever is not allowed; needs no_new_privs.

    Args:
        own_pid: The only process it may signal.
        isolated: Whether it sees a file system of its own; else it cannot change attributes of files, and
            is told that it has.
        can_truncate: Whether Landlock watches over truncation by path.

    Raises:
        OSError: The kernel has no seccomp, or this machine's numbers are not known.
    """
    code = bpf.assemble(program(own_pid, isolated=isolated, can_truncate=can_truncate))
    array = ctypes.create_string_buffer(code, len(code))

    class Program(ctypes.Structure):  # struct sock_fprog
        _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))

    filled = Program(len(code) // 8, ctypes.addressof(array))
    prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(filled))


def program(own_pid: int, *, isolated: bool, can_truncate: bool) -> list[Instruction]:
    """The filter itself; see `filter_syscalls`."""
    allowed = [*_ALLOWED, *_ATTRIBUTES * isolated]
    pretended = [] if isolated else _ATTRIBUTES
    if isolated or can_truncate:
        allowed.append("truncate")
    rules = {name: [bpf.ALLOW] for name in allowed}
    rules |= {name: [bpf.errno(0)] for name in pretended}
    rules |= _conditions(own_pid)
    code = [
        bpf.load(bpf.ARCHITECTURE),
        bpf.jump_equal(audit_architecture(), 1, 0),
        bpf.KILL,
        bpf.load(bpf.NUMBER),
        bpf.jump_least(_X32, 0, 1),
        bpf.errno(ENOSYS),
    ]
    for name, body in rules.items():
        if number(name) >= 0:
            code += [bpf.jump_equal(number(name), 0, len(body)), *body]
    return [*code, bpf.jump_least(LAST_KNOWN + 1, 0, 1), bpf.errno(ENOSYS), bpf.errno(EPERM)]


def _conditions(own_pid: int) -> dict[str, list[Instruction]]:
    """The calls whose arguments decide."""
    itself = (0, own_pid)
    return {
        "clone": [
            bpf.load(_argument(0)),
            bpf.mask(_CLONE_THREAD | _CLONE_NEW),
            *_equal(_CLONE_THREAD),
        ],
        "clone3": [bpf.errno(ENOSYS)],  # its arguments lie in memory, where a filter cannot look
        "kill": _one_of(0, itself),
        "tgkill": _one_of(0, (own_pid,)),
        "rt_sigqueueinfo": _one_of(0, (own_pid,)),
        "rt_tgsigqueueinfo": _one_of(0, (own_pid,)),
        "prlimit64": _one_of(0, itself),
        "sched_setaffinity": _one_of(0, itself),
        "personality": _one_of(0, (_PERSONALITY_QUERY,)),
        "prctl": _one_of(0, _PRCTLS),
        "ioctl": _one_of(1, _IOCTLS, otherwise=ENOTTY),
        "fcntl": _none_of(1, _FCNTLS_REFUSED),
        "socketpair": _one_of(0, (_AF_UNIX,)),
        "sendto": [  # without an address, as on a pair
            bpf.load(_argument(4)),
            bpf.jump_equal(0, 0, 2),
            bpf.load(_argument(4) + 4),
            bpf.jump_equal(0, 1, 0),
            bpf.errno(EPERM),
            bpf.ALLOW,
        ],
    }


def _argument(index: int) -> int:
    """Where the lower half of an argument lies on a little-endian machine; int arguments have no other."""
    return bpf.ARGUMENTS + 8 * index


def _equal(value: int) -> list[Instruction]:
    return [bpf.jump_equal(value, 1, 0), bpf.errno(EPERM), bpf.ALLOW]


def _one_of(index: int, values: tuple[int, ...], otherwise: int = EPERM) -> list[Instruction]:
    tests = [bpf.jump_equal(value, len(values) - n, 0) for n, value in enumerate(values)]
    return [bpf.load(_argument(index)), *tests, bpf.errno(otherwise), bpf.ALLOW]


def _none_of(index: int, values: tuple[int, ...]) -> list[Instruction]:
    tests = [bpf.jump_equal(value, len(values) - n, 0) for n, value in enumerate(values)]
    return [bpf.load(_argument(index)), *tests, bpf.ALLOW, bpf.errno(EPERM)]
