"""Many calls at once through one chat model to one emulator, for an hour: every answer right, nothing grows.

```
python -m tests.benchmarks.soak
python -m tests.benchmarks.soak --clients 50 --minutes 10
```

Half of the answers are text, half are code that runs in the sandbox; half of each are streamed. Loopback only;
the emulator runs in a process of its own, as `serve` would run it. Prints descriptors, threads and memory of both
processes as it goes, in the end the percentiles of the calls' seconds. Exit code 1 if an answer was wrong or
memory or descriptors grew. Linux only: it reads /proc.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from langchain_codeexec import ChatGeminiCodeExecution, CodeExecError, code_executions

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
MODEL = "gemini-3-flash-preview"
GROWTH_MIB = 64
GROWTH_DESCRIPTORS = 20
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


def measured(pid: int) -> tuple[int, int, float]:
    """Descriptors, threads and resident MiB of a process."""
    process = Path(f"/proc/{pid}")
    pages = int((process / "statm").read_text().split()[1])
    return len(os.listdir(process / "fd")), len(os.listdir(process / "task")), pages * 4096 / 2**20  # noqa: PTH208 -- counted only


async def client(llm: ChatGeminiCodeExecution, name: int, until: float, wrong: list[str]) -> list[float]:
    """Ask one thing after the other; how many seconds each took."""
    seconds: list[float] = []
    while (start := time.monotonic()) < until:
        kind, said = name + len(seconds), f"{name}-{len(seconds)}"
        code = bool(kind % 2)
        try:
            answer = await llm.ainvoke(said, code_execution=code, stream=kind % 4 >= 2)
            outputs = [execution.output for execution in code_executions(answer)]
            expected = (
                ("Let me see. I ran it.", [f"{said[::-1]}\n"]) if code else (f"You said {said}, I heard.", [])
            )
            if (answer.text, outputs) != expected:
                wrong.append(f"{said}: {answer.text!r}, {outputs}")
        except CodeExecError as error:
            wrong.append(f"{said}: {error!r}")
        seconds.append(time.monotonic() - start)
    return seconds


async def soak(url: str, pid: int, clients: int, seconds: float) -> tuple[list[float], list[str], bool]:
    """Seconds of all calls, what was wrong, and whether something grew over the second half."""
    wrong: list[str] = []
    samples: list[list[tuple[int, int, float]]] = []
    until = time.monotonic() + seconds
    llm = ChatGeminiCodeExecution(model=MODEL, api_key="k", base_url=url, timeout=60)
    running = [asyncio.create_task(client(llm, name, until, wrong)) for name in range(clients)]
    print(f"{'':>10}{'client: descriptors, threads, MiB':>36}{'emulator: the same':>36}")
    while time.monotonic() < until:
        await asyncio.sleep(seconds / SAMPLES)
        samples.append([measured(os.getpid()), measured(pid)])
        cells = (f"{fds:>18}{threads:>9}{mib:>9.0f}" for fds, threads, mib in samples[-1])
        print(f"{until - time.monotonic():>8.0f} s" + "".join(cells), flush=True)
    calls = [one for each in await asyncio.gather(*running) for one in each]
    grew = any(
        last[0] - middle[0] > GROWTH_DESCRIPTORS or last[2] - middle[2] > GROWTH_MIB
        for middle, last in zip(samples[len(samples) // 2], samples[-1], strict=True)
    )
    return calls, wrong, grew


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--minutes", type=float, default=60)
    chosen = parser.parse_args()
    with server() as (url, pid):
        calls, wrong, grew = asyncio.run(soak(url, pid, chosen.clients, chosen.minutes * 60))
    cuts = statistics.quantiles(calls, n=100)
    print(f"{len(calls)} answers, {len(wrong)} wrong; something grew: {grew}")
    print(
        "seconds: "
        + ", ".join(f"{name} {cuts[index]:.3f}" for name, index in (("median", 49), ("p95", 94), ("p99", 98)))
    )
    for line in wrong[:5]:
        print(line)
    return 1 if wrong or grew else 0


if __name__ == "__main__":
    sys.exit(main())
