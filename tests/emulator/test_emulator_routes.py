"""Which URL is which service, who may come in, and what is recorded."""

from __future__ import annotations

import httpx
import pytest
from google import genai
from google.genai import errors, types
from langchain_google_genai import ChatGoogleGenerativeAI

HELLO = {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]}
VERTEX = "/v1beta1/projects/p/locations/l/publishers/google/models"
DEVELOPER = "/v1beta/models"


@pytest.mark.parametrize("version", ["v1", "v1beta", "v1beta1", "v1alpha"])
@pytest.mark.parametrize(
    ("path", "endpoint"),
    [
        ("projects/p/locations/l/publishers/google/models", "vertex"),
        ("publishers/google/models", "vertex"),
        ("models", "developer"),
    ],
)
def test_both_families_in_every_version(answering, version, path, endpoint):
    path = f"/{version}/{path}/gemini-2.5-flash:generateContent"
    response = answering.http.post(path, json=HELLO)
    assert response.status_code == 200
    assert response.json()["modelVersion"] == "gemini-2.5-flash"
    assert ("createTime" in response.json()) == (endpoint == "vertex")
    record = answering.emulator.requests[-1]
    assert (record.path, record.endpoint, record.model) == (path, endpoint, "gemini-2.5-flash")
    assert (record.method, record.body, record.status) == ("generateContent", HELLO, 200)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", f"{DEVELOPER}/gemini-2.5-flash:predict"),
        ("POST", f"{DEVELOPER}/gemini-2.5-flash"),
        ("GET", f"{DEVELOPER}/gemini-2.5-flash:generateContent/x"),
        ("PUT", f"{DEVELOPER}/gemini-2.5-flash:generateContent"),
        ("POST", "/v7/models/gemini-2.5-flash:generateContent"),
        ("GET", "/v7/models"),
        ("GET", "/"),
        ("POST", "/v1/projects/p/locations/l/publishers/anthropic/models/claude:generateContent"),
    ],
)
def test_what_the_service_does_not_have_is_a_404_envelope(answering, method, path):
    response = answering.http.request(method, path, json=HELLO)
    error = response.json()["error"]
    assert (response.status_code, error["code"], error["status"]) == (404, 404, "NOT_FOUND")
    assert answering.emulator.requests[-1].status == 404


@pytest.mark.parametrize("method", ["generateContent", "streamGenerateContent?alt=sse", "countTokens"])
@pytest.mark.parametrize(
    ("prefix", "text"),
    [
        (VERTEX, "Publisher Model `projects/p/locations/l/publishers/google/models/gpt-9` was not found"),
        ("/v1/publishers/google/models", "Publisher Model `publishers/google/models/gpt-9` was not found"),
        (DEVELOPER, "models/gpt-9 is not found for API version v1beta, or is not supported for "),
    ],
)
def test_unknown_models_in_each_services_words(answering, prefix, text, method):
    response = answering.http.post(f"{prefix}/gpt-9:{method}", json=HELLO)
    assert response.status_code == 404
    assert response.json()["error"]["message"].startswith(text)


def test_names_can_be_made_known(start):
    client = start(["Hi."], known_models={"tuned-on-cats"})
    assert client.ask(HELLO, model="tuned-on-cats").status_code == 200
    names = [model["name"] for model in client.http.get(DEVELOPER).json()["models"]]
    assert "models/tuned-on-cats" in names


