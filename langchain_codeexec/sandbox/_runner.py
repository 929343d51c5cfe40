"""Runs programs inside the process that `ProcessExecutor` starts. A script, never imported.

`python -I -B _runner.py REQUESTS REPLIES LIFELINE EXCHANGE MEMORY FILE PROCESSES`: three file descriptors,
the folder where sources arrive and drawings are left, and three limits. A line `SECONDS` on REQUESTS runs
the file `source` of that folder, a line `STATUS LIMIT` on REPLIES tells how it ended; the end of REQUESTS
ends the process with the last status. The value of a last expression is left in the file `value`. As little
as possible is imported: the start of the interpreter is most of what a short run costs.
"""

from __future__ import annotations

import fcntl
import os
import sys

# ruff: noqa: PTH123 -- pathlib would add a fifth to the start-up time


_PACKAGE = type(sys)("codeexec_child")  # our siblings, without our folder on the program's sys.path
_PACKAGE.__path__ = [os.path.join(os.path.dirname(__file__), "child")]  # noqa: PTH118, PTH120 -- as above
sys.modules["codeexec_child"] = _PACKAGE

TYPE_CHECKING = False  # importing typing would add as much
if TYPE_CHECKING:
    from langchain_codeexec.sandbox.child.program import FIRST_PRIVATE_FD, Program
    from langchain_codeexec.sandbox.child.rlimits import allow_cpu, set_limit
else:
    from codeexec_child.program import FIRST_PRIVATE_FD, Program
    from codeexec_child.rlimits import allow_cpu, set_limit


def set_limits(memory: int, file: int, processes: int) -> None:
    """Lower what the operating system lets this process have."""
    set_limit("RLIMIT_AS", memory)
    set_limit("RLIMIT_FSIZE", file)
    set_limit("RLIMIT_NPROC", processes)
    set_limit("RLIMIT_NOFILE", 512)
    set_limit("RLIMIT_CORE", 0)


def die_with(lifeline: int) -> None:
    """Have the kernel kill the process group when the other end of a pipe is closed (Linux only)."""
    if hasattr(fcntl, "F_SETSIG"):
        fcntl.fcntl(lifeline, fcntl.F_SETSIG, 9)
        fcntl.fcntl(lifeline, fcntl.F_SETOWN, -os.getpgrp())
        fcntl.fcntl(lifeline, fcntl.F_SETFL, os.O_ASYNC)


def private(fd: int) -> int:
    """Move a descriptor up and keep it from the program's own children."""
    moved = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, FIRST_PRIVATE_FD)
    os.close(fd)
    return moved


def run(program: Program, exchange: str) -> int:
    """Run the source that has arrived."""
    with open(f"{exchange}/source", encoding="utf-8", errors="surrogatepass") as file:
        source = file.read()
    status = program.run(source)
    if program.value and os.getpid() == program.process:
        with open(f"{exchange}/value", "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(program.value)
    return status


def main() -> int:
    """Answer requests until there are no more."""
    requests, replies, lifeline = (private(int(fd)) for fd in sys.argv[1:4])
    exchange, *limits = sys.argv[4:]
    die_with(lifeline)
    set_limits(*map(int, limits))
    program, status = Program(f"{exchange}/images"), 0
    os.write(replies, b"ready\n")
    try:
        while request := os.read(requests, 64):
            allow_cpu(float(request))
            status = run(program, exchange)
            if os.getpid() != program.process:  # a fork that ran to the end of the program
                break
            os.write(replies, f"{status} {program.limit}\n".encode())
    except OSError:  # the program has closed our descriptors, or filled the disk; the status tells the rest
        return status
    return status


if __name__ == "__main__":
    sys.exit(main())
