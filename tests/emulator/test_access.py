"""Who is answered, under which names; odd URLs; and that nothing runs on for a client that left."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from itertools import cycle

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_codeexec.emulator import (
    CassettePlayer,
    GeminiEmulator,
    RecordingProxy,
    ScriptedBrain,
    create_app,
)
from langchain_codeexec.emulator.cassettes import write_cassette
from langchain_codeexec.errors import ConfigurationError
from langchain_codeexec.executors.process import ProcessExecutor
from langchain_codeexec.sandbox import LocalSandbox

MODEL = "/v1beta/models/gemini-3-flash-preview"
ASK = {"contents": [{"parts": [{"text": "Go"}]}], "tools": [{"codeExecution": {}}]}
ROUTES = [
    ("POST", f"{MODEL}:generateContent"),
    ("POST", f"{MODEL}:streamGenerateContent?alt=sse"),
    ("POST", f"{MODEL}:countTokens"),
    ("GET", MODEL),
    ("GET", "/v1beta/models"),
    ("POST", "/v1beta/cachedContents"),
    ("POST", "/upload/v1beta/files"),
    ("GET", "/__emulator__/requests"),
    ("DELETE", "/__emulator__/requests"),
    ("GET", "/__emulator__/events"),
    ("GET", "/__emulator__/static/main.js"),
    ("PUT", "/__emulator__/faults"),
    ("GET", "/"),
    ("GET", "/no/such/route"),
]
FOREIGN = [
    {"host": "example.com"},
    {"host": "127.0.0.1.example.com:80"},
    {"host": "notlocalhost"},
    {"host": "192.0.2.1"},
    {"host": ""},
    {"host": "[::1"},
    {"origin": "https://example.com"},
    {"origin": "null"},
    {"origin": "chrome-extension://abcdef"},
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site", "sec-fetch-mode": "no-cors"},
]
FORM = {"content-type": "text/plain", "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
"""What a form on another page sends without its reader's consent."""


@pytest.fixture(scope="module")
def emulator():
    with GeminiEmulator(ScriptedBrain(lambda prompt: "Hi.")) as emulator:
        yield emulator


@pytest.fixture(scope="module")
def player(tmp_path_factory):
    path = tmp_path_factory.mktemp("cassette") / "c.yaml"
    write_cassette(path, [])
    with CassettePlayer(path) as player:
        yield player


@pytest.fixture(scope="module")
def recorder(emulator, tmp_path_factory):
    with RecordingProxy(emulator.url, tmp_path_factory.mktemp("cassette") / "c.yaml") as recorder:
        yield recorder


def send(server, method, path, headers):
    return httpx.request(method, server.url + path, json=ASK, headers={"x-goog-api-key": "k", **headers})


@pytest.mark.parametrize(("method", "path", "headers"), [(*r, h) for r, h in zip(ROUTES, cycle(FOREIGN))])
def test_no_route_answers_another_name_or_site(emulator, method, path, headers):
    answered = len(emulator.requests)
    response = send(emulator, method, path, headers)
    assert response.status_code == 403
    assert "refused" in response.json()["error"]["message"]
    assert len(emulator.requests) == answered


@pytest.mark.parametrize("headers", [*FOREIGN, FORM], ids=str)
@pytest.mark.parametrize("kind", ["emulator", "player", "recorder"])
def test_no_server_answers_another_name_or_site(kind, headers, request):
    assert send(request.getfixturevalue(kind), "POST", f"{MODEL}:generateContent", headers).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "localhost"},
        {"host": "LOCALHOST:8080"},
        {"host": "localhost."},
        {"host": "gemini.localhost:80"},
        {"host": "127.0.0.1"},
        {"host": "127.8.9.10:1"},
        {"host": "[::1]:80"},
        {"origin": "http://localhost:3000", "sec-fetch-site": "same-origin", "sec-fetch-mode": "cors"},
        {"sec-fetch-mode": "cors"},  # what Node's fetch sends
        {"sec-fetch-site": "none"},
        {"x-forwarded-for": "192.0.2.7"},
    ],
    ids=str,
)
def test_every_name_of_this_machine_is_answered(emulator, headers):
    assert send(emulator, "POST", f"{MODEL}:generateContent", headers).status_code == 200


PAGE = "http://localhost:5173"
FROM_PAGE = {"origin": PAGE, "sec-fetch-site": "same-site", "sec-fetch-mode": "cors"}


