"""Comparing a recorded run with a repetition of it: whether they are alike, and what a difference means."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from enum import Enum
from typing import Final, NamedTuple

from langchain_codeexec.executions import CodeExecution, ExecutionResult, Outcome
from langchain_codeexec.executors.gemini_programs import syntax_tree
from langchain_codeexec.grounding.figures import Figure, is_noise, printed_figures
from langchain_codeexec.grounding.verdicts import RunVerification, Verdict

__all__ = [
    "FILES",
    "Likeness",
    "Repetition",
    "likeness",
    "not_repeatable",
    "sources_of_variation",
    "syntax_nodes",
]


class Likeness(Enum):
    """How alike two outputs are."""

    SAME = "the same"
    """But for white space, addresses in memory and the noise of floats."""
    REORDERED = "the same in another order"
    DIFFERENT = "different"


_TOKEN: Final = re.compile(r"[\w.+-]+|[^\s\w]")
_ADDRESS: Final = re.compile(r"\b0x[0-9a-fA-F]{6,}\b")


def likeness(recorded: str, repeated: str) -> Likeness:
    """Compare what a program printed with what it printed when it was run again."""
    one, two = _ADDRESS.sub("0x", recorded), _ADDRESS.sub("0x", repeated)
    figures = printed_figures(one), printed_figures(two)
    is_same = _words_between(one, figures[0]) == _words_between(two, figures[1])
    if is_same and all(map(is_noise, *figures)):
        return Likeness.SAME
    if sorted(_TOKEN.findall(one)) == sorted(_TOKEN.findall(two)):
        return Likeness.REORDERED
    return Likeness.DIFFERENT


def _words_between(text: str, figures: Iterable[Figure]) -> list[list[str]]:
    """The words between figures; columns are padded, so that the amount of white space says nothing."""
    bounds = [0, *(bound for figure in figures for bound in (figure.start, figure.end)), len(text)]
    return [text[start:end].split() for start, end in zip(bounds[::2], bounds[1::2], strict=True)]


# -- what programs vary by -----------------------------------------------------------------------------------

_CHANCE, _SETS, FILES = "chance", "the order of sets", "the order of files"
_NAMES: Final = {
    _CHANCE: "random secrets uuid uuid1 uuid4 urandom shuffle",
    "the time": "time timeit now today utcnow perf_counter monotonic process_time localtime gmtime ctime",
    "the machine": "platform version __version__ getpid id() hash()",
    _SETS: "set() frozenset()",
    FILES: "glob listdir scandir iterdir walk",
}
_SOURCE_OF: Final = {name: source for source, names in _NAMES.items() for name in names.split()}
"""By the name of what is imported, taken as an attribute or, with brackets, called as a built-in."""
_SEEDED: Final = frozenset({"seed", "Random", "default_rng", "RandomState"})
"""Calls that, given a number, take chance out."""
_ORDERS: Final = frozenset({_SETS, FILES})
"""What changes the order of an output and nothing else."""


def sources_of_variation(codes: Iterable[str]) -> frozenset[str]:
    """What the output of the last of programs that share their state may vary by, as far as their text shows.

    It decides between "wrong" and "cannot be judged" where an output differs, and never confirms one. Rather
    one source too many is seen than one too few.
    """
    nodes = [node for code in codes for node in syntax_nodes(code)]
    sources = {_SOURCE_OF[name] for node in nodes for name in _names(node) if name in _SOURCE_OF}
    calls = (node.func for node in nodes if isinstance(node, ast.Call) and node.args)
    if any(getattr(call, "attr", getattr(call, "id", "")) in _SEEDED for call in calls):
        sources.discard(_CHANCE)
    return frozenset(sources)


def syntax_nodes(code: str) -> list[ast.AST]:
    """The nodes of a program's syntax tree; none where it is no Python."""
    tree = syntax_tree(code)
    return [] if tree is None else list(ast.walk(tree))


