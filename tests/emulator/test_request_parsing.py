"""How a request is read: the schema, lenient JSON, both spellings, and enums as numbers."""

from __future__ import annotations

import base64
import subprocess
from typing import Any

import pytest

from langchain_codeexec.emulator.parsing import parse_json, parse_message
from langchain_codeexec.emulator.rules import checked_request
from langchain_codeexec.emulator.schema import snake_case
from langchain_codeexec.emulator.service_errors import EmulatedError
from langchain_codeexec.emulator.targets import Target
from tests.emulator.bodies import CALL, CODE, FLAG, RAN, USER, model, part, says, user

NEW, OLD = "gemini-3-flash-preview", "gemini-2.5-flash"
BOTH = ("developer", "vertex")


def violation(text: str, at: str) -> str:
    return f"Invalid JSON payload received. Unknown name {text} at '{at}': "


@pytest.mark.parametrize(
    ("body", "field", "message"),
    [
        ({**says(USER), "frobnicate": 1}, None, 'Invalid JSON payload received. Unknown name "frobnicate": Cannot find field.'),
        (part({"x": 1}), "contents[0].parts[1]", violation('"x"', "contents[0].parts[1]") + "Cannot find field."),
        (
            part({"functionCall": {"name": "f", "arguments": {}}}),
            "contents[0].parts[1].function_call",
            violation('"arguments"', "contents[0].parts[1].function_call") + "Cannot find field.",
        ),
        (
            says({"role": "user", "parts": {"text": "a", "role": "user"}}),
            "contents[0].parts",
            violation('"role"', "contents[0].parts") + "Cannot find field.",
        ),
        (
            says(USER, tools=[{"functionDeclarations": [{"name": "f", "parameters": {"properties": {"a": {"title": "A", "$ref": 1}}}}]}]),
            "tools[0].function_declarations[0].parameters.properties[0].value",
            violation('"$ref"', "tools[0].function_declarations[0].parameters.properties[0].value") + "Cannot find field.",
        ),
        (
            says(USER, generationConfig={"responseSchema": {"type": ["STRING", "NULL"]}}),
            "generation_config.response_schema",
            violation('"type"', "generation_config.response_schema") + "Proto field is not repeating, cannot start list.",
        ),
        (part({"text": 5}), "contents[0].parts[1].text", "Invalid value at 'contents[0].parts[1].text' (TYPE_STRING), 5"),
        (says(USER, tools=[{"codeExecution": True}]), "tools[0].code_execution", "Invalid value at 'tools[0].code_execution' (type.googleapis.com/google.ai.generativelanguage.v1beta.CodeExecution), true"),
        (says("Hi"), "contents[0]", "Invalid value at 'contents[0]' (type.googleapis.com/google.ai.generativelanguage.v1beta.Content), \"Hi\""),
        (says(USER, labels="x"), "labels", "Invalid value at 'labels' (Map), \"x\""),
        (part({"functionCall": {"name": "f", "args": "a=1"}}), "contents[0].parts[1].function_call.args", "Invalid value at 'contents[0].parts[1].function_call.args' (TYPE_STRUCT), \"a=1\""),
        (part({"executableCode": {"language": "RUBY", "code": "p 1"}}), "contents[0].parts[1].executable_code.language", "Invalid value at 'contents[0].parts[1].executable_code.language' (type.googleapis.com/google.ai.generativelanguage.v1beta.ExecutableCode.Language), \"RUBY\""),
        (part({"codeExecutionResult": {"outcome": "FINE"}}), "contents[0].parts[1].code_execution_result.outcome", "Invalid value at 'contents[0].parts[1].code_execution_result.outcome' (type.googleapis.com/google.ai.generativelanguage.v1beta.CodeExecutionResult.Outcome), \"FINE\""),
        (says(USER, toolConfig={"functionCallingConfig": {"mode": "SOME"}}), "tool_config.function_calling_config.mode", "Invalid value at 'tool_config.function_calling_config.mode' (type.googleapis.com/google.ai.generativelanguage.v1beta.FunctionCallingConfig.Mode), \"SOME\""),
        (says(USER, safetySettings=[{"category": "RUDE"}]), "safety_settings[0].category", "Invalid value at 'safety_settings[0].category' (type.googleapis.com/google.ai.generativelanguage.v1beta.HarmCategory), \"RUDE\""),
        (says(USER, generationConfig={"thinkingConfig": {"thinkingLevel": "MUCH"}}), "generation_config.thinking_config.thinking_level", "Invalid value at 'generation_config.thinking_config.thinking_level' (type.googleapis.com/google.ai.generativelanguage.v1beta.ThinkingConfig.ThinkingLevel), \"MUCH\""),
        (says(USER, generationConfig={"responseModalities": ["TEXT", "SMELL"]}), "generation_config.response_modalities[1]", "Invalid value at 'generation_config.response_modalities[1]' (type.googleapis.com/google.ai.generativelanguage.v1beta.GenerationConfig.Modality), \"SMELL\""),
        (says(USER, generationConfig={"temperature": "hot"}), "generation_config.temperature", "Invalid value at 'generation_config.temperature' (TYPE_DOUBLE), \"hot\""),
        (says(USER, generationConfig={"temperature": True}), "generation_config.temperature", "Invalid value at 'generation_config.temperature' (TYPE_DOUBLE), true"),
        (says(USER, generationConfig={"maxOutputTokens": 1.5}), "generation_config.max_output_tokens", "Invalid value at 'generation_config.max_output_tokens' (TYPE_INT32), 1.5"),
        (says(USER, generationConfig={"responseLogprobs": "yes"}), "generation_config.response_logprobs", "Invalid value at 'generation_config.response_logprobs' (TYPE_BOOL), \"yes\""),
        (part({"inlineData": {"mimeType": "text/csv", "data": "a,b"}}), "contents[0].parts[1].inline_data.data", "Invalid value at 'contents[0].parts[1].inline_data.data' (TYPE_BYTES), Base64 decoding failed for \"a,b\""),
        (part({"text": "a", **CALL}), "contents[0].parts[1]", "Invalid value at 'contents[0].parts[1]' (oneof), oneof field 'data' is already set. Cannot set 'functionCall'"),
    ],
)  # fmt: skip
def test_violations_of_the_schema(answering, body, field, message):
    response = answering.ask(body)
    error = response.json()["error"]
    assert response.status_code == 400
    assert (error["message"], error["status"]) == (message, "INVALID_ARGUMENT")
    expected = {"description": message} if field is None else {"field": field, "description": message}
    assert error["details"] == [
        {"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": [expected]}
    ]


