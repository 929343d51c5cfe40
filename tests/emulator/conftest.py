"""What the emulator's tests share: one way to start it, and one to ask it."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from langchain_codeexec.emulator import GeminiEmulator, ScriptedBrain, environment
from langchain_codeexec.errors import SandboxUnavailableError
from langchain_codeexec.executors.process import ProcessExecutor
from langchain_codeexec.sandbox.local import LocalSandbox
from tests.services import Token

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

VERTEX = "/v1beta1/projects/p/locations/us-central1/publishers/google/models"
DEVELOPER = "/v1beta/models"
PREFIXES = {"vertex": VERTEX, "developer": DEVELOPER}


def who(endpoint: str) -> dict[str, Any]:
    """Whom Google's clients come from, at one of the services."""
    if endpoint == "developer":
        return {"api_key": "test"}
    return {"vertexai": True, "project": "p", "location": "us-central1", "credentials": Token()}


class Client:
    """Asks one emulator over HTTP, with good credentials unless told otherwise."""

    def __init__(self, emulator: GeminiEmulator) -> None:
        self.emulator = emulator
        self.http = httpx.Client(base_url=emulator.url, headers={"x-goog-api-key": "test"}, timeout=60)

    def ask(
        self,
        body: Any,
        *,
        model: str = "gemini-2.5-flash",
        endpoint: str = "developer",
        action: str = "generateContent",
    ) -> httpx.Response:
        content = body if isinstance(body, str | bytes) else json.dumps(body)
        return self.http.post(f"{PREFIXES[endpoint]}/{model}:{action}", content=content)

    def parts(self, body: Any, **where: str) -> list[dict[str, Any]]:
        response = self.ask(body, **where)
        assert response.status_code == 200, response.text
        return response.json()["candidates"][0]["content"]["parts"]

    def chunks(self, body: Any, **where: str) -> list[dict[str, Any]]:
        response = self.ask(body, action="streamGenerateContent?alt=sse", **where)
        assert response.status_code == 200, response.text
        assert response.headers["content-type"].startswith("text/event-stream")
        events = response.text.split("\r\n\r\n")
        assert events.pop() == ""
        return [json.loads(event.removeprefix("data: ")) for event in events]


@pytest.fixture(scope="session")
def shared_executor() -> Iterator[ProcessExecutor]:
    """One process for all emulators that need no other."""
    executor = ProcessExecutor()
    yield executor
    executor.close()


@pytest.fixture
def start(shared_executor: ProcessExecutor) -> Iterator[Callable[..., Client]]:
    """Start an emulator for a script and get a client for it; both end with the test."""
    running: list[Client] = []

    def run(script: Any, *, executor: Any = None, **options: Any) -> Client:
        brain = script if hasattr(script, "respond") else ScriptedBrain(script)
        client = Client(GeminiEmulator(brain, executor or shared_executor, **options).start())
        running.append(client)
        return client

    yield run
    for client in running:
        client.http.close()
        client.emulator.stop()


@pytest.fixture(scope="module")
def answering() -> Iterator[Client]:
    """An emulator that answers everything it accepts with one word."""
    with GeminiEmulator(ScriptedBrain(lambda prompt: "Fine.")) as emulator:
        client = Client(emulator)
        yield client
        client.http.close()


@pytest.fixture
def no_sandbox(monkeypatch):
    def refuse(_sandbox: LocalSandbox) -> None:
        raise SandboxUnavailableError("no namespaces here")

    monkeypatch.setattr(LocalSandbox, "start", refuse)
    monkeypatch.setattr(
        environment, "_shared", environment._shared.__wrapped__
    )  # not one that found a sandbox


def run_python(program: str, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *options, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
