"""The executors of this machine, one of each for all tests of a process."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from langchain_codeexec.executions import ExecutionRequest, ExecutionResult
from langchain_codeexec.executors import CodeExecutor, ProcessExecutor


@pytest.fixture(scope="session")
def process() -> Iterator[ProcessExecutor]:
    executor = ProcessExecutor()
    yield executor
    executor.close()


@pytest.fixture
def run(process: ProcessExecutor) -> Callable[..., ExecutionResult]:
    """Run a program in a process of its own; with limits, by an executor of its own."""

    def run(code: str, *files: Any, timeout: float = 60.0, **limits: int) -> ExecutionResult:
        executor = ProcessExecutor(**limits) if limits else process
        return executor.run(ExecutionRequest(code, files=files, timeout=timeout))

    return run


@pytest.fixture(params=["process", "sandbox"])
def local(request: pytest.FixtureRequest) -> CodeExecutor:
    return request.getfixturevalue(request.param)
