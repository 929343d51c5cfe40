"""Which system calls a program may make: a list of numbers, some with conditions, as a filter of the kernel's.

Allowed are files, memory, threads, clocks, pipes. All else fails with EPERM: processes, sockets, other processes,
mounts, keys, tracing, io_uring, bpf, anonymous files outside the limit of the disk, timers that could send SIGCONT
to a session that rests. Locks on files do nothing and succeed: a program is one process, so they would keep out
nobody but the host and other runs, and take memory that no limit counts. For the sake of such memory there are no
access control lists and no epoll either; `poll` does the same. Calls newer than the list fail with ENOSYS, so that
libraries fall back to those they used before. A filter is a classic BPF program that sees one call as a record:
its number at offset 0, the architecture at 4, six arguments of 64 bits from 16 on. It cannot follow pointers.

Sources: `linux/filter.h`, `linux/bpf_common.h`, `linux/seccomp.h`; `asm/unistd_64.h` for x86-64 and
`asm-generic/unistd.h` for aarch64, of Linux 6.1; `fchmodat2` from Linux 6.6. A -1 says that the architecture has
no such call.
"""

from __future__ import annotations

import ctypes
import os
import struct
from errno import EACCES, EINVAL, ENOMEM, ENOPROTOOPT, ENOSYS, ENOTSUP, ENOTTY, EPERM
from typing import NamedTuple

from .kernel import prctl

__all__ = ["Filter", "filter_syscalls", "number", "program", "thread_gate"]

NUMBER, ARCHITECTURE, ARGUMENTS = 0, 4, 16

_LD_W_ABS = 0x20
_ALU_AND_K = 0x54
_JMP_JEQ_K = 0x15
_JMP_JGE_K = 0x35
_RET_K = 0x06


class _Instruction(NamedTuple):
    """`struct sock_filter`; the jumps are relative to the next instruction."""

    code: int
    if_true: int
    if_false: int
    operand: int


def load(offset: int) -> _Instruction:
    """Load 32 bits of the record."""
    return _Instruction(_LD_W_ABS, 0, 0, offset)


def mask(bits: int) -> _Instruction:
    """Keep only some bits of what was loaded."""
    return _Instruction(_ALU_AND_K, 0, 0, bits & 0xFFFFFFFF)


def jump_equal(value: int, if_true: int, if_false: int) -> _Instruction:
    """Skip so many instructions, depending on whether what was loaded is the value."""
    return _Instruction(_JMP_JEQ_K, if_true, if_false, value & 0xFFFFFFFF)


def _jump_least(value: int, if_true: int, if_false: int) -> _Instruction:
    """Skip so many instructions, depending on whether what was loaded is at least the value."""
    return _Instruction(_JMP_JGE_K, if_true, if_false, value & 0xFFFFFFFF)


ALLOW = _Instruction(_RET_K, 0, 0, 0x7FFF0000)  # SECCOMP_RET_ALLOW
KILL = _Instruction(_RET_K, 0, 0, 0x80000000)  # SECCOMP_RET_KILL_PROCESS
NOTIFY = _Instruction(_RET_K, 0, 0, 0x7FC00000)  # SECCOMP_RET_USER_NOTIF


def errno(number: int) -> _Instruction:
    """Let the call fail with an error; 0 lets it do nothing and succeed."""
    return _Instruction(_RET_K, 0, 0, 0x00050000 | number)  # SECCOMP_RET_ERRNO


def assemble(program: list[_Instruction]) -> bytes:
    """The program as an array of `struct sock_filter`."""
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in program)


class Filter(ctypes.Structure):
    """`struct sock_fprog`: a program as the kernel takes it."""

    _fields_ = (("length", ctypes.c_ushort), ("code", ctypes.c_void_p))

    def __init__(self, code: bytes) -> None:
        self._code = ctypes.create_string_buffer(code, len(code))
        super().__init__(len(code) // 8, ctypes.addressof(self._code))


_LAST_KNOWN = 450
"""The newest call of the sources; those after it are answered as an older kernel would."""

_AUDIT = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}  # AUDIT_ARCH_* of linux/audit.h
MACHINE = os.uname().machine
"""The architecture of this machine; `platform` would remember the host's name as well."""


def audit_architecture() -> int:
    """What seccomp calls the architecture of this process."""
    if MACHINE not in _AUDIT:
        raise OSError(0, f"no table of system calls for {MACHINE}", "seccomp")
    return _AUDIT[MACHINE]


