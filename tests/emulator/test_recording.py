"""Recording what a service answers, and playing it again without the service."""

from __future__ import annotations

import json
import threading
from dataclasses import replace

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_codeexec.emulator import (
    CassettePlayer,
    EmulatedError,
    GeminiEmulator,
    RecordingProxy,
    ScriptedBrain,
    open_cassette,
)
from langchain_codeexec.emulator.cassettes import (
    Interaction,
    RecordedRequest,
    RecordedResponse,
    Scrubber,
    append_to_cassette,
    fingerprint,
    read_cassette,
    write_cassette,
)
from langchain_codeexec.emulator.server import LocalServer
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


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        (f"x{KEY}x", "xSECRET"),
        ("AQ.Ab8RN6Jabcdefghijklmnop!", "SECRET!"),
        ("Authorization: Bearer abcdefghijk.lm", "Authorization: Bearer SECRET"),
        ("https://h/x?alt=sse&key=abc&b=1", "https://h/x?alt=sse&key=SECRET&b=1"),
        ("-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY-----\n", "SECRET\n"),
        ("Consumer 'project_number:123456'", "Consumer 'project_number:PROJECT'"),
        ("projects/p/locations/l", "projects/PROJECT/locations/l"),
        ("our projects, in /home", "our projects, in /home"),
        ("a Bearer of news", "a Bearer of news"),
    ],
)
def test_forms_of_secrets(text, clean):
    scrubber = Scrubber()
    assert scrubber.text(text) == clean
    assert scrubber.text(clean) == clean
    assert scrubber.value({"a": [text, 1, None], "data": text, "thoughtSignature": text}) == {
        "a": [clean, 1, None],
        "data": text,
        "thoughtSignature": text,
    }


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


def upload(url, data, **metadata):
    """A resumable upload in two pieces; the URL it went to, and the file."""
    headers = {"x-goog-api-key": KEY, "x-goog-upload-protocol": "resumable"}
    begun = httpx.post(
        f"{url}/upload/v1beta/files",
        headers={
            **headers,
            "x-goog-upload-command": "start",
            "x-goog-upload-header-content-type": "text/csv",
        },
        json={"file": metadata},
    )
    place = begun.headers["x-goog-upload-url"]
    granularity = int(begun.headers["x-goog-upload-chunk-granularity"])
    going = httpx.post(
        place, content=data[:granularity], headers={"x-goog-upload-command": "upload"}, timeout=60
    )
    assert going.headers["x-goog-upload-status"] == "active"
    done = httpx.post(
        place,
        content=data[granularity:],
        headers={"x-goog-upload-command": "upload, finalize", "x-goog-upload-offset": str(granularity)},
    )
    assert done.headers["x-goog-upload-status"] == "final"
    return place, done.json()["file"]


@pytest.mark.parametrize("first", [b"\xff", b"\n"])
def test_uploads_go_through_the_recorder_and_are_played(tmp_path, first):
    path, data = tmp_path / "c.yaml", first * (8 << 20) + b"a,b\r\n1,2\n"

    def talk(url):
        place, file = upload(url, data, displayName="t.csv")
        assert place.startswith(f"{url}/upload/v1beta/files?")
        part = {"fileData": {"fileUri": file["uri"], "mimeType": "text/csv"}}
        return file, post(url, body={"contents": [{"role": "user", "parts": [part]}]}).json()

    with GeminiEmulator(ScriptedBrain(["Seen."])) as emulator, RecordingProxy(emulator.url, path) as proxy:
        recorded = talk(proxy.url)
        assert [request.path for request in emulator.requests][:3] == ["/upload/v1beta/files"] * 3
    assert recorded[0]["sizeBytes"] == str(len(data))
    text = path.read_text(encoding="utf-8")
    assert "upload_id" not in text
    assert "http://" not in text.replace(recorded[0]["uri"], "")
    assert "8388608 bytes, sha256 " in text
    with CassettePlayer(path) as player:
        assert talk(player.url) == recorded
        player.assert_finished()


def test_an_upload_elsewhere_than_the_service_goes_there(tmp_path):
    async def service(scope, receive, send):
        here = dict(scope["headers"])[b"host"]
        elsewhere = (
            b"http://" + here.replace(b"127.0.0.1", b"localhost") + b"/gone/on?upload_id=1234567890&x=%2F"
        )
        body = b"\xff\x00" if scope["path"] == "/gone/on" else b"%s%s" % (scope["path"].encode(), here)
        headers = [(b"content-type", b"image/png"), (b"x-goog-upload-url", elsewhere)]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    path = tmp_path / "c.yaml"

    def talk(url):
        place = post(url, "/upload/v1beta/files").headers["x-goog-upload-url"]
        assert place.startswith(f"{url}/gone/on?")
        return post(place, "").content

    with LocalServer(service) as elsewhere, RecordingProxy(f"{elsewhere.url}/gateway", path) as proxy:
        assert talk(proxy.url) == b"\xff\x00"
    assert "1234567890" not in path.read_text(encoding="utf-8")
    with CassettePlayer(path) as player:
        assert talk(player.url) == b"\xff\x00"


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


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[", "is no cassette"),
        ("- 1", "is no cassette"),
        ("interactions: []", "is no cassette"),
        ("version: 1", "is no cassette"),
        ("interactions: [{request: {}, response: {}}]\nversion: 1", "is no cassette"),
        ("interactions: []\nversion: 2", "is of version 2, not 1"),
        (b"\xff\xfe\xff", "cannot be read"),
        (None, "cannot be read: No such file"),
    ],
)
def test_what_is_no_cassette_is_told(tmp_path, content, message):
    path = tmp_path / "c.yaml"
    if content is not None:
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(ConfigurationError, match=message):
        CassettePlayer(path)


