"""google-genai 3 and later, unmodified: interactions with the emulator are as those with the service.

A stage of CI, run by its name: `pytest tests/clients/genai_client.py`.
"""

from __future__ import annotations

import base64
from contextlib import ExitStack
from typing import Any

import pytest
from google import genai
from google.auth.credentials import AnonymousCredentials
from google.genai import _interactions as errors
from google.genai import interactions as types
from pydantic import BaseModel, TypeAdapter

from langchain_codeexec.emulator import EmulatedError, GeminiEmulator, ScriptedBrain
from langchain_codeexec.executors.process import ProcessExecutor

OLD, NEW = "gemini-2.5-flash", "gemini-3-flash-preview"
CODE = {"executableCode": {"code": "print(sum(range(11)))"}}
BASH = {"executableCode": {"language": "BASH", "code": "echo 55"}}
CALL = {"functionCall": {"name": "get_weather", "args": {"city": "Utrecht"}}}
CODE_TOOL = {"type": "code_execution"}
WEATHER = {
    "type": "function",
    "name": "get_weather",
    "description": "The weather.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
}
LONG = "One two three four five six seven eight nine ten."
PNG = base64.b64encode(b"\x89PNG").decode()

pytestmark = [
    pytest.mark.parametrize("model", [OLD, NEW]),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]


@pytest.fixture(scope="module")
def executor():
    executor = ProcessExecutor()
    yield executor
    executor.close()


@pytest.fixture
def connect(executor):
    """Start an emulator for a script and connect the client to it."""
    with ExitStack() as stack:

        def run(script: Any, **options: Any) -> Any:
            emulator = GeminiEmulator(ScriptedBrain(script), executor, **options)
            url = stack.enter_context(emulator).url
            client = genai.Client(api_key="test", http_options={"base_url": url})
            stack.callback(client.close)
            return client

        yield run


def checked(value: Any) -> Any:
    """What the client read, if it knows all of it."""
    for item in nested(value):
        assert not getattr(item, "is_unknown", False), item
    return value


