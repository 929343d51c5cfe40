"""Every way LangChain calls a chat model, with code execution on and off, on both services."""

import asyncio
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage

from langchain_codeexec import ChatGeminiCodeExecution, code_executions
from tests.calls import ainvoked, astreamed, events_v3, invoked, streamed
from tests.services import OLD

ANSWER = [
    "I run it. ",
    {"executableCode": {"code": "print(6 * 7)"}},
    "The answer is forty two, as it should be.",
]
TEXT = "I run it. The answer is forty two, as it should be."


def batch(llm: ChatGeminiCodeExecution) -> AIMessage:
    first, second = llm.batch(["q", "q"])
    assert first.text == second.text
    return first


def abatch(llm: ChatGeminiCodeExecution) -> AIMessage:
    async def call() -> list[AIMessage]:
        answers = await llm.abatch(["q", "q"])
        await llm.aclose()
        return answers

    first, second = asyncio.run(call())
    assert first.text == second.text
    return first


def events_v2(llm: ChatGeminiCodeExecution) -> AIMessage:
    async def call() -> AIMessage:
        events = [event async for event in llm.astream_events("q", version="v2")]
        await llm.aclose()
        [end] = [event["data"]["output"] for event in events if event["event"] == "on_chat_model_end"]
        return end

    return asyncio.run(call())


def aevents_v3(llm: ChatGeminiCodeExecution) -> AIMessage:
    async def call() -> AIMessage:
        stream = await llm.astream_events("q", version="v3")
        answer = await stream.output
        await llm.aclose()
        return answer

    return asyncio.run(call())


@pytest.mark.filterwarnings("ignore:.*is in beta")
@pytest.mark.parametrize(
    "ask", [invoked, ainvoked, batch, abatch, streamed, astreamed, events_v2, events_v3, aevents_v3]
)
def test_every_way_runs_code_and_gives_the_same(gemini: Any, endpoint: str, ask: Any) -> None:
    gemini.says(ANSWER)
    answer = ask(gemini.on(endpoint))
    assert answer.text == TEXT
    [run] = code_executions(answer)
    assert (run.code, run.output, run.ok) == ("print(6 * 7)", "42\n", True)
    assert answer.response_metadata["finish_reason"] == "STOP"
    assert answer.usage_metadata["total_tokens"] > 0
    assert all(request.body["tools"] == [{"codeExecution": {}}] for request in gemini.requests)
    assert {request.endpoint for request in gemini.requests} == {endpoint}


@pytest.mark.filterwarnings("ignore:.*is in beta")
async def test_text_arrives_in_pieces(gemini: Any) -> None:
    gemini.says(ANSWER)
    llm = gemini.chat()
    texts = [
        [chunk.text for chunk in llm.stream("q")],
        [chunk.text async for chunk in llm.astream("q")],
        [
            event["data"]["chunk"].text
            async for event in llm.astream_events("q", version="v2")
            if event["event"] == "on_chat_model_stream"
        ],
    ]
    await llm.aclose()
    assert ["".join(pieces) for pieces in [*texts, llm.stream_events("q", version="v3").text]] == [TEXT] * 4
    assert all(len(pieces) > 4 for pieces in texts)


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


def test_streaming_may_lie_beneath_invoke(gemini: Any) -> None:
    gemini.says(ANSWER)
    streamed = gemini.chat(streaming=True).invoke("q")
    whole = gemini.chat().invoke("q")
    assert [request.method for request in gemini.requests] == ["streamGenerateContent", "generateContent"]
    assert streamed.text == whole.text
    assert type(streamed) is AIMessage


def test_a_call_may_name_another_model(gemini: Any) -> None:
    gemini.says("Fine.")
    answer = gemini.chat().invoke("q", model=OLD)
    assert gemini.requests[-1].model == answer.response_metadata["model_name"] == OLD


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
