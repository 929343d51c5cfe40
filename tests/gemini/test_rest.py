import asyncio
import copy
import gzip
import json
import logging
import pickle
import threading

import httpx
import pytest
from pydantic import SecretStr

from langchain_codeexec.errors import (
    AuthenticationError,
    ConfigurationError,
    CredentialsError,
    GeminiAPIError,
    GeminiConnectionError,
    GeminiTimeoutError,
    MessageError,
    PermissionDeniedError,
    ResponseFormatError,
    ServerError,
)
from langchain_codeexec.gemini.credentials import ApiKeyCredentials
from langchain_codeexec.gemini.endpoints import Endpoint
from langchain_codeexec.gemini.rest import RestTransport, rest_transport
from langchain_codeexec.gemini.retries import RetryPolicy
from tests.gemini.conftest import CHUNK, LAST

ANSWER = {
    "candidates": [
        {"content": {"parts": [{"text": "é😀", "thoughtSignature": "_-8="}]}, "novelField": [1, {"x": None}]}
    ],
    "anotherNovelty": True,
}
OFF = {"error": {"code": 403, "message": "Off."}}


def test_what_goes_out_and_what_comes_back(server, make_transport, generate) -> None:
    server.answer(ANSWER)
    request = {"contents": [{"role": "user", "parts": [{"text": "é😀 \u2028"}]}], "unknown": {"kept": 1}}
    transport = make_transport(ApiKeyCredentials(" the-key\n"), headers={"X-Own": "1", "User-Agent": "me"})
    assert generate(transport, "gemini-x", request) == ANSWER
    [received] = server.requests
    assert received.path == "/v1beta/models/gemini-x:generateContent"
    assert received.raw == json.dumps(request, ensure_ascii=False, separators=(",", ":")).encode()
    expected = {"content-type": "application/json", "x-goog-api-key": "the-key", "x-own": "1"}
    assert received.headers.items() >= {**expected, "user-agent": "me"}.items()
    assert received.headers["x-goog-api-client"].startswith("langchain-codeexec/")
    assert (transport.endpoint, transport.address) == ("developer", server.url)


def test_address_has_no_version_and_no_model() -> None:
    vertex = RestTransport(Endpoint("vertex", project="p", location="us-east1"))
    assert vertex.address == "https://us-east1-aiplatform.googleapis.com"
    gateway = RestTransport(Endpoint("developer", "https://gw:8443/google/", api_version="v1"))
    assert gateway.address == "https://gw:8443/google"


@pytest.mark.parametrize(
    ("pieces", "content_type"),
    [
        ([CHUNK[:9], CHUNK[9:] + CHUNK], "text/event-stream"),
        ([CHUNK, CHUNK, b"data: [DONE]\n\n"], "text/event-stream"),
        ([b"[" + CHUNK[6:], b",\r\n" + CHUNK[6:9], CHUNK[9:] + b"]"], "application/json"),
    ],
)
def test_stream(server, make_transport, stream, pieces, content_type) -> None:
    server.stream(*pieces, content_type=content_type)
    assert stream(make_transport(), "gemini-x", {"contents": []}) == [LAST, LAST]
    assert server.requests[0].path == "/v1beta/models/gemini-x:streamGenerateContent?alt=sse"


def test_compressed_answers(server, make_transport, generate, stream) -> None:
    for body in (gzip.compress(json.dumps(ANSWER).encode()), gzip.compress(CHUNK), b"not gzip"):
        server.answer(body, headers={"Content-Encoding": "gzip"})
    transport = make_transport()
    assert generate(transport, "m", {}) == ANSWER
    assert stream(transport, "m", {}) == [LAST]
    with pytest.raises(ResponseFormatError, match="compressed wrongly"):
        generate(transport, "m", {})


def test_chunks_arrive_before_the_stream_ends(server, make_transport) -> None:
    go_on = threading.Event()
    server.stream(CHUNK, go_on, CHUNK)
    chunks = make_transport().stream("m", {})
    assert next(chunks) == LAST
    go_on.set()
    assert list(chunks) == [LAST]


def test_count_tokens(server, make_transport) -> None:
    server.answer({"totalTokens": 7})
    assert make_transport().count_tokens("m", {"contents": [1]}) == {"totalTokens": 7}
    assert server.requests[0].path == "/v1beta/models/m:countTokens"
    assert server.requests[0].body == {"contents": [1]}


