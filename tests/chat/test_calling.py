"""Every way LangChain calls a chat model, with code execution on and off, on both services."""

from __future__ import annotations

import asyncio
from functools import reduce
from operator import add
from typing import TYPE_CHECKING, Any

import pytest
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage, message_chunk_to_message

from langchain_codeexec import ChatGeminiCodeExecution, code_executions

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

ANSWER = [
    "I run it. ",
    {"executableCode": {"code": "print(6 * 7)"}},
    "The answer is forty two, as it should be.",
]
TEXT = "I run it. The answer is forty two, as it should be."


async def ainvoke(llm: ChatGeminiCodeExecution) -> AIMessage:
    return await llm.ainvoke("q")


async def invoke(llm: ChatGeminiCodeExecution) -> AIMessage:
    return await asyncio.to_thread(llm.invoke, "q")


async def batch(llm: ChatGeminiCodeExecution) -> AIMessage:
    first, second = await asyncio.to_thread(llm.batch, ["q", "q"])
    assert first.text == second.text
    return first


async def abatch(llm: ChatGeminiCodeExecution) -> AIMessage:
    first, second = await llm.abatch(["q", "q"])
    assert first.text == second.text
    return first


def summed(chunks: list[AIMessageChunk]) -> AIMessage:
    assert len(chunks) > 4, "text arrives in pieces"
    return message_chunk_to_message(reduce(add, chunks))


async def stream(llm: ChatGeminiCodeExecution) -> AIMessage:
    return summed(await asyncio.to_thread(lambda: list(llm.stream("q"))))


async def astream(llm: ChatGeminiCodeExecution) -> AIMessage:
    return summed([chunk async for chunk in llm.astream("q")])


async def events_v2(llm: ChatGeminiCodeExecution) -> AIMessage:
    events = [event async for event in llm.astream_events("q", version="v2")]
    streamed = [event["data"]["chunk"] for event in events if event["event"] == "on_chat_model_stream"]
    [end] = [event["data"]["output"] for event in events if event["event"] == "on_chat_model_end"]
    assert summed(streamed).content == message_chunk_to_message(end).content
    return message_chunk_to_message(end)


async def events_v3(llm: ChatGeminiCodeExecution) -> AIMessage:
    def run() -> AIMessage:
        told = llm.stream_events("q", version="v3")
        assert "".join(told.text) == TEXT
        return told.output

    return await asyncio.to_thread(run)


async def aevents_v3(llm: ChatGeminiCodeExecution) -> AIMessage:
    told = await llm.astream_events("q", version="v3")
    return await told.output


WAYS = [invoke, ainvoke, batch, abatch, stream, astream, events_v2, events_v3, aevents_v3]


@pytest.mark.filterwarnings("ignore:.*is in beta")
@pytest.mark.parametrize("way", WAYS)
async def test_every_way_runs_code_and_tells_the_same(
    gemini: Any, endpoint: str, way: Callable[..., Awaitable[AIMessage]]
) -> None:
    gemini.says(ANSWER)
    llm = gemini.on(endpoint)

    answer = await way(llm)
    await llm.aclose()

    assert answer.text == TEXT
    [run] = code_executions(answer)
    assert (run.code, run.output, run.ok) == ("print(6 * 7)", "42\n", True)
    assert answer.response_metadata["finish_reason"] == "STOP"
    assert answer.usage_metadata["total_tokens"] > 0
    assert all(request.body["tools"] == [{"codeExecution": {}}] for request in gemini.requests)
    assert {request.endpoint for request in gemini.requests} == {endpoint}


@pytest.mark.parametrize(
    ("settings", "overrides", "tools"),
    [
        ({}, {}, [{"codeExecution": {}}]),
        ({"code_execution": False}, {}, None),
        ({}, {"code_execution": False}, None),
        ({"code_execution": False}, {"code_execution": True}, [{"codeExecution": {}}]),
        ({"code_execution": False}, {"tools": [{"code_execution": {}}]}, [{"codeExecution": {}}]),
    ],
)
def test_code_execution_is_on_unless_turned_off(
    gemini: Any, settings: dict[str, Any], overrides: dict[str, Any], tools: Any
) -> None:
    gemini.says("Fine.")

    gemini.chat(**settings).invoke("q", **overrides)

    assert gemini.body.get("tools") == tools


@pytest.mark.parametrize(
    ("settings", "path"),
    [
        ({"model": "gemini-2.5-flash"}, "/v1beta/models/gemini-2.5-flash:generateContent"),
        ({"model": "models/gemini-4-pro"}, "/v1beta/models/gemini-4-pro:generateContent"),
        ({"api_version": "v1"}, "/v1/models/gemini-3-flash-preview:generateContent"),
        (
            {"vertexai": True, "project": "p", "api_key": "k"},
            "/v1beta1/projects/p/locations/global/publishers/google/models/gemini-3-flash-preview:generateContent",
        ),
        (
            {"vertexai": True, "api_key": "k"},
            "/v1beta1/publishers/google/models/gemini-3-flash-preview:generateContent",
        ),
    ],
)
def test_requests_go_to_the_service_and_model_that_are_set(gemini: Any, settings: dict, path: str) -> None:
    gemini.says("Fine.")

    gemini.chat(**settings).invoke("q")

    assert gemini.requests[-1].path == path


def test_streaming_may_lie_beneath_invoke(gemini: Any) -> None:
    gemini.says(ANSWER)

    streamed = gemini.chat(streaming=True).invoke("q")
    whole = gemini.chat().invoke("q")

    assert [request.method for request in gemini.requests] == ["streamGenerateContent", "generateContent"]
    assert streamed.text == whole.text
    assert type(streamed) is AIMessage


def test_a_call_may_name_another_model(gemini: Any) -> None:
    gemini.says("Fine.")

    answer = gemini.chat().invoke("q", model="gemini-2.5-pro")

    assert gemini.requests[-1].model == answer.response_metadata["model_name"] == "gemini-2.5-pro"


def test_tokens_are_counted_by_the_service(gemini: Any, endpoint: str) -> None:
    llm = gemini.on(endpoint)

    few = llm.get_num_tokens("Hello")
    many = llm.get_num_tokens_from_messages([HumanMessage("Hello " * 50)], tools=[{"google_search": {}}])

    assert 0 < few < many
    assert [request.method for request in gemini.requests] == ["countTokens"] * 2


async def test_a_closed_model_opens_new_connections(gemini: Any) -> None:
    gemini.says("Fine.")
    llm = gemini.chat()

    llm.invoke("q")
    llm.close()
    llm.invoke("q")
    await llm.ainvoke("q")
    await llm.aclose()
    await llm.ainvoke("q")
    await llm.aclose()

    assert len(gemini.requests) == 4
