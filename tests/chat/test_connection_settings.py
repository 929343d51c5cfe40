"""Settings of the connection: what the environment says, what a call may change, which clients share it."""

import pickle
import threading
from typing import Any

import google.auth
import httpx
import pytest
from google import genai
from google.genai import types
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import HumanMessage, SystemMessage
from langchain_google_genai import create_context_cache

from langchain_codeexec import ChatGeminiCodeExecution
from langchain_codeexec.emulator import EmulatedError
from langchain_codeexec.errors import (
    ConfigurationError,
    GeminiTimeoutError,
    ServerError,
)
from langchain_codeexec.gemini.genai import GenAITransport


def test_the_address_in_client_options_is_the_base_url() -> None:
    llm = ChatGeminiCodeExecution(
        model="m", api_key="k", client_options={"api_endpoint": "http://127.0.0.1:9"}
    )

    assert llm.base_url == "http://127.0.0.1:9"


@pytest.mark.parametrize("endpoint", ["developer", "vertex"])
def test_the_client_of_the_sdk_has_the_same_connection(wire: Any, endpoint: str) -> None:
    wire.says({"totalTokens": 5})
    llm = wire.on(endpoint, additional_headers={"x-team": "a"}, timeout=9)

    counted = llm.client.models.count_tokens(model=llm.model, contents="Hello there")
    mine = llm.get_num_tokens("Hello there")

    assert counted.total_tokens == mine == 5
    assert wire.paths[-2] == wire.paths[-1]
    assert wire.headers[-2]["x-team"] == "a"
    secrets = [header.get("x-goog-api-key") or header.get("authorization") for header in wire.headers[-2:]]
    assert secrets[0] == secrets[1]
    assert llm.client is llm.client
    assert llm.async_client is llm.client.aio
    assert pickle.loads(pickle.dumps(llm)).client is not llm.client


def test_silence_is_known_to_code_written_for_httpx(gemini: Any) -> None:
    given_up = threading.Event()
    gemini.says(lambda _: given_up.wait(9) and "Late.")

    with pytest.raises(httpx.TimeoutException) as caught:
        gemini.chat(timeout=0.05).invoke("q")

    given_up.set()
    assert isinstance(caught.value, GeminiTimeoutError)
    assert isinstance(pickle.loads(pickle.dumps(caught.value)), GeminiTimeoutError)


def test_a_cache_made_by_the_other_package_is_used(gemini: Any, endpoint: str) -> None:
    gemini.says("Fine.")
    llm = gemini.on(endpoint)

    cache = create_context_cache(llm, [SystemMessage("Be brief."), HumanMessage("word " * 5000)], ttl="60s")

    assert llm.invoke("q", cached_content=cache).text == "Fine."
    assert gemini.body["cachedContent"] == cache


def test_the_client_is_that_of_the_transport_given(gemini: Any) -> None:
    client = genai.Client(api_key="k", http_options=types.HttpOptions(base_url=gemini.url))

    assert ChatGeminiCodeExecution(model="m", transport=GenAITransport(client)).client is client
    assert ChatGeminiCodeExecution(model="m", transport=gemini.chat().connection).client is None
    with pytest.raises(ConfigurationError, match=r"no google\.genai client"):
        _ = ChatGeminiCodeExecution(model="m", transport=gemini.chat().connection).async_client


def test_a_call_may_set_what_makes_its_connection(wire: Any) -> None:
    llm = wire.chat(additional_headers={"x-a": "1"})
    options = types.HttpOptions(
        api_version="v9", headers={"x-b": "2"}, timeout=5000, retry_options=types.HttpRetryOptions(attempts=1)
    )

    llm.invoke("q", http_options=options)
    llm.invoke("q", max_retries=0)
    llm.invoke("q")

    assert wire.paths[0].startswith("/v9/")
    assert [path[:8] for path in wire.paths[1:]] == ["/v1beta/"] * 2
    assert (wire.headers[0]["x-a"], wire.headers[0]["x-b"]) == ("1", "2")
    assert "x-b" not in wire.headers[2]


@pytest.mark.parametrize("name", ["api_key", "google_api_key", "credentials"])
@pytest.mark.parametrize("method", ["invoke", "stream"])
def test_a_secret_is_refused_per_call_before_a_trace_shows_it(wire: Any, name: str, method: str) -> None:
    seen: list[str] = []

    class Tracer(BaseCallbackHandler):
        def on_chat_model_start(self, *args: Any, **kwargs: Any) -> None:
            seen.append(f"{args} {kwargs}")

    llm = wire.chat().bind(**{name: "very-secret"})

    with pytest.raises(
        ConfigurationError, match=f"{name.removeprefix('google_')}.*ChatGeminiCodeExecution"
    ) as error:
        list(getattr(llm, method)("q", config={"callbacks": [Tracer()]}))

    assert seen == wire.paths == []
    assert "very-secret" not in str(error.value)


