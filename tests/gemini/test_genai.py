import asyncio
import copy
import importlib
import json
import sys
import threading
from contextlib import aclosing

import google.auth.credentials
import pytest
from google import genai
from google.auth.exceptions import RefreshError

from langchain_codeexec import errors
from langchain_codeexec.gemini.genai import GenAITransport
from langchain_codeexec.gemini.retries import RetryPolicy

ANSWER = {
    "candidates": [
        {
            "content": {
                "parts": [
                    {"executableCode": {"code": "1", "id": "a"}, "thoughtSignature": "_-8="},
                    {"codeExecutionResult": {"outcome": "OUTCOME_NOVEL", "id": "a", "novel": 1}},
                    {"novelPart": {"x": [None]}},
                ],
                "role": "model",
            },
            "novelField": {"y": 1.5},
        }
    ],
    "anotherNovelty": True,
}
REQUEST = {
    "contents": [{"role": "user", "parts": [{"text": "é", "thoughtSignature": "_-8="}]}],
    "toolConfig": {"includeServerSideToolInvocations": True},
    "novelty": {"kept": [1]},
}
LAST = {"novel": {"x": None}, "candidates": [{"finishReason": "STOP"}]}
CHUNK = b"data: " + json.dumps(LAST).encode() + b"\n\n"


class Fake(google.auth.credentials.Credentials):
    def __init__(self, failure: Exception | None = None) -> None:
        super().__init__()
        self.failure = failure

    def refresh(self, request) -> None:
        if self.failure is not None:
            raise self.failure
        self.token = "fake-token"


def developer(url: str, **options) -> genai.Client:
    return genai.Client(api_key="k", http_options={"base_url": url, **options})


def vertex(url: str, failure: Exception | None = None) -> genai.Client:
    settings = {"project": "p", "location": "us-east1", "credentials": Fake(failure)}
    return genai.Client(vertexai=True, **settings, http_options={"base_url": url})


@pytest.fixture(params=[developer, vertex])
def client(request, server):
    with request.param(server.url) as client:
        yield client


class Transport(GenAITransport):
    """One that closes its client with it, so that a loop may end."""

    async def aclose(self) -> None:
        await self._client.aio.aclose()


@pytest.fixture
def transport(client):
    return Transport(client)


FULL = "projects/q/locations/eu/endpoints/1"
VERSION = genai.Client(api_key="k")._api_client.get_read_only_http_options()[
    "api_version"
]  # another since 3.0
PLACE = {
    "developer": f"/{VERSION}/models/",
    "vertex": "/v1beta1/projects/p/locations/us-east1/publishers/google/models/",
}
AUTH = {"developer": ("x-goog-api-key", "k"), "vertex": ("authorization", "Bearer fake-token")}


def test_nothing_is_lost_on_the_way(server, transport, generate) -> None:
    server.answer(ANSWER)
    request = copy.deepcopy(REQUEST)
    assert generate(transport, "gemini-x", request) == ANSWER
    [received] = server.requests
    assert received.path == PLACE[transport.endpoint] + "gemini-x:generateContent"
    assert received.body == request == REQUEST
    assert AUTH[transport.endpoint] in received.headers.items()


@pytest.mark.parametrize("end", [b"", b"data: [DONE]\n\n", b"data: null\n\n"])
def test_nothing_is_lost_in_a_stream(server, transport, stream, end: bytes) -> None:
    server.stream(CHUNK[:20], CHUNK[20:] + CHUNK + end)
    assert stream(transport, "gemini-x", REQUEST) == [LAST] * 2
    path = PLACE[transport.endpoint] + "gemini-x:streamGenerateContent?alt=sse"
    assert (server.requests[0].path, server.requests[0].body) == (path, REQUEST)


