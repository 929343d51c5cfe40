"""What makes a program print something else each time, as far as its text shows.

Whether two outputs of the same program say the same.

A run's record beside what running it again gave.

Verifying an answer: its code is run again, and its figures are looked for in what was printed.
"""

from __future__ import annotations

import ast
import math
import re
from dataclasses import replace
from enum import Enum
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from langchain_codeexec.data.blocks import files_in
from langchain_codeexec.errors import ExecutorError
from langchain_codeexec.executions import ExecutionRequest, Outcome
from langchain_codeexec.executors.base import checked_executor, in_thread
from langchain_codeexec.grounding.verification_records import (
    RunVerification,
    Verdict,
    Verification,
    unsupported_figures,
)
from langchain_codeexec.messages.code_blocks import code_executions
from langchain_codeexec.messages.to_wire import replies_are_files

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from langchain_core.messages import BaseMessage

    from langchain_codeexec.executions import CodeExecution, ExecutionResult, InlineFile
    from langchain_codeexec.executors.base import CodeExecutor, ExecutorSession

__all__ = [
    "ORDERS",
    "Likeness",
    "Repetition",
    "averify_executions",
    "causes_of_variation",
    "likeness",
    "not_repeatable",
    "verify_executions",
]

_CLOCKS: Final = "time time_ns perf_counter monotonic process_time localtime gmtime ctime strftime".split()
_CHANCE, _TIME, _MACHINE = "chance", "the time", "the machine"
_SETS, _FILES = "the order of sets", "the order of files"
_SOURCES: Final = {
    "random": _CHANCE,
    "secrets": _CHANCE,
    "numpy.random": _CHANCE,
    "uuid.uuid1": _CHANCE,
    "uuid.uuid4": _CHANCE,
    "os.urandom": _CHANCE,
    **dict.fromkeys((f"time.{name}" for name in _CLOCKS), _TIME),
    "timeit": _TIME,
    "datetime.datetime.now": _TIME,
    "datetime.datetime.today": _TIME,
    "datetime.datetime.utcnow": _TIME,
    "datetime.date.today": _TIME,
    "pandas.Timestamp.now": _TIME,
    "pandas.Timestamp.today": _TIME,
    "os.getpid": _MACHINE,
    "platform": _MACHINE,
    "sys.version": _MACHINE,
    "os.listdir": _FILES,
    "os.scandir": _FILES,
    "glob": _FILES,
}
"""What a name that is imported stands for."""
_BUILT_IN: Final = {"id": _MACHINE, "hash": _MACHINE, "set": _SETS, "frozenset": _SETS}
ORDERS: Final = frozenset({_SETS, _FILES})
"""Causes that change the order of what is printed and nothing else."""
_SEEDED: Final = (
    "random.seed",
    "numpy.random.seed",
    "random.Random",
    "numpy.random.default_rng",
    "numpy.random.RandomState",
)
"""Calls that, given a number, take chance out."""


def causes_of_variation(codes: Iterable[str]) -> frozenset[str]:
    """What the output of programs that share their state can vary by, in words.

    Args:
        codes: The programs up to the one that printed the output.
    """
    nodes = [node for code in codes for node in _nodes(code)]
    aliases = dict(pair for node in nodes for pair in _imported(node))
    names = {_full_name(node, aliases) for node in nodes}
    calls = [node for node in nodes if isinstance(node, ast.Call)]
    causes = {cause for source, cause in _SOURCES.items() if any(_is_of(name, source) for name in names)}
    causes |= {
        _BUILT_IN[call.func.id]
        for call in calls
        if isinstance(call.func, ast.Name) and call.func.id in _BUILT_IN
    }
    causes |= {_SETS} if any(isinstance(node, ast.Set | ast.SetComp) for node in nodes) else set()
    if any(call.args and _full_name(call.func, aliases) in _SEEDED for call in calls):
        causes.discard(_CHANCE)
    return frozenset(causes)


def _nodes(code: str) -> list[ast.AST]:
    try:
        return list(ast.walk(ast.parse(code)))
    except (SyntaxError, ValueError, RecursionError):
        return []