def number(name: str) -> int:
    """The number of a system call on this machine; -1 if it has none."""
    return _NUMBERS[name][list(_AUDIT).index(MACHINE)]


def _table(text: str) -> dict[str, tuple[int, int]]:
    words = text.split()
    return {words[n]: (int(words[n + 1]), int(words[n + 2])) for n in range(0, len(words), 3)}


_ALLOWED = _table("""
    access 21 -1 alarm 37 -1 arch_prctl 158 -1 brk 12 214 capget 125 90 chdir 80 49 close 3 57
    copy_file_range 326 285 creat 85 -1 dup 32 23 dup2 33 -1 dup3 292 24 eventfd 284 -1 eventfd2 290 19 exit
    60 93 exit_group 231 94 faccessat 269 48 faccessat2 439 439 fadvise64 221 223 fchdir 81 50 fdatasync 75
    83 fgetxattr 193 10 flistxattr 196 13 fstat 5 80 fstatfs 138 44 fsync 74 82 ftruncate 77 46 futex 202 98
    futex_waitv 449 449 getcpu 309 168 getcwd 79 17 getdents 78 -1 getdents64 217 61 getegid 108 177 geteuid
    107 175 getgid 104 176 getgroups 115 158 getitimer 36 102 getpeername 52 205 getpgrp 111 -1 getpid 39
    172 getppid 110 173 getrandom 318 278 getresgid 120 150 getresuid 118 148 getrlimit 97 163 getrusage 98
    165 getsockname 51 204 gettid 186 178 gettimeofday 96 169 getuid 102 174 link 86 -1 linkat 265 37 lseek
    8 62 lstat 6 -1 madvise 28 233 membarrier 324 283 mincore 27 232 mkdir 83 -1 mkdirat 258 34 mknod 133 -1
    mknodat 259 33 mlock 149 228 mlock2 325 284 mprotect 10 226 mremap 25 216 msync 26 227 munlock 150 229
    munmap 11 215 nanosleep 35 101 newfstatat 262 79 pause 34 -1 pipe 22 -1 pipe2 293 59 pkey_alloc 330 289
    pkey_free 331 290 pkey_mprotect 329 288 poll 7 -1 ppoll 271 73 pread64 17 67 preadv 295 69 preadv2 327
    286 pselect6 270 72 pwrite64 18 68 pwritev 296 70 pwritev2 328 287 read 0 63 readahead 187 213 readlink
    89 -1 readlinkat 267 78 readv 19 65 recvfrom 45 207 rename 82 -1 renameat 264 38 renameat2 316 276
    restart_syscall 219 128 rmdir 84 -1 rseq 334 293 rt_sigaction 13 134 rt_sigpending 127 136
    rt_sigprocmask 14 135 rt_sigreturn 15 139 rt_sigsuspend 130 133 rt_sigtimedwait 128 137
    sched_get_priority_max 146 125 sched_get_priority_min 147 126 sched_yield 24 124 select 23 -1 sendfile
    40 71 set_robust_list 273 99 set_tid_address 218 96 setitimer 38 103 setrlimit 160 164 shutdown 48 210
    sigaltstack 131 132 signalfd 282 -1 signalfd4 289 74 stat 4 -1 statfs 137 43 statx 332 291 symlink 88 -1
    symlinkat 266 36 sync_file_range 277 84 sysinfo 99 179 time 201 -1 timerfd_create 283 85 timerfd_gettime
    287 87 timerfd_settime 286 86 times 100 153 umask 95 166 uname 63 160 unlink 87 -1 unlinkat 263 35 wait4
    61 260 waitid 247 95 write 1 64 writev 20 66
""")
"""The calls that are allowed whatever their arguments are, with their numbers on x86-64 and on aarch64."""

