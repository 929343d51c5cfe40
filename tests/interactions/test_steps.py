"""Steps go into contents and messages and come back as they were."""

from __future__ import annotations

from functools import reduce
from operator import add
from typing import Any

import pytest
from hypothesis import given
from langchain_core.messages import AIMessage, HumanMessage, message_chunk_to_message

from langchain_codeexec.gemini.capabilities import Destination
from langchain_codeexec.gemini.interactions.answers import Answer
from langchain_codeexec.gemini.interactions.contents import MARK
from langchain_codeexec.gemini.interactions.requests import digest
from langchain_codeexec.gemini.interactions.steps import plain_parts, steps_from_contents
from langchain_codeexec.messages.from_wire import Origin, messages_from_response
from langchain_codeexec.messages.stream import ChunkTranslator
from langchain_codeexec.messages.to_wire import contents_from_messages
from tests.interactions.conftest import events
from tests.interactions.strategies import ANSWERS, STEPS, contents_from_steps, parts_from_steps

HERE = Destination("gemini-3-flash-preview", "developer", api="interactions")
THERE = Destination("gemini-3-flash-preview", "developer")


@given(STEPS)
def test_steps_survive_the_way_into_contents_and_back(steps: list[dict]) -> None:
    assert steps_from_contents(contents_from_steps(steps)) == steps


def message(steps: list[dict], destination: Destination = HERE) -> AIMessage:
    parts = parts_from_steps(steps)
    response = {"candidates": [{"content": {"role": "model", "parts": parts}, "finishReason": "STOP"}]}
    [only] = messages_from_response(response, Origin(destination))
    return only


@given(ANSWERS)
def test_steps_survive_the_way_into_a_message_and_back(steps: list[dict]) -> None:
    contents, _ = contents_from_messages([HumanMessage("q"), message(steps), HumanMessage("next")], HERE)
    of_model = [content for content in contents if content["role"] == "model"]
    assert steps_from_contents(of_model) == steps


@given(ANSWERS)
def test_generate_content_never_sees_what_only_interactions_know(steps: list[dict]) -> None:
    contents, _ = contents_from_messages([HumanMessage("q"), message(steps), HumanMessage("next")], THERE)
    for content in contents:
        for part in content["parts"]:
            assert MARK not in part
            assert "toolCall" not in part
            assert part.get("thoughtSignature") in (None, "skip_thought_signature_validator")


@given(ANSWERS)
def test_the_text_of_a_message_is_what_the_model_said(steps: list[dict]) -> None:
    said = [
        content for step in steps if step["type"] == "model_output" for content in step.get("content", ())
    ]
    assert message(steps).text == "".join(each["text"] for each in said if each["type"] == "text")


@given(ANSWERS)
def test_the_chunks_of_a_stream_add_up_to_the_message(steps: list[dict]) -> None:
    answer, translator = Answer(), ChunkTranslator(Origin(HERE))
    responses = [response for event in events(*steps) for response in answer.take(event)]
    chunks = [translator.chunk(response) for response in (*responses, answer.last())]
    total = message_chunk_to_message(reduce(add, [*filter(None, chunks), translator.last()]))
    whole = message(steps)
    calls = [call for call in whole.tool_calls if not call["id"].startswith("lc_")]
    assert total.text == whole.text
    assert [call for call in total.tool_calls if not call["id"].startswith("lc_")] == calls
    restored = AIMessage.model_validate_json(total.model_dump_json())
    contents, _ = contents_from_messages([HumanMessage("q"), restored, HumanMessage("next")], HERE)
    of_model = [content for content in contents if content["role"] == "model"]
    assert digest(steps_from_contents(of_model)) == digest(steps)


CODE = {"type": "code_execution_call", "id": "c", "arguments": {"code": "ls", "language": "bash"}}
PICTURE = {"type": "image", "data": "aGk=", "mime_type": "image/png"}
CASES: list[tuple[dict, list[dict]]] = [
    ({"type": "model_output", "content": [{"type": "text", "text": "Hi"}]}, [{"text": "Hi"}]),
    ({"type": "thought", "signature": "s"}, [{"text": "", "thought": True, "thoughtSignature": "s"}]),
    (
        {"type": "thought", "summary": [{"type": "text", "text": "Hm"}]},
        [{"text": "Hm", "thought": True}],
    ),
    (CODE, [{"executableCode": {"id": "c", "language": "BASH", "code": "ls"}}]),
    (
        {"type": "code_execution_result", "call_id": "c", "result": "x\n", "signature": "s"},
        [
            {
                "codeExecutionResult": {"outcome": "OUTCOME_OK", "id": "c", "output": "x\n"},
                "thoughtSignature": "s",
            }
        ],
    ),
    (
        {"type": "code_execution_result", "call_id": "c", "result": "no", "is_error": True},
        [{"codeExecutionResult": {"outcome": "OUTCOME_FAILED", "id": "c", "output": "no"}}],
    ),
    (
        {"type": "function_call", "id": "f", "name": "add", "arguments": {"a": 1}},
        [{"functionCall": {"id": "f", "name": "add", "args": {"a": 1}}}],
    ),
    (
        {"type": "model_output", "content": [PICTURE]},
        [{"inlineData": {"mimeType": "image/png", "data": "aGk="}}],
    ),
]


@pytest.mark.parametrize(("step", "parts"), CASES)
def test_what_both_apis_know_needs_no_field_of_its_own(step: dict, parts: list[dict]) -> None:
    assert parts_from_steps([step]) == parts


def test_a_picture_that_code_drew_follows_its_result() -> None:
    drawn = {
        "type": "code_execution_result",
        "call_id": "c",
        "result": [{"type": "text", "text": "x"}, PICTURE],
    }
    plain = plain_parts(parts_from_steps([CODE, drawn]))
    assert [next(iter(part)) for part in plain] == ["executableCode", "codeExecutionResult", "inlineData"]
    assert plain[1]["codeExecutionResult"]["output"] == "x"


UNKNOWN: Any = {"type": "dance", "style": "tango"}


def test_what_generate_content_does_not_know_becomes_text() -> None:
    search = {"type": "google_search_call", "id": "g", "arguments": {"queries": ["q"]}}
    texts = [part["text"] for part in plain_parts(parts_from_steps([UNKNOWN, search]))]
    assert "tango" in texts[0]
    assert '"queries": ["q"]' in texts[1]


FROM_GENERATE_CONTENT = [
    ({"functionResponse": {"name": "f", "response": {"output": "x"}}}, {"result": "x"}),
    ({"functionResponse": {"name": "f", "response": {"error": "x"}}}, {"result": "x", "is_error": True}),
    ({"functionResponse": {"name": "f", "response": {"a": 1}}}, {"result": {"a": 1}}),
    (
        {
            "functionResponse": {
                "name": "f",
                "response": {"a": 1},
                "parts": [{"inlineData": {"mimeType": "image/png", "data": "aGk="}}],
            }
        },
        {"result": [{"type": "text", "text": '{"a": 1}'}, PICTURE]},
    ),
]


@pytest.mark.parametrize(("part", "fields"), FROM_GENERATE_CONTENT)
def test_a_function_that_older_models_called_without_an_id_is_answered_by_order(
    part: dict, fields: dict
) -> None:
    contents = [
        {"role": "model", "parts": [{"functionCall": {"name": "f", "args": {}}}]},
        {"role": "user", "parts": [part]},
    ]
    call, result = steps_from_contents(contents)
    assert call["id"] == result["call_id"]
    assert result == {"type": "function_result", "call_id": call["id"], "name": "f", **fields}
