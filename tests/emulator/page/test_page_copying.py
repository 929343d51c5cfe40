"""What is copied from the page does what it says: in a shell, in a player of cassettes."""

from __future__ import annotations

import json
import os
import subprocess

import httpx
import pytest

from langchain_codeexec.emulator import CassettePlayer

CODE = [{"codeExecution": {}}]
MODEL = "gemini-2.5-flash"  # it signs nothing, so the same is answered every time
VERTEX = f"/v1beta1/projects/p/locations/us-central1/publishers/google/models/{MODEL}"
DEVELOPER = f"/v1beta/models/{MODEL}"
TEXTS = [
    "Say pi",
    "It's $HOME and `uname` and \\ and \"quotes\" !! 'single'",
    "two\nlines\tand a tab, JSON\nJSON",
    "العربية, 日本語, 🙂",
]


def ask(text, **fields):
    return {"contents": [{"role": "user", "parts": [{"text": text}]}], **fields}


def view(asking, name, number=None):
    response = asking.http.get(f"/__emulator__/requests/{number or asking.last()['number']}/{name}")
    assert response.status_code == 200, response.text
    return response.text


def shell(command, **settings):
    environment = {name: value for name, value in os.environ.items() if name != "GEMINI_API_KEY"} | settings
    done = subprocess.run(
        ["bash"], input=command, capture_output=True, text=True, timeout=60, check=True, env=environment
    )
    return done.stdout


def contents_of(body):
    """The answer without what is new in every answer."""
    return [chunk["candidates"][0].get("content") for chunk in body]


# -- curl ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("path", [f"{DEVELOPER}:generateContent", f"{VERTEX}:generateContent"])
def test_curl_asks_the_same(cleared, path, text):
    first = cleared.http.post(path, json=ask(text, tools=CODE))
    sent = cleared.last()["request"]
    again = json.loads(shell(view(cleared, "curl"), GEMINI_API_KEY="another key"))
    assert contents_of([again]) == contents_of([first.json()])
    assert cleared.last()["request"] == sent


@pytest.mark.parametrize(
    "credentials", [{"headers": {"authorization": "Bearer t"}}, {"params": {"key": "k"}}]
)
def test_curl_of_a_stream_with_other_credentials(cleared, credentials):
    url = f"{cleared.emulator.url}{VERTEX}:streamGenerateContent"
    params = {"alt": "sse", **credentials.get("params", {})}
    httpx.post(url, params=params, headers=credentials.get("headers"), json=ask("Say pi"))
    command = view(cleared, "curl")
    assert shell(command).count("data: ") == len(cleared.last()["chunks"]) == 6


@pytest.mark.parametrize(
    "body", [b"", b"{", b"JSON\n'\nJSON_", b'{"contents": "\xff"}', b"\x00\r\n%s\x1b[31m", b"[]"], ids=repr
)
def test_curl_of_what_is_no_request(cleared, body):
    first = cleared.http.post(f"{DEVELOPER}:generateContent", content=body)
    again = json.loads(shell(view(cleared, "curl")))
    assert first.status_code == cleared.last()["status"] == 400
    assert again["error"]["message"].splitlines()[0] == first.json()["error"]["message"].splitlines()[0]


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/v1beta/models"), ("GET", "/v1/x%20y'z"), ("PUT", "/v1")]
)
def test_curl_of_what_has_no_body(cleared, method, path):
    first = cleared.http.request(method, path)
    assert json.loads(shell(view(cleared, "curl"))) == first.json()
    assert cleared.last()["httpMethod"] == method


def test_curl_of_a_request_without_credentials_has_none(cleared):
    httpx.post(f"{cleared.emulator.url}{VERTEX}:generateContent", json=ask("Hi"))
    assert json.loads(shell(view(cleared, "curl")))["error"]["status"] == "UNAUTHENTICATED"


def test_a_body_larger_than_an_argument_may_be(cleared):
    cleared.http.post(f"{DEVELOPER}:generateContent", json=ask("x" * 300_000 + " pi"))
    assert "candidates" in json.loads(shell(view(cleared, "curl")))


# -- JSON and cassettes --------------------------------------------------------------------------------


def test_json_holds_both_sides(cleared):
    answer = cleared.ask("Say pi", tools=CODE).json()
    copied = json.loads(view(cleared, "json"))
    assert copied == {"request": ask("Say pi", tools=CODE), "response": answer}
    cleared.ask("Say pi", stream=True)
    assert len(json.loads(view(cleared, "json"))["response"]) == 6
    cleared.http.post(f"{DEVELOPER}:generateContent", content=b"no JSON")
    assert json.loads(view(cleared, "json"))["request"] == "no JSON"


@pytest.mark.parametrize("stream", [True, False])
def test_a_cassette_plays(cleared, tmp_path, stream):
    first = cleared.ask("Say pi", tools=CODE, stream=stream)
    path = tmp_path / "one.yaml"
    path.write_text(view(cleared, "cassette"))
    with CassettePlayer(path) as player:
        again = httpx.post(
            f"{player.url}{first.request.url.raw_path.decode()}", content=first.request.content
        )
    assert again.status_code == 200
    if stream:
        assert [json.loads(line[6:]) for line in again.text.split("\r\n\r\n") if line] == [
            json.loads(line[6:]) for line in first.text.split("\r\n\r\n") if line
        ]
    else:
        assert again.json() == first.json()


def test_a_cassette_holds_no_project_and_what_was_garbled(cleared):
    cleared.emulator.faults.add("garbled")
    cleared.http.post(f"{VERTEX.replace('/p/', '/my-own-project/')}:generateContent", json=ask("Say pi"))
    text = view(cleared, "cassette")
    assert "my-own-project" not in text
    assert "text:" in text
