import email.utils
import json
import pickle
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_codeexec import errors
from langchain_codeexec.gemini.errors import api_error, error_in


def envelope(code: int, message: str, status: str = "", *details: object) -> dict[str, object]:
    return {"error": {"code": code, "message": message, "status": status, "details": list(details)}}


def reason(name: str, **metadata: str) -> dict[str, object]:
    return {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": name, "metadata": metadata}


@pytest.mark.parametrize(
    ("status_code", "error_class"),
    [
        (307, errors.GeminiAPIError),
        (400, errors.InvalidRequestError),
        (401, errors.AuthenticationError),
        (403, errors.PermissionDeniedError),
        (404, errors.NotFoundError),
        (408, errors.GeminiAPIError),
        (418, errors.GeminiAPIError),
        (429, errors.RateLimitError),
        (499, errors.RequestCancelledError),
        (500, errors.ServerError),
        (777, errors.ServerError),
    ],
)
def test_class_by_status(status_code: int, error_class) -> None:
    error = api_error(b"", status_code=status_code, url="https://h/m?alt=sse")
    assert type(error) is error_class
    assert (error.status_code, error.status, error.details, error.retry_after) == (status_code, "", [], None)
    assert error.url == "https://h/m"
    assert error.message


@pytest.mark.parametrize(
    ("payload", "message", "status"),
    [
        (envelope(400, "Bad thing", "INVALID_ARGUMENT"), "Bad thing", "INVALID_ARGUMENT"),
        ([envelope(400, "Bad thing", "INVALID_ARGUMENT")], "Bad thing", "INVALID_ARGUMENT"),
        ({"error": "invalid_client", "error_description": "who?"}, "who?", ""),
        ({"error": "invalid_client"}, "invalid_client", ""),
        ({"error": {"message": 7, "status": None, "details": {}}}, '{"error": {"message": 7', ""),
        ("<html><title>Error 400 (Bad\n Request)!!1</title><p>x", "Error 400 (Bad Request)!!1", ""),
        ("<html><style>p {}</style><p>Your client <b>sent</b> it</p>", "Your client sent it", ""),
        ("plain words", "plain words", ""),
        ("x" * 900, "x" * 500 + "…", ""),
        (b"\xff\xfe", "\ufffd\ufffd", ""),
        ("", "Bad Request (empty answer)", ""),
        ("{}", "{}", ""),
    ],
)
def test_words_of_the_answer(payload, message: str, status: str) -> None:
    body = payload if isinstance(payload, str | bytes) else json.dumps(payload)
    error = api_error(body, status_code=400)
    assert error.message.startswith(message)
    assert error.status == status


@pytest.mark.parametrize("body", ["<", "<title>", "<title ", "<script>", "<style", "a<b>", "[", '{"error":'])
def test_a_huge_body_is_read_once(body: str) -> None:
    """What looks at a character more than a few times would take hours for these."""
    error = api_error(body * (2_000_000 // len(body)), status_code=502)
    assert error.status_code == 502
    assert 0 < len(error.message) <= 501


@pytest.mark.parametrize(
    ("payload", "status_code"),
    [
        (envelope(503, "m", "UNAVAILABLE"), 503),
        (envelope(8, "m", "RESOURCE_EXHAUSTED"), 429),
        (envelope(0, "m", "CANCELLED"), 499),
        (envelope(0, "m", "NO_SUCH_STATUS"), 500),
        ({"error": {"message": "m"}}, 500),
        ({"error": {"message": "m", "code": "400"}}, 500),
    ],
)
def test_code_of_an_error_without_http_status(payload, status_code: int) -> None:
    assert api_error(payload).status_code == status_code


@pytest.mark.parametrize(
    ("status_code", "payload", "remedy"),
    [
        (400, envelope(400, "No step is left.", "FAILED_PRECONDITION"), "set up first"),
        (400, envelope(400, "API key not valid. Please pass a valid API key."), "GOOGLE_API_KEY"),
        (400, envelope(400, "m", "INVALID_ARGUMENT", reason("API_KEY_INVALID")), "GOOGLE_API_KEY"),
        (400, envelope(400, "User location is not supported for the API use."), "Vertex AI"),
        (401, envelope(401, "m"), "gcloud auth application-default login"),
        (403, envelope(403, "m", "", reason("SERVICE_DISABLED", activationUrl="https://go")), "https://go"),
        (403, envelope(403, "m", "", reason("SERVICE_DISABLED")), "enable the API"),
        (403, envelope(403, "m", "", {"reason": "SERVICE_DISABLED", "metadata": 3}), "enable the API"),
        (403, envelope(403, "Vertex AI API has not been used in project p"), "enable the API"),
        (403, envelope(403, "m", "", reason("IAM_PERMISSION_DENIED")), "roles/aiplatform.user"),
        (404, envelope(404, "m"), "model's name.*location"),
        (429, envelope(429, "m"), "quota"),
        (499, b"", "cancelled"),
        (500, b"", "fault of the service"),
        (503, b"", "overloaded"),
        (504, b"", "timeout="),
        (302, b"", "base_url"),
    ],
)
def test_remedy(status_code: int, payload, remedy: str) -> None:
    body = payload if isinstance(payload, bytes) else json.dumps(payload)
    error = api_error(body, status_code=status_code)
    assert f"Remedy: {error.remedy}" in str(error)
    with pytest.raises(errors.GeminiAPIError, match=remedy):
        raise error


def test_a_wrong_key_is_a_matter_of_authentication_whatever_its_status() -> None:
    error = api_error(envelope(400, "API key not valid. Please pass a valid API key.", "INVALID_ARGUMENT"))
    assert type(error) is errors.AuthenticationError
    assert error.status_code == 400


def retry_info(delay: object) -> dict[str, object]:
    return {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay}


@pytest.mark.parametrize(
    ("header", "details", "seconds"),
    [
        (None, [], None),
        ("7", [], 7.0),
        ("0", [], 0.0),
        ("-3", [], 0.0),
        ("1.5", [retry_info("9s")], 1.5),
        ("Tue, 14 Nov 2023 22:13:50 GMT", [], 0.0),
        ("soon", [], None),
        ("nan", [], None),
        ("inf", [], None),
        ("Tue, 99 Nov 2023 22:13:50 GMT", [], None),
        ("soon", [retry_info("34.5s")], 34.5),
        (None, ["x", {"@type": 1}, reason("X"), retry_info("2s"), retry_info("3s")], 2.0),
        (None, [retry_info({"seconds": 3})], None),
        (None, [{"retryDelay": "3s"}], None),
    ],
)
def test_how_long_the_service_asks_to_wait(header, details, seconds) -> None:
    headers = {} if header is None else {"retry-after": header}
    error = api_error(envelope(429, "m", "", *details), headers=headers)
    assert error.retry_after == seconds


def test_how_long_it_is_to_a_date() -> None:
    date = email.utils.formatdate(time.time() + 3600, usegmt=True)
    error = api_error(envelope(429, "m"), headers={"retry-after": date})
    assert 0 < error.retry_after <= 3600


def test_not_an_error() -> None:
    payloads = [{}, [], None, 1, "error", [1, {}], {"candidates": [], "error": {"code": 1}}]
    payloads += [{"error": value} for value in (None, {}, "", 1)]
    assert [error_in(payload) for payload in payloads] == [None] * len(payloads)


@given(
    body=st.binary() | st.text() | st.recursive(st.none() | st.integers() | st.text(), st.lists),
    status_code=st.integers(300, 999),
)
def test_any_answer_makes_an_error(body, status_code: int) -> None:
    error = api_error(body, status_code=status_code)
    assert error.status_code == status_code
    assert str(status_code) in str(error)


def test_errors_travel_between_processes() -> None:
    error = api_error(envelope(429, "m", "RESOURCE_EXHAUSTED", retry_info("2s")))
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), vars(copy)) == (errors.RateLimitError, vars(error))
