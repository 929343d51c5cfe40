"""What the service refuses, and in which words; and what it lets pass."""

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

USER = {"role": "user", "parts": [{"text": "Hi"}]}
MODEL = {"role": "model", "parts": [{"text": "Hello"}]}
CALL = {"functionCall": {"name": "f", "args": {}}}
SKIP_SIGNATURE = "skip_thought_signature_validator"
"""The documented stand-in for the signature of a call the model did not make."""
SIGNED = {**CALL, "thoughtSignature": SKIP_SIGNATURE}
REPLY = {"functionResponse": {"name": "f", "response": {"ok": True}}}
F = {"functionDeclarations": [{"name": "f"}]}
CODE = {"codeExecution": {}}
SEARCH = {"googleSearch": {}}
FLAG = {"includeServerSideToolInvocations": True}
RAN = [
    {"executableCode": {"language": "PYTHON", "code": "print(1)"}},
    {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1\n"}},
]


def model(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"role": "model", "parts": list(parts)}


def user(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"role": "user", "parts": list(parts)}


def says(*contents: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"contents": list(contents), **more}


def part(value: Any) -> dict[str, Any]:
    return says({"role": "user", "parts": [{"text": "a"}, value]})


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


@pytest.mark.parametrize(
    ("body", "developer", "vertex"),
    [
        ({}, "* GenerateContentRequest.contents: contents is not specified\n", "at least one contents field is required"),
        (says(), "* GenerateContentRequest.contents: contents is not specified\n", "at least one contents field is required"),
        (says(USER, user()), "* GenerateContentRequest.contents[1].parts: contents.parts must not be empty.\n", "at least one parts field"),
        (says({"role": "user"}), "* GenerateContentRequest.contents[0].parts: contents.parts must not be empty.\n", "at least one parts field"),
        (part({"thought": True}), "* GenerateContentRequest.contents[0].parts[1].data: required oneof field 'data' must have one initialized field\n", "required oneof field 'data'"),
        (part({"text": None}), "* GenerateContentRequest.contents[0].parts[1].data: required oneof field 'data' must have one initialized field\n", "required oneof field 'data'"),
        (says({"role": "assistant", "parts": [{"text": "a"}]}), "Please use a valid role: user, model.", "Please use a valid role: user, model."),
        (says({"role": "system", "parts": [{"text": "a"}]}), "Content with system role is not supported.", "Content with system role is not supported."),
        (says({"parts": [{"text": "a"}]}), None, "Please use a valid role: user, model."),
        (says(MODEL), "Please ensure that single turn requests end with a user role or the role field is empty.", "single turn"),
        (says(USER, toolConfig={"functionCallingConfig": {"mode": "AUTO"}}), "Function calling config is set without function_declarations.", "Function calling config is set without function_declarations."),
        (says(USER, tools=[CODE], toolConfig={"functionCallingConfig": {"mode": "NONE"}}), "Function calling config is set without function_declarations.", "Function calling config is set without function_declarations."),
        (says(USER, tools=[{"functionDeclarations": [{"name": "f"}, {"name": "f"}]}]), "Duplicate function declaration found: f", "Duplicate function declaration found: f"),
        (says(USER, tools=[{"functionDeclarations": [{"name": "f"}, {"name": "1st"}]}]), "Invalid function name.", "* GenerateContentRequest.tools[0].function_declarations[1].name: Invalid function name."),
        (says(USER, tools=[{"functionDeclarations": [{"name": "f" * 65}]}]), "Invalid function name.", "Invalid function name."),
        (says(USER, tools=[{"functionDeclarations": [{}]}]), "Invalid function name.", "Invalid function name."),
        (says(user(*RAN), MODEL, USER), "Code execution is not enabled: contents[0].parts[0] has executable_code", "Code execution is not enabled"),
        (says(USER, model(RAN[1]), USER, tools=[F]), "Code execution is not enabled: contents[1].parts[0] has code_execution_result", "Code execution is not enabled"),
        (says(USER, model(*RAN), USER, tools=[CODE]), None, None),
        (says({"parts": [{"text": "a"}], "role": "user"}, systemInstruction={"parts": {"text": "b"}}), None, None),
        (says(user({"text": ""})), None, "it has an empty text parameter. Add a value to the parameter and try again."),
        (says(USER, model({"text": ""}), USER), None, None),
        (part({"videoMetadata": {"startOffset": "2s"}}), None, None),
        (says(USER, model({"thought": True, "thoughtSignature": SKIP_SIGNATURE}, {"text": "Hi"}), USER), None, None),
        (says(USER, labels={"team_name": "a"}), None, None),
    ],
)  # fmt: skip
def test_contents_and_tools(answering, body, developer, vertex):
    for endpoint, text in (("developer", developer), ("vertex", vertex)):
        response = answering.ask(body, endpoint=endpoint)
        if text is None:
            assert response.status_code == 200, response.text
        else:
            assert response.status_code == 400
            assert text in response.json()["error"]["message"]


COUNT = (
    "Please ensure that the number of function response parts is equal to the number of function call parts"
)
ORDER = "Please ensure that function call turn comes immediately after a user turn or after a function response turn."
STRAY = "Please ensure that function response turn comes immediately after a function call turn."


@pytest.mark.parametrize(
    ("contents", "text"),
    [
        ([USER, model(CALL), user(REPLY)], None),
        ([USER, model(CALL), {"role": "function", "parts": [REPLY]}], None),
        ([USER, model(CALL, CALL), user(REPLY, REPLY)], None),
        ([USER, model(CALL), user(REPLY), model(CALL), user(REPLY), MODEL, USER], None),
        ([USER, model({"text": "So"}, CALL), user(REPLY, {"text": "Go on."})], None),
        ([USER, model(CALL), model({"text": ""}), user(REPLY)], None),
        ([USER, model(CALL), model({"text": "So"}, CALL), user(REPLY, REPLY)], None),
        ([USER, model(CALL), model(CALL), user(REPLY)], COUNT),
        ([USER, model(CALL), model({"text": "And"}), user(REPLY)], COUNT),
        ([USER, model(CALL, CALL), user(REPLY)], COUNT),
        ([USER, model(CALL), user(REPLY, REPLY)], COUNT),
        ([USER, model(CALL), USER], COUNT),
        ([USER, model(CALL)], COUNT),
        ([USER, model(CALL, CALL), user(REPLY), user(REPLY)], None),
        ([USER, model(CALL, CALL), user(REPLY), USER, user(REPLY)], COUNT),
        ([model(CALL), user(REPLY)], ORDER),
        ([USER, MODEL, model(CALL), user(REPLY)], ORDER),
        ([user(REPLY)], STRAY),
        ([USER, MODEL, user(REPLY)], STRAY),
    ],
)
@pytest.mark.parametrize("endpoint", ["vertex", "developer"])
def test_function_turns(answering, contents, text, endpoint):
    response = answering.ask(says(*contents, tools=[F]), endpoint=endpoint)
    assert response.status_code == (200 if text is None else 400)
    assert (text or "") in response.text


NEW, OLD = "gemini-3-flash-preview", "gemini-2.5-flash"
ENABLE = "Please enable tool_config.include_server_side_tool_invocations to use Built-in tools with Function calling."
MULTIPLE = "Multiple tools are supported only when they are all search tools."
UNKNOWN = "Unknown name \"includeServerSideToolInvocations\" at 'tool_config': Cannot find field."
CODELESS = (
    "gemma-3-27b-it",
    "gemini-2.5-flash-image",
    "gemini-2.5-pro-preview-tts",
    "gemini-2.0-flash-thinking-exp",
)
UNSUPPORTED = "Tool use with function calling is unsupported"
CIRCULATION = "Tool call context circulation is not enabled for models/gemini-2.5-flash"


@pytest.mark.parametrize(
    ("service", "tools", "config", "text"),
    [
        (("developer", NEW), [CODE, F], {}, ENABLE),
        (("developer", NEW), [{**CODE, **F}], {}, ENABLE),
        (("developer", NEW), [SEARCH, F], {"includeServerSideToolInvocations": False}, ENABLE),
        (("developer", NEW), [CODE, F], FLAG, None),
        (("developer", NEW), [CODE, SEARCH], {}, None),
        (("developer", NEW), [F], FLAG, None),
        (("developer", "gemini-flash-latest"), [CODE, F], {}, ENABLE),
        (("developer", OLD), [CODE, F], {}, UNSUPPORTED),
        (("developer", OLD), [CODE, F], FLAG, CIRCULATION),
        (("developer", OLD), [CODE, SEARCH], {}, None),
        (("developer", "gemma-3-27b-it"), [SEARCH, F], {}, UNSUPPORTED),
        *(
            (("developer", name), [CODE], {}, f"Code execution is not enabled for models/{name}")
            for name in CODELESS
        ),
        (("vertex", NEW), [CODE, F], {}, None),
        (("vertex", NEW), [CODE, F], FLAG, UNKNOWN),
        (("vertex", OLD), [CODE, F], {}, MULTIPLE),
        (("vertex", OLD), [CODE, SEARCH], {}, MULTIPLE),
        (("vertex", OLD), [F, {"functionDeclarations": [{"name": "g"}]}], {}, MULTIPLE),
        (("vertex", OLD), [SEARCH, {"urlContext": {}}], {}, None),
        (("vertex", OLD), [CODE], {}, None),
        (("vertex", OLD), [F], FLAG, UNKNOWN),
        (("vertex", "gemini-1.5-pro"), [CODE, F], {}, MULTIPLE),
        (("vertex", "gemini-4-ultra"), [CODE, F], {}, None),
    ],
)
def test_tool_combinations(answering, service, tools, config, text):
    endpoint, name = service
    response = answering.ask(says(USER, tools=tools, toolConfig=config), endpoint=endpoint, model=name)
    assert response.status_code == (200 if text is None else 400)
    assert text is None or text in response.json()["error"]["message"]


def replied(response, *parts):
    reply = {"functionResponse": {"name": "f", "response": response, "parts": list(parts)}}
    return says(USER, model(SIGNED), user(reply), tools=[F])


PICTURE = {"inlineData": {"mimeType": "image/png", "data": "", "displayName": "a.png"}}
TOOL_CALL = {"toolCall": {"id": "a", "toolType": "GOOGLE_SEARCH_WEB", "args": {}}}
FILE = {"fileData": {"mimeType": "image/png", "fileUri": "https://example.com/a.png"}}
SOUND = {"inlineData": {"mimeType": "audio/mpeg", "data": ""}}
UNMATCHED = "The referenced name `{}` in function_response.response does not match to a display_name in the function_response.parts."
BOTH = ("developer", "vertex")


@pytest.mark.parametrize(
    ("endpoints", "name", "body", "text"),
    [
        (BOTH, NEW, replied({"schema": [{"$ref": "#/defs/a"}]}), UNMATCHED.format("#/defs/a")),
        (BOTH, NEW, replied({"$ref": "b.png"}, PICTURE), UNMATCHED.format("b.png")),
        (["vertex"], NEW, replied({"image": {"$ref": "a.png"}}, PICTURE), None),
        (["developer"], NEW, replied({"image": {"$ref": "a.png"}}, PICTURE), UNMATCHED.format("a.png")),
        (BOTH, OLD, replied({"$ref": "#/defs/a"}), None),
        (BOTH, NEW, replied({}, FILE), None),
        (["developer"], NEW, replied({}, SOUND), "Request contains an invalid argument."),
        (
            ["vertex"],
            NEW,
            replied({}, SOUND),
            "the mime_type: audio/mpeg is not supported in `function_response.parts`.",
        ),
        (["developer"], OLD, replied({}, FILE), "Request contains an invalid argument."),
        (["vertex"], OLD, replied({}, FILE), "`function_response.parts` is not supported for this model."),
        (BOTH, NEW, part({"thoughtSignature": "c2ln"}), "required oneof field 'data'"),
        (["developer"], NEW, says(USER, model(TOOL_CALL), USER), None),
        (["developer"], OLD, says(USER, model(TOOL_CALL), USER), "circulation is not enabled"),
        (["vertex"], NEW, says(USER, model(TOOL_CALL), USER), 'Unknown name "toolCall"'),
        (
            BOTH,
            NEW,
            part({"text": "b", "mediaProcessing": {}, "documentMetadata": {}, "speechMetadata": {}}),
            None,
        ),
        (BOTH, NEW, says(USER, serviceTier="flex", processingOptions={}), None),
        (
            ["vertex"],
            NEW,
            says(USER, modelArmorConfig={}, outputConfig={}, generationConfig={"routingConfig": {}}),
            None,
        ),
        (["developer"], NEW, says(USER, store=True), None),
    ],
)
def test_what_is_sent_back_and_set(answering, endpoints, name, body, text):
    for endpoint in endpoints:
        response = answering.ask(body, endpoint=endpoint, model=name)
        assert response.status_code == (200 if text is None else 400), response.text
        assert text is None or text in response.json()["error"]["message"]


DEVELOPER_TEXT = (
    "Function call is missing a thought_signature in functionCall parts. This is required for tools to work "
    "correctly, and missing thought_signature may lead to degraded model performance. Additional data, function "
    "call `default_api:f` , position 2. Please refer to https://ai.google.dev/gemini-api/docs/thought-signatures "
    "for more details."
)
VERTEX_TEXT = "function call `default_api:f` in the 2. content block is missing a `thought_signature`"


@pytest.mark.parametrize(
    ("name", "contents", "refused"),
    [
        (NEW, [USER, model(CALL), user(REPLY)], True),
        (NEW, [USER, model({**CALL, "thoughtSignature": ""}), user(REPLY)], True),
        (NEW, [USER, model(CALL, SIGNED), user(REPLY, REPLY)], True),
        (NEW, [USER, model(SIGNED), user(REPLY)], False),
        (NEW, [USER, model(SIGNED, CALL), user(REPLY, REPLY)], False),
        (NEW, [USER, model({"text": "So"}, SIGNED), user(REPLY)], False),
        (NEW, [USER, model(CALL), user(REPLY), MODEL, USER], False),
        (OLD, [USER, model(CALL), user(REPLY)], False),
    ],
)
@pytest.mark.parametrize("service", [("developer", DEVELOPER_TEXT), ("vertex", VERTEX_TEXT)])
def test_signatures_of_the_current_turn(answering, name, contents, refused, service):
    endpoint, text = service
    response = answering.ask(says(*contents, tools=[F]), endpoint=endpoint, model=name)
    assert response.status_code == (400 if refused else 200)
    if refused:
        assert text in response.json()["error"]["message"]


@pytest.mark.parametrize(
    ("endpoint", "name", "refused"),
    [("vertex", OLD, True), ("vertex", NEW, False), ("developer", OLD, False), ("developer", NEW, False)],
)
def test_ids_are_unknown_to_gemini_2_on_vertex(answering, endpoint, name, refused):
    call = {"functionCall": {"id": "c1", "name": "f", "args": {"id": 1}}, "thoughtSignature": SKIP_SIGNATURE}
    reply = {"functionResponse": {"id": "c1", "name": "f", "response": {"id": 1}}}
    response = answering.ask(says(USER, model(call), user(reply), tools=[F]), endpoint=endpoint, model=name)
    assert response.status_code == (400 if refused else 200)
    if refused:
        assert response.json()["error"]["message"].splitlines() == [
            violation('"id"', "contents[1].parts[0].function_call") + "Cannot find field.",
            violation('"id"', "contents[2].parts[0].function_response") + "Cannot find field.",
        ]


def test_a_signature_of_the_other_service_is_not_valid(start):
    client = start([[CALL], "Done.", "Done."])
    parts = client.parts(says(USER, tools=[F]), model=NEW)
    history = says(USER, model(*parts), user(REPLY), tools=[F])
    assert client.ask(history, model=NEW).status_code == 200
    refused = client.ask(history, model=NEW, endpoint="vertex")
    assert refused.json()["error"]["message"].endswith("because Thought signature is not valid.")


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
