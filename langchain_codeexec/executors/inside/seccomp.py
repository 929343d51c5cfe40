"""Which system calls a program may make.

A list of what is allowed: files, memory, threads, clocks, pipes. All else fails with EPERM: processes,
sockets, other processes, mounts, keys, tracing, io_uring, bpf, anonymous files outside the limit of the disk,
timers that could send SIGCONT to a session that rests.
Calls newer than the list fail with ENOSYS, so that libraries fall back to those they used before.
"""

from __future__ import annotations

import ctypes
from errno import EACCES, EINVAL, ENOMEM, ENOPROTOOPT, ENOSYS, ENOTSUP, ENOTTY, EPERM
from typing import TYPE_CHECKING

from . import bpf
from .conditions import argument, bits, none_of, one_of, without
from .kernel import prctl
from .syscall_numbers import LAST_KNOWN, audit_architecture, number

if TYPE_CHECKING:
    from .bpf import Instruction

__all__ = ["filter_syscalls", "program"]

_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER = 22, 2  # linux/prctl.h, linux/seccomp.h
_X32 = 0x40000000  # __X32_SYSCALL_BIT of asm/unistd.h: the other way into the x86-64 kernel
_THREAD = 0x00010600  # CLONE_{THREAD,FILES,FS}; with files of its own it would escape their being counted
_CLONE_NEW = 0x7E020080  # CLONE_NEW{TIME,NS,CGROUP,UTS,IPC,USER,PID,NET} of linux/sched.h
_CLOSE_RANGE_UNSHARE = 2  # linux/close_range.h
_MAP_HUGETLB = 0x40000  # asm-generic/mman.h: memory that the host has set aside
_O_ACCMODE, _O_PATH = 0x3, 0x200000  # asm-generic/fcntl.h
_READ_WRITE_BOTH = (0, 1, 2)  # O_RDONLY, O_WRONLY, O_RDWR
_AF_UNIX, _SOL_SOCKET = 1, 1
_SOCKET_OPTIONS = (3, 4, 7, 8, 38, 39)  # SO_{TYPE,ERROR,SNDBUF,RCVBUF,PROTOCOL,DOMAIN}; no SO_PEER*
_OF_A_PROCESS = """
    kill prlimit64 sched_setaffinity getpgid getsid sched_getparam sched_getscheduler sched_rr_get_interval
""".split()
_PERSONALITY_QUERY = 0xFFFFFFFF

_ALLOWED = """
    read write close stat fstat lstat poll lseek mprotect munmap brk rt_sigaction rt_sigprocmask
    rt_sigreturn pread64 pwrite64 readv writev access pipe select sched_yield mremap msync mincore
    madvise dup dup2 pause nanosleep getitimer alarm setitimer getpid sendfile exit wait4 uname flock
    fsync fdatasync ftruncate getdents getcwd chdir fchdir rename mkdir rmdir creat link unlink symlink
    readlink umask gettimeofday getrlimit getrusage sysinfo times getuid getgid geteuid getegid getppid
    getpgrp getgroups getresuid getresgid capget rt_sigpending rt_sigtimedwait rt_sigsuspend sigaltstack
    mknod statfs fstatfs sched_get_priority_max sched_get_priority_min mlock munlock mlock2 arch_prctl
    setrlimit sync_file_range gettid readahead fgetxattr flistxattr time futex epoll_create getdents64
    set_tid_address restart_syscall fadvise64 exit_group epoll_wait epoll_ctl waitid mkdirat mknodat
    newfstatat unlinkat renameat linkat symlinkat readlinkat faccessat pselect6 ppoll set_robust_list
    epoll_pwait signalfd timerfd_create eventfd timerfd_settime timerfd_gettime signalfd4 eventfd2
    epoll_create1 dup3 pipe2 preadv pwritev getcpu renameat2 getrandom membarrier copy_file_range preadv2
    pwritev2 pkey_mprotect pkey_alloc pkey_free statx rseq faccessat2 epoll_pwait2 futex_waitv recvfrom
    shutdown getsockname getpeername
""".split()

_ATTRIBUTES = """
    chmod fchmod fchmodat fchmodat2 chown fchown lchown fchownat utime utimes futimesat utimensat
    setxattr lsetxattr fsetxattr removexattr lremovexattr fremovexattr
""".split()
"""Changes of owner, mode, times and the like: no business of Landlock's (linux/landlock.h)."""

_LOOKS_AT_ATTRIBUTES = ("getxattr", "lgetxattr", "listxattr", "llistxattr")
_ON_OWN_FILES = (*_ATTRIBUTES, *_LOOKS_AT_ATTRIBUTES, "fallocate", "open", "openat", "openat2", "truncate")

