"""The body of a new interaction from a request of generateContent.

Nothing is dropped silently: what interactions have no field for is an error that says what to write instead.
Source of the fields: google-genai's `interactions` types, release 3.6.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from itertools import takewhile
from typing import Any, Final, cast

from langchain_codeexec.errors import ConfigurationError, ToolDeclarationError
from langchain_codeexec.gemini.interactions.contents import MARK
from langchain_codeexec.gemini.interactions.steps import steps_from_contents
from langchain_codeexec.gemini.wire import GenerateContentRequest, snake_case

__all__ = ["body_from_request", "continued_body", "digest", "shown_environment"]

Json = dict[str, Any]

_OTHER_API: Final = "leave it out, or set api='generate_content'"
_SAME: Final = frozenset({"store", "environment", "background", "labels"})
_NAMES: Final = ("models/", "publishers/google/models/")


def body_from_request(model: str, request: GenerateContentRequest) -> Json:
    """The body with the whole conversation as its input.

    Args:
        model: A bare name or a resource name.
        request: The request; beside generateContent's fields `store`, `environment` and `background`.

    Raises:
        ConfigurationError: It sets something that interactions do not know.
        ToolDeclarationError: It declares a tool that interactions do not know.
    """
    name = next((model.removeprefix(prefix) for prefix in _NAMES if model.startswith(prefix)), model)
    fields = cast("Json", request)
    config: Json = {}
    body: Json = {
        "model": name,
        "store": False,
        "input": _sendable(steps_from_contents(request.get("contents", []))),
    }
    if unknown := fields.keys() - {"contents", *_SAME, *_FIELDS}:
        raise _unknown(min(unknown))
    body |= {key: fields[key] for key in _SAME & fields.keys()}
    for key, convert in _FIELDS.items():
        if key in fields:
            convert(fields[key], body, config)
    if config:
        body["generation_config"] = config
    if body.get("background") and not body["store"]:
        raise ConfigurationError(
            "background=True needs store=True: the service keeps what it works on by itself"
        )
    return body


def _unknown(key: str, remedy: str = _OTHER_API) -> ConfigurationError:
    return ConfigurationError(f"the Interactions API has no {key!r}: {remedy}")


def _system(content: Json, body: Json, _config: Json) -> None:
    texts = [part.get("text") for part in content.get("parts", ())]
    if not all(isinstance(text, str) for text in texts):
        raise _unknown("system text with files", "put them into the first HumanMessage")
    body["system_instruction"] = "\n".join(texts)


# -- generation config -----------------------------------------------------------------------------------------


def _generation(given: Json, body: Json, config: Json) -> None:
    for key, value in given.items():
        if key in _PLAIN:
            config[_PLAIN[key]] = value
        elif key in _CONFIG:
            _CONFIG[key](value, body, config)
        elif not (key == "candidateCount" and value == 1):
            raise _unknown(key, _REMEDIES.get(key, _OTHER_API))


def _thinking(thinking: Json, _body: Json, config: Json) -> None:
    for key, value in thinking.items():
        if key == "thinkingLevel":
            config["thinking_level"] = str(value).lower()
        elif key == "includeThoughts":
            config["thinking_summaries"] = "auto" if value else "none"
        else:
            raise _unknown(key, "set thinking_level to 'minimal', 'low', 'medium' or 'high'")


def _speech(speech: Any, _body: Json, config: Json) -> None:
    if not isinstance(speech, dict) or not speech.keys() & _SPEECH:
        config["speech_config"] = speech
        return
    language = {"language": speech["languageCode"]} if speech.get("languageCode") else {}
    speakers = (speech.get("multiSpeakerVoiceConfig") or {}).get("speakerVoiceConfigs") or [speech]
    config["speech_config"] = [
        {
            **language,
            **({"speaker": each["speaker"]} if each.get("speaker") else {}),
            **_voice(each.get("voiceConfig")),
        }
        for each in speakers
    ]


def _voice(voice: Any) -> Json:
    return {"voice": voice["prebuiltVoiceConfig"]["voiceName"]} if voice else {}


def _text_format(body: Json) -> Json:
    """The format of the text of an answer."""
    formats: list[Json] = body.setdefault("response_format", [])
    text = next((each for each in formats if each["type"] == "text"), None)
    if text is None:
        text = {"type": "text", "mime_type": "application/json"}
        formats.append(text)
    return text


def _mime_type(mime_type: Any, body: Json, _config: Json) -> None:
    _text_format(body)["mime_type"] = mime_type


def _schema(schema: Any, body: Json, _config: Json) -> None:
    _text_format(body)["schema"] = _json_schema(schema)


def _image(image: Json, body: Json, _config: Json) -> None:
    if unknown := image.keys() - _IMAGE.keys():
        raise _unknown(f"imageConfig.{min(unknown)}")
    fields = {_IMAGE[key]: value for key, value in image.items()}
    body.setdefault("response_format", []).append({"type": "image", **fields})


def _modalities(modalities: Sequence[Any], body: Json, _config: Json) -> None:
    body["response_modalities"] = [str(modality).lower() for modality in modalities]


def _resolution(resolution: Any, body: Json, _config: Json) -> None:
    """What generateContent sets for a request, interactions set for each file."""
    level = str(resolution).removeprefix("MEDIA_RESOLUTION_").lower()
    for step in body["input"]:
        for content in step.get("content", ()):
            if content.get("type") in ("image", "video", "document"):
                content.setdefault("resolution", level)


def _json_schema(schema: Any) -> Any:
    """A schema with its types as JSON Schema spells them; Gemini's own form has them in capitals."""
    if isinstance(schema, list):
        return [_json_schema(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    plain = {key: _json_schema(value) for key, value in schema.items()}
    if isinstance(kind := plain.get("type"), str) and kind.isupper():
        plain["type"] = [kind.lower(), "null"] if plain.pop("nullable", False) else kind.lower()
    return plain


_PLAIN: Final[Mapping[str, str]] = {
    "temperature": "temperature",
    "topP": "top_p",
    "seed": "seed",
    "stopSequences": "stop_sequences",
    "maxOutputTokens": "max_output_tokens",
}
_CONFIG: Final[Mapping[str, Callable[[Any, Json, Json], None]]] = {
    "thinkingConfig": _thinking,
    "speechConfig": _speech,
    "imageConfig": _image,
    "responseMimeType": _mime_type,
    "responseJsonSchema": _schema,
    "responseSchema": _schema,
    "responseModalities": _modalities,
    "mediaResolution": _resolution,
}
_REMEDIES: Final[Mapping[str, str]] = {
    "topK": "set top_p or temperature instead",
    "candidateCount": "call batch([question] * n), or set api='generate_content'",
}
_IMAGE: Final[Mapping[str, str]] = {"aspectRatio": "aspect_ratio", "imageSize": "image_size"}
_SPEECH: Final = frozenset({"voiceConfig", "multiSpeakerVoiceConfig", "languageCode"})


# -- tools -----------------------------------------------------------------------------------------------------


def _tools(tools: Sequence[Json], body: Json, _config: Json) -> None:
    body["tools"] = [
        declared
        for tool in tools
        for kind, settings in tool.items()
        for declared in _declared(kind, settings)
    ]


def _declared(kind: str, settings: Any) -> list[Json]:
    match kind:
        case "functionDeclarations":
            return [_function(function) for function in settings]
        case "mcpServers":
            return [_server(server) for server in settings]
        case "googleSearch":
            fields = _snake_cased(settings)
            types = fields.get("search_types")
            if isinstance(types, dict):
                fields["search_types"] = [snake_case(name) for name in types]
            return [{"type": "google_search", **fields}]
        case "enterpriseWebSearch":
            return [{"type": "google_search", "search_types": ["enterprise_web_search"]}]
        case _ if snake_case(kind) in _TOOLS:
            return [{"type": snake_case(kind), **_snake_cased(settings)}]
    raise ToolDeclarationError(f"the Interactions API has no tool {kind!r}: {_OTHER_API}")


def _function(function: Json) -> Json:
    if unknown := function.keys() - {*_FUNCTION, *_SCHEMAS}:
        raise ToolDeclarationError(
            f"the Interactions API knows no {min(unknown)!r} of a function, which {function.get('name')!r} has: "
            "say it in the description"
        )
    fields = {_FUNCTION[key]: value for key, value in function.items() if key in _FUNCTION}
    schemas = [{"parameters": _json_schema(function[key])} for key in _SCHEMAS if key in function]
    return {"type": "function", **fields, **(schemas[0] if schemas else {})}


_FUNCTION: Final[Mapping[str, str]] = {
    "name": "name",
    "description": "description",
    "deferLoading": "defer_loading",
    "shortDescription": "short_description",
}
_SCHEMAS: Final = ("parametersJsonSchema", "parameters")


def _server(server: Json) -> Json:
    fields = _snake_cased(server)
    transport = _snake_cased(fields.pop("streamable_http_transport", None) or {})
    return {"type": "mcp_server", **fields, **transport}


def _tool_config(given: Json, body: Json, config: Json) -> None:
    for key, value in given.items():
        if key == "functionCallingConfig":
            mode = str(value.get("mode") or "auto").lower()
            names = value.get("allowedFunctionNames")
            config["tool_choice"] = {"allowed_tools": {"mode": mode, "tools": names}} if names else mode
        elif key == "retrievalConfig" and value.keys() <= {"latLng"}:
            body["place"] = value.get("latLng") or {}
        elif key != "includeServerSideToolInvocations":  # which is what interactions always do
            raise _unknown(f"toolConfig.{key}")
    place = body.pop("place", None)
    for tool in body.get("tools", ()) if place else ():
        if tool["type"] == "google_maps":
            tool.update(place)


def _safety(settings: Sequence[Json], body: Json, _config: Json) -> None:
    names = {"category": "type", "threshold": "threshold", "method": "method"}
    body["safety_settings"] = [
        {names[key]: str(value).removeprefix("HARM_CATEGORY_").lower() for key, value in setting.items()}
        for setting in settings
    ]


def _tier(tier: Any, body: Json, _config: Json) -> None:
    body["service_tier"] = str(tier).lower()


def _cached(_name: Any, _body: Json, _config: Json) -> None:
    raise _unknown(
        "cached_content", "store=True lets the service keep the conversation; or set api='generate_content'"
    )


def _snake_cased(fields: Any) -> Json:
    return {snake_case(key): value for key, value in fields.items()} if isinstance(fields, dict) else {}


_FIELDS: Final[Mapping[str, Callable[[Any, Json, Json], None]]] = {
    "systemInstruction": _system,
    "generationConfig": _generation,
    "tools": _tools,
    "toolConfig": _tool_config,
    "safetySettings": _safety,
    "serviceTier": _tier,
    "cachedContent": _cached,
}
"""What is not the same in both APIs, the tools before what is said of them."""

_TOOLS: Final = frozenset(
    "code_execution google_search google_maps url_context file_search computer_use mcp_server tool_search "
    "retrieval".split()
)
"""The built-in tools that interactions know."""


def shown_environment(environment: Any) -> Any:
    """An environment as messages show it: its id, or where its sources are and whom it may reach, no secrets."""
    if not isinstance(environment, dict):
        return environment
    shown = {key: environment[key] for key in ("type", "environment_id", "mode") if key in environment}
    if sources := environment.get("sources"):
        shown["sources"] = [{key: each[key] for key in _PLACES if key in each} for each in sources]
    if "network" in environment:
        network = environment["network"]
        allowed = network.get("allowlist") if isinstance(network, dict) else network
        domains = [entry.get("domain") for entry in allowed] if isinstance(allowed, list) else allowed
        shown["network"] = domains
    return shown


_PLACES: Final = ("type", "source", "target")


# -- state -----------------------------------------------------------------------------------------------------


def continued_body(body: Json, contents: Sequence[Mapping[str, Any]]) -> Json | None:
    """The body that continues a stored interaction with what is new; `None` where the whole history is sent.

    It continues the last answer of the conversation, if that is an interaction which holds just the turns up to
    it: the digest that came with it tells. A history that was trimmed, edited or branched off has another one.
    """
    if not body["store"]:
        return None
    new = len(list(takewhile(lambda content: content.get("role") != "model", reversed(contents))))
    before = contents[: len(contents) - new] if new else []
    last: Json = (before[-1].get("parts") or [{}])[-1] if before else {}
    interaction = (last.get(MARK) or {}).get("interaction") or {}
    if not interaction or interaction.get("digest") != digest(steps_from_contents(before)):
        return None
    known = len(_sendable(steps_from_contents(before)))
    return {**body, "previous_interaction_id": interaction["id"], "input": body["input"][known:]}


def _sendable(steps: Sequence[Json]) -> list[Json]:
    """Steps without thoughts that nobody signed, which come from elsewhere and are refused."""
    return [step for step in steps if step.get("type") != "thought" or step.get("signature")]


def digest(steps: Sequence[Json]) -> str:
    """What two conversations have in common that say the same, however their texts are cut.

    Thoughts, signatures and annotations do not count.
    """
    said: list[Any] = []
    for step in steps:
        contents = step.get("content") or ()
        if step.get("type") in ("model_output", "user_input") and isinstance(contents, list | tuple):
            for content in contents:
                _say(said, step["type"], content)
        elif step.get("type") != "thought":
            said.append({key: value for key, value in step.items() if key != "signature"})
    text = json.dumps(said, sort_keys=True, ensure_ascii=True)
    return sha256(text.encode()).hexdigest()[:32]


def _say(said: list[Any], speaker: str, content: Any) -> None:
    is_text = isinstance(content, dict) and content.get("type") == "text"
    text = content.get("text") if is_text else None
    if not isinstance(text, str):
        said.append([speaker, content])
    elif said and isinstance(said[-1], list) and said[-1][0] == speaker and isinstance(said[-1][1], str):
        said[-1][1] += text
    elif text:
        said.append([speaker, text])