def test_types_are_named_as_the_service_names_them(answering):
    wrong = part({"executableCode": {"language": "RUBY"}})
    message = answering.ask(wrong, endpoint="vertex").json()["error"]["message"]
    assert "(type.googleapis.com/google.cloud.aiplatform.v1beta1.ExecutableCode.Language)" in message


def test_every_violation_is_named_at_once(answering):
    error = answering.ask({**says(USER), "a": 1, "tools": [{"b": 2}]}).json()["error"]
    assert len(error["message"].splitlines()) == len(error["details"][0]["fieldViolations"]) == 2


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("[]", "Root element must be a message."),
        ('"Hi"', "Root element must be a message."),
        ("{", "Unexpected token."),
        (b"\xff\xfe", "Unexpected token."),
        ("[" * 100_000, "Unexpected token."),
        (
            '{"generationConfig":{"responseSchema":' + '{"items":' * 400 + "{}" + "}" * 402,
            "Message too deep.",
        ),
    ],
)
def test_what_is_no_message(answering, raw, text):
    response = answering.ask(raw)
    assert response.status_code == 400
    assert text in response.json()["error"]["message"]


def test_a_lone_surrogate_comes_back_as_json(answering):
    response = answering.ask(
        '{"contents": [{"role": "\\ud800", "parts": [{"x": 1, "text": 2}]}], "\\udfff": 1}'
    )
    assert response.status_code == 400
    assert "\\udfff" in response.text


LENIENT = """{
  "tools": [{'codeExecution': {}}],
  contents : {
    'role': "user", /**/
    "parts": { "text": "It's {'fine', } so: \\"a\\"", },
  },
}""".replace(" /**/", "")


FROM_BASH = r"""$'{
    "tools": [{'code_execution': {}}],
    "contents": [
      {"role": "user", "parts": {"text": "Please say \"Hi\"."}},
      {"role": "model", "parts": [
        {"text": ""},
        {"executable_code": {"language": "PYTHON", "code": "\nprint(\"Hi\")\n"}},
        {"code_execution_result": {"outcome": "OUTCOME_OK", "output": "Hi\n"}},
        {"text": "It says \"Hi\"."}
      ],},
      {"role": "user", "parts": {"text": "Once more."}}
    ]
  }'"""
"""As documentation has it behind curl's -d: what is quoted once more in there loses its quotes."""


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("{a: {b_1: [1, true, null,], $c: 'x'}}", {"a": {"b_1": [1, True, None], "$c": "x"}}),
        (r"""{'a': 'It\'s "so"\n', "b": "x: {y: 1,}"}""", {"a": 'It\'s "so"\n', "b": "x: {y: 1,}"}),
        ('{"a": "two\nlines"}', {"a": "two\nlines"}),
        ("\ufeff{}", {}),
        (" ", {}),
    ],
)
def test_json_is_read_as_protobuf_reads_it(raw, value):
    assert parse_json(raw.encode()) == value


@pytest.mark.parametrize("raw", ["{a b: 1}", "{'a: 1}", "{a: b}", "[1 2]"])
def test_what_protobuf_does_not_read_either(raw):
    with pytest.raises(EmulatedError, match=r"Invalid JSON payload received\. Unexpected token\."):
        parse_json(raw.encode())


