"""Functions' schemas, settings and names of models: what is refused of them, and in which words."""

from __future__ import annotations

from typing import Any

import pytest

from langchain_codeexec.emulator.rules import checked_request
from langchain_codeexec.emulator.service_errors import EmulatedError
from langchain_codeexec.emulator.targets import Target, is_known

NEW, OLD = "gemini-3-flash-preview", "gemini-2.5-flash"
SEARCH = {"googleSearch": {}}


def says(text: str = "Hi", **more: Any) -> dict[str, Any]:
    return {"contents": [{"role": "user", "parts": [{"text": text}]}], **more}


def object_with(**properties: Any) -> dict[str, Any]:
    return {"type": "OBJECT", "properties": properties}


STRING = {"type": "STRING"}
DECLARED = "* GenerateContentRequest.tools[0].function_declarations[0].parameters"
ON_VERTEX = "Unable to submit request because `f` functionDeclaration `parameters.a` schema "


@pytest.mark.parametrize(
    ("parameters", "developer", "vertex"),
    [
        (object_with(a={"type": "ARRAY"}), f"{DECLARED}.properties[a].items: missing field.\n", ON_VERTEX + "didn't specify the items field."),
        (object_with(a={"type": "ARRAY", "items": {}}), f"{DECLARED}.properties[a].items.type: must be specified when not using one_of, any_of or all_of fields\n", "`parameters.a.items` schema didn't specify the schema type field."),
        (object_with(a={"type": "ARRAY", "items": STRING}), None, None),
        (object_with(a={**STRING, "items": STRING}), f"{DECLARED}.properties[a].items: field predicate failed: $type == Type.ARRAY\n", None),
        (object_with(a={"type": "INTEGER", "enum": ["1"]}), f"{DECLARED}.properties[a].enum: only allowed for STRING type\n", None),
        ({**object_with(a=STRING), "required": ["a", "b"]}, f"{DECLARED}.required[1]: property is not defined\n", "required fields ['b'] are not defined in the schema properties."),
        (object_with(a={"title": "A"}), f"{DECLARED}.properties[a].type: must be specified when not using one_of, any_of or all_of fields\n", ON_VERTEX + "didn't specify the schema type field."),
        (object_with(a={"anyOf": [STRING, {"type": "INTEGER"}]}), None, None),
        (object_with(a={"anyOf": [STRING], "description": "A"}), None, None),
        (object_with(a={"anyOf": [{"type": "ARRAY"}]}), f"{DECLARED}.properties[a].any_of[0].items: missing field.\n", "`parameters.a.any_of[0]` schema didn't specify the items field."),
        ({**STRING}, None, "`f` functionDeclaration parameters schema should be of type OBJECT."),
        (object_with(), None, None),
        (
            {**object_with(a={"type": "ARRAY"}, b={}), "required": ["c"]},
            f"{DECLARED}.required[0]: property is not defined\n{DECLARED}.properties[a].items: missing field.\n{DECLARED}.properties[b].type: must be specified when not using one_of, any_of or all_of fields\n",
            "required fields ['c']",
        ),
    ],
)  # fmt: skip
def test_schemas_of_functions(parameters, developer, vertex):
    body = says(tools=[{"functionDeclarations": [{"name": "f", "parameters": parameters}]}])
    assert refusal(body, "developer") == developer
    assert (vertex or "nothing") in (refusal(body, "vertex") or "nothing")
    as_json_schema = {"name": "f", "parametersJsonSchema": parameters}
    assert refusal(says(tools=[{"functionDeclarations": [as_json_schema]}]), "developer") is None


def refusal(body: dict[str, Any], endpoint: Any, name: str = NEW) -> str | None:
    try:
        checked_request(body, Target(endpoint, "v1beta", name, "generateContent"))
    except EmulatedError as error:
        return error.message
    return None


def test_schemas_of_answers():
    config = {"responseMimeType": "application/json", "responseSchema": object_with(a={"type": "ARRAY"})}
    place = "* GenerateContentRequest.generation_config.response_schema.properties[a].items: missing field.\n"
    assert refusal(says(generationConfig=config), "developer") == place


