"""Many clients at once against one emulator, for a while: every answer right, memory flat.

```
python -m tests.benchmarks.soak --clients 200 --seconds 60
```

Half of the answers are text, half are code that runs in the sandbox; half of each are streamed. Loopback only;
the emulator runs in a process of its own, as `serve` would run it. Exit code 1 if an answer was wrong or memory
grew. Linux only: memory is read from /proc.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from collections.abc import Iterator

SERVER = """
import sys
from langchain_codeexec.emulator import GeminiEmulator, ScriptedBrain

def answer(prompt):
    said = prompt.request["contents"][0]["parts"][0]["text"]
    if prompt.request.get("tools"):
        return ["Let me see. ", {"executableCode": {"code": f"print({said!r}[::-1])"}}, "I ran it."]
    return [f"You said {said}, ", "I heard."]

with GeminiEmulator(ScriptedBrain(answer)) as emulator:
    print(emulator.url, flush=True)
    sys.stdin.read()
"""
MODEL = "/v1beta/models/gemini-3-flash-preview"
CODE = {"tools": [{"codeExecution": {}}]}
GROWTH_MIB = 64
SAMPLES = 12


@contextmanager
def server() -> Iterator[tuple[str, int]]:
    with subprocess.Popen(
        [sys.executable, "-c", SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip(), process.pid
        assert process.stdin is not None
        process.stdin.close()


def resident_mib(pid: int) -> float:
    """Of the emulator itself; its sandbox's processes come and go."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * 4096 / 2**20


def children(pid: int) -> int:
    """How many processes descend from one."""
    with suppress(OSError):
        below = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return len(below) + sum(children(int(child)) for child in below)
    return 0


def parts_of(response: httpx.Response) -> list[dict[str, Any]]:
    """The parts of an answer, whole or streamed."""
    text = response.text
    events = [event for event in text.split("\r\n\r\n") if event] if text.startswith("data: ") else [text]
    bodies = [json.loads(event.removeprefix("data: ")) for event in events]
    return [part for body in bodies for part in body["candidates"][0].get("content", {}).get("parts", [])]


def is_right(parts: list[dict[str, Any]], said: str, *, code: bool) -> bool:
    text = "".join(part.get("text", "") for part in parts)
    printed = [part["codeExecutionResult"].get("output") for part in parts if "codeExecutionResult" in part]
    if code:
        return text == "Let me see. I ran it." and printed == [f"{said[::-1]}\n"]
    return text == f"You said {said}, I heard." and not printed


async def client(http: httpx.AsyncClient, name: int, until: float, wrong: list[str]) -> int:
    """Ask one thing after the other; how many were asked."""
    asked = 0
    while time.monotonic() < until:
        kind, said = name + asked, f"{name}-{asked}"
        code = bool(kind % 2)
        body = {"contents": [{"parts": [{"text": said}]}], **(CODE if code else {})}
        action = "generateContent" if kind % 4 < 2 else "streamGenerateContent?alt=sse"
        asked += 1
        try:
            response = await http.post(f"{MODEL}:{action}", json=body)
            good = response.is_success and is_right(parts_of(response), said, code=code)
        except (httpx.HTTPError, ValueError, KeyError) as error:
            wrong.append(f"{said}: {error!r}")
            continue
        if not good:
            wrong.append(f"{said}: {response.status_code}: {response.text[:300]}")
    return asked


async def soak(url: str, pid: int, clients: int, seconds: float) -> tuple[int, list[str], list[float]]:
    wrong: list[str] = []
    memory: list[float] = []
    until = time.monotonic() + seconds
    limits = httpx.Limits(max_connections=clients)
    headers = {"x-goog-api-key": "k"}
    async with httpx.AsyncClient(base_url=url, timeout=60, limits=limits, headers=headers) as http:
        running = [asyncio.create_task(client(http, name, until, wrong)) for name in range(clients)]
        while time.monotonic() < until:
            await asyncio.sleep(seconds / SAMPLES)
            memory.append(resident_mib(pid))
        return sum(await asyncio.gather(*running)), wrong, memory


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=60)
    chosen = parser.parse_args()
    with server() as (url, pid):
        before = children(pid)
        asked, wrong, memory = asyncio.run(soak(url, pid, chosen.clients, chosen.seconds))
        left = children(pid) - before
    growth = memory[-1] - memory[len(memory) // 2]
    print(f"{asked} answers to {chosen.clients} clients in {chosen.seconds:g} s, {len(wrong)} wrong")
    print("resident MiB:", " ".join(f"{value:.0f}" for value in memory))
    print(f"growth over the second half: {growth:.1f} MiB; processes of the sandbox still there: {left}")
    for told in wrong[:5]:
        print(told)
    return 1 if wrong or growth > GROWTH_MIB else 0


if __name__ == "__main__":
    sys.exit(main())