def test_pages_of_allowed_origins_are_answered_and_told_so(emulator):
    ask = {
        **FROM_PAGE,
        "access-control-request-method": "POST",
        "access-control-request-headers": "x-goog-api-key",
    }
    assert send(emulator, "POST", f"{MODEL}:generateContent", FROM_PAGE).status_code == 403
    with GeminiEmulator(
        ScriptedBrain(lambda prompt: "Hi."), allow_origins=[PAGE, "https://app.example"]
    ) as sharing:
        preflight = send(sharing, "OPTIONS", f"{MODEL}:generateContent", ask)
        assert preflight.headers["access-control-allow-headers"] == "x-goog-api-key"
        answers = [preflight, send(sharing, "POST", f"{MODEL}:generateContent", FROM_PAGE)]
        answers.append(send(sharing, "POST", f"{MODEL}:streamGenerateContent", FROM_PAGE))
        for answer in answers:
            assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, PAGE)
        far = {"origin": "https://app.example", "sec-fetch-site": "cross-site"}
        assert send(sharing, "GET", "/v1beta/models", far).status_code == 200
        others = [
            {**FROM_PAGE, "origin": "http://localhost:5174"},
            {**FROM_PAGE, "host": "example.com"},
            *FOREIGN,
        ]
        for headers in others:
            assert send(sharing, "POST", f"{MODEL}:generateContent", headers).status_code == 403
        assert send(sharing, "GET", "/__emulator__/requests", FROM_PAGE).status_code == 403


@pytest.mark.parametrize("origin", ["*", "null", "localhost:5173", "http://localhost:5173/", "http://h/path"])
def test_what_is_no_origin_is_refused(origin):
    with pytest.raises(ConfigurationError, match="is no origin of a page"):
        GeminiEmulator(allow_origins=[origin])


@pytest.mark.parametrize(
    ("allow_remote", "headers", "status"),
    [
        (True, {"host": "emulator:8080"}, 200),
        (True, {"host": "emulator:8080", "origin": "http://emulator:8080"}, 200),
        (True, {"host": "emulator:8080", "origin": "http://example.com"}, 403),
        (True, FORM, 403),
        (["emulator"], {"host": "emulator:8080"}, 200),
        ("emulator", {"host": "emulator:8080"}, 200),
        (["emulator"], {"host": "e"}, 403),
        ("emulator", {"host": "e"}, 403),
        (["emulator"], {"host": "example.com"}, 403),
        (["emulator"], {"host": "localhost", "origin": "http://emulator"}, 200),
        (["emulator"], {"host": "127.0.0.1"}, 200),
    ],
)
def test_a_public_emulator_answers_the_names_it_is_given(allow_remote, headers, status):
    with GeminiEmulator(ScriptedBrain(lambda prompt: "Hi."), allow_remote=allow_remote) as emulator:
        assert send(emulator, "POST", f"{MODEL}:generateContent", headers).status_code == status


LONG = "x" * 5000
DIGITS = "9" * 5000


@pytest.mark.parametrize(
    "path",
    [
        f"/__emulator__/static/{LONG}",
        "/__emulator__/static/%00",
        "/__emulator__/static/%2e%2e%2froutes.py",
        "/__emulator__/static/nothing.js",
        "/__emulator__/requests/0",
        f"/__emulator__/requests/{DIGITS}",
        f"/__emulator__/requests/{LONG}/json",
        f"/__emulator__/requests/1/blob?at={LONG}",
        f"/__emulator__/requests/0/{LONG}",
        f"/{LONG}",
        f"/v1beta/models/{LONG}",
        f"/v1beta/models/{LONG}:generateContent",
    ],
)
def test_a_long_name_is_not_found(emulator, path):
    assert send(emulator, "GET", path, {}).status_code == 404


@pytest.mark.parametrize("after", [DIGITS, LONG, "-1", "1.5", "²", ""])
def test_what_is_no_revision_is_refused(emulator, after):
    assert send(emulator, "GET", f"/__emulator__/requests?after={after}", {}).status_code == 400


ODD = st.sampled_from(
    ["", "x", "%00", "%ff", "..", "a:b", "²", "9" * 30, LONG, "generateContent", "-1", "%2f", "\\", "*"]
)


