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
from typing import TYPE_CHECKING, Any

from . import landlock, seccomp
from .frames import receive
from .kernel import drop_capabilities, forbid_new_privileges
from .limits import peak_memory
from .namespaces import DEVICES
from .program import FIRST_PRIVATE_FD, Program
from .refusals import explain_refusals, keep_to_one_process
from .rlimits import apply_limits
from .threads import ask_for_threads

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .isolation import Box
    from .limits import Limits

__all__ = ["CHANNEL", "LISTENER", "run_programs"]

LISTENER = b"+"
"""Comes with the descriptor of the calls that the other end is to answer."""


def _confine(box: Box, limits: Limits, channel: socket.socket, keep: Iterable[int]) -> None:
    """Take from this process, for good, all that a program has no need of.

    Args:
        box: Where it may write, and how it is kept there.
        limits: What it may use.
        channel: Leads to its supervisor.
        keep: Descriptors that stay open besides the first three and the channel.

    Raises:
        OSError: The kernel refuses a step.
    """
    os.setsid()
    _close_all_but({0, 1, 2, channel.fileno(), *keep})
    apply_limits(limits, count_tasks=box.mode != "landlock")
    if box.mode == "process":
        return
    keep_to_one_process()
    explain_refusals()
    drop_capabilities()
    forbid_new_privileges()
    isolated = box.mode == "namespaces"
    version = landlock.abi(needed=not isolated)
    if version:
        landlock.restrict_files(version, box.readable, [*box.writable, *DEVICES])
    code = seccomp.program(
        os.getpid(),
        channel.fileno(),
        isolated=isolated,
        can_truncate=isolated or version >= landlock.TRUNCATE_SINCE,
    )
    if not isolated:
        _hand_over_threads(channel)
    seccomp.filter_syscalls(code)


def _hand_over_threads(channel: socket.socket) -> None:
    """Have the other end of a channel answer calls that start threads, if nobody does yet."""
    with suppress(OSError):
        listener = ask_for_threads()
        socket.send_fds(channel, [LISTENER], [listener])
        os.close(listener)


_LAST_FD = (1 << 31) - 1 if sys.platform == "linux" else os.sysconf("SC_OPEN_MAX")


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
    """Become the program's process; return its exit status.

    Args:
        requests: Sources arrive here, and lines of JSON that tell when they began and how they ended go back.
        outputs: Become stdout and stderr.
        box: Where it may write.
        limits: What it may use.

    Raises:
        OSError: It could not be confined; nothing has been run.
    """
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
            program.let_call(header["calls"], descriptors)
            descriptors.clear()
            status = program.run(source.decode("utf-8", "surrogatepass"))
            if os.getpid() != program.process:  # a fork that ran to the end of the program
                break
            _send(channel, _report(program, status))
            if header["last"]:
                break
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
        numpy_random.seed()


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
