"""Servers that tests share: an emulator that answers what a test sets, one that plays scenes, one that sends any bytes."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from google.auth.credentials import Credentials

from langchain_codeexec import ChatGeminiCodeExecution, LocalSandbox
from langchain_codeexec.emulator import EmulatedError, GeminiEmulator, ScriptedBrain
from langchain_codeexec.emulator.scenes import SceneBrain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from langchain_codeexec.emulator import Prompt, ReceivedRequest
    from langchain_codeexec.emulator.brain import Step

NEW, OLD = "gemini-3-flash-preview", "gemini-2.5-flash"


class Token(Credentials):
    """A bearer token that never expires."""

    def __init__(self) -> None:
        super().__init__()
        self.token = "token"

    def refresh(self, request: Any) -> None:
        raise AssertionError("nothing to refresh")


class Models:
    """Makes chat models that talk to one server, without retries, and closes them."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._made: list[ChatGeminiCodeExecution] = []

    def chat(self, **settings: Any) -> ChatGeminiCodeExecution:
        where = {"model": NEW, "base_url": self.url, "max_retries": 0, **settings}
        if not where.keys() & {"vertexai", "credentials", "project", "api_key", "google_api_key"}:
            where["api_key"] = "key"
        llm = ChatGeminiCodeExecution(**where)
        self._made.append(llm)
        return llm

    def vertex(self, **settings: Any) -> ChatGeminiCodeExecution:
        where = {"project": "p", "location": "europe-west4", "credentials": Token()}
        return self.chat(vertexai=True, **{**where, **settings})

    def on(self, endpoint: str, **settings: Any) -> ChatGeminiCodeExecution:
        return (self.vertex if endpoint == "vertex" else self.chat)(**settings)

    def close(self) -> None:
        for llm in self._made:
            llm.close()
        self._made.clear()


class Gemini(Models):
    """One emulator for all tests of a process; each test says what it answers."""

    def __init__(self, emulator: GeminiEmulator, script: list[Any]) -> None:
        super().__init__(emulator.url)
        self._emulator = emulator
        self._script = script
        self._first = 0

    def begin(self) -> None:
        self._script.clear()
        self._first = len(self._emulator.requests)

    def says(self, *steps: Step) -> None:
        """Set what is answered, request by request; the last step goes for all that follow."""
        self._script[:] = steps

    @property
    def requests(self) -> tuple[ReceivedRequest, ...]:
        return self._emulator.requests[self._first :]

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [request.body for request in self.requests]

    @property
    def body(self) -> dict[str, Any]:
        """The last request's body."""
        return self.bodies[-1]


@pytest.fixture(scope="session")
def _gemini() -> Iterator[Gemini]:
    script: list[Any] = []

    def next_step(prompt: Prompt) -> Step:
        if not script:
            return EmulatedError(500, message="the test says nothing")
        return script.pop(0) if len(script) > 1 else script[0]

    with GeminiEmulator(ScriptedBrain(next_step)) as emulator:
        yield Gemini(emulator, script)


@pytest.fixture
def gemini(_gemini: Gemini) -> Iterator[Gemini]:
    _gemini.begin()
    yield _gemini
    _gemini.close()


@pytest.fixture(scope="session")
def _scenes() -> Iterator[Gemini]:
    with GeminiEmulator(SceneBrain()) as emulator:
        yield Gemini(emulator, [])


@pytest.fixture
def scenes(_scenes: Gemini) -> Iterator[Gemini]:
    """The emulator with its own brain."""
    _scenes.begin()
    yield _scenes
    _scenes.close()


class Wire(Models):
    """A server that answers every POST with the bytes a test sets, whatever they are."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.status = 200
        self.answer: bytes | Callable[[str], bytes] = b"{}"
        self.bodies: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []

    def begin(self) -> None:
        self.status, self.answer = 200, b"{}"
        for seen in (self.bodies, self.headers, self.paths):
            seen.clear()

    def says(self, *chunks: Any, status: int = 200) -> None:
        """Answer with a response; where a stream is asked for, with chunks."""
        self.status = status
        raw = [chunk if isinstance(chunk, bytes) else json.dumps(chunk).encode() for chunk in chunks]
        self.answer = lambda path: (
            b"".join(b"data: " + chunk + b"\r\n\r\n" for chunk in raw)
            if ":stream" in path and status == 200
            else raw[0]
        )


@pytest.fixture(scope="session")
def _wire() -> Iterator[Wire]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # head and body are two packets, the second of which would wait

        def do_POST(self) -> None:
            sent = self.rfile.read(int(self.headers["content-length"]))
            wire.bodies.append(json.loads(sent))
            wire.headers.append({name.lower(): value for name, value in self.headers.items()})
            wire.paths.append(self.path)
            body = wire.answer if isinstance(wire.answer, bytes) else wire.answer(self.path)
            self.send_response(wire.status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        wire = Wire(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield wire
        server.shutdown()
        thread.join()


@pytest.fixture
def wire(_wire: Wire) -> Iterator[Wire]:
    _wire.begin()
    yield _wire
    _wire.close()


@pytest.fixture(scope="session")
def sandbox() -> Iterator[LocalSandbox]:
    """In the best mode there is; one for all tests of a process."""
    with LocalSandbox(preload=(), timeout=60) as sandbox:
        yield sandbox


@pytest.fixture(params=["developer", "vertex"])
def endpoint(request: pytest.FixtureRequest) -> str:
    return request.param
