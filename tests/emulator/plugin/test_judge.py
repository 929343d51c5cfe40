"""A judge of clients: each learns what it does where something goes wrong."""

from __future__ import annotations

import json
import os
import sys
import time

import httpx
import pytest

from langchain_codeexec import ChatGeminiCodeExecution
from langchain_codeexec.emulator import judging
from langchain_codeexec.errors import ConfigurationError

FAULTS = [name for name, *_ in judging._CASES]
WAITS, RETRIES, _, CUT, INSIDE, UNFINISHED, ERROR, SILENCE = FAULTS
SIGNATURES, IDS, CODE = "replays thought signatures", "keeps ids", "sends code back as it came"


def add(a: int, b: int) -> int:
    """Add."""
    return a + b


@pytest.fixture(autouse=True)
def patience(monkeypatch):
    """Waits that tell as much and take less."""
    given = judging._CASES

    def run(seconds):
        def shorter(fault):
            return fault.replace("retry_after=3", "retry_after=0.5").replace(
                "seconds=10", f"seconds={seconds}"
            )

        cases = [(name, shorter(fault), *more) for name, fault, *more in given]
        monkeypatch.setattr(judging, "_CASES", cases)

    monkeypatch.setattr(judging, "_WAIT", 0.5)
    run(0.1)
    return run


@pytest.fixture
def states(gemini_judge):
    """The verdicts of a client by name, but for those that are good."""

    def run(client):
        verdicts = gemini_judge(client)
        assert [verdict.name for verdict in verdicts] == [
            "succeeds without a fault",
            *FAULTS,
            SIGNATURES,
            IDS,
            CODE,
        ]
        return {verdict.name: verdict.state for verdict in verdicts if verdict.state != "good"}

    return run


def test_a_chat_model_with_tools(states, patience):
    from langchain_core.messages import HumanMessage, ToolMessage

    def agent():
        llm = ChatGeminiCodeExecution(model="gemini-3-flash-preview", vertexai=False, timeout=5)
        model = llm.bind_tools([add])
        history = [HumanMessage("What is 6 * 7?")]
        first = None
        for chunk in model.stream(history):
            first = chunk if first is None else first + chunk
        (call,) = first.tool_calls
        history += [first, ToolMessage(str(add(**call["args"])), tool_call_id=call["id"])]
        assert "42" in model.invoke(history).text
        llm.close()

    patience(60)
    assert states(agent) == {}


@pytest.mark.gemini_script([["A ", "number: ", {"executableCode": {"code": "print(1)"}}]] * 3)
def test_a_client_that_only_asks_once(states):
    def client():
        llm = ChatGeminiCodeExecution(model="gemini-2.5-flash", vertexai=False, max_retries=0)
        assert llm.invoke("A number?").text == "A number: "
        llm.close()

    not_streamed = dict.fromkeys((CUT, INSIDE, UNFINISHED, ERROR, SILENCE, SIGNATURES, IDS, CODE), "not seen")
    assert states(client) == {**not_streamed, WAITS: "bad", RETRIES: "bad"}


def post(action, contents, **settings):
    url = f"{os.environ['GOOGLE_GEMINI_BASE_URL']}/v1beta/models/gemini-3-flash-preview:{action}"
    headers = {"x-goog-api-key": os.environ["GOOGLE_API_KEY"]}
    body = {
        "contents": contents,
        "tools": [{"codeExecution": {}}, {"functionDeclarations": [{"name": "add"}]}],
    }
    body["toolConfig"] = {"includeServerSideToolInvocations": True}
    return httpx.post(url, json=body, headers=headers, timeout=None, **settings)


def careless():
    """Takes what comes, asks again at once what was refused, and keeps nothing but texts and calls."""
    history, parts = [{"role": "user", "parts": [{"text": "What is 6 * 7?"}]}], []
    try:
        for line in post("streamGenerateContent?alt=sse", history).text.split("\r\n\r\n"):
            chunk = json.loads(line.removeprefix("data: ") or "{}")
            parts += chunk["candidates"][0]["content"].get("parts", []) if "candidates" in chunk else []
    except (httpx.RemoteProtocolError, ValueError):
        pass
    texts = [{"text": part["text"]} for part in parts if "text" in part]
    calls = [{"functionCall": {"name": "add", "args": {}}} for part in parts if "functionCall" in part]
    if calls:
        response = {"functionResponse": {"name": "add", "response": {"result": 42}}}
        history += [{"role": "model", "parts": texts + calls}, {"role": "user", "parts": [response]}]
    history += [{"role": "user", "parts": [{"text": "Thanks."}]}]
    for _ in range(3):
        if post("generateContent", history).is_success:
            break


def test_a_careless_client(states):
    assert states(careless) == {
        **dict.fromkeys((CUT, INSIDE, UNFINISHED, ERROR, WAITS, RETRIES, SIGNATURES, IDS, CODE), "bad"),
        SILENCE: "not seen",
    }


def test_a_client_that_fails_anyway_is_not_judged_further(states):
    def client():
        post("generateContent", [{"role": "user", "parts": [{"text": "Hi."}]}])
        raise KeyError("mine")

    verdicts = states(client)
    assert verdicts.pop("succeeds without a fault") == "bad"
    assert set(verdicts.values()) == {"not seen"}


def test_a_client_that_does_not_come_is_told_where_to_go(gemini_judge):
    with pytest.raises(ConfigurationError, match="GOOGLE_GEMINI_BASE_URL"):
        gemini_judge(lambda: None)


def test_a_command(gemini_judge):
    program = (
        "import os; print(os.environ['GOOGLE_GEMINI_BASE_URL']); print('x' * 300); raise SystemExit('bye\\n')"
    )
    with pytest.raises(ConfigurationError, match=r"sent no request.*exit code 1: bye"):
        gemini_judge([sys.executable, "-c", program])
    with pytest.raises(ConfigurationError, match="'/no/program' cannot be run: No such file"):
        gemini_judge(["/no/program"])
    began = time.monotonic()
    sleeping = [sys.executable, "-c", "import time; time.sleep(60)"]
    assert judging.run_command(sleeping, 0.1, {}) == "it still ran after 0.1 s"
    assert time.monotonic() - began < 50
