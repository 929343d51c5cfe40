"""What the service refuses, and in which words; and what it lets pass."""

from __future__ import annotations

import pytest

from tests.emulator.bodies import CALL, CODE, FLAG, RAN, USER, model, part, says, user

MODEL = model({"text": "Hello"})
SKIP_SIGNATURE = "skip_thought_signature_validator"
"""The documented stand-in for the signature of a call the model did not make."""
SIGNED = {**CALL, "thoughtSignature": SKIP_SIGNATURE}
REPLY = {"functionResponse": {"name": "f", "response": {"ok": True}}}
F = {"functionDeclarations": [{"name": "f"}]}
SEARCH = {"googleSearch": {}}


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
            f"Invalid JSON payload received. Unknown name \"id\" at '{place}': Cannot find field."
            for place in (
                "contents[1].parts[0].function_call",
                "contents[2].parts[0].function_response",
            )
        ]


def test_a_signature_of_the_other_service_is_not_valid(start):
    client = start([[CALL], "Done.", "Done."])
    parts = client.parts(says(USER, tools=[F]), model=NEW)
    history = says(USER, model(*parts), user(REPLY), tools=[F])
    assert client.ask(history, model=NEW).status_code == 200
    refused = client.ask(history, model=NEW, endpoint="vertex")
    assert refused.json()["error"]["message"].endswith("because Thought signature is not valid.")
