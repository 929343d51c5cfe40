"""Models of LangChain's Google packages taken over: every field carried, or named as one that cannot be."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud.aiplatform_v1beta1.types.content import Modality
from google.genai import types
from langchain_core.caches import InMemoryCache
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import HumanMessage
from langchain_core.rate_limiters import InMemoryRateLimiter
from langchain_google_genai import ChatGoogleGenerativeAI
from langchain_google_vertexai import ChatVertexAI, HarmBlockThreshold, HarmCategory

from langchain_codeexec import ChatGeminiCodeExecution
from langchain_codeexec.errors import ConfigurationError, UnsupportedSettingError
from tests.services import NEW

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*ChatVertexAI"),
    pytest.mark.filterwarnings("ignore::UserWarning:langchain_google_.*"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]

SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}}
NOT_OURS = "what the package makes for itself"
REFUSED = "what cannot be carried over"


class Handler(BaseCallbackHandler):
    """A callback handler."""


CACHE, LIMITER, HANDLER = InMemoryCache(), InMemoryRateLimiter(), Handler()
CREDENTIALS = AnonymousCredentials()
THINKING = {"thinking_budget": 7, "include_thoughts": True}
TUNED = "projects/q/locations/l/endpoints/1"

# Fields that our chat model has under the same name, each with a value that is not its default.
SAME: dict[str, Any] = {
    "name": "n",
    "cache": CACHE,
    "verbose": True,
    "callbacks": [HANDLER],
    "tags": ["t"],
    "metadata": {"a": 1},
    "custom_get_token_ids": len,
    "rate_limiter": LIMITER,
    "disable_streaming": "tool_calling",
    "profile": {"max_input_tokens": 5},
    "project": "q",
    "location": "europe-west1",
    "credentials": CREDENTIALS,
    "additional_headers": {"x-a": "b"},
    "max_retries": 2,
    "temperature": 0.0,
    "top_p": 0.5,
    "top_k": 3,
    "max_output_tokens": 10,
    "n": 2,
    "stop": ["x"],
    "seed": 1,
    "frequency_penalty": 0.1,
    "presence_penalty": 0.1,
    "thinking_budget": 5,
    "include_thoughts": True,
    "response_mime_type": "text/x.enum",
    "timeout": 5.0,
    "streaming": True,
    "cached_content": "cachedContents/x",
    "labels": {"a": "b"},
}
SAME_GENAI: dict[str, Any] = {
    "model": "gemini-2.5-pro",
    "vertexai": True,
    "base_url": "http://127.0.0.1:9",
    "api_version": "v1alpha",
    "media_resolution": types.MediaResolution.MEDIA_RESOLUTION_LOW,
    "image_config": {"aspect_ratio": "1:1"},
    "response_modalities": [types.Modality.TEXT],
    "safety_settings": {types.HarmCategory.HARM_CATEGORY_HARASSMENT: types.HarmBlockThreshold.OFF},
    "response_schema": SCHEMA,
}
SAME_VERTEX: dict[str, Any] = {
    "safety_settings": {HarmCategory.HARM_CATEGORY_HARASSMENT: HarmBlockThreshold.OFF},
    "response_modalities": [Modality.TEXT],
    "audio_timestamp": True,
    "logprobs": 3,
}
# All others: the value, and the settings of ours that say the same.
OTHERS: dict[str, Any] = {
    "output_version": ("v0", {"output_version": "v0"}),
    "default_metadata": (None, NOT_OURS),
    "client": (None, NOT_OURS),
    "model_kwargs": (
        {"speech_config": {"languageCode": "de-DE"}},
        {"speech_config": {"languageCode": "de-DE"}},
    ),
}
GENAI: dict[str, Any] = {
    **{field: (value, {field: value}) for field, value in (SAME | SAME_GENAI).items()},
    **OTHERS,
    "google_api_key": ("k", {"api_key": "k"}),
    "client_args": ({"verify": False}, {"client_args": {"verify": False}}),
    "reasoning_effort": ("low", {"thinking_level": "low"}),
    "thinking_config": (THINKING, THINKING),
    "convert_system_message_to_human": (True, REFUSED),
}
VERTEX: dict[str, Any] = {
    **{field: (value, {field: value}) for field, value in (SAME | SAME_VERTEX).items()},
    **OTHERS,
    "model_name": ("gemini-2.5-pro", {"model": "gemini-2.5-pro"}),
    "full_model_name": (None, NOT_OURS),
    "tuned_model_name": (TUNED, {"model": TUNED}),
    "async_client": (None, NOT_OURS),
    "client_preview": (None, NOT_OURS),
    "client_options": (None, NOT_OURS),
    "request_parallelism": (9, REFUSED),
    "api_endpoint": ("http://127.0.0.1:9", {"base_url": "http://127.0.0.1:9"}),
    "api_transport": ("rest", NOT_OURS),
    "client_cert_source": (lambda: (b"", b""), REFUSED),
    "endpoint_version": ("v1", {"api_version": "v1"}),
    "examples": ([HumanMessage("q")], REFUSED),
    "response_schema": ({"type": "OBJECT"}, {"generation_config": {"responseSchema": {"type": "OBJECT"}}}),
    "perform_literal_eval_on_string_raw_content": (True, REFUSED),
    "wait_exponential_kwargs": ({"max": 1}, REFUSED),
}


def genai(**settings: Any) -> BaseChatModel:
    where = {"project": "p"} if "credentials" in settings else {"google_api_key": "key"}
    return ChatGoogleGenerativeAI(**{"model": NEW, **where, **settings})


def vertex(**settings: Any) -> BaseChatModel:
    name = {} if "model_name" in settings else {"model_name": NEW}
    beside = {"response_mime_type": "application/json"} if "response_schema" in settings else {}
    return ChatVertexAI(**{**name, "project": "p", "credentials": CREDENTIALS, **beside, **settings})


CASES = [
    pytest.param(make, field, value, ours, id=f"{kind.__name__}-{field}")
    for kind, make, table in ((ChatGoogleGenerativeAI, genai, GENAI), (ChatVertexAI, vertex, VERTEX))
    for field, (value, ours) in table.items()
    if ours is not NOT_OURS
]


@pytest.mark.parametrize(("kind", "table"), [(ChatGoogleGenerativeAI, GENAI), (ChatVertexAI, VERTEX)])
def test_every_field_of_the_installed_release_is_known(
    kind: type[BaseChatModel], table: dict[str, Any]
) -> None:
    assert set(kind.model_fields) == set(table), "a release brought or took fields: say what becomes of them"


def plain(value: Any) -> Any:
    if isinstance(value, dict):  # langchain-core notes down versions in a model's metadata
        return {key: item for key, item in value.items() if key != "lc_versions"}
    return value.get_secret_value() if hasattr(value, "get_secret_value") else value


@pytest.mark.parametrize(("make", "field", "value", "ours"), CASES)
def test_each_field_is_carried_or_named(make: Callable[..., Any], field: str, value: Any, ours: Any) -> None:
    if ours is REFUSED:
        with pytest.raises(UnsupportedSettingError, match=field) as caught:
            ChatGeminiCodeExecution.from_chat_model(make(**{field: value}))
        assert caught.value.setting == field
        return
    taken = ChatGeminiCodeExecution.from_chat_model(make(**{field: value}))
    assert {name: plain(getattr(taken, name)) for name in ours} == ours


@pytest.mark.parametrize("make", [genai, vertex])
def test_settings_given_beside_replace_those_taken_over(make: Callable[..., Any]) -> None:
    taken = ChatGeminiCodeExecution.from_chat_model(
        make(temperature=1.0, top_k=3, max_output_tokens=10),
        temperature=0.0,
        code_execution=False,
        max_tokens=5,
    )
    assert (taken.temperature, taken.top_k, taken.code_execution) == (0.0, 3, False)
    assert taken.max_output_tokens == 5


@pytest.mark.parametrize(
    "settings", [{"reasoning_effort": "high"}, {"thinking_config": {"thinking_level": "high"}}]
)
def test_settings_given_beside_by_other_names_replace_those_taken_over(settings: Any) -> None:
    taken = ChatGeminiCodeExecution.from_chat_model(genai(thinking_level="low"), **settings)
    assert taken.thinking_level == "high"


@pytest.mark.parametrize(
    ("llm", "path"),
    [
        (genai, "/v1beta"),
        (
            lambda: genai(vertexai=True, project="p", location="eu", credentials=CREDENTIALS),
            "/v1beta1/projects/p/locations/eu/publishers/google",
        ),
        (vertex, "/v1beta1/projects/p/locations/us-central1/publishers/google"),
        (
            lambda: vertex(location="europe-west4", endpoint_version="v1"),
            "/v1/projects/p/locations/europe-west4/publishers/google",
        ),
    ],
)
def test_requests_go_where_they_went(wire: Any, llm: Callable[[], Any], path: str) -> None:
    taken = ChatGeminiCodeExecution.from_chat_model(llm(), base_url=wire.url)
    taken.invoke("q")
    taken.close()
    assert wire.paths == [f"{path}/models/{NEW}:generateContent"]


def test_a_key_is_not_taken_where_it_was_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_API_KEY", "k")
    on_vertex = ChatGoogleGenerativeAI(model=NEW, vertexai=True, project="p", location="l")
    assert ChatGeminiCodeExecution.from_chat_model(on_vertex).api_key is None


@pytest.mark.parametrize(
    ("llm", "error", "named"),
    [
        (lambda: vertex(timeout=httpx.Timeout(5.0)), UnsupportedSettingError, "timeout"),
        (lambda: genai().bind(temperature=0), ConfigurationError, "bind"),
        (lambda: genai().bind_tools([]), ConfigurationError, "bind_tools"),
        (
            lambda: ChatGeminiCodeExecution(model=NEW, api_key="k"),
            ConfigurationError,
            "ChatGeminiCodeExecution",
        ),
    ],
)
def test_what_cannot_be_taken_over_is_refused(llm: Any, error: type[Exception], named: str) -> None:
    with pytest.raises(error, match=named):
        ChatGeminiCodeExecution.from_chat_model(llm())


def test_fields_of_a_subclass_are_not_lost() -> None:
    class Mine(ChatGoogleGenerativeAI):
        mood: str = "glad"

    carried = ChatGeminiCodeExecution.from_chat_model(Mine(model=NEW, google_api_key="k"))
    assert carried.model == NEW
    with pytest.raises(UnsupportedSettingError, match="mood"):
        ChatGeminiCodeExecution.from_chat_model(Mine(model=NEW, google_api_key="k", mood="sad"))
