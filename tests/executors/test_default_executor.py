"""The executor that is taken where nobody has chosen one."""

from __future__ import annotations

import pytest

from langchain_codeexec import ExecutionRequest
from langchain_codeexec.errors import SandboxUnavailableError
from langchain_codeexec.executors.base import CodeExecutor
from langchain_codeexec.executors.default import DefaultExecutor
from langchain_codeexec.executors.sandbox import LocalSandbox, SandboxWarning

PRINT = ExecutionRequest("print(1)")


async def test_is_the_sandbox_where_the_system_allows_one():
    executor = DefaultExecutor()

    assert isinstance(executor, CodeExecutor)
    assert executor.run(PRINT).stdout == (await executor.arun(PRINT)).stdout == "1\n"
    with executor.session() as session:
        assert session.run(PRINT).stdout == "1\n"
    assert executor.name == "sandbox"
    assert executor.isolation() in {"namespaces", "bubblewrap", "landlock"}


def test_is_a_process_where_it_does_not_and_says_so_once(monkeypatch: pytest.MonkeyPatch):
    def refuse(_sandbox: LocalSandbox) -> None:
        raise SandboxUnavailableError("no namespaces here")

    monkeypatch.setattr(LocalSandbox, "start", refuse)
    executor = DefaultExecutor()

    with pytest.warns(SandboxWarning, match=r"not isolated here(.|\n)*no namespaces here") as caught:
        assert executor.name == "process"
    assert len(caught) == 1
    assert (executor.run(PRINT).stdout, executor.isolation()) == ("1\n", "")
