"""What is fuzzed of the Interactions API: its answers, whole and as events."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import reduce
from typing import Any

from hypothesis import strategies as st
from langchain_core.messages import HumanMessage, message_chunk_to_message

from langchain_codeexec import ChatGeminiCodeExecution
from langchain_codeexec.errors import CodeExecError
from langchain_codeexec.gemini.interactions import InteractionsTransport
from langchain_codeexec.gemini.retries import RetryPolicy
from tests.fuzz.targets import FUNCTION, Answering, Target, broken, send, use
from tests.services import NEW


class Interacting(Answering):
    """Answers with interactions or events, of which a transport gives the objects alone."""

    retry_policy = RetryPolicy(0, sleep=lambda _: None)
    deadline = 0.1  # of interactions that go on running

    def interaction(self, request: Any, **limits: Any) -> Any:
        return self.chunks[0] if self.chunks and isinstance(self.chunks[0], dict) else {}

    def interaction_events(self, request: Any, **limits: Any) -> Any:
        yield from (chunk for chunk in self.chunks if isinstance(chunk, dict))


STEPS: list[dict[str, Any]] = [
    {"type": "model_output", "content": [{"type": "text", "text": "Hello.", "annotations": [
        {"type": "url_citation", "url": "https://x", "title": "t", "start_index": 0, "end_index": 3}]}]},
    {"type": "model_output", "content": [{"type": "image", "data": "iVBORw0KGgo=", "mime_type": "image/png"}]},
    {"type": "thought", "summary": [{"type": "text", "text": "Hm."}], "signature": "c2ln"},
    {"type": "code_execution_call", "id": "a", "arguments": {"code": "print(1)", "language": "python"}, "signature": "c2ln"},
    {"type": "code_execution_result", "call_id": "a", "result": "1\n", "is_error": False, "signature": "c2ln"},
    {"type": "function_call", "id": "f1", "name": "f", "arguments": {"x": 1}, "signature": "c2ln"},
    {"type": "google_search_call", "id": "s", "arguments": {"queries": ["q"]}},
    {"type": "user_input", "content": [{"type": "text", "text": "q"}]},
    {"type": "something_new", "value": 1},
]  # fmt: skip
WHOLE: dict[str, Any] = {
    "id": "i", "object": "interaction", "status": "completed", "model": NEW, "errors": [{"message": "m"}],
    "continuation_token": "", "continuation_ids": ["h"], "environment_id": "e", "event_id": "1",
    "usage": {"total_input_tokens": 1, "total_tokens": 2, "input_tokens_by_modality": [{"modality": "text", "tokens": 1}]},
}  # fmt: skip
DELTAS: list[dict[str, Any]] = [
    {"type": "text", "text": "Hello."},
    {"type": "text_annotation_delta", "annotations": [{"type": "url_citation", "url": "https://x"}]},
    {"type": "thought_summary", "content": {"type": "text", "text": "Hm."}},
    {"type": "thought_signature", "signature": "c2ln"},
    {"type": "arguments_delta", "arguments": '{"x": 1}'},
    {"type": "code_execution_call", "arguments": {"code": "print(1)", "language": "python"}},
    {"type": "code_execution_result", "result": "1\n"},
]


def _whole(steps: list[Any], status: str) -> list[Any]:
    return [{**WHOLE, "status": status, "steps": steps}]


def _events(steps: list[Any], deltas: list[Any], status: str) -> list[Any]:
    events: list[Any] = [
        {"event_type": "interaction.created", "interaction": {**WHOLE, "status": "in_progress"}}
    ]
    for index, step in enumerate(steps):
        events.append({"event_type": "step.start", "index": index, "step": step, "event_id": f"e{index}"})
        events += ({"event_type": "step.delta", "index": index, "delta": delta} for delta in deltas)
        events.append({"event_type": "step.stop", "index": index})
    return [*events, {"event_type": "interaction.completed", "interaction": {**WHOLE, "status": status}}]


_STEPS = st.lists(st.sampled_from(STEPS), max_size=4)
_STATUS = st.sampled_from(["completed", "requires_action", "incomplete", "failed", "cancelled"])
ANSWERS = broken(
    st.builds(_whole, _STEPS, _STATUS)
    | st.builds(_events, _STEPS, st.lists(st.sampled_from(DELTAS), max_size=2), _STATUS)
)


def interactions(chunks: Any) -> None:
    carrier: Any = Interacting(chunks if isinstance(chunks, list) else [])
    transport = InteractionsTransport(carrier)
    llm = ChatGeminiCodeExecution(model=NEW, transport=transport, answer_retries=0).bind_tools([FUNCTION])
    stream: Any = llm.stream
    ways: list[Callable[[], Any]] = [
        lambda: llm.invoke("q"),
        lambda: message_chunk_to_message(reduce(lambda whole, chunk: whole + chunk, stream("q"))),
    ]
    for way in ways:
        with suppress(CodeExecError):
            message = way()
            use(message)
            send([HumanMessage("q"), message, HumanMessage("and?")])
            llm.invoke([HumanMessage("q"), message, HumanMessage("and?")])


TARGETS = {"interactions": Target(ANSWERS, interactions)}
