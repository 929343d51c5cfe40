"""Faults, call styles, and what each pair must give: data, and what runs one cell of it."""

from __future__ import annotations

import asyncio
import gzip
import json
import zlib
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from google import genai
from langchain_core.tools import ToolException

from langchain_codeexec import ChatGeminiCodeExecution, CodeExecError, CodeExecutionTool
from langchain_codeexec.executors.gemini import GeminiExecutor
from langchain_codeexec.gemini import genai as genai_transport
from langchain_codeexec.gemini.endpoints import Endpoint
from langchain_codeexec.gemini.interactions import InteractionsTransport
from langchain_codeexec.gemini.rest import RestTransport
from langchain_codeexec.gemini.retries import RetryPolicy
from tests.faults.servers import HALF_CLOSE, HANG, RESET, Drip, Step, raw_server

MODEL: Final = "gemini-3-flash-preview"


def _response(text: str, *parts: Any, **more: Any) -> dict[str, Any]:
    return {"candidates": [{"content": {"role": "model", "parts": [{"text": text}, *parts]}, **more}]}


def _event(response: Any) -> bytes:
    return b"data: " + json.dumps(response).encode() + b"\r\n\r\n"


PROGRAM: Final = "print('whole')"
_RUN: Final = [
    {"executableCode": {"language": "PYTHON", "code": PROGRAM}},
    {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "whole\n"}},
]
BODY: Final = json.dumps(_response("whole", *_RUN, finishReason="STOP")).encode()
EVENTS: Final = _event(_response("who")) + _event(_response("le", finishReason="STOP"))
SHOWN: Final = _event(_response("who"))


def _interaction() -> tuple[bytes, bytes, bytes]:
    """The same answer of the Interactions API: whole, its events, and the first of them."""
    known = {"id": "", "object": "interaction", "status": "completed"}
    whole = {**known, "steps": [{"type": "model_output", "content": [{"type": "text", "text": "whole"}]}]}
    events = [
        {"event_type": "step.start", "index": 0, "step": {"type": "model_output"}},
        {"event_type": "step.delta", "index": 0, "delta": {"type": "text", "text": "who"}},
        {"event_type": "step.delta", "index": 0, "delta": {"type": "text", "text": "le"}},
        {"event_type": "step.stop", "index": 0},
        {"event_type": "interaction.completed", "interaction": known},
    ]
    sent = [_event(event) for event in events]
    return json.dumps(whole).encode(), b"".join(sent), b"".join(sent[:2])


HEAD: Final = b"HTTP/1.1 200 OK\r\n"
CLOSE: Final = b"Connection: close\r\n\r\n"


def _sized(body: bytes, head: bytes = HEAD) -> bytes:
    """An answer behind which the server closes, and says so: else the next request may meet the closed connection."""
    return head + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


CHUNKED: Final = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


def _status(code: int, body: bytes = b"", head: bytes = b"") -> bytes:
    return _sized(body, b"HTTP/1.1 %d Status\r\n" % code + head)


def _chunked(body: bytes) -> bytes:
    half = len(body) // 2
    pieces = b"".join(
        _chunk(piece).replace(b"\r\n", b';a="b"\r\n', 1) for piece in (body[:half], body[half:])
    )
    return CHUNKED + pieces + b"0\r\nX-Trailer: x\r\n\r\n"


def _packed(encoding: bytes, body: bytes) -> bytes:
    return _sized(body, HEAD + b"Content-Encoding: " + encoding + b"\r\n")


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
        in_genai: Whether google-genai's client makes the same of it; else only that it raises nothing untyped.
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
    in_genai: bool = True


SILENCE: Final = {"timeout": 0.2}
DEADLINE: Final = {"deadline": 0.3}
TIMEOUT: Final = "GeminiTimeoutError"
CUT: Final = "TruncatedResponseError"
BROKEN: Final = "GeminiConnectionError"
FORMAT: Final = "ResponseFormatError"


