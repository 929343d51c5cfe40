"""Chat models over the Interactions API: what they send, and what their messages say."""

from __future__ import annotations

import asyncio
import json
from functools import reduce
from operator import add
from typing import Any

import pytest
from google.genai import Client
from langchain_core.messages import (
    AIMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
    message_chunk_to_message,
)
from pydantic import BaseModel

from langchain_codeexec import ChatGeminiCodeExecution, code_executions
from langchain_codeexec.errors import (
    ConfigurationError,
    GeminiError,
    InvalidRequestError,
    RateLimitError,
    ResponseFormatError,
    ServerError,
    ToolDeclarationError,
)
from langchain_codeexec.gemini.endpoints import Endpoint
from langchain_codeexec.gemini.genai import GenAITransport
from tests.interactions.conftest import MODEL, Service, events, interaction, text

THOUGHT = {"type": "thought", "summary": [{"type": "text", "text": "Let me count."}], "signature": "c2ln"}
CODE = {
    "type": "code_execution_call",
    "id": "c1",
    "arguments": {"code": "echo 3", "language": "bash"},
    "signature": "c2ln",
}
RESULT = {"type": "code_execution_result", "call_id": "c1", "result": "3\n", "signature": "c2ln"}
CALL = {"type": "function_call", "id": "f1", "name": "weather", "arguments": {"city": "Ulm", "days": 2}}
CITED = {
    "type": "model_output",
    "content": [
        {
            "type": "text",
            "text": "Ulm has a high tower.",
            "annotations": [
                {
                    "type": "url_citation",
                    "url": "https://x.org",
                    "title": "X",
                    "start_index": 0,
                    "end_index": 7,
                }
            ],
        }
    ],
}
ANSWERS: list[list[dict]] = [
    [text("Three.")],
    [THOUGHT, text("Three.")],
    [THOUGHT, CODE, RESULT, text("There are three.")],
    [THOUGHT, CALL],
    [CITED],
    [text("One"), text("Two")],
    [THOUGHT, {"type": "thought", "signature": "c2ln"}, {"type": "dance", "style": "tango"}, text("x")],
    [{"type": "google_search_call", "id": "g", "arguments": {"queries": ["ulm"]}}, text("x")],
    [{"type": "model_output", "content": [{"type": "image", "data": "aGk=", "mime_type": "image/png"}]}],
]


def weather(city: str, days: int = 1) -> str:
    """The weather of a city."""
    return f"{city} {days}"


def streamed(llm: Any, question: Any = "How many?") -> AIMessage:
    total = message_chunk_to_message(reduce(add, llm.stream(question)))
    assert isinstance(total, AIMessage)
    return total


def unplaced(message: AIMessage) -> list[Any]:
    return [{key: value for key, value in block.items() if key != "index"} for block in message.content]


@pytest.mark.parametrize("steps", ANSWERS)
def test_invoked_and_streamed_answers_say_the_same_and_go_back_verbatim(
    service: Service, steps: list
) -> None:
    llm = service.chat()
    service.answers(interaction(*steps))
    invoked = llm.bind_tools([weather]).invoke("How many?")
    service.streams(events(*steps))
    whole = streamed(llm.bind_tools([weather]))
    assert unplaced(whole) == invoked.content
    assert whole.tool_calls == invoked.tool_calls
    assert whole.usage_metadata == invoked.usage_metadata
    assert whole.response_metadata == invoked.response_metadata
    for answer in (invoked, whole):
        service.answers(interaction(text("Well.")))
        llm.invoke([HumanMessage("How many?"), answer, HumanMessage("Really?")])
        results = [step for step in service.bodies[-1]["input"] if step["type"] != "function_result"]
        assert results[1:-1] == steps


def test_a_bash_step_is_a_record_like_any_other(service: Service) -> None:
    service.answers(interaction(CODE, RESULT, text("Three.")))
    [run] = code_executions(service.chat().invoke("How many?"))
    assert (run.code, run.language, run.output, run.id) == ("echo 3", "BASH", "3\n", "c1")


