"""The executor that is taken where nobody has chosen one."""

import pytest

from langchain_codeexec import ExecutionRequest
from langchain_codeexec.errors import ExecutorError, SandboxUnavailableError
from langchain_codeexec.executors.base import CodeExecutor
from langchain_codeexec.executors.default import ALLOW_UNSAFE, DefaultExecutor
from langchain_codeexec.sandbox.local import LocalSandbox

PRINT = ExecutionRequest("print(1)")


async def test_is_the_sandbox_where_the_system_allows_one():
    executor = DefaultExecutor()
    assert isinstance(executor, CodeExecutor)
    assert executor.run(PRINT).stdout == (await executor.arun(PRINT)).stdout == "1\n"
    with executor.session() as session:
        assert session.run(PRINT).stdout == "1\n"
    assert executor.name == "sandbox"
    assert executor.isolation() in {"namespaces", "landlock"}


@pytest.fixture
def no_sandbox(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_sandbox: LocalSandbox) -> None:
        raise SandboxUnavailableError("no namespaces here", {"namespaces": "switched off"})

    monkeypatch.setattr(LocalSandbox, "start", refuse)


@pytest.mark.parametrize("said", [None, "", "0", "False"])
async def test_refuses_where_it_does_not_and_names_the_remedies(no_sandbox, monkeypatch, said):
    if said is not None:
        monkeypatch.setenv(ALLOW_UNSAFE, said)
    executor = DefaultExecutor()
    with pytest.raises(SandboxUnavailableError, match=r"no namespaces here\. Nothing was run\.") as caught:
        executor.run(PRINT)
    assert caught.value.reasons == {"namespaces": "switched off"}
    for remedy in ("doctor --sandbox", "CODEEXEC_ALLOW_UNSAFE=1", "allow_unsafe_code=True"):
        assert remedy in str(caught.value)
    for use in (executor.session, executor.isolation, lambda: executor.name):
        with pytest.raises(SandboxUnavailableError):
            use()
    with pytest.raises(SandboxUnavailableError):
        await executor.arun(PRINT)


@pytest.mark.parametrize("settings", [{"allow_unsafe": True}, {}])
def test_is_a_process_where_that_is_allowed_and_says_so_once(no_sandbox, monkeypatch, caplog, settings):
    if not settings:
        monkeypatch.setenv(ALLOW_UNSAFE, "1")
    executor = DefaultExecutor(**settings)
    assert (executor.name, executor.run(PRINT).stdout, executor.isolation()) == ("process", "1\n", "")
    (record,) = caplog.records
    assert "not isolated here" in record.getMessage()
    assert "no namespaces here" in record.getMessage()


def test_is_closed_with_its_sandbox():
    executor = DefaultExecutor()
    executor.close()  # nothing has been started yet
    assert executor.run(ExecutionRequest("print(1)")).stdout == "1\n"
    executor.close()
    with pytest.raises(ExecutorError, match="the sandbox is closed"):
        executor.run(ExecutionRequest("print(1)"))
