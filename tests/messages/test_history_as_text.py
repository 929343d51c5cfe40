"""What one side did as text, the same in messages and in wire contents; signatures of the other service."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage

from langchain_codeexec.messages.history_as_text import (
    contents_with_code_as_text,
    contents_with_functions_as_text,
    messages_with_code_as_text,
    messages_with_functions_as_text,
)
from langchain_codeexec.messages.signatures import with_valid_signatures

PNG = "iVBORw0KGgo="
SO = {"type": "text", "text": "so"}
CODE = {"type": "server_tool_call", "name": "code_interpreter", "id": "c", "args": {"code": "print(1)"}}
RESULT = {"type": "server_tool_result", "tool_call_id": "c", "status": "success", "output": "1\n"}
IMAGE = {"type": "image", "base64": PNG, "mime_type": "image/png"}
CALL = {"name": "f", "args": {"a": "é"}, "id": "t1", "type": "tool_call"}

CODE_TEXT = "I ran this code:\n```python\nprint(1)\n```"
RESULT_TEXT = "It printed:\n```\n1\n```"
CALL_TEXT = 'I called f with {"a": "é"}.'


def texts(*values: str) -> list[dict[str, Any]]:
    return [{"type": "text", "text": value} for value in values]


@pytest.mark.parametrize(
    ("blocks", "converted"),
    [
        ([SO, CODE, RESULT, IMAGE, "now"], [SO, *texts(CODE_TEXT, RESULT_TEXT), IMAGE, *texts("now")]),
        (
            [{"type": "code_interpreter_call", "id": "ci", "code": "print(1)", "status": "completed",
              "outputs": [{"type": "logs", "logs": "1\n"}, {"type": "image", "url": f"data:image/png;base64,{PNG}"}]}],
            [*texts(CODE_TEXT, RESULT_TEXT), IMAGE],
        ),
        ([CODE, {**RESULT, "output": ""}], texts(CODE_TEXT, "It printed: nothing")),
        ([{"codeExecutionResult": {"outcome": "OUTCOME_FAILED", "output": "e"}}], texts("It failed:\n```\ne\n```")),
        (
            [{"codeExecutionResult": {"outcome": "OUTCOME_DEADLINE_EXCEEDED", "output": "```"}}],
            texts("It ran out of time:\n````\n```\n````"),
        ),
    ],
)  # fmt: skip
def test_code_in_messages(blocks: list[Any], converted: list[Any]) -> None:
    question = HumanMessage("q")
    assert messages_with_code_as_text([question, AIMessage(blocks)]) == [question, AIMessage(converted)]


def test_messages_without_code_stay_as_they_are() -> None:
    messages = [
        HumanMessage("q"),
        AIMessage([SO, CALL], tool_calls=[CALL]),
        ToolMessage("1", tool_call_id="t1"),
    ]
    assert messages_with_code_as_text(messages) == messages


@pytest.mark.parametrize(
    ("message", "converted"),
    [
        (AIMessage("so", tool_calls=[CALL]), AIMessage(texts("so", CALL_TEXT))),
        (AIMessage([SO, CALL, ""], tool_calls=[CALL]), AIMessage([SO, *texts(CALL_TEXT)])),
        (ToolMessage("1", tool_call_id="t1", name="f"), HumanMessage("f returned: 1")),
        (
            ToolMessage(["1", IMAGE], tool_call_id="t1"),
            HumanMessage(["The tool returned: ", "1", IMAGE]),
        ),
        (AIMessage([SO, CODE]), AIMessage([SO, CODE])),
        (HumanMessage("q"), HumanMessage("q")),
    ],
)
def test_functions_in_messages(message: Any, converted: Any) -> None:
    assert messages_with_functions_as_text([message]) == [converted]


CODE_PARTS = [{"executableCode": {"language": "PYTHON", "code": "print(1)"}}, {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1\n"}}]  # fmt: skip
BLOB = {"inlineData": {"mimeType": "image/png", "data": PNG}}
CALL_PART = {"functionCall": {"name": "f", "args": {"a": "é"}}}
RESPONSE = {"functionResponse": {"name": "f", "response": {"b": 1}, "parts": [BLOB]}}


def test_each_side_in_contents() -> None:
    model = {"role": "model", "parts": [{"text": "so"}, *CODE_PARTS, BLOB, CALL_PART]}
    contents: Any = [{"role": "user", "parts": [{"text": "q"}]}, model, {"role": "user", "parts": [RESPONSE]}]

    code, functions = contents_with_code_as_text(contents), contents_with_functions_as_text(contents)

    assert code[1]["parts"] == [{"text": "so"}, {"text": CODE_TEXT}, {"text": RESULT_TEXT}, BLOB, CALL_PART]
    assert [code[0], code[2]] == [contents[0], contents[2]]
    assert functions[1]["parts"] == [{"text": "so"}, *CODE_PARTS, BLOB, {"text": CALL_TEXT}]
    assert functions[2]["parts"] == [{"text": 'f returned: {"b": 1}'}, BLOB]


KEPT = "__gemini_function_call_thought_signatures__"
STAND_IN = {KEPT: {"t1": "skip/thought/signature/validator"}}


@pytest.mark.parametrize("key", ["endpoint", "gemini_endpoint"])
def test_signatures_of_the_other_service_are_left_out(key: str) -> None:
    signature = {"type": "function_call_signature", "signature": "c2ln", "index": 0}
    signed = [{**SO, "extras": {"signature": "c2ln"}}, {**CODE, "thought_signature": "c2ln"}, signature, "x"]
    message = AIMessage(
        [*signed, {"type": "text", "text": "", "extras": {"signature": "c2ln"}}, {"type": "text", "text": ""}],
        tool_calls=[CALL], additional_kwargs={KEPT: {"t1": "c2ln"}}, response_metadata={key: "vertex"},
    )  # fmt: skip

    [valid] = with_valid_signatures([message], "developer")

    assert valid.content == [{**SO, "extras": {}}, CODE, "x", {"type": "text", "text": ""}]
    assert valid.additional_kwargs == STAND_IN
    assert with_valid_signatures([message], "vertex") == [message]
    assert (
        with_valid_signatures([AIMessage("x", response_metadata={key: "vertex"})], "developer")[0].text == "x"
    )
