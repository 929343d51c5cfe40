"""The executors of this machine, one of each for all tests of a process, and a model that runs what it is given."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from langchain_codeexec.emulator import Prompt
from langchain_codeexec.executions import ExecutionRequest, ExecutionResult
from langchain_codeexec.executors import CodeExecutor, ProcessExecutor


def asked_code(prompt: Prompt) -> str:
    """The program between the fences of a request."""
    text = prompt.request["contents"][-1]["parts"][-1]["text"]
    found = re.search(r"(?P<fence>`{3,})python\n(?P<code>.*)(?P=fence)", text, re.DOTALL)
    assert found
    return found["code"]


def code_part(code: str) -> dict[str, Any]:
    return {"executableCode": {"language": "PYTHON", "code": code}}


def faithful(prompt: Prompt) -> Any:
    """A model that does what it is asked for."""
    return [code_part(asked_code(prompt)), "It ran."]


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
