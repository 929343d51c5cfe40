"""Recording what a service answers, and playing it again without the service."""

from __future__ import annotations

import json
import threading
from dataclasses import replace

import httpx
import pytest

from langchain_codeexec.emulator import (
    CassettePlayer,
    EmulatedError,
    GeminiEmulator,
    RecordingProxy,
    ScriptedBrain,
    open_cassette,
)
from langchain_codeexec.emulator.cassettes import read_cassette, write_cassette
from langchain_codeexec.errors import ConfigurationError

KEY = "AIza" + "Sy0123456789abcdefghijklmnopqrstuvw"
TOKEN = "ya29.a0AfH6SMBxyz"
PROJECT = "my-secret-project"
DEVELOPER = "/v1beta/models/gemini-3-flash-preview"
VERTEX = f"/v1beta1/projects/{PROJECT}/locations/global/publishers/google/models/gemini-2.5-flash"
CODE = {"executableCode": {"language": "PYTHON", "code": "import math\n\nprint(\n    math.pi\n)\n"}}


def ask(text="Go"):
    return {"contents": [{"role": "user", "parts": [{"text": text}]}], "tools": [{"codeExecution": {}}]}


def post(url, path=f"{DEVELOPER}:generateContent", body=None, **more):
    headers = {"x-goog-api-key": KEY} if "headers" not in more else more.pop("headers")
    return httpx.post(url + path, json=ask() if body is None else body, headers=headers, timeout=60, **more)


@pytest.fixture
def record(tmp_path):
    """Record a conversation with an emulator; gives the cassette and the answers."""

    def run(script, talk, **options):
        path = tmp_path / "cassette.yaml"
        brain = script if hasattr(script, "respond") else ScriptedBrain(script)
        with GeminiEmulator(brain) as emulator, RecordingProxy(emulator.url, path, **options) as proxy:
            return path, talk(proxy.url)

    return run


def conversation(url):
    return [
        post(url),
        post(url, f"{DEVELOPER}:streamGenerateContent?alt=sse"),
        post(url, f"{DEVELOPER}:streamGenerateContent"),
        post(url, f"{VERTEX}:generateContent", headers={"authorization": f"Bearer {TOKEN}"}),
        post(url, f"{DEVELOPER}:generateContent?key={KEY}", headers={}),
        post(url, f"{DEVELOPER}:streamGenerateContent?alt=sse"),
        httpx.get(f"{url}/v1beta/models?key={KEY}"),
    ]


SCRIPT = [["Hm.", CODE, "Done."]] * 4 + [
    EmulatedError(429, message="Slow down.", headers={"Retry-After": "3"}),
    ["So far.", EmulatedError(503)],
]


def seen(response):
    kept = {name: response.headers.get(name) for name in ("content-type", "retry-after")}
    body = response.text
    if kept["content-type"].startswith("text/event-stream"):
        return (
            response.status_code,
            kept,
            [json.loads(event[6:]) for event in body.split("\r\n\r\n") if event],
        )
    return response.status_code, kept, json.loads(body)


def test_what_is_played_is_what_was_recorded(record):
    path, recorded = record(SCRIPT, conversation)
    assert [response.status_code for response in recorded] == [200] * 4 + [429, 200, 200]
    with CassettePlayer(path) as player:
        played = conversation(player.url)
        player.assert_finished()
    assert [seen(response) for response in played] == [seen(response) for response in recorded]


def test_the_file_reads_well_and_is_the_same_however_often_it_is_written(record, tmp_path):
    path, _ = record([["Hm.", CODE]], post)
    text = path.read_text(encoding="utf-8")
    assert "code: |\n" in text
    assert "math.pi\n" in text
    assert text.index("body:") < text.index("method: POST") < text.index("path: ")
    write_cassette(tmp_path / "again.yaml", read_cassette(path))
    assert (tmp_path / "again.yaml").read_text(encoding="utf-8") == text
    assert [entry.name for entry in tmp_path.iterdir() if entry.name.startswith(".")] == []


