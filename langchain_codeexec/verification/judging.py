"""A run's record beside what running it again gave."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from langchain_codeexec.executions import Outcome
from langchain_codeexec.verification.comparing import Likeness, likeness
from langchain_codeexec.verification.records import RunVerification, Verdict
from langchain_codeexec.verification.varying import ORDERS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from langchain_codeexec.executions import CodeExecution, ExecutionResult

__all__ = ["Repetition", "not_repeatable"]

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
