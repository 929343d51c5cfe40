from __future__ import annotations

import asyncio
import copy
import gzip
import json
import logging
import pickle
import subprocess
import sys
import threading

import httpx
import pytest

from langchain_codeexec.errors import (
    AuthenticationError,
    ConfigurationError,
    CredentialsError,
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

ANSWER = {
    "candidates": [
        {"content": {"parts": [{"text": "é😀", "thoughtSignature": "_-8="}]}, "novelField": [1, {"x": None}]}
    ],
    "anotherNovelty": True,
}
CHUNK = b'data: {"n":1}\n\n'


def test_what_goes_out_and_what_comes_back(server, make_transport, generate) -> None:
    server.answer(ANSWER)
    request = {"contents": [{"role": "user", "parts": [{"text": "é😀 \u2028"}]}], "unknown": {"kept": 1}}
    transport = make_transport(ApiKeyCredentials(" the-key\n"), headers={"X-Own": "1", "User-Agent": "me"})
    assert generate(transport, "gemini-x", request) == ANSWER
    [received] = server.requests
    assert received.path == "/v1beta/models/gemini-x:generateContent"
    assert received.raw == json.dumps(request, ensure_ascii=False, separators=(",", ":")).encode()
    sent = {
        name: received.headers[name] for name in ("content-type", "x-goog-api-key", "x-own", "user-agent")
    }
    assert sent == {
        "content-type": "application/json",
        "x-goog-api-key": "the-key",
        "x-own": "1",
        "user-agent": "me",
    }
    assert received.headers["x-goog-api-client"].startswith("langchain-codeexec/")
    assert (transport.endpoint, transport.address) == ("developer", server.url)


def test_address_has_no_version_and_no_model() -> None:
    assert (
        RestTransport(Endpoint("vertex", project="p", location="us-east1")).address
        == "https://us-east1-aiplatform.googleapis.com"
    )
    assert (
        RestTransport(Endpoint("developer", "https://gw.example:8443/google/", api_version="v1")).address
        == "https://gw.example:8443/google"
    )


def test_stream(server, make_transport, stream) -> None:
    server.stream(CHUNK[:9], CHUNK[9:] + CHUNK)
    assert stream(make_transport(), "gemini-x", {"contents": []}) == [{"n": 1}, {"n": 1}]
    assert server.requests[0].path == "/v1beta/models/gemini-x:streamGenerateContent?alt=sse"


def test_stream_that_is_a_json_array(server, make_transport, stream) -> None:
    server.stream(b'[{"n":1}\n', b',\r\n{"n":', b"2}]", content_type="application/json")
    assert stream(make_transport(), "m", {}) == [{"n": 1}, {"n": 2}]


def test_compressed_answers(server, make_transport, generate, stream) -> None:
    server.answer(gzip.compress(json.dumps(ANSWER).encode()), headers={"Content-Encoding": "gzip"})
    server.answer(gzip.compress(CHUNK), headers={"Content-Encoding": "gzip"})
    server.answer(b"not gzip", headers={"Content-Encoding": "gzip"})
    transport = make_transport()
    assert generate(transport, "m", {}) == ANSWER
    assert stream(transport, "m", {}) == [{"n": 1}]
    with pytest.raises(ResponseFormatError, match="compressed wrongly"):
        generate(transport, "m", {})


def test_chunks_arrive_before_the_stream_ends(server, make_transport) -> None:
    go_on = threading.Event()
    server.stream(CHUNK, go_on, CHUNK)
    chunks = make_transport().stream("m", {})
    assert next(chunks) == {"n": 1}
    go_on.set()
    assert list(chunks) == [{"n": 1}]


def test_count_tokens(server, make_transport) -> None:
    server.answer({"totalTokens": 7})
    assert make_transport().count_tokens("m", {"contents": [1]}) == {"totalTokens": 7}
    assert (server.requests[0].path, server.requests[0].body) == (
        "/v1beta/models/m:countTokens",
        {"contents": [1]},
    )


@pytest.mark.parametrize(
    ("body", "match"),
    [
        (b"", "not complete JSON"),
        (b'{"candidates": [', "not complete JSON"),
        (b"<html>", "not complete JSON"),
        (b"\xff\xfe\xfd", "not complete JSON"),
        (b"[" * 100_000, "not complete JSON"),
        (b"[]", "not an object: list"),
        (b"null", "not an object: NoneType"),
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


def test_error_that_a_gateway_answers_with_200(server, make_transport, generate) -> None:
    server.answer({"error": {"code": 403, "message": "no"}})
    with pytest.raises(PermissionDeniedError):
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
    assert isinstance(raised.response, httpx.Response)
    assert raised.response.json() == {"error": error}


def test_error_of_a_stream_that_does_not_begin(server, make_transport, stream) -> None:
    server.answer([{"error": {"code": 403, "message": "Off."}}], status=403)
    with pytest.raises(PermissionDeniedError, match="Off"):
        stream(make_transport(), "m", {})


def test_the_status_is_kept_when_the_error_breaks_off(server, make_transport, generate) -> None:
    server.raw(b"HTTP/1.1 503 Busy\r\nContent-Length: 99\r\n\r\n{")
    with pytest.raises(ServerError, match="503"):
        generate(make_transport(), "m", {})


def test_redirects_are_not_followed(server, make_transport, generate) -> None:
    server.answer(status=307, headers={"Location": f"{server.url}/elsewhere"})
    with pytest.raises(Exception, match="base_url"):
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
    seen: list[object] = []
    with pytest.raises(GeminiTimeoutError):
        stream(make_transport(timeout=httpx.Timeout(5, read=0.05)), "m", {}, seen=seen)
    release.set()
    assert seen == [{"n": 1}]


def test_no_free_connection_in_time(server, make_transport) -> None:
    release = threading.Event()
    server.stream(CHUNK, release, CHUNK)
    with httpx.Client(limits=httpx.Limits(max_connections=1)) as client:
        transport = make_transport(client=client)
        chunks = transport.stream("m", {})
        next(chunks)
        with pytest.raises(GeminiTimeoutError, match="became free"):
            transport.generate("m", {}, timeout=0.05)
        release.set()
        assert list(chunks) == [{"n": 1}]


@pytest.mark.parametrize(
    "request_",
    [{"x": {1, 2}}, {"x": b"bytes"}, {"x": float("nan")}, {"x": "\ud800"}, {"x": object()}],
    ids=["set", "bytes", "nan", "surrogate", "object"],
)
def test_request_without_a_json_form(make_transport, generate, request_) -> None:
    with pytest.raises(MessageError, match="cannot be written as JSON"):
        generate(make_transport(), "m", request_)


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"timeout": 0}, "timeout=0"),
        ({"timeout": float("nan")}, "timeout=nan"),
        ({"timeout": "5"}, "timeout='5'"),
        ({"timeout": True}, "timeout=True"),
        ({"timeout": float("inf")}, "timeout=inf"),
        ({"timeout": []}, r"timeout=\[\]"),
        ({"headers": ["a"]}, "headers must be a mapping"),
        ({"headers": {"a b": "x"}}, "'a b' is not a header name"),
        ({"headers": {"x": "one\r\ntwo"}}, "the value of 'x'"),
        ({"headers": {"x": 1}}, "the value of 'x'"),
        ({"max_retries": -1}, "max_retries=-1"),
    ],
)
def test_setting_that_cannot_be_used(settings, match: str) -> None:
    with pytest.raises(ConfigurationError, match=match):
        RestTransport(Endpoint("developer"), **settings)


