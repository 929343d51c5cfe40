"""Trying another executor where one cannot do it."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from langchain_codeexec._steps import arun_steps, run_steps
from langchain_codeexec.errors import (
    CodeExecError,
    ConfigurationError,
    CredentialsError,
    ExecutionRequestError,
    ExecutorError,
    GeminiConnectionError,
    GeminiError,
    GeminiTimeoutError,
    InvalidRequestError,
    RateLimitError,
    SandboxBusyError,
    SandboxUnavailableError,
    ServerError,
)
from langchain_codeexec.executions import ExecutionRequest, ExecutionResult, InlineFile, Outcome
from langchain_codeexec.executors.base import (
    STATE_LOST,
    CodeExecutor,
    ExecutorSession,
    checked_executor,
)
from langchain_codeexec.executors.calls import (
    CallLimits,
    HostCall,
    HostCalls,
    HostFunction,
    HostReply,
    arun_in,
    check_takes_calls,
    run_in,
    takes_calls,
)
from langchain_codeexec.executors.files import files_of, with_files

__all__ = ["REASONS", "FailoverExecutor"]

_Attempts: TypeAlias = Generator[
    tuple[ExecutorSession | CodeExecutor, ExecutionRequest, HostCalls | None],
    ExecutionResult,
    ExecutionResult,
]

_NO_MODULE = re.compile(r"\b(?:ModuleNotFoundError|ImportError): ")
_NO_CODE_EXECUTION = re.compile(r"\bcode[ _]?execution\b", re.IGNORECASE)
_FILE = re.compile(r"\bfiles?\b|mime|payload", re.IGNORECASE)


@dataclass(frozen=True)
class _Reason:
    """What speaks for trying the next executor: a result or an error of a kind, and words in it."""

    outcome: Outcome | None = None
    errors: tuple[type[CodeExecError], ...] = ()
    words: re.Pattern[str] | None = None

    def fits(self, end: ExecutionResult | CodeExecError) -> bool:
        """Whether an attempt has ended for this reason."""
        if isinstance(end, CodeExecError):
            return isinstance(end, self.errors) and (self.words is None or bool(self.words.search(str(end))))
        return end.outcome is self.outcome and (self.words is None or bool(self.words.search(end.stderr)))


_KINDS: Final[Mapping[str, _Reason]] = {
    "missing_library": _Reason(Outcome.FAILED, words=_NO_MODULE),
    "deadline": _Reason(Outcome.DEADLINE_EXCEEDED, (GeminiTimeoutError,)),
    "refused_file": _Reason(errors=(ExecutionRequestError, InvalidRequestError), words=_FILE),
    "no_code_execution": _Reason(
        errors=(InvalidRequestError, ConfigurationError, ExecutorError), words=_NO_CODE_EXECUTION
    ),
    "quota": _Reason(errors=(RateLimitError, SandboxBusyError)),
    "unavailable": _Reason(errors=(SandboxUnavailableError, GeminiConnectionError, ServerError)),
    "broken": _Reason(errors=(ExecutorError, GeminiError, CredentialsError)),
}
"""The particular before the general: the first that fits is what is recorded."""

REASONS: Final = tuple(_KINDS)
"""What a user can name: `missing_library`, `deadline`, `refused_file`, `no_code_execution` (the model has none,
or did not use it), `quota`, `unavailable` (no sandbox here, no connection, a failing server) and `broken` (any
other failure, such as a model that ran other code than it was given)."""

_DEFAULT: Final = ("missing_library", "refused_file", "no_code_execution", "quota", "unavailable")


class _Failover(ABC):
    """Runs in the first executor that can do it."""

    @abstractmethod
    def _attempts(self, request: ExecutionRequest | str, calls: HostCalls | None) -> _Attempts: ...

    def run(self, request: ExecutionRequest | str, *, calls: HostCalls | None = None) -> ExecutionResult:
        """Run one program, given as a request or as its source text.

        Raises:
            CodeExecError: The last executor that was tried failed.
        """
        return run_steps(self._attempts(request, calls), lambda run: run_in(*run))

    async def arun(
        self, request: ExecutionRequest | str, *, calls: HostCalls | None = None
    ) -> ExecutionResult:
        """Run one program without blocking the event loop; cancelling the task kills the run. See `run`."""
        return await arun_steps(self._attempts(request, calls), lambda run: arun_in(*run))


class FailoverExecutor(_Failover):
    """Runs programs in the first executor that can do it.

    A program is given to the executors in order, until one ends in a way that is none of the named reasons.
    What was tried before is in the result's `tried`, and who ran the program in the end is its `executor`. A
    program may so be run more than once: executors that change something outside of themselves do it more than
    once too.

    A session stays with an executor as long as that one can do it; the next one starts with nothing of the
    session's state, and says so in the result's `detail`.

    Args:
        *executors: In the order in which they are tried: the server's first, or the local one. A list of them
            will do.
        on: The reasons for trying the next one, of `REASONS`; by default all but `deadline` and `broken`, for the
            program may have run then.

    Raises:
        ConfigurationError: There is no executor, one of them is none, or a reason is none.
    """

    def __init__(
        self, *executors: CodeExecutor | Sequence[CodeExecutor], on: Iterable[str] = _DEFAULT
    ) -> None:
        self.on = (on,) if isinstance(on, str) else tuple(on)
        unknown = sorted(set(self.on) - set(REASONS))
        if unknown:
            raise ConfigurationError(f"on must name some of {', '.join(REASONS)}; not {', '.join(unknown)}")
        self.executors = tuple(
            checked_executor(executor)
            for each in executors
            for executor in (each if isinstance(each, Sequence) else (each,))
        )
        if not self.executors:
            raise ConfigurationError("FailoverExecutor needs at least one executor")

    @property
    def takes_calls(self) -> bool:
        """Whether programs can call functions of the host, whoever runs them."""
        return all(map(takes_calls, self.executors))

    @property
    def name(self) -> str:
        """The names of the executors, in order."""
        return "+".join(executor.name for executor in self.executors)

    def _attempts(self, request: ExecutionRequest | str, calls: HostCalls | None) -> _Attempts:
        request = ExecutionRequest.of(request)
        left = list(self.executors)
        return _attempts(left, self.on, lambda: (left[0], request), calls)

    @contextmanager
    def session(self) -> Iterator[FailoverSession]:
        """Open a session; the executors' own are opened when they are needed."""
        with ExitStack() as stack:
            yield FailoverSession(self, stack)


