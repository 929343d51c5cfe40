import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_codeexec.errors import (
    GeminiAPIError,
    GeminiConnectionError,
    GeminiTimeoutError,
    NotFoundError,
    RateLimitError,
    ResponseFormatError,
    ServerError,
)
from langchain_codeexec.gemini.limits import Deadline
from langchain_codeexec.gemini.retries import RetryPolicy
from tests.gemini.conftest import CHUNK, LAST

PAST = {"Retry-After": "Tue, 14 Nov 2023 22:13:50 GMT"}
FUTURE = {"Retry-After": "Thu, 14 Nov 2999 22:13:50 GMT"}


def play(server, script) -> None:
    """Script a server: a status, (status, headers), `cut` (no answer) or `half` (an answer that breaks off)."""
    for step in script:
        match step:
            case "cut":
                server.raw()
            case "half":
                server.raw(b'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"half":')
            case "unframed":
                server.raw(b'HTTP/1.1 200 OK\r\n\r\n{"half":')
            case "reframed":
                server.answer(b'{"half":')
            case "broken gzip":
                server.answer(b"no gzip", status=503, headers={"Content-Encoding": "gzip"})
            case (status, headers):
                server.answer({"status": status}, status=status, headers=headers)
            case status:
                server.answer({"status": status}, status=status)


@pytest.fixture
def ask(server, make_transport, generate):
    """Ask a server that plays a script, with so many retries."""

    def ask(script, max_retries: int):
        play(server, script)
        try:
            return generate(make_transport(max_retries=max_retries), "m", {})
        finally:
            assert len(server.requests) == len(script)

    return ask


@pytest.mark.parametrize(
    ("script", "waited"),
    [
        ([200], []),
        ([500, 502, 503, 504, 599, 200], [1, 2, 4, 8, 16]),
        ([408, 429, 200], [1, 2]),
        ([(429, {"Retry-After": "7"}), 503, 200], [7, 2]),
        ([(429, {"Retry-After": "0"}), 200], [1]),
        ([(503, PAST), 200], [1]),
        ([(503, {"Retry-After": "60"}), 200], [60]),
        ([503] * 8 + [200], [1, 2, 4, 8, 16, 32, 60, 60]),
        (["half", "cut", "unframed", "reframed", "broken gzip", 200], [1, 2, 4, 8, 16]),
    ],
)
def test_transient_failures_are_waited_out(ask, waits, script, waited) -> None:
    assert ask(script, max_retries=len(waited)) == {"status": 200}
    assert waits == waited


@pytest.mark.parametrize(
    ("script", "max_retries", "error_class"),
    [
        ([503], 0, ServerError),
        ([503, 429, 503], 2, ServerError),
        (["cut", 503, 429], 2, RateLimitError),
        (["cut", "cut", "cut"], 2, GeminiConnectionError),
        ([404], 2, NotFoundError),
        ([409], 2, GeminiAPIError),
        ([302], 2, GeminiAPIError),
        ([501], 2, ServerError),
        ([(503, FUTURE)], 2, ServerError),
        ([(429, {"Retry-After": "61"})], 2, RateLimitError),
        ([503, 404], 2, NotFoundError),
    ],
)
def test_other_failures_and_the_last_one_are_raised(ask, waits, script, max_retries, error_class) -> None:
    with pytest.raises(error_class) as caught:
        ask(script, max_retries)
    assert type(caught.value) is error_class
    assert len(waits) == len(script) - 1


def test_retry_info_of_the_envelope_is_kept(server, make_transport, waits, generate) -> None:
    info = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "3.5s"}
    server.answer({"error": {"code": 429, "message": "m", "details": [info]}}, status=429)
    generate(make_transport(max_retries=1), "m", {})
    assert waits == [3.5]


@pytest.mark.parametrize("body", [b"<title>Sign in</title>", b"\xff", b"[" * 100_000])
def test_what_is_no_json_is_not_asked_for_again(server, make_transport, generate, stream, body) -> None:
    server.answer(body)
    server.answer(body)
    with pytest.raises(ResponseFormatError):
        generate(make_transport(max_retries=3), "m", {})
    with pytest.raises(ResponseFormatError):
        stream(make_transport(max_retries=3), "m", {})
    assert len(server.requests) == 2


def test_the_quota_of_a_day_is_not_asked_for_again(server, make_transport, generate) -> None:
    violation = {"quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier"}
    failure = {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [violation]}
    server.answer({"error": {"code": 429, "message": "m", "details": [failure]}}, status=429)
    with pytest.raises(RateLimitError, match="of the day is used up"):
        generate(make_transport(max_retries=3), "m", {})


@pytest.mark.parametrize(
    ("failure", "error_class"),
    [(httpx.ConnectTimeout, GeminiTimeoutError), (httpx.ConnectError, GeminiConnectionError)],
)
def test_connecting_in_vain_is_tried_again(make_transport, waits, failure, error_class) -> None:
    class Nowhere(httpx.BaseTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            raise failure("no route", request=request)

    with httpx.Client(transport=Nowhere()) as client, pytest.raises(error_class, match=r"127\.0\.0\.1"):
        make_transport(client=client, max_retries=2).generate("m", {})
    assert waits == ([1] if failure is httpx.ConnectTimeout else [1, 2])


UNAVAILABLE = b'data: {"error":{"code":503,"message":"m"}}\n\n'


@pytest.mark.parametrize("cut", [True, False])
def test_a_stream_is_tried_again_until_its_first_chunk(
    server, make_transport, waits, stream, cut: bool
) -> None:
    play(server, [503, "cut"])
    server.stream(b": nothing yet\n\n" if cut else UNAVAILABLE, cut=cut)
    server.stream(CHUNK, CHUNK)
    assert stream(make_transport(max_retries=3), "m", {}) == [LAST, LAST]
    assert waits == [1, 2, 4]


@pytest.mark.parametrize(
    ("pieces", "error_class"),
    [
        ([CHUNK, UNAVAILABLE], ServerError),
        ([CHUNK + UNAVAILABLE], ServerError),
        ([CHUNK, b'data: {"n'], ResponseFormatError),
        ([CHUNK, b'data: {"n', "cut"], GeminiConnectionError),
        ([CHUNK, "cut"], GeminiConnectionError),
    ],
)
def test_a_stream_is_not_tried_again_after_its_first_chunk(
    server, make_transport, stream, pieces, error_class
) -> None:
    server.stream(*(piece for piece in pieces if piece != "cut"), cut="cut" in pieces)
    chunks: list[object] = []
    with pytest.raises(error_class):
        stream(make_transport(max_retries=3), "m", {}, chunks=chunks)
    assert chunks == [LAST]
    assert len(server.requests) == 1


@given(retries=st.sampled_from([0, 1, 2, 2000]), retry_after=st.none() | st.floats(0, 1e9))
def test_no_wait_is_longer_than_the_longest(retries: int, retry_after: float | None) -> None:
    waits: list[float] = []
    policy = RetryPolicy(retries, longest_wait=5, sleep=waits.append)

    def attempt() -> None:
        raise RateLimitError("m", status_code=429, retry_after=retry_after)

    with pytest.raises(RateLimitError):
        policy.repeat(attempt, Deadline())
    assert len(waits) == (0 if (retry_after or 0) > 5 else retries)
    assert all(0 <= wait <= 5 for wait in waits)