_NUMBERS = _ALLOWED | _table("""
    chmod 90 -1 chown 92 -1 clock_getres 229 114 clock_gettime 228 113 clock_nanosleep 230 115 clone 56 220
    clone3 435 435 close_range 436 436 epoll_create 213 -1 epoll_create1 291 20 fallocate 285 47 fchmod 91
    52 fchmodat 268 53 fchmodat2 452 452 fchown 93 55 fchownat 260 54 fcntl 72 25 flock 73 32 fremovexattr
    199 16 fsetxattr 190 7 futimesat 261 -1 getpgid 121 155 getpriority 140 141 getsid 124 156 getsockopt 55
    209 getxattr 191 8 ioctl 16 29 kill 62 129 lchown 94 -1 lgetxattr 192 9 listxattr 194 11 llistxattr 195
    12 lremovexattr 198 15 lsetxattr 189 6 mmap 9 222 open 2 -1 openat 257 56 openat2 437 437 personality
    135 92 prctl 157 167 prlimit64 302 261 recvmsg 47 212 removexattr 197 14 rt_sigqueueinfo 129 138
    rt_tgsigqueueinfo 297 240 sched_getaffinity 204 123 sched_getparam 143 121 sched_getscheduler 145 120
    sched_rr_get_interval 148 127 sched_setaffinity 203 122 seccomp 317 277 sendmsg 46 211 sendto 44 206
    setsockopt 54 208 setxattr 188 5 socketpair 53 199 tgkill 234 131 truncate 76 45 utime 132 -1 utimensat
    280 88 utimes 235 -1
""")


def _argument(index: int) -> int:
    """Where the lower half of an argument lies on a little-endian machine; int arguments have no other."""
    return ARGUMENTS + 8 * index


def _one_of(
    index: int, values: tuple[int, ...], otherwise: int = EPERM, *, among: int = 0xFFFFFFFF
) -> list[_Instruction]:
    """Allow the call if an argument, or these bits `among` its own, has one of these values."""
    tests = [jump_equal(value, len(values) - n, 0) for n, value in enumerate(values)]
    return [load(_argument(index)), mask(among), *tests, errno(otherwise), ALLOW]


def _none_of(index: int, values: tuple[int, ...]) -> list[_Instruction]:
    """Allow the call unless an argument has one of these values."""
    tests = [jump_equal(value, len(values) - n, 0) for n, value in enumerate(values)]
    return [load(_argument(index)), *tests, ALLOW, errno(EPERM)]


def _pretend(index: int, values: tuple[int, ...]) -> list[_Instruction]:
    """Let the call do nothing and succeed if an argument has one of these values; else go on."""
    tests = [
        jump_equal(value, len(values) - n - 1, 1 if value == values[-1] else 0)
        for n, value in enumerate(values)
    ]
    return [load(_argument(index)), *tests, errno(0)]


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

_ATTRIBUTES = """
    chmod fchmod fchmodat fchmodat2 chown fchown lchown fchownat utime utimes futimesat utimensat
""".split()
"""Changes of owner, mode, times and the like: no business of Landlock's (linux/landlock.h)."""

_CHANGES_OF_XATTRS = "setxattr lsetxattr fsetxattr removexattr lremovexattr fremovexattr".split()
_LOOKS_AT_ATTRIBUTES = ("getxattr", "lgetxattr", "listxattr", "llistxattr")
_ON_OWN_FILES = (*_ATTRIBUTES, *_LOOKS_AT_ATTRIBUTES, "fallocate", "open", "openat", "openat2", "truncate")

_CLOCK = [
    load(_argument(0)),
    _jump_least(0x80000000, 0, 3),  # ~pid << 3 of linux/posix-timers.h: the time that a process has used
    mask(4),  # CPUCLOCK_PERTHREAD_MASK: a thread, which the kernel sees to is one of the caller's
    jump_equal(4, 1, 0),
    errno(EINVAL),
    ALLOW,
]
_CLOCKS = ("clock_gettime", "clock_getres", "clock_nanosleep")

_AMONG_FILES_OF_OTHERS: dict[str, list[_Instruction]] = {
    **{name: [errno(0)] for name in _ATTRIBUTES},
    **{name: [errno(ENOTSUP)] for name in (*_LOOKS_AT_ATTRIBUTES, "fallocate")},
    "open": _one_of(1, _READ_WRITE_BOTH, EACCES, among=_O_ACCMODE | _O_PATH),
    "openat": _one_of(2, _READ_WRITE_BOTH, EACCES, among=_O_ACCMODE | _O_PATH),
    "openat2": [errno(ENOSYS)],
}
"""Where Landlock alone keeps files apart. It lets anybody open a file as a mere place (O_PATH), or neither to
read nor to write, which is enough to look at it, and to start a device; space that is taken all at once would be
gone before anybody has counted it."""

