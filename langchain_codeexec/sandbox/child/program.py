"""The `__main__` that a program, or every program of a session, runs in."""

from __future__ import annotations

import _ast
import fcntl
import os
import sys

from . import calls
from .drawings import Drawings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from importlib.machinery import ModuleSpec
    from types import CodeType, ModuleType, TracebackType
    from typing import Any, TextIO

__all__ = ["FIRST_PRIVATE_FD", "Program", "after_import"]

# ruff: noqa: PTH109 -- pathlib would add a fifth to the start-up time


def after_import(callbacks: dict[str, Callable[[ModuleType], None]]) -> None:
    """Call back when a module has been loaded: at once for those that have been, later for the others."""
    for name, callback in callbacks.items():
        if name in sys.modules:
            callback(sys.modules[name])
    sys.meta_path.insert(0, _AfterImport(callbacks))


class _AfterImport:
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


FILENAME = "<code>"
OWN_FILES = (__file__, calls.__file__, calls.FILENAME)
FIRST_PRIVATE_FD = 200  # out of the way of programs that close the low ones
ONLY_AST = 0x400  # ast.PyCF_ONLY_AST, without the import
LONGEST_TREE = 1_000_000  # characters of a source
LONGEST_VALUE = 20_000  # characters
LIMITS = {12: "memory", 27: "file", 28: "disk", 122: "disk"}  # errno: ENOMEM, EFBIG, ENOSPC, EDQUOT


class Program:
    """Where sources are executed, one after the other.

    Args:
        images: A folder for what they draw.

    Attributes:
        limit: What the last one failed for want of: `memory`, `file`, `disk`, or `library:` and a name.
        value: What a notebook would show of its last expression.
        descriptors: What stdout and stderr were, and will be at the start of the next.
    """

    def __init__(self, images: str) -> None:
        self.limit = self.value = ""
        self.process = os.getpid()
        self._drawings = Drawings(images)
        self._module = type(sys)("__main__")
        self._source = ""
        self.descriptors = tuple(fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, FIRST_PRIVATE_FD) for fd in (1, 2))
        self._streams: list[TextIO] = []
        self._calls: calls.Calls | None = None
        sys.modules["__main__"] = self._module
        sys.argv = [FILENAME]
        sys.path.append(os.getcwd())  # last, so that no file of the program hides a library
        after_import({"linecache": self._show_source, **self._drawings.callbacks()})

    def let_call(self, given: dict[str, Any], descriptors: list[int]) -> None:
        """Have the next source find functions of the host, unless it has defined those names itself."""
        self._calls = calls.Calls(given, descriptors, FILENAME)
        self._module.__dict__.update(self._calls.functions | self._module.__dict__)

    def forget_calls(self) -> None:
        """Have the next source find none of them any more."""
        if self._calls is not None:
            self._calls.close()
            names = self._module.__dict__
            for name, function in self._calls.functions.items():
                if names.get(name) is function:
                    del names[name]
            self._calls = None

    def run(self, source: str) -> int:
        """Run a source and return the exit status it would have as a script."""
        self.limit = self.value = ""
        self._open_streams()
        self._source = source
        if "linecache" in sys.modules:
            self._show_source(sys.modules["linecache"])
        steps = (self._execute, _join_threads, self._drawings.take_rest)
        statuses = [self.attempt(step) for step in steps]
        self.flush()
        sys.stdout, sys.stderr = self._streams
        return next(filter(None, statuses), 0)

    def attempt(self, step: Callable[[], None]) -> int:
        """Take a step and return its exit status; a failure is shown as Python would show it."""
        try:
            step()
        except SystemExit as stop:
            if stop.code is None or isinstance(stop.code, int):
                return 0 if stop.code is None else int.__and__(stop.code, 0xFF)
            self._show(_words(stop.code))
            return 1
        except BaseException as error:  # noqa: BLE001 -- whatever a program raises is its result
            self._show_error(error)
            return 1
        return 0

    def forget(self) -> None:
        """Let go of all the program's objects; files it did not close are written out by that."""
        self._module.__dict__.clear()

    def flush(self) -> None:
        """Flush the streams, and what the program may have put in their place."""
        for stream in (sys.__dict__.get("stdout"), sys.__dict__.get("stderr"), *self._streams):
            _flush(stream)

    def _execute(self) -> None:
        """Compile and execute the source; the value of a last expression is kept."""
        program, last = _compile(self._source)
        names = self._module.__dict__
        exec(program, names)  # noqa: S102 -- what this process is for
        if last is None:
            return
        value = eval(last, names)  # noqa: S307 -- as above
        if value is not None and not self._source.rstrip().endswith(";"):  # as a notebook understands it
            self._drawings.take_value(value)
            self.value = str.__getitem__(repr(value), slice(LONGEST_VALUE))  # may be of a subclass

    def _show_error(self, error: BaseException) -> None:
        """Print a traceback without the frames of this file."""
        self.limit = _limit(error)
        try:
            for link in _chain(error):
                link.__traceback__ = _without_own_frames(link.__traceback__)
            trace = error.__traceback__
            if sys.excepthook is sys.__excepthook__:
                import traceback  # noqa: PLC0415 -- would add a third to the start-up time

                self._show("".join(traceback.format_exception(type(error), error, trace)))
            else:
                sys.excepthook(type(error), error, trace)
        except BaseException:  # noqa: BLE001 -- no memory left, a hostile __str__, a broken excepthook
            self._show(f"{type(error).__name__}\n")

    def _show(self, text: str) -> None:
        """Write to stderr, whatever the program has done to `sys.stderr`."""
        self.flush()
        try:
            with _open_stream(self.descriptors[1]) as stream:
                stream.write(text)
        except OSError:  # the program has closed even this
            return

    def _open_streams(self) -> None:
        """Make stdout and stderr whole again; what a line holds is out when the process is killed."""
        for original, fd in zip(self.descriptors, (1, 2), strict=True):
            os.dup2(original, fd)
        self._streams = [_open_stream(1), _open_stream(2)]
        sys.stdout, sys.stderr = self._streams

    def _show_source(self, linecache: ModuleType) -> None:
        """Let tracebacks and `inspect` find the source."""
        lines = [f"{line}\n" for line in self._source.split("\n")]
        linecache.cache[FILENAME] = (len(self._source), None, lines, FILENAME)