@pytest.mark.parametrize(
    ("settings", "address"),
    [
        ({"api_key": "k"}, "https://generativelanguage.googleapis.com"),
        ({"api_key": "k", "vertexai": True}, "https://aiplatform.googleapis.com"),
        (
            {"vertexai": True, "project": "p", "location": "us-east1", "credentials": Fake()},
            "https://us-east1-aiplatform.googleapis.com",
        ),
        ({"api_key": "k", "http_options": {"base_url": "https://gw:8443/g/"}}, "https://gw:8443/g"),
    ],
)
def test_address_is_that_of_the_client(settings, address: str) -> None:
    with genai.Client(**settings) as client:
        assert GenAITransport(client).address == address


def test_count_tokens_and_full_resource_names(server, transport) -> None:
    server.answer({"totalTokens": 3})
    assert transport.count_tokens("m", {"contents": [1]}) == {"totalTokens": 3}
    transport.generate(FULL, {})
    counting, generating = server.requests
    assert counting.path == PLACE[transport.endpoint] + "m:countTokens"
    assert generating.path.endswith(f"/{FULL}:generateContent")


def test_the_clients_own_options_count(server, generate) -> None:
    server.answer(status=503)
    server.answer({"n": 2})
    retries = {"attempts": 2, "initial_delay": 0.001, "max_delay": 0.002, "jitter": 0}
    options = {"headers": {"x-own": "1"}, "extra_body": {"labels": {"a": "b"}}, "retry_options": retries}
    request = {"labels": {"c": "d"}}
    with developer(server.url, **options) as client:
        assert generate(Transport(client), "m", request) == {"n": 2}
    assert request == {"labels": {"c": "d"}}
    assert server.requests[1].body == {"labels": {"a": "b", "c": "d"}}
    assert server.requests[1].headers["x-own"] == "1"


def envelope(code: int, message: str) -> dict[str, object]:
    return {"error": {"code": code, "message": message, "status": "ANY"}}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (envelope(400, "API key not valid."), (400, errors.AuthenticationError, "GOOGLE_API_KEY")),
        ([envelope(403, "No")], (403, errors.PermissionDeniedError, "No")),
        (b"<title>Not here</title>", (404, errors.NotFoundError, "Not here")),
        (b"", (503, errors.ServerError, "503")),
    ],
)
def test_errors_become_ours(server, transport, generate, body, expected) -> None:
    status, error_class, message = expected
    server.answer(body, status=status, headers={"Retry-After": "4"})
    with pytest.raises(error_class, match=message) as caught:
        generate(transport, "m", {})
    error = caught.value
    assert (type(error), error.status_code, error.retry_after) == (error_class, status, 4)
    assert error.url.endswith("/m:generateContent")
    assert error.response.status_code == status


@pytest.mark.parametrize(
    ("rest", "error_class"),
    [
        (b'{"error":{"code":429,"message":"slow"}}\n', errors.RateLimitError),
        (b'data: {"n', errors.ResponseFormatError),
        (b"data: [1]\n\n", errors.ResponseFormatError),
        (None, errors.GeminiConnectionError),
    ],
)
def test_stream_that_breaks_off(server, transport, stream, rest, error_class) -> None:
    server.stream(CHUNK, *([rest] if rest else []), cut=rest is None)
    chunks: list[object] = []
    with pytest.raises(error_class):
        stream(transport, "m", {}, chunks=chunks)
    assert len(chunks) == 1


def test_a_cut_stream_is_asked_for_again_until_its_first_chunk(
    server, transport, stream, monkeypatch
) -> None:
    monkeypatch.setattr("langchain_codeexec.gemini.genai._POLICY", RetryPolicy(2, first_wait=0.001))
    server.stream()
    server.stream(b'data: {"half')
    server.stream(b'data: {"n": 1}\n\n')
    chunks: list[object] = []
    with pytest.raises(errors.TruncatedResponseError, match="without a finish reason"):
        stream(transport, "m", {}, chunks=chunks)
    assert (chunks, len(server.requests)) == ([{"n": 1}], 3)


def test_a_deadline_bounds_what_never_ends(server, transport, generate) -> None:
    release = threading.Event()
    server.answer(after=release)
    with pytest.raises(errors.GeminiTimeoutError, match="deadline="):
        generate(transport, "m", {}, deadline=0.1)
    release.set()