_CLOCK = [
    bpf.load(argument(0)),
    bpf.jump_least(0x80000000, 0, 3),  # ~pid << 3 of linux/posix-timers.h: the time that a process has used
    bpf.mask(4),  # CPUCLOCK_PERTHREAD_MASK: a thread, which the kernel sees to is one of the caller's
    bpf.jump_equal(4, 1, 0),
    bpf.errno(EINVAL),
    bpf.ALLOW,
]
_CLOCKS = ("clock_gettime", "clock_getres", "clock_nanosleep")

_AMONG_FILES_OF_OTHERS: dict[str, list[Instruction]] = {
    **{name: [bpf.errno(0)] for name in _ATTRIBUTES},
    **{name: [bpf.errno(ENOTSUP)] for name in (*_LOOKS_AT_ATTRIBUTES, "fallocate")},
    "open": one_of(1, _READ_WRITE_BOTH, EACCES, among=_O_ACCMODE | _O_PATH),
    "openat": one_of(2, _READ_WRITE_BOTH, EACCES, among=_O_ACCMODE | _O_PATH),
    "openat2": [bpf.errno(ENOSYS)],
}
"""Where Landlock alone keeps files apart. It lets anybody open a file as a mere place (O_PATH), or neither to
read nor to write, which is enough to look at it, and to start a device; space that is taken all at once would be
gone before anybody has counted it."""

_IOCTLS = (0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)  # TCGETS TIOCGWINSZ FIONREAD FIONBIO FIO(N)CLEX
_FCNTLS_REFUSED = (8, 10, 15, 1024, 1026, 1031)  # SETOWN SETSIG SETOWN_EX SETLEASE NOTIFY SETPIPE_SZ
_PRCTLS = (2, 3, 15, 16, 21, 23, 30, 39, 0x53564D41)  # getters, and the names of threads and of memory


def filter_syscalls(code: list[Instruction]) -> None:
    """Let the kernel refuse this thread and all it starts whatever is not allowed; needs no_new_privs.

    Args:
        code: From `program`.

    Raises:
        OSError: The kernel has no seccomp.
    """
    prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(bpf.Filter(code)))


def program(own_pid: int, *, isolated: bool, can_truncate: bool) -> list[Instruction]:
    """The filter itself.

    Args:
        own_pid: The only process it may signal.
        isolated: Whether it sees a file system of its own; else it cannot change attributes of files, and
            is told that it has.
        can_truncate: Whether Landlock watches over truncation by path.

    Raises:
        OSError: This machine's numbers are not known.
    """
    rules = {name: [bpf.ALLOW] for name in (*_ALLOWED, *_ON_OWN_FILES)}
    rules |= _conditions(own_pid)
    if not isolated:
        rules |= _AMONG_FILES_OF_OTHERS
        if not can_truncate:
            del rules["truncate"]
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
        "clone": bits(0, _THREAD | _CLONE_NEW, _THREAD),
        "clone3": [bpf.errno(ENOSYS)],  # its arguments lie in memory, where a filter cannot look
        "close_range": without(2, _CLOSE_RANGE_UNSHARE, EINVAL),
        "mmap": without(3, _MAP_HUGETLB, ENOMEM),
        **{name: one_of(0, itself) for name in _OF_A_PROCESS},
        **{name: one_of(0, (own_pid,)) for name in ("tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo")},
        "getpriority": one_of(1, itself),
        "sched_getaffinity": one_of(0, itself, ENOSYS),  # glibc asks for threads too, and can do without
        "personality": one_of(0, (_PERSONALITY_QUERY,)),
        "prctl": one_of(0, _PRCTLS),
        "ioctl": one_of(1, _IOCTLS, ENOTTY),
        "fcntl": none_of(1, _FCNTLS_REFUSED),
        "socketpair": one_of(0, (_AF_UNIX,)),
        "getsockopt": [
            bpf.load(argument(1)),
            bpf.jump_equal(_SOL_SOCKET, 1, 0),
            bpf.errno(ENOPROTOOPT),
            *one_of(2, _SOCKET_OPTIONS, ENOPROTOOPT),
        ],
        "sendto": [  # without an address, as on a pair
            bpf.load(argument(4)),
            bpf.jump_equal(0, 0, 2),
            bpf.load(argument(4) + 4),
            bpf.jump_equal(0, 1, 0),
            bpf.errno(EPERM),
            bpf.ALLOW,
        ],
        **dict.fromkeys(_CLOCKS, _CLOCK),
    }
