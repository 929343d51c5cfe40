"""Which executor runs a program in the end, and what is told of those before."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field

import pytest

from langchain_codeexec import ExecutionRequest
from langchain_codeexec.errors import (
    CodeExecError,
    ConfigurationError,
    ExecutionRequestError,
    ExecutorError,
    GeminiTimeoutError,
    InvalidRequestError,
    RateLimitError,
    SandboxBusyError,
    SandboxUnavailableError,
)
from langchain_codeexec.executions import ExecutionResult, Outcome
from langchain_codeexec.executors import FailoverExecutor, ProcessExecutor
from langchain_codeexec.executors.base import CodeExecutor
from langchain_codeexec.executors.failover import REASONS

REQUEST = ExecutionRequest("print(1)")
GOOD = ExecutionResult(Outcome.OK, "1\n")
MISSING = ExecutionResult(Outcome.FAILED, stderr="ModuleNotFoundError: No module named 'torch'\n")
FAILED = ExecutionResult(Outcome.FAILED, stderr="ZeroDivisionError: division by zero\n")
LATE = ExecutionResult(Outcome.DEADLINE_EXCEEDED)


@dataclass
class Stub:
    """An executor that ends every run the same way, and counts them."""

    end: ExecutionResult | CodeExecError
    name: str = "stub"
    runs: list[ExecutionRequest] = field(default_factory=list)

    def run(self, request: ExecutionRequest) -> ExecutionResult:
        self.runs.append(request)
        if isinstance(self.end, CodeExecError):
            raise self.end
        return self.end

    async def arun(self, request: ExecutionRequest) -> ExecutionResult:
        await asyncio.sleep(0)
        return self.run(request)

    @contextmanager
    def session(self) -> Iterator["Stub"]:
        yield self


def bad_request(words: str) -> InvalidRequestError:
    return InvalidRequestError(words, status_code=400)


CASES = [
    ("missing_library", MISSING),
    ("deadline", LATE),
    ("deadline", GeminiTimeoutError("too late")),
    ("refused_file", ExecutionRequestError("the files do not fit")),
    ("refused_file", bad_request("Unsupported MIME type: application/zip")),
    ("no_code_execution", bad_request("Code execution is not enabled for this model")),
    ("quota", RateLimitError("Quota exceeded", status_code=429)),
    ("quota", SandboxBusyError("1000 runs are waiting already")),
    ("unavailable", SandboxUnavailableError("no namespaces")),
    ("unavailable", SandboxUnavailableError("no modes; use ChatGeminiCodeExecution or CodeExecutionTool")),
    ("broken", ExecutorError("the sandbox has ended")),
]


@pytest.mark.parametrize(("reason", "end"), CASES)
async def test_the_next_one_is_tried_for_a_named_reason_alone(
    reason: str, end: ExecutionResult | CodeExecError
):
    executor = FailoverExecutor(Stub(end, "first"), Stub(GOOD, "second"), on=[reason])
    with executor.session() as session:
        results = executor.run(REQUEST), await executor.arun(REQUEST), session.run(REQUEST)
    for result in results:
        assert (result.stdout, result.tried, result.detail) == ("1\n", (f"first: {reason}",), "")
    second = Stub(GOOD)
    others = [other for other in REASONS if other not in {reason, "broken"}]
    with pytest.raises(type(end)) if isinstance(end, CodeExecError) else nullcontext():
        assert FailoverExecutor(Stub(end), second, on=others).run(REQUEST) == end
    assert second.runs == []


@pytest.mark.parametrize("end", [GOOD, FAILED])
def test_what_ends_as_it_should_is_not_tried_again(end: ExecutionResult):
    second = Stub(GOOD)
    assert FailoverExecutor(Stub(end), second, on=REASONS).run(REQUEST) == end
    assert second.runs == []


def test_the_last_ones_end_is_the_end():
    error = RateLimitError("Quota exceeded", status_code=429)
    result = FailoverExecutor(Stub(error, "server"), Stub(MISSING, "local")).run(REQUEST)
    assert (result.outcome, result.tried) == (Outcome.FAILED, ("server: quota",))
    with pytest.raises(RateLimitError) as caught:
        FailoverExecutor(Stub(MISSING, "local"), Stub(error, "server")).run(REQUEST)
    assert caught.value.__notes__ == ["Tried before: local: missing_library"]


async def test_runs_side_by_side_in_a_session_skip_nobody():
    first, second = Stub(SandboxUnavailableError("gone"), "first"), Stub(GOOD, "second")
    with FailoverExecutor(first, second, Stub(GOOD, "third")).session() as session:
        results = await asyncio.gather(*(session.arun(REQUEST) for _ in range(3)))
    assert {(result.tried, result.executor) for result in results} == {(("first: unavailable",), "second")}


def test_with_real_executors():
    executor = FailoverExecutor(ProcessExecutor(python="/no/such/python"), ProcessExecutor(), on=["broken"])
    assert isinstance(executor, CodeExecutor)
    assert executor.name == "process+process"
    assert executor.run(REQUEST).stdout == "1\n"


def test_wrong_settings():
    with pytest.raises(ConfigurationError, match=r"on must name some of missing_library, .*; not bad luck"):
        FailoverExecutor(Stub(GOOD), on=["bad luck"])
    with pytest.raises(ConfigurationError, match="at least one executor"):
        FailoverExecutor()
