"""A server in a process of its own that answers every POST at once with one canned response."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

CODE = "primes, n = [], 2\nwhile len(primes) < 50:\n    if all(n % p for p in primes):\n        primes.append(n)\n    n += 1\nprint(sum(primes))\n"
PARTS = [
    {"text": "I will generate the first 50 primes and add them up.\n\n"},
    {
        "executableCode": {"language": "PYTHON", "code": CODE, "id": "h0mwtrhs"},
        "thoughtSignature": "EtUBCtIB" * 40,
    },
    {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "5117\n", "id": "h0mwtrhs"}},
    {"text": "The sum of the first 50 prime numbers is 5117.", "thoughtSignature": "ErYGCrMG" * 40},
]
RESPONSE = {
    "candidates": [{"content": {"role": "model", "parts": PARTS}, "finishReason": "STOP", "index": 0}],
    "usageMetadata": {
        "promptTokenCount": 34,
        "candidatesTokenCount": 110,
        "toolUsePromptTokenCount": 60,
        "thoughtsTokenCount": 40,
        "totalTokenCount": 244,
    },
    "modelVersion": "gemini-3-flash-preview",
    "responseId": "vFX6ae-WJvWYqtsP8-bz6AQ",
}


async def _serve() -> None:
    body = json.dumps(RESPONSE).encode()
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    answer = head.encode() + body

    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                request = (await reader.readuntil(b"\r\n\r\n")).lower()
                length = int(request.partition(b"content-length:")[2].split(b"\r\n", 1)[0] or 0)
                await reader.readexactly(length)
                writer.write(answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(respond, "127.0.0.1", 0, limit=1 << 22)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)  # until the parent closes it


@contextmanager
def loopback_server() -> Iterator[str]:
    """Run the server for the duration; gives its URL."""
    command = [sys.executable, __file__]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        finally:
            process.stdin.close()


if __name__ == "__main__":
    asyncio.run(_serve())