def _names(node: ast.AST) -> list[str]:
    """The names of a node in the spelling of the table."""
    match node:
        case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
            module = getattr(node, "module", None) or ""
            return [*module.split("."), *(part for alias in aliases for part in alias.name.split("."))]
        case ast.Attribute(attr=name):
            return [name]
        case ast.Call(func=ast.Name(id=name)):
            return [f"{name}()"]
        case ast.Set() | ast.SetComp():
            return ["set()"]
        case _:
            return []


# -- verdicts ------------------------------------------------------------------------------------------------

_ERROR: Final = re.compile(r"^(?:\w+\.)*(?P<name>[A-Z]\w*(?:Error|Exception|Interrupt))\b.*", re.MULTILINE)
_OF_THE_PLACE: Final = frozenset(
    {"ModuleNotFoundError", "ImportError", "FileNotFoundError", "PermissionError", "MemoryError"}
)
"""Errors of the place where a program runs rather than of the program."""
_SERVICES: Final = frozenset({"gemini", "openai", "anthropic"})
"""Who says of a run what it gave; what an executor of the user's gave has been seen."""
_KEPT: Final = 2000  # characters of an output that differs


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
    """A run, and what running it again gave."""

    run: CodeExecution  # the record
    result: ExecutionResult  # what its code did here
    varies_by: frozenset[str]  # what its output may vary by, in words
    is_sound: bool  # whether all runs before it, on which it may build, could be repeated

    def judged(self) -> RunVerification:
        """The verdict, with what the code printed here where that is not the same."""
        both_succeeded = self.run.ok and self.result.outcome is Outcome.OK
        verdict, reason = self._of_outputs() if both_succeeded else self._of_failures()
        output = "" if verdict is Verdict.CONFIRMED else self.result.output[:_KEPT]
        return RunVerification(verdict, reason, self.result.outcome.value, output)

    def _of_outputs(self) -> tuple[Verdict, str]:
        alike = likeness(self.run.output or "", self.result.stdout)
        if alike is Likeness.SAME:
            return Verdict.CONFIRMED, ""
        if self.result.truncated:
            return Verdict.NOT_CHECKED, "it prints more than is kept here"
        return self._differs("it prints something else here", is_reordered=alike is Likeness.REORDERED)

    def _of_failures(self) -> tuple[Verdict, str]:
        failed_there, failed_here = not self.run.ok, self.result.outcome is not Outcome.OK
        there = _last_error(self.run.output or "") if failed_there else ""
        here = _last_error(self.result.output) if failed_here else ""
        if self.result.outcome is Outcome.DEADLINE_EXCEEDED:
            return Verdict.NOT_CHECKED, "it takes more time than it has here"
        if failed_there and failed_here and (_name(there) == _name(here) or not (there and here)):
            return Verdict.CONFIRMED, ""
        if _name(here) in _OF_THE_PLACE or (self.result.detail and not failed_there):
            return Verdict.NOT_CHECKED, f"it cannot be run here: {here or self.result.detail}"
        if _name(there) in _OF_THE_PLACE:
            return Verdict.NOT_CHECKED, f"it could not be run there: {there}"
        if not failed_here:
            return self._differs("it failed there and does not here")
        return self._differs(
            f"it fails{' in another way' * failed_there} here: {here or 'no reason is given'}"
        )

    def _differs(self, how: str, *, is_reordered: bool = False) -> tuple[Verdict, str]:
        varies_by = self.varies_by if is_reordered else self.varies_by - _ORDERS
        if varies_by:
            return Verdict.NOT_REPRODUCIBLE, f"{how}; it depends on {' and '.join(sorted(varies_by))}"
        if self.run.origin not in _SERVICES:
            return Verdict.NOT_CHECKED, f"{how}; its tool may have had files, functions or variables for it"
        if not self.is_sound:
            return Verdict.NOT_CHECKED, f"{how}; it may build on a run that could not be repeated"
        return Verdict.MISMATCH, how


def _last_error(output: str) -> str:
    """The last line of a traceback; empty where there is none."""
    return next((match[0] for match in reversed([*_ERROR.finditer(output)])), "")[:200]


def _name(error: str) -> str:
    match = _ERROR.match(error)
    return match["name"] if match else ""
