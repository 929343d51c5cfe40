"""Faults, call styles, and what each pair must give: data, and what runs one cell of it."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from langchain_codeexec import ChatGeminiCodeExecution, CodeExecError
from langchain_codeexec.gemini.endpoints import Endpoint
from langchain_codeexec.gemini.rest import RestTransport
from langchain_codeexec.gemini.retries import RetryPolicy
from tests.faults.servers import HANG, RESET, Drip, Step, raw_server

MODEL: Final = "gemini-3-flash-preview"


def _response(text: str, **more: Any) -> dict[str, Any]:
    return {"candidates": [{"content": {"role": "model", "parts": [{"text": text}]}, **more}]}


def _event(response: Any) -> bytes:
    return b"data: " + json.dumps(response).encode() + b"\r\n\r\n"


BODY: Final = json.dumps(_response("whole", finishReason="STOP")).encode()
EVENTS: Final = _event(_response("who")) + _event(_response("le", finishReason="STOP"))
SHOWN: Final = _event(_response("who"))
HEAD: Final = b"HTTP/1.1 200 OK\r\n"
CLOSE: Final = b"Connection: close\r\n\r\n"


def _sized(body: bytes, head: bytes = HEAD) -> bytes:
    return head + b"Content-Length: %d\r\n\r\n" % len(body) + body


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


CHUNKED: Final = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


def _status(code: int, body: bytes = b"", head: bytes = b"") -> bytes:
    return _sized(body, b"HTTP/1.1 %d Status\r\n" % code + head)


@dataclass(frozen=True)
class Fault:
    """What a server does wrong.

    Attributes:
        name: Name of its row.
        unary: What it answers generateContent.
        streamed: What it answers streamGenerateContent; the same by default.
        expected: `whole` for the answer, or the name of an exception's class.
        streaming: What a streaming style gives, where that is something else.
        shown: What streaming styles show before the exception.
        heals: Whether the next attempt is answered.
        requests: How many requests there must have been; `None` where it does not matter.
        settings: Of the transport.
        says: What the exception says.
        reads_body: Whether it reads what it is sent.
        prompt: What is asked.
    """

    name: str
    unary: tuple[Step, ...]
    streamed: tuple[Step, ...] | None = None
    expected: str = "whole"
    streaming: str | None = None
    shown: str = ""
    heals: bool = False
    requests: int | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    says: str = ""
    reads_body: bool = True
    prompt: str = "q"


SILENCE: Final = {"timeout": 0.2}
DEADLINE: Final = {"deadline": 0.3}
TIMEOUT: Final = "GeminiTimeoutError"
CUT: Final = "TruncatedResponseError"
BROKEN: Final = "GeminiConnectionError"
FORMAT: Final = "ResponseFormatError"

FAULTS: Final = (
    Fault("none", (_sized(BODY),), (_sized(EVENTS),)),
    Fault("closed at once", (b"",), heals=True, requests=2),
    Fault("reset at once", (RESET,), heals=True, requests=2),
    Fault("always reset", (RESET,), expected=BROKEN, requests=3),
    Fault("half of the headers", (HEAD,), heals=True, requests=2),
    Fault("no HTTP", (b"SSH-2.0-x\r\n\r\n",), expected=BROKEN),
    Fault("short of its length", (HEAD + b"Content-Length: 999\r\n\r\n" + BODY[:30],), heals=True, requests=2),
    Fault("cut without a length", (HEAD + CLOSE + BODY[:30],), (HEAD + CLOSE + SHOWN[:30],), heals=True, requests=2),
    Fault("cut with a length", (_sized(BODY[:30]),), (_sized(SHOWN[:30]),), heals=True, requests=2),
    Fault("cut chunk", (CHUNKED + _chunk(BODY)[:30],), heals=True, requests=2),
    Fault("empty", (_sized(b""),), heals=True, requests=2),
    Fault("always empty", (_sized(b""),), expected=CUT, requests=3),
    Fault(
        "ends between events, by its chunks", (_sized(BODY),), (CHUNKED + _chunk(SHOWN) + b"0\r\n\r\n",),
        streaming=CUT, shown="who", requests=1,
    ),
    Fault("ends between events, by closing", (_sized(BODY),), (HEAD + CLOSE + SHOWN,), streaming=CUT, shown="who", requests=1),
    Fault("ends between events, by its length", (_sized(BODY),), (_sized(SHOWN),), streaming=CUT, shown="who", requests=1),
    Fault(
        "ends between events, compressed", (_sized(BODY),),
        (HEAD + b"Content-Encoding: gzip\r\n" + CLOSE + gzip.compress(SHOWN)[:-8],), streaming=CUT, shown="who", requests=1,
    ),
    Fault("ends within an event", (_sized(BODY),), (_sized(SHOWN + EVENTS[:20]),), streaming=CUT, shown="who", requests=1),
    Fault("reset between events", (_sized(BODY),), (CHUNKED + _chunk(SHOWN),), streaming=BROKEN, shown="who", requests=1),
    Fault("[DONE] without a reason", (_sized(BODY),), (_sized(SHOWN + b"data: [DONE]\n\n"),), streaming=CUT, shown="who"),
    Fault(
        "an error between events", (_sized(BODY),), (_sized(SHOWN + b'data: {"error":{"code":503,"message":"m"}}\n\n'),),
        streaming="ServerError", shown="who", requests=1,
    ),
    Fault("a web page", (_sized(b"<html>Sign in</html>"),), expected=FORMAT, requests=1, says="captive portal"),
    Fault("no gzip", (_sized(b"no gzip", HEAD + b"Content-Encoding: gzip\r\n"),), expected=FORMAT, requests=1),
    Fault("deep nesting", (_sized(b"[" * 100_000),), (_sized(b"data: " + b"[" * 100_000 + b"\n\n"),), expected=FORMAT),
    Fault("503", (_status(503, b"{}"),), heals=True, requests=2),
    Fault("503 with broken gzip", (_status(503, b"no gzip", b"Content-Encoding: gzip\r\n"),), heals=True, requests=2),
    Fault("503 cut short", (_status(503, b"{}").replace(b": 2", b": 9"),), heals=True, requests=2),
    Fault("always 503", (_status(503, b"{}"),), expected="ServerError", requests=3),
    Fault("501", (_status(501, b"{}"),), expected="ServerError", requests=1),
    Fault("Retry-After of a day", (_status(429, b"", b"Retry-After: 86400\r\n"),), expected="RateLimitError", requests=1, says="86400 s"),
    Fault("Retry-After of nothing", (_status(429, b"", b"Retry-After: 0\r\n"),), heals=True, requests=2),
    Fault("a redirect", (_status(307, b"", b"Location: https://else.where/x?key=k\r\n"),), expected="GeminiAPIError", requests=1, says="https://else.where/x"),
    Fault("an error as text", (_status(400, b'{"error": "wrong"}'),), expected="InvalidRequestError", requests=1, says="wrong"),
    Fault("silence", (HANG,), expected=TIMEOUT, requests=1, settings=SILENCE, says="timeout=…"),
    Fault("silence in the answer", (HEAD + b"Content-Length: 9\r\n\r\n{", HANG), expected=TIMEOUT, settings=SILENCE, says="timeout=…"),
    Fault("silence between events", (_sized(BODY),), (CHUNKED + _chunk(SHOWN), HANG), streaming=TIMEOUT, shown="who", settings=SILENCE),
    Fault("a slow answer", (Drip(_sized(BODY), 0.001),), (Drip(_sized(EVENTS), 0.001),), settings=SILENCE),
    Fault("headers that drip", (Drip(HEAD + b"X-Long: " + b"x" * 10_000),), expected=TIMEOUT, settings=DEADLINE, says="deadline=…"),
    Fault("a body that drips", (HEAD + b"Content-Length: 9999\r\n\r\n", Drip(b"{" + b" " * 9_999)), expected=TIMEOUT, settings=DEADLINE, says="deadline=…"),
    Fault("an error that drips", (_status(503).replace(b": 0", b": 9999"), Drip(b"<" * 9_999)), expected=TIMEOUT, settings=DEADLINE, says="deadline=…"),
    Fault("pings for ever", (HANG,), (HEAD + CLOSE + SHOWN, Drip(b": ping\n\n" * 9_999)), expected=TIMEOUT, shown="who", settings=DEADLINE, says="deadline=…"),
    Fault("503 for ever", (_status(503, b"", b"Retry-After: 1\r\n"),), expected="ServerError", requests=1, settings=DEADLINE),
    Fault("an early 413", (_status(413, b"{}"),), expected="GeminiAPIError", requests=1, reads_body=False, says="413"),
    Fault("an early 413 for much", (_status(413, b"{}"),), expected="GeminiAPIError", requests=1, reads_body=False, says="413", prompt="q" * 8_000_000),
)  # fmt: skip

STYLES: Final = (
    "invoke",
    "ainvoke",
    "stream",
    "astream",
    "batch",
    "abatch",
    "streaming",
    "astreaming",
    "astream_events",
)
"""The calls of a chat model; `streaming` is `invoke` of a model that streams beneath."""
SHOWS: Final = frozenset({"stream", "astream", "astream_events"})
STREAMS: Final = SHOWS | {"streaming", "astreaming"}


@dataclass
class Outcome:
    """What a cell gave."""

    result: str
    shown: str
    requests: int
    message: str


def expected_of(fault: Fault, style: str) -> tuple[str, str]:
    """The result and what is shown before it."""
    result = (fault.streaming or fault.expected) if style in STREAMS else fault.expected
    if result == "whole":
        return result, "whole" if style in SHOWS else ""
    return result, fault.shown if style in SHOWS else ""


def run_cell(fault: Fault, style: str) -> Outcome:
    """Call a chat model in a style against a server with a fault."""
    streamed = fault.streamed or fault.unary
    steps = streamed if style in STREAMS else fault.unary
    healthy = (_sized(EVENTS if style in STREAMS else BODY),)
    with raw_server(steps, healthy) if fault.heals else raw_server(steps) as server:
        server.reads_body = fault.reads_body
        policy = RetryPolicy(2, first_wait=0.01)
        transport = RestTransport(Endpoint("developer", server.url), retry_policy=policy, **fault.settings)
        llm = ChatGeminiCodeExecution(model=MODEL, api_key="k", transport=transport, answer_retries=0)
        shown: list[str] = []
        message = ""
        try:
            result = _CALLS[style](llm, fault.prompt, shown)
        except CodeExecError as error:
            result = next(
                each.__name__ for each in type(error).__mro__ if each.__module__ == CodeExecError.__module__
            )
            message = str(error)
        finally:
            transport.close()
        return Outcome(result, "".join(shown), server.requests, message)


def _stream(llm: Any, prompt: str, shown: list[str]) -> str:
    for chunk in llm.stream(prompt):
        shown.append(chunk.text)  # noqa: PERF401 -- what came before an error must be seen
    return "".join(shown)


async def _astream(llm: Any, prompt: str, shown: list[str]) -> str:
    async for chunk in llm.astream(prompt):
        shown.append(chunk.text)  # noqa: PERF401 -- as above
    return "".join(shown)


async def _aevents(llm: Any, prompt: str, shown: list[str]) -> str:
    async for event in llm.astream_events(prompt):
        if event["event"] == "on_chat_model_stream":
            shown.append(event["data"]["chunk"].text)  # noqa: PERF401 -- as above
    return "".join(shown)


async def _abatch(llm: Any, prompt: str) -> str:
    return str((await llm.abatch([prompt]))[0].text)


_CALLS: Final[dict[str, Callable[[Any, str, list[str]], str]]] = {
    "invoke": lambda llm, prompt, _: str(llm.invoke(prompt).text),
    "ainvoke": lambda llm, prompt, _: str(asyncio.run(llm.ainvoke(prompt)).text),
    "stream": _stream,
    "astream": lambda llm, prompt, shown: asyncio.run(_astream(llm, prompt, shown)),
    "batch": lambda llm, prompt, _: str(llm.batch([prompt])[0].text),
    "abatch": lambda llm, prompt, _: asyncio.run(_abatch(llm, prompt)),
    "streaming": lambda llm, prompt, _: str(llm.invoke(prompt, stream=True).text),
    "astreaming": lambda llm, prompt, _: str(asyncio.run(llm.ainvoke(prompt, stream=True)).text),
    "astream_events": lambda llm, prompt, shown: asyncio.run(_aevents(llm, prompt, shown)),
}


def problem_of(fault: Fault, style: str, outcome: Outcome) -> str:
    """What is wrong with an outcome; nothing if it is as expected."""
    result, shown = expected_of(fault, style)
    if (outcome.result, outcome.shown) != (result, shown):
        return f"{outcome.result} after {outcome.shown!r}, not {result} after {shown!r}: {outcome.message}"
    if result != "whole" and fault.says not in outcome.message:
        return f"does not say {fault.says!r}: {outcome.message}"
    is_counted = fault.requests is not None and not (style not in STREAMS and fault.streaming)
    if is_counted and outcome.requests != fault.requests:
        return f"{outcome.requests} requests, not {fault.requests}"
    return ""
