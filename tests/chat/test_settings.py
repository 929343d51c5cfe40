"""Settings: where each lands on the wire, what a call may change, what the environment says."""

from contextlib import nullcontext, suppress
from functools import reduce
from operator import add
from typing import Any

import pytest
from google.cloud.aiplatform_v1beta1.types import HarmCategory, SafetySetting
from google.cloud.aiplatform_v1beta1.types.content import Modality
from google.genai import types
from langchain_core.messages import HumanMessage
from pydantic import BaseModel, ValidationError

from langchain_codeexec import ChatGeminiCodeExecution
from langchain_codeexec.errors import (
    ConfigurationError,
    NotFoundError,
    ToolDeclarationError,
)
from langchain_codeexec.settings import (
    CALL_SETTINGS,
    CONNECTION_SETTINGS,
    INTERACTIONS_SETTINGS,
    GeminiSettings,
)


class Point(BaseModel):
    x: int


SCHEMA = {"type": "object", "properties": {"a": {"type": ["integer", "null"]}}}
POINT_MODE = {
    "responseJsonSchema": {
        "title": "Point", "type": "object", "properties": {"x": {"title": "X", "type": "integer"}}, "required": ["x"],
    },
    "responseMimeType": "application/json",
}  # fmt: skip
JSON_MODE = {"responseJsonSchema": SCHEMA, "responseMimeType": "application/json"}
LOW, OFF = "BLOCK_LOW_AND_ABOVE", "OFF"
HARASSMENT = "HARM_CATEGORY_HARASSMENT"

GENERATION = [
    ("temperature", 0, {"temperature": 0}),
    ("top_p", 0.5, {"topP": 0.5}),
    ("top_k", 3, {"topK": 3}),
    ("max_output_tokens", 10, {"maxOutputTokens": 10}),
    ("n", 2, {"candidateCount": 2}),
    ("stop", ["END"], {"stopSequences": ["END"]}),
    ("stop", [], {}),
    ("seed", 0, {"seed": 0}),
    ("frequency_penalty", 0.1, {"frequencyPenalty": 0.1}),
    ("presence_penalty", -0.1, {"presencePenalty": -0.1}),
    ("logprobs", True, {"responseLogprobs": True}),
    ("logprobs", 5, {"responseLogprobs": True, "logprobs": 5}),
    ("logprobs", False, {}),
    ("thinking_budget", -1, {"thinkingConfig": {"thinkingBudget": -1}}),
    ("thinking_budget", 0, {"thinkingConfig": {"thinkingBudget": 0}}),
    ("thinking_level", "low", {"thinkingConfig": {"thinkingLevel": "low"}}),
    ("include_thoughts", True, {"thinkingConfig": {"includeThoughts": True}}),
    ("response_mime_type", "text/x.enum", {"responseMimeType": "text/x.enum"}),
    ("response_schema", SCHEMA, JSON_MODE),
    ("response_modalities", ["TEXT"], {"responseModalities": ["TEXT"]}),
    ("response_modalities", [types.Modality.TEXT], {"responseModalities": ["TEXT"]}),
    ("response_modalities", [Modality.TEXT], {"responseModalities": ["TEXT"]}),
    ("media_resolution", "MEDIA_RESOLUTION_LOW", {"mediaResolution": "MEDIA_RESOLUTION_LOW"}),
    (
        "media_resolution",
        types.MediaResolution.MEDIA_RESOLUTION_LOW,
        {"mediaResolution": "MEDIA_RESOLUTION_LOW"},
    ),
    ("audio_timestamp", True, {"audioTimestamp": True}),
    ("speech_config", {"languageCode": "de-DE"}, {"speechConfig": {"languageCode": "de-DE"}}),
    ("image_config", {"aspectRatio": "1:1"}, {"imageConfig": {"aspectRatio": "1:1"}}),
    ("generation_config", {"top_k": 7, "routingConfig": {"x": 1}}, {"topK": 7, "routingConfig": {"x": 1}}),
]
BODY = [
    ("labels", {"team": "a"}, {"labels": {"team": "a"}}),
    ("service_tier", "flex", {"serviceTier": "flex"}),
    ("model_armor_config", {"promptTemplateName": "p"}, {"modelArmorConfig": {"promptTemplateName": "p"}}),
    ("cached_content", "cachedContents/x", {"cachedContent": "cachedContents/x", "tools": None}),
    ("safety_settings", {HARASSMENT: OFF}, {"safetySettings": [{"category": HARASSMENT, "threshold": OFF}]}),
    ("code_execution", False, {"tools": None}),
]
LOCAL = {
    "combination", "planner", "repair_calls", "answer_retries", "output_sink", "replay_images", "redact", "model",
    "timeout", "deadline", "limits",
}  # fmt: skip
"""Settings of a call that say what the client does, not what the body holds; tested elsewhere."""


