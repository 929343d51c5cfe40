"""Runs programs inside the process that `ProcessExecutor` starts. A script, never imported.

`python -I -B _runner.py REQUESTS REPLIES LIFELINE EXCHANGE MEMORY FILE PROCESSES`: three file descriptors,
the folder where sources arrive and drawings are left, and three limits. A line `SECONDS` on REQUESTS runs
the file `source` of that folder, a line `STATUS LIMIT` on REPLIES tells how it ended; the end of REQUESTS
ends the process with the last status. As little as possible is imported: the start of the interpreter is
most of what a short run costs.
"""
# ruff: noqa: PTH105, PTH109, PTH123 -- pathlib would add a fifth to the start-up time

from __future__ import annotations

import fcntl
import os
import resource
import sys
import time

TYPE_CHECKING = False  # importing typing would add as much
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType, TracebackType
    from typing import TextIO

FILENAME = "<code>"
FIRST_PRIVATE_FD = 200  # out of the way of programs that close the low ones
EFBIG = 27  # errno of a write beyond RLIMIT_FSIZE


class AfterImport:
    """A finder that finds nothing itself and calls back when certain modules have been loaded."""

    def __init__(self, callbacks: dict[str, Callable[[ModuleType], None]]) -> None:
        self.callbacks = callbacks

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Let the other finders find the module, and hang the callback on its loader."""
        callback = self.callbacks.get(name)
        if callback is None:
            return None
        specs = (finder.find_spec(name, path, target) for finder in sys.meta_path if finder is not self)
        spec = next(filter(None, specs), None)
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def execute_and_call_back(module: ModuleType) -> None:
                execute(module)
                callback(module)

            setattr(spec.loader, "exec_module", execute_and_call_back)  # noqa: B010 -- of this one instance
        return spec


class Program:
    """The `__main__` that one program, or every program of a session, runs in."""

    def __init__(self, exchange: str) -> None:
        self.exchange = exchange
        self.module = type(sys)("__main__")
        self.process = os.getpid()
        self.source = ""
        self.limit = "-"
        self.fds = tuple(fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, FIRST_PRIVATE_FD) for fd in (1, 2))
        self.streams: list[TextIO] = []
        sys.modules["__main__"] = self.module
        sys.argv = [FILENAME]
        sys.path.append(os.getcwd())  # last, so that no file of the program hides a library
        sys.meta_path.insert(
            0, AfterImport({"linecache": self.show_source, "matplotlib.pyplot": self.take_show})
        )

    def run(self) -> int:
        """Run the source that has arrived and return the exit status it would have as a script."""
        self.limit = "-"
        self.open_streams()
        with open(f"{self.exchange}/source", encoding="utf-8", errors="surrogatepass") as file:
            self.source = file.read()
        if "linecache" in sys.modules:
            self.show_source(sys.modules["linecache"])
        statuses = [self.attempt(step) for step in (self.execute, join_threads, self.draw_rest)]
        self.flush_streams()
        sys.stdout, sys.stderr = self.streams
        return next(filter(None, statuses), 0)

    def execute(self) -> None:
        """Compile and execute the source."""
        code = compile(self.source, FILENAME, "exec", dont_inherit=True)
        exec(code, self.module.__dict__)  # noqa: S102 -- what this process is for

    def attempt(self, step: Callable[[], None]) -> int:
        """Take a step and return its exit status; a failure is shown as Python would show it."""
        try:
            step()
        except SystemExit as stop:
            if stop.code is None or isinstance(stop.code, int):
                return (stop.code or 0) & 0xFF
            self.show(f"{stop.code}\n")
            return 1
        except BaseException as error:  # noqa: BLE001 -- whatever a program raises is its result
            self.show_error(error)
            return 1
        return 0

    def show_error(self, error: BaseException) -> None:
        """Print a traceback without the frames of this file."""
        if isinstance(error, MemoryError):
            self.limit = "memory"
        elif isinstance(error, OSError) and error.errno == EFBIG:
            self.limit = "file"
        try:
            trace = without_own_frames(error.__traceback__)
            if sys.excepthook is sys.__excepthook__:
                import traceback  # noqa: PLC0415 -- would add a third to the start-up time

                self.show("".join(traceback.format_exception(type(error), error, trace)))
            else:
                sys.excepthook(type(error), error, trace)
        except BaseException:  # noqa: BLE001 -- no memory left, a hostile __str__, a broken excepthook
            self.show(f"{type(error).__name__}\n")

    def show(self, text: str) -> None:
        """Write to stderr, whatever the program has done to `sys.stderr`."""
        self.flush_streams()
        try:
            with open_stream(self.fds[1]) as stream:
                stream.write(text)
        except OSError:  # the program has closed even this
            return

    def open_streams(self) -> None:
        """Make stdout and stderr whole again; what a line holds is out when the process is killed."""
        for original, fd in zip(self.fds, (1, 2), strict=True):
            os.dup2(original, fd)
        self.streams = [open_stream(1), open_stream(2)]
        sys.stdout, sys.stderr = self.streams

    def flush_streams(self) -> None:
        """Flush the streams, and what the program may have put in their place."""
        for stream in (sys.stdout, sys.stderr, *self.streams):
            flush(stream)

    def show_source(self, linecache: ModuleType) -> None:
        """Let tracebacks and `inspect` find the source."""
        lines = [f"{line}\n" for line in self.source.split("\n")]
        linecache.cache[FILENAME] = (len(self.source), None, lines, FILENAME)

    def take_show(self, pyplot: ModuleType) -> None:
        """Let `plt.show()` keep the figures."""

        def show(*_args: object, **_kwargs: object) -> None:
            self.draw(pyplot)

        setattr(pyplot, "show", show)  # noqa: B010 -- a module whose names are not known here

    def draw(self, pyplot: ModuleType) -> None:
        """Save every open figure as PNG and close it, so that none is saved twice."""
        for number in pyplot.get_fignums():
            target = f"{self.exchange}/images/{time.monotonic_ns():020}-{os.getpid()}"
            pyplot.figure(number).savefig(f"{target}.part", format="png")
            os.replace(f"{target}.part", f"{target}.png")
        pyplot.close("all")

    def draw_rest(self) -> None:
        """Save the figures still open at the end; a fork that gets here has only copies of them."""
        pyplot = sys.modules.get("matplotlib.pyplot")
        if pyplot is not None and os.getpid() == self.process:
            self.draw(pyplot)


def open_stream(fd: int) -> TextIO:
    """A line-buffered text stream that leaves its descriptor open."""
    return open(fd, "w", 1, encoding="utf-8", errors="backslashreplace", closefd=False)


def flush(stream: TextIO) -> None:
    """Flush a stream that may be closed or no stream at all."""
    try:
        stream.flush()
    except Exception:  # noqa: BLE001 -- a program can put anything in place of sys.stdout
        return


def without_own_frames(trace: TracebackType | None) -> TracebackType | None:
    """The part of a traceback that belongs to the program."""
    while trace is not None and trace.tb_frame.f_code.co_filename == __file__:
        trace = trace.tb_next
    return trace


def join_threads() -> None:
    """Wait for the program's threads that are no daemons, as the end of a script does."""
    threading = sys.modules.get("threading")
    if threading is not None:
        for thread in threading.enumerate():
            if not thread.daemon and thread is not threading.main_thread():
                thread.join()