class FailoverSession(_Failover):
    """Runs that share their state as long as they stay with one executor; files given to one come along."""

    def __init__(self, failover: FailoverExecutor, stack: ExitStack) -> None:
        self._on = failover.on
        self._left = list(failover.executors)
        self._stack = stack
        self._sessions: dict[int, ExecutorSession] = {}  # by how many executors were left
        self._last_run = 0  # the same, of the last run that ended
        self._files: dict[str, InlineFile] = {}

    @property
    def takes_calls(self) -> bool:
        """Whether programs can call functions of the host, whoever runs them."""
        return all(map(takes_calls, self._left))

    def _attempts(self, request: ExecutionRequest | str, calls: HostCalls | None) -> _Attempts:
        request = ExecutionRequest.of(request)
        result = yield from _attempts(self._left, self._on, lambda: self._opened(request), calls)
        has_lost = self._last_run not in (0, len(self._left))
        self._last_run = len(self._left)
        return replace(result, detail="; ".join(filter(None, (result.detail, STATE_LOST * has_lost))))

    def _opened(self, request: ExecutionRequest) -> tuple[ExecutorSession, ExecutionRequest]:
        """The session, and the request with the files that this session lacks."""
        left = len(self._left)
        if self._last_run != left:
            request = with_files(request, self._files)
        if left not in self._sessions:
            self._sessions[left] = self._stack.enter_context(self._left[0].session())
        self._files |= files_of(request)
        return self._sessions[left], request


class _NotedCalls:
    """Calls, and whether one has been made: then the program cannot be run again, which would make it again."""

    def __init__(self, calls: HostCalls) -> None:
        self._calls, self.made = calls, False

    @property
    def functions(self) -> Sequence[HostFunction]:
        return self._calls.functions

    @property
    def limits(self) -> CallLimits:
        return self._calls.limits

    def __call__(self, call: HostCall) -> HostReply:
        self.made = True
        return self._calls(call)

    def cancel(self, call: HostCall) -> None:
        self._calls.cancel(call)


def _attempts(
    left: list[CodeExecutor],
    on: Sequence[str],
    target: Callable[[], tuple[ExecutorSession | CodeExecutor, ExecutionRequest]],
    calls: HostCalls | None,
) -> _Attempts:
    """Yields the runs to try: by the first executor left, which is taken off where the next one is to try.

    Raises:
        CodeExecError: The last executor that was tried failed.
    """
    if calls is not None:
        for executor in left:
            check_takes_calls(executor)
    noted = _NotedCalls(calls) if calls is not None else None
    tried: list[str] = []
    while True:
        end: ExecutionResult | CodeExecError
        place, executor = len(left), left[0]
        try:
            end = yield (*target(), noted)
        except CodeExecError as error:
            end = error
        reason = next((reason for reason in REASONS if reason in on and _KINDS[reason].fits(end)), None)
        if reason is None or place == 1 or (noted and noted.made):
            break
        tried.append(f"{executor.name}: {reason}")
        if place == len(left):  # no run beside this one has taken it off
            del left[0]
    if isinstance(end, CodeExecError):
        if tried:
            end.add_note(f"Tried before: {', '.join(tried)}")
        raise end
    return replace(end, tried=(*tried, *end.tried), executor=end.executor or executor.name)
