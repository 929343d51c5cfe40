"""Cached contents: made, named in requests, looked up, prolonged, deleted, on both services."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google import genai
from google.genai import types

from langchain_codeexec.emulator import EmulatedError
from langchain_codeexec.emulator.caching import CachedContents
from langchain_codeexec.emulator.targets import Target

NEW, OLD = "gemini-3-flash-preview", "gemini-2.5-flash"
LONG = {"role": "user", "parts": [{"text": "All of it. " * 400}]}  # 1,100 tokens as the emulator counts
SMALL = {"role": "user", "parts": [{"text": "Hi"}]}
PARENT = "projects/p/locations/us-central1/"
PLACES = {
    "developer": ("/v1beta/", "models/"),
    "vertex": (f"/v1beta1/{PARENT}", f"{PARENT}publishers/google/models/"),
}
CODE = [{"codeExecution": {}}]


class Caches:
    """Asks for cached contents on one of the services."""

    def __init__(self, client: Any, endpoint: str) -> None:
        self.client, self.endpoint = client, endpoint
        self.prefix, self.models = PLACES[endpoint]

    def create(self, **body: Any) -> Any:
        return self.client.http.post(
            f"{self.prefix}cachedContents", json={"model": self.models + NEW, "contents": [LONG], **body}
        )

    def at(self, method: str, name: str, **more: Any) -> Any:
        return self.client.http.request(
            method, f"{self.prefix}cachedContents/{name.rpartition('/')[2]}", **more
        )

    def ask(self, name: str, model: str = NEW, **body: Any) -> Any:
        request = {"contents": [SMALL], "cachedContent": name, **body}
        return self.client.ask(request, model=model, endpoint=self.endpoint)


@pytest.fixture(params=["developer", "vertex"])
def caches(request, start):
    return Caches(start(lambda prompt: [{"executableCode": {"code": "print(1)"}}]), request.param)


def error(response: Any) -> tuple[int, str]:
    return response.status_code, response.json()["error"]["message"]


def test_what_is_cached_stands_in_front_of_the_request(caches):
    system = {"parts": [{"text": "Be brief."}]}
    made = caches.create(tools=CODE, systemInstruction=system, displayName="mine", ttl="60s").json()
    assert made["model"] == caches.models + NEW
    assert (made["displayName"], "contents" in made) == ("mine", False)
    answer = caches.ask(made["name"]).json()
    assert [next(iter(part)) for part in answer["candidates"][0]["content"]["parts"]] == [
        "executableCode",
        "codeExecutionResult",
    ]
    usage, cached = answer["usageMetadata"], made["usageMetadata"]["totalTokenCount"]
    assert usage["cachedContentTokenCount"] == cached >= 1024
    assert usage["cacheTokensDetails"] == [{"modality": "TEXT", "tokenCount": cached}]
    assert usage["promptTokenCount"] == cached + 1
    by_number = made["name"].replace("projects/p/", "projects/1234/")
    assert caches.ask(by_number).json()["usageMetadata"] == usage
    answer["usageMetadata"].pop("serviceTier", None)  # recorded, and not of the client's types so far
    types.GenerateContentResponse.model_validate(answer)
    if caches.endpoint == "developer":  # there only as a whole request
        request = {"contents": [SMALL], "cachedContent": made["name"]}
        body = {"generateContentRequest": {"model": f"models/{NEW}", **request}}
        counted = caches.client.ask(body, model=NEW, action="countTokens")
        assert counted.json()["cachedContentTokenCount"] == cached
        assert counted.json()["totalTokens"] == cached + 1


def test_they_are_listed_prolonged_and_deleted(caches):
    names = [caches.create().json()["name"] for _ in range(3)]
    first = caches.client.http.get(f"{caches.prefix}cachedContents", params={"pageSize": 2}).json()
    token = first["nextPageToken"]
    rest = caches.client.http.get(f"{caches.prefix}cachedContents", params={"pageToken": token}).json()
    listed = [cache["name"] for cache in first["cachedContents"] + rest["cachedContents"]]
    assert (listed, "nextPageToken" in rest) == (names, False)
    before = caches.at("GET", names[0]).json()
    after = caches.at("PATCH", names[0], json={"ttl": "7200s"}).json()
    assert after["expireTime"] > before["expireTime"]
    assert caches.at("GET", names[0]).json() == after
    assert caches.at("DELETE", names[0]).json() == {}
    assert caches.at("GET", names[0]).status_code in {403, 404}


def test_what_is_refused(caches):
    name = caches.create().json()["name"]
    developer = caches.endpoint == "developer"
    missing = (
        (403, "CachedContent not found (or permission denied)")
        if developer
        else (404, "Not found: cached content metadata for 1.")
    )
    assert error(caches.ask(name.replace(name.rpartition("/")[2], "1"))) == missing
    for method in ("GET", "DELETE"):
        assert error(caches.at(method, "1")) == missing
    own = "CachedContent can not be used with GenerateContent request" if developer else "should not be set"
    for field in ({"tools": CODE}, {"systemInstruction": {"parts": [{"text": "x"}]}}, {"toolConfig": {}}):
        status, message = error(caches.ask(name, **field))
        assert status == 400
        assert own in message
    assert "has to be the same" in error(caches.ask(name, model=OLD))[1]
    assert error(caches.at("PATCH", name, json={"displayName": "other"}))[0] == 400
    status, message = error(caches.create(contents=[SMALL]))
    assert status == 400
    assert message.endswith(
        "total_token_count=1, min_total_token_count=1024"
        if developer
        else "of 1 tokens. The minimum token count to start caching is 1024."
    )


@pytest.mark.parametrize(
    ("body", "status", "expected"),
    [
        ({"model": None}, 400, "model is required"),
        ({"model": "models/gemmini-0"}, 404, "gemmini-0"),
        ({"ttl": "an hour"}, 400, "Invalid value at 'cached_content.ttl'"),
        ({"expireTime": "soon"}, 400, "Invalid value at 'cached_content.expire_time'"),
        ({"content": []}, 400, 'Unknown name "content"'),
    ],
)
def test_what_is_no_cached_content(caches, body, status, expected):
    found, message = error(caches.create(**body))
    assert found == status
    assert expected in message


@pytest.mark.parametrize(("endpoint", "status"), [("developer", 403), ("vertex", 400)])
@pytest.mark.parametrize(
    ("life", "hours"), [({}, 1), ({"ttl": "7200s"}, 2), ({"expireTime": "2026-01-01T03:00:00"}, 3)]
)
def test_they_end_when_their_time_is_over(endpoint, status, life, hours):
    now = datetime(2026, 1, 1, tzinfo=UTC)
    caches = CachedContents(lambda: now)
    target = Target(endpoint, "v1beta", NEW, "generateContent", PARENT if endpoint == "vertex" else "")
    made = caches.create({"model": NEW, "contents": [LONG], **life}, target)
    now += timedelta(hours=hours, seconds=-1)
    assert caches.get(made["name"], target) == made
    now += timedelta(seconds=1)
    with pytest.raises(EmulatedError) as caught:
        caches.complete({"cachedContent": made["name"]}, target)
    assert caught.value.status_code == status
    assert caches.list(target, {}) == {}


def test_the_oldest_go_first():
    caches = CachedContents()
    target = Target("developer", "v1beta")
    names = [caches.create({"model": NEW, "contents": [LONG]}, target)["name"] for _ in range(1001)]
    with pytest.raises(EmulatedError):
        caches.get(names[0], target)
    assert caches.get(names[1], target)


def test_the_official_client(start):
    emulator = start(["From the cache."]).emulator
    with genai.Client(api_key="test", http_options=types.HttpOptions(base_url=emulator.url)) as client:
        config = types.CreateCachedContentConfig(contents=[types.Content(**LONG)], ttl="60s")
        cache = client.caches.create(model=NEW, config=config)
        answer = client.models.generate_content(
            model=NEW, contents="Go", config=types.GenerateContentConfig(cached_content=cache.name)
        )
        assert answer.text == "From the cache."
        assert answer.usage_metadata.cached_content_token_count == cache.usage_metadata.total_token_count
        client.caches.update(name=cache.name, config=types.UpdateCachedContentConfig(ttl="90s"))
        assert [one.name for one in client.caches.list()] == [cache.name]
        client.caches.delete(name=cache.name)
        assert list(client.caches.list()) == []