def _faults(body: bytes, events: bytes, shown: bytes) -> tuple[Fault, ...]:
    """The faults of a service.

    Args:
        body: Its whole answer.
        events: The same as events.
        shown: The first of those.
    """
    return (
        Fault("none", (_sized(body),), (_sized(events),)),
        Fault("closed at once", (b"",), heals=True, requests=2),
        Fault("reset at once", (RESET,), heals=True, requests=2),
        Fault("always reset", (RESET,), expected=BROKEN, requests=3),
        Fault("half of the headers", (HEAD,), heals=True, requests=2),
        Fault("no HTTP", (b"SSH-2.0-x\r\n\r\n",), expected=BROKEN),
        Fault("short of its length", (HEAD + b"Content-Length: 999\r\n\r\n" + body[:30],), heals=True, requests=2),
        Fault("cut without a length", (HEAD + CLOSE + body[:30],), (HEAD + CLOSE + shown[:30],), heals=True, requests=2),
        Fault("cut with a length", (_sized(body[:30]),), (_sized(shown[:30]),), heals=True, requests=2),
        Fault("cut chunk", (CHUNKED + _chunk(body)[:30],), heals=True, requests=2),
        Fault("empty", (_sized(b""),), heals=True, requests=2),
        Fault("always empty", (_sized(b""),), expected=CUT, requests=3),
        Fault(
            "ends between events, by its chunks", (_sized(body),), (CHUNKED + _chunk(shown) + b"0\r\n\r\n",),
            streaming=CUT, shown="who", requests=1,
        ),
        Fault("ends between events, by closing", (_sized(body),), (HEAD + CLOSE + shown,), streaming=CUT, shown="who", requests=1),
        Fault("ends between events, by its length", (_sized(body),), (_sized(shown),), streaming=CUT, shown="who", requests=1),
        Fault(
            "ends between events, compressed", (_sized(body),),
            (HEAD + b"Content-Encoding: gzip\r\n" + CLOSE + gzip.compress(shown)[:-8],), streaming=CUT, shown="who", requests=1,
        ),
        Fault("ends within an event", (_sized(body),), (_sized(shown + events[:20]),), streaming=CUT, shown="who", requests=1),
        Fault("reset between events", (_sized(body),), (CHUNKED + _chunk(shown),), streaming=BROKEN, shown="who", requests=1),
        Fault("[DONE] without a reason", (_sized(body),), (_sized(shown + b"data: [DONE]\n\n"),), streaming=CUT, shown="who"),
        Fault(
            "an error between events", (_sized(body),), (_sized(shown + b'data: {"error":{"code":503,"message":"m"}}\n\n'),),
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
        Fault("a redirect", (_status(307, b"", b"Location: https://else.where/x?key=k\r\n"),), expected="GeminiAPIError", requests=1, says="https://else.where/x", in_genai=False),
        Fault("an error as text", (_status(400, b'{"error": "wrong"}'),), expected="InvalidRequestError", requests=1, says="wrong"),
        Fault("silence", (HANG,), expected=TIMEOUT, requests=1, settings=SILENCE, says="timeout=…"),
        Fault("silence in the answer", (HEAD + b"Content-Length: 9\r\n\r\n{", HANG), expected=TIMEOUT, settings=SILENCE, says="timeout=…"),
        Fault("silence between events", (_sized(body),), (CHUNKED + _chunk(shown), HANG), streaming=TIMEOUT, shown="who", settings=SILENCE),
        Fault("a slow answer", (Drip(_sized(body), 0.001),), (Drip(_sized(events), 0.001),), settings=SILENCE),
        Fault("headers that drip", (Drip(HEAD + b"X-Long: " + b"x" * 10_000),), expected=TIMEOUT, settings=DEADLINE, says="deadline=…"),
        Fault("a body that drips", (HEAD + b"Content-Length: 9999\r\n\r\n", Drip(b"{" + b" " * 9_999)), expected=TIMEOUT, settings=DEADLINE, says="deadline=…"),
        Fault("an error that drips", (_status(503).replace(b": 0", b": 9999"), Drip(b"<" * 9_999)), expected=TIMEOUT, settings=DEADLINE, says="deadline=…"),
        Fault("pings for ever", (HANG,), (HEAD + CLOSE + shown, Drip(b": ping\n\n" * 9_999)), expected=TIMEOUT, shown="who", settings=DEADLINE, says="deadline=…", in_genai=False),
        Fault("503 for ever", (_status(503, b"", b"Retry-After: 1\r\n"),), expected="ServerError", requests=1, settings=DEADLINE),
        Fault("an early 413", (_status(413, b"{}"),), expected="GeminiAPIError", requests=1, reads_body=False, says="413"),
        Fault("an early 413 for much", (_status(413, b"{}"),), expected="GeminiAPIError", reads_body=False, says="413", in_genai=False, prompt="q" * 8_000_000),
        Fault("early hints", (b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + _sized(body),), (b"HTTP/1.1 100 Continue\r\n\r\n" + _sized(events),), requests=1),
        Fault("chunk extensions, trailers", (_chunked(body),), (_chunked(events),), requests=1),
        Fault("HTTP/1.0", (b"HTTP/1.0 200 OK\r\n\r\n" + body,), (b"HTTP/1.0 200 OK\r\n\r\n" + events,), requests=1),
        Fault("half closed", (HEAD + CLOSE + body, HALF_CLOSE), (HEAD + CLOSE + events, HALF_CLOSE), requests=1),
        Fault("gzip in pieces", (Drip(_packed(b"gzip", gzip.compress(body)), 0.0),), (Drip(_packed(b"gzip", gzip.compress(events)), 0.0),), requests=1),
        Fault("deflate", (_packed(b"deflate", zlib.compress(body)),), (_packed(b"deflate", zlib.compress(events)),), requests=1),
        Fault("br, which was not asked for", (_packed(b"br", b"\x8b\x03\x80x"),), expected=FORMAT, requests=1),
        Fault("bytes behind the answer", (_sized(body) + b"HTTP/1.1 500 Oh\r\n\r\n",), (_sized(events) + b"garbage",), requests=1),
        Fault("longer than its length", (HEAD + b"Content-Length: 30\r\n\r\n" + body,), (HEAD + b"Content-Length: 30\r\n\r\n" + events,), heals=True, requests=2),
        Fault("two lengths", (HEAD + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\n{}",), expected=BROKEN, in_genai=False),
        Fault("a length that is none", (HEAD + b"Content-Length: x\r\n\r\n{}",), expected=BROKEN, in_genai=False),
        Fault("a chunk without a size", (CHUNKED + b"zz\r\n{}",), expected=BROKEN, in_genai=False),
        Fault("endless headers", (HEAD + b"X: " + b"x" * 300_000,), expected=BROKEN, in_genai=False),
        Fault("a byte order mark", (_sized(b"\xef\xbb\xbf" + body),), (_sized(b"\xef\xbb\xbf" + events),), requests=1, in_genai=False),
        Fault("UTF-16", (_sized(body.decode().encode("utf-16")),), (_sized(events.decode().encode("utf-16")),), streaming=FORMAT, in_genai=False),
        Fault("Latin-1", (_sized(body.replace(b"whole", b"wh\xf6le")),), (_sized(events.replace(b"who", b"wh\xf6")),), expected=FORMAT, requests=1, in_genai=False),
        Fault("lines that end in CR", (_sized(body),), (_sized(events.replace(b"\r\n", b"\r")),), requests=1, in_genai=False),
        Fault("other fields", (_sized(body),), (_sized(b"retry: 9\nid: 1\nevent: x\n" + events.replace(b"data: {", b"data: {\ndata: ")),), requests=1, in_genai=False),
        Fault("comments only", (_sized(body),), (_sized(b": ping\n\n" * 3),), streaming=CUT, requests=3, in_genai=False),
        Fault("event: error", (_sized(body),), (_sized(shown + b'event: error\ndata: {"error": {"code": 429, "message": "slow"}}\n\n'),), streaming="RateLimitError", shown="who", requests=1, in_genai=False),
        Fault("an error with 200", (_sized(b'{"error": {"code": 503, "message": "m"}}'),), heals=True, requests=2),
        Fault("null", (_sized(b"null"),), (_sized(b"data: null\n\n"),), expected=FORMAT, streaming=CUT),
        Fault("204", (b"HTTP/1.1 204 No Content\r\n\r\n",), expected=CUT, in_genai=False),
        Fault("101", (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",), expected=BROKEN, in_genai=False),
        Fault("304", (b"HTTP/1.1 304 Not Modified\r\n\r\n",), expected="GeminiAPIError", requests=1),
        Fault("407", (_status(407, b"", b"Proxy-Authenticate: Basic\r\n"),), expected="GeminiAPIError", requests=1, says="HTTPS_PROXY"),
        Fault("to a page to sign in", (_status(302, b"<html>", b"Location: http://login.example/?next=x\r\n"),), expected="GeminiAPIError", requests=1, says="http://login.example/", in_genai=False),
        Fault("a status of its own", (b"HTTP/1.1 999 No\r\nContent-Length: 0\r\n\r\n",), expected="ServerError", heals=False, in_genai=False),
        Fault("an error of megabytes", (_status(400, b"<" * 3_000_000),), expected="InvalidRequestError", requests=1),
        Fault("a line of megabytes", (_sized(body.replace(b'"text": ', b'"novel": "' + b"x" * 3_000_000 + b'", "text": ')),), (_sized(events.replace(b'"text": ', b'"novel": "' + b"x" * 3_000_000 + b'", "text": ')),), requests=1),
    )  # fmt: skip


FAULTS: Final = _faults(BODY, EVENTS, SHOWN)
INTERACTION_FAULTS: Final = dict(zip((fault.name for fault in FAULTS), _faults(*_interaction()), strict=True))
"""The same faults of the Interactions API, by name."""

ASYNC: Final = ("ainvoke", "astream", "abatch", "astreaming", "astream_events", "atool", "aexecutor")
GENAI: Final = tuple(
    f"genai_{style}" for style in ("invoke", "ainvoke", "stream", "astream", "tool", "atool")
)
INTERACTIONS: Final = ("interactions_invoke", "interactions_stream")
STYLES: Final = ("invoke", "stream", "batch", "streaming", "tool", "executor", *ASYNC, *GENAI, *INTERACTIONS)
"""The calls of a chat model (`streaming` is `invoke` of a model that streams beneath), of the tool and of the
executor, and those of them that go through google-genai's client, or ask the Interactions API."""
_SHOWS: Final = frozenset({style for style in STYLES if style.endswith("stream")} | {"astream_events"})
_STREAMS: Final = _SHOWS | {"streaming", "astreaming", "tool", "atool", "genai_tool", "genai_atool"}


@dataclass
class Outcome:
    """What a cell gave."""

    result: str
    shown: str
    requests: int
    message: str


def expected_of(fault: Fault, style: str) -> tuple[str, str]:
    """The result and what is shown before it."""
    result = (fault.streaming or fault.expected) if style in _STREAMS else fault.expected
    shown = fault.shown if style in _SHOWS else ""
    if result == "whole":
        shown = "whole" if style in _SHOWS else ""
    return result, shown


@contextmanager
def _chat(style: str, url: str, settings: dict[str, Any]) -> Iterator[ChatGeminiCodeExecution]:
    """A chat model at an address; its transport is closed in the end."""
    policy = RetryPolicy(2, first_wait=0.01)
    if style in GENAI:
        genai_transport._POLICY = policy  # type: ignore[misc]  # retries are the client's, but for cut streams
        with genai.Client(api_key="k", http_options={"base_url": url}) as client:
            transport = genai_transport.GenAITransport(client)
            yield ChatGeminiCodeExecution(model=MODEL, transport=transport, answer_retries=0, **settings)
        return
    rest = RestTransport(Endpoint("developer", url), retry_policy=policy, **settings)
    transport = InteractionsTransport(rest) if style in INTERACTIONS else rest
    yield ChatGeminiCodeExecution(model=MODEL, transport=transport, answer_retries=0)
    rest.close()


def _class_name(error: BaseException | None) -> str:
    """The package's own name for an error's class, which may be one made for it."""
    names = (each.__name__ for each in type(error).__mro__ if each.__module__ == CodeExecError.__module__)
    return next(names, type(error).__name__)


def run_cell(fault: Fault, style: str) -> Outcome:
    """Call in a style against a server with a fault."""
    faults = INTERACTION_FAULTS if style in INTERACTIONS else {each.name: each for each in FAULTS}
    steps, healthy = (
        (style in _STREAMS and each.streamed) or each.unary for each in (faults[fault.name], faults["none"])
    )
    with (
        raw_server(steps, healthy) if fault.heals else raw_server(steps) as server,
        _chat(style, server.url, fault.settings) as llm,
    ):
        server.reads_body = fault.reads_body
        shown: list[str] = []
        message = ""
        try:
            result = _CALLS[style.removeprefix("genai_").removeprefix("interactions_")](
                llm, fault.prompt, shown
            )
        except CodeExecError as error:
            result, message = _class_name(error), str(error)
        except ToolException as error:
            result, message = _class_name(error.__cause__), str(error)
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


_RAISES: Final[dict[str, Any]] = {"handle_tool_error": False}


def _whole(content: str) -> str:
    return "whole" if "whole" in content else content


def _program(prompt: str) -> str:
    return f"{PROGRAM}  # {prompt}"


def _run(llm: Any, awaitable: Awaitable[Any]) -> Any:
    async def run() -> Any:
        try:
            return await awaitable
        finally:
            if isinstance(llm.transport, genai_transport.GenAITransport):
                await llm.transport._client.aio.aclose()  # which is its user's to close

    return asyncio.run(run())


async def _aexecute(llm: Any, prompt: str) -> str:
    return (await GeminiExecutor.from_chat_model(llm).arun(_program(prompt))).stdout.strip()


_CALLS: Final[dict[str, Callable[[Any, str, list[str]], str]]] = {
    "invoke": lambda llm, prompt, _: str(llm.invoke(prompt).text),
    "ainvoke": lambda llm, prompt, _: str(_run(llm, llm.ainvoke(prompt)).text),
    "stream": _stream,
    "astream": lambda llm, prompt, shown: _run(llm, _astream(llm, prompt, shown)),
    "batch": lambda llm, prompt, _: str(llm.batch([prompt])[0].text),
    "abatch": lambda llm, prompt, _: _run(llm, _abatch(llm, prompt)),
    "streaming": lambda llm, prompt, _: str(llm.invoke(prompt, stream=True).text),
    "astreaming": lambda llm, prompt, _: str(_run(llm, llm.ainvoke(prompt, stream=True)).text),
    "tool": lambda llm, prompt, _: _whole(CodeExecutionTool(llm, **_RAISES).invoke({"task": prompt})),
    "atool": lambda llm, prompt, _: _whole(
        _run(llm, CodeExecutionTool(llm, **_RAISES).ainvoke({"task": prompt}))
    ),
    "executor": lambda llm, prompt, _: (
        GeminiExecutor.from_chat_model(llm).run(_program(prompt)).stdout.strip()
    ),
    "aexecutor": lambda llm, prompt, _: _run(llm, _aexecute(llm, prompt)),
    "astream_events": lambda llm, prompt, shown: _run(llm, _aevents(llm, prompt, shown)),
}


def problem_of(fault: Fault, style: str, outcome: Outcome) -> str:
    """What is wrong with an outcome; nothing if it is as expected."""
    result, shown = expected_of(fault, style)
    is_genai = style in GENAI
    if is_genai and (fault.heals or not fault.in_genai):
        return ""
    if (outcome.result, outcome.shown) != (result, shown):
        return f"{outcome.result} after {outcome.shown!r}, not {result} after {shown!r}: {outcome.message}"
    if result != "whole" and not is_genai and fault.says not in outcome.message:
        return f"does not say {fault.says!r}: {outcome.message}"
    is_counted = (
        fault.requests is not None and not is_genai and not (style not in _STREAMS and fault.streaming)
    )
    if is_counted and outcome.requests != fault.requests:
        return f"{outcome.requests} requests, not {fault.requests}"
    return ""
