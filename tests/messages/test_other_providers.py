"""Answers of other chat models on their way to Gemini."""

import json
from typing import Any

import pytest
from google.cloud.aiplatform_v1beta1.types import Candidate as VertexCandidate
from google.genai.types import Candidate
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_google_genai.chat_models import _parse_response_candidate as genai_answer
from langchain_google_vertexai.chat_models import _parse_response_candidate as vertex_answer

from langchain_codeexec.messages.history_as_text import contents_with_code_as_text
from langchain_codeexec.messages.other_providers import parts_from_other_provider
from tests.messages.blocks import (
    ODD_BLOCKS,
    ODD_JSON,
    PNG,
    answer,
    anthropic_run,
    openai_run,
    v1_call,
    v1_result,
)

CODE = {"executableCode": {"language": "PYTHON", "code": "print(1)"}}
RESULT = {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1\n"}}
CODE_TEXT = {"text": "I ran this code:\n```python\nprint(1)\n```"}
RESULT_TEXT = {"text": "It printed:\n```\n1\n```"}
IMAGE = {"inlineData": {"mimeType": "image/png", "data": PNG}}
CALL = {"name": "f", "args": {"a": 1}, "id": "t1"}
CALL_PART = {"functionCall": {"name": "f", "args": {"a": 1}}}
SIGNED = {"thoughtSignature": "c2ln"}


[OPENAI_RUN] = openai_run()
ANTHROPIC_RUN = anthropic_run(code="print(1)")
ANTHROPIC_SHELL = anthropic_run("bash_code_execution", "", "srvtoolu_2", command="ls")
GOOGLE_RUN = [
    {"type": "executable_code", "executable_code": "print(1)", "language": "PYTHON", "id": "u1"},
    {"type": "code_execution_result", "code_execution_result": "1\n", "outcome": 1, "tool_call_id": ""},
]


@pytest.mark.parametrize(
    ("provider", "blocks", "native", "prose"),
    [
        ("google_genai", GOOGLE_RUN, [CODE, RESULT], [CODE_TEXT, RESULT_TEXT]),
        ("google_vertexai", GOOGLE_RUN, [CODE, RESULT], [CODE_TEXT, RESULT_TEXT]),
        ("", GOOGLE_RUN, [CODE, RESULT], [CODE_TEXT, RESULT_TEXT]),
        ("openai", [OPENAI_RUN], [CODE, RESULT, IMAGE], [CODE_TEXT, RESULT_TEXT, IMAGE]),
        ("anthropic", ANTHROPIC_RUN, [CODE, RESULT], [CODE_TEXT, RESULT_TEXT]),
        (
            "anthropic",
            ANTHROPIC_SHELL,
            [{"text": "I ran this code:\n```bash\nls\n```"}, {"text": "It printed: nothing"}],
            [{"text": "I ran this code:\n```bash\nls\n```"}, {"text": "It printed: nothing"}],
        ),
        ("google_genai", GOOGLE_RUN[1:], [RESULT_TEXT], [RESULT_TEXT]),
        ("google_genai", GOOGLE_RUN[:1], [CODE], [CODE_TEXT]),
        (
            "else",
            [v1_call(call_id="x"), v1_result(call_id="x", outcome="OUTCOME_OK")],
            [CODE, RESULT],
            [CODE_TEXT, RESULT_TEXT],
        ),
        (
            "google_genai",
            [
                {"executableCode": {**CODE["executableCode"], "id": "p"}, **SIGNED},
                {"type": "non_standard", "value": RESULT},
            ],
            [{**CODE, **SIGNED}, RESULT],
            [CODE_TEXT, RESULT_TEXT],
        ),
    ],
)
def test_runs(provider: str, blocks: list[Any], native: list[Any], prose: list[Any]):
    message = answer(*blocks, provider=provider)

    parts = parts_from_other_provider(message)
    assert parts == native
    [told] = contents_with_code_as_text([{"role": "model", "parts": parts}])
    assert told["parts"] == prose


@pytest.mark.parametrize("provider", ["openai", "anthropic", "google_genai"])
def test_langchains_standard_blocks_say_the_same(provider: str):
    blocks = {
        "openai": [OPENAI_RUN],
        "anthropic": [*ANTHROPIC_RUN, *ANTHROPIC_SHELL],
        "google_genai": GOOGLE_RUN,
    }[provider]
    message = answer(*blocks, {"type": "text", "text": "so"}, provider=provider)
    standard = answer(*message.content_blocks, provider=provider)

    assert parts_from_other_provider(standard) == parts_from_other_provider(message)


@pytest.mark.parametrize(
    ("block", "parts"),
    [
        ("so", [{"text": "so"}]),
        ("", []),
        ({"type": "text", "text": "so", "annotations": [], "index": 0}, [{"text": "so"}]),
        ({"type": "text", "text": ""}, []),
        ({"type": "text"}, []),
        ({"type": "output_text", "text": "so"}, [{"text": "so"}]),
        ({"type": "refusal", "refusal": "no"}, [{"text": "no"}]),
        ({"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}], "id": "rs_1"}, []),
        ({"type": "thinking", "thinking": "hm", "signature": "c2ln"}, []),
        ({"type": "redacted_thinking", "data": "xyz"}, []),
        ({"type": "image", "base64": PNG, "mime_type": "image/png"}, [IMAGE]),
        ({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}, [IMAGE]),
        ({"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}, [IMAGE]),
        ({"type": "image_url", "image_url": f"data:image/png;base64,{PNG}"}, [IMAGE]),
        ({"type": "image_generation_call", "id": "ig", "result": PNG, "output_format": "png"}, [IMAGE]),
        ({"type": "image_generation_call", "id": "ig", "result": None}, []),
        ({"type": "media", "mime_type": "image/png", "data": PNG}, [IMAGE]),
        ({"inline_data": {"mime_type": "image/png", "data": PNG}}, [IMAGE]),
        ({"type": "non_standard", "value": {"inlineData": {"mimeType": "image/png", "data": PNG}}}, [IMAGE]),
        ({"fileData": {"mimeType": "text/csv", "fileUri": "gs://b/x"}}, [{"fileData": {"mimeType": "text/csv", "fileUri": "gs://b/x"}}]),
        ({"type": "file", "url": "https://x/a.pdf"}, [{"fileData": {"mimeType": "application/pdf", "fileUri": "https://x/a.pdf"}}]),
        ({"type": "file", "file_id": "file-1"}, [{"text": '{"type": "file", "file_id": "file-1"}'}]),
        ({"type": "container_upload", "file_id": "file-1"}, [{"text": '{"type": "container_upload", "file_id": "file-1"}'}]),
        (
            {"type": "server_tool_use", "id": "w", "name": "web_search", "input": {"query": "x"}},
            [{"text": 'I called web_search with {"query": "x"}.'}],
        ),
        (
            {"type": "web_search_tool_result", "tool_use_id": "w", "content": [{"url": "u", "encrypted_content": "zzz"}]},
            [{"text": 'The tool returned: [{"url": "u"}]'}],
        ),
        ({"type": "server_tool_result", "tool_call_id": "w", "status": "success", "output": {}}, []),
        (
            {"type": "web_search_call", "id": "w", "status": "completed", "action": {"query": "x"}},
            [{"text": '{"type": "web_search_call", "action": {"query": "x"}}'}],
        ),
        ({"type": "web_search_call", "id": "w", "status": "completed"}, []),
        ({"type": "non_standard", "value": "so"}, [{"text": "so"}]),
        ({"type": "non_standard", "value": None}, []),
        ({"type": "non_standard", "value": [1]}, [{"text": "[1]"}]),
        ({"text": "so"}, [{"text": "so"}]),
        ({"text": "hm", "thought": True}, []),
        ({"what": "ever"}, [{"text": '{"type": null, "what": "ever"}'}]),
        ({}, []),
        ({"type": "tool_use", "id": "gone", "name": "f", "input": {}}, []),
        ({"type": "function_call", "call_id": "gone", "name": "f", "arguments": "{}"}, []),
        ({"functionCall": {"name": "gone"}}, []),
        ({"type": "input_json_delta", "partial_json": "{"}, []),
    ],
)  # fmt: skip
def test_block(block: Any, parts: list[Any]):
    assert parts_from_other_provider(answer(block, provider="elsewhere")) == parts


@pytest.mark.parametrize("provider", ["google_genai", "google_vertexai", ""])
@pytest.mark.parametrize(
    ("block", "parts"),
    [
        ({"type": "text", "text": "so", "extras": {"signature": "c2ln"}}, [{"text": "so", **SIGNED}]),
        ({"type": "text", "text": "", "extras": {"signature": "c2ln"}}, [{"text": "", **SIGNED}]),
        ({"type": "text", "text": "so", "thought_signature": "c2ln"}, [{"text": "so", **SIGNED}]),
        ({"type": "thinking", "thinking": "hm", "signature": "c2ln"}, [{"text": "hm", "thought": True, **SIGNED}]),
        ({"type": "reasoning", "reasoning": "hm", "extras": {"signature": "c2ln"}}, [{"text": "hm", "thought": True, **SIGNED}]),
        ({"type": "thinking", "thinking": "hm"}, []),
        (
            {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}, "extras": {"signature": "c2ln"}},
            [{**IMAGE, **SIGNED}],
        ),
    ],
)  # fmt: skip
def test_signatures_of_googles_packages_go_back(provider: str, block: Any, parts: list[Any]):
    assert parts_from_other_provider(answer(block, provider=provider)) == parts


def test_signatures_of_others_do_not():
    text = {"type": "text", "text": "so", "extras": {"signature": "c2ln"}}

    assert parts_from_other_provider(answer(text, provider="anthropic")) == [{"text": "so"}]


SO, NOW = {"type": "text", "text": "so"}, {"type": "text", "text": "now"}


@pytest.mark.parametrize(
    "shown",
    [
        {"type": "tool_use", "id": "t1", "name": "f", "input": {"a": 1}},
        {"type": "tool_call", "id": "t1", "name": "f", "args": {"a": 1}},
        {"type": "function_call", "call_id": "t1", "id": "fc_1", "name": "f", "arguments": "{}"},
        {"type": "tool_call", "id": None, "name": "f", "args": {"a": 1}},
        {"functionCall": {"name": "f", "args": {"a": 1}}},
        {"type": "non_standard", "value": {"function_call": {"name": "f"}}},
    ],
)
def test_a_call_stands_where_the_content_shows_it(shown: Any):
    message = answer(SO, shown, NOW, tool_calls=[CALL])

    assert parts_from_other_provider(message) == [{"text": "so"}, CALL_PART, {"text": "now"}]


def test_calls_that_the_content_does_not_show_stand_at_the_end():
    again = {**CALL, "id": "t2"}

    assert parts_from_other_provider(AIMessage("so", tool_calls=[CALL])) == [{"text": "so"}, CALL_PART]
    assert parts_from_other_provider(AIMessage("", tool_calls=[CALL, again])) == [CALL_PART, CALL_PART]


def test_calls_go_as_they_have_been_edited():
    shown = {"type": "tool_use", "id": "t1", "name": "f", "input": {"a": 0}}

    assert parts_from_other_provider(answer(shown, SO, tool_calls=[CALL])) == [
        CALL_PART,
        {"text": "so"},
    ]


@pytest.mark.parametrize(
    "message",
    [
        AIMessage(
            "",
            tool_calls=[CALL],
            additional_kwargs={"__gemini_function_call_thought_signatures__": {"t1": "c2ln"}},
        ),
        answer({"type": "tool_call", **CALL, "extras": {"signature": "c2ln"}}, tool_calls=[CALL]),
        answer({"type": "function_call_signature", "signature": "c2ln", "index": 0}, tool_calls=[CALL]),
    ],
)
def test_signatures_of_calls(message: AIMessage):
    assert parts_from_other_provider(message) == [{**CALL_PART, **SIGNED}]


def test_what_openai_keeps_beside_the_content():
    message = AIMessage(
        [SO],
        additional_kwargs={
            "tool_outputs": [OPENAI_RUN],
            "refusal": "no more",
            "audio": {"transcript": "heard"},
        },
    )

    assert parts_from_other_provider(message) == [
        CODE, RESULT, IMAGE, {"text": "so"}, {"text": "no more"}, {"text": "heard"},
    ]  # fmt: skip


PARTS = [
    {"text": "Let me see."},
    CODE,
    RESULT,
    IMAGE,
    {"executableCode": {"language": "PYTHON", "code": "1/0"}},
    {"codeExecutionResult": {"outcome": "OUTCOME_FAILED", "output": "ZeroDivisionError"}},
    {"text": "Done.", **SIGNED},
    {**CALL_PART, **SIGNED},
]


@pytest.mark.filterwarnings("ignore:\\s*Warning. Output may vary:UserWarning")
@pytest.mark.parametrize("standard", [False, True])
@pytest.mark.parametrize("streamed", [False, True])
def test_what_langchain_google_genai_made_of_a_response(streamed: bool, standard: bool):
    candidates = [[part] for part in PARTS] if streamed else [PARTS]
    answers = [
        genai_answer(
            Candidate.model_validate({"content": {"role": "model", "parts": parts}}),
            streaming=streamed, model_name_for_content="gemini-3-pro",
        )
        for parts in candidates
    ]  # fmt: skip
    message = answers[0]
    for chunk in answers[1:]:
        message = message + chunk  # type: ignore[assignment,operator]  # chunks add up to a chunk
    if standard:
        message = message.model_copy(update={"content": message.content_blocks})

    assert parts_from_other_provider(message) == PARTS


@pytest.mark.parametrize("standard", [False, True])
@pytest.mark.parametrize("provider", ["google_vertexai", ""])
def test_what_langchain_google_vertexai_made_of_a_response(provider: str, standard: bool):
    message = vertex_answer(
        VertexCandidate.from_json(json.dumps({"content": {"role": "model", "parts": PARTS}}))
    )
    message.response_metadata["model_provider"] = provider
    if standard and provider:
        message = message.model_copy(update={"content": message.content_blocks})

    assert parts_from_other_provider(message) == PARTS


def test_chunks_added_up():
    chunks = [AIMessageChunk(content="so "), AIMessageChunk(content="now", tool_call_chunks=[{"name": "f", "args": '{"a": 1}', "id": "t1", "index": 0}])]  # fmt: skip

    assert parts_from_other_provider(chunks[0] + chunks[1]) == [{"text": "so now"}, CALL_PART]  # type: ignore[arg-type]  # a chunk


@given(st.lists(ODD_BLOCKS | ODD_JSON, max_size=5), st.sampled_from(["", "google_genai", "openai"]), ODD_JSON)
def test_nothing_malformed_raises(blocks: list[Any], provider: str, beside: Any):
    message = AIMessage.model_construct(
        content=blocks,
        tool_calls=[CALL],
        additional_kwargs={
            "audio": beside,
            "refusal": beside,
            "__gemini_function_call_thought_signatures__": beside,
        },
        response_metadata={"model_provider": provider},
    )

    parts = parts_from_other_provider(message)

    assert sum("functionCall" in part for part in parts) == 1
    assert json.loads(json.dumps(parts, allow_nan=True)) or parts == []
