"""Which files, forms of the answer and numbers are refused, by service and model."""

from __future__ import annotations

from typing import Any

import pytest

OLD, NEW = "gemini-2.5-flash", "gemini-3-flash-preview"
ASK = {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]}
CODE = {"tools": [{"codeExecution": {}}]}
FUNCTIONS = {"tools": [{"functionDeclarations": [{"name": "f"}]}]}
JSON = {"responseMimeType": "application/json", "responseSchema": {"type": "OBJECT"}}
UNABLE = "Unable to submit request because "


def refusal(answering: Any, body: Any, endpoint: str, model: str = OLD) -> str:
    response = answering.ask(body, endpoint=endpoint, model=model)
    if response.status_code == 200:
        return ""
    assert (response.status_code, response.json()["error"]["status"]) == (400, "INVALID_ARGUMENT")
    return response.json()["error"]["message"]


def with_file(mime_type: str | None, kind: str = "inlineData") -> dict[str, Any]:
    place = {"data": "aGk="} if kind == "inlineData" else {"fileUri": "gs://bucket/file"}
    file = {kind: {**place, **({} if mime_type is None else {"mimeType": mime_type})}}
    return {"contents": [{"role": "user", "parts": [{"text": "Read"}, file]}]}


@pytest.mark.parametrize("endpoint", ["developer", "vertex"])
@pytest.mark.parametrize(
    "mime_type",
    ["text/csv", "text/plain; charset=utf-8", "Image/PNG", "image/jpeg", "application/pdf", "audio/wav", "video/mp4", "text/xml"],
)  # fmt: skip
def test_files_that_models_read(answering, endpoint, mime_type):
    assert refusal(answering, with_file(mime_type), endpoint) == ""


@pytest.mark.parametrize(
    ("mime_type", "vertex_alone"),
    [
        ("application/zip", False),
        ("application/octet-stream", False),
        ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", False),
        ("image/gif", False),
        ("image/jpg", False),
        ("png", False),
        ("application/json", True),
        ("application/x-javascript", True),
    ],
)
@pytest.mark.parametrize("kind", ["inlineData", "fileData"])
def test_files_that_no_model_reads(answering, kind, mime_type, vertex_alone):
    body = with_file(mime_type, kind)
    message = "" if vertex_alone else f"Unsupported MIME type: {mime_type}"
    assert refusal(answering, body, "developer") == message
    beginning = f"{UNABLE}it has a mimeType parameter with value {mime_type}, which is not supported. Update"
    assert refusal(answering, body, "vertex").startswith(beginning)


@pytest.mark.parametrize(("kind", "developer"), [("inlineData", "Unsupported MIME type: "), ("fileData", "")])
def test_files_without_a_type(answering, kind, developer):
    body = with_file(None, kind)
    assert refusal(answering, body, "developer") == developer
    assert f"{UNABLE}it has an empty mimeType parameter in {kind}." in refusal(answering, body, "vertex")


@pytest.mark.parametrize(
    ("tools", "config", "model", "message"),
    [
        (CODE, JSON, OLD, ("Tool use with a response mime type: 'application/json' is unsupported", "controlled generation is not supported with Code Execution tool.")),
        (FUNCTIONS, JSON, OLD, ("Function calling with a response mime type: 'application/json' is unsupported", "")),
        (CODE, {"responseMimeType": "text/x.enum"}, OLD, ("Tool use with a response mime type: 'text/x.enum' is unsupported", "controlled generation")),
        (CODE, JSON, NEW, ("", "")),
        (FUNCTIONS, JSON, NEW, ("", "")),
        ({}, JSON, OLD, ("", "")),
        (CODE, {"responseMimeType": "text/plain"}, OLD, ("", "")),
        ({}, {"responseSchema": {"type": "STRING"}}, NEW, ("Response_schema with a response mime type: 'text/plain' is unsupported", "Response_schema with a response mime type")),
        ({}, {"responseJsonSchema": {}}, NEW, ("Response_schema with a response mime type", "Response_schema with a response mime type")),
    ],
)  # fmt: skip
def test_forms_of_the_answer(answering, tools, config, model, message):
    body = {**ASK, **tools, "generationConfig": config}
    for endpoint, text in zip(("developer", "vertex"), message, strict=True):
        found = refusal(answering, body, endpoint, model)
        assert text in found if text else found == ""


@pytest.mark.parametrize(
    ("name", "good", "bad", "allowed"),
    [
        ("temperature", [0, 2], [-0.1, 2.5], "0 (inclusive) to 2.0001 (exclusive)"),
        ("topP", [0, 1], [1.5], "0 (inclusive) to 1.0001 (exclusive)"),
        ("topK", [1, 64], [0], "1 (inclusive) to 2147483648 (exclusive)"),
        ("candidateCount", [1, 8], [0, 9], "1 (inclusive) to 9 (exclusive)"),
        ("maxOutputTokens", [1, 65_536], [-1, 0, 65_537], "1 (inclusive) to 65537 (exclusive)"),
        ("logprobs", [1, 20], [21], "1 (inclusive) to 21 (exclusive)"),
    ],
)
def test_ranges(answering, name, good, bad, allowed):
    for endpoint in ("developer", "vertex"):
        for value in good:
            assert refusal(answering, {**ASK, "generationConfig": {name: value}}, endpoint) == ""
        for value in bad:
            assert refusal(answering, {**ASK, "generationConfig": {name: value}}, endpoint) == (
                f"{UNABLE}it has a {name} value of {value} but the supported range is from {allowed}. "
                "Update the value and try again."
            )


def test_stop_sequences_are_counted_and_early_models_write_less(answering):
    six = {**ASK, "generationConfig": {"stopSequences": list("abcdef")}}
    assert "a stopSequences value of 6 but the supported range is from 1" in refusal(answering, six, "vertex")
    long = {**ASK, "generationConfig": {"maxOutputTokens": 9000}}
    assert "to 8193 (exclusive)" in refusal(answering, long, "vertex", "gemini-2.0-flash")


@pytest.mark.parametrize(
    ("endpoint", "model", "message"),
    [
        ("vertex", OLD, ""),
        ("developer", "gemini-2.0-flash", ""),
        ("developer", OLD, f"Logprobs is not enabled for models/{OLD}"),
        ("developer", NEW, "Logprobs is not enabled for this model"),
        ("vertex", NEW, ""),
        ("vertex", "gemini-3.5-flash", f"{UNABLE}Logprobs is not supported for this model. Learn more: "),
    ],
)
def test_where_log_probabilities_are(answering, endpoint, model, message):
    found = refusal(answering, {**ASK, "generationConfig": {"responseLogprobs": True}}, endpoint, model)
    assert found.startswith(message) if message else found == ""


def test_a_prompt_that_is_too_long(answering):
    body = {"contents": [{"role": "user", "parts": [{"text": "abcd" * (1 << 20) + "e"}]}]}
    assert refusal(answering, body, "developer") == (
        "The input token count (1048577) exceeds the maximum number of tokens allowed (1048576)."
    )
    assert answering.ask(body, action="countTokens").json()["totalTokens"] == 1_048_577
