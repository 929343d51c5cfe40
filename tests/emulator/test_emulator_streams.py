"""How an answer travels in pieces."""

from __future__ import annotations

import json
import threading

import httpx
import pytest

from langchain_codeexec.emulator import EmulatedError
from langchain_codeexec.errors import ExecutorError

NEW, OLD = "gemini-3-flash-preview", "gemini-2.5-flash"
ASK = {"contents": [{"role": "user", "parts": [{"text": "Go"}]}], "tools": [{"codeExecution": {}}]}
CODE = {"executableCode": {"language": "PYTHON", "code": "print(6 * 7)"}}
CALL = {"functionCall": {"name": "f", "args": {}}}
RESULT = {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "42\n"}}


def parts_of(chunk):
    return chunk["candidates"][0].get("content", {}).get("parts", [])


def unlinked(part):
    """A part without what Gemini 3 gives it besides."""
    return {
        name: {key: inner for key, inner in value.items() if key != "id"}
        if isinstance(value, dict)
        else value
        for name, value in part.items()
        if name != "thoughtSignature"
    }


@pytest.mark.parametrize("endpoint", ["vertex", "developer"])
@pytest.mark.parametrize(("model", "ending"), [(OLD, []), (NEW, [[{"text": ""}]])])
def test_text_in_pieces_and_all_else_whole(start, endpoint, model, ending):
    """Gemini 2 ends with its last words, as recorded; Gemini 3 with an empty text."""
    client = start([["One two three four five six seven eight nine.", CODE, "Done."]])
    chunks = client.chunks(ASK, endpoint=endpoint, model=model)
    assert [[unlinked(part) for part in parts_of(chunk)] for chunk in chunks] == [
        [{"text": "One two three four f"}],
        [{"text": "ive six seven eight "}],
        [{"text": "nine."}],
        [CODE, *([{"text": ""}] if ending and endpoint == "developer" else [])],
        [RESULT],
        [{"text": "Done."}],
        *ending,
    ]
    reasons = [chunk["candidates"][0].get("finishReason") for chunk in chunks]
    assert reasons == [None] * (5 + len(ending)) + ["STOP"]
    assert len({chunk["responseId"] for chunk in chunks}) == 1
    assert {chunk["modelVersion"] for chunk in chunks} == {model}


def test_the_last_chunk_has_the_total_of_the_whole_answer(start):
    script = ["Some words and then some more of them.", CODE, "Done."]
    client = start([script] * 3)
    whole = client.ask(ASK, endpoint="developer").json()["usageMetadata"]
    usages = [chunk["usageMetadata"] for chunk in client.chunks(ASK, endpoint="developer")]
    assert usages[-1] == whole
    totals = [usage["totalTokenCount"] for usage in usages]
    assert totals == sorted(totals)
    partial = [chunk["usageMetadata"] for chunk in client.chunks(ASK, endpoint="vertex")][:-1]
    assert all(usage == {"trafficType": "ON_DEMAND"} for usage in partial)


@pytest.mark.parametrize(
    ("script", "signed", "last"),
    [
        ([["Hm. ", CODE, "Done."]], [1], True),
        ([[CODE]], [0], False),
        ([[{"functionCall": {"name": "f"}}, {"functionCall": {"name": "g"}}]], [0], False),
    ],
)
def test_signatures_in_a_stream(start, script, signed, last):
    *chunks, end = start(script).chunks(ASK, model=NEW)
    assert [index for index, chunk in enumerate(chunks) if "thoughtSignature" in parts_of(chunk)[0]] == signed
    assert parts_of(end)[0]["text"] == ""
    assert ("thoughtSignature" in parts_of(end)[0]) == last


ARGS = {"place": {"city": "New York", "at": [1, True, None]}, "empty": {}}


@pytest.mark.parametrize(("endpoint", "streams"), [("vertex", True), ("vertex", False), ("developer", False)])
def test_arguments_of_a_call_in_pieces(start, endpoint, streams):
    call = {"functionCall": {"name": "f", "args": ARGS}}
    config = {"functionCallingConfig": {"streamFunctionCallArguments": True}} if streams else {}
    ask = {**ASK, "tools": [{"functionDeclarations": [{"name": "f"}]}], "toolConfig": config}
    client = start([[call]])
    chunks = client.chunks(ask, model=NEW, endpoint=endpoint)
    calls = [part["functionCall"] for chunk in chunks for part in parts_of(chunk) if "functionCall" in part]
    if not streams:
        assert [called["args"] for called in calls] == [ARGS]
        return
    name, *pieces, end = calls
    assert (name["name"], name["willContinue"], end) == ("f", True, {})
    assert [piece["partialArgs"] for piece in pieces] == [
        [{"jsonPath": "$.place.city", "stringValue": "New York", "willContinue": True}],
        [{"jsonPath": "$.place.city", "stringValue": ""}],
        [{"jsonPath": "$.place.at[0]", "numberValue": 1}],
        [{"jsonPath": "$.place.at[1]", "boolValue": True}],
        [{"jsonPath": "$.place.at[2]", "nullValue": "NULL_VALUE"}],
    ]
    assert parts_of(chunks[-1]) == [{"functionCall": {}}]
    assert chunks[-1]["candidates"][0]["finishReason"] == "STOP"


def test_streamed_arguments_are_unknown_to_the_developer_api(start):
    config = {"functionCallingConfig": {"streamFunctionCallArguments": True}}
    assert "streamFunctionCallArguments" in start(["-"]).ask({**ASK, "toolConfig": config}).text


