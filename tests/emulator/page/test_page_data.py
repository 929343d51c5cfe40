"""What the page is told: the list, one request, events; and nothing to strangers."""

from __future__ import annotations

import base64
import json
import time
from contextlib import contextmanager

import httpx
import pytest

from langchain_codeexec.emulator import GeminiEmulator, ScriptedBrain

CODE = [{"codeExecution": {}}]
OWN = "/__emulator__"
HI = {"contents": [{"parts": [{"text": "Hi"}]}]}


@contextmanager
def events(asking, **query):
    """The changes that are told, one after the other."""
    with asking.http.stream("GET", f"{OWN}/events", params=query) as response:
        yield (json.loads(line[6:]) for line in response.iter_lines() if line.startswith("data: "))


# -- the list ------------------------------------------------------------------------------------------


def test_a_line_says_what_is_seen_at_a_glance(cleared):
    cleared.ask("Draw pi", model="gemini-3-flash-preview", tools=CODE)
    (line,) = cleared.lines()
    expected = {
        "httpMethod": "POST",
        "method": "generateContent",
        "model": "gemini-3-flash-preview",
        "endpoint": "developer",
        "status": 200,
        "state": "complete",
        "codeExecution": True,
        "functions": [],
        "otherTools": [],
        "text": "Draw pi",
        "outcomes": ["OUTCOME_OK"],
        "finish": "STOP",
        "problem": "",
        "faults": [],
    }
    assert {name: line[name] for name in expected} == expected
    assert line["tokens"] > 0
    assert line["duration"] > 0


def test_what_changed_after_a_revision(cleared):
    cleared.ask("One")
    revision = cleared.http.get(f"{OWN}/requests").json()["revision"]
    assert cleared.lines(revision) == []
    cleared.ask("Two")
    assert [line["text"] for line in cleared.lines(revision)] == ["Two"]
    assert (
        len(cleared.http.get(f"{OWN}/requests", params={"after": revision, "run": "x"}).json()["requests"])
        == 2
    )


def test_requests_recorded_have_the_numbers_of_the_page(cleared):
    cleared.ask("Hello")
    record = cleared.emulator.requests[-1]
    assert record.number == cleared.lines()[-1]["number"]
    assert record.received.isoformat(timespec="milliseconds") == cleared.lines()[-1]["time"]


def test_the_page_itself_is_no_request(cleared):
    before = len(cleared.emulator.requests)
    html = {"accept": "text/html,*/*"}
    assert cleared.http.get("/", headers=html).headers["location"] == f"{OWN}/"
    assert cleared.http.get(OWN, headers=html).headers["location"] == f"{OWN}/"
    page = cleared.http.get(cleared.emulator.page_url)
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert cleared.lines() == []
    assert len(cleared.emulator.requests) == before
    assert cleared.http.get("/").status_code == 404
    assert len(cleared.lines()) == 1


# -- one request ---------------------------------------------------------------------------------------


def test_all_of_a_stream(cleared):
    cleared.ask("Draw pi", model="gemini-3-flash-preview", stream=True, tools=[{"code_execution": {}}])
    detail = cleared.last()
    assert detail["request"]["tools"] == [{"code_execution": {}}]
    assert detail["parsed"]["tools"] == CODE
    assert [next(iter(part)) for part in detail["answer"]["parts"]] == [
        "text",
        "executableCode",
        "codeExecutionResult",
        "inlineData",
        "text",
    ]
    assert (detail["brain"], detail["notes"]) == (
        "ScriptedBrain",
        ["the script is a function of the request"],
    )
    times = [chunk["at"] for chunk in detail["chunks"]]
    timing = detail["timing"]
    moments = [timing["read"], timing["brain"], timing["first"], *times, timing["total"]]
    assert moments == sorted(moments)
    assert detail["query"] == {"alt": "sse"}
    usage = detail["usage"]
    assert usage["totalTokenCount"] == sum(
        usage.get(f"{side}TokenCount", 0) for side in ("prompt", "candidates", "toolUsePrompt", "thoughts")
    )


def test_code_that_is_run_is_timed(start):
    client = start([[{"executableCode": {"code": "print(6 * 7)"}}, "It is 42."]], record_page=True)
    client.ask({**HI, "tools": CODE})
    detail = client.http.get(f"{OWN}/requests/1").json()
    (run,) = detail["timing"]["runs"]
    assert run["outcome"] == "OUTCOME_OK"
    assert 0 < run["seconds"] <= detail["duration"]
    assert detail["notes"][0].startswith("step: ")