BESIDE = "Function calling config is set without function_declarations."
LEVEL, BUDGET = {"thinkingLevel": "LOW"}, {"thinkingBudget": 5}


@pytest.mark.parametrize(
    ("name", "endpoint", "more", "text"),
    [
        (
            NEW,
            "developer",
            {"tools": [SEARCH], "toolConfig": {"functionCallingConfig": {"mode": "AUTO"}}},
            None,
        ),
        (
            "gemini-3-pro-image-preview",
            "developer",
            {
                "tools": [SEARCH],
                "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": []}},
            },
            None,
        ),
        (NEW, "developer", {"toolConfig": {"functionCallingConfig": {"mode": "AUTO"}}}, BESIDE),
        (
            OLD,
            "developer",
            {"tools": [SEARCH], "toolConfig": {"functionCallingConfig": {"mode": "AUTO"}}},
            BESIDE,
        ),
        (
            NEW,
            "developer",
            {"generationConfig": {"candidateCount": 2}},
            "Multiple candidates is not enabled for this model",
        ),
        (OLD, "developer", {"generationConfig": {"candidateCount": 2}}, None),
        (NEW, "vertex", {"generationConfig": {"candidateCount": 2}}, None),
        (NEW, "developer", {"generationConfig": {"thinkingConfig": LEVEL}}, None),
        (
            OLD,
            "developer",
            {"generationConfig": {"thinkingConfig": LEVEL}},
            "Thinking level is not supported for this model.",
        ),
        (
            OLD,
            "vertex",
            {"generationConfig": {"thinkingConfig": LEVEL}},
            "thinking_level LOW is not supported by this model.",
        ),
        (
            NEW,
            "developer",
            {"generationConfig": {"thinkingConfig": {**LEVEL, **BUDGET}}},
            "You can only set only one of thinking budget and thinking level.",
        ),
    ],
)
def test_settings_and_models(name, endpoint, more, text):
    assert (text or "nothing") in (refusal(says(**more), endpoint, name) or "nothing")


def test_an_empty_text_on_the_developer_api_is_refused_for_early_models_alone():
    empty = says("")
    assert [refusal(empty, "developer", name) is None for name in ("gemini-2.0-flash", OLD, NEW)] == [
        False,
        True,
        True,
    ]


@pytest.mark.parametrize(
    "name",
    "gemini-1.5-flash-8b-exp-0827 gemini-1.5-pro-002 gemini-2.0-flash-exp gemini-2.0-flash-thinking-exp-01-21 "
    "gemini-2.5-pro-preview-03-25 gemini-2.5-flash-preview-tts gemini-2.5-computer-use-preview-10-2025 "
    "gemini-2.5-flash-native-audio-preview-12-2025 gemini-live-2.5-flash-preview gemini-robotics-er-1.5-preview "
    "gemini-3-pro-image-preview gemini-3.1-pro-preview-customtools gemini-3.8-flash gemini-4-argon "
    "gemini-flash-lite-latest gemini-pro gemini-exp-1206 gemma-3n-e4b-it gemma-3-27b-it "
    "learnlm-2.0-flash-experimental".split(),
)  # fmt: skip
def test_names_of_families_and_previews_are_known(name):
    assert is_known(name, action="generateContent")


@pytest.mark.parametrize(
    "name",
    "gemini-3.6-flahs gemini-2.5-flsh gemini-25-flash gemini-2.7-pro gemini-3 gemini gpt-5 gemini-3-flash-preveiw "
    "gemini-embedding-001 text-embedding-004 nonexistent-model".split(),
)  # fmt: skip
def test_other_names_are_not(answering, name):
    response = answering.ask(says(), model=name)
    assert response.status_code == 404
    assert response.json()["error"]["message"] == (
        f"models/{name} is not found for API version v1beta, or is not supported for generateContent. "
        "Call ModelService.ListModels to see the list of available models and their supported methods."
    )