@pytest.mark.parametrize(
    ("prefix", "headers", "query", "outcome"),
    [
        (DEVELOPER, {}, "", (403, "PERMISSION_DENIED", None)),
        (DEVELOPER, {"authorization": "Bearer token"}, "", (403, "PERMISSION_DENIED", None)),
        (DEVELOPER, {"x-goog-api-key": "invalid"}, "", (400, "INVALID_ARGUMENT", "API_KEY_INVALID")),
        (DEVELOPER, {}, "?key=invalid", (400, "INVALID_ARGUMENT", "API_KEY_INVALID")),
        (DEVELOPER, {"X-Goog-Api-Key": "k"}, "", (200, None, None)),
        (DEVELOPER, {}, "?key=k", (200, None, None)),
        (VERTEX, {}, "", (401, "UNAUTHENTICATED", "CREDENTIALS_MISSING")),
        (VERTEX, {"authorization": "Basic token"}, "", (401, "UNAUTHENTICATED", "CREDENTIALS_MISSING")),
        (VERTEX, {"authorization": "Bearer"}, "", (401, "UNAUTHENTICATED", "CREDENTIALS_MISSING")),
        (
            VERTEX,
            {"authorization": "Bearer invalid"},
            "",
            (401, "UNAUTHENTICATED", "ACCESS_TOKEN_TYPE_UNSUPPORTED"),
        ),
        (VERTEX, {"x-goog-api-key": "invalid"}, "", (400, "INVALID_ARGUMENT", "API_KEY_INVALID")),
        (VERTEX, {"authorization": "bearer token"}, "", (200, None, None)),
        (VERTEX, {"x-goog-api-key": "k"}, "", (200, None, None)),
    ],
)
def test_credentials(answering, prefix, headers, query, outcome):
    url = f"{answering.emulator.url}{prefix}/gemini-2.5-flash:generateContent{query}"
    response = httpx.post(url, json=HELLO, headers=headers)
    error = response.json().get("error", {})
    reasons = [detail["reason"] for detail in error.get("details", []) if "reason" in detail]
    assert (response.status_code, error.get("status"), next(iter(reasons), None)) == outcome


def test_which_keys_are_good_can_be_said(start):
    client = start(["Hi."], accept_key=lambda key: key == "sesame")
    refused = client.ask(HELLO)
    assert refused.json()["error"]["message"] == "API key not valid. Please pass a valid API key."
    client.http.headers["x-goog-api-key"] = "sesame"
    assert client.ask(HELLO).status_code == 200


def test_refused_requests_are_recorded_without_their_credentials(answering):
    httpx.post(f"{answering.emulator.url}{DEVELOPER}/gemini-2.5-flash:generateContent", json=HELLO)
    record = answering.emulator.requests[-1]
    assert (record.status, record.body) == (403, None)
    assert "test" not in repr(answering.emulator.requests)


@pytest.mark.parametrize(
    ("prefix", "key", "name"),
    [
        (DEVELOPER, "models", "models/gemini-2.5-flash"),
        (VERTEX, "publisherModels", "publishers/google/models/gemini-2.5-flash"),
        ("/v1beta1/publishers/google/models", "publisherModels", "publishers/google/models/gemini-2.5-flash"),
    ],
)
def test_models_are_listed_and_described(answering, prefix, key, name):
    listed = answering.http.get(prefix).json()[key]
    one = answering.http.get(f"{prefix}/gemini-2.5-flash").json()
    assert one["name"] == name
    assert one in listed
    assert answering.http.get(f"{prefix}/gpt-9").status_code == 404
    assert answering.emulator.requests[-1].method == "GET"


