"""Programs in the sandboxes of Agent Engine, as the emulator serves them, and answers that it would not give."""

import asyncio
import json
import threading
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import httpx
import pytest

from langchain_codeexec import ExecutionRequest
from langchain_codeexec.emulator import GeminiEmulator, ScriptedBrain
from langchain_codeexec.errors import (
    ConfigurationError,
    ExecutionRequestError,
    GeminiConnectionError,
    NotFoundError,
    ResponseFormatError,
    SandboxUnavailableError,
    ServerError,
)
from langchain_codeexec.executions import ExecutionResult, InlineFile, Outcome
from langchain_codeexec.executors import AgentEngineExecutor, FailoverExecutor
from tests.sandbox.processes import settles

ENGINES = "projects/p/locations/us-central1/reasoningEngines"
CSV = InlineFile(b"a\n41\n", "text/csv", "data.csv")
PROGRAM = """
import sys
n = int(open("data.csv").read()[2:])
print(n + 1)
print("!", file=sys.stderr)
open("o.txt", "w").write("o")
"""


class Service:
    """The emulator's Agent Engine."""

    def __init__(self, emulator: GeminiEmulator) -> None:
        self.emulator = emulator
        self._client = httpx.Client(
            base_url=f"{emulator.url}/v1beta1/", headers={"authorization": "Bearer t"}
        )
        operation = self._client.post(ENGINES, json={}).json()["name"]
        self.engine = operation.partition("/operations/")[0]

    def executor(self, **settings: Any) -> AgentEngineExecutor:
        return AgentEngineExecutor(self.engine, base_url=self.emulator.url, **settings)

    def sandboxes(self) -> list[dict[str, Any]]:
        listed = self._client.get(f"{self.engine}/sandboxEnvironments").json()
        return listed.get("sandboxEnvironments", [])

    def close(self) -> None:
        self._client.close()

    def delete(self, name: str) -> None:
        self._client.delete(name).raise_for_status()


@pytest.fixture(scope="session")
def service() -> Iterator[Service]:
    with GeminiEmulator(ScriptedBrain([])) as emulator, closing(Service(emulator)) as service:
        yield service


def test_a_run_has_a_sandbox_of_its_own(service: Service) -> None:
    executor = service.executor()
    result = executor.run(ExecutionRequest(PROGRAM, files=(CSV,)))
    assert (result.outcome, result.stdout, result.stderr, result.detail) == (Outcome.OK, "42\n", "!\n", "")
    assert result.files == (InlineFile(b"o", "text/plain", "o.txt"),)
    failed = executor.run("n")
    assert (failed.outcome, failed.stderr.splitlines()[-1]) == (
        Outcome.FAILED,
        "NameError: name 'n' is not defined",
    )
    assert not service.sandboxes()


async def test_a_session_keeps_its_sandbox_and_says_when_that_is_gone(service: Service) -> None:
    with service.executor(ttl=600.0).session() as session, service.executor().session() as other:
        session.run(ExecutionRequest("x = 1", files=(CSV,)))
        assert (await session.arun("print(x, len(open('data.csv').read()))")).stdout == "1 5\n"
        assert "x" in other.run("x").stderr
        first, _ = sorted(service.sandboxes(), key=lambda sandbox: sandbox["name"] != session.sandbox)
        assert first["name"] == session.sandbox
        with pytest.raises(ExecutionRequestError):
            session.run(ExecutionRequest("1", files=(InlineFile(b"", "text/csv", "../a"),)))
        assert session.run("print(x)").detail == ""
        service.delete(session.sandbox)  # as at the end of its time
        lost = session.run("print('x' in globals())")
        assert (lost.stdout, lost.detail) == (
            "False\n",
            "the variables and imports of the session are lost, and its files",
        )
    assert not service.sandboxes()


def test_a_run_that_takes_too_long_is_given_up_with_its_sandbox(service: Service) -> None:
    with service.executor().session() as session:
        session.run("x = 1")
        late = session.run(ExecutionRequest("import time; time.sleep(600)", timeout=0.3))
        assert (late.outcome, late.detail) == (Outcome.DEADLINE_EXCEEDED, "no result within 0.3 s")
        assert not service.sandboxes()
        assert "are lost" in session.run("x").detail


async def test_cancelling_deletes_the_sandbox(service: Service) -> None:
    run = asyncio.create_task(service.executor().arun("import time; time.sleep(600)"))
    assert await asyncio.to_thread(settles, lambda: bool(service.sandboxes()))
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    assert not service.sandboxes()