def test_citations_are_those_of_langchain(service: Service) -> None:
    service.answers(interaction(CITED))
    [block, *_] = service.chat().invoke("How high?").content
    [citation] = block["annotations"]
    assert (citation["url"], citation["title"], citation["cited_text"]) == ("https://x.org", "X", "Ulm has")


def test_what_is_asked(service: Service) -> None:
    llm = service.chat(
        temperature=0.5,
        top_p=0.9,
        seed=3,
        stop=["END"],
        max_output_tokens=9,
        thinking_level="low",
        include_thoughts=True,
        safety_settings={"HARM_CATEGORY_HARASSMENT": "BLOCK_NONE"},
        labels={"a": "b"},
        service_tier="flex",
    )
    service.answers(interaction(CALL, status="requires_action"))
    service.answers(interaction(text("Fine.")))
    bound = llm.bind_tools([weather], tool_choice="weather")
    question = [SystemMessage("Be brief."), HumanMessage("Weather?")]
    answer = bound.invoke(question)
    [call] = answer.tool_calls
    bound.invoke([*question, answer, ToolMessage("rain", tool_call_id=call["id"])])
    first, second = service.bodies
    request = service.requests[0]
    assert (request.path, request.headers["api-revision"]) == ("/v1beta/interactions", "2026-05-20")
    assert first == {
        "model": MODEL,
        "store": False,
        "input": [{"type": "user_input", "content": [{"type": "text", "text": "Weather?"}]}],
        "system_instruction": "Be brief.",
        "tools": [
            {
                "type": "function",
                "name": "weather",
                "description": "The weather of a city.",
                "parameters": {
                    "type": "object",
                    "properties": {
                        "city": {"type": "string", "title": "City"},
                        "days": {"type": "integer", "title": "Days", "default": 1},
                    },
                    "required": ["city"],
                },
            },
            {"type": "code_execution"},
        ],
        "generation_config": {
            "temperature": 0.5,
            "top_p": 0.9,
            "seed": 3,
            "stop_sequences": ["END"],
            "max_output_tokens": 9,
            "thinking_level": "low",
            "thinking_summaries": "auto",
            "tool_choice": {"allowed_tools": {"mode": "any", "tools": ["weather"]}},
        },
        "safety_settings": [{"type": "harassment", "threshold": "block_none"}],
        "labels": {"a": "b"},
        "service_tier": "flex",
    }
    returned = {"type": "function_result", "call_id": "f1", "name": "weather", "result": "rain"}
    assert second["input"] == [*first["input"], CALL, returned]


class Sum(BaseModel):
    """A sum."""

    total: int


def test_structured_output(service: Service) -> None:
    service.answers(interaction(text('{"total": 5117}')))
    assert service.chat().with_structured_output(Sum).invoke("Sum?") == Sum(total=5117)
    [form] = service.bodies[0]["response_format"]
    assert (form["type"], form["mime_type"]) == ("text", "application/json")
    assert form["schema"]["properties"]["total"]["type"] == "integer"


FILES = [
    ({"type": "image", "base64": "aGk=", "mime_type": "image/png"}, {"type": "image", "data": "aGk="}),
    (
        {"type": "file", "base64": "aGk=", "mime_type": "application/pdf"},
        {"type": "document", "data": "aGk="},
    ),
    ({"type": "file", "base64": "aGk=", "mime_type": "text/csv"}, {"type": "document", "data": "aGk="}),
    ({"type": "audio", "base64": "aGk=", "mime_type": "audio/wav"}, {"type": "audio", "data": "aGk="}),
    (
        {"type": "video", "url": "gs://b/v.mp4", "mime_type": "video/mp4"},
        {"type": "video", "uri": "gs://b/v.mp4"},
    ),
]


@pytest.mark.parametrize(("block", "content"), FILES)
def test_files_in(service: Service, block: dict, content: dict) -> None:
    service.answers(interaction(text("Seen.")))
    service.chat().invoke([HumanMessage([{"type": "text", "text": "What is it?"}, block])])
    [question] = service.bodies[0]["input"]
    assert question["content"][1] == {**content, "mime_type": block["mime_type"]}


