"""Numbers of the system calls that a program may make, with or without conditions.

Sources: `asm/unistd_64.h` for x86-64 and `asm-generic/unistd.h` for aarch64, of Linux 6.1; `fchmodat2` from
Linux 6.6. A -1 says that the architecture has no such call.
"""

from __future__ import annotations

import os

__all__ = ["LAST_KNOWN", "MACHINE", "audit_architecture", "number"]

LAST_KNOWN = 450
"""The newest call of the sources; those after it are answered as an older kernel would."""

_AUDIT = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}  # AUDIT_ARCH_* of linux/audit.h
MACHINE = os.uname().machine
"""The architecture of this machine; `platform` would remember the host's name as well."""


def audit_architecture() -> int:
    """What seccomp calls the architecture of this process.

    Raises:
        OSError: The numbers of its system calls are not known here.
    """
    if MACHINE not in _AUDIT:
        raise OSError(0, f"no table of system calls for {MACHINE}", "seccomp")
    return _AUDIT[MACHINE]


def number(name: str) -> int:
    """The number of a system call on this machine; -1 if it has none."""
    return _NUMBERS[name][list(_AUDIT).index(MACHINE)]


# fmt: off
_NUMBERS: dict[str, tuple[int, int]] = {
    "access": (21, -1), "alarm": (37, -1), "arch_prctl": (158, -1), "brk": (12, 214), "capget": (125, 90),
    "chdir": (80, 49), "chmod": (90, -1), "chown": (92, -1), "clock_getres": (229, 114),
    "clock_gettime": (228, 113), "clock_nanosleep": (230, 115), "clone": (56, 220), "clone3": (435, 435),
    "close": (3, 57), "close_range": (436, 436), "copy_file_range": (326, 285), "creat": (85, -1),
    "dup": (32, 23), "dup2": (33, -1), "dup3": (292, 24), "epoll_create": (213, -1),
    "epoll_create1": (291, 20), "epoll_ctl": (233, 21), "epoll_pwait": (281, 22),
    "epoll_pwait2": (441, 441), "epoll_wait": (232, -1), "eventfd": (284, -1), "eventfd2": (290, 19),
    "exit": (60, 93), "exit_group": (231, 94), "faccessat": (269, 48), "faccessat2": (439, 439),
    "fadvise64": (221, 223), "fallocate": (285, 47), "fchdir": (81, 50), "fchmod": (91, 52),
    "fchmodat": (268, 53), "fchmodat2": (452, 452), "fchown": (93, 55), "fchownat": (260, 54),
    "fcntl": (72, 25), "fdatasync": (75, 83), "fgetxattr": (193, 10), "flistxattr": (196, 13),
    "flock": (73, 32), "fremovexattr": (199, 16), "fsetxattr": (190, 7), "fstat": (5, 80),
    "fstatfs": (138, 44), "fsync": (74, 82), "ftruncate": (77, 46), "futex": (202, 98),
    "futex_waitv": (449, 449), "futimesat": (261, -1), "getcpu": (309, 168), "getcwd": (79, 17),
    "getdents": (78, -1), "getdents64": (217, 61), "getegid": (108, 177), "geteuid": (107, 175),
    "getgid": (104, 176), "getgroups": (115, 158), "getitimer": (36, 102), "getpeername": (52, 205),
    "getpgid": (121, 155), "getpgrp": (111, -1), "getpid": (39, 172), "getppid": (110, 173),
    "getpriority": (140, 141), "getrandom": (318, 278), "getresgid": (120, 150), "getresuid": (118, 148),
    "getrlimit": (97, 163), "getrusage": (98, 165), "getsid": (124, 156), "getsockname": (51, 204),
    "getsockopt": (55, 209), "gettid": (186, 178), "gettimeofday": (96, 169), "getuid": (102, 174),
    "getxattr": (191, 8), "ioctl": (16, 29), "kill": (62, 129), "lchown": (94, -1), "lgetxattr": (192, 9),
    "link": (86, -1), "linkat": (265, 37), "listxattr": (194, 11), "llistxattr": (195, 12),
    "lremovexattr": (198, 15), "lseek": (8, 62), "lsetxattr": (189, 6), "lstat": (6, -1),
    "madvise": (28, 233), "membarrier": (324, 283), "mincore": (27, 232), "mkdir": (83, -1),
    "mkdirat": (258, 34), "mknod": (133, -1), "mknodat": (259, 33), "mlock": (149, 228),
    "mlock2": (325, 284), "mmap": (9, 222), "mprotect": (10, 226), "mremap": (25, 216),
    "msync": (26, 227), "munlock": (150, 229), "munmap": (11, 215), "nanosleep": (35, 101),
    "newfstatat": (262, 79), "open": (2, -1), "openat": (257, 56), "openat2": (437, 437),
    "pause": (34, -1), "personality": (135, 92), "pipe": (22, -1), "pipe2": (293, 59),
    "pkey_alloc": (330, 289), "pkey_free": (331, 290), "pkey_mprotect": (329, 288), "poll": (7, -1),
    "ppoll": (271, 73), "prctl": (157, 167), "pread64": (17, 67), "preadv": (295, 69),
    "preadv2": (327, 286), "prlimit64": (302, 261), "pselect6": (270, 72), "pwrite64": (18, 68),
    "pwritev": (296, 70), "pwritev2": (328, 287), "read": (0, 63), "readahead": (187, 213),
    "readlink": (89, -1), "readlinkat": (267, 78), "readv": (19, 65), "recvfrom": (45, 207),
    "recvmsg": (47, 212), "removexattr": (197, 14), "rename": (82, -1), "renameat": (264, 38),
    "renameat2": (316, 276), "restart_syscall": (219, 128), "rmdir": (84, -1), "rseq": (334, 293),
    "rt_sigaction": (13, 134), "rt_sigpending": (127, 136), "rt_sigprocmask": (14, 135),
    "rt_sigqueueinfo": (129, 138), "rt_sigreturn": (15, 139), "rt_sigsuspend": (130, 133),
    "rt_sigtimedwait": (128, 137), "rt_tgsigqueueinfo": (297, 240), "sched_get_priority_max": (146, 125),
    "sched_get_priority_min": (147, 126), "sched_getaffinity": (204, 123), "sched_getparam": (143, 121),
    "sched_getscheduler": (145, 120), "sched_rr_get_interval": (148, 127),
    "sched_setaffinity": (203, 122), "sched_yield": (24, 124), "seccomp": (317, 277), "select": (23, -1),
    "sendfile": (40, 71), "sendmsg": (46, 211), "sendto": (44, 206), "set_robust_list": (273, 99),
    "set_tid_address": (218, 96), "setitimer": (38, 103), "setrlimit": (160, 164),
    "setsockopt": (54, 208), "setxattr": (188, 5), "shutdown": (48, 210), "sigaltstack": (131, 132),
    "signalfd": (282, -1), "signalfd4": (289, 74), "socketpair": (53, 199), "stat": (4, -1),
    "statfs": (137, 43), "statx": (332, 291), "symlink": (88, -1), "symlinkat": (266, 36),
    "sync_file_range": (277, 84), "sysinfo": (99, 179), "tgkill": (234, 131), "time": (201, -1),
    "timerfd_create": (283, 85), "timerfd_gettime": (287, 87), "timerfd_settime": (286, 86),
    "times": (100, 153), "truncate": (76, 45), "umask": (95, 166), "uname": (63, 160), "unlink": (87, -1),
    "unlinkat": (263, 35), "utime": (132, -1), "utimensat": (280, 88), "utimes": (235, -1),
    "wait4": (61, 260), "waitid": (247, 95), "write": (1, 64), "writev": (20, 66),
}
# fmt: on
