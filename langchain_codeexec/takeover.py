"""The settings of a `ChatVertexAI` or `ChatGoogleGenerativeAI` that is taken over, by our names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from langchain_core.language_models.chat_models import BaseChatModel

from langchain_codeexec.errors import ConfigurationError, UnsupportedSettingError

__all__ = ["settings_of"]

Settings = dict[str, Any]

_SAME: Final = frozenset(
    # langchain-core's own
    "name cache verbose callbacks tags custom_get_token_ids rate_limiter disable_streaming profile output_version "
    # both packages'
    "project location credentials additional_headers max_retries temperature top_p top_k max_output_tokens n stop "
    "seed frequency_penalty presence_penalty thinking_budget include_thoughts response_mime_type "
    "response_modalities safety_settings cached_content labels streaming model_kwargs "
    # one package's
    "model api_version media_resolution image_config audio_timestamp client_args thinking_config response_schema "
    "logprobs".split()
)
_RENAMED: Final[Mapping[str, str]] = {
    "google_api_key": "api_key",
    "reasoning_effort": "thinking_level",
    "endpoint_version": "api_version",
    "api_endpoint": "base_url",
}
_EVEN_DEFAULTS: Final = frozenset({"temperature", "location"})
"""Taken even as the package's default, which is not the service's, or differs from package to package."""

_MADE_FROM_OTHERS: Final = frozenset(
    "client async_client client_preview client_options default_metadata vertexai tuned_model_name full_model_name "
    "api_transport".split()  # we speak REST whatever its transport was; the service is the same
)
_NOTHING: Final[tuple[object, ...]] = (None, "", {})
_REASONS: Final[Mapping[str, str]] = {
    "client_cert_source": "client certificates belong to a client; pass transport=RestTransport(...) with one",
    "examples": "put the example messages at the beginning of the conversation",
    "convert_system_message_to_human": "system text travels as systemInstruction; every current model takes it",
    "perform_literal_eval_on_string_raw_content": "image strings in text are not read; use image blocks",
    "request_parallelism": "limit batches with max_concurrency in the config of the call",
    "wait_exponential_kwargs": "waits between attempts follow Retry-After and back off with jitter",
}


def settings_of(llm: BaseChatModel) -> Settings:
    """The settings of a model that is taken over, for our chat model's constructor.

    Raises:
        ConfigurationError: It is neither a `ChatVertexAI` nor a `ChatGoogleGenerativeAI`.
        UnsupportedSettingError: It has a setting that cannot be carried over.
    """
    packages = {base.__module__.partition(".")[0] for base in type(llm).__mro__}
    package = next((name for name in _SPECIAL if name in packages), None)
    if package is None:
        raise ConfigurationError(
            f"cannot take over a {type(llm).__name__}; pass a ChatVertexAI or a ChatGoogleGenerativeAI itself, "
            "not what bind_tools() or bind() returned, nor what init_chat_model() leaves configurable"
        )
    special = _SPECIAL[package]
    taken: Settings = {}
    for name, field in type(llm).model_fields.items():
        value = getattr(llm, name)
        is_default = value == field.get_default(call_default_factory=True)
        if name in special:
            taken |= special[name](llm, value)
        elif name in _MADE_FROM_OTHERS or (is_default and name not in _EVEN_DEFAULTS):
            continue
        elif name in _SAME or name in _RENAMED:
            taken[_RENAMED.get(name, name)] = value
        else:
            raise UnsupportedSettingError(name, _REASONS.get(name, "our chat model has nothing like it"))
    return {name: value for name, value in taken.items() if value not in _NOTHING}


def _genai_service(llm: Any, _vertexai: Any) -> Settings:
    return {"vertexai": bool(getattr(llm, "_use_vertexai", llm.vertexai))}


def _genai_api_key(llm: Any, api_key: Any) -> Settings:
    """A key that the package would use; it prefers credentials, and on Vertex AI a project."""
    passed_over = llm.credentials or (_genai_service(llm, None)["vertexai"] and llm.project)
    return {"api_key": api_key} if "google_api_key" in llm.model_fields_set and not passed_over else {}


def _genai_base_url(_llm: Any, base_url: Any) -> Settings:
    return {"base_url": base_url.get("api_endpoint") if isinstance(base_url, dict) else base_url}


def _metadata(_llm: Any, metadata: Any) -> Settings:
    """Without the versions that langchain-core notes down for each model itself."""
    return {"metadata": {key: value for key, value in (metadata or {}).items() if key != "lc_versions"}}


def _timeout(_llm: Any, timeout: Any) -> Settings:
    if timeout is None or isinstance(timeout, (int, float)):
        return {"timeout": timeout}
    raise UnsupportedSettingError(
        "timeout", "give it in seconds; finer ones belong to a RestTransport of your own"
    )


def _vertex_schema(llm: Any, schema: Any) -> Settings:
    """An OpenAPI schema, not a JSON Schema: it keeps its own place on the wire."""
    return {"generation_config": {"responseSchema": schema}} if schema and llm.response_mime_type else {}


_SPECIAL: Final[Mapping[str, Mapping[str, Callable[[Any, Any], Settings]]]] = {
    "langchain_google_genai": {
        "metadata": _metadata,
        "vertexai": _genai_service,
        "google_api_key": _genai_api_key,
        "base_url": _genai_base_url,
        "timeout": _timeout,
    },
    "langchain_google_vertexai": {
        "metadata": _metadata,
        "client": lambda _llm, _client: {"vertexai": True},
        "model_name": lambda llm, model_name: {"model": llm.tuned_model_name or model_name},
        "timeout": _timeout,
        "response_schema": _vertex_schema,
    },
}
