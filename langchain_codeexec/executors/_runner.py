"""Runs programs inside the process that `ProcessExecutor` starts. A script, never imported.

`python -I -B _runner.py REQUESTS REPLIES LIFELINE EXCHANGE MEMORY FILE PROCESSES`: three file descriptors, the
folder where sources arrive and drawings are left, and three limits. A line `SECONDS` on REQUESTS runs the file
`source` of the exchange folder, a line `STATUS LIMIT` on REPLIES tells how that ended; the end of REQUESTS ends
the process with the last status. Everything is imported as late as possible: what a run costs at least is the
start of the interpreter.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False  # importing typing would double the start-up time
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType, TracebackType

FILENAME = "<code>"
FIRST_PRIVATE_FD = 200  # out of the way of programs that close or count the low ones
EFBIG = 27


class AfterImport:
    """A finder that finds nothing itself and calls back when certain modules have been loaded."""

    def __init__(self, callbacks: dict[str, Callable[[ModuleType], None]]) -> None:
        self.callbacks = callbacks

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
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

            spec.loader.exec_module = execute_and_call_back  # type: ignore[method-assign]  # of this one instance
        return spec


class Program:
    """The `__main__` that one program, or all programs of a session, run in."""

    def __init__(self, exchange: str) -> None:
        self.exchange = exchange
        self.module = type(sys)("__main__")
        self.source = ""
        self.limit = "-"
        self.outputs = (os.dup(1), os.dup(2))
        sys.modules["__main__"] = self.module
        sys.argv = [FILENAME]
        sys.path.append(os.getcwd())  # last, so that no file of the program hides a library
        sys.meta_path.insert(
            0, AfterImport({"linecache": self.show_source, "matplotlib.pyplot": self.take_show})
        )  # type: ignore[arg-type]  # typeshed wants a class
        if "linecache" in sys.modules:
            self.show_source(sys.modules["linecache"])

    def run(self) -> int:
        """Run the source that has arrived and return the exit status it would have as a script."""
        self.limit = "-"
        self.open_streams()
        with open(f"{self.exchange}/source", encoding="utf-8", errors="surrogatepass", newline="") as file:
            self.source = file.read()
        if "linecache" in sys.modules:
            self.show_source(sys.modules["linecache"])
        statuses = [self.attempt(step) for step in (self.execute, join_threads, self.draw)]
        self.flush_streams()
        return next(filter(None, statuses), 0)

    def execute(self) -> None:
        """Compile and execute the source."""
        exec(compile(self.source, FILENAME, "exec", dont_inherit=True), self.module.__dict__)  # noqa: S102 -- what it is for

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
                import traceback  # noqa: PLC0415 -- costs a third of the start-up time

                self.show("".join(traceback.format_exception(type(error), error, trace)))
            else:
                sys.excepthook(type(error), error, trace)
        except BaseException:  # noqa: BLE001 -- no memory left, a hostile __str__, a broken excepthook
            self.show(f"{type(error).__name__}\n")

    def show(self, text: str) -> None:
        """Write to stderr, whatever the program has done to `sys.stderr`."""
        self.flush_streams()
        with open(self.outputs[1], "w", encoding="utf-8", errors="backslashreplace", closefd=False) as stream:
            stream.write(text)

    def open_streams(self) -> None:
        """Make stdout and stderr whole again, and such that what was printed survives a kill."""
        self.streams = []
        for number, name in ((1, "stdout"), (2, "stderr")):
            os.dup2(self.outputs[number - 1], number)
            stream = open(number, "w", 1, encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115 -- lives as long as the run
            setattr(sys, name, stream)
            setattr(sys, f"__{name}__", stream)
            self.streams.append(stream)

    def flush_streams(self) -> None:
        """Flush what the program may have put in place of stdout and stderr, and the real ones."""
        for stream in (sys.stdout, sys.stderr, *self.streams):
            try:
                stream.flush()
            except Exception:  # noqa: BLE001, S110 -- closed or replaced by something odd: nothing to save
                pass

    def show_source(self, linecache: ModuleType) -> None:
        """Let tracebacks and `inspect` find the source."""
        lines = self.source.splitlines(keepends=True)
        linecache.cache[FILENAME] = (len(self.source), None, lines, FILENAME)

    def take_show(self, pyplot: ModuleType) -> None:
        """Let `plt.show()` keep the figures."""

        def show(*_args: object, **_kwargs: object) -> None:
            self.draw()

        pyplot.show = show  # type: ignore[attr-defined]  # a module that is known only when it runs

    def draw(self) -> None:
        """Save every open figure as PNG and close it, so that none is saved twice."""
        pyplot = sys.modules.get("matplotlib.pyplot")
        if pyplot is None:
            return
        folder = f"{self.exchange}/images"
        for number in pyplot.get_fignums():
            target = f"{folder}/{len(os.listdir(folder)):06}.png"
            pyplot.figure(number).savefig(f"{target}.part", format="png")
            os.replace(f"{target}.part", target)
        pyplot.close("all")


def without_own_frames(trace: TracebackType | None) -> TracebackType | None:
    """The part of a traceback that belongs to the program."""
    while trace is not None and trace.tb_frame.f_code.co_filename == __file__:
        trace = trace.tb_next
    return trace


def join_threads() -> None:
    """Wait for the program's threads, those excepted that are daemons, as the end of a script does."""
    threading = sys.modules.get("threading")
    if threading is None:
        return
    for thread in threading.enumerate():
        if not thread.daemon and thread is not threading.main_thread():
            thread.join()