@pytest.mark.parametrize(
    ("endpoint", "body", "expected"),
    [
        (
            "developer",
            HELLO,
            {"totalTokens": 1, "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 1}]},
        ),
        (
            "vertex",
            {"contents": {"role": "user", "parts": [{"text": "Hi you"}]}},
            {
                "totalTokens": 2,
                "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 2}],
                "totalBillableCharacters": 5,
            },
        ),
    ],
)
def test_count_tokens(answering, endpoint, body, expected):
    assert answering.ask(body, endpoint=endpoint, action="countTokens").json() == expected


def test_count_tokens_of_a_whole_request(answering):
    inner = {
        "model": "models/gemini-2.5-flash",
        "systemInstruction": {"parts": {"text": "Be kind."}},
        **HELLO,
    }
    body = {"generateContentRequest": inner}
    assert answering.ask(body, action="countTokens").json()["totalTokens"] == 3
    refused = answering.ask(body, action="countTokens", endpoint="vertex")
    assert 'Unknown name "generateContentRequest"' in refused.json()["error"]["message"]


@pytest.mark.parametrize(
    ("prefix", "key"),
    [("/v1beta/models", "models"), ("/v1beta1/publishers/google/models", "publisherModels")],
)
def test_models_come_a_page_at_a_time(answering, prefix, key):
    every = answering.http.get(prefix).json()[key]
    pages, token = [], ""
    while token is not None:
        page = answering.http.get(prefix, params={"pageSize": 2, "pageToken": token}).json()
        pages.append(page[key])
        token = page.get("nextPageToken")
    assert [model for page in pages for model in page] == every
    assert {len(page) for page in pages[:-1]} == {2}


@pytest.mark.parametrize("query", [{"pageSize": "-1"}, {"page_size": "x"}, {"pageToken": "999"}])
def test_a_page_there_is_not(answering, query):
    response = answering.http.get("/v1beta/models", params=query)
    assert (response.status_code, response.json()["error"]["status"]) == (400, "INVALID_ARGUMENT")


def test_what_is_not_covered_is_said_with_what_is(answering):
    said = answering.http.post("/v1beta/fileSearchStores", json={}).json()["error"]["message"]
    beginning, _, covered = said.removesuffix(".").partition(" It covers: ")
    assert beginning == "This emulator does not cover POST /v1beta/fileSearchStores."
    rows = covered.split("; ")
    assert len(rows) > 20
    names = {"version": "v1beta", "project": "p", "location": "l", "model": "gemini-embedding-2", "id": "x"}
    for row in rows:
        method, path = row.split(" ")
        response = answering.http.request(
            method, path.format(**names), json={} if method in ("POST", "PATCH") else None
        )
        assert "does not cover" not in response.text, row


@pytest.mark.parametrize(
    ("path", "hint"),
    [
        ("/models/gemini-2.5-flash:generateContent", "set the client's base URL to {url}/v1beta."),
        ("/upload/files", "set the client's base URL to {url}/v1beta."),
        (
            "/projects/p/locations/l/publishers/google/models/m:predict",
            "set the client's base URL to {url}/v1beta1.",
        ),
        ("/v1beta/v1beta/models/gemini-2.5-flash:generateContent", "its base URL is {url}, and no more."),
        ("/gemini/v1beta/models/gemini-2.5-flash:generateContent", "its base URL is {url}, and no more."),
        ("/v1beta/models/m/models/m:generateContent", "adds the model itself: its base URL is {url}/v1beta."),
        (
            "//v1beta/models/gemini-2.5-flash:generateContent",
            "base URL is {url}, without a slash at its end.",
        ),
        ("/", "itself needs all of {url}/v1beta/models/{{model}}:{{method}}."),
        ("/v1beta/batches", ""),
        ("/something/else", ""),
    ],
)
def test_a_url_that_lacks_something_gets_the_hint_that_helps(answering, path, hint):
    response = httpx.post(answering.emulator.url + path, json=HELLO)
    assert response.status_code == 404
    beginning = response.json()["error"]["message"].partition(" It covers: ")[0]
    assert beginning.partition(".")[0] == f"This emulator does not cover POST {path}".partition(".")[0]
    assert beginning.endswith(hint.format(url=answering.emulator.url) or f"{path}.")


@pytest.mark.parametrize("retries", ["genai", "langchain"])
def test_no_client_asks_again_for_what_is_not_covered(start, retries):
    client = start(lambda prompt: "Fine.")
    before = len(client.emulator.requests)
    if retries == "genai":
        options = types.HttpOptions(
            base_url=client.emulator.url, retry_options=types.HttpRetryOptions(attempts=5)
        )
        with genai.Client(api_key="k", http_options=options) as sdk, pytest.raises(errors.ClientError):
            sdk.batches.get(name="batches/1")
    else:
        model = ChatGoogleGenerativeAI(
            model="m", api_key="k", base_url=f"{client.emulator.url}/v1beta", max_retries=6
        )
        with pytest.raises(Exception, match="its base URL is"):
            model.invoke("Hi")
    assert len(client.emulator.requests) == before + 1