def test_nothing_is_recorded_before_the_page_is_opened(start):
    client = start(lambda prompt: "Hi.")
    for _ in range(3):
        client.ask(HI)
    page = client.http.get(f"{OWN}/requests").json()
    assert (page["requests"], page["missed"]) == ([], 3)
    client.ask(HI)
    page = client.http.get(f"{OWN}/requests").json()
    assert ([line["number"] for line in page["requests"]], page["missed"]) == ([4], 3)
    assert [request.number for request in client.emulator.requests] == [0, 0, 0, 4]


def test_faults_alone_open_no_page(start):
    http = start([]).http
    assert http.get(f"{OWN}/faults").status_code == 200
    assert http.get(f"{OWN}/requests", headers={"host": "example.com"}).status_code == 403
    http.get("/v1beta/models")
    assert http.get(f"{OWN}/requests").json()["missed"] == 1


def test_faults_and_cut_answers_are_told(cleared):
    cleared.emulator.faults.add("latency:seconds=0,rate=1,seed=3", "cut:after=1")
    with pytest.raises(httpx.TransportError):
        cleared.ask("one two three four five six seven eight", stream=True)
    detail = cleared.last()
    assert detail["faultsHit"] == [{"kind": "cut", "after": 1}, {"kind": "latency", "rate": 1, "seed": 3}]
    assert (detail["state"], len(detail["chunks"])) == ("cut", 1)
    cleared.emulator.faults.replace(["cut"])
    with pytest.raises(httpx.TransportError):
        cleared.ask("Hello")
    assert (cleared.last()["state"], cleared.last()["status"]) == ("cut", 0)


@pytest.mark.parametrize(
    ("fault", "texts"), [("garbled", 1), ("truncated:after=1", 1), ("error:after=1", 0), ("duplicate", 0)]
)
def test_spoiled_streams_are_shown_as_they_were_sent(cleared, fault, texts):
    cleared.emulator.faults.add(fault)
    response = cleared.ask("pi", stream=True)
    detail = cleared.last()
    assert sum("text" in chunk for chunk in detail["chunks"]) == texts
    raw = cleared.http.get(f"{OWN}/requests/{detail['number']}/response").text
    assert raw == response.text
    assert (detail["error"] is not None) == (fault == "error:after=1")


def test_no_credential_is_kept(cleared):
    secret = "AIzaVerySecretKeyOfSomebodyElse00000000"
    for where in (
        {"headers": {"x-goog-api-key": secret}},
        {"headers": {"authorization": f"Bearer {secret}"}},
        {"params": {"key": secret, "alt": "sse"}},
    ):
        body = {"contents": [{"parts": [{"text": "Hi"}]}]}
        httpx.post(
            f"{cleared.emulator.url}/v1/publishers/google/models/gemini-2.5-flash:generateContent",
            json=body,
            **where,
        )
    for number in [line["number"] for line in cleared.lines()]:
        for view in ("", "/curl", "/json", "/request", "/response", "/cassette"):
            assert secret not in cleared.http.get(f"{OWN}/requests/{number}{view}").text
    assert secret not in cleared.http.get(f"{OWN}/requests").text


# -- large and strange bodies --------------------------------------------------------------------------


def test_long_texts_are_cut_and_blobs_left_out_but_there_to_be_fetched(start):
    text, blob = "é" * 50_000, base64.b64encode(b"a,b\n1,2\n").decode()
    file = {"inlineData": {"mimeType": "text/csv", "data": blob}}
    client = start([{"candidates": [{"content": {"parts": [{"text": text}, file]}}]}], record_page=True)
    picture = {"inline_data": {"mime_type": "image/png", "data": "AAAA"}}
    client.ask({"contents": [{"parts": [{"text": "x" * 30_000}, picture]}]})
    detail = client.http.get(f"{OWN}/requests/1").json()
    assert detail["answer"]["parts"][0]["text"] == "é" * 20_000
    assert detail["cuts"]["/answer/parts/0/text"] == {"length": 50_000}
    cut = {"length": len(blob), "bytes": 8, "mimeType": "text/csv"}
    assert detail["cuts"]["/answer/parts/1/inlineData/data"] == cut
    assert detail["cuts"]["/request/contents/0/parts/1/inline_data/data"]["mimeType"] == "image/png"
    for pointer, content, media_type in (
        ("/answer/parts/0/text", text.encode(), "text/plain; charset=utf-8"),
        ("/answer/parts/1/inlineData/data", b"a,b\n1,2\n", "text/plain; charset=utf-8"),
        ("/request/contents/0/parts/1/inline_data/data", b"\0\0\0", "image/png"),
    ):
        fetched = client.http.get(f"{OWN}/requests/1/blob", params={"at": pointer})
        assert (fetched.content, fetched.headers["content-type"]) == (content, media_type)
    for pointer in ("", "/answer", "/answer/parts/7/text", "/answer/parts/x", "/nothing"):
        missing = client.http.get(f"{OWN}/requests/1/blob", params={"at": pointer})
        assert missing.status_code == 404, pointer


