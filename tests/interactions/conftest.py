"""A server that answers as the Interactions API does, with what a test sets."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

import pytest

from langchain_codeexec import ChatGeminiCodeExecution
from langchain_codeexec.gemini.endpoints import Endpoint
from langchain_codeexec.gemini.interactions import InteractionsTransport
from langchain_codeexec.gemini.rest import RestTransport
from langchain_codeexec.gemini.retries import RetryPolicy
from tests.gemini.conftest import Server

if TYPE_CHECKING:
    from collections.abc import Iterator

MODEL = "gemini-3-flash-preview"
Json = dict[str, Any]
_JSON = {"Content-Type": "application/json"}


def text(*pieces: str) -> Json:
    return {"type": "model_output", "content": [{"type": "text", "text": piece} for piece in pieces]}


def interaction(*steps: Json, status: str = "completed", **fields: Any) -> Json:
    """An interaction as a whole."""
    usage = {"total_input_tokens": 3, "total_output_tokens": 2, "total_tokens": 5}
    return {
        "id": "",
        "status": status,
        "object": "interaction",
        "model": MODEL,
        "usage": usage,
        "steps": list(steps),
        **fields,
    }


def events(
    *steps: Json, status: str = "completed", name: str = "", begin: int = 0, **fields: Any
) -> list[Json]:
    """The same as events: text in pieces of two letters, everything else as a delta or at once."""
    stream: list[Json] = [_event("interaction.created", interaction={"id": name, "status": "in_progress"})]
    for index, step in enumerate(steps, begin):
        stream += _step_events(index, step)
    whole = {
        key: value
        for key, value in interaction(status=status, **{"id": name, **fields}).items()
        if key != "steps"
    }
    return [*stream, _event("interaction.completed", interaction=whole)]


def _event(kind: str, **fields: Any) -> Json:
    return {"event_type": kind, **fields}


def _step_events(index: int, step: Json) -> Iterator[Json]:
    started, deltas = dict(step), []
    if step["type"] == "model_output":
        for content in started.pop("content", ()):
            is_text = content["type"] == "text"
            pieces = (
                [content["text"][i : i + 2] for i in range(0, len(content["text"]), 2)] if is_text else []
            )
            deltas += [{"type": "text", "text": piece} for piece in pieces] or [content]
            if content.get("annotations"):
                deltas.append({"type": "text_annotation_delta", "annotations": content["annotations"]})
    elif step["type"] == "thought":
        deltas += [{"type": "thought_summary", "content": content} for content in started.pop("summary", ())]
        if signature := started.pop("signature", None):
            deltas.append({"type": "thought_signature", "signature": signature})
    elif step["type"] == "function_call":
        arguments = json.dumps(started["arguments"])
        started["arguments"] = {}
        deltas += [{"type": "arguments_delta", "arguments": each} for each in (arguments[:3], arguments[3:])]
    elif step["type"] == "code_execution_call":
        deltas.append({"type": step["type"], "arguments": started.pop("arguments")})
        started["arguments"] = {}
    elif step["type"] == "code_execution_result" and isinstance(step["result"], str):
        deltas.append({"type": step["type"], "result": started["result"]})
        started["result"] = ""
    yield _event("step.start", index=index, step=started)
    yield from (_event("step.delta", index=index, delta=delta) for delta in deltas)
    yield _event("step.stop", index=index)


class Service:
    """The server, and chat models that talk to it."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self.waits: list[float] = []
        self._made: list[Any] = []

    @property
    def url(self) -> str:
        return self._server.url

    @property
    def requests(self) -> list[Any]:
        return self._server.requests

    @property
    def bodies(self) -> list[Json]:
        return [request.body for request in self.requests]

    def answers(self, *interactions: Json) -> None:
        for each in interactions:
            self._server.answer(each, headers=_JSON)

    def refuses(self, status: int, message: str, code: str = "") -> None:
        self._server.answer({"error": {"message": message, "code": code}}, status=status, headers=_JSON)

    def streams(self, stream: list[Json], *, cut: bool = False) -> None:
        pieces = [f"event: {event['event_type']}\ndata: {json.dumps(event)}\n\n".encode() for event in stream]
        self._server.stream(*pieces, *([] if cut else [b"event: done\ndata: [DONE]\n\n"]), cut=cut)

    def raw(self, *pieces: Any) -> None:
        self._server.stream(*pieces, cut=True)

    async def _asleep(self, seconds: float) -> None:
        self.waits.append(seconds)

    def transport(self, *, sleep: Any = None, asleep: Any = None) -> InteractionsTransport:
        policy = RetryPolicy(0, sleep=sleep or self.waits.append, asleep=asleep or self._asleep)
        rest = RestTransport(Endpoint("developer", self.url), retry_policy=policy)
        self._made.append(rest)
        return InteractionsTransport(rest)

    def chat(self, **settings: Any) -> ChatGeminiCodeExecution:
        return ChatGeminiCodeExecution(**{"model": MODEL, "transport": self.transport(), **settings})

    def close(self) -> None:
        for transport in self._made:
            transport.close()


@pytest.fixture
def service() -> Iterator[Service]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        made = Service(server)
        yield made
        made.close()
        server.shutdown()
        thread.join()
