"""The executors of this machine, one of each for all tests of a process."""

from collections.abc import Iterator

import pytest

from langchain_codeexec.executors import CodeExecutor, ProcessExecutor
from langchain_codeexec.sandbox.local import LocalSandbox


@pytest.fixture(scope="session")
def sandbox() -> Iterator[LocalSandbox]:
    with LocalSandbox(preload=()) as sandbox:
        yield sandbox


@pytest.fixture(scope="session")
def process() -> Iterator[ProcessExecutor]:
    executor = ProcessExecutor()
    yield executor
    executor.close()


@pytest.fixture(params=["process", "sandbox"])
def local(request: pytest.FixtureRequest) -> CodeExecutor:
    return request.getfixturevalue(request.param)