def test_async_and_batch(service: Service) -> None:
    llm = service.chat()

    async def ask() -> list[str]:
        service.answers(interaction(text("One.")))
        first = await llm.ainvoke("1?")
        service.streams(events(text("Two.")))
        second = [chunk.text async for chunk in llm.astream("2?")]
        service.answers(interaction(text("Three.")), interaction(text("Three.")))
        third = await llm.abatch(["3?", "3?"])
        await llm.aclose()
        return [first.text, "".join(second), *(each.text for each in third)]

    assert asyncio.run(ask()) == ["One.", "Two.", "Three.", "Three."]


STATUSES = [
    ("completed", "STOP", ""),
    ("requires_action", "STOP", ""),
    ("incomplete", "MAX_TOKENS", "max_output_tokens"),
    ("budget_exceeded", "BUDGET_EXCEEDED", "budget"),
    ("cancelled", "CANCELLED", "cancelled"),
    ("a_new_one", "A_NEW_ONE", ""),
]


@pytest.mark.parametrize("as_events", [False, True])
@pytest.mark.parametrize(("status", "reason", "notice"), STATUSES)
def test_how_an_answer_ended(
    service: Service, as_events: bool, status: str, reason: str, notice: str
) -> None:
    if as_events:
        service.streams(events(text("Half"), status=status))
        answer = streamed(service.chat())
    else:
        service.answers(interaction(text("Half"), status=status))
        answer = service.chat().invoke("Tell me.")
    assert answer.text == "Half"
    assert answer.response_metadata["finish_reason"] == reason
    assert notice in answer.response_metadata.get("finish_message", "")


FAILURES = [
    ("resource_exhausted", RateLimitError),
    ("https://errors.google/invalid_argument", InvalidRequestError),
    ("too_many_requests", RateLimitError),
    ("invalid_request", InvalidRequestError),
    ("internal", ServerError),
    ("", ServerError),
]


@pytest.mark.parametrize(("code", "error"), FAILURES)
def test_a_failed_interaction_is_a_typed_error_that_holds_what_there_was(
    service: Service, code: str, error: type[GeminiError]
) -> None:
    failed = interaction(text("Half"), status="failed", errors=[{"code": code, "message": "It broke."}])
    service.answers(failed)
    with pytest.raises(error, match=r"It broke\.") as raised:
        service.chat().invoke("Tell me.")
    assert raised.value.details[0]["steps"] == [text("Half")]


MALFORMED: list[Any] = [
    [None],
    [[]],
    [{"type": []}, 7],
    [{**CITED, "content": [{**CITED["content"][0], "annotations": 7}]}],
]


@pytest.mark.parametrize("steps", MALFORMED)
def test_a_malformed_interaction_is_a_typed_error(service: Service, steps: Any) -> None:
    service.answers({**interaction(), "steps": steps})
    with pytest.raises(ResponseFormatError):
        service.chat(store=True).invoke("Tell me.")


def test_an_error_in_mid_stream_comes_after_what_was_before_it(service: Service) -> None:
    stream = events(text("Half"))[:-1]
    service.streams([*stream, {"event_type": "error", "error": {"code": "internal", "message": "It broke."}}])
    seen: list[str] = []
    with pytest.raises(ServerError, match=r"It broke\."):
        seen.extend(chunk.text for chunk in service.chat().stream("Tell me."))
    assert "".join(seen) == "Half"


@pytest.mark.parametrize("step", [CALL, {**CALL, "arguments": {}}, {**CALL, "signature": "c2ln", "extra": 1}])
def test_the_arguments_of_a_function_stream(service: Service, step: dict) -> None:
    service.streams(events(step, status="requires_action"))
    chunks = list(service.chat().bind_tools([weather]).stream("Weather?"))
    pieces = [chunk.tool_call_chunks for chunk in chunks if chunk.tool_call_chunks]
    texts = [each["args"] for piece in pieces for each in piece if each["args"]]
    assert (pieces[0][0]["name"], pieces[0][0]["id"]) == ("weather", "f1")
    assert texts == [json.dumps(step["arguments"])[:3], json.dumps(step["arguments"])[3:]][: len(texts)]
    answer = message_chunk_to_message(reduce(add, chunks))
    assert [call["args"] for call in answer.tool_calls] == [step["arguments"]]
    service.answers(interaction(text("Fine.")))
    service.chat().invoke([HumanMessage("Weather?"), answer, ToolMessage("rain", tool_call_id="f1")])
    assert service.bodies[-1]["input"][1] == step