def test_no_secret_is_written_down(record):
    body = ask(f"My key is {KEY}, my project {PROJECT}, my name Rumpelstiltskin, see projects/other-one/x.")
    body["labels"] = {"owner": "robot@some-project.iam.gserviceaccount.com"}

    def talk(url):
        headers = {"authorization": f"Bearer {TOKEN}", "x-goog-user-project": "billed-project"}
        return post(url, f"{VERTEX}:generateContent?key={KEY}", body, headers=headers)

    path, answer = record(
        lambda prompt: f"Bearer {TOKEN} of {PROJECT} pays through billed-project",
        talk,
        secrets=["Rumpelstiltskin"],
    )
    assert answer.status_code == 200
    text = path.read_text(encoding="utf-8")
    for secret in (KEY, TOKEN, PROJECT, "Rumpelstiltskin", "robot@", "other-one", "billed-project"):
        assert secret not in text
    assert "/v1beta1/projects/PROJECT/locations/global" in text
    (interaction,) = read_cassette(path)
    assert interaction.request.query == {}
    assert set(interaction.response.headers) == {"content-type"}
    with CassettePlayer(path, secrets=["Rumpelstiltskin"]) as player:
        assert talk(player.url).status_code == 200
        second = VERTEX.replace(PROJECT, "another-project")
        body["contents"][0]["parts"][0]["text"] = body["contents"][0]["parts"][0]["text"].replace(
            PROJECT, "another-project"
        )
        assert (
            post(player.url, f"{second}:generateContent", body).json()["error"]["message"].count("used up")
            == 1
        )


def test_short_words_are_no_secrets(record):
    path, _ = record(["A test is a test."], lambda url: post(url, headers={"x-goog-api-key": "test"}))
    assert "A test is a test." in path.read_text(encoding="utf-8")


def test_base64_is_kept_and_its_alphabet_does_not_matter(record):
    image = {"inlineData": {"mimeType": "image/png", "data": "+/+/"}}
    path, _ = record(
        ["Seen."], lambda url: post(url, body={"contents": [{"role": "user", "parts": [image]}]})
    )
    assert "data: +/+/" in path.read_text(encoding="utf-8")
    image["inlineData"]["data"] = "-_-_"
    with CassettePlayer(path) as player:
        assert post(player.url, body={"contents": [{"role": "user", "parts": [image]}]}).status_code == 200


def test_a_strict_player_wants_the_same_request_in_any_order(record):
    path, _ = record(
        lambda prompt: prompt.request["contents"][0]["parts"][0]["text"].upper(),
        lambda url: [post(url, body=ask(text)) for text in ("a", "b")],
    )
    with CassettePlayer(path) as player:
        assert "B" in post(player.url, body=ask("b")).text
        refused = post(player.url, body=ask("c"))
        assert "A" in post(player.url, body=ask("a")).text
        used_up = post(player.url, body=ask("a"))
        with pytest.raises(AssertionError, match="Not recorded: POST /v1beta/models/gemini-3-flash-preview"):
            player.assert_finished()
    assert refused.status_code == 400
    message = refused.json()["error"]["message"]
    step = "request 2, POST /v1beta/models/gemini-3-flash-preview:generateContent: "
    assert f"{step}no such request was recorded; record it anew" in message
    assert "nearest recorded request" in message
    assert "-  - parts:\n" not in message
    assert "- text: a\n" in message
    assert "- text: c" in message
    assert "used up" in used_up.json()["error"]["message"]


def test_a_lenient_player_goes_in_order_by_method(record):
    def talk(url):
        return [
            post(url, body=ask("a")),
            post(url, f"{DEVELOPER}:streamGenerateContent?alt=sse"),
            post(url, body=ask("b")),
        ]

    path, _ = record(["One.", "Two.", "Three."], talk)
    with CassettePlayer(path, strict=False) as player:
        assert "Two." in post(player.url, f"{VERTEX}:streamGenerateContent?alt=sse", ask("x")).text
        assert "One." in post(player.url, body=ask("y")).text
        with pytest.raises(AssertionError, match="Not used: POST"):
            player.assert_finished()
        assert "Three." in post(player.url, body=ask("z")).text
        player.assert_finished()
        assert post(player.url, body=ask("z")).status_code == 400