@pytest.mark.parametrize(
    ("body", "match"),
    [
        (b"", "not complete JSON"),
        (b'{"candidates": [', "not complete JSON"),
        (b"\xff\xfe\xfd", "not complete JSON"),
        (b"[" * 100_000, "not complete JSON"),
        (b"[]", "not an object: list"),
        (b'"text"', "not an object: str"),
    ],
)
def test_answer_that_breaks_the_protocol(server, make_transport, generate, body: bytes, match: str) -> None:
    server.answer(body)
    with pytest.raises(ResponseFormatError, match=match) as caught:
        generate(make_transport(), "m", {})
    assert caught.value.body == body[:500].decode("utf-8", "replace")


@pytest.mark.parametrize("answer", [{}, {"candidates": None}, {"x": [[]]}, {"error": None, "candidates": 3}])
def test_any_object_passes_verbatim(server, make_transport, generate, answer) -> None:
    server.answer(answer)
    assert generate(make_transport(), "m", {}) == answer


@pytest.mark.parametrize("status", [200, 403])
@pytest.mark.parametrize("body", [OFF, [OFF]])
def test_error_of_a_stream_that_does_not_begin(server, make_transport, stream, status, body) -> None:
    server.answer(body, status=status)
    with pytest.raises(PermissionDeniedError, match="Off"):
        stream(make_transport(), "m", {})


def test_error_that_a_gateway_answers_with_200(server, make_transport, generate) -> None:
    server.answer(OFF)
    with pytest.raises(PermissionDeniedError, match="Off"):
        generate(make_transport(), "m", {})


def test_error_has_all_that_is_known(server, make_transport, generate) -> None:
    details = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "SERVICE_DISABLED"}]
    error = {"code": 403, "message": "Off.", "status": "PERMISSION_DENIED", "details": details}
    server.answer({"error": error}, status=403, headers={"Retry-After": "5"})
    with pytest.raises(PermissionDeniedError, match="enable the API") as caught:
        generate(make_transport(), "m", {})
    raised = caught.value
    assert raised.url == f"{server.url}/v1beta/models/m:generateContent"
    assert (raised.status_code, raised.status, raised.message) == (403, "PERMISSION_DENIED", "Off.")
    assert (raised.details, raised.retry_after) == (details, 5.0)
    assert raised.response.json() == {"error": error}


@pytest.mark.parametrize("headers", [b"Content-Length: 99", b"Content-Length: 3\r\nContent-Encoding: gzip"])
def test_the_status_is_kept_when_the_error_cannot_be_read(server, make_transport, generate, headers) -> None:
    server.raw(b"HTTP/1.1 503 Busy\r\n" + headers + b"\r\n\r\n{}\n")
    with pytest.raises(ServerError, match="503"):
        generate(make_transport(), "m", {})


def test_redirects_are_not_followed(server, make_transport, generate) -> None:
    server.answer(status=307, headers={"Location": f"{server.url}/elsewhere"})
    with pytest.raises(GeminiAPIError, match="base_url"):
        generate(make_transport(ApiKeyCredentials("k")), "m", {})
    assert len(server.requests) == 1


@pytest.mark.parametrize("per_request", [True, False])
def test_no_answer_in_time(server, make_transport, generate, waits, per_request: bool) -> None:
    release = threading.Event()
    server.answer(after=release)
    settings = {"timeout": 0.05}
    transport = make_transport(max_retries=2, **({} if per_request else settings))
    with pytest.raises(GeminiTimeoutError, match="timeout="):
        generate(transport, "m", {}, **(settings if per_request else {}))
    release.set()
    assert waits == []


def test_no_further_chunk_in_time(server, make_transport, stream) -> None:
    release = threading.Event()
    server.stream(CHUNK, release, CHUNK)
    chunks: list[object] = []
    with pytest.raises(GeminiTimeoutError):
        stream(make_transport(timeout=httpx.Timeout(5, read=0.05)), "m", {}, chunks=chunks)
    release.set()
    assert chunks == [LAST]


def test_no_free_connection_in_time(server, make_transport) -> None:
    release = threading.Event()
    server.stream(CHUNK, release, CHUNK)
    with httpx.Client(limits=httpx.Limits(max_connections=1)) as client:
        transport = make_transport(client=client)
        chunks = transport.stream("m", {})
        next(chunks)
        with pytest.raises(GeminiTimeoutError, match="max_connections"):
            transport.generate("m", {}, timeout=0.05)
        release.set()
        assert list(chunks) == [LAST]


def test_unknown_host() -> None:
    transport = RestTransport(Endpoint("developer", "https://127.0.0.1:1"), max_retries=0)
    with pytest.raises(GeminiConnectionError, match="ConnectError"):
        transport.generate("m", {})
    transport.close()


