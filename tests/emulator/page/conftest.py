"""A real browser before a real emulator."""

from __future__ import annotations

import base64
import struct
import zlib
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from langchain_codeexec.emulator import GeminiEmulator, ScriptedBrain
from tests.browser import chromium  # noqa: F401 -- a fixture

if TYPE_CHECKING:
    from collections.abc import Iterator

MODELS = "/v1beta/models"


def png(width: int = 40, height: int = 20) -> str:
    """A grey picture, base64."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress((b"\0" + b"\x80" * width) * height)
    raw = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    return base64.b64encode(raw).decode()


PLOT = [
    {"text": "Let me see.\n\n", "thought": True},
    {
        "executableCode": {
            "language": "PYTHON",
            "code": "import math\nprint(math.pi)  # round\n",
            "id": "ab12",
        }
    },
    {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "3.14159\n", "id": "ab12"}},
    {"inlineData": {"mimeType": "image/png", "data": png()}},
    {"text": "Pi, drawn.", "thoughtSignature": base64.b64encode(b"signed").decode()},
]
FAILED = [
    {"executableCode": {"language": "PYTHON", "code": "1 / 0"}},
    {"codeExecutionResult": {"outcome": "OUTCOME_FAILED", "output": "ZeroDivisionError: division by zero"}},
    {"text": "That did not work."},
]


def scripted(prompt: Any) -> Any:
    """An answer by the last word of what is asked."""
    *_, last = prompt.request["contents"][-1]["parts"][-1].get("text", "").split() or [""]
    return ANSWERS.get(last, f"You said: {last}.")


ANSWERS: dict[str, Any] = {"pi": PLOT, "fail": FAILED}


class Asking:
    """A client of the emulator under test."""

    answers = ANSWERS

    def __init__(self, emulator: GeminiEmulator) -> None:
        self.emulator = emulator
        self.http = httpx.Client(base_url=emulator.url, headers={"x-goog-api-key": "s3cret-key"}, timeout=60)

    def ask(
        self, text: str, *, model: str = "gemini-2.5-flash", stream: bool = False, **fields: Any
    ) -> httpx.Response:
        body = {"contents": [{"role": "user", "parts": [{"text": text}]}], **fields}
        action = "streamGenerateContent?alt=sse" if stream else "generateContent"
        return self.http.post(f"{MODELS}/{model}:{action}", json=body)

    def detail(self, number: int) -> dict[str, Any]:
        return self.http.get(f"/__emulator__/requests/{number}").json()

    def lines(self, after: int = 0) -> list[dict[str, Any]]:
        """The list, once no request is under way: an answer arrives before its exchange has ended."""
        while True:
            lines = self.http.get("/__emulator__/requests", params={"after": after}).json()["requests"]
            if all(line["state"] != "open" for line in lines):
                return lines

    def last(self) -> dict[str, Any]:
        return self.detail(self.lines()[-1]["number"])


@pytest.fixture(scope="session")
def asking() -> Iterator[Asking]:
    with GeminiEmulator(ScriptedBrain(scripted), record_page=True) as emulator:
        client = Asking(emulator)
        yield client
        client.http.close()


@pytest.fixture
def cleared(asking: Asking) -> Asking:
    """The same, with nothing asked before."""
    asking.http.delete("/__emulator__/requests")
    asking.emulator.faults.clear()
    return asking


def is_complaint(message: Any) -> bool:
    """Whether it is more than the browser's note that a refusal, which the page tells, was a 400."""
    return message.type == "error" and "the server responded with a status of 400" not in message.text


@pytest.fixture(scope="module")
def window(chromium: Any, asking: Asking) -> Iterator[Any]:  # noqa: F811
    """A page that notes whom it asks, and what it complains of."""
    context = chromium.new_context(
        viewport={"width": 1280, "height": 800}, permissions=["clipboard-read", "clipboard-write"]
    )
    context.set_default_timeout(10_000)
    page = context.new_page()
    page.complaints, page.strangers = [], []
    page.on(
        "console", lambda message: page.complaints.append(message.text) if is_complaint(message) else None
    )
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.on("request", lambda request: page.strangers.append(request.url))
    yield page
    context.close()


@pytest.fixture
def tab(window: Any, cleared: Asking) -> Iterator[Any]:
    """The page, opened anew; it asks nobody but the emulator, and has nothing to complain of."""
    window.goto("about:blank")
    window.goto(cleared.emulator.page_url)
    window.wait_for_selector("[data-state=connected]")
    yield window
    complaints, strangers = window.complaints[:], [*window.strangers]
    window.goto("about:blank")  # before the next test clears what this page may still ask for
    window.complaints.clear()
    window.strangers.clear()
    assert [url for url in strangers if not url.startswith(cleared.emulator.url)] == []
    assert complaints == []