def set_limits(memory: int, file: int, processes: int) -> None:
    """Lower what the operating system lets this process have, as far as it knows these limits."""
    import resource  # noqa: PLC0415 -- POSIX only

    wanted = {
        "RLIMIT_AS": memory,
        "RLIMIT_FSIZE": file,
        "RLIMIT_NPROC": processes,
        "RLIMIT_NOFILE": 512,
        "RLIMIT_CORE": 0,
    }
    for name, value in wanted.items():
        try:
            which = getattr(resource, name)
            hard = resource.getrlimit(which)[1]
            value = value if hard == resource.RLIM_INFINITY else min(value, hard)
            resource.setrlimit(which, (value, value))
        except (AttributeError, ValueError, OSError):  # macOS refuses some
            continue


def set_cpu_limit(seconds: float) -> None:
    """Allow so much more CPU time: the last resort when nobody is left to enforce the deadline."""
    import resource  # noqa: PLC0415 -- POSIX only

    used = sum(os.times()[:2])
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    soft = int(used + seconds * (os.cpu_count() or 1)) + 2
    resource.setrlimit(
        resource.RLIMIT_CPU, (soft if hard == resource.RLIM_INFINITY else min(soft, hard), hard)
    )


def die_with(lifeline: int) -> None:
    """Have the kernel kill the whole process group when the other end of a pipe is closed (Linux)."""
    import fcntl  # noqa: PLC0415 -- POSIX only

    if hasattr(fcntl, "F_SETSIG"):
        fcntl.fcntl(lifeline, fcntl.F_SETSIG, 9)
        fcntl.fcntl(lifeline, fcntl.F_SETOWN, -os.getpgrp())
        fcntl.fcntl(lifeline, fcntl.F_SETFL, os.O_ASYNC if hasattr(os, "O_ASYNC") else fcntl.FASYNC)


def private(fd: int) -> int:
    """Move a descriptor up and keep it from the program's own children."""
    import fcntl  # noqa: PLC0415 -- POSIX only

    moved = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, FIRST_PRIVATE_FD)
    os.close(fd)
    return moved


def main() -> int:
    """Answer requests until there are no more."""
    requests, replies, lifeline = (private(int(fd)) for fd in sys.argv[1:4])
    exchange = sys.argv[4]
    die_with(lifeline)
    set_limits(*map(int, sys.argv[5:8]))
    program, process, status = Program(exchange), os.getpid(), 0
    os.write(replies, b"ready\n")
    try:
        while request := os.read(requests, 64):
            set_cpu_limit(float(request))
            status = program.run()
            if os.getpid() != process:  # a fork that ran to the end of the program
                break
            os.write(replies, f"{status} {program.limit}\n".encode())
    except OSError:  # the program has closed our descriptors: the exit status says what is left to say
        pass
    return status


if __name__ == "__main__":
    sys.exit(main())