@pytest.mark.parametrize("value", [b"bytes", float("nan"), "\ud800"], ids=["bytes", "nan", "surrogate"])
def test_request_without_a_json_form(make_transport, generate, value) -> None:
    with pytest.raises(MessageError, match="cannot be written as JSON"):
        generate(make_transport(), "m", {"x": value})


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"timeout": 0}, "timeout=0"),
        ({"timeout": float("nan")}, "timeout=nan"),
        ({"timeout": "5"}, "timeout='5'"),
        ({"timeout": True}, "timeout=True"),
        ({"timeout": float("inf")}, "timeout=inf"),
        ({"headers": ["a"]}, "headers must be a mapping"),
        ({"headers": {"a b": "x"}}, "'a b' is not a header name"),
        ({"headers": {"x": "one\r\ntwo"}}, "the value of 'x'"),
        ({"headers": {"x": 1}}, "the value of 'x'"),
        ({"max_retries": -1}, "max_retries=-1"),
        ({"max_retries": 1.5}, "max_retries=1.5"),
        ({"max_retries": True}, "max_retries=True"),
        ({"max_retries": 1, "retry_policy": RetryPolicy()}, "exclude each other"),
    ],
)
def test_setting_that_cannot_be_used(settings, match: str) -> None:
    with pytest.raises(ConfigurationError, match=match):
        RestTransport(Endpoint("developer"), **settings)


@pytest.mark.parametrize("key", ["  ", "sécret-key", "secret\x00key", 7])
def test_key_that_cannot_be_sent_is_not_shown(key) -> None:
    refusal = "characters that no key has|must be text, not int"
    with pytest.raises((CredentialsError, ConfigurationError), match=refusal) as caught:
        rest_transport(api_key=key, vertexai=False)
    assert "cret" not in str(caught.value)


def test_the_key_is_nowhere_to_be_read(server, caplog: pytest.LogCaptureFixture) -> None:
    server.answer({"error": {"code": 401, "message": "no"}}, status=401)
    transport = rest_transport(api_key="s3cr3t-key", base_url=server.url)
    with caplog.at_level(logging.DEBUG), pytest.raises(AuthenticationError) as caught:
        transport.generate("m", {})
    transport.close()
    assert len(server.requests) == 1
    shown = [transport, ApiKeyCredentials("s3cr3t-key"), caught.value, str(caught.value), caplog.text]
    assert "s3cr3t" not in repr(shown)


def test_copies_open_connections_of_their_own(server) -> None:
    settings = {"headers": {"x-own": "1"}, "timeout": 9, "max_retries": 1}
    original = rest_transport(api_key="k", base_url=server.url, **settings)
    original.generate("m", {})
    for transport in (copy.deepcopy(original), copy.copy(original), pickle.loads(pickle.dumps(original))):
        transport.generate("m", {})
        assert transport.endpoint == "developer"
        transport.close()
    original.close()
    assert server.connections == 4
    sent = {(received.headers["x-own"], received.headers["x-goog-api-key"]) for received in server.requests}
    assert sent == {("1", "k")}


def test_given_clients_are_used_and_left_open(server, make_transport) -> None:
    async def use() -> None:
        async with httpx.AsyncClient(headers={"x-from": "async"}) as async_client:
            transport = make_transport(async_client=async_client)
            await transport.agenerate("m", {})
            await transport.aclose()
            assert not async_client.is_closed
        with pytest.raises(ConfigurationError, match="closed"):
            await transport.agenerate("m", {})

    asyncio.run(use())
    with httpx.Client(headers={"x-from": "sync"}) as client:
        transport = make_transport(client=client)
        transport.generate("m", {})
        copy.deepcopy(transport).generate("m", {})
        transport.close()
        assert not client.is_closed
    with pytest.raises(ConfigurationError, match="closed"):
        transport.generate("m", {})
    assert [received.headers["x-from"] for received in server.requests] == ["async", "sync", "sync"]


@pytest.mark.parametrize(
    ("settings", "path", "key"),
    [
        ({"api_key": SecretStr("k")}, "models/m", "k"),
        (
            {"project": "p", "location": "us-east1"},
            "projects/p/locations/us-east1/publishers/google/models/m",
            None,
        ),
    ],
)
def test_factory(server, settings, path: str, key: str | None) -> None:
    transport = rest_transport(**settings, base_url=server.url)
    transport.generate("m", {})
    transport.close()
    [received] = server.requests
    assert received.path.partition("/v1beta")[2].removeprefix("1").strip("/") == f"{path}:generateContent"
    assert received.headers.get("x-goog-api-key") == key
    assert received.headers.get("authorization") == (None if key else "Bearer local")