def test_every_setting_of_a_call_has_a_case() -> None:
    assert {name for name, _, _ in GENERATION + BODY} == set(CALL_SETTINGS) - LOCAL - {*INTERACTIONS_SETTINGS}


def test_every_field_is_a_setting_of_the_call_the_connection_or_the_client() -> None:
    assert set(GeminiSettings.model_fields) == {
        *CALL_SETTINGS,
        *CONNECTION_SETTINGS,
        "transport",
        "streaming",
    }


def test_what_is_not_set_is_left_to_the_service(gemini: Any, endpoint: str) -> None:
    gemini.says("Fine.")

    gemini.on(endpoint).invoke("q")

    assert gemini.body == {
        "contents": [{"role": "user", "parts": [{"text": "q"}]}],
        "tools": [{"codeExecution": {}}],
    }


@pytest.mark.parametrize(
    ("alias", "name", "value"),
    [
        ("model_name", "model", "gemini-2.5-pro"),
        ("max_tokens", "max_output_tokens", 5),
        ("candidate_count", "n", 2),
        ("stop_sequences", "stop", ["x"]),
        ("reasoning_effort", "thinking_level", "high"),
        ("request_timeout", "timeout", 5.0),
        ("retries", "max_retries", 3),
        ("google_api_key", "api_key", "k"),
    ],
)
def test_other_names_of_settings(alias: str, name: str, value: Any) -> None:
    required = {"model": "m", "api_key": "k"}
    required.pop(name, None)

    setting = getattr(ChatGeminiCodeExecution(**required, **{alias: value}), name)

    assert (setting.get_secret_value() if name == "api_key" else setting) == value


LOW_LEVEL = {"thinkingConfig": {"thinkingLevel": "low"}}
BY_OTHER_NAMES: list[tuple[dict[str, Any], dict[str, Any]]] = [
    (
        {"max_tokens": 5, "reasoning_effort": "low", "stop_sequences": ["x"], "request_timeout": 9},
        {"maxOutputTokens": 5, **LOW_LEVEL, "stopSequences": ["x"]},
    ),
    ({"response_json_schema": SCHEMA}, JSON_MODE),
    (
        {"thinking_config": {"thinkingLevel": "LOW", "include_thoughts": True}},
        {"thinkingConfig": {"thinkingLevel": "LOW", "includeThoughts": True}},
    ),
    (
        {"thinking_config": types.ThinkingConfig(thinking_budget=5), "thinking_budget": 7},
        {"thinkingConfig": {"thinkingBudget": 7}},
    ),
    ({"logprobs": 3, "response_logprobs": True}, {"responseLogprobs": True, "logprobs": 3}),
    ({"response_logprobs": True}, {"responseLogprobs": True}),
    (
        {"routing_config": {"a": 1}, "model_selection_config": {"b": 2}, "generation_config": {"top_k": 3}},
        {"routingConfig": {"a": 1}, "modelConfig": {"b": 2}, "topK": 3},
    ),
    (
        {"response_json_schema": SCHEMA, "response_format": {"type": "object", "properties": {}, "x": 1}},
        JSON_MODE,
    ),
    (
        {"response_schema": SCHEMA, "response_mime_type": "text/x.enum"},
        {"responseJsonSchema": SCHEMA, "responseMimeType": "text/x.enum"},
    ),
    ({"thinking_level": "low", "reasoning_effort": "high"}, LOW_LEVEL),
    ({"reasoning_effort": "high", "thinking_level": "low"}, LOW_LEVEL),
    ({"default_metadata_input": []}, {}),
    ({"n": 2, "candidate_count": 5}, {"candidateCount": 5}),
    (
        {"max_output_tokens": 1, "max_tokens": 9, "stop": ["a"], "stop_sequences": ["b"]},
        {"maxOutputTokens": 9, "stopSequences": ["b"]},
    ),
    (
        {
            "speech_config": types.SpeechConfig(language_code="de-DE"),
            "image_config": types.ImageConfig(aspect_ratio="1:1"),
            "generation_config": types.GenerationConfig(temperature=0.5),
        },
        {
            "speechConfig": {"languageCode": "de-DE"},
            "imageConfig": {"aspectRatio": "1:1"},
            "temperature": 0.5,
        },
    ),
    ({"response_schema": Point, "stop_sequences": "END"}, {**POINT_MODE, "stopSequences": ["END"]}),
    ({"model_kwargs": {"top_k": 1}, "temperature": None}, {"topK": 1}),
]
LANDING = [
    *[({name: value}, {"generationConfig": config or None}) for name, value, config in GENERATION],
    *[({name: value}, fields) for name, value, fields in BODY],
    *[(settings, {"generationConfig": config or None}) for settings, config in BY_OTHER_NAMES],
    (
        {"model_armor_config": types.ModelArmorConfig(prompt_template_name="p")},
        {"modelArmorConfig": {"promptTemplateName": "p"}},
    ),
    ({"model_kwargs": {"service_tier": "flex"}}, {"serviceTier": "flex"}),
]
IN_CALL = pytest.mark.parametrize("in_call", [False, True], ids=["of the model", "of the call"])


