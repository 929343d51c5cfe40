"""Gemini's side first and this machine after it, and the reverse: every reason with a real failure."""

import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from langchain_codeexec import (
    ChatGeminiCodeExecution,
    ExecutionRequest,
    LocalSandbox,
    PythonTool,
    code_executions,
)
from langchain_codeexec.emulator import EmulatedError, GeminiEmulator, Prompt, ScriptedBrain
from langchain_codeexec.errors import AuthenticationError, RateLimitError
from langchain_codeexec.executions import InlineFile, Outcome
from langchain_codeexec.executors import FailoverExecutor
from langchain_codeexec.executors.failover import REASONS
from langchain_codeexec.executors.gemini import GeminiExecutor
from tests.executors.conftest import faithful

CSV = InlineFile(b"a,b\n1,2\n", "text/csv", "sales.csv")
ZIP = InlineFile(b"PK\x05\x06" + bytes(18), "application/zip", "all.zip")


def ended(outcome: str, output: str = "") -> Callable[[Prompt], Any]:
    return lambda prompt: [
        *faithful(prompt)[:1],
        {"codeExecutionResult": {"outcome": outcome, "output": output}},
    ]


def refused(status: int, message: str = "") -> Callable[[Prompt], Any]:
    return lambda prompt: EmulatedError(status, message=message)


REPLY: list[Callable[[Prompt], Any]] = [faithful]
"""What the model does; each test sets it."""


def reply(prompt: Prompt) -> Any:
    return REPLY[0](prompt)


@pytest.fixture(scope="module")
def service(sandbox: LocalSandbox) -> Iterator[GeminiEmulator]:
    with GeminiEmulator(ScriptedBrain(reply), sandbox) as emulator:
        yield emulator


@pytest.fixture
def server(service: GeminiEmulator) -> Iterator[GeminiExecutor]:
    REPLY[0] = faithful
    yield on(service)
    service.faults.clear()


def on(service: GeminiEmulator, url: str = "", **settings: Any) -> GeminiExecutor:
    llm = ChatGeminiCodeExecution(
        model="gemini-2.5-flash",
        vertexai=False,
        api_key="any",
        max_retries=0,
        base_url=url or service.url,
    )
    return GeminiExecutor.from_chat_model(llm, **settings)


SERVER_CASES = [
    ("missing_library", ended("OUTCOME_FAILED", "ModuleNotFoundError: No module named 'polars'")),
    ("deadline", ended("OUTCOME_DEADLINE_EXCEEDED")),
    ("refused_file", refused(400, "Unsupported MIME type: text/csv")),
    ("refused_file", refused(400, "Request payload size exceeds the limit: 20971520 bytes.")),
    ("no_code_execution", refused(400, "Code execution is not enabled for models/gemini-2.5-flash")),
    ("no_code_execution", lambda prompt: "It would print 42."),
    ("quota", refused(429)),
    ("unavailable", refused(503)),
    ("broken", lambda prompt: [{"executableCode": {"language": "PYTHON", "code": "print(43)"}}]),
    ("broken", refused(401)),
    ("broken", refused(404)),
]


@pytest.mark.parametrize(("reason", "reply"), SERVER_CASES)
async def test_the_sandbox_runs_what_the_server_cannot(
    server: GeminiExecutor, sandbox: LocalSandbox, reason: str, reply: Callable[[Prompt], Any]
):
    REPLY[0] = reply
    executor = FailoverExecutor([server, sandbox], on=[reason])
    request = ExecutionRequest("print(6 * 7, open('sales.csv').read(1))", files=(CSV,))
    with executor.session() as session, executor.session() as other:
        for result in (
            executor.run(request),
            await executor.arun(request),
            session.run(request),
            await other.arun(request),
        ):
            assert (result.outcome, result.stdout) == (Outcome.OK, "42 a\n")
            assert (result.tried, result.executor) == ((f"gemini: {reason}",), "sandbox")


FAULTS = [
    ("quota", "quota"),
    ("unavailable", "503"),
    ("unavailable", "cut"),
    ("broken", "permission"),
    ("broken", "garbled"),
]


@pytest.mark.parametrize(("reason", "fault"), FAULTS)
def test_faults_of_the_service(
    service: GeminiEmulator, server: GeminiExecutor, sandbox: LocalSandbox, reason: str, fault: str
):
    service.faults.add(fault)
    result = FailoverExecutor(server, sandbox, on=REASONS).run(ExecutionRequest("print(1)"))
    assert (result.stdout, result.tried) == ("1\n", (f"gemini: {reason}",))


def test_a_service_that_answers_late(service: GeminiEmulator, server: GeminiExecutor, sandbox: LocalSandbox):
    service.faults.add("latency:seconds=0.5", "latency:seconds=0.5")
    late = on(service, timeout=0.05)
    result = FailoverExecutor(late, sandbox, on=["deadline"]).run(ExecutionRequest("print(1)"))
    assert (result.stdout, result.tried) == ("1\n", ("gemini: deadline",))