@pytest.mark.parametrize(
    ("endpoint", "model", "said"),
    [
        ("developer", NEW, [True, False]),
        ("developer", OLD, [True, True]),
        ("developer", "gemini-2.0-flash", [False, False]),
        ("vertex", NEW, [False, False]),
    ],
)
def test_what_a_finish_message_says_of_calls(start, endpoint, model, said):
    """Streams of Gemini 3 end with a text, and say nothing of calls."""
    client = start([[CALL], [CALL], "Fine."])
    bodies = [client.ask(ASK, model=model, endpoint=endpoint).json()]
    bodies.append(client.chunks(ASK, model=model, endpoint=endpoint)[-1])
    messages = [body["candidates"][0].get("finishMessage") for body in bodies]
    assert messages == ["Model generated function call(s)." if is_said else None for is_said in said]
    assert "finishMessage" not in client.ask(ASK, model=model, endpoint=endpoint).json()["candidates"][0]


def test_the_last_event_of_a_gateway(start):
    client = start(["Fine."] * 2, faults=["done", "done"])
    text = client.ask(ASK, action="streamGenerateContent?alt=sse").text
    assert text.endswith("data: [DONE]\r\n\r\n")
    assert client.ask(ASK).json()["candidates"]


def test_without_sse_a_json_array_comes_element_by_element(start):
    client = start(["One two three four five."] * 2)
    response = client.ask(ASK, action="streamGenerateContent", model=NEW)
    assert response.headers["content-type"].startswith("application/json")
    texts = [parts_of(element)[0]["text"] for element in response.json()]
    assert texts == ["One two three four f", "ive.", ""]
    assert texts == [parts_of(chunk)[0]["text"] for chunk in client.chunks(ASK, model=NEW)]


@pytest.mark.parametrize(
    ("query", "unwrap"),
    [("?alt=sse", lambda body: body), ("", lambda body: body[0])],
)
def test_an_error_before_the_first_chunk_is_a_status(start, query, unwrap):
    client = start([EmulatedError(503, message="Overloaded.")])
    response = client.ask(ASK, action=f"streamGenerateContent{query}")
    assert response.status_code == 503
    assert unwrap(response.json())["error"]["message"] == "Overloaded."
    assert unwrap(client.ask({}, action=f"streamGenerateContent{query}").json())["error"]["code"] == 400


def test_an_error_on_the_way_is_the_last_line(start):
    client = start([["So far.", EmulatedError(503, message="Overloaded.")]] * 2)
    first, last = client.chunks(ASK)
    assert parts_of(first) == [{"text": "So far."}]
    assert last == {"error": {"code": 503, "message": "Overloaded.", "status": "UNAVAILABLE"}}
    assert client.ask(ASK, action="streamGenerateContent").json()[-1] == last
    assert [request.status for request in client.emulator.requests] == [200, 200]


def test_a_sandbox_that_breaks_on_the_way(start):
    class Broken:
        name = "broken"

        def session(self):
            raise ExecutorError("gone")

    *chunks, last = start([["Hm.", CODE]], executor=Broken()).chunks(ASK)
    assert [parts_of(chunk) for chunk in chunks] == [[{"text": "Hm."}], [CODE]]
    assert last["error"]["code"] == 500


class Waiting:
    """A brain that says one thing, and the next only when it is let."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.closed = threading.Event()
        self.threads: set[int] = set()

    def respond(self, prompt):
        try:
            for text in ("first", "second"):
                self.threads.add(threading.get_ident())
                yield {"text": text}
                assert self.go.wait(30)
        finally:
            self.threads.add(threading.get_ident())
            self.closed.set()


def test_chunks_come_as_they_are_made_and_all_from_one_thread(start):
    brain = Waiting()
    client = start(brain)
    path = f"/v1beta/models/{NEW}:streamGenerateContent?alt=sse"
    with client.http.stream("POST", path, json=ASK) as response:
        lines = (line for line in response.iter_lines() if line)
        assert "first" in next(lines)
        assert not brain.closed.is_set()
        brain.go.set()
        assert "second" in next(lines)
        assert '"finishReason": "STOP"' in next(lines)
        assert list(lines) == []
    assert brain.closed.wait(30)
    assert len(brain.threads) == 1
    assert threading.get_ident() not in brain.threads


def test_a_client_that_goes_away_while_it_sends(start):
    client = start(["Hi."])
    host, port = client.emulator.url.removeprefix("http://").split(":")
    import socket

    with socket.create_connection((host, int(port)), timeout=30) as half:
        half.sendall(
            f"POST /v1beta/models/{OLD}:generateContent?key=k HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{{".encode()
        )
    assert client.ask(ASK).status_code == 200


def test_requests_are_answered_side_by_side(start):
    brain = Waiting()
    client = start(brain)
    path = f"{client.emulator.url}/v1beta/models/{OLD}:generateContent?key=k"
    answers: list[int] = []
    blocked = threading.Thread(
        target=lambda: answers.append(httpx.post(path, json=ASK, timeout=60).status_code)
    )
    blocked.start()
    assert client.http.get("/v1beta/models").status_code == 200
    brain.go.set()
    blocked.join(60)
    assert answers == [200]


@pytest.mark.parametrize("text", ["þetta er 🐍 \u2028 og \x1c meira", " a\n\n  b\t", "\n", " ", "a" * 60])
def test_pieces_add_up_to_the_text(start, text):
    chunks = start([text]).chunks(ASK)
    assert "".join(parts_of(chunk)[0]["text"] for chunk in chunks) == text
    assert json.loads(json.dumps(chunks)) == chunks