def _imported(node: ast.AST) -> Iterator[tuple[str, str]]:
    """Names that an import binds, and what they stand for."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            top = alias.name.partition(".")[0]
            yield alias.asname or top, alias.name if alias.asname else top
    elif isinstance(node, ast.ImportFrom):
        for alias in node.names:
            yield alias.asname or alias.name, f"{node.module}.{alias.name}"


def _full_name(node: ast.AST, aliases: dict[str, str]) -> str:
    """The dotted name of what an expression takes from an import; empty for any other."""
    if isinstance(node, ast.Attribute):
        before = _full_name(node.value, aliases)
        return f"{before}.{node.attr}" if before else ""
    return aliases.get(node.id, "") if isinstance(node, ast.Name) else ""


def _is_of(name: str, source: str) -> bool:
    return name == source or name.startswith(f"{source}.")


_NUMBER: Final = re.compile(r"(?<![\w.])[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_WHOLE: Final = re.compile(r"[-+]?\d+")
_TOKEN: Final = re.compile(r"[\w.+-]+|[^\s\w]")
_ADDRESS: Final = re.compile(r"\b0x[0-9a-fA-F]{6,}\b")
_RELATIVE, _ABSOLUTE = 1e-9, 1e-12
"""What another processor or library version makes of the last digits of a float."""


class Likeness(Enum):
    """How alike two outputs are."""

    SAME = "the same"
    """But for white space at the end of lines, addresses in memory and the noise of floats."""
    REORDERED = "the same in another order"
    DIFFERENT = "different"


def likeness(recorded: str, repeated: str) -> Likeness:
    """Compare what a program printed with what it printed when it was run again."""
    one, other = _normal(recorded), _normal(repeated)
    if one == other or _are_close(one, other):
        return Likeness.SAME
    if sorted(_TOKEN.findall(one)) == sorted(_TOKEN.findall(other)):
        return Likeness.REORDERED
    return Likeness.DIFFERENT


def _normal(output: str) -> str:
    lines = _ADDRESS.sub("0x", output).splitlines()
    return "\n".join(line.rstrip() for line in lines).strip("\n")


def _are_close(one: str, other: str) -> bool:
    """Whether the texts are the same, and the numbers in them but for noise; whole numbers have none."""
    numbers = list(zip(_NUMBER.findall(one), _NUMBER.findall(other), strict=False))
    return [_words(part) for part in _NUMBER.split(one)] == [
        _words(part) for part in _NUMBER.split(other)
    ] and all(_is_close(*pair) for pair in numbers)


def _words(text: str) -> list[str]:
    """Columns are padded by the widest number, so that the amount of white space says nothing."""
    return text.split()


def _is_close(one: str, other: str) -> bool:
    if _WHOLE.fullmatch(one) and _WHOLE.fullmatch(other):
        return int(one) == int(other)
    return math.isclose(float(one), float(other), rel_tol=_RELATIVE, abs_tol=_ABSOLUTE)


_Judged = tuple[Verdict, str]

_ERROR: Final = re.compile(r"^(?:\w+\.)*(?P<name>[A-Z]\w*(?:Error|Exception|Interrupt))\b.*", re.MULTILINE)
_OF_THE_PLACE: Final = frozenset(
    {"ModuleNotFoundError", "ImportError", "FileNotFoundError", "PermissionError", "MemoryError"}
)
"""Errors that speak of the place where a program runs rather than of the program."""
_KEPT: Final = 2000  # characters of an output that differs
_SAME: Final[_Judged] = (Verdict.CONFIRMED, "")


def not_repeatable(run: CodeExecution) -> str:
    """Why a run cannot be run again, in words; empty if it can."""
    if run.outcome in (None, Outcome.UNSPECIFIED):
        return "the message holds no result of it"
    if run.outcome is Outcome.DEADLINE_EXCEEDED:
        return "it ran out of time there"
    if not run.code:
        return "the message does not hold its code"
    return "" if run.language == "PYTHON" else f"it is in {run.language}, not in Python"


class Repetition(NamedTuple):
    """A run, and what running it again gave.

    Attributes:
        run: The record.
        result: What its code did here.
        causes: What its output can vary by, in words.
        is_sound: Whether all runs before it, on which it may build, could be repeated.
    """

    run: CodeExecution
    result: ExecutionResult
    causes: frozenset[str]
    is_sound: bool

    def judged(self) -> RunVerification:
        """The verdict, with what the code printed here where that is not the same."""
        went_well = self.run.ok, self.result.outcome is Outcome.OK
        verdict, reason = _JUDGES[went_well](self)
        output = "" if verdict is Verdict.CONFIRMED else self.result.output[:_KEPT]
        return RunVerification(verdict, reason, self.result.outcome.value, output)


def _both_well(pair: Repetition) -> _Judged:
    alike = likeness(pair.run.output or "", pair.result.stdout)
    if alike is Likeness.SAME:
        return _SAME
    if pair.result.truncated:
        return Verdict.NOT_CHECKED, "it prints more than is kept here"
    causes = pair.causes if alike is Likeness.REORDERED else pair.causes - ORDERS
    return _differs(pair, "it prints something else here", causes)


def _failed_here(pair: Repetition) -> _Judged:
    error = _last_error(pair.result.output)
    if pair.result.outcome is Outcome.DEADLINE_EXCEEDED:
        return Verdict.NOT_CHECKED, "it takes more time than it has here"
    if pair.result.detail or _name(error) in _OF_THE_PLACE:
        return Verdict.NOT_CHECKED, f"it cannot be run here: {error or pair.result.detail}"
    return _differs(pair, f"it fails here: {error or 'no reason is given'}", pair.causes - ORDERS)


def _failed_there(pair: Repetition) -> _Judged:
    error = _last_error(pair.run.output or "")
    if _name(error) in _OF_THE_PLACE:
        return Verdict.NOT_CHECKED, f"it could not be run there: {error}"
    return _differs(pair, "it failed there and does not here", pair.causes - ORDERS)


def _both_failed(pair: Repetition) -> _Judged:
    there, here = _last_error(pair.run.output or ""), _last_error(pair.result.output)
    if _name(there) == _name(here) or not (there and here):
        return _SAME
    if {_name(there), _name(here)} & _OF_THE_PLACE:
        return Verdict.NOT_CHECKED, f"it fails in another way here: {here}"
    return _differs(pair, f"it fails in another way here: {here}", pair.causes - ORDERS)


def _differs(pair: Repetition, how: str, causes: frozenset[str]) -> _Judged:
    if causes:
        return Verdict.NOT_REPRODUCIBLE, f"{how}; it depends on {' and '.join(sorted(causes))}"
    if not pair.is_sound:
        return Verdict.NOT_CHECKED, f"{how}; it may build on a run that could not be repeated"
    return Verdict.MISMATCH, how


_JUDGES: Final[Mapping[tuple[bool, bool], Callable[[Repetition], _Judged]]] = {
    (True, True): _both_well,
    (True, False): _failed_here,
    (False, True): _failed_there,
    (False, False): _both_failed,
}
"""By whether it went well there, and here."""


def _last_error(output: str) -> str:
    """The last line of a traceback; empty where there is none."""
    return next((found[0] for found in reversed([*_ERROR.finditer(output)])), "")[:200]


def _name(error: str) -> str:
    found = _ERROR.match(error)
    return found["name"] if found else ""


def verify_executions(
    message: BaseMessage,
    executor: CodeExecutor | None = None,
    files: Iterable[InlineFile] | None = None,
    *,
    history: Sequence[BaseMessage] = (),
    timeout: float | None = None,
) -> Verification:
    """Run an answer's code again and compare; look for the figures of its prose in what was printed.

    The pieces of code of one message share a session, as they do with the service. Outputs are the same if they
    differ in nothing but white space, addresses in memory and the last digits of floats. What differs each time
    (chance, the time, the order of sets) is `not_reproducible`, not wrong; what cannot be run here as it was there
    (a library or file is missing, no time is left, the sandbox does not work) is `not_checked`.

    A figure of the prose behind the last run has to be in an output, or in what the user or a tool said before; a
    figure that a document bears out (`CalculatedAnswer`) is accounted for, too.

    Args:
        message: An answer, or a tool's reply that tells of runs.
        executor: Runs the code; by default a `LocalSandbox` that all verifications share.
        files: The files that the code finds; by default those of the history, under their service's names.
        history: The conversation before the message. Without one, numbers that the code itself holds are accounted
            for, too, as those of a question that is not known.
        timeout: Seconds for each run; by default the executor's.

    Raises:
        ConfigurationError: `executor` is none.
    """
    return _Verifier(message, executor, files, history, timeout).verification()


async def averify_executions(
    message: BaseMessage,
    executor: CodeExecutor | None = None,
    files: Iterable[InlineFile] | None = None,
    *,
    history: Sequence[BaseMessage] = (),
    timeout: float | None = None,
) -> Verification:
    """Verify an answer without blocking the event loop; see `verify_executions`."""
    verifier = _Verifier(message, executor, files, history, timeout)
    return await in_thread(verifier.verification, verifier.cancel)


class _Verifier:
    """One verification."""

    def __init__(
        self,
        message: BaseMessage,
        executor: CodeExecutor | None,
        files: Iterable[InlineFile] | None,
        history: Sequence[BaseMessage],
        timeout: float | None,
    ) -> None:
        self._message = message
        self._runs = code_executions(message)
        self._executor = _shared_sandbox() if executor is None else checked_executor(executor)
        self._files = tuple(_files(message, history) if files is None else files)
        self._history = history
        self._timeout = timeout
        self._session: ExecutorSession | None = None
        self._is_cancelled = False

    def cancel(self) -> None:
        """End the run that is under way, where the executor can, and begin no other; called in another thread."""
        self._is_cancelled = True
        cancel: Any = getattr(self._session, "cancel", None)
        if cancel is not None:
            cancel()

    def verification(self) -> Verification:
        """What verifying gives; nothing is run for a message that tells of no runs."""
        if not self._runs:
            return Verification()
        try:
            verdicts = self._verdicts()
        except ExecutorError as error:
            verdicts = [
                RunVerification(Verdict.NOT_CHECKED, f"the sandbox failed: {_first_line(error)}")
            ] * len(self._runs)
        unsupported = unsupported_figures(self._message, self._history)
        return Verification(tuple(verdicts), unsupported, self._executor.name)

    def _verdicts(self) -> list[RunVerification]:
        results = self._repeated()
        verdicts: list[RunVerification] = []
        for index, (run, result) in enumerate(zip(self._runs, results, strict=True)):
            if result is None:
                verdicts.append(RunVerification(Verdict.NOT_CHECKED, not_repeatable(run)))
                continue
            causes = causes_of_variation(one.code for one in self._runs[: index + 1])
            is_sound = all(one.verdict is Verdict.CONFIRMED for one in verdicts)
            verdicts.append(Repetition(run, result, causes, is_sound).judged())
        if any(one.verdict is Verdict.MISMATCH for one in verdicts):
            return list(map(_reconsidered, verdicts, results, self._repeated()))
        return verdicts

    def _repeated(self) -> list[ExecutionResult | None]:
        """The results of all runs made again in one session; `None` for those that cannot be."""
        with self._executor.session() as session:
            self._session = session
            files = self._files
            results: list[ExecutionResult | None] = []
            for run in self._runs:
                if self._is_cancelled:
                    raise ExecutorError("cancelled")
                if not_repeatable(run):
                    results.append(None)
                    continue
                results.append(session.run(ExecutionRequest(run.code, run.language, files, self._timeout)))
                files = ()
            return results


def _reconsidered(
    verdict: RunVerification, result: ExecutionResult | None, again: ExecutionResult | None
) -> RunVerification:
    """What is something else once more, run yet again, is not wrong: nobody could repeat it."""
    if verdict.verdict is not Verdict.MISMATCH or not (result and again):
        return verdict
    if likeness(result.output, again.output) is Likeness.SAME:
        return verdict
    return replace(
        verdict, verdict=Verdict.NOT_REPRODUCIBLE, reason=f"{verdict.reason}, and each time something else"
    )


def _first_line(error: Exception) -> str:
    """What went wrong; the remedies below it are for those who set the sandbox up."""
    return next(iter(str(error).splitlines()), type(error).__name__)


def _files(message: BaseMessage, history: Sequence[BaseMessage]) -> tuple[InlineFile, ...]:
    return files_in(history, tool_replies=replies_are_files([*history, message]))


@lru_cache(maxsize=1)
def _shared_sandbox() -> CodeExecutor:
    from langchain_codeexec.sandbox.local import LocalSandbox  # noqa: PLC0415 -- few need it

    return LocalSandbox()