async def test_a_sandbox_that_is_made_for_a_cancelled_run_is_deleted(wire: Any, caplog: Any) -> None:
    begun, go = threading.Event(), threading.Event()

    def says(path: str) -> bytes:
        begun.set()
        assert go.wait(60)
        return json.dumps({"name": f"{ENGINES}/1/sandboxEnvironments/2/operations/3"}).encode()

    wire.answer = says
    run = asyncio.create_task(AgentEngineExecutor(f"{ENGINES}/1", base_url=wire.url).arun("1"))
    assert await asyncio.to_thread(begun.wait, 60)
    run.cancel()
    go.set()
    with pytest.raises(asyncio.CancelledError):
        await run
    assert "sandboxEnvironments/2 was not deleted" in caplog.text  # by this service, which knows POST alone


def test_another_executor_takes_over_where_there_is_no_service(service: Service) -> None:
    nowhere = AgentEngineExecutor(f"{ENGINES}/1", base_url="http://127.0.0.1:9")
    with pytest.raises(GeminiConnectionError):
        nowhere.run("1")
    with pytest.raises(NotFoundError):
        AgentEngineExecutor(f"{ENGINES}/1", base_url=service.emulator.url).run("1")
    result = FailoverExecutor(nowhere, service.executor()).run("print(1)")
    assert (result.stdout, result.tried, result.executor) == (
        "1\n",
        ("agent-engine: unavailable",),
        "agent-engine",
    )


@pytest.mark.parametrize(
    "engine", ["", "1", "projects/p/reasoningEngines/1", f"{ENGINES}/1/sandboxEnvironments/2"]
)
def test_an_engine_is_a_resource_name(engine: str) -> None:
    with pytest.raises(ConfigurationError, match="engine is the resource name of an Agent Engine instance"):
        AgentEngineExecutor(engine)


def b64(value: Any, encode: Callable[[bytes], bytes] = b64encode) -> str:
    return encode(value if isinstance(value, bytes) else json.dumps(value).encode()).decode()


def run_on(wire: Any, answer: Any, operation: Any = None) -> ExecutionResult:
    """A run whose service gives an answer of any form, and knows POST alone."""
    name = f"{ENGINES}/1/sandboxEnvironments/2"
    made = {"name": f"{name}/operations/3", "done": True, "response": {"name": name}}

    def says(path: str) -> bytes:
        is_run = path.endswith(":execute")
        wire.status = 503 if is_run and answer is None else 200
        return json.dumps(answer if is_run else operation or made).encode()

    wire.answer = says
    return AgentEngineExecutor(f"{ENGINES}/1", base_url=wire.url, max_retries=1).run("1")


@pytest.mark.parametrize(
    ("outputs", "outcome", "stdout", "files"),
    [
        ([], Outcome.UNSPECIFIED, "", []),
        ([{"mimeType": "application/json", "data": b64({"msg_out": "1"})}], Outcome.UNSPECIFIED, "1", []),
        (
            [
                {
                    "mimeType": "application/json",
                    "data": b64({"exit_status_int": 0, "msg_out": "ÿ?~"}, urlsafe_b64encode),
                }
            ],
            *(Outcome.OK, "ÿ?~", []),
        ),
        (
            [{"data": b64(b"1"), "metadata": {"attributes": {"file_name": b64(b"sub/a.json")}}}],
            *(Outcome.UNSPECIFIED, "", ["sub_a.json"]),
        ),
        ([{"mimeType": "application/json", "data": b64({"exit_status_int": 137})}], Outcome.FAILED, "", []),
    ],
)
def test_results_of_any_form(outputs: Any, outcome: Outcome, stdout: str, files: Any, wire: Any) -> None:
    result = run_on(wire, {"outputs": outputs})
    assert (result.outcome, result.stdout, [file.name for file in result.files]) == (outcome, stdout, files)
    assert result.detail == ("exit status 137" if outcome is Outcome.FAILED else "")


@pytest.mark.parametrize(
    "outputs",
    [1, ["a"], [{"data": "?"}], [{"data": 1}], [{"mimeType": "application/json", "data": b64(b"1")}]],
)
def test_results_that_are_none(outputs: Any, wire: Any) -> None:
    with pytest.raises(ResponseFormatError, match="Agent Engine's answer cannot be read"):
        run_on(wire, {"outputs": outputs})


def test_a_program_is_sent_once_and_no_sandbox_is_an_error(wire: Any) -> None:
    with pytest.raises(ServerError):
        run_on(wire, None)
    assert sum(path.endswith(":execute") for path in wire.paths) == 1
    failed = {"name": "operations/1", "done": True, "error": {"code": 8, "message": "no room"}}
    with pytest.raises(SandboxUnavailableError, match="no room"):
        run_on(wire, {}, failed)