_IOCTLS = (0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)  # TCGETS TIOCGWINSZ FIONREAD FIONBIO FIO(N)CLEX
_LOCKING = (6, 7, 37, 38)  # F_{,OFD_}SETLK{,W}
_FCNTLS_REFUSED = (8, 10, 15, 1024, 1026, 1031)  # SETOWN SETSIG SETOWN_EX SETLEASE NOTIFY SETPIPE_SZ
_PRCTLS = (2, 3, 15, 16, 21, 23, 30, 39, 0x53564D41)  # getters, and the names of threads and of memory


def filter_syscalls(code: bytes) -> None:
    """Let the kernel refuse this thread and all it starts whatever is not allowed; needs no_new_privs."""
    code = code.replace(_OWN_PID.to_bytes(4, "little"), os.getpid().to_bytes(4, "little"))
    prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(Filter(code)))


_OWN_PID = 0x7E5E1FED
"""Stands for the only process that may be signalled: a filter is assembled once, for many."""


def program(channel: int, *, isolated: bool, can_truncate: bool) -> bytes:
    """The filter itself.

    Args:
        channel: The only descriptor that it may receive descriptors from, which the supervisor sends.
        isolated: Whether it sees a file system of its own; else it cannot change attributes of files, and
            is told that it has.
        can_truncate: Whether Landlock watches over truncation by path.
    """
    rules = {name: [ALLOW] for name in (*_ALLOWED, *_ON_OWN_FILES)}
    rules |= _conditions() | {"recvmsg": _one_of(0, (channel,))}
    if not isolated:
        rules |= _AMONG_FILES_OF_OTHERS
        if not can_truncate:
            del rules["truncate"]
    code = [
        load(ARCHITECTURE),
        jump_equal(audit_architecture(), 1, 0),
        KILL,
        load(NUMBER),
        _jump_least(_X32, 0, 1),
        errno(ENOSYS),
    ]
    for name, body in rules.items():
        if number(name) >= 0:
            code += [jump_equal(number(name), 0, len(body)), *body]
    return assemble([*code, _jump_least(_LAST_KNOWN + 1, 0, 1), errno(ENOSYS), errno(EPERM)])


def _conditions() -> dict[str, list[_Instruction]]:
    """The calls whose arguments decide."""
    itself = (0, _OWN_PID)
    return {
        "clone": _one_of(0, (_THREAD,), among=_THREAD | _CLONE_NEW),
        "clone3": [errno(ENOSYS)],  # its arguments lie in memory, where a filter cannot look
        "close_range": _one_of(2, (0,), EINVAL, among=_CLOSE_RANGE_UNSHARE),
        "mmap": _one_of(3, (0,), ENOMEM, among=_MAP_HUGETLB),
        **{name: _one_of(0, itself) for name in _OF_A_PROCESS},
        **{name: _one_of(0, (_OWN_PID,)) for name in ("tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo")},
        "getpriority": _one_of(1, itself),
        "sched_getaffinity": _one_of(0, itself, ENOSYS),  # glibc asks for threads too, and can do without
        "personality": _one_of(0, (_PERSONALITY_QUERY,)),
        "prctl": _one_of(0, _PRCTLS),
        "ioctl": _one_of(1, _IOCTLS, ENOTTY),
        "fcntl": [*_pretend(1, _LOCKING), *_none_of(1, _FCNTLS_REFUSED)],
        "flock": [errno(0)],
        **{name: [errno(ENOTSUP)] for name in _CHANGES_OF_XATTRS},
        **{name: [errno(ENOSYS)] for name in ("epoll_create", "epoll_create1")},
        "socketpair": _one_of(0, (_AF_UNIX,)),
        "getsockopt": [
            load(_argument(1)),
            jump_equal(_SOL_SOCKET, 1, 0),
            errno(ENOPROTOOPT),
            *_one_of(2, _SOCKET_OPTIONS, ENOPROTOOPT),
        ],
        "sendto": [  # without an address, as on a pair
            load(_argument(4)),
            jump_equal(0, 0, 2),
            load(_argument(4) + 4),
            jump_equal(0, 1, 0),
            errno(EPERM),
            ALLOW,
        ],
        **dict.fromkeys(_CLOCKS, _CLOCK),
    }


def thread_gate() -> bytes:
    """A filter that has another process answer each call of `clone`, and allows all else."""
    return assemble(
        [
            load(ARCHITECTURE),
            jump_equal(audit_architecture(), 1, 0),
            KILL,
            load(NUMBER),
            jump_equal(number("clone"), 0, 1),
            NOTIFY,
            ALLOW,
        ]
    )