def test_a_service_that_is_not_there(server: GeminiExecutor, service: GeminiEmulator, sandbox: LocalSandbox):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    nowhere = on(service, f"http://127.0.0.1:{port}")
    result = FailoverExecutor(nowhere, sandbox).run(ExecutionRequest("print(1)"))
    assert (result.stdout, result.tried) == ("1\n", ("gemini: unavailable",))


def test_a_file_that_the_service_does_not_take(server: GeminiExecutor, sandbox: LocalSandbox):
    request = ExecutionRequest("import zipfile; print(zipfile.ZipFile('all.zip').namelist())", files=(ZIP,))
    result = FailoverExecutor(server, sandbox).run(request)
    assert (result.stdout, result.tried) == ("[]\n", ("gemini: refused_file",))


LOCAL_CASES = [
    ("missing_library", {}, ExecutionRequest("import no_such_library")),
    ("deadline", {"timeout": 0.3}, ExecutionRequest("while True: pass")),
    ("refused_file", {"disk_bytes": 4}, ExecutionRequest("print(42)", files=(CSV,))),
    ("broken", {"python": "/no/such/python"}, ExecutionRequest("print(42)")),
]


@pytest.mark.parametrize(
    ("reason", "settings", "request_"), LOCAL_CASES, ids=[case[0] for case in LOCAL_CASES]
)
def test_the_server_runs_what_the_sandbox_cannot(
    server: GeminiExecutor, reason: str, settings: dict[str, Any], request_: ExecutionRequest
):
    REPLY[0] = ended("OUTCOME_OK", "42\n")
    with LocalSandbox(preload=(), **settings) as local:
        result = FailoverExecutor(local, server, on=[reason]).run(request_)
    assert (result.stdout, result.tried, result.executor) == ("42\n", (f"sandbox: {reason}",), "gemini")


async def test_a_session_that_moves_takes_its_files_along(server: GeminiExecutor, sandbox: LocalSandbox):
    with FailoverExecutor(server, sandbox).session() as session:
        first = session.run(ExecutionRequest("x = 1; print(x)", files=(CSV,)))
        REPLY[0] = refused(429)
        moved = await session.arun(ExecutionRequest("print('x' in globals(), open('sales.csv').read(1))"))
        stayed = session.run(ExecutionRequest("print(2)"))
    assert (first.stdout, first.executor, first.detail) == ("1\n", "gemini", "")
    assert (moved.stdout, moved.tried) == ("False a\n", ("gemini: quota",))
    assert moved.detail == "the variables and imports of the session are lost"
    assert (stayed.tried, stayed.detail, stayed.executor) == ((), "", "sandbox")


def test_files_come_along_after_a_failure_as_well(service: GeminiEmulator, server: GeminiExecutor):
    with FailoverExecutor(server, on(service)).session() as session:
        session.run(ExecutionRequest("x = 1", files=(CSV,)))
        REPLY[0] = refused(429)
        with pytest.raises(RateLimitError):
            session.run(ExecutionRequest("print(x)"))
        REPLY[0] = faithful
        assert session.run(ExecutionRequest("print(open('sales.csv').read(1))")).stdout == "a\n"


def test_what_is_lost_is_said_by_the_next_run_that_gives_a_result(
    service: GeminiEmulator, server: GeminiExecutor
):
    both = FailoverExecutor(server, on(service))
    with both.session() as session:
        session.run(ExecutionRequest("x = 1"))
        REPLY[0] = refused(429)
        with pytest.raises(RateLimitError) as caught:
            session.run(ExecutionRequest("print(x)"))
        assert caught.value.__notes__ == ["Tried before: gemini: quota"]
        REPLY[0] = faithful
        result = session.run(ExecutionRequest("print(1)"))
    assert result.detail == "the variables and imports of the session are lost"


def test_the_particular_reason_is_recorded(server: GeminiExecutor, sandbox: LocalSandbox):
    REPLY[0] = refused(429)
    result = FailoverExecutor(server, sandbox, on=["broken", "quota"]).run(ExecutionRequest("print(1)"))
    assert result.tried == ("gemini: quota",)


def test_one_reason_may_be_given_as_a_word(server: GeminiExecutor, sandbox: LocalSandbox):
    REPLY[0] = refused(401)
    with pytest.raises(AuthenticationError):
        FailoverExecutor(server, sandbox, on="quota").run(ExecutionRequest("print(1)"))


def test_what_was_tried_is_in_the_record_the_artifact_and_the_text(
    server: GeminiExecutor, sandbox: LocalSandbox
):
    REPLY[0] = refused(429)
    tool = PythonTool(FailoverExecutor(server, sandbox))
    message = tool.invoke({"type": "tool_call", "name": tool.name, "id": "1", "args": {"code": "print(42)"}})
    assert message.content == "The code printed:\n42\n\nRun by sandbox; tried before: gemini: quota."
    [run] = code_executions(message)
    assert (run.origin, run.tried) == ("sandbox", ("gemini: quota",))
    assert message.artifact["executions"][0]["tried"] == ["gemini: quota"]