def test_the_documented_commands_pass_as_a_shell_sends_them(answering):
    sent = subprocess.run(["bash", "-c", f"printf %s {FROM_BASH}"], capture_output=True, check=True).stdout
    assert b"[{code_execution: {}}]" in sent
    assert answering.ask(sent, endpoint="vertex", model="gemini-2.0-flash-001").status_code == 200
    assert answering.ask(LENIENT, endpoint="vertex").status_code == 200
    assert answering.emulator.requests[-1].body["contents"]["parts"]["text"] == "It's {'fine', } so: \"a\""


def test_an_empty_body_is_an_empty_message(answering):
    assert "contents is not specified" in answering.ask("").json()["error"]["message"]


def to_snake(value: Any) -> Any:
    if isinstance(value, dict):
        return {snake_case(key): to_snake(inner) for key, inner in value.items()}
    return [to_snake(inner) for inner in value] if isinstance(value, list) else value


def test_both_spellings_mean_the_same():
    target = Target("developer", "v1beta", NEW, "generateContent")
    body = says(
        user({"inlineData": {"mimeType": "text/csv", "data": "YQ=="}}),
        model(*RAN, {"text": "a", "thoughtSignature": "YQ"}),
        USER,
        systemInstruction={"parts": [{"text": "b"}]},
        tools=[
            CODE,
            {"functionDeclarations": [{"name": "f", "parameters": {"type": "OBJECT", "minProperties": 1}}]},
        ],
        toolConfig={**FLAG, "functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["f"]}},
        generationConfig={"maxOutputTokens": 5, "thinkingConfig": {"thinkingBudget": 0}},
    )
    assert checked_request(to_snake(body), target) == checked_request(body, target) == body


FREE_FORM = {"snake_key": {"inner_key": [1, {"deep_key": None}]}, "camelKey": "x"}


@pytest.mark.parametrize(
    ("message", "body"),
    [
        ("Part", {"functionCall": {"name": "f", "args": FREE_FORM}}),
        ("Part", {"functionResponse": {"name": "f", "response": FREE_FORM}}),
        ("Part", {"toolCall": {"toolType": "URL_CONTEXT", "args": FREE_FORM}}),
        ("Part", {"toolResponse": {"toolType": "URL_CONTEXT", "response": FREE_FORM}}),
        ("FunctionDeclaration", {"name": "f", "parametersJsonSchema": FREE_FORM}),
        ("FunctionDeclaration", {"name": "f", "responseJsonSchema": FREE_FORM}),
        ("GenerationConfig", {"responseJsonSchema": FREE_FORM}),
        ("Schema", {"properties": {"snake_key": {"type": "STRING"}, "camelKey": {"type": "STRING"}}}),
        ("Schema", {"default": FREE_FORM}),
        ("GenerateContentRequest", {"labels": {"cost_center": "a_b"}}),
    ],
)
def test_free_form_places_stay_as_they_are(message, body):
    target = Target("developer", "v1beta", NEW, "generateContent")
    assert parse_message(message, body, target) == body


@pytest.mark.parametrize(
    ("message", "body", "parsed"),
    [
        ("GenerationConfig", {"temperature": "0.5", "seed": "7", "top_k": 40}, {"temperature": 0.5, "seed": 7, "topK": 40}),
        ("GenerationConfig", {"seed": 7.0, "stopSequences": "END"}, {"seed": 7, "stopSequences": ["END"]}),
        ("Schema", {"type": "object", "nullable": None}, {"type": "OBJECT"}),
        ("Content", {"parts": {"text": "a"}}, {"parts": [{"text": "a"}]}),
        ("Blob", {"data": base64.urlsafe_b64encode(b"\xff\xfe\xfd\xfc").decode().rstrip("=")}, {"data": "__79_A"}),
    ],
)  # fmt: skip
def test_values_are_read_as_protobuf_reads_them(message, body, parsed):
    assert parse_message(message, body, Target("developer", "v1beta")) == parsed


@pytest.mark.parametrize("endpoint", BOTH)
def test_clients_made_from_the_grpc_description_send_enums_as_numbers(endpoint):
    body = says(
        USER,
        model({"executableCode": {"language": 1}}, {"codeExecutionResult": {"outcome": 2}}),
        tools=[{"functionDeclarations": [{"name": "f", "parameters": {"type": 6}, "behavior": 1}]}],
        toolConfig={"functionCallingConfig": {"mode": 2}},
        safetySettings=[{"category": 8 if endpoint == "developer" else 1, "threshold": 3}],
        generationConfig={"responseModalities": [1, 2], "mediaResolution": 3},
    )
    parsed = parse_message("GenerateContentRequest", body, Target(endpoint, "v1beta1", NEW))
    assert parsed["contents"][1]["parts"][1] == {"codeExecutionResult": {"outcome": "OUTCOME_FAILED"}}
    assert parsed["toolConfig"]["functionCallingConfig"]["mode"] == "ANY"
    assert parsed["safetySettings"] == [
        {"category": "HARM_CATEGORY_HATE_SPEECH", "threshold": "BLOCK_ONLY_HIGH"}
    ]
    assert parsed["generationConfig"] == {
        "responseModalities": ["TEXT", "IMAGE"], "mediaResolution": "MEDIA_RESOLUTION_HIGH"
    }  # fmt: skip