def test_streams_pass_piece_by_piece(tmp_path):
    go = threading.Event()

    class Slow:
        def respond(self, prompt):
            yield {"text": "first"}
            assert go.wait(30)
            yield {"text": "second"}

    with (
        GeminiEmulator(Slow()) as emulator,
        RecordingProxy(emulator.url, tmp_path / "c.yaml") as proxy,
        httpx.stream(
            "POST", f"{proxy.url}{DEVELOPER}:streamGenerateContent?alt=sse&key=k", json=ask(), timeout=60
        ) as response,
    ):
        lines = (line for line in response.iter_lines() if line)
        assert "first" in next(lines)
        assert proxy.interactions == ()
        go.set()
        assert "second" in next(lines)
        assert len(list(lines)) == 1
        assert len(proxy.interactions[0].response.chunks) == 3


def test_what_broke_on_the_way_is_not_recorded(tmp_path):
    path = tmp_path / "c.yaml"
    with (
        GeminiEmulator(
            ScriptedBrain(lambda prompt: "One two three four five."), faults=["cut:after=1", "cut"]
        ) as emulator,
        RecordingProxy(emulator.url, path) as proxy,
    ):
        with pytest.raises(httpx.RemoteProtocolError):
            post(proxy.url, f"{DEVELOPER}:streamGenerateContent?alt=sse")
        refused = post(proxy.url)
        assert refused.status_code == 502
        assert "could not be reached" in refused.json()["error"]["message"]
        assert not path.exists()
        assert post(proxy.url).status_code == 200
    assert len(read_cassette(path)) == 1


def test_what_is_no_json_is_recorded_as_text(tmp_path):
    path = tmp_path / "c.yaml"
    with (
        GeminiEmulator(ScriptedBrain(lambda prompt: "Hello."), faults=["garbled", "garbled"]) as emulator,
        RecordingProxy(emulator.url, path) as proxy,
    ):
        whole, stream = post(proxy.url), post(proxy.url, f"{DEVELOPER}:streamGenerateContent?alt=sse")
        odd = httpx.post(f"{proxy.url}{DEVELOPER}:generateContent?key=k", content=b"{")
        large = httpx.post(f"{proxy.url}/x", content=b"x" * (20 * 1024 * 1024 + 1))
    assert (odd.status_code, large.status_code) == (400, 400)
    with CassettePlayer(path) as player:
        assert post(player.url).content == whole.content
        played = post(player.url, f"{DEVELOPER}:streamGenerateContent?alt=sse").content
        assert httpx.post(f"{player.url}{DEVELOPER}:generateContent?key=k", content=b"{").status_code == 400
    assert json.loads(played.split(b"data: ")[-1]) == json.loads(stream.content.split(b"data: ")[-1])
    assert played.split(b"\r\n\r\n")[0] == stream.content.split(b"\r\n\r\n")[0]


def test_interactions_are_in_the_order_they_were_asked_in(tmp_path):
    received, go = threading.Event(), threading.Event()

    class Brain:
        def respond(self, prompt):
            text = prompt.request["contents"][0]["parts"][0]["text"]
            if text == "slow":
                received.set()
                assert go.wait(30)
            yield {"text": text}

    path = tmp_path / "deep" / "c.yaml"
    with GeminiEmulator(Brain()) as emulator, RecordingProxy(emulator.url, path) as proxy:
        slow = threading.Thread(target=post, args=[proxy.url], kwargs={"body": ask("slow")})
        slow.start()
        assert received.wait(30)
        post(proxy.url, body=ask("fast"))
        go.set()
        slow.join(60)
    texts = [one.request.body["contents"][0]["parts"][0]["text"] for one in read_cassette(path)]
    assert texts == ["slow", "fast"]