@pytest.mark.parametrize("mime_type", ["text/html", "application/pdf", "image/x-tiff", "text/javascript"])
def test_what_a_stranger_wrote_is_never_a_page(start, mime_type):
    data = base64.b64encode(b"<script>alert(1)</script>").decode()
    part = {"inlineData": {"mimeType": mime_type, "data": data}}
    client = start([{"candidates": [{"content": {"parts": [part]}}]}], record_page=True)
    client.ask(HI)
    response = client.http.get(f"{OWN}/requests/1/blob?at=/answer/parts/0/inlineData/data")
    assert response.headers["content-type"] in ("text/plain; charset=utf-8", "application/octet-stream")
    assert response.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in response.headers["content-security-policy"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"7",
        b'{"contents": 7, "tools": "x"}',
        b'{"contents": [null, {"parts": [3]}], "tools": [null]}',
        b'{"contents": [{"parts": [{"text": null}]}], "tools": [{"functionDeclarations": [{"name": 7}]}]}',
        b'{"contents": [{"parts": [{"text": "Hi"}]}], "generationConfig": {"temperature": NaN, "topP": 1e999}}',
        b'{"contents": ' + b"[" * 900 + b"]" * 900 + b"}",
        b"[" * 100_000,
        b'{"contents": [{"parts": [{"inlineData": {"mimeType": "image/png", "data": "!"}}]}]}',
        b"\xff\xfe",
    ],
    ids=lambda body: repr(body[:30]),
)
def test_strange_requests_are_shown_all_the_same(cleared, body):
    cleared.http.post("/v1beta/models/gemini-2.5-flash:generateContent", content=body)
    number = cleared.lines()[-1]["number"]
    response = cleared.http.get(f"{OWN}/requests/{number}")
    assert response.status_code == 200
    json.loads(response.text, parse_constant=pytest.fail)
    for view in ("curl", "json"):
        assert cleared.http.get(f"{OWN}/requests/{number}/{view}").status_code == 200
    assert cleared.http.get(f"{OWN}/requests/{number}/cassette").status_code == (
        400 if b": [[[" in body else 200
    )
    assert cleared.http.get(f"{OWN}/search", params={"q": "contents"}).status_code == 200


# -- searching -----------------------------------------------------------------------------------------


def test_search_gives_the_place(cleared):
    cleared.ask("A question about pi", tools=CODE)
    cleared.ask("Another")
    first, second = (str(line["number"]) for line in cleared.lines())

    def hits(query):
        return cleared.http.get(f"{OWN}/search", params={"q": query}).json()["hits"]

    assert hits("QUESTION") == {first: "A question about pi"}
    assert hits("math.PI") == {first: "…port math print(math.pi) # round"}
    assert set(hits("gemini-2.5")) == set(hits("developer")) == set(hits("")) == {first, second}
    assert hits("ScriptedBrain").keys() == {first, second}
    assert hits("not there") == {}
    assert hits(base64.b64encode(b"signed").decode()) == {}


# -- events --------------------------------------------------------------------------------------------


def test_events_begin_with_what_there_is_and_go_on(cleared):
    cleared.ask("One")
    with events(cleared) as changes:
        state = next(changes)
        assert [line["text"] for line in state["requests"]] == ["One"]
        cleared.ask("Two")
        while not state["requests"] or state["requests"][-1]["text"] != "Two":
            state = next(changes)
        cleared.emulator.faults.add("quota")
        assert next(change for change in changes if change["faults"])["faults"] == [{"kind": "quota"}]
    with events(cleared, after=state["revision"], run=state["run"]) as changes:
        assert next(changes)["requests"] == []
    with events(cleared, after=state["revision"], run="another") as changes:
        assert len(next(changes)["requests"]) == 2


def test_an_open_page_does_not_keep_the_emulator_from_ending():
    emulator = GeminiEmulator(ScriptedBrain([]), grace=60).start()
    with httpx.stream("GET", f"{emulator.page_url}events") as response:
        read = response.iter_lines()
        next(read)
        began = time.monotonic()
        emulator.stop()
        assert list(read) == [""]
    assert time.monotonic() - began < 30


# -- strangers -----------------------------------------------------------------------------------------


def test_a_link_on_another_page_may_be_followed(cleared):
    headers = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "accept": "text/html"}
    assert cleared.http.get("/", headers=headers, follow_redirects=True).status_code == 200
    assert cleared.http.get("/", headers={**headers, "host": "example.com"}).status_code == 403


def test_the_page_lets_nothing_foreign_in(cleared):
    response = cleared.http.get(f"{OWN}/")
    policy = response.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert response.headers["x-content-type-options"] == "nosniff"
    assert "http" not in response.text
    assert "<script>" not in response.text
    assert "style=" not in response.text