@IN_CALL
@pytest.mark.parametrize(("settings", "fields"), LANDING)
def test_settings_land_on_the_wire(
    gemini: Any, settings: dict[str, Any], fields: dict[str, Any], in_call: bool
) -> None:
    gemini.says("Fine.")

    with suppress(NotFoundError):  # the emulator has no cached content that was not made there
        gemini.vertex(**({} if in_call else settings)).invoke("q", **(settings if in_call else {}))

    assert {field: gemini.body.get(field) for field in fields} == fields


TTS = "gemini-2.5-flash-preview-tts"


@IN_CALL
@pytest.mark.parametrize(
    ("model", "settings", "config", "warned"),
    [
        ("gemini-3-flash-preview", {"thinking_config": {"thinkingLevel": "low"}, "thinking_budget": 5}, LOW_LEVEL, "'thinking_level' takes precedence"),
        ("models/gemini-3.6-flash", {"temperature": 0.2, "top_k": 3, "seed": 1, "generation_config": {"top_p": 0.5}}, {"seed": 1}, "temperature, topP, topK will be ignored"),
        ("gemini-3.6-flash", {"seed": 1}, {"seed": 1}, ""),
        ("gemini-3.5-flash", {"temperature": 0.2}, {"temperature": 0.2}, ""),
        (TTS, {"code_execution": False}, {"responseModalities": ["AUDIO"]}, ""),
        (TTS, {"code_execution": False, "response_modalities": ["TEXT"]}, {"responseModalities": ["TEXT"]}, ""),
    ],
)  # fmt: skip
def test_what_a_model_ignores_or_must_have(  # noqa: PLR0913, PLR0917 -- one column each
    wire: Any, model: str, settings: dict[str, Any], config: dict[str, Any], warned: str, in_call: bool
) -> None:
    wire.says({"candidates": [{"content": {"parts": [{"text": "Fine."}]}, "finishReason": "STOP"}]})

    with pytest.warns(UserWarning, match=warned) if warned else nullcontext():
        wire.chat(model=model, **({} if in_call else settings)).invoke("q", **(settings if in_call else {}))

    assert wire.bodies[-1]["generationConfig"] == config


RANGE = "(?s:.)*(must be in the range|should be)"


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"temperature": 2.1}, f"temperature{RANGE}"), ({"temperature": -0.1}, f"temperature{RANGE}"),
        ({"top_p": 1.5}, f"top_p{RANGE}"), ({"top_k": 0}, f"top_k{RANGE}"),
        ({"frequency_penalty": 2.1}, f"frequency_penalty{RANGE}"), ({"presence_penalty": -2.5}, f"presence_penalty{RANGE}"),
        ({"tempratur": 0}, "tempratur"), ({"max_retries": -1}, "max_retries"), ({"n": "two"}, "n"), ({"model": None}, "model"),
    ],
)  # fmt: skip
def test_a_wrong_setting_is_refused_at_once(settings: dict[str, Any], named: str) -> None:
    with pytest.raises(ValidationError, match=named):
        ChatGeminiCodeExecution(**{"model": "m", "api_key": "k", **settings})


