"""Settings to `generationConfig` and `safetySettings`."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Mapping
from typing import Any, Final, cast

from langchain_codeexec.errors import ConfigurationError
from langchain_codeexec.gemini.wire import camel_case
from langchain_codeexec.messages.tools import dumped, schema_of

__all__ = ["GENERATION_SETTINGS", "THINKING_SETTINGS", "generation_config", "safety_settings"]

Json = dict[str, Any]

_PLAIN: Final[Mapping[str, str]] = {
    "temperature": "temperature",
    "top_p": "topP",
    "top_k": "topK",
    "max_output_tokens": "maxOutputTokens",
    "n": "candidateCount",
    "seed": "seed",
    "frequency_penalty": "frequencyPenalty",
    "presence_penalty": "presencePenalty",
    "response_mime_type": "responseMimeType",
    "response_modalities": "responseModalities",
    "media_resolution": "mediaResolution",
    "audio_timestamp": "audioTimestamp",
    "speech_config": "speechConfig",
    "image_config": "imageConfig",
}
_JSON: Final = "application/json"
_SAMPLING: Final = ("temperature", "topP", "topK")
_FIXED_SAMPLING: Final = re.compile(r"gemini-3\.5-flash-lite|gemini-3\.6-flash")
"""Models that are documented to sample in a fixed way."""

_SPEECH: Final = re.compile(r"-tts\b")
"""Models that answer in sound alone and refuse a request for text, which is the default."""

THINKING_SETTINGS: Final[Mapping[str, str]] = {
    "thinking_budget": "thinkingBudget",
    "thinking_level": "thinkingLevel",
    "include_thoughts": "includeThoughts",
}


def generation_config(settings: Mapping[str, Any]) -> Json:
    """The `generationConfig` of settings; what they hold under `generation_config` is passed through and wins."""
    config: Json = {
        wire: _plain(settings[name]) for name, wire in _PLAIN.items() if settings.get(name) not in (None, [])
    }
    thinking = {
        wire: settings[name] for name, wire in THINKING_SETTINGS.items() if settings.get(name) is not None
    }
    if thinking:
        config["thinkingConfig"] = thinking
    for name, special in _SPECIAL.items():
        if settings.get(name) is not None:
            config |= special(settings[name], settings)
    for key, value in (settings.get("generation_config") or {}).items():
        wire = camel_case(key)
        are_objects = isinstance(value, dict) and isinstance(config.get(wire), dict)
        config[wire] = config[wire] | value if are_objects else value
    return _for_model(str(settings.get("model", "")).rpartition("/")[2], config)


def _for_model(model: str, config: Json) -> Json:
    """The config without what the model ignores or refuses, and with what it cannot do without."""
    thinking = config.get("thinkingConfig")
    if isinstance(thinking, dict) and {"thinkingLevel", "thinkingBudget"} <= thinking.keys():
        _warn("thinking_level and thinking_budget exclude each other: 'thinking_level' takes precedence")
        level_only = {key: value for key, value in thinking.items() if key != "thinkingBudget"}
        config = {**config, "thinkingConfig": level_only}
    if _FIXED_SAMPLING.search(model) and (ignored := [key for key in _SAMPLING if key in config]):
        _warn(f"{model} samples in a fixed way: {', '.join(ignored)} will be ignored")
        config = {key: value for key, value in config.items() if key not in ignored}
    if _SPEECH.search(model):
        config = {"responseModalities": ["AUDIO"], **config}
    return config


def _warn(message: str) -> None:
    warnings.warn(message, UserWarning, stacklevel=2)


def safety_settings(settings: Any) -> list[Json]:
    """Translate safety settings.

    Args:
        settings: A mapping of harm category to threshold, or the wire's list; enum members by their names.

    Raises:
        ConfigurationError: They are neither, or an entry names no category.
    """
    if isinstance(settings, dict):
        return [_safety_setting({"category": key, "threshold": value}) for key, value in settings.items()]
    if isinstance(settings, list | tuple):
        return [_safety_setting(entry) for entry in settings]
    raise ConfigurationError(
        f"safety_settings is a mapping of category to threshold or a list, not {type(settings).__name__}"
    )


def _safety_setting(entry: Any) -> Json:
    fields = dumped(entry)
    if fields is None:  # the older client libraries' messages hold every field, set or not
        fields = {key: getattr(entry, key, None) or None for key in ("category", "threshold", "method")}
    setting = {camel_case(key): _plain(value) for key, value in fields.items() if value is not None}
    if not isinstance(setting.get("category"), str):
        raise ConfigurationError(f"an entry of safety_settings has no harm category: {entry!r}")
    return setting


def _response_schema(schema: Any, settings: Mapping[str, Any]) -> Json:
    mime_type = settings.get("response_mime_type") or _JSON
    if mime_type not in {_JSON, "text/x.enum"}:
        raise ConfigurationError(
            f"a response schema goes with the MIME type {_JSON}, not {mime_type!r}: leave response_mime_type away"
        )
    return {"responseJsonSchema": schema_of(schema), "responseMimeType": mime_type}


def _stop_sequences(setting: Any, _settings: Mapping[str, Any]) -> Json:
    return {"stopSequences": [setting] if isinstance(setting, str) else setting} if setting else {}


def _logprobs(setting: bool | int, _settings: Mapping[str, Any]) -> Json:
    if setting is True:
        return {"responseLogprobs": True}
    return {"responseLogprobs": True, "logprobs": setting} if setting else {}


def _plain(value: Any) -> Any:
    """Enum members of either Google SDK by name, everything else as it is."""
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    name = getattr(value, "name", None)
    return name if isinstance(name, str) and hasattr(value, "value") else value


_SPECIAL: Final[Mapping[str, Callable[[Any, Mapping[str, Any]], Json]]] = {
    "response_schema": _response_schema,
    "logprobs": _logprobs,
    "stop": _stop_sequences,
}
GENERATION_SETTINGS: Final = cast(
    "frozenset[str]", frozenset({*_PLAIN, *THINKING_SETTINGS, *_SPECIAL, "generation_config"})
)