def _compile(source: str) -> tuple[CodeType, CodeType | None]:
    """The program, and by itself the expression that it ends with, if it does."""
    source = source.removeprefix("\ufeff")  # the byte order mark of a file
    if len(source) <= LONGEST_TREE:
        try:
            tree: Any = compile(source, FILENAME, "exec", ONLY_AST, dont_inherit=True)
            if tree.body and isinstance(tree.body[-1], _ast.Expr):
                last = _ast.Expression(tree.body.pop().value)
                return (
                    compile(tree, FILENAME, "exec", dont_inherit=True),
                    compile(last, FILENAME, "eval", dont_inherit=True),
                )
        except (RecursionError, MemoryError):  # a tree takes more of both than the code does
            pass
    return compile(source, FILENAME, "exec", dont_inherit=True), None


def _limit(error: BaseException) -> str:
    """What a program failed for want of."""
    try:
        if isinstance(error, MemoryError):
            return "memory"
        if isinstance(error, ModuleNotFoundError):
            name = (error.name or "").partition(".")[0]
            return f"library:{name}" if name.isidentifier() else ""
        return LIMITS.get(error.errno or 0, "") if isinstance(error, OSError) else ""
    except BaseException:  # noqa: BLE001 -- a program can make anything of an attribute
        return ""


def _open_stream(fd: int) -> TextIO:
    """A line-buffered text stream that leaves its descriptor open."""
    return open(fd, "w", 1, encoding="utf-8", errors="backslashreplace", closefd=False)


def _words(code: object) -> str:
    """What a program exits with, if that is no number."""
    try:
        return f"{code}\n"
    except BaseException as error:  # noqa: BLE001 -- a hostile __str__
        return f"{type(error).__name__}\n"


def _flush(stream: TextIO | None) -> None:
    """Flush a stream that may be closed or no stream at all."""
    try:
        stream.flush()  # type: ignore[union-attr]  # None has no flush, which is an exception like the others
    except BaseException:  # noqa: BLE001 -- a program can put anything in place of sys.stdout
        return


def _chain(error: BaseException) -> list[BaseException]:
    """An exception, and those that it came from."""
    chain: list[BaseException] = []
    waiting: list[BaseException | None] = [error]
    while waiting:
        link = waiting.pop()
        if link is not None and all(link is not known for known in chain):
            chain.append(link)
            waiting += [link.__cause__, link.__context__]
    return chain


def _without_own_frames(trace: TracebackType | None) -> TracebackType | None:
    """A traceback without what is ours: the frames of this file, and of that which sends calls."""
    entries = []
    while trace is not None:
        if trace.tb_frame.f_code.co_filename not in OWN_FILES:
            entries.append(trace)
        trace = trace.tb_next
    following = None
    for entry in reversed(entries):
        entry.tb_next, following = following, entry
    return following


def _join_threads() -> None:
    """Wait for the program's threads that are no daemons, as the end of a script does."""
    threading = sys.modules.get("threading")
    if threading is not None:
        for thread in threading.enumerate():
            if not thread.daemon and thread is not threading.main_thread():
                thread.join()
