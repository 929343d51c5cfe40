"""LiteLLM, unmodified, against the emulator: a stage of CI, run by its name."""

from __future__ import annotations

import os

import pytest

from tests.clients.answers import TEXTS, WEATHER

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # else it loads one from elsewhere
import litellm

NEW = "gemini/gemini-3-flash-preview"
CODE = {"codeExecution": {}}
FUNCTION = {"type": "function", "function": WEATHER}
QUESTION = {"role": "user", "content": "Sum to ten"}


@pytest.fixture
def ask(emulator):
    def run(*messages, tools=(), model=NEW, **settings):
        where = {"api_key": "test", "api_base": f"{emulator.url}/v1beta", "num_retries": 0}
        return litellm.completion(model, list(messages), tools=list(tools) or None, **where, **settings)

    return run


def test_code_and_chat(ask, emulator):
    answer = ask(QUESTION, tools=[CODE])
    (first,) = answer.choices
    assert (first.message.content, first.finish_reason) == ("I add them all up. It is 55.", "stop")
    assert answer.usage.total_tokens > 0
    then = ask(QUESTION, first.message, {"role": "user", "content": "Thanks"}, tools=[CODE])
    assert then.choices[0].message.content == "You are welcome."
    assert [request.tools for request in emulator.requests] == [{"codeExecution"}] * 2


def test_functions(ask, emulator):
    question = {"role": "user", "content": "Sum to ten, and the weather?"}
    message = ask(question, tools=[FUNCTION]).choices[0].message
    (call,) = message.tool_calls
    assert (call.function.name, call.function.arguments) == ("get_weather", '{"city": "Utrecht"}')
    reply = {"role": "tool", "tool_call_id": call.id, "content": "drizzle"}
    assert ask(question, message, reply, tools=[FUNCTION]).choices[0].message.content == "Drizzle."
    (sent,) = emulator.requests[1].contents[1]["parts"]
    assert call.id == f"{sent['functionCall']['id']}__thought__{sent['thoughtSignature']}"


def test_streams(ask, emulator):
    (*chunks, last) = [chunk.choices[0] for chunk in ask(QUESTION, tools=[CODE], stream=True)]
    assert "".join(chunk.delta.content or "" for chunk in chunks) == "I add them all up. It is 55."
    assert (len(chunks) > 2, last.finish_reason, emulator.requests[0].streamed) == (True, "stop", True)


def test_embeddings(emulator):
    where = {"api_key": "test", "api_base": f"{emulator.url}/v1beta"}
    data = litellm.embedding("gemini/gemini-embedding-001", TEXTS, **where).data
    first, near, far = (one["embedding"] for one in data)
    assert sum(map(float.__mul__, first, near)) > sum(map(float.__mul__, first, far))


def test_files(ask, emulator):
    where = {"custom_llm_provider": "gemini", "api_key": "test", "api_base": emulator.url}
    given = ("n.py", b"n = 41\n", "text/x-python")
    file = litellm.create_file(file=given, purpose="user_data", **where)
    part = {"type": "file", "file": {"file_id": file.id, "format": "text/x-python"}}
    content = [{"type": "text", "text": "Read the file"}, part]
    ask({"role": "user", "content": content}, tools=[CODE])
    (_, sent) = emulator.requests[-1].contents[0]["parts"]
    assert sent["fileData"]["fileUri"] == file.id
    litellm.file_delete(file.id, **where)
    assert [request.status for request in emulator.requests] == [200] * 4


@pytest.mark.parametrize(
    ("tools", "model", "text", "refusal"),
    [
        (
            [CODE, FUNCTION],
            "gemini/gemini-2.5-flash",
            "Sum",
            ("BadRequestError", "Tool use with function calling"),
        ),
        ([], "gemini/gemmini-0-flash", "Sum", ("NotFoundError", "models/gemmini-0-flash is not found")),
        ([], NEW, "Use up the quota", ("RateLimitError", "You exceeded your current quota")),
    ],
)
def test_errors(ask, tools, model, text, refusal):
    error, message = refusal
    with pytest.raises(getattr(litellm, error), match=message):
        ask({"role": "user", "content": text}, tools=tools, model=model)