def test_a_refused_combination_goes_the_next_way(service: Service) -> None:
    service.refuses(400, "Built-in tools and Function Calling cannot be combined in the same request.")
    service.answers(interaction(CALL, status="requires_action"))
    answer = service.chat(model="gemini-3-other").bind_tools([weather]).invoke("Weather?")
    assert answer.tool_calls
    assert [tool["type"] for tool in service.bodies[1]["tools"]] == ["function", "function"]


REFUSED: list[tuple[dict, str]] = [
    ({"top_k": 3}, "top_p"),
    ({"n": 2}, "batch"),
    ({"thinking_budget": 5}, "thinking_level"),
    ({"cached_content": "cachedContents/x"}, "store=True"),
    ({"presence_penalty": 1.0}, "generate_content"),
    ({"generation_config": {"routingConfig": {}}}, "generate_content"),
    ({"model_armor_config": {"promptTemplateName": "p"}}, "generate_content"),
    ({"background": True}, "store=True"),
    ({"tools": [{"googleSearchRetrieval": {}}]}, "googleSearchRetrieval"),
]


@pytest.mark.parametrize(("settings", "remedy"), REFUSED)
def test_what_has_no_counterpart_is_an_error_that_says_what_to_write(
    service: Service, settings: dict, remedy: str
) -> None:
    with pytest.raises((ConfigurationError, ToolDeclarationError), match=remedy):
        service.chat().invoke("Hi", **settings)
    assert not service.requests


def test_settings_of_interactions_need_interactions(service: Service) -> None:
    llm = service.chat()
    for name, value in (("store", True), ("environment", "e"), ("background", True)):
        rest = llm.transport.carrier
        with pytest.raises(ConfigurationError, match=rf"{name}.*api='interactions'"):
            llm.model_copy(update={"transport": rest}).invoke("Hi", **{name: value})


def test_other_tools_and_formats(service: Service) -> None:
    service.answers(interaction(text("Here.")))
    tools = [
        {"googleSearch": {"searchTypes": {"webSearch": {}}}},
        {"googleMaps": {"enableWidget": True}},
        {"fileSearch": {"fileSearchStoreNames": ["s"], "topK": 2}},
        {"urlContext": {}},
        {
            "mcpServers": [
                {"name": "m", "streamableHttpTransport": {"url": "https://m.org", "headers": {"a": "b"}}}
            ]
        },
    ]
    place = {"retrievalConfig": {"latLng": {"latitude": 1.0, "longitude": 2.0}}}
    service.chat(
        response_modalities=["IMAGE"],
        image_config={"aspectRatio": "1:1"},
        speech_config={"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": "Kore"}}, "languageCode": "de"},
        media_resolution="MEDIA_RESOLUTION_LOW",
    ).invoke(
        [HumanMessage([{"type": "image", "base64": "aGk=", "mime_type": "image/png"}])],
        tools=tools,
        tool_config=place,
    )
    [body] = service.bodies
    assert body["tools"][:-1] == [
        {"type": "google_search", "search_types": ["web_search"]},
        {"type": "google_maps", "enable_widget": True, "latitude": 1.0, "longitude": 2.0},
        {"type": "file_search", "file_search_store_names": ["s"], "top_k": 2},
        {"type": "url_context"},
        {"type": "mcp_server", "name": "m", "url": "https://m.org", "headers": {"a": "b"}},
    ]
    assert body["response_modalities"] == ["image"]
    assert body["response_format"] == [{"type": "image", "aspect_ratio": "1:1"}]
    assert body["generation_config"]["speech_config"] == [{"language": "de", "voice": "Kore"}]
    assert body["input"][0]["content"][0]["resolution"] == "low"


