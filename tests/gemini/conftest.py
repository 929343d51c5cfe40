"""A server on the loopback that answers, waits, breaks off or sends any bytes, as a test sets."""

import asyncio
import json
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pytest

from langchain_codeexec.gemini.endpoints import Endpoint
from langchain_codeexec.gemini.rest import RestTransport
from langchain_codeexec.gemini.retries import RetryPolicy

LAST = {"n": 1, "candidates": [{"finishReason": "STOP"}]}
"""A chunk after which a stream may end."""
CHUNK = b"data: " + json.dumps(LAST).encode() + b"\n\n"


@dataclass(frozen=True)
class Received:
    """One request as it arrived."""

    path: str
    headers: dict[str, str]
    raw: bytes
    method: str = "POST"

    @property
    def body(self) -> Any:
        return json.loads(self.raw)


class Server(socketserver.ThreadingTCPServer):
    """Answers the scripted replies in turn, then `{}` for ever."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Connection)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.requests: list[Received] = []
        self.connections = 0
        self.replies: list[tuple[tuple[bytes | threading.Event, ...], bool]] = []
        self.changed = threading.Condition()

    def answer(
        self, body: Any = None, *, status: int = 200, headers: dict[str, str] | None = None, after: Any = None
    ) -> None:
        data = body if isinstance(body, bytes) else json.dumps({} if body is None else body).encode()
        lines = [f"HTTP/1.1 {status} Status", f"Content-Length: {len(data)}"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        head = "\r\n".join([*lines, "", ""]).encode()
        self.raw(*([after] if after else []), head + data, hang_up=False)

    def stream(self, *pieces: Any, cut: bool = False, content_type: str = "text/event-stream") -> None:
        head = (
            f"HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
        )
        chunks = [
            piece if isinstance(piece, threading.Event) else b"%x\r\n%s\r\n" % (len(piece), piece)
            for piece in pieces
        ]
        self.raw(head, *chunks, *([] if cut else [b"0\r\n\r\n"]), hang_up=cut)

    def raw(self, *pieces: bytes | threading.Event, hang_up: bool = True) -> None:
        """Send these pieces, if any; an event among them is waited for."""
        self.replies.append((pieces, hang_up))

    def wait_for_requests(self, count: int) -> None:
        """Wait until so many requests have arrived."""
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.requests) >= count, 20)

    def reply_to(self, received: Received) -> tuple[tuple[bytes | threading.Event, ...], bool]:
        with self.changed:
            self.requests.append(received)
            self.changed.notify_all()
            if not self.replies:
                self.answer()
            return self.replies.pop(0)


class Connection(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True

    def handle(self) -> None:
        with self.server.changed:
            self.server.connections += 1
        # A client that goes away is what some tests are about.
        with suppress(OSError):
            while (received := self.receive()) is not None:
                pieces, hang_up = self.server.reply_to(received)
                self.send(pieces)
                if hang_up:
                    return

    def receive(self) -> Received | None:
        start = self.rfile.readline().decode()
        if not start:
            return None
        headers = {}
        while line := self.rfile.readline().strip().decode():
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        method, path = start.split()[:2]
        return Received(path, headers, self.rfile.read(int(headers.get("content-length", 0))), method)

    def send(self, pieces: tuple[bytes | threading.Event, ...]) -> None:
        for piece in pieces:
            if isinstance(piece, threading.Event):
                piece.wait(20)
            else:
                self.wfile.write(piece)


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def waits() -> list[float]:
    """Seconds a transport of `make_transport` would have waited."""
    return []


@pytest.fixture
def make_transport(server: Server, waits: list[float]) -> Iterator[Callable[..., RestTransport]]:
    made: list[RestTransport] = []

    async def asleep(seconds: float) -> None:
        waits.append(seconds)

    def make(credentials: Any = None, *, max_retries: int = 0, **settings: Any) -> RestTransport:
        policy = RetryPolicy(max_retries, jitter=lambda limit: limit, sleep=waits.append, asleep=asleep)
        endpoint = Endpoint("developer", server.url)
        made.append(RestTransport(endpoint, credentials, retry_policy=policy, **settings))
        return made[-1]

    yield make
    for transport in made:
        transport.close()


@pytest.fixture(params=["sync", "async"])
def generate(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """Calls generateContent, blocking or on a loop of its own."""

    async def agenerate(transport: Any, *args: Any, **settings: Any) -> Any:
        try:
            return await transport.agenerate(*args, **settings)
        finally:
            await transport.aclose()

    def generate(transport: Any, *args: Any, **settings: Any) -> Any:
        if request.param == "sync":
            return transport.generate(*args, **settings)
        return asyncio.run(agenerate(transport, *args, **settings))

    return generate


@pytest.fixture(params=["sync", "async"])
def stream(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """Collects a stream, blocking or on a loop of its own; into `chunks`, if given."""

    async def collect(transport: Any, args: Any, chunks: list[Any]) -> None:
        try:
            async for chunk in transport.astream(*args):
                chunks.append(chunk)  # noqa: PERF401 -- what came before an error must be seen
        finally:
            await transport.aclose()

    def stream(transport: Any, *args: Any, chunks: list[Any] | None = None) -> Any:
        chunks = [] if chunks is None else chunks
        if request.param == "sync":
            chunks.extend(transport.stream(*args))
        else:
            asyncio.run(collect(transport, args, chunks))
        return chunks

    return stream
