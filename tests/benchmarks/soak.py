"""Many clients at once against one emulator, for a while: every answer right, memory flat.

```
python tests/benchmarks/soak.py --clients 200 --seconds 60
```

Loopback only; the emulator runs in a process of its own. Exit code 1 if an answer was wrong or memory grew.
"""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

if TYPE_CHECKING:
    from collections.abc import Iterator

SERVER = """
import sys
from langchain_codeexec.emulator import GeminiEmulator, ScriptedBrain
brain = ScriptedBrain(lambda prompt: [f"You said {prompt.request['contents'][0]['parts'][0]['text']}, ", "I heard."])
brain.prompts = type("Forgetful", (list,), {"append": lambda self, prompt: None})()
with GeminiEmulator(brain) as emulator:
    print(emulator.url, flush=True)
    sys.stdin.read()
"""
MODEL = "/v1beta/models/gemini-3-flash-preview"
GROWTH_MIB = 64


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
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * 4096 / 2**20


async def client(http: httpx.AsyncClient, name: int, until: float, wrong: list[str]) -> int:
    asked = 0
    while time.monotonic() < until:
        said = f"{name}-{asked}"
        body = {"contents": [{"parts": [{"text": said}]}]}
        action = "generateContent" if asked % 2 else "streamGenerateContent?alt=sse"
        try:
            response = await http.post(f"{MODEL}:{action}", json=body)
        except httpx.HTTPError as error:
            wrong.append(repr(error))
            return asked
        if (
            response.status_code != httpx.codes.OK
            or "I heard" not in response.text
            or said not in response.text
        ):
            wrong.append(f"{response.status_code}: {response.text[:200]}")
        asked += 1
    return asked


async def soak(url: str, pid: int, clients: int, seconds: float) -> tuple[int, list[str], list[float]]:
    wrong: list[str] = []
    memory: list[float] = []
    until = time.monotonic() + seconds
    limits = httpx.Limits(max_connections=clients)
    async with httpx.AsyncClient(
        base_url=url, timeout=60, limits=limits, headers={"x-goog-api-key": "k"}
    ) as http:
        running = [asyncio.create_task(client(http, name, until, wrong)) for name in range(clients)]
        while time.monotonic() < until:
            await asyncio.sleep(seconds / 10)
            memory.append(resident_mib(pid))
        return sum(await asyncio.gather(*running)), wrong, memory


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=60)
    chosen = parser.parse_args()
    with server() as (url, pid):
        asked, wrong, memory = asyncio.run(soak(url, pid, chosen.clients, chosen.seconds))
    growth = memory[-1] - memory[len(memory) // 3]
    print(f"{asked} answers to {chosen.clients} clients in {chosen.seconds:g} s, {len(wrong)} wrong")
    print("resident MiB:", " ".join(f"{value:.0f}" for value in memory))
    for told in wrong[:5]:
        print(told)
    return 1 if wrong or growth > GROWTH_MIB else 0


if __name__ == "__main__":
    sys.exit(main())
