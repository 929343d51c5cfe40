"""The official client, unmodified, cannot tell the emulator from the service."""

from __future__ import annotations

from typing import Any

import pytest
from google import genai
from google.genai import errors, types

from langchain_codeexec.emulator import EmulatedError
from tests.emulator.conftest import who

NEW, OLD = "gemini-3-flash-preview", "gemini-2.5-flash"
CODE = {"executableCode": {"language": "PYTHON", "code": "print(sum(range(11)))"}}
CODE_TOOL = types.Tool(code_execution=types.ToolCodeExecution())
ADDER = types.FunctionDeclaration(
    name="add",
    parameters=types.Schema(
        type=types.Type.OBJECT,
        properties={"first_number": types.Schema(type=types.Type.INTEGER, nullable=True)},
        required=["first_number"],
    ),
)


@pytest.fixture(params=["developer", "vertex"])
def connect(request, start):
    """Start an emulator for a script and connect the official client to it."""
    clients: list[genai.Client] = []

    def run(script: Any, **options: Any) -> genai.Client:
        url = start(script, **options).emulator.url
        client = genai.Client(**who(request.param), http_options=types.HttpOptions(base_url=url))
        clients.append(client)
        return client

    yield run
    for client in clients:
        client.close()


@pytest.mark.parametrize("model", [OLD, NEW])
def test_generate_with_code(connect, model):
    client = connect([["I add them up. ", CODE, "It is 55."]])
    answer = client.models.generate_content(
        model=model, contents="Sum to ten", config=types.GenerateContentConfig(tools=[CODE_TOOL])
    )
    text, call, result, last = answer.candidates[0].content.parts
    assert answer.executable_code == call.executable_code.code == "print(sum(range(11)))"
    assert answer.code_execution_result == "55\n"
    assert result.code_execution_result.outcome is types.Outcome.OUTCOME_OK
    assert call.executable_code.id == result.code_execution_result.id
    assert bool(call.executable_code.id) == (model == NEW)
    assert text.text + last.text == "I add them up. It is 55."
    assert answer.candidates[0].finish_reason is types.FinishReason.STOP
    usage = answer.usage_metadata
    read = (usage.prompt_token_count, usage.tool_use_prompt_token_count)
    assert usage.total_token_count == sum((*read, usage.candidates_token_count, usage.thoughts_token_count))
    assert answer.model_version == model
    assert answer.response_id


@pytest.mark.parametrize("model", [OLD, NEW])
def test_stream(connect, model):
    client = connect([["One two three four five. ", CODE, "Done."]])
    config = types.GenerateContentConfig(tools=[CODE_TOOL])
    chunks = list(client.models.generate_content_stream(model=model, contents="Go", config=config))
    parts = [part for chunk in chunks for part in chunk.candidates[0].content.parts]
    assert "".join(part.text or "" for part in parts) == "One two three four five. Done."
    assert [part.code_execution_result.output for part in parts if part.code_execution_result] == ["55\n"]
    assert chunks[-1].candidates[0].finish_reason is types.FinishReason.STOP
    assert any(part.thought_signature for part in parts) == (model == NEW)


@pytest.mark.parametrize("model", [OLD, NEW])
def test_function_calling_round(connect, model):
    call = {"functionCall": {"name": "add", "args": {"first_number": 1}}}
    client = connect([[call, call], "Three."])
    config = types.GenerateContentConfig(
        tools=[types.Tool(function_declarations=[ADDER])],
        tool_config=types.ToolConfig(function_calling_config=types.FunctionCallingConfig(mode="ANY")),
    )
    ask = types.Content(role="user", parts=[types.Part(text="Add")])
    answer = client.models.generate_content(model=model, contents=[ask], config=config)
    assert [call.args for call in answer.function_calls] == [{"first_number": 1}] * 2
    replies = types.Content(
        role="user",
        parts=[
            types.Part(
                function_response=types.FunctionResponse(id=call.id, name="add", response={"snake_key": 3})
            )
            for call in answer.function_calls
        ],
    )
    history = [ask, answer.candidates[0].content, replies]
    assert client.models.generate_content(model=model, contents=history, config=config).text == "Three."


async def test_automatic_function_calling(connect):
    def add(first: int, second: int) -> int:
        """Add two numbers."""
        return first + second

    call = [{"functionCall": {"name": "add", "args": {"first": 1, "second": 2}}}]
    client = connect([call, "Three it is.", call, "Three it is."])
    config = types.GenerateContentConfig(tools=[add])
    answer = await client.aio.models.generate_content(model=NEW, contents="Add", config=config)
    assert answer.text == "Three it is."
    assert [one.role for one in answer.automatic_function_calling_history] == ["user", "model", "user"]
    stream = client.models.generate_content_stream(model=NEW, contents="Add", config=config)
    assert "".join(chunk.text or "" for chunk in stream) == "Three it is."
    await client.aio.aclose()


