"""Google's and Vercel's Node packages, unmodified, against the emulator."""

from __future__ import annotations

import re
from typing import Any

import pytest

from langchain_codeexec.emulator import GeminiEmulator, Prompt, ScriptedBrain
from langchain_codeexec.emulator.brain import last_text
from langchain_codeexec.emulator.targets import Target, quota_exceeded

CODE = {"executableCode": {"code": "print(sum(range(11)))"}}
READ = {"executableCode": {"code": "print(open('input_file_0.py').read(), end='')"}}
CALL = {"functionCall": {"name": "get_weather", "args": {"city": "Utrecht"}}}


def model(prompt: Prompt) -> Any:
    """What is answered, by what the last turn says."""
    text = last_text(prompt)
    for word, answer in ANSWERS.items():
        if word in text:
            return answer(prompt) if callable(answer) else answer
    raise AssertionError(text)


ANSWERS: dict[str, Any] = {
    "drizzle": "Drizzle.",
    "weather": [CODE, CALL],
    "Thanks": "You are welcome.",
    "quota": lambda prompt: quota_exceeded(Target(prompt.endpoint, "v1beta", prompt.model), 7),
    "Read": [READ],
    "Sum": ["I add them all up. ", CODE, "It is 55."],
}

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
MISNAMED = "Invalid function name"
EXHAUSTED = {"developer": "You exceeded your current quota", "vertex": "Resource exhausted"}


@pytest.mark.parametrize(
    ("script", "mode", "endpoint", "refusal"),
    [
        ("genai.mjs", "developer", "developer", COMBINED["developer"]),
        ("genai.mjs", "vertex", "vertex", COMBINED["vertex"]),
        ("genai.mjs", "express", "vertex", COMBINED["vertex"]),
        ("ai.mjs", "google", "developer", MISNAMED),
        ("ai.mjs", "vertex", "vertex", MISNAMED),
        ("ai.mjs", "express", "vertex", MISNAMED),
    ],
)
def test_a_client_cannot_tell(node, script, mode, endpoint, refusal):
    with GeminiEmulator(ScriptedBrain(model)) as emulator:
        report = node(script, mode, emulator.url)
        requests = [request for request in emulator.requests if request.generates]
    errors, files = report.pop("errors"), report.pop("files", READ_FILE)
    assert files == READ_FILE
    assert report == {
        "codeExecution": {**RAN, "counted": True},
        "codeAndFunction": {
            "output": "55\n",
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
        assert (errors[name]["code"], errors[name]["status"]) == (code, status)
        assert re.search(message, errors[name]["message"])
    assert {one.prompt.endpoint for one in requests} == {endpoint}
    (thanked,) = (one for one in requests if one.text == "Thanks")
    sent_back = [part.keys() - {"thoughtSignature"} for part in thanked.contents[1]["parts"]]
    assert sent_back == [{"text"}, {"executableCode"}, {"codeExecutionResult"}, {"text"}]
    assert [one.streamed for one in requests].count(True) == 1
