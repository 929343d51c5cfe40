"""Three that must agree: answers as the services send them, google-genai's types, the emulator.

The answers here are of the shape of recorded ones: same fields, same order of parts, contents made up. A field
that only one of the three knows is either in a table below, with its reason, or a drift.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from google.genai import types
from pydantic.alias_generators import to_camel

from langchain_codeexec.emulator.schema import ENUMS, MESSAGES

NEW = "gemini-3-flash-preview"
ASK = {
    "contents": [{"role": "user", "parts": [{"text": "What day is it?"}]}],
    "tools": [{"codeExecution": {}}],
}
CODE = {"executableCode": {"code": "print('Tuesday')\n"}}

DEVELOPER_WITH_CODE = {
    "candidates": [
        {
            "content": {
                "parts": [
                    {
                        "executableCode": {"code": "print(1)\n", "id": "ab12cd34", "language": "PYTHON"},
                        "thoughtSignature": "c2lnbmVk",
                    },
                    {"codeExecutionResult": {"id": "ab12cd34", "outcome": "OUTCOME_OK", "output": "1\n"}},
                    {"text": "It is **Tuesday**.", "thoughtSignature": "c2lnbmVk"},
                ],
                "role": "model",
            },
            "finishReason": "STOP",
            "index": 0,
        }
    ],
    "modelVersion": NEW,
    "responseId": "response-1",
    "usageMetadata": {
        "candidatesTokenCount": 17,
        "promptTokenCount": 25,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 25}],
        "thoughtsTokenCount": 7,
        "serviceTier": "standard",
        "toolUsePromptTokenCount": 17,
        "toolUsePromptTokensDetails": [{"modality": "TEXT", "tokenCount": 17}],
        "totalTokenCount": 66,
    },
}
VERTEX_WITH_CALL = {
    "candidates": [
        {
            "content": {
                "parts": [
                    {
                        "functionCall": {"args": {}, "id": "ef56gh78", "name": "get_user_city"},
                        "thoughtSignature": "c2lnbmVk",
                    }
                ],
                "role": "model",
            },
            "finishReason": "STOP",
            "avgLogprobs": -0.2,
        }
    ],
    "createTime": "2026-07-28T19:58:29.069844Z",
    "modelVersion": NEW,
    "responseId": "response-2",
    "usageMetadata": {
        "candidatesTokenCount": 12,
        "candidatesTokensDetails": [{"modality": "TEXT", "tokenCount": 12}],
        "promptTokenCount": 43,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 43}],
        "thoughtsTokenCount": 9,
        "totalTokenCount": 64,
        "trafficType": "ON_DEMAND",
    },
}

RECORDED = {
    "developer": (DEVELOPER_WITH_CODE, ASK, [CODE, "It is **Tuesday**."]),
    "vertex": (
        VERTEX_WITH_CALL,
        {**ASK, "tools": [{"functionDeclarations": [{"name": "get_user_city"}]}]},
        [{"functionCall": {"args": {}, "name": "get_user_city"}}],
    ),
}

RECORDED_STREAMS = {
    # Gemini 2.5: no ids, the finish reason comes with the last words
    "gemini-2.5-pro": (
        ["I compute: ", CODE, "So it is."],
        [
            ({"text": "I compute: "}, None),
            ({"executableCode": {"language": "PYTHON", "code": "print(1)\n"}}, None),
            ({"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1\n"}}, None),
            ({"text": "So it is."}, "STOP"),
        ],
    ),
    # Gemini 2: a call is the end
    "gemini-2.0-flash": (
        [{"functionCall": {"name": "get_capital", "args": {"country": "France"}}}],
        [({"functionCall": {"name": "get_capital", "args": {"country": "France"}}}, "STOP")],
    ),
    # Gemini 3: an empty text is the end
    "gemini-3-pro-preview": (
        [{"functionCall": {"name": "get_country", "args": {}}}],
        [
            (
                {"functionCall": {"name": "get_country", "args": {}, "id": "x"}, "thoughtSignature": "c2ln"},
                None,
            ),
            ({"text": ""}, "STOP"),
        ],
    ),
}
"""By model: a script, and the chunks of recorded streams of its kind: their one part and their finish reason."""

ONLY_IN_THE_SDK = {
    "GenerationConfig": {"modelSelectionConfig"},
    "EmbedContentBatch": {"contents", "config"},  # its own shorthand for the resource of that name
}
ONLY_IN_THE_EMULATOR = {
    "EmbedContentBatch": {"displayName", "inputConfig", "model", "name", "priority", "webhookConfig"},
    "GenerationConfig": {"imageConfig", "modelConfig"},  # clients send these elsewhere from
    "Part": {"audioMetadata", "documentMetadata", "spreadsheetMetadata"},  # of the REST reference
    "CachedContent": {
        "contents",
        "encryptionSpec",
        "systemInstruction",
        "toolConfig",
        "tools",
        "ttl",
    },  # as it is made
}


def kinds_of_values(value: Any, path: str = "") -> set[tuple[str, str]]:
    """The places in a body, list indices left out, and the kind of JSON value there."""
    if isinstance(value, list):
        return {place for item in value for place in kinds_of_values(item, path)}
    if isinstance(value, dict) and value:
        return {
            place
            for name, item in value.items()
            for place in kinds_of_values(item, f"{path}.{name}".lstrip("."))
        }
    return {(path, type(value).__name__)}


def kinds(body: dict[str, Any]) -> list[list[str]]:
    """The fields of every part, in order."""
    return [sorted(part) for part in body["candidates"][0]["content"]["parts"]]


@pytest.mark.parametrize("endpoint", ["developer", "vertex"])
def test_recorded_traffic_and_the_sdk_agree(endpoint):
    recorded, request, _ = deepcopy(RECORDED[endpoint])
    recorded["usageMetadata"].pop("serviceTier", None)  # not of the SDK so far
    types.GenerateContentResponse.model_validate(recorded)  # the type forbids unknown fields
    for content in request["contents"]:
        types.Content.model_validate(content)
    for tool in request["tools"]:
        types.Tool.model_validate(tool)


@pytest.mark.parametrize("endpoint", ["developer", "vertex"])
def test_the_emulator_and_recorded_traffic_agree(start, endpoint):
    recorded, request, script = RECORDED[endpoint]
    answer = start([script]).ask(request, model=NEW, endpoint=endpoint).json()
    assert kinds_of_values(answer) == kinds_of_values(recorded)
    assert kinds(answer) == kinds(recorded)
    for body in (recorded, answer):
        usage = body["usageMetadata"]
        sides = ("promptTokenCount", "candidatesTokenCount", "toolUsePromptTokenCount", "thoughtsTokenCount")
        assert usage["totalTokenCount"] == sum(usage.get(side, 0) for side in sides)


@pytest.mark.parametrize("model", RECORDED_STREAMS)
def test_the_emulator_and_recorded_streams_agree(start, model):
    script, recorded = RECORDED_STREAMS[model]
    chunks = start([script]).chunks({**ASK, "tools": []}, model=model)
    candidates = [chunk["candidates"][0] for chunk in chunks]
    assert [one.get("finishReason") for one in candidates] == [reason for _, reason in recorded]
    for candidate, (part, _) in zip(candidates, recorded, strict=True):
        has_index = model != "gemini-2.0-flash" and "codeExecutionResult" not in part
        assert candidate.get("index") == (0 if has_index else None)
        assert candidate["content"]["role"] == "model"
        assert kinds_of_values(candidate["content"]["parts"]) == kinds_of_values([part])


@pytest.mark.parametrize(
    "message", sorted(name for name in MESSAGES if hasattr(types, name) and "Request" not in name)
)
def test_no_field_of_a_request_has_come_or_gone(message):
    model = getattr(types, message)
    sdk = {field.alias or to_camel(name) for name, field in model.model_fields.items()}
    ours = set(MESSAGES[message])
    assert sdk - ours <= ONLY_IN_THE_SDK.get(message, set())
    assert ours - sdk <= ONLY_IN_THE_EMULATOR.get(message, set())


@pytest.mark.parametrize(
    ("enum", "sdk"),
    [
        ("ExecutableCode.Language", types.Language),
        ("CodeExecutionResult.Outcome", types.Outcome),
        ("FunctionCallingConfig.Mode", types.FunctionCallingConfigMode),
        ("Type", types.Type),
        ("HarmCategory", types.HarmCategory),
        ("SafetySetting.HarmBlockThreshold", types.HarmBlockThreshold),
        ("SafetySetting.HarmBlockMethod", types.HarmBlockMethod),
        ("GenerationConfig.Modality", types.Modality),
        ("GenerationConfig.MediaResolution", types.MediaResolution),
        ("MediaResolution.Level", types.PartMediaResolutionLevel),
        ("ThinkingConfig.ThinkingLevel", types.ThinkingLevel),
        ("FunctionDeclaration.Behavior", types.Behavior),
        ("FunctionResponse.Scheduling", types.FunctionResponseScheduling),
        ("ToolType", types.ToolType),
        ("GenerateContentRequest.ServiceTier", types.ServiceTier),
    ],
)
def test_no_value_of_an_enum_has_come(enum, sdk):
    assert {member.value.upper() for member in sdk} <= set(ENUMS[enum])