def test_retries_of_a_call(gemini: Any) -> None:
    gemini.says(EmulatedError(503, message="busy"), "Fine.")
    llm = gemini.chat(max_retries=3)

    with pytest.raises(ServerError):
        llm.invoke("q", max_retries=0)

    assert len(gemini.requests) == 1


def test_a_transport_that_was_given_is_not_set_up_by_a_call(gemini: Any) -> None:
    llm = ChatGeminiCodeExecution(model="m", transport=gemini.chat().connection)

    with pytest.raises(ConfigurationError, match="max_retries: set this in the transport"):
        llm.invoke("q", max_retries=0)


def test_arguments_of_http_clients_reach_them(wire: Any) -> None:
    llm = wire.chat(client_args={"headers": {"x-proxy": "p"}})

    llm.invoke("q")

    assert wire.headers[-1]["x-proxy"] == "p"
    assert "x-proxy" not in f"{llm!r}"


KEY, USE_VERTEX, PROJECT = "GOOGLE_API_KEY", "GOOGLE_GENAI_USE_VERTEXAI", "GOOGLE_CLOUD_PROJECT"
DEVELOPER, EXPRESS = "/v1beta/models/m", "/v1beta1/publishers/google/models/m"


def placed(project: str, location: str = "global") -> str:
    return f"/v1beta1/projects/{project}/locations/{location}/publishers/google/models/m"


@pytest.mark.parametrize(
    ("environment", "settings", "path", "key"),
    [
        ({KEY: "k"}, {}, DEVELOPER, "k"),
        ({"GEMINI_API_KEY": "k"}, {}, DEVELOPER, "k"),
        ({KEY: "a"}, {"api_key": "c"}, DEVELOPER, "c"),
        ({KEY: "k"}, {"model": "models/m"}, DEVELOPER, "k"),
        ({KEY: "k"}, {"api_version": "v1"}, "/v1/models/m", "k"),
        ({KEY: "k", "GOOGLE_GENAI_API_VERSION": "v1alpha"}, {}, "/v1alpha/models/m", "k"),
        ({KEY: "k", USE_VERTEX: "true"}, {}, EXPRESS, "k"),
        ({}, {"vertexai": True, "project": "p", "api_key": "k"}, placed("p"), "k"),
        ({PROJECT: "p", "GOOGLE_CLOUD_LOCATION": "us-east1"}, {}, placed("p", "us-east1"), None),
        ({PROJECT: "p"}, {"project": "q", "location": "eu"}, placed("q", "eu"), None),
        ({PROJECT: "p", KEY: "k", USE_VERTEX: "1"}, {}, placed("p"), None),
        ({KEY: "k"}, {"vertexai": True, "project": "p"}, placed("p"), None),
    ],
)
def test_settings_and_environment_choose_the_service_and_the_key(  # noqa: PLR0913, PLR0917 -- a wide table
    wire: Any, monkeypatch: pytest.MonkeyPatch, environment: Any, settings: Any, path: str, key: str | None
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    llm = ChatGeminiCodeExecution(**{"model": "m", "base_url": wire.url, **settings})

    answer = llm.invoke("q")
    llm.close()

    assert wire.paths == [f"{path}:generateContent"]
    assert wire.headers[-1].get("x-goog-api-key") == key
    assert answer.response_metadata["endpoint"] == ("developer" if "publishers" not in path else "vertex")


@pytest.mark.parametrize(
    ("environment", "settings", "remedy"),
    [
        ({}, {}, "GOOGLE_API_KEY"),
        ({"GOOGLE_GENAI_USE_VERTEXAI": "perhaps"}, {"api_key": "k"}, "GOOGLE_GENAI_USE_VERTEXAI"),
        ({}, {"api_key": "k", "credentials": object()}, "credentials"),
        ({}, {"vertexai": True, "api_key": "k", "timeout": 0}, "timeout"),
    ],
)
def test_settings_that_reach_no_service_are_refused_at_once(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], settings: dict[str, Any], remedy: str
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    with pytest.raises(ConfigurationError, match=remedy):
        ChatGeminiCodeExecution(model="m", **settings)


def test_the_emulator_on_vertex_needs_no_credentials_and_sees_none(
    gemini, wire, tmp_path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key_file = tmp_path / "adc.json"
    key_file.write_text('{"type": "authorized_user", "refresh_token": "very-secret"}')
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(key_file))
    monkeypatch.setenv("GOOGLE_API_KEY", "very-secret-key")
    monkeypatch.setattr(google.auth, "default", lambda *_, **__: pytest.fail("default credentials looked up"))
    gemini.says("Fine.")

    for server in (gemini, wire):
        llm = server.chat(vertexai=True, project="p", answer_retries=0)
        llm.invoke("q")
        llm.client.models.generate_content(model=llm.model, contents="q")

    assert [request.body["contents"][0]["parts"][0]["text"] for request in gemini.requests] == ["q", "q"]
    assert [headers["authorization"] for headers in wire.headers] == ["Bearer local"] * 2
    assert "very-secret" not in str(wire.headers)