@pytest.mark.parametrize(
    ("settings", "remedy"),
    [
        ({"system_instruction": "Be brief."}, "SystemMessage"),
        ({"automatic_function_calling": {"disable": True}}, "tool_calls"),
        ({"client": object()}, "GenAITransport"),
        ({"convert_system_message_to_human": True}, "system text"),
        ({"http_options": {"extra_body": {"a": 1}}}, "transport="),
        ({"client_options": {"quota_project_id": "x"}}, "quota_project_id"),
        ({"thinking_config": 5}, "thinking_config is a dict"),
    ],
)
def test_what_is_no_setting_says_where_it_belongs(gemini: Any, settings: dict[str, Any], remedy: str) -> None:
    for refused in (lambda: gemini.chat(**settings), lambda: gemini.chat().invoke("q", **settings)):
        with pytest.raises(ConfigurationError, match=remedy):
            refused()


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        *[({"safety_settings": given}, "safety_settings") for given in ("OFF", 5, [5], [{"threshold": LOW}], {5: 6})],
        ({"response_schema": SCHEMA, "response_mime_type": "text/plain"}, "leave response_mime_type away"),
    ],
)  # fmt: skip
def test_what_no_request_can_hold_is_refused(gemini: Any, settings: dict[str, Any], named: str) -> None:
    for refused in (
        lambda: gemini.chat(**settings).invoke("q"),
        lambda: gemini.chat().invoke("q", **settings),
    ):
        with pytest.raises(ConfigurationError, match=named):
            refused()


def test_functions_and_a_tool_config_of_a_call(gemini: Any) -> None:
    gemini.says("Fine.")
    function = {"name": "f", "description": "F.", "parameters": {"type": "object", "properties": {"a": {}}}}
    where = {"retrieval_config": {"latLng": {"latitude": 1}}}
    llm = gemini.chat()

    llm.invoke("q", functions=[function], tool_choice="any", tool_config=where)
    llm.invoke("q", tool_choice=where)
    llm.bind_tools([{"google_maps": {}}], tool_config=types.ToolConfig(retrieval_config={"language_code": "de"})).invoke("q")  # fmt: skip
    with pytest.raises(ToolDeclarationError, match="one of them"):
        llm.invoke("q", functions=[function], tool_choice="any", tool_config={"function_calling_config": {"mode": "AUTO"}})  # fmt: skip

    first, second, third = gemini.bodies
    assert first["toolConfig"]["functionCallingConfig"] == {"mode": "ANY"}
    assert (
        first["toolConfig"]["retrievalConfig"]
        == second["toolConfig"]["retrievalConfig"]
        == where["retrieval_config"]
    )
    assert third["toolConfig"]["retrievalConfig"] == {"languageCode": "de"}


def test_settings_are_read_by_their_other_names() -> None:
    llm = ChatGeminiCodeExecution(
        model="m",
        google_api_key="k",
        max_tokens=5,
        thinking_config=types.ThinkingConfig(include_thoughts=True, thinking_level="LOW"),
        additional_headers={"x-team": "a"},
        model_kwargs={"top_k": 3},
    )
    bare = ChatGeminiCodeExecution(model="m", api_key="k")

    assert (llm.reasoning_effort, llm.max_tokens, llm.model_name, llm.top_k) == ("LOW", 5, "m", 3)
    assert llm.thinking_config == {"thinking_level": "LOW", "include_thoughts": True}
    assert llm.default_metadata == (("x-team", "a"),)
    assert llm.model_kwargs == {}
    assert (bare.thinking_config, bare.default_metadata, bare.temperature) == (None, (), None)
    with pytest.raises(AttributeError, match="tempratur"):
        _ = llm.tempratur


def test_generation_config_wins_and_goes_on(gemini: Any) -> None:
    gemini.says("Fine.")

    gemini.chat(
        temperature=1, thinking_budget=5, generation_config={"temperature": 0, "thinking_config": {"x": 1}}
    ).invoke("q", generation_config={"temperature": 0, "thinkingConfig": {"includeThoughts": True}})

    assert gemini.body["generationConfig"] == {
        "temperature": 0,
        "thinkingConfig": {"thinkingBudget": 5, "includeThoughts": True},
    }