TEXT = b'{"error": "text"}'
UNEXPECTED = {
    "no gzip": (b"no gzip", 200, {"Content-Encoding": "gzip"}),
    "text for an error": (TEXT, 400, {}),
    "text with 200": (TEXT, 200, {}),
    "nesting": (b"[" * 100_000, 200, {}),
}


@pytest.mark.parametrize("fault", UNEXPECTED)
def test_answers_the_client_does_not_expect_are_typed(server, transport, generate, fault) -> None:
    body, status, headers = UNEXPECTED[fault]
    server.answer(body, status=status, headers=headers)
    with pytest.raises(errors.GeminiError):
        generate(transport, "m", {})


@pytest.mark.parametrize("fault", UNEXPECTED)
def test_streams_the_client_does_not_expect_are_typed(server, transport, stream, fault) -> None:
    body, status, headers = UNEXPECTED[fault]
    server.answer(body, status=status, headers=headers)
    with pytest.raises(errors.GeminiError):
        stream(transport, "m", {})


@pytest.mark.parametrize("body", [b"", b'{"candidates": [', b"[]", b"3"])
def test_answer_that_breaks_the_protocol(server, transport, generate, body) -> None:
    server.answer(body)
    with pytest.raises(errors.ResponseFormatError):
        generate(transport, "m", {})


def test_no_answer_in_time(server, transport, generate) -> None:
    release = threading.Event()
    server.answer(after=release)
    with pytest.raises(errors.GeminiTimeoutError, match="Timeout"):
        generate(transport, "m", {}, timeout=0.05)
    release.set()


def test_connection_that_breaks(server, transport, generate) -> None:
    server.raw()
    with pytest.raises(errors.GeminiConnectionError):
        generate(transport, "m", {})


@pytest.mark.parametrize(
    ("failure", "error_class"),
    [
        (RefreshError("gone"), errors.CredentialsError),
        (ZeroDivisionError("gone"), ZeroDivisionError),  # nothing of the request: not dressed up
    ],
)
def test_credentials_that_fail(server, generate, failure, error_class) -> None:
    with vertex(server.url, failure) as client, pytest.raises(error_class, match="gone"):
        generate(Transport(client), "m", {})


@pytest.mark.parametrize(
    ("model", "request_", "error_class"),
    [("m", {"x": b"bytes"}, errors.MessageError), ("a/../b", {}, errors.ConfigurationError)],
)
def test_request_that_cannot_be_sent(transport, generate, model, request_, error_class) -> None:
    with pytest.raises(error_class):
        generate(transport, model, request_)


@pytest.mark.parametrize("chunks_read", [0, 1])
def test_streams_may_be_closed_early(server, transport, chunks_read: int) -> None:
    never = threading.Event()
    server.stream(CHUNK, never, CHUNK)
    chunks = transport.stream("m", {})
    for _ in range(chunks_read):
        next(chunks)
    chunks.close()

    async def use() -> None:
        async with aclosing(transport.astream("m", {})) as chunks:
            for _ in range(chunks_read):
                await anext(chunks)
        await transport.aclose()

    server.replies.clear()
    server.stream(CHUNK, never, CHUNK)
    asyncio.run(use())
    never.set()


def test_the_client_stays_open(server, client) -> None:
    transport = GenAITransport(client)
    transport.close()
    asyncio.run(transport.aclose())
    assert transport.generate("m", {}) == {}
    assert copy.deepcopy(transport).generate("m", {}) == {}
    assert repr(transport) == f"GenAITransport({transport.endpoint})"


def test_something_else_and_a_missing_library_are_refused(client, monkeypatch) -> None:
    for thing in (client.aio, client.models, None):
        with pytest.raises(errors.ConfigurationError, match=r"google\.genai\.Client"):
            GenAITransport(thing)
    monkeypatch.setitem(sys.modules, "google.genai", None)
    monkeypatch.delitem(sys.modules, "langchain_codeexec.gemini.genai")
    with pytest.raises(errors.MissingDependencyError, match=r"pip install 'langchain-codeexec\[genai\]'"):
        importlib.import_module("langchain_codeexec.gemini.genai")