def test_code_and_a_function_in_one_conversation(connect):
    """Code and a call in one answer; both go back with the function's response."""
    client = connect([["Let me see. ", CODE, {"functionCall": {"name": "add", "args": {}}}], "It is done."])
    flag = None if client.vertexai else types.ToolConfig(include_server_side_tool_invocations=True)
    config = types.GenerateContentConfig(
        tools=[CODE_TOOL, types.Tool(function_declarations=[ADDER])], tool_config=flag
    )
    ask = types.Content(role="user", parts=[types.Part(text="Add")])
    answer = client.models.generate_content(model=NEW, contents=[ask], config=config)
    (call,) = answer.function_calls
    assert answer.code_execution_result == "55\n"
    reply = types.Part(function_response=types.FunctionResponse(id=call.id, name="add", response={"sum": 1}))
    history = [ask, answer.candidates[0].content, types.Content(role="user", parts=[reply])]
    assert client.models.generate_content(model=NEW, contents=history, config=config).text == "It is done."


@pytest.mark.parametrize("model", [OLD, NEW])
async def test_a_streamed_chat_sends_its_history_back(connect, model):
    client = connect([["Now. ", CODE, "55."], "You are welcome."])
    chat = client.aio.chats.create(model=model, config=types.GenerateContentConfig(tools=[CODE_TOOL]))
    async for _ in await chat.send_message_stream("Sum to ten"):
        pass
    assert (await chat.send_message("Thanks")).text == "You are welcome."
    await client.aio.aclose()


def test_files_and_settings_pass(connect):
    client = connect([[{"executableCode": {"code": "print(open('input_file_0.csv').read())"}}]])
    answer = client.models.generate_content(
        model=OLD,
        contents=["Read", types.Part.from_bytes(data=b"a,b", mime_type="text/csv")],
        config=types.GenerateContentConfig(
            system_instruction="Be brief",
            temperature=0,
            top_k=40,
            seed=1,
            stop_sequences=["END"],
            max_output_tokens=100,
            response_mime_type="text/plain",
            thinking_config=types.ThinkingConfig(thinking_budget=0),
            safety_settings=[
                types.SafetySetting(category="HARM_CATEGORY_HARASSMENT", threshold="BLOCK_ONLY_HIGH")
            ],
            labels={"team_name": "x"},
            tools=[CODE_TOOL],
        ),
    )
    assert answer.code_execution_result == "a,b\n"


@pytest.mark.parametrize(
    ("script", "kind", "code", "status"),
    [
        (
            lambda prompt: EmulatedError(429, message="Slow down."),
            errors.ClientError,
            429,
            "RESOURCE_EXHAUSTED",
        ),
        (lambda prompt: EmulatedError(503, message="Later."), errors.ServerError, 503, "UNAVAILABLE"),
        ([], errors.ClientError, 400, "FAILED_PRECONDITION"),
    ],
)
def test_errors_are_the_clients_own(connect, script, kind, code, status):
    client = connect(script)
    with pytest.raises(kind) as unary:
        client.models.generate_content(model=NEW, contents="Go")
    with pytest.raises(kind) as streamed:
        next(client.models.generate_content_stream(model=NEW, contents="Go"))
    assert (
        (unary.value.code, unary.value.status)
        == (streamed.value.code, streamed.value.status)
        == (code, status)
    )


def test_an_error_in_mid_stream(connect):
    client = connect([["So far.", EmulatedError(503, message="Overloaded.")]])
    stream = client.models.generate_content_stream(model=OLD, contents="Go")
    assert next(stream).text == "So far."
    with pytest.raises(errors.ServerError, match="Overloaded"):
        next(stream)


def test_tokens_and_models(connect):
    client = connect([])
    assert client.models.count_tokens(model=OLD, contents="12345678").total_tokens == 2
    assert client.models.get(model=OLD).name.endswith(OLD)
    listed = list(client.models.list(config={"query_base": True}))
    assert any(model.name.endswith(OLD) for model in listed)


def test_express_mode(start):
    url = start(["Express."]).emulator.url
    options = types.HttpOptions(base_url=url)
    with genai.Client(vertexai=True, api_key="test", http_options=options) as client:
        assert client.models.generate_content(model=OLD, contents="Go").text == "Express."


@pytest.mark.parametrize("endpoint", ["developer", "vertex"])
@pytest.mark.parametrize("model", ["gemini-2.0-flash", OLD, NEW])
def test_every_body_is_one_of_the_clients_types(start, endpoint, model):
    call = {"functionCall": {"name": "add", "args": {"a_b": 1}}}
    script = [["Some words to be split up. ", CODE, "So: ", call, {"text": "Hm", "thought": True}]]
    client = start(script * 2 + [{"promptFeedback": {"blockReason": "SAFETY"}}])
    ask = {"contents": [{"role": "user", "parts": [{"text": "Go"}]}]}
    where = {"endpoint": endpoint, "model": model}
    bodies = [client.ask(ask, **where).json(), *client.chunks(ask, **where), client.ask(ask, **where).json()]
    for body in bodies:
        body.get("usageMetadata", {}).pop(
            "serviceTier", None
        )  # recorded, and not of the client's types so far
        parsed = types.GenerateContentResponse.model_validate(body)  # the type forbids unknown fields
        assert parsed.response_id == body["responseId"]
