"""What goes wrong on demand."""

from __future__ import annotations

import asyncio
import json
import queue

import httpx
import pytest

from langchain_codeexec.emulator import Fault, Faults, ScriptedBrain, create_app
from tests.emulator.conftest import VERTEX

OLD, NEW = "gemini-2.5-flash", "gemini-3-flash-preview"
ASK = {"contents": [{"role": "user", "parts": [{"text": "Go"}]}], "tools": [{"codeExecution": {}}]}
TOOLS = {"tools": [{"functionDeclarations": [{"name": "weather"}]}]}
TEXT = "One two three four five six seven eight nine."


def always(prompt):
    return TEXT


def streamed(client, *, sse=True):
    """The bytes of a stream as far as they came, and whether it broke."""
    path = f"/v1beta/models/{NEW}:streamGenerateContent{'?alt=sse' if sse else ''}"
    raw = b""
    with client.http.stream("POST", path, json=ASK) as response:
        assert response.status_code == 200
        try:
            for piece in response.iter_raw():
                raw += piece
        except httpx.RemoteProtocolError:
            return raw, True
    return raw, False


def events(raw):
    return [event.removeprefix(b"data: ") for event in raw.split(b"\r\n\r\n") if event]


def texts(raw):
    chunks = map(json.loads, events(raw))
    return [chunk["candidates"][0]["content"]["parts"][0]["text"] for chunk in chunks]


# -- spellings -----------------------------------------------------------------------------------------


# -- which request is hit ------------------------------------------------------------------------------


def test_a_queue_hits_the_next_requests_once_each(start):
    client = start(always, faults=["none", "503"])
    client.emulator.faults.add("429", "none")
    assert [client.ask(ASK).status_code for _ in range(5)] == [200, 503, 429, 200, 200]
    assert client.emulator.faults.pending == ()
    assert [request.status for request in client.emulator.requests] == [200, 503, 429, 200, 200]


def test_only_what_would_have_been_answered_is_hit(start):
    client = start(always, faults=["503"])
    assert client.ask({}).status_code == 400
    assert client.ask(ASK, model="gpt-9").status_code == 404
    assert client.ask({}, model="gemini-embedding-2", action="embedContent").status_code == 400
    assert client.ask({}, action="predictLongRunning").status_code == 404
    assert client.http.get("/v1beta/tunedModels").status_code == 404
    assert client.ask(ASK).status_code == 503


HELLO = {"content": {"parts": [{"text": "hello"}]}}
BY_METHOD = {
    "countTokens": ("POST", f"/v1beta/models/{OLD}:countTokens", {"contents": ASK["contents"]}),
    "computeTokens": ("POST", f"{VERTEX}/{OLD}:computeTokens", {"contents": ASK["contents"]}),
    "embedContent": ("POST", "/v1beta/models/gemini-embedding-2:embedContent", HELLO),
    "predict": ("POST", f"{VERTEX}/gemini-embedding-001:predict", {"instances": [{"content": "hello"}]}),
    "GET": ("GET", "/v1beta/models", None),
    "POST": ("POST", "/upload/v1beta/files", {"any": "file"}),
}


@pytest.mark.parametrize("method", BY_METHOD)
def test_other_requests_are_hit_as_well(start, method):
    other = {"generateContent", *BY_METHOD} - {method}
    client = start(
        always,
        faults=[
            *(f"500:method={one}" for one in other),
            "empty",
            "503:retry_after=1",
            "truncated",
            f"cut:method={method}",
        ],
    )
    http_method, path, body = BY_METHOD[method]

    def ask():
        return client.http.request(http_method, path, json=body)

    assert (ask().status_code, client.emulator.requests[-1].method) == (503, method)
    with pytest.raises(json.JSONDecodeError):
        ask().json()
    with pytest.raises(httpx.RemoteProtocolError):
        ask()
    assert ask().json()
    assert [fault.kind for fault in client.emulator.faults.pending] == ["status"] * len(other) + ["empty"]


def test_what_a_fault_refuses_has_changed_nothing(start):
    client = start(always, faults=["503:method=POST", "503:method=DELETE"])
    for status, count in ((503, 0), (200, 1)):
        assert client.http.post("/upload/v1beta/files", content=b"hi").status_code == status
        assert len(client.http.get("/v1beta/files").json().get("files", [])) == count
    (file,) = client.http.get("/v1beta/files").json()["files"]
    for status, left in ((503, 200), (200, 403)):
        assert client.http.delete(f"/v1beta/{file['name']}").status_code == status
        assert client.http.get(f"/v1beta/{file['name']}").status_code == left


def test_faults_may_be_shared_between_emulators(start):
    faults = Faults(["503", "503"])
    one, second = start(always, faults=faults), start(always, faults=faults)
    assert [client.ask(ASK).status_code for client in (one, second, one)] == [503, 503, 200]