def test_retries_are_set_once(make_transport) -> None:
    policy = make_transport()._retry
    with pytest.raises(ConfigurationError, match="exclude each other"):
        RestTransport(Endpoint("developer"), max_retries=1, retry_policy=policy)


@pytest.mark.parametrize("key", ["", "  ", "sécret-key", "secret\x00key"])
def test_key_that_cannot_be_sent_is_not_shown(key: str) -> None:
    with pytest.raises(CredentialsError) as caught:
        ApiKeyCredentials(key)
    assert "cret" not in str(caught.value)


def test_the_key_is_nowhere_to_be_read(server, caplog: pytest.LogCaptureFixture) -> None:
    server.answer({"error": {"code": 401, "message": "no"}}, status=401)
    with caplog.at_level(logging.DEBUG):
        transport = rest_transport(api_key="s3cr3t-key", base_url=server.url)
        with pytest.raises(AuthenticationError) as caught:
            transport.generate("m", {})
    assert len(server.requests) == 1
    shown = [
        repr(transport),
        repr(transport._credentials),
        str(caught.value),
        repr(caught.value),
        caplog.text,
    ]
    assert not [text for text in shown if "s3cr3t" in text]
    transport.close()


def test_copies_open_connections_of_their_own(server) -> None:
    original = rest_transport(
        api_key="k", base_url=server.url, headers={"x-own": "1"}, timeout=9, max_retries=1
    )
    original.generate("m", {})
    for transport in (copy.deepcopy(original), copy.copy(original), pickle.loads(pickle.dumps(original))):
        transport.generate("m", {})
        assert transport.endpoint == "developer"
        transport.close()
    original.close()
    assert server.connections == 4
    assert {received.headers["x-own"] for received in server.requests} == {"1"}
    assert {received.headers["x-goog-api-key"] for received in server.requests} == {"k"}


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


def test_factory_for_vertex_without_credentials(server) -> None:
    transport = rest_transport(project="p", location="us-east1", base_url=server.url)
    assert transport.endpoint == "vertex"
    transport.generate("m", {})
    transport.close()
    [received] = server.requests
    assert (
        received.path == "/v1beta1/projects/p/locations/us-east1/publishers/google/models/m:generateContent"
    )
    assert "authorization" not in received.headers


def test_factory_takes_a_secret(server) -> None:
    from pydantic import SecretStr

    transport = rest_transport(api_key=SecretStr("k"), base_url=server.url)
    transport.generate("m", {})
    transport.close()
    assert server.requests[0].headers["x-goog-api-key"] == "k"


def test_factory_refuses_a_key_that_is_no_text() -> None:
    with pytest.raises(ConfigurationError, match="api_key must be text, not int"):
        rest_transport(api_key=7)


def test_connecting_in_vain_is_tried_again(make_transport, waits) -> None:
    class Nowhere(httpx.BaseTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            raise httpx.ConnectTimeout("no route", request=request)

    with httpx.Client(transport=Nowhere()) as client, pytest.raises(GeminiTimeoutError):
        make_transport(client=client, max_retries=2).generate("m", {})
    assert waits == [1, 2]


def test_unknown_host() -> None:
    transport = RestTransport(Endpoint("developer", "https://127.0.0.1:1"), max_retries=0)
    with pytest.raises(GeminiConnectionError, match="ConnectError"):
        transport.generate("m", {})
    transport.close()


def test_importing_is_cheap() -> None:
    program = (
        "import sys, langchain_codeexec.gemini.rest\n"
        "print([name for name in ('httpx', 'google.auth', 'google.genai', 'requests') if name in sys.modules])"
    )
    before = "import sys, langchain_core.exceptions\nprint([name for name in ('httpx', 'requests') if name in sys.modules])"
    ran, base = (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        for code in (program, before)
    )
    assert ran.stdout == base.stdout