def nested(value: Any) -> Any:
    if isinstance(value, BaseModel):
        yield value
        for item in vars(value).values():
            yield from nested(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from nested(item)


def strict(interaction: Any) -> Any:
    """An interaction whose steps are valid requests as well."""
    steps = [step.model_dump(mode="json", exclude_none=True) for step in checked(interaction).steps]
    TypeAdapter(types.InteractionsInput).validate_python(steps)
    return interaction


def kinds(interaction: Any) -> list[str]:
    return [step.type for step in interaction.steps]


def test_create_and_stream(connect, model):
    client = connect(lambda _: LONG)
    found = strict(client.interactions.create(model=model, input="Count"))
    assert (found.status, found.output_text, found.model) == ("completed", LONG, model)
    assert found.usage.total_tokens == found.usage.total_input_tokens + (
        found.usage.total_output_tokens + found.usage.total_thought_tokens
    )
    events = [checked(event) for event in client.interactions.create(model=model, input="Count", stream=True)]
    texts = [
        event.delta.text for event in events if getattr(event, "delta", None) and event.delta.type == "text"
    ]
    assert "".join(texts) == LONG
    assert len(texts) > 1
    assert events[-1].interaction.usage == found.usage.model_copy(update={"initial_input_tokens": None})


async def test_async(connect, model):
    client = connect(lambda _: LONG)
    found = strict(await client.aio.interactions.create(model=model, input="Count"))
    assert found.output_text == LONG
    stream = await client.aio.interactions.create(model=model, input="Count", stream=True)
    assert [event.event_type async for event in stream][-1] == "interaction.completed"
    assert (await client.aio.interactions.get(found.id)).output_text == LONG
    await client.aio.interactions.delete(found.id)
    await client.aio.aclose()


@pytest.mark.parametrize("code", [CODE, BASH])
def test_code(connect, model, code):
    client = connect(lambda _: ["I add. ", code, "It is 55."])
    found = strict(client.interactions.create(model=model, input="Sum", tools=[CODE_TOOL]))
    call, result = (step for step in found.steps if step.type.startswith("code_execution"))
    assert call.arguments.language == ("bash" if code is BASH else "python")
    assert (result.call_id, result.result, result.is_error) == (call.id, "55\n", False)
    again = [{"type": "user_input", "content": [{"type": "text", "text": "Sum"}]}, *found.steps]
    again.append({"type": "user_input", "content": [{"type": "text", "text": "Again"}]})
    assert not client.interactions.create(model=model, input=again, tools=[CODE_TOOL], store=False).id
    stream = client.interactions.create(model=model, input="Sum", tools=[CODE_TOOL], stream=True)
    deltas = [checked(event).delta for event in stream if event.event_type == "step.delta"]
    assert [one.result for one in deltas if one.type == "code_execution_result"] == ["55\n"]


@pytest.mark.parametrize("stateless", [True, False])
def test_function_loop(connect, model, stateless):
    client = connect([[CALL], "Drizzle."])
    asked = strict(
        client.interactions.create(model=model, input="Weather?", tools=[WEATHER], store=not stateless)
    )
    assert asked.status == "requires_action"
    call = asked.steps[-1]
    result = {"type": "function_result", "call_id": call.id, "name": call.name, "result": {"sky": "grey"}}
    if stateless:
        sent = [
            {"type": "user_input", "content": [{"type": "text", "text": "Weather?"}]},
            *asked.steps,
            result,
        ]
        told = client.interactions.create(model=model, input=sent, tools=[WEATHER], store=False)
    else:
        told = client.interactions.create(
            model=model, input=[result], tools=[WEATHER], previous_interaction_id=asked.id
        )
    assert told.output_text == "Drizzle."


def test_structured_and_thinking(connect, model):
    client = connect([[{"text": "Easy.", "thought": True}, '{"n": 42}']])
    found = client.interactions.create(
        model=model,
        input=[{"type": "text", "text": "6 by 7?"}, {"type": "image", "data": PNG, "mime_type": "image/png"}],
        generation_config={"thinking_summaries": "auto", "thinking_level": "low"},
        response_format={"type": "text", "mime_type": "application/json", "schema": {"type": "object"}},
    )
    assert found.output_text == '{"n": 42}'
    assert strict(found).steps[0].summary[0].text == "Easy."
    assert {one.modality for one in found.usage.input_tokens_by_modality} == {"text", "image"}


def test_state(connect, model):
    client = connect(["Madrid.", "Prado."])
    first = client.interactions.create(model=model, input="City?")
    second = client.interactions.create(model=model, input="Museum?", previous_interaction_id=first.id)
    looked_up = checked(client.interactions.get(second.id, include_input=True))
    assert kinds(looked_up) == ["user_input", "thought", "model_output"]
    assert (looked_up.previous_interaction_id, looked_up.input) == (first.id, "Museum?")
    client.interactions.delete(first.id)
    with pytest.raises(errors.NotFoundError, match="not_found"):
        client.interactions.get(first.id)
    with pytest.raises(errors.NotFoundError):
        client.interactions.create(model=model, input="And?", previous_interaction_id=first.id)


def test_background(connect, model):
    client = connect([LONG, LONG])
    begun = client.interactions.create(model=model, input="Count", background=True)
    events = [checked(event) for event in client.interactions.get(begun.id, stream=True)]
    rest = list(client.interactions.get(begun.id, stream=True, last_event_id=events[3].event_id))
    assert rest == events[4:]
    assert client.interactions.get(begun.id).output_text == LONG
    with pytest.raises(errors.BadRequestError, match="invalid_request"):
        client.interactions.cancel(begun.id)
    stream = client.interactions.create(model=model, input="Count", background=True, stream=True)
    assert [event.event_id for event in stream] == [event.event_id for event in events]


def test_cancel(connect, model):
    def slow(prompt: Any) -> Any:
        while True:
            yield {"executableCode": {"code": "print(1)"}}
            yield "More. "

    client = connect(slow)
    begun = client.interactions.create(model=model, input="Go", background=True, tools=[CODE_TOOL])
    assert checked(client.interactions.cancel(begun.id)).status == "cancelled"


@pytest.mark.parametrize("store", [True, False])
@pytest.mark.parametrize("streams", [True, False])
def test_the_client_continues_by_itself(connect, model, store, streams):
    client = connect([LONG], faults=["continuation:after=1", "continuation:after=1"])
    ask = {"model": model, "input": "Count", "store": store}
    if streams:
        events = list(client.interactions.create(**ask, stream=True))
        texts = [
            event.delta.text
            for event in events
            if getattr(event, "delta", None) and event.delta.type == "text"
        ]
        assert "".join(texts) == LONG
        return
    found = strict(client.interactions.create(**ask))
    assert [len(found.continuation_ids), found.status] == [3 if store else 0, "completed"]
    said = [content.text for step in found.steps for content in getattr(step, "content", None) or ()]
    assert "".join(said) == LONG


def test_the_client_resumes_behind_a_checkpoint(connect, model):
    client = connect([LONG], faults=["checkpoint:after=1"])
    events = client.interactions.create(model=model, input="Count", stream=True)
    texts = [
        event.delta.text for event in events if getattr(event, "delta", None) and event.delta.type == "text"
    ]
    assert "".join(texts) == LONG


def test_environment(connect, model):
    client = connect(
        [[{"executableCode": {"code": "n = 41"}}], [{"executableCode": {"code": "print(n + 1)"}}]]
    )
    ask = {"model": model, "input": "Run", "tools": [CODE_TOOL]}
    made = client.interactions.create(environment={"type": "remote", "network": "disabled"}, **ask)
    again = strict(client.interactions.create(environment=made.environment_id, **ask))
    assert again.environment_id == made.environment_id
    assert [step.result for step in again.steps if step.type == "code_execution_result"] == ["42\n"]


def test_errors(connect, model):
    client = connect([EmulatedError(400, message="No."), ["Well, ", EmulatedError(503, message="Later.")]])
    with pytest.raises(errors.BadRequestError, match=r"No\."):
        client.interactions.create(model=model, input="Hi")
    with pytest.raises(errors.BadRequestError, match="Invalid input at"):
        client.interactions.create(model=model, input="Hi", extra_body={"tool_config": {}})
    with pytest.raises(errors.NotFoundError):
        client.interactions.create(model="gemmini", input="Hi")
    *_, last = client.interactions.create(model=model, input="Hi", stream=True)
    assert (last.event_type, last.error.code, last.error.message) == (
        "error",
        "service_unavailable",
        "Later.",
    )


def test_it_tries_again(connect, model):
    client = connect(["Fine."], faults=["503"])
    assert client.interactions.create(model=model, input="Hi").output_text == "Fine."


def test_vertex(model):
    credentials = AnonymousCredentials()
    credentials.token = "token"
    with GeminiEmulator(ScriptedBrain(["Fine."])) as emulator:
        client = genai.Client(
            vertexai=True,
            project="p",
            location="global",
            credentials=credentials,
            http_options={"base_url": emulator.url},
        )
        assert client.interactions.create(model=model, input="Hi").output_text == "Fine."
        (request,) = emulator.requests
        assert (request.endpoint, request.path) == (
            "vertex",
            "/v1beta1/projects/p/locations/global/interactions",
        )


def test_a_batch(connect, model):
    client = connect([[CODE, "It is 55."]])
    rows = [{"contents": "Sum?", "config": {"tools": [{"code_execution": {}}]}, "metadata": {"key": "a"}}]
    job = client.batches.create(model=model, src=rows)
    while not job.done:
        job = client.batches.get(name=job.name)
    (row,) = job.dest.inlined_responses
    assert (row.metadata, row.response.code_execution_result) == ({"key": "a"}, "55\n")