def test_a_header_has_faults_of_its_own(start):
    client = start(always, faults=["500"])
    first, second = Faults.header("503", "none", Fault("error", message="Oh no", after=1)), Faults.header()
    written = {"x-emulator-faults": "429:retry_after=1 ; 404 # mine"}

    def ask(headers, action="generateContent"):
        return client.http.post(f"/v1beta/models/{OLD}:{action}", json=ASK, headers=headers)

    asked = [first, written, second, first, written, written, {}, {}]
    assert [ask(one).status_code for one in asked] == [503, 429, 200, 200, 404, 200, 500, 200]
    assert ask(first, "streamGenerateContent").json()[-1]["error"]["message"] == "Oh no"
    refused = ask({"x-emulator-faults": "oops#1"}).json()["error"]
    assert refused["status"] == "FAILED_PRECONDITION"
    assert "x-emulator-faults: there is no fault 'oops'" in refused["message"]


# -- refusals ------------------------------------------------------------------------------------------


def test_a_status_with_retry_after(start):
    client = start(always, faults=[Fault("status", status_code=503, message="Busy.", retry_after=7)])
    response = client.ask(ASK)
    assert response.headers["retry-after"] == "7"
    assert response.json()["error"] == {
        "code": 503,
        "message": "Busy.",
        "status": "UNAVAILABLE",
        "details": [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "7s"}],
    }


@pytest.mark.parametrize(
    ("fault", "developer", "vertex"),
    [
        ("500", "Internal error encountered.", "Internal error encountered."),
        ("503", "This model is currently experiencing high demand.", "The service is currently unavailable."),
        (
            "429",
            "Resource has been exhausted (e.g. check quota).",
            "Resource exhausted. Please try again later.",
        ),
        ("504:message=Late.", "Late.", "Late."),
        ("418", "I'm a Teapot", "I'm a Teapot"),
    ],
)
def test_a_bare_status_says_what_the_services_say(start, fault, developer, vertex):
    client = start(always, faults=[fault] * 2)
    for endpoint, message in (("developer", developer), ("vertex", vertex)):
        assert client.ask(ASK, endpoint=endpoint).json()["error"]["message"].startswith(message)


@pytest.mark.parametrize(
    ("fault", "endpoint", "status", "kinds"),
    [
        ("quota:retry_after=2", "developer", "RESOURCE_EXHAUSTED", ["Help", "QuotaFailure", "RetryInfo"]),
        ("quota", "developer", "RESOURCE_EXHAUSTED", ["Help", "QuotaFailure"]),
        ("quota:retry_after=2", "vertex", "RESOURCE_EXHAUSTED", []),
        ("429:retry_after=2", "developer", "RESOURCE_EXHAUSTED", ["RetryInfo"]),
        ("429:retry_after=2", "vertex", "RESOURCE_EXHAUSTED", ["RetryInfo"]),
        ("503:retry_after=2", "developer", "UNAVAILABLE", ["RetryInfo"]),
        ("permission", "vertex", "PERMISSION_DENIED", ["ErrorInfo"]),
        ("permission", "developer", "PERMISSION_DENIED", []),
        ("error", "developer", "UNAVAILABLE", []),
    ],
)
def test_refusals(start, fault, endpoint, status, kinds):
    response = start(always, faults=[fault]).ask(ASK, endpoint=endpoint)
    error = response.json()["error"]
    assert (error["status"], error["code"]) == (status, response.status_code)
    assert [detail["@type"].rpartition(".")[2] for detail in error.get("details", [])] == kinds
    in_details = endpoint == "developer" and status == "RESOURCE_EXHAUSTED"
    header = "2" if "retry_after" in fault and not in_details else None
    assert response.headers.get("retry-after") == header


# -- answers of no use ---------------------------------------------------------------------------------


@pytest.mark.parametrize("action", ["generateContent", "streamGenerateContent"])
@pytest.mark.parametrize(
    ("fault", "candidates"),
    [
        ("empty", [{"index": 0, "finishReason": "STOP"}]),
        ("no_candidates", None),
        (
            "malformed_call",
            [
                {
                    "index": 0,
                    "finishReason": "MALFORMED_FUNCTION_CALL",
                    "finishMessage": "Malformed function call: print(default_api.weather(",
                }
            ],
        ),
    ],
)
def test_answers_without_content(start, fault, candidates, action):
    brain = ScriptedBrain([TEXT])
    client = start(brain, faults=[fault])
    body = client.ask({**ASK, **TOOLS}, action=action).json()
    body = body[0] if isinstance(body, list) else body
    assert body.get("candidates") == candidates
    assert body["usageMetadata"]["totalTokenCount"] > 0
    assert brain.prompts == []


# -- latency -------------------------------------------------------------------------------------------


class Waiter:
    """Lets no time pass, and says what it was asked for."""

    def __init__(self) -> None:
        self.waited = []

    async def __call__(self, seconds):
        self.waited.append(seconds)