OWN_TOOLS: list[dict] = [
    {"type": "function", "name": "f", "parameters": {"type": "object", "properties": {"x": {}}}},
    {"type": "function", "name": "g", "short_description": "Another.", "defer_loading": True},
    {"type": "google_search", "search_types": ["web_search"]},
    {"type": "url_context"},
    {"type": "mcp_server", "name": "m", "url": "https://m.org", "headers": {"X-Key": "b"}},
    {"type": "mcp_server", "name": "n", "url": "https://n.org", "allowed_tools": [{"tools": ["a_b"]}]},
    {"type": "file_search", "file_search_store_names": ["s"], "top_k": 2},
    {"type": "google_maps", "latitude": 1.0, "longitude": 2.0},
    {"type": "computer_use", "environment": "browser"},
    {"type": "tool_search"},
    {"type": "retrieval", "rag_store_config": {"rag_resources": [{"rag_corpus": "c"}]}},
    {"type": "code_execution"},
]


def test_tools_as_interactions_spell_them(service: Service) -> None:
    for _ in range(2):
        service.answers(interaction(text("Here.")))
    llm = service.chat()
    llm.bind_tools(OWN_TOOLS).invoke("Hi")
    llm.bind_tools(OWN_TOOLS[:5]).bind_tools(OWN_TOOLS[5:]).invoke("Hi")
    whole, twice = (body["tools"] for body in service.bodies)
    assert whole == twice == OWN_TOOLS


def test_an_environment_is_passed_through_and_shown_without_its_secrets(service: Service) -> None:
    given = {
        "type": "remote",
        "env": {"TOKEN": "secret"},
        "sources": [{"type": "inline", "target": "/a", "content": "secret"}],
        "network": {"allowlist": [{"domain": "x.org", "transform": {"headers": {"key": "secret"}}}]},
    }
    service.answers(interaction(CODE, RESULT, text("Three."), environment_id="env_1", environment=given))
    answer = service.chat(environment=given).invoke("How many?")
    assert service.bodies[0]["environment"] == given
    assert answer.response_metadata["environment_id"] == "env_1"
    shown = {"type": "remote", "sources": [{"type": "inline", "target": "/a"}], "network": ["x.org"]}
    assert answer.response_metadata["environment"] == shown
    failed = {"status": "failed", "environment": given, "errors": [{"message": "No.", "code": "internal"}]}
    service.answers(interaction(**failed))
    with pytest.raises(ServerError) as raised:
        service.chat(environment=given).invoke("How many?")
    assert "secret" not in f"{raised.value!r} {vars(raised.value)}"


def test_tokens_are_counted_by_generate_content(service: Service) -> None:
    service.answers(interaction(CODE, RESULT, text("Three.")))
    service.answers({"totalTokens": 7})
    llm = service.chat()
    answer = llm.invoke("How many?")
    assert llm.get_num_tokens_from_messages([HumanMessage("How many?"), answer]) == 7
    assert service.requests[1].path.endswith(":countTokens")


def test_where_interactions_are_on_either_service() -> None:
    vertex = Endpoint("vertex", project="p", location="europe-west4")
    assert vertex.interactions_url("a/b", "cancel") == (
        "https://europe-west4-aiplatform.googleapis.com/v1beta1/projects/p/locations/europe-west4"
        "/interactions/a%2Fb/cancel"
    )
    assert Endpoint("developer").interactions_url() == (
        "https://generativelanguage.googleapis.com/v1beta/interactions"
    )


def test_a_client_that_is_too_old_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("langchain_codeexec.gemini.genai.version", lambda _: "2.34.0")
    transport = GenAITransport(Client(api_key="key"))
    with pytest.raises(ConfigurationError, match=r"google-genai 2\.34\.0 .*'google-genai>=3'"):
        ChatGeminiCodeExecution(model=MODEL, api="interactions", transport=transport)


def test_a_transport_that_knows_no_interactions_is_refused_at_once() -> None:
    class Other:
        endpoint, address = "developer", ""

        def generate(self) -> None:
            """Answer nothing."""

    with pytest.raises(ConfigurationError, match="RestTransport or a GenAITransport, not Other"):
        ChatGeminiCodeExecution(model=MODEL, api="interactions", transport=Other())