@given(
    method=st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]),
    base=st.sampled_from(
        ["", *(path.partition("?")[0] for _, path in ROUTES), "/v1beta/projects/p/locations/l/cachedContents"]
    ),
    segments=st.lists(ODD, max_size=3),
    query=st.dictionaries(
        st.sampled_from(["alt", "pageSize", "pageToken", "after", "at", "q", "run", "key"]), ODD, max_size=2
    ),
    body=st.sampled_from([b"", b"{}", b"[]", b"null", b"{", b"\xff", b'{"contents": 7}', b"[" * 50_000]),
)
def test_no_url_breaks_the_server(method, base, segments, query, body):
    path = "/".join([base, *segments])
    url = f"http://localhost/{path.lstrip('/')}?" + "&".join(
        f"{name}={value}" for name, value in query.items()
    )

    async def status() -> int:
        app = create_app(ScriptedBrain(lambda prompt: "Hi."))
        transport = httpx.ASGITransport(app, client=("127.0.0.1", 5), raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport) as http:
            return (
                await http.request(method, url, content=body, headers={"x-goog-api-key": "k"})
            ).status_code

    if not path.endswith("/events"):  # which does not end
        assert asyncio.run(status()) < 500


# -- clients that leave --------------------------------------------------------------------------------

ENDLESS = "open('began', 'w').close()\nimport time\nwhile True: time.sleep(0.01)"


class Watched:
    """An executor that says when a run began and when it ended."""

    name = "watched"

    def __init__(self, executor) -> None:
        self._executor = executor
        self.began, self.ended = threading.Event(), threading.Event()

    def run(self, request):
        raise NotImplementedError

    arun = run

    def session(self):
        from contextlib import contextmanager

        @contextmanager
        def opened():
            with self._executor.session() as session:
                yield _WatchedSession(session, self)

        return opened()


class _WatchedSession:
    def __init__(self, session, watched) -> None:
        self._session, self._watched = session, watched
        self.cancel = session.cancel

    def run(self, request):
        self._watched.began.set()
        try:
            return self._session.run(request)
        finally:
            self._watched.ended.set()


@pytest.mark.parametrize("method", ["generateContent", "streamGenerateContent?alt=sse"])
@pytest.mark.parametrize(
    "make", [lambda: LocalSandbox(timeout=600), lambda: ProcessExecutor(600)], ids=["sandbox", "process"]
)
def test_code_stops_when_its_client_leaves(make, method):
    executor = Watched(make())
    steps = [[{"executableCode": {"code": ENDLESS}}, {"executableCode": {"code": ENDLESS}}, "Done."]]
    with GeminiEmulator(ScriptedBrain(steps), executor) as emulator:
        with raw_post(emulator.url, method):
            assert executor.began.wait(60)
        assert executor.ended.wait(60)
        emulator.stop()
    for thread in threading.enumerate():
        if thread.name == "gemini-emulator-brain":
            thread.join(60)
            assert not thread.is_alive()
    if method == "generateContent":
        assert emulator.requests[-1].status == 499


def raw_post(url: str, method: str) -> socket.socket:
    """A connection on which a request was sent."""
    host, port = url.removeprefix("http://").split(":")
    body = json.dumps(ASK).encode()
    head = f"POST {MODEL}:{method} HTTP/1.1\r\nhost: {host}\r\nx-goog-api-key: k\r\n"
    client = socket.create_connection((host, int(port)))
    client.sendall(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)
    return client


@pytest.mark.parametrize("begun", [b"", b"HTTP/1.1 200 OK\r\n\r\n"], ids=["before", "during"])
def test_a_recorder_gives_up_for_a_client_that_leaves(begun, tmp_path):
    with (
        socket.create_server(("127.0.0.1", 0)) as service,
        RecordingProxy(f"http://127.0.0.1:{service.getsockname()[1]}", tmp_path / "c.yaml") as recorder,
        raw_post(recorder.url, "generateContent") as client,
        service.accept()[0] as connection,
    ):
        connection.settimeout(60)
        connection.recv(65536)
        connection.sendall(begun)
        if begun:
            client.recv(65536)
        client.close()
        while connection.recv(65536):
            pass


@pytest.mark.parametrize(("headers", "status"), [({"host": "example.com"}, 403), (FORM, 403), ({}, 200)])
def test_an_application_under_another_server_is_guarded_too(headers, status):
    async def ask() -> httpx.Response:
        app = create_app(ScriptedBrain(lambda prompt: "Hi."), allow_remote=["gemini.test"])
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://gemini.test"
        ) as http:
            path = f"{MODEL}:generateContent?key=k"
            return await http.post(path, json=ASK, headers=headers)

    assert asyncio.run(ask()).status_code == status