def test_a_cassette_without_interactions_has_no_nearest(tmp_path):
    path = tmp_path / "c.yaml"
    write_cassette(path, [])
    with CassettePlayer(path) as player:
        assert post(player.url).json()["error"]["message"].endswith("record it anew.")


TEXTS = st.text(st.characters(), max_size=20) | st.sampled_from(
    [
        "a\nb",
        "a\n\n",
        " lead\n  more\n",
        "trail \nx",
        "tab\tx\n",
        "\n",
        "yes",
        "1e3",
        "\x85\n",
        "\u2028\n",
        "# no\n- x\n",
        "=",
        "half a pair \ud800 \n",
        "a: b\n",
    ]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


@given(body=JSON, chunks=st.none() | st.lists(JSON, max_size=2))
def test_a_cassette_keeps_every_json_value(tmp_path_factory, body, chunks):
    path = tmp_path_factory.mktemp("cassette") / "c.yaml"
    interaction = Interaction(
        RecordedRequest("POST", "/x", {"alt": "sse"}, body),
        RecordedResponse(200, {"content-type": "x"}, chunks=chunks, body=body, text=None),
    )
    write_cassette(path, [interaction, interaction])
    read, again = read_cassette(path)
    assert json.dumps(again.request.body) == json.dumps(read.request.body)
    kept, given = [read.request.body, read.response.chunks], [body, chunks]
    assert json.dumps(kept, sort_keys=True) == json.dumps(given, sort_keys=True)
    assert fingerprint(read.request) == fingerprint(interaction.request)


def test_a_file_that_cannot_be_written_leaves_the_old_one(tmp_path):
    path = tmp_path / "c.yaml"
    write_cassette(path, [])
    before = path.read_text(encoding="utf-8")
    path_as_folder = tmp_path / "folder"
    path_as_folder.mkdir()
    with pytest.raises(OSError, match="folder"):
        write_cassette(path_as_folder, [])
    assert path.read_text(encoding="utf-8") == before
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["c.yaml", "folder"]


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


def test_a_file_without_room_for_more_stays_as_it_was(tmp_path):
    resource = pytest.importorskip("resource")
    path = tmp_path / "c.yaml"
    interaction = Interaction(RecordedRequest("POST", "/x"), RecordedResponse(200, text="x" * 1000))
    write_cassette(path, [interaction])
    before = path.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 100, hard))
    try:
        with pytest.raises(OSError, match="No space left"):
            append_to_cassette(path, interaction)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path.read_bytes() == before
    append_to_cassette(path, interaction)
    assert read_cassette(path) == [interaction, interaction]


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


@pytest.mark.parametrize(
    "repeated",
    [
        "1",
        "a.",
        "a@",
        "-----BEGIN PRIVATE KEY-----",
        "-----BEGIN ",
        "A",
        "Bearer ",
        "AQ.",
        "projects/",
        "?key=",
        "AIza",
    ],
)
def test_a_huge_text_is_scrubbed_in_one_go(repeated):
    """What looks at a character more than a few times would take long for these."""
    scrubber = Scrubber(["never"])
    text = repeated * (1_000_000 // len(repeated))
    assert len(scrubber.text(text)) <= len(text) * 2
    assert scrubber.text(f"{text[:1000]} {KEY} robot@p.iam.gserviceaccount.com").endswith(" SECRET SECRET")


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": "Bearer Rumpelstiltskin"},
        {"Authorization": "Rumpelstiltskin"},
        {"x-api-key": "Rumpelstiltskin"},
        {"X-Gateway-Token": "Rumpelstiltskin"},
        {"cookie": "theme=dark; session=Rumpelstiltskin"},
    ],
)
def test_secrets_are_learned_from_headers(headers):
    scrubber = Scrubber()
    scrubber.learn("/", "", headers)
    assert "Rumpel" not in scrubber.text("I am called session=Rumpelstiltskin.")


@given(text=st.text(max_size=30), project=st.from_regex(r"[a-z][a-z0-9-]{5,12}", fullmatch=True))
def test_scrubbing_leaves_no_secret_and_twice_is_once(text, project):
    scrubber = Scrubber()
    scrubber.learn(f"/v1/projects/{project}/x", f"key={KEY}", {"authorization": f"Bearer {TOKEN}"})
    clean = scrubber.text(f"{text}{KEY} {project} {TOKEN} {text}")
    assert KEY not in clean
    assert TOKEN not in clean
    assert project not in clean
    assert scrubber.text(clean) == clean