@pytest.mark.parametrize(("stop", "sent"), [(None, ["a"]), (["b"], ["b"])])
def test_none_in_a_call_leaves_the_setting_as_it_is(gemini: Any, stop: Any, sent: list[str]) -> None:
    gemini.says("Fine.")

    gemini.chat(temperature=0.5, stop=["a"]).invoke("q", temperature=None, stop=stop)

    assert gemini.body["generationConfig"] == {"temperature": 0.5, "stopSequences": sent}


@pytest.mark.parametrize("call", ["invoke", "stream"])
def test_an_unknown_override_is_refused(gemini: Any, call: str) -> None:
    with pytest.raises(ConfigurationError, match=r"'tempratur'.*generation_config=\{\.\.\.\}"):
        list(getattr(gemini.chat(), call)("q", tempratur=0))
    assert not gemini.requests


def test_what_langchain_passes_for_other_providers_is_let_through(gemini: Any) -> None:
    gemini.says("Fine.")

    gemini.chat().invoke("q", stream=False, strict=True, parallel_tool_calls=False)

    assert gemini.body.keys() == {"contents", "tools"}


# -- safety settings -----------------------------------------------------------------------------------


SETTING = {"category": HARASSMENT, "threshold": LOW}


@pytest.mark.parametrize(
    "given",
    [
        {HARASSMENT: LOW},
        {types.HarmCategory.HARM_CATEGORY_HARASSMENT: types.HarmBlockThreshold.BLOCK_LOW_AND_ABOVE},
        {HarmCategory.HARM_CATEGORY_HARASSMENT: SafetySetting.HarmBlockThreshold.BLOCK_LOW_AND_ABOVE},
        [SETTING],
        (SETTING,),
        [types.SafetySetting(**SETTING)],
        [SafetySetting(**SETTING)],
        [{"category": types.HarmCategory.HARM_CATEGORY_HARASSMENT, "threshold": LOW}],
    ],
)
def test_safety_settings_in_every_form(gemini: Any, given: Any) -> None:
    gemini.says("Fine.")

    gemini.chat(safety_settings=given).invoke("q")

    assert gemini.body["safetySettings"] == [SETTING]


@pytest.mark.filterwarnings("ignore:.*including_default_value_fields:DeprecationWarning")
def test_safety_settings_of_the_vertex_libraries(gemini: Any) -> None:
    generative_models = pytest.importorskip("vertexai.generative_models")
    setting = generative_models.SafetySetting(
        category=generative_models.HarmCategory.HARM_CATEGORY_HARASSMENT,
        threshold=generative_models.HarmBlockThreshold.BLOCK_LOW_AND_ABOVE,
    )
    gemini.says("Fine.")

    gemini.vertex(safety_settings=[setting]).invoke("q")

    assert gemini.body["safetySettings"] == [SETTING]


# -- several candidates ----------------------------------------------------------------------------------


def test_several_candidates_are_several_generations(wire: Any) -> None:
    candidates = [{"content": {"parts": [{"text": text}]}} for text in ("one", "two")]
    wire.says({"candidates": candidates, "usageMetadata": {"promptTokenCount": 1, "candidatesTokenCount": 2}})

    result = wire.chat(n=2).generate([[HumanMessage("q")]])

    [generations] = result.generations
    assert [generation.text for generation in generations] == ["one", "two"]


def test_several_candidates_are_streamed_in_blocks_of_their_own(wire: Any) -> None:
    def chunk(*texts: tuple[int, str], **more: Any) -> dict[str, Any]:
        return {
            "candidates": [{"content": {"parts": [{"text": text}]}, "index": i, **more} for i, text in texts]
        }

    wire.says(
        chunk((0, "one "), (1, "two ")),
        chunk((1, "more")),
        chunk((0, "more")),
        chunk((0, ""), finishReason="STOP"),
    )

    chunks = list(wire.chat(n=2).stream("q"))

    total = reduce(add, chunks)
    assert [chunk.text for chunk in chunks[:3]] == ["one two ", "more", "more"]
    assert [block["text"] for block in total.content] == ["one more", "two more"]
    assert total.response_metadata["finish_reason"] == "STOP"
    assert [other["candidate"] for other in total.response_metadata["other_candidates"]] == [1]
