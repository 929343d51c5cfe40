"""A google-genai client of the newest release: its types take what is sent, and it carries interactions itself.

CI runs this where that release is installed, which another client among the tests does not allow beside it.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from google.genai import Client
from google.genai.interactions import Interaction
from hypothesis import given
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage

from langchain_codeexec import ChatGeminiCodeExecution
from langchain_codeexec.errors import GeminiConnectionError, InvalidRequestError, ServerError
from langchain_codeexec.gemini.genai import GenAITransport
from langchain_codeexec.gemini.interactions.requests import body_from_request
from tests.interactions.conftest import MODEL, Service, events, interaction, text
from tests.interactions.strategies import STEPS, contents_from_steps
from tests.interactions.test_answers import ANSWERS, CALL, streamed, unplaced, weather

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def client(service: Service) -> Iterator[Client]:
    options: Any = {"base_url": service.url, "api_version": "v1beta", "retry_options": {"attempts": 1}}
    with Client(api_key="key", http_options=options) as client:
        yield client


@pytest.fixture
def llm(client: Client) -> ChatGeminiCodeExecution:
    return ChatGeminiCodeExecution(model=MODEL, api="interactions", transport=GenAITransport(client))


@given(STEPS)
def test_the_clients_types_take_the_steps(steps: list[dict]) -> None:
    body = body_from_request(MODEL, {"contents": contents_from_steps(steps)})
    read = Interaction.model_validate({"status": "completed", "steps": body["input"]})
    dumped = read.model_dump(mode="json", by_alias=True, exclude_unset=True)
    assert [step["type"] for step in dumped["steps"]] == [step["type"] for step in body["input"]]


@pytest.mark.parametrize("steps", ANSWERS)
def test_answers_are_those_of_other_transports(service: Service, llm: Any, steps: list[dict]) -> None:
    service.answers(interaction(*steps), interaction(*steps))
    mine = llm.bind_tools([weather]).invoke("How many?")
    other = service.chat().bind_tools([weather]).invoke("How many?")
    assert mine.content == other.content
    service.streams(events(*steps))
    assert unplaced(streamed(llm.bind_tools([weather]))) == other.content
    sent, expected = service.bodies[:2]
    assert sent == expected


def test_a_conversation_with_a_function(service: Service, llm: Any) -> None:
    service.answers(interaction(CALL, status="requires_action", id="i1"), interaction(text("Rain."), id="i2"))
    bound = llm.bind_tools([weather])
    answer = bound.invoke("Weather?", store=True)
    again = [HumanMessage("Weather?"), answer, ToolMessage("rain", tool_call_id="f1")]
    assert bound.invoke(again, store=True).text == "Rain."
    assert service.bodies[1]["previous_interaction_id"] == "i1"


@pytest.mark.parametrize("as_events", [False, True])
def test_its_own_loop_follows_long_answers(service: Service, llm: Any, as_events: bool) -> None:
    for name, said, token in (("i1", "Once ", "t1"), ("i2", "upon a time.", "")):
        status = "requires_continuation" if token else "completed"
        fields = {"continuation_token": token} if token else {}
        if as_events:
            service.streams(events(text(said), status=status, name=name, **fields))
        else:
            service.answers(interaction(text(said), status=status, id=name, **fields))
    answer: AIMessage = streamed(llm) if as_events else llm.invoke("How many?")
    assert answer.text == "Once upon a time."
    assert answer.usage_metadata["total_tokens"] == 10
    assert answer.response_metadata["response_id"] == "i2"
    assert answer.response_metadata["continuation_ids"] == ["i1", "i2"]
    assert len(service.requests) == 2


def test_an_answer_that_broke_on_its_way_is_told_with_the_error(service: Service, llm: Any) -> None:
    service.answers(interaction(text("Once "), status="requires_continuation", continuation_token="t1"))
    service.refuses(500, "It broke.", "internal")
    with pytest.raises(ServerError) as raised:
        llm.invoke("How many?")
    assert "Once " in raised.value.__notes__[0]


def test_async_and_background(service: Service, llm: Any) -> None:
    async def ask() -> str:
        answer = await llm.ainvoke("How many?", store=True, background=True)
        await llm.transport.client.aio.aclose()
        return answer.text

    service.answers(interaction(status="in_progress", id="i1"), interaction(text("Done."), id="i1"))
    assert asyncio.run(ask()) == "Done."
    assert service.requests[1].path.startswith("/v1beta/interactions/i1?")


def test_failures_are_typed(service: Service, llm: Any) -> None:
    service.refuses(400, "Not so.", "invalid_request")
    with pytest.raises(InvalidRequestError, match=r"Not so\."):
        llm.invoke("How many?")
    service.streams([*events(text("Half"))[:-1], {"event_type": "error", "error": {"code": "internal"}}])
    with pytest.raises(ServerError):
        list(llm.stream("How many?"))


def test_a_closed_port_is_a_connection_error() -> None:
    options: Any = {"base_url": "http://127.0.0.1:9", "retry_options": {"attempts": 1}}
    with Client(api_key="key", http_options=options) as client:
        llm = ChatGeminiCodeExecution(model=MODEL, api="interactions", transport=GenAITransport(client))
        with pytest.raises(GeminiConnectionError):
            llm.invoke("Hi")
