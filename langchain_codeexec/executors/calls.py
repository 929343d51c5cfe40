"""Calls from code: what a program can call on its host, one such call, its reply, and who takes them.

Nothing in here knows who answers: a `HostCalls` is given to `run` and `arun` of executors that take them.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from keyword import iskeyword
from textwrap import indent
from typing import Any, Protocol

from langchain_codeexec.errors import ConfigurationError
from langchain_codeexec.executions import ExecutionRequest, ExecutionResult, InlineFile
from langchain_codeexec.executors.base import (
    AsyncExecutorSession,
    CodeExecutor,
    ExecutorSession,
    check_counts,
    check_durations,
    in_thread,
)

__all__ = [
    "CallLimits",
    "HostCall",
    "HostCalls",
    "HostFunction",
    "HostReply",
    "arun_in",
    "check_takes_calls",
    "run_in",
    "takes_calls",
]

_MOST_AT_ONCE = 64


@dataclass(frozen=True, slots=True)
class HostFunction:
    """A function of the host that a program can call.

    Attributes:
        name: A Python identifier that is not private.
        parameters: Python source between the parentheses, such as `symbol: str, day: str = 'today'`. An argument
            that is `...`, as a default may be, is not sent; what a `**` parameter takes is sent by its names.
            Names of `typing` can be used.
        returns: Python source of the annotation of what it returns.
        doc: Its docstring.

    Raises:
        ConfigurationError: The name is none, or the sources are not those of a function's head.
    """

    name: str
    parameters: str
    returns: str = "Any"
    doc: str = ""

    def __post_init__(self) -> None:
        if not self.name.isidentifier() or iskeyword(self.name) or self.name.startswith("_"):
            raise ConfigurationError(f"{self.name!r} cannot name a function that programs call")
        try:
            [function] = ast.parse(f"{self._head} ...").body
            whole = ast.unparse(function).count("\n") == 1
        except (SyntaxError, ValueError):
            whole = False
        if not whole:
            raise ConfigurationError(f"{self._head!r} is not the head of a function")

    @property
    def _head(self) -> str:
        return f"def {self.name}({self.parameters}) -> {self.returns}:"

    @property
    def stub(self) -> str:
        """The head and the docstring, as Python source."""
        if not self.doc:
            return f"{self._head} ..."
        quoted = repr(self.doc) if '"""' in self.doc or "\\" in self.doc else f'"""{self.doc}"""'
        return f"{self._head}\n{indent(quoted, '    ')}"


@dataclass(frozen=True, slots=True)
class HostCall:
    """A call as it arrives. All of it is data that a hostile program may have made up.

    Attributes:
        number: From 1, in the order in which the host received the calls of a run.
        name: Always that of a function that the program was given.
        args: JSON values by the names of the parameters.
        line: The program's line; 0 where it is not known.
    """

    number: int
    name: str
    args: dict[str, Any]
    line: int = 0


@dataclass(frozen=True, slots=True)
class HostReply:
    """What a call comes to: a value, or an error.

    Attributes:
        value: A JSON value.
        error: The text of a `ToolError` that is raised in the program.
        files: Laid into the program's working directory before the call returns.
    """

    value: Any = None
    error: str | None = None
    files: tuple[InlineFile, ...] = ()


@dataclass(frozen=True, slots=True)
class CallLimits:
    """Limits of the calls of a run. Each is an exception in the program that names it.

    Attributes:
        calls: In a run; a program that goes on calling is killed.
        at_once: At the same time, 64 at the most; others wait.
        seconds: For each.
        total_seconds: During which calls are open, all together; so long the program's wall clock stands still.
        result_bytes: Of a value and its files, as they are sent.
        argument_bytes: Of the arguments of a call, as they are sent.

    Raises:
        ConfigurationError: One is not positive.
    """

    calls: int = 100
    at_once: int = 8
    seconds: float = 60.0
    total_seconds: float = 300.0
    result_bytes: int = 4 << 20
    argument_bytes: int = 1 << 20

    def __post_init__(self) -> None:
        check_counts(
            calls=self.calls,
            at_once=self.at_once,
            result_bytes=self.result_bytes,
            argument_bytes=self.argument_bytes,
        )
        check_durations(seconds=self.seconds, total_seconds=self.total_seconds)
        if self.at_once > _MOST_AT_ONCE:
            raise ConfigurationError(f"at_once must be {_MOST_AT_ONCE} at the most, not {self.at_once}")


class HostCalls(Protocol):
    """Answers the calls of a run."""

    @property
    def functions(self) -> Sequence[HostFunction]:
        """What the program can call."""
        ...

    @property
    def limits(self) -> CallLimits:
        """How much of it."""
        ...

    def __call__(self, call: HostCall) -> HostReply:
        """Answer a call, in a thread of the executor's, as many at the same time as the limits allow.

        Raises:
            BaseException: Whatever it is, it ends the run: the program is killed, other open calls are cancelled,
                and the exception comes out of `run` or `arun` unchanged.
        """
        ...

    def cancel(self, call: HostCall) -> None:
        """Nobody waits for the reply any more: the run is over, or the call took too long."""
        ...


def takes_calls(executor: object) -> bool:
    """Whether the programs of an executor, or of a session, can call functions of the host."""
    return bool(getattr(executor, "takes_calls", False))


def check_takes_calls(executor: object) -> None:
    """Refuse an executor whose programs cannot call functions of the host.

    Raises:
        ConfigurationError: They cannot.
    """
    if not takes_calls(executor):
        name = getattr(executor, "name", type(executor).__name__)
        raise ConfigurationError(
            f"programs in {name!r} cannot call functions of the host: use LocalSandbox, or ProcessExecutor for "
            "code that is trusted"
        )


def run_in(
    session: ExecutorSession | CodeExecutor, request: ExecutionRequest, calls: HostCalls | None = None
) -> ExecutionResult:
    """Run a program in a session or an executor.

    Args:
        session: Where.
        request: The program.
        calls: What it can call.

    Raises:
        ConfigurationError: There are calls, and it takes none.
        ExecutorError: The sandbox itself is broken.
    """
    if calls is None:
        return session.run(request)
    check_takes_calls(session)
    result: ExecutionResult = session.run(request, calls=calls)  # type: ignore[call-arg]  # checked
    return result


async def arun_in(
    session: ExecutorSession | CodeExecutor, request: ExecutionRequest, calls: HostCalls | None = None
) -> ExecutionResult:
    """Run a program in a session or an executor without blocking the event loop.

    Cancelling the task kills the run; in a session that only has `run` it waits for the run's end. See `run_in`.
    """
    if not isinstance(session, AsyncExecutorSession):
        return await in_thread(lambda: run_in(session, request, calls), cancel=lambda: None)
    if calls is None:
        return await session.arun(request)
    check_takes_calls(session)
    result: ExecutionResult = await session.arun(request, calls=calls)  # type: ignore[call-arg]  # checked
    return result
