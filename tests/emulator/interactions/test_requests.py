"""What is asked of an interaction: its forms, what brains read of them, and what is refused."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.emulator.interactions.conftest import CODE_TOOL, NEW, OLD, PATH, VERTEX, WEATHER, refusal

TEXT = {"type": "text", "text": "Hi"}
PNG = base64.b64encode(b"\x89PNG").decode()
IMAGE = {"type": "image", "data": PNG, "mime_type": "image/png"}
USER = {"type": "user_input", "content": [TEXT]}
OTHERS = base64.b64encode(b"emulated-vertex:0123456789abcdef").decode()
SEARCH = {"type": "google_search"}


def result(call_id: str, value: Any, **more: Any) -> dict[str, Any]:
    return {"type": "function_result", "call_id": call_id, "result": value, **more}


def ran(value: Any) -> dict[str, Any]:
    return {"type": "code_execution_result", "call_id": "c1", "result": value}


def call(**more: Any) -> dict[str, Any]:
    return {"type": "function_call", "id": "c1", "name": "weather", "arguments": {}, **more}


@pytest.fixture
def answering(interact):
    """A client of an emulator that answers all, and what its brain read."""
    read: list[Any] = []
    client = interact(lambda prompt: read.append(prompt.request) or "So.")
    return client, read


@pytest.mark.parametrize(
    ("given", "contents"),
    [
        ("Hi", [{"role": "user", "parts": [{"text": "Hi"}]}]),
        (TEXT, [{"role": "user", "parts": [{"text": "Hi"}]}]),
        (
            [TEXT, IMAGE],
            [
                {
                    "role": "user",
                    "parts": [{"text": "Hi"}, {"inlineData": {"mimeType": "image/png", "data": PNG}}],
                }
            ],
        ),
        ([USER], [{"role": "user", "parts": [{"text": "Hi"}]}]),
        (
            [USER, {"type": "model_output", "content": [{"type": "text", "text": "Yes?"}]}, USER],
            [
                {"role": "user", "parts": [{"text": "Hi"}]},
                {"role": "model", "parts": [{"text": "Yes?"}]},
                {"role": "user", "parts": [{"text": "Hi"}]},
            ],
        ),
        (
            [
                {"role": "user", "content": "Hi"},
                {"role": "model", "content": [TEXT]},
                {"role": "user", "content": TEXT},
            ],
            [
                {"role": "user", "parts": [{"text": "Hi"}]},
                {"role": "model", "parts": [{"text": "Hi"}]},
                {"role": "user", "parts": [{"text": "Hi"}]},
            ],
        ),
        (
            [{"type": "document", "uri": "https://example.org/a.pdf", "mime_type": "application/pdf"}],
            [
                {
                    "role": "user",
                    "parts": [
                        {"fileData": {"mimeType": "application/pdf", "fileUri": "https://example.org/a.pdf"}}
                    ],
                }
            ],
        ),
    ],
)
def test_input_in_all_its_forms(answering, given, contents):
    client, read = answering
    client.create(input=given)
    assert read[-1]["contents"] == contents


@pytest.mark.parametrize(
    ("answer", "response"),
    [
        (result("c1", "sun"), {"result": "sun"}),
        (result("c1", "no such city", is_error=True), {"error": "no such city"}),
        (result("c1", {"sky": "blue"}), {"sky": "blue"}),
        (result("c1", [{"type": "text", "text": "sun"}]), {"result": "sun"}),
        (result("c1", {"content": [{"type": "text", "text": "sun"}]}), {"result": "sun"}),
    ],
)
@pytest.mark.parametrize("within", [False, True])
def test_results_of_functions(answering, answer, response, within):
    client, read = answering
    given = {"type": "user_input", "content": [answer]} if within else answer
    client.create(model=OLD, input=[USER, call(), given], tools=[WEATHER])
    *_, asked, told = read[-1]["contents"]
    assert asked["parts"] == [{"functionCall": {"name": "weather", "args": {}}}]
    assert told["parts"] == [{"functionResponse": {"name": "weather", "response": response}}]


def test_media_in_a_function_result(answering):
    client, read = answering
    thought = {"type": "thought", "signature": PNG}
    client.create(input=[USER, thought, call(), result("c1", [TEXT, IMAGE])], tools=[WEATHER])
    assert read[-1]["contents"][-2]["parts"][0]["thoughtSignature"] == PNG
    assert read[-1]["contents"][-1]["parts"][0]["functionResponse"] == {
        "id": "c1",
        "name": "weather",
        "response": {"result": "Hi"},
        "parts": [{"inlineData": {"mimeType": "image/png", "data": PNG}}],
    }


def test_code_goes_back_as_it_came(answering):
    client, read = answering
    code = {"type": "code_execution_call", "id": "e1", "arguments": {"code": "ls", "language": "bash"}}
    done = {"type": "code_execution_result", "call_id": "e1", "result": "", "is_error": True}
    search = {"type": "google_search_call", "id": "s1", "arguments": {"queries": ["a"]}}
    client.create(input=[USER, {**code, "signature": PNG}, done, search, USER], tools=[CODE_TOOL, SEARCH])
    assert read[-1]["contents"][1]["parts"] == [
        {"executableCode": {"id": "e1", "language": "BASH", "code": "ls"}, "thoughtSignature": PNG},
        {"codeExecutionResult": {"id": "e1", "outcome": "OUTCOME_FAILED", "output": ""}},
        {"toolCall": {"id": "s1", "toolType": "GOOGLE_SEARCH", "args": {"arguments": {"queries": ["a"]}}}},
    ]


def test_settings_tools_and_form(answering):
    client, read = answering
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}}
    client.create(
        input="Hi",
        system_instruction="Be brief.",
        tools=[CODE_TOOL, {**WEATHER, "description": "Now."}, SEARCH],
        generation_config={
            "temperature": 0.5,
            "top_k": 3,
            "stop_sequences": ["END"],
            "max_output_tokens": 100,
            "thinking_level": "low",
            "thinking_summaries": "auto",
            "tool_choice": {"allowed_tools": {"mode": "any", "tools": ["weather"]}},
            "image_config": {"aspect_ratio": "1:1"},
        },
        response_format=[
            {"type": "text", "mime_type": "application/json", "schema": schema},
            {"type": "image"},
        ],
        labels={"a": "b"},
        service_tier="flex",
    )
    request = read[-1]
    assert request["tools"] == [
        {"codeExecution": {}},
        {
            "functionDeclarations": [
                {"name": "weather", "description": "Now.", "parametersJsonSchema": {"type": "object"}}
            ]
        },
        {"googleSearch": {}},
    ]
    assert request["toolConfig"] == {
        "functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["weather"]},
        "includeServerSideToolInvocations": True,
    }
    assert request["generationConfig"] == {
        "temperature": 0.5,
        "topK": 3,
        "stopSequences": ["END"],
        "maxOutputTokens": 100,
        "thinkingConfig": {"thinkingLevel": "LOW", "includeThoughts": True},
        "responseMimeType": "application/json",
        "responseJsonSchema": schema,
    }
    assert request["systemInstruction"] == {"parts": [{"text": "Be brief."}]}


@pytest.mark.parametrize(
    "form",
    [
        {"response_format": {"type": "object", "title": "N"}},
        {"response_format": {"type": "object", "title": "N"}, "response_mime_type": "application/json"},
        {"response_format": {"type": "text", "schema": {"type": "object", "title": "N"}}},
    ],
)
def test_a_schema_in_all_its_forms(answering, form):
    client, read = answering
    client.create(input="Hi", **form)
    assert read[-1]["generationConfig"] == {
        "responseMimeType": "application/json",
        "responseJsonSchema": {"type": "object", "title": "N"},
    }


def test_an_uploaded_file_reaches_code_and_brain(answering):
    client, read = answering
    uploaded = client.http.post(
        "/upload/v1beta/files", content=b"n\n42\n", headers={"content-type": "text/csv"}
    ).json()["file"]
    client.create(input=[{"type": "document", "uri": uploaded["uri"], "mime_type": "text/csv"}])
    assert read[-1]["contents"][0]["parts"] == [
        {"inlineData": {"mimeType": "text/csv", "data": base64.b64encode(b"n\n42\n").decode()}}
    ]


MISSING_SIGNATURE = "Function call is missing a thought_signature in functionCall parts."


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "Invalid input at 'input'."),
        ({"input": []}, "* GenerateContentRequest.contents: contents is not specified"),
        ({"input": [7]}, "Invalid input at 'input[0]'."),
        ({"input": [TEXT, USER]}, "Invalid input at 'input[0].type'."),
        ({"input": [{"type": "user_input", "content": "Hi"}]}, "Invalid input at 'input[0].content[0]'."),
        ({"input": {"type": "text"}}, "Invalid input at 'input[0].text'."),
        ({"input": [{**USER, "mood": "good"}]}, "Invalid input at 'input[0].mood'."),
        ({"input": [{"type": "thought_of"}]}, "Invalid input at 'input[0].type'."),
        ({"input": [{**IMAGE, "data": "?"}]}, "Invalid input at 'input[0].data'."),
        ({"input": "Hi", "stream": "yes"}, "Invalid input at 'stream'."),
        ({"input": "Hi", "temperature": 1}, "Invalid input at 'temperature'."),
        ({"input": "Hi", "tools": [{"type": "magic"}]}, "Invalid input at 'tools[0].type'."),
        ({"input": "Hi", "tool_config": {}}, "Invalid input at 'tool_config'."),
        ({"input": "Hi", "generation_config": {"top_q": 1}}, "Invalid input at 'generation_config.top_q'."),
        ({"input": "Hi", "response_format": "json"}, "Invalid input at 'response_format'."),
        ({"input": "Hi", "environment": {"sources": []}}, "Invalid input at 'environment.type'."),
        ({"input": "Hi", "agent": "deep-research"}, "Exactly one of 'model' and 'agent' must be set."),
        ({"input": "Hi", "webhook_config": {}}, "does not cover interactions with 'webhook_config'"),
        ({"input": "Hi", "background": True, "store": False}, "'background' needs 'store'"),
        ({"input": [USER, {"type": "thought", "summary": [TEXT]}, USER]}, "contains an invalid argument"),
        ({"input": [USER, call(), result("c1", "sun")]}, MISSING_SIGNATURE),
        ({"input": [USER, {"type": "thought", "signature": OTHERS}, call(), result("c1", "a")]}, "not valid"),
        ({"input": [USER, result("c1", 7)]}, "Invalid input at 'input[1].result'."),
        ({"input": [USER, result("c1", [7])]}, "Invalid input at 'input[1].result[0]'."),
        ({"input": [USER, result("c1", {"content": [{}]})]}, "'input[1].result.content[0].type'."),
        ({"input": [USER, ran([{"type": "text"}])]}, "Invalid input at 'input[1].result[0].text'."),
        ({"input": "Hi", "generation_config": {"tool_choice": ["any"]}}, "'generation_config.tool_choice'."),
        ({"input": [result("c1", "sun")]}, "function response turn comes immediately after a function call"),
        ({"input": "Hi", "model": OLD, "tools": [CODE_TOOL, WEATHER]}, "function calling is unsupported"),
        (
            {"input": "Hi", "model": "gemini-3.6-flash", "tools": [SEARCH, WEATHER]},
            "include_server_side_tool",
        ),
        (
            {"input": "Hi", "generation_config": {"temperature": 3}},
            "a temperature value of 3 but the supported range is from 0",
        ),
        (
            {
                "input": "Hi",
                "environment": {"type": "remote", "sources": [{"type": "gcs", "source": "gs://a"}]},
            },
            "does not cover environment sources of type 'gcs'",
        ),
    ],
)
def test_what_is_refused(answering, body, message):
    client, read = answering
    status, code, told = refusal(client.post(body))
    assert (status, code) == (400, "invalid_request")
    assert message in told
    assert not read


def test_a_changed_signature_is_refused(answering):
    client, _ = answering
    thought, said = client.create(input="Hi")["steps"]
    signature = bytearray(base64.b64decode(thought["signature"]))
    signature[-1] ^= 1
    changed = {**thought, "signature": base64.b64encode(signature).decode()}
    assert client.create(input=[USER, thought, said, USER])["status"] == "completed"
    assert refusal(client.post({"input": [USER, changed, said, USER]}))[0] == 400


def test_who_may_not_come_in(answering):
    client, _ = answering
    body = {"model": "gemmini", "input": "Hi"}
    assert refusal(client.post(body))[:2] == (404, "not_found")
    assert refusal(client.post({"input": "Hi"}, **{"x-goog-api-key": "invalid"}))[1] == "invalid_request"
    assert refusal(client.post({"input": "Hi"}, **{"api-revision": "2025-11-01"}))[2].startswith("The legacy")
    assert client.post({"input": "Hi"}, **{"api-revision": "2026-05-20"}).status_code == 200
    assert refusal(client.http.post(PATH, content=b"["))[1] == "invalid_request"


def test_other_routes_are_named(answering):
    client, _ = answering
    told = client.http.get(PATH).json()["error"]["message"]
    assert "POST /{version}/interactions; GET /{version}/interactions/{id}" in told
    assert client.emulator.requests[-1].model == ""
    client.create(input="Hi", model=f"models/{NEW}")
    client.emulator.assert_requested(text="Hi", model=NEW)


@pytest.mark.parametrize("path", [PATH, VERTEX])
def test_functions_are_one_tool_to_older_models(answering, path):
    client, read = answering
    client.create(model=OLD, path=path, input="Hi", tools=[WEATHER, {**WEATHER, "name": "time"}])
    [tool] = read[-1]["tools"]
    assert [function["name"] for function in tool["functionDeclarations"]] == ["weather", "time"]
