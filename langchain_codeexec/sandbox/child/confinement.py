"""The process that a program runs in: it loses for good what no program needs, then it is fed with sources."""

from __future__ import annotations

import atexit
import gc
import json
import os
import random
import resource
import socket
import sys
import threading
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING, Any

from . import landlock, seccomp
from .frames import receive
from .kernel import drop_capabilities, forbid_new_privileges
from .limits import peak_memory
from .namespaces import DEVICES
from .program import FIRST_PRIVATE_FD, Program
from .refusals import explain_refusals, keep_to_one_process
from .threads import ask_for_threads

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .isolation import Box
    from .limits import Limits

__all__ = ["CHANNEL", "LISTENER", "barriers", "run_programs"]

LISTENER = b"+"
"""Comes with the descriptor of the calls that the other end is to answer."""


def _confine(box: Box, limits: Limits, channel: socket.socket, keep: Iterable[int]) -> None:
    """Take from this process, for good, all that a program has no need of, descriptors to `keep` excepted."""
    os.setsid()
    _close_all_but({0, 1, 2, channel.fileno(), *keep})
    _apply_limits(limits, count_tasks=box.mode != "landlock")
    if box.mode == "process":
        return
    keep_to_one_process()
    explain_refusals()
    drop_capabilities()
    forbid_new_privileges()
    version, code = barriers(box.mode)
    if version:
        landlock.restrict_files(version, box.readable, [*box.writable, *DEVICES])
    if box.mode == "landlock":
        _hand_over_threads(channel)
    seccomp.filter_syscalls(code)


@cache
def barriers(mode: str) -> tuple[int, bytes]:
    """The version of Landlock, and the filter of system calls; found out once, by the zygote."""
    isolated = mode == "namespaces"
    version = landlock.abi(needed=not isolated)
    return version, seccomp.program(
        CHANNEL, isolated=isolated, can_truncate=isolated or version >= landlock.TRUNCATE_SINCE
    )


def _hand_over_threads(channel: socket.socket) -> None:
    """Have the other end of a channel answer calls that start threads, if nobody does yet."""
    with suppress(OSError):
        listener = ask_for_threads()
        socket.send_fds(channel, [LISTENER], [listener])
        os.close(listener)


_PENDING = 1024  # signals and timers, which are counted for all of a user's processes


def _apply_limits(limits: Limits, *, count_tasks: bool) -> None:
    """Lower what the kernel enforces, as far as this system can; tasks where the user's are this run's alone."""
    wanted = {
        "AS": limits.memory,
        "FSIZE": min(limits.file, limits.disk or limits.file),
        "NOFILE": limits.open_files,
        "CORE": 1,  # at 0 the kernel would still start a handler of cores (`man 5 core`)
        **dict.fromkeys(("MEMLOCK", "MSGQUEUE", "NICE", "RTPRIO"), 0),
        "SIGPENDING": _PENDING,
    } | ({"NPROC": limits.tasks} if count_tasks else {})
    for name, value in wanted.items():
        with suppress(AttributeError, OverflowError, ValueError, OSError):  # macOS refuses some
            which = getattr(resource, f"RLIMIT_{name}")
            ceiling = resource.getrlimit(which)[1]
            soft = value if ceiling == resource.RLIM_INFINITY else min(value, ceiling)
            resource.setrlimit(which, (soft, soft))


def _last_fd() -> int:
    """The last descriptor to close: of all where that is one call to the system, as on Linux since 5.9."""
    system, _, release, *_ = os.uname()
    if system == "Linux" and [int(part) for part in release.partition("-")[0].split(".")[:2]] >= [5, 9]:
        return (1 << 31) - 1
    return min(os.sysconf("SC_OPEN_MAX"), _MOST_FDS)


_MOST_FDS = 1 << 20  # closed one by one
_LAST_FD = _last_fd()


def _close_all_but(kept: set[int]) -> None:
    low = 0
    for fd in sorted(kept):
        if low < fd:  # of an empty range, Python 3.11 closes all that follows
            os.closerange(low, fd)
        low = fd + 1
    os.closerange(low, _LAST_FD)


CHANNEL = FIRST_PRIVATE_FD - 1
"""The descriptor that connects the program's process with its supervisor."""


def run_programs(requests: socket.socket, outputs: tuple[int, int], box: Box, limits: Limits) -> int:
    """Be the program's process: sources arrive by `requests`, lines of JSON go back; return its exit status."""
    channel = _move_up(requests, outputs)
    box.settle()
    _reseed()
    _forget_name()
    program = Program(box.images)
    _confine(box, limits, channel, program.descriptors)
    _send(channel, {"confined": True})
    status = 0
    with suppress(OSError):  # the program has closed the channel: the exit status tells the rest
        descriptors: list[int] = []
        while (request := receive(channel, descriptors)) is not None:
            header, (source,) = request
            _send(channel, {"begun": True})
            if header["calls"]:
                program.let_call(header["calls"], descriptors)
            status = program.run(source.decode("utf-8", "surrogatepass"))
            if os.getpid() != program.process:  # a fork that ran to the end of the program
                break
            _send(channel, _report(program, status))
            if header["last"]:
                break
            program.forget_calls()
            descriptors.clear()
    _end(program)
    return status


def _move_up(requests: socket.socket, outputs: tuple[int, int]) -> socket.socket:
    """Put descriptors where the program expects them, and ours where it does not."""
    null = os.open(os.devnull, os.O_RDONLY)
    for fd, place in ((null, 0), (outputs[0], 1), (outputs[1], 2)):
        os.dup2(fd, place)
    os.dup2(requests.fileno(), CHANNEL, inheritable=False)
    return socket.socket(fileno=CHANNEL)


def _reseed() -> None:
    """Forks would share what they draw at random; the standard library sees to its own generators."""
    random.seed()
    numpy_random = sys.modules.get("numpy.random")
    if numpy_random is not None:
        numpy_random.seed(
            int.from_bytes(os.urandom(4), sys.byteorder)
        )  # without a number it takes a millisecond


def _forget_name() -> None:
    """What a library has asked for when it was loaded may be the host's name."""
    if "platform" in sys.modules:
        setattr(sys.modules["platform"], "_uname_cache", None)  # noqa: B010 -- no public name for it


def _report(program: Program, status: int) -> dict[str, Any]:
    peak = peak_memory(resource.getrusage(resource.RUSAGE_SELF))
    return {"status": status, "limit": program.limit, "value": program.value, "peak": peak}


def _send(channel: socket.socket, message: dict[str, Any]) -> None:
    with suppress(OSError):
        channel.sendall(json.dumps(message).encode() + b"\n")


def _end(program: Program) -> None:
    """End as a script does, without taking every library apart."""
    for module, function in ((threading, "_shutdown"), (atexit, "_run_exitfuncs")):
        program.attempt(module.__dict__[function])  # not `getattr`, which a program could have replaced
    program.forget()
    gc.collect()
    program.flush()
