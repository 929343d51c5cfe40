"""What the emulator costs over a bare application on the same server, each in a process of its own."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from tests.benchmarks.requests import HEADERS, MODEL, paired

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ASK = {"contents": [{"role": "user", "parts": [{"text": "Go"}]}]}
EMBED = {"content": {"parts": [{"text": "What is the sum of the first 50 primes?"}]}}
METHODS = {
    "generateContent": (f"/v1beta/models/{MODEL}:generateContent", ASK),
    "streamGenerateContent": (f"/v1beta/models/{MODEL}:streamGenerateContent?alt=sse", ASK),
    "embedContent": ("/v1beta/models/gemini-embedding-2:embedContent", EMBED),
}

_EMULATOR = """
from langchain_codeexec.emulator import GeminiEmulator, ScriptedBrain
def server(): return GeminiEmulator(ScriptedBrain(lambda prompt: "The sum is 5117."))
"""
_BARE = """
import asyncio, socket, threading, uvicorn
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route
async def answer(request):
    await request.json()
    return JSONResponse({"candidates": [{"content": {"parts": [{"text": "The sum is 5117."}], "role": "model"}}]})
class server:
    def start(self):
        listener = socket.socket(proto=socket.IPPROTO_TCP)
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        app = Starlette(routes=[Route("/{path:path}", answer, methods=["POST"])])
        self.uvicorn = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off"))
        self.thread = threading.Thread(target=self.uvicorn.run, args=([listener],), daemon=True)
        self.thread.start()
        return self
    def stop(self):
        self.uvicorn.should_exit = True
        self.thread.join()
"""
_SERVE = "import sys; print(server().start().url, flush=True); sys.stdin.read()"
_LIVES = """
import time, httpx
def life():
    start = time.perf_counter()
    running = server().start()
    httpx.post(running.url + "/v1beta/models/gemini-3-flash-preview:generateContent",
               json={"contents": [{"parts": [{"text": "Go"}]}]}, headers={"x-goog-api-key": "key"})
    running.stop()
    return time.perf_counter() - start
life()
print(sorted(life() for _ in range(9))[4])
"""


def _programs(beside: str) -> dict[str, tuple[str, str]]:
    """By name: the source of a server, and the tree it is imported from."""
    return {
        "bare Starlette app": (_BARE, ""),
        "emulator": (_EMULATOR, str(Path.cwd())),
        **({f"emulator of {beside}": (_EMULATOR, beside)} if beside else {}),
    }


def _command(source: str, tree: str) -> dict[str, Any]:
    environment = {**os.environ, "PYTHONPATH": tree, "PYTHONSAFEPATH": "1"}
    return {
        "args": [sys.executable, "-c", source],
        "env": environment,
        "stdout": subprocess.PIPE,
        "text": True,
    }


@contextmanager
def _served(source: str, tree: str) -> Iterator[str]:
    with subprocess.Popen(**_command(source + _SERVE, tree), stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.stdin.close()


def measure_emulator(
    method: str, beside: str = "", *, rounds: int = 15, repeat: int = 20
) -> dict[str, float]:
    """Median seconds of one request.

    Args:
        method: One of `METHODS`.
        beside: Another tree with the package, whose emulator is measured in turn.
        rounds: How often the servers take turns.
        repeat: Requests in a turn.
    """
    path, body = METHODS[method]
    with ExitStack() as stack:
        client = stack.enter_context(httpx.Client())
        urls = {name: stack.enter_context(_served(*program)) for name, program in _programs(beside).items()}
        posts: dict[str, Callable[[], Any]] = {
            name: partial(client.post, url + path, json=body, headers=HEADERS) for name, url in urls.items()
        }
        assert {post().status_code for post in posts.values()} == {200}
        return paired(posts, rounds, repeat)


def measure_lives(beside: str = "", *, rounds: int = 3) -> dict[str, float]:
    """Median seconds to start a server, ask it once and stop it again."""
    taken: dict[str, list[float]] = {name: [] for name in _programs(beside)}
    for _ in range(rounds):
        for name, (source, tree) in _programs(beside).items():
            done = subprocess.run(**_command(source + _LIVES, tree), check=True)
            taken[name].append(float(done.stdout))
    return {name: statistics.median(seconds) for name, seconds in taken.items()}