def test_an_answer_takes_as_long_as_it_did_where_that_is_wanted(record):
    def talk(url):
        return [seen(post(url, f"{DEVELOPER}:{path}")) for path in paths]

    paths = ["streamGenerateContent?alt=sse", "generateContent", "generateContent"]

    path, answers = record(["One two three four five six seven eight.", "Two.", "Three."], talk)
    stream, *whole = read_cassette(path)
    assert len(stream.response.timing.split()) == len(stream.response.chunks)
    assert all(one.response.timing.isdecimal() for one in whole)
    timed = replace(
        stream.response, timing=" ".join(["1000", "20", *["0"] * (len(stream.response.chunks) - 2), "9"])
    )
    untimed = replace(whole[1].response, timing=None)
    write_cassette(
        path,
        [
            replace(stream, response=timed),
            replace(whole[0], response=replace(whole[0].response, timing="3")),
            replace(whole[1], response=untimed),
        ],
    )
    waited = []

    async def wait(seconds):
        waited.append(seconds)

    with open_cassette(path, strict=False, wait=wait) as player:
        assert talk(player.url) == answers
    assert waited == [1, 0.02, 0.009, 0.003, 0]


def test_open_cassette_records_once_and_then_plays(tmp_path):
    path = tmp_path / "c.yaml"
    with pytest.raises(ConfigurationError, match="give a base_url to record it from"):
        open_cassette(path)
    with GeminiEmulator(ScriptedBrain(["Once."])) as emulator:
        for _ in range(2):
            with open_cassette(path, base_url=emulator.url) as service:
                assert "Once." in post(service.url).text
    assert isinstance(open_cassette(path), CassettePlayer)


@pytest.mark.parametrize(
    "base_url",
    [
        "https://u:secret@example.com",
        "https://example.com?key=secret",
        "",
        "example.com",
        "ftp://example.com",
        "http://",
        "http://[",
    ],
)
def test_a_recorder_wants_a_service(base_url, tmp_path):
    with pytest.raises(ConfigurationError, match="no http or https URL") as caught:
        RecordingProxy(base_url, tmp_path / "c.yaml")
    assert "secret" not in str(caught.value)


def test_a_cassette_without_interactions_has_no_nearest(tmp_path):
    path = tmp_path / "c.yaml"
    write_cassette(path, [])
    with CassettePlayer(path) as player:
        assert post(player.url).json()["error"]["message"].endswith("record it anew.")


def test_what_cannot_be_written_costs_no_answer(tmp_path, caplog):
    path = tmp_path / "c.yaml"
    with (
        GeminiEmulator(ScriptedBrain(lambda prompt: "Hi.")) as emulator,
        RecordingProxy(emulator.url, path) as proxy,
    ):
        assert post(proxy.url).status_code == 200
        assert len(proxy.interactions) == 1
        path.unlink()
        path.symlink_to("/dev/full")
        for _ in range(3):
            assert "Hi." in post(proxy.url, f"{DEVELOPER}:streamGenerateContent?alt=sse").text
    assert caplog.text.count("this and every later answer is not recorded") == 1
    assert "No space left on device" in caplog.text


def test_what_cannot_be_recorded_costs_no_answer_and_no_other_record(tmp_path, caplog):
    path = tmp_path / "c.yaml"
    deep = {"contents": json.loads("[" * 900 + "]" * 900)}
    with (
        GeminiEmulator(ScriptedBrain(lambda prompt: "Hi.")) as emulator,
        RecordingProxy(emulator.url, path) as proxy,
    ):
        assert post(proxy.url, body=deep).status_code == 400
        assert post(proxy.url).status_code == 200
    assert "an answer is not recorded" in caplog.text
    assert [one.response.status for one in read_cassette(path)] == [200]


def test_an_answer_is_added_and_what_is_there_is_not_written_again(record, tmp_path):
    sizes: list[int] = []
    path = tmp_path / "cassette.yaml"

    def talk(url):
        for _ in range(3):
            post(url)
            sizes.append(path.stat().st_ino)
            path.write_bytes(path.read_bytes().replace(b"One word.", b"Changed."))

    record(lambda prompt: "One word.", talk)
    assert len(set(sizes)) == 1
    assert path.read_text(encoding="utf-8").count("Changed.") == 3