def set_limit(name: str, value: int, *, hard: bool = True) -> None:
    """Lower one limit, as far as this system knows it and allows that."""
    try:
        which = getattr(resource, name)
        ceiling = resource.getrlimit(which)[1]
        soft = value if ceiling == resource.RLIM_INFINITY else min(value, ceiling)
        resource.setrlimit(which, (soft, soft if hard else ceiling))
    except (AttributeError, OverflowError, ValueError, OSError):  # macOS refuses some
        return


def set_limits(memory: int, file: int, processes: int) -> None:
    """Lower what the operating system lets this process have."""
    set_limit("RLIMIT_AS", memory)
    set_limit("RLIMIT_FSIZE", file)
    set_limit("RLIMIT_NPROC", processes)
    set_limit("RLIMIT_NOFILE", 512)
    set_limit("RLIMIT_CORE", 0)


def allow_cpu(seconds: float) -> None:
    """Allow so much more CPU time: the last resort, should nobody be left to enforce the deadline."""
    used = sum(os.times()[:2])
    set_limit("RLIMIT_CPU", int(used + seconds * (os.cpu_count() or 1)) + 2, hard=False)


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


def main() -> int:
    """Answer requests until there are no more."""
    requests, replies, lifeline = (private(int(fd)) for fd in sys.argv[1:4])
    exchange, *limits = sys.argv[4:]
    die_with(lifeline)
    set_limits(*map(int, limits))
    program, status = Program(exchange), 0
    os.write(replies, b"ready\n")
    try:
        while request := os.read(requests, 64):
            allow_cpu(float(request))
            status = program.run()
            if os.getpid() != program.process:  # a fork that ran to the end of the program
                break
            os.write(replies, f"{status} {program.limit}\n".encode())
    except OSError:  # the program has closed our descriptors; the exit status tells the rest
        return status
    return status


if __name__ == "__main__":
    sys.exit(main())
