"""Answers in several hops, and what a token is good for."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from google import genai
from google.genai import types

OLD, NEW = "gemini-2.5-flash", "gemini-3-flash-preview"
ASK = {"contents": [{"role": "user", "parts": [{"text": "Go"}]}], "tools": [{"codeExecution": {}}]}
CODE = {"executableCode": {"language": "PYTHON", "code": "print(6 * 7)"}}
TEXT = "One two three four five six seven eight nine ten eleven twelve."
SCRIPT = [TEXT, CODE, "Done."]


def candidate(body: dict[str, Any]) -> dict[str, Any]:
    return body["candidates"][0]


def parts(*bodies: dict[str, Any]) -> list[dict[str, Any]]:
    return [part for body in bodies for part in candidate(body).get("content", {}).get("parts", [])]


def text(*bodies: dict[str, Any]) -> str:
    return "".join(part.get("text", "") for part in parts(*bodies))


def continued(token: str) -> dict[str, Any]:
    return {**ASK, "continuationToken": token}


@pytest.mark.parametrize(("endpoint", "model"), [("developer", OLD), ("vertex", NEW)])
@pytest.mark.parametrize("after", [0, 1, 3, 4])
@pytest.mark.parametrize("streams", [False, True])
def test_an_answer_goes_out_in_hops(start, endpoint, model, after, streams):
    client = start([SCRIPT, SCRIPT], faults=[f"continuation:after={after}"])
    where = {"endpoint": endpoint, "model": model}

    def hop(body: dict[str, Any]) -> list[dict[str, Any]]:
        return client.chunks(body, **where) if streams else [client.ask(body, **where).json()]

    first = hop(ASK)
    assert candidate(first[-1])["finishReason"] == "CONTINUATION"
    rest = hop(continued(candidate(first[-1])["continuationToken"]))
    whole = hop(ASK)
    assert text(*first, *rest) == text(*whole)
    assert candidate(rest[-1])["finishReason"] == "STOP"
    assert "continuationToken" not in candidate(rest[-1])
    kinds = [key for part in parts(*first, *rest) for key in part if key.startswith(("exec", "code"))]
    assert kinds == ["executableCode", "codeExecutionResult"]
    counts = [body["usageMetadata"]["totalTokenCount"] for body in (first[-1], rest[-1], whole[-1])]
    assert counts[0] < counts[2]
    assert counts[1] < counts[2]


def test_a_hop_may_be_asked_for_again_and_split_again(start):
    client = start([TEXT], faults=["continuation:after=1", "continuation:after=1"])
    first = client.ask(ASK).json()
    again = [client.ask(continued(candidate(first)["continuationToken"])).json() for _ in range(2)]
    assert [candidate(body)["finishReason"] for body in again] == ["CONTINUATION", "STOP"]
    last = client.ask(continued(candidate(again[0])["continuationToken"])).json()
    assert text(first, again[0], last) == text(first, again[1]) == TEXT


def test_an_answer_that_is_short_is_not_split(start):
    client = start(["Fine."], faults=["continuation:after=9"])
    assert candidate(client.ask(ASK).json())["finishReason"] == "STOP"


@pytest.mark.parametrize("action", ["generateContent", "streamGenerateContent"])
def test_a_token_that_was_never_sent_is_refused(start, action):
    client = start(["Fine."])
    response = client.ask(continued("made up"), action=action)
    assert response.status_code == 400
    assert "continuation token is not valid" in response.text
    assert client.parts(continued("")) == [{"text": "Fine."}]


def test_a_stream_is_cut_behind_a_token(start):
    client = start([TEXT], faults=["checkpoint:after=2"])
    path = f"/v1beta/models/{NEW}:streamGenerateContent?alt=sse"
    raw: list[bytes] = []
    with client.http.stream("POST", path, json=ASK) as response, pytest.raises(httpx.RemoteProtocolError):
        raw.extend(response.iter_raw())
    events = b"".join(raw).split(b"\r\n\r\n")
    *_, cut = [json.loads(event.removeprefix(b"data: ")) for event in events if event]
    assert "finishReason" not in candidate(cut)
    rest = client.chunks(continued(candidate(cut)["continuationToken"]), model=NEW)
    assert text(*rest) == "nine ten eleven twelve."


def test_a_token_of_a_script_leads_to_its_next_step(start):
    long = {"candidates": [{"finishReason": "CONTINUATION", "continuationToken": "t1"}]}
    client = start([long, "The rest."])
    assert candidate(client.ask(ASK).json())["continuationToken"] == "t1"
    assert client.parts(continued("t1")) == [{"text": "The rest."}]


@pytest.mark.skipif(not hasattr(types.Candidate(), "continuation_token"), reason="google-genai is older")
def test_the_sdk_continues_by_itself(start):
    emulator = start([TEXT, TEXT], faults=["continuation:after=2", "none", "checkpoint:after=1"]).emulator
    client = genai.Client(api_key="test", http_options=types.HttpOptions(base_url=emulator.url))
    assert client.models.generate_content(model=NEW, contents="Go").text == TEXT
    chunks = client.models.generate_content_stream(model=NEW, contents="Go")
    assert "".join(chunk.text or "" for chunk in chunks) == TEXT
