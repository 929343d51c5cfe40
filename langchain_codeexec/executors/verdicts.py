"""How a run ended, in Gemini's outcomes and in words."""

from __future__ import annotations

import signal
import sys
from typing import TYPE_CHECKING

from langchain_codeexec.errors import ExecutionRequestError
from langchain_codeexec.executions import ExecutionResult, Outcome

if TYPE_CHECKING:
    from langchain_codeexec.executions import ExecutionRequest

__all__ = [
    "LEFT_OUT",
    "STATE_LOST",
    "is_duration",
    "refused_language",
    "wished_timeout",
    "words_for_library",
    "words_for_status",
    "words_for_time",
]

STATE_LOST = "the variables and imports of the session are lost"
LEFT_OUT = "more files or images were left than are brought back"

_SIGNALS = {
    "SIGKILL": "killed by SIGKILL, as the system does when it runs out of memory",
    "SIGSEGV": "killed by SIGSEGV: native code failed, perhaps at the limit of memory",
    "SIGSYS": "killed by SIGSYS: a system call of another architecture",
    "SIGXCPU": "killed at the limit of CPU time",
}


def words_for_status(code: int) -> str:
    """What an exit status says that a traceback does not; negative for the signal that killed."""
    if code < 0:
        name = next((known.name for known in signal.Signals if known == -code), f"signal {-code}")
        return _SIGNALS.get(name, f"killed by {name}")
    return f"exit status {code}" if code > 1 else ""


def words_for_time(timeout: float) -> str:
    """What to say of a run that took too long."""
    return f"killed at the time limit of {timeout:g} s"


def words_for_library(name: str) -> str:
    """What to say of a library that is not there, for a model that could do without."""
    return f"the library {name!r} is not installed here and cannot be: do without it"


def refused_language(language: str) -> ExecutionResult | None:
    """The result of a program that is not in Python."""
    if str(language).upper() == "PYTHON":
        return None
    return ExecutionResult(Outcome.FAILED, detail=f"{language!r} does not run here: only PYTHON")


def wished_timeout(request: ExecutionRequest, default: float) -> float:
    """The wall-clock seconds a request may take.

    Raises:
        ExecutionRequestError: It asks for something that is no duration.
    """
    timeout = default if request.timeout is None else request.timeout
    if not is_duration(timeout):
        raise ExecutionRequestError(f"timeout must be a positive number of seconds, not {timeout!r}")
    return timeout


def is_duration(number: object) -> bool:
    """Whether it is a positive number of seconds."""
    if isinstance(number, bool) or not isinstance(number, int | float):
        return False
    return 0 < number <= sys.float_info.max  # an int can be too large for what waits