def test_latency_before_the_answer(start):
    waiter = Waiter()
    client = start(always, faults=Faults(["latency:seconds=30", "latency:seconds=5,rate=1"], wait=waiter))
    assert client.parts(ASK)[0]["text"] == TEXT
    assert texts(streamed(client)[0])[-1] == ""
    assert waiter.waited == [30, 5, 5]


def test_latency_within_a_stream(start):
    go = asyncio.Event()
    loops: queue.Queue[asyncio.AbstractEventLoop] = queue.Queue()

    async def wait(seconds):
        loops.put(asyncio.get_running_loop())
        await go.wait()

    client = start(always, faults=Faults(["latency:seconds=30,after=1"], wait=wait))
    with client.http.stream(
        "POST", f"/v1beta/models/{NEW}:streamGenerateContent?alt=sse", json=ASK
    ) as response:
        lines = (line for line in response.iter_lines() if line)
        assert "One two" in next(lines)
        loops.get(timeout=30).call_soon_threadsafe(go.set)
        assert "ive six" in next(lines)
        assert len(list(lines)) == 2


# -- what breaks on the way ----------------------------------------------------------------------------


def test_a_connection_cut_before_the_answer(start):
    client = start(always, faults=["cut", "cut"])
    for action in ("generateContent", "streamGenerateContent?alt=sse"):
        with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
            client.ask(ASK, action=action)
    assert client.ask(ASK).status_code == 200
    assert [request.status for request in client.emulator.requests] == [0, 0, 200]


@pytest.mark.parametrize(
    ("after", "whole"), [(1, ["One two three four f"]), (3, None), (4, None), (100, None)]
)
def test_a_stream_cut_on_the_way(start, after, whole):
    raw, broke = streamed(start(always, faults=[f"cut:after={after}"]))
    assert broke
    assert texts(raw) == (whole or ["One two three four f", "ive six seven eight ", "nine.", ""][:after])


@pytest.mark.parametrize("after", [1, 2])
def test_an_answer_cut_in_the_middle(start, after):
    client = start(always, faults=[f"cut:after={after}"])
    with pytest.raises(httpx.RemoteProtocolError, match="incomplete"):
        client.ask(ASK)


def test_a_truncated_stream_ends_well(start):
    client = start(always, faults=["truncated:after=1", "truncated"])
    raw, broke = streamed(client)
    first, second = events(raw)
    assert not broke
    assert json.loads(first)["candidates"]
    with pytest.raises(json.JSONDecodeError):
        json.loads(second)
    with pytest.raises(json.JSONDecodeError):
        client.ask(ASK).json()


@pytest.mark.parametrize("sse", [True, False])
def test_an_unfinished_stream_is_whole_but_for_its_end(start, sse):
    client = start(always, faults=["unfinished:after=2", "unfinished"])
    raw, broke = streamed(client, sse=sse)
    chunks = list(map(json.loads, events(raw))) if sse else json.loads(raw)
    assert not broke
    assert [set(chunk["candidates"][0]) & {"finishReason"} for chunk in chunks] == [set(), set()]
    assert client.parts(ASK)[0]["text"] == TEXT


def test_a_garbled_chunk_alone_is_no_json(start):
    client = start(always, faults=["garbled:after=1", "garbled"])
    good, bad, *rest = events(streamed(client)[0])
    for text in (good, *rest):
        assert json.loads(text)["candidates"]
    for text in (bad, client.ask(ASK).content):
        with pytest.raises(json.JSONDecodeError):
            json.loads(text)


def test_a_duplicate_chunk(start):
    client = start(always, faults=["duplicate:after=1"] * 3)
    expected = ["One two three four f", "ive six seven eight ", "ive six seven eight ", "nine.", ""]
    assert texts(streamed(client)[0]) == expected
    array = json.loads(streamed(client, sse=False)[0])
    assert [chunk["candidates"][0]["content"]["parts"][0]["text"] for chunk in array] == expected
    assert client.parts(ASK)[0]["text"] == TEXT


@pytest.mark.parametrize("after", [0, 2, 100])
def test_an_error_in_mid_stream(start, after):
    client = start(
        always, faults=[Fault("error", status_code=500, message="Oh.", after=after) for _ in range(2)]
    )
    *chunks, last = map(json.loads, events(streamed(client)[0]))
    assert last == {"error": {"code": 500, "message": "Oh.", "status": "INTERNAL"}}
    assert len(chunks) == min(after, 4)
    assert json.loads(streamed(client, sse=False)[0])[-1] == last


def test_a_server_that_cannot_cut_leaves_the_answer_unfinished():
    app = create_app(ScriptedBrain(always), faults=["cut"])
    sent = []

    async def receive():
        return {"type": "http.request", "body": json.dumps(ASK).encode(), "more_body": False}

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": f"/v1beta/models/{OLD}:generateContent",
        "query_string": b"key=k",
        "headers": [(b"host", b"localhost")],
    }
    asyncio.run(app(scope, receive, send))
    assert sent == []


# -- the admin route -----------------------------------------------------------------------------------
