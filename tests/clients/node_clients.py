"""The Node packages of Google, Vercel and LangChain, unmodified, against the emulator.

A stage of CI, run by its name: `pytest tests/clients/node_clients.py`.
"""

from __future__ import annotations

import re

import pytest

RAN = {
    "text": "I add them all up. It is 55.",
    "code": "print(sum(range(11)))",
    "outcome": "OUTCOME_OK",
    "output": "55\n",
    "finish": "STOP",
}
READ_FILE = {"output": "n = 41\n", "size": "8388610"}
COMBINED = {
    "developer": "Tool use with function calling is unsupported",
    "vertex": "Multiple tools are supported only when they are all search tools",
}
CIRCULATION = "Tool call context circulation is not enabled for models/gemini-2.5-flash"
MISNAMED = "Invalid function name"
EXHAUSTED = {"developer": "You exceeded your current quota", "vertex": "Resource exhausted"}


@pytest.mark.parametrize(
    ("client", "endpoint", "refusal"),
    [
        ("genai.mjs developer", "developer", COMBINED["developer"]),
        ("genai.mjs vertex", "vertex", COMBINED["vertex"]),
        ("genai.mjs express", "vertex", COMBINED["vertex"]),
        ("ai.mjs google", "developer", MISNAMED),
        ("ai.mjs vertex", "vertex", MISNAMED),
        ("ai.mjs express", "vertex", MISNAMED),
        ("langchain.mjs google", "developer", CIRCULATION),
        ("langchain.mjs google-genai", "developer", COMBINED["developer"]),
    ],
)
def test_a_client_cannot_tell(node, emulator, client, endpoint, refusal):
    report = node(*client.split(), emulator.url)
    requests = [request for request in emulator.requests if request.generates]
    errors, files = report.pop("errors"), report.pop("files", READ_FILE)
    assert files == {name: READ_FILE[name] for name in files}
    assert report == {
        "codeExecution": {**RAN, "counted": True},
        "codeAndFunction": {
            **({} if client == "langchain.mjs google-genai" else {"output": "55\n"}),
            "call": {"name": "get_weather", "args": {"city": "Utrecht"}},
            "then": "Drizzle.",
        },
        "streaming": {**RAN, "several": True},
        "conversation": {"text": "You are welcome."},
        "embeddings": {"nearest": "the longest river in Europe", "size": 3072},
    }
    expected = {
        "request": (400, "INVALID_ARGUMENT", refusal),
        "model": (404, "NOT_FOUND", "gemmini-0-flash.* was not found|gemmini-0-flash is not found"),
        "quota": (429, "RESOURCE_EXHAUSTED", EXHAUSTED[endpoint]),
    }
    assert errors.keys() == expected.keys()
    for name, (code, status, message) in expected.items():
        assert (errors[name]["code"], errors[name].get("status", status)) == (code, status)
        assert re.search(message, errors[name]["message"])
    assert {one.prompt.endpoint for one in requests} == {endpoint}
    (thanked,) = (one for one in requests if one.text == "Thanks")
    sent_back = [part.keys() - {"thoughtSignature"} for part in thanked.contents[1]["parts"]]
    assert sent_back == [{"text"}, {"executableCode"}, {"codeExecutionResult"}, {"text"}]
    assert [one.streamed for one in requests].count(True) == 1


@pytest.mark.parametrize("client", ["vercel", "genai"])
def test_interactions(node, emulator, client):
    ran = {name: RAN[name] for name in ("text", "code", "output")}
    assert node("interactions.mjs", client, emulator.url) == {
        "whole": ran,
        "streamed": ran,
        "called": "Drizzle.",
        "followed": "You are welcome.",
        "refused": 404,
    }
    assert {request.method for request in emulator.requests} == {"createInteraction"}
    assert [request.streamed for request in emulator.requests].count(True) == 1
