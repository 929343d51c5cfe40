"""Google's Agent Development Kit, unmodified, against the emulator: a stage of CI, run by its name."""

from __future__ import annotations

import io

import pytest
from google import genai
from google.adk.agents import Agent
from google.adk.agents.run_config import RunConfig, StreamingMode
from google.adk.code_executors import BuiltInCodeExecutor
from google.adk.runners import InMemoryRunner
from google.genai import types

NEW = "gemini-3-flash-preview"


def get_weather(city: str) -> str:
    """The current weather in a city."""
    assert city == "Utrecht"
    return "drizzle"


@pytest.fixture
def run(emulator, monkeypatch):
    """Say something to an agent, turn by turn in one session; the events of each turn."""
    monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", emulator.url)
    monkeypatch.setenv("GOOGLE_API_KEY", "test")

    async def talk(*turns, model=NEW, stream=False, **settings):
        runner = InMemoryRunner(Agent(name="agent", model=model, **settings), app_name="app")
        session = await runner.session_service.create_session(app_name="app", user_id="user")
        config = RunConfig(streaming_mode=StreamingMode.SSE if stream else StreamingMode.NONE)
        seen = []
        for turn in turns:
            parts = [types.Part(text=part) if isinstance(part, str) else part for part in turn]
            message = types.Content(role="user", parts=parts)
            events = runner.run_async(
                user_id="user", session_id=session.id, new_message=message, run_config=config
            )
            seen.append([event async for event in events])
        return seen

    return talk


def parts_of(events):
    return [part for event in events if event.content for part in event.content.parts or []]


def text_of(events):
    return "".join(part.text or "" for part in parts_of(events))


async def test_code_and_chat(run, emulator):
    first, second = await run(["Sum to ten"], ["Thanks"], code_executor=BuiltInCodeExecutor())
    (code,) = [part.executable_code.code for part in parts_of(first) if part.executable_code]
    (result,) = [part.code_execution_result for part in parts_of(first) if part.code_execution_result]
    assert (code, result.outcome, result.output) == (
        "print(sum(range(11)))",
        types.Outcome.OUTCOME_OK,
        "55\n",
    )
    assert (text_of(first), text_of(second)) == ("I add them all up. It is 55.", "You are welcome.")
    back = [set(part) - {"thoughtSignature"} for part in emulator.requests[1].contents[1]["parts"]]
    assert back == [{"text"}, {"executableCode"}, {"codeExecutionResult"}, {"text"}]


async def test_functions(run, emulator):
    (events,) = await run(["Sum to ten, and the weather?"], tools=[get_weather])
    assert text_of(events) == "Drizzle."
    assert emulator.requests[1].contents[1]["parts"][0]["thoughtSignature"]


async def test_streams(run, emulator):
    (events,) = await run(["Sum to ten"], stream=True, code_executor=BuiltInCodeExecutor())
    partial, whole = ([event for event in events if bool(event.partial) is state] for state in (True, False))
    assert emulator.requests[0].streamed
    assert text_of(partial) == text_of(whole) == "I add them all up. It is 55."
    assert [part.code_execution_result.output for part in parts_of(whole) if part.code_execution_result] == [
        "55\n"
    ]


async def test_files(run, emulator):
    client = genai.Client(api_key="test", http_options={"base_url": emulator.url})
    file = client.files.upload(file=io.BytesIO(b"n = 41\n"), config={"mime_type": "text/x-python"})
    part = types.Part.from_uri(file_uri=file.uri, mime_type=file.mime_type)
    (events,) = await run(["Read the file", part], code_executor=BuiltInCodeExecutor())
    (result,) = [part.code_execution_result for part in parts_of(events) if part.code_execution_result]
    assert result.output == "n = 41\n"


@pytest.mark.parametrize(
    ("model", "text", "code", "message"),
    [
        (
            "gemini-2.0-flash-exp",
            "Sum to ten",
            400,
            "Code execution is not enabled for models/gemini-2.0-flash-exp",
        ),
        ("gemini-0-flash", "Sum to ten", 404, "models/gemini-0-flash is not found"),
        (NEW, "Use up the quota", 429, "You exceeded your current quota"),
    ],
)
async def test_errors(run, model, text, code, message):
    with pytest.raises(Exception, match=message) as caught:
        await run([text], model=model, code_executor=BuiltInCodeExecutor())
    assert caught.value.code == code
