"""Reading runs out of messages, one case for each shape in which a provider tells of one."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage, ToolMessage
from langchain_core.prompt_values import ChatPromptValue

from langchain_codeexec import CodeExecution, code_executions
from langchain_codeexec.executions import InlineFile, Outcome, artifact_from_executions
from tests.messages.blocks import ODD_BLOCKS, ODD_JSON, answer, v1_call, v1_result

OK, FAILED, DEADLINE, UNSPECIFIED = Outcome.OK, Outcome.FAILED, Outcome.DEADLINE_EXCEEDED, Outcome.UNSPECIFIED
PIXEL = InlineFile(b"\x89PNG", "image/png")
PIXEL_BASE64 = "iVBORw=="
PIXEL_URI = f"data:image/png;base64,{PIXEL_BASE64}"


def v1_pair(call: dict[str, Any], output: Any, status: str, **extras: Any) -> list[Any]:
    return [call, v1_result(output, call["id"], status, **extras)]


def anthropic(tool: str, arguments: dict[str, Any], content: dict[str, Any]) -> list[Any]:
    return [
        {"type": "server_tool_use", "id": "srvtoolu_1", "name": tool, "input": arguments},
        {"type": f"{tool}_tool_result", "tool_use_id": "srvtoolu_1", "content": content},
    ]


def openai(status: str, *outputs: Any) -> list[Any]:
    run = {"type": "code_interpreter_call", "id": "ci_1", "code": "c", "container_id": "cntr_1"}
    return [{**run, "status": status, "outputs": list(outputs)}]


ANTHROPIC_OK = {
    "type": "code_execution_result",
    "stdout": "1\n",
    "stderr": "",
    "return_code": 0,
    "content": [],
}
ANTHROPIC_BAD = {**ANTHROPIC_OK, "stdout": "x", "stderr": "Boom", "return_code": 1}

SHAPES = {
    "standard": (
        [v1_call(language="PYTHON"), v1_result(outcome="OUTCOME_OK")],
        CodeExecution("print(1)", "PYTHON", OK, "1\n", id="c1"),
    ),
    "standard, too slow": (
        [v1_call(language="PYTHON"), v1_result("late", status="error", outcome="OUTCOME_DEADLINE_EXCEEDED")],
        CodeExecution("print(1)", "PYTHON", DEADLINE, "late", id="c1"),
    ),
    "standard, without a result": ([v1_call()], CodeExecution("print(1)", id="c1")),
    "standard, without code": (
        [v1_result(outcome="OUTCOME_OK")],
        CodeExecution("", "PYTHON", OK, "1\n", id="c1"),
    ),
    "standard, an outcome of the future": (
        [v1_call(), v1_result(outcome="OUTCOME_NEW")],
        CodeExecution("print(1)", "PYTHON", UNSPECIFIED, "1\n", id="c1"),
    ),
    "standard, streamed": (
        [{**v1_call(), "type": "server_tool_call_chunk", "args": '{"code": "print(1)", "language": "PYTHON"}'}],
        CodeExecution("print(1)", id="c1"),
    ),
    "standard, streamed in part": (
        [{**v1_call(), "type": "server_tool_call_chunk", "args": '{"code": "pri'}],
        CodeExecution("", id="c1"),
    ),
    "google": (
        [
            {"type": "executable_code", "executable_code": "print(1)", "language": "PYTHON", "id": "u1"},
            {"type": "code_execution_result", "code_execution_result": "1\n", "outcome": 1, "tool_call_id": ""},
        ],
        CodeExecution("print(1)", "PYTHON", OK, "1\n", id="u1"),
    ),
    "google, outcome and language as numbers, no ids": (
        [
            {"type": "executable_code", "executable_code": "print(1)", "language": 1},
            {"type": "code_execution_result", "code_execution_result": "late", "outcome": 3},
        ],
        CodeExecution("print(1)", "PYTHON", DEADLINE, "late"),
    ),
    "google, no language": (
        [{"type": "executable_code", "executable_code": "x", "language": 0}],
        CodeExecution("x", "LANGUAGE_UNSPECIFIED"),
    ),
    "google, no outcome": (
        [{"type": "code_execution_result", "code_execution_result": "1\n"}],
        CodeExecution("", "PYTHON", OK, "1\n"),
    ),
    "google, standard blocks": (
        [v1_call(language="PYTHON", call_id="u1"), v1_result("bad", "", "error", block_type="code_execution_result", outcome=2)],
        CodeExecution("print(1)", "PYTHON", FAILED, "bad", id="u1"),
    ),
    "parts": (
        [
            {"executableCode": {"language": "PYTHON", "code": "print(1)", "id": "p"}},
            {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1\n", "id": "p"}},
        ],
        CodeExecution("print(1)", "PYTHON", OK, "1\n", id="p"),
    ),
    "parts in snake case, wrapped": (
        [
            {"type": "non_standard", "value": {"executable_code": {"language": "PYTHON", "code": "print(1)"}}},
            {"type": "non_standard", "value": {"code_execution_result": {"outcome": "OUTCOME_OK"}}},
        ],
        CodeExecution("print(1)", "PYTHON", OK, ""),
    ),
    "google's type around a part": (
        [
            {"type": "executable_code", "executable_code": {"language": "PYTHON", "code": "print(1)"}},
            {"type": "code_execution_result", "code_execution_result": {"outcome": "OUTCOME_FAILED", "output": "e"}},
        ],
        CodeExecution("print(1)", "PYTHON", FAILED, "e"),
    ),
    "openai": (
        openai("completed", {"type": "logs", "logs": "1\n"}, {"type": "image", "url": PIXEL_URI}),
        CodeExecution("c", "PYTHON", OK, "1\n", (PIXEL,), "ci_1", "openai"),
    ),
    "openai, an image elsewhere": (
        openai("completed", {"type": "image", "url": "https://x/y.png"}),
        CodeExecution("c", "PYTHON", OK, "https://x/y.png", (), "ci_1", "openai"),
    ),
    "openai, outputs not included": (
        [{**openai("completed")[0], "outputs": None}], CodeExecution("c", "PYTHON", OK, "", (), "ci_1", "openai"),
    ),
    "openai, failed": (openai("failed"), CodeExecution("c", "PYTHON", FAILED, "", (), "ci_1", "openai")),
    "openai, at work": (
        [{**openai("interpreting")[0], "outputs": None}], CodeExecution("c", id="ci_1", origin="openai"),
    ),
    "openai, standard blocks": (
        v1_pair(v1_call("c", "ci_1"), [{"type": "logs", "logs": "1\n"}, {"type": "image", "url": PIXEL_URI}], "success"),
        CodeExecution("c", "PYTHON", OK, "1\n", (PIXEL,), "ci_1", "openai"),
    ),
    "openai, standard blocks, at work": (
        [v1_call("c", "ci_1"), {"type": "server_tool_result", "tool_call_id": "ci_1", "extras": {"status": "in_progress"}}],
        CodeExecution("c", id="ci_1", origin="openai"),
    ),
    "anthropic": (
        anthropic("code_execution", {"code": "print(1)"}, ANTHROPIC_OK),
        CodeExecution("print(1)", "PYTHON", OK, "1\n", id="srvtoolu_1", origin="anthropic"),
    ),
    "anthropic, failed": (
        anthropic("code_execution", {"code": "print(1)"}, ANTHROPIC_BAD),
        CodeExecution("print(1)", "PYTHON", FAILED, "Boom", id="srvtoolu_1", origin="anthropic"),
    ),
    "anthropic, too slow": (
        anthropic(
            "code_execution", {"code": "x"},
            {"type": "code_execution_tool_result_error", "error_code": "execution_time_exceeded"},
        ),
        CodeExecution("x", "PYTHON", DEADLINE, "execution_time_exceeded", id="srvtoolu_1", origin="anthropic"),
    ),
    "anthropic, sandbox gone": (
        anthropic("code_execution", {"code": "x"}, {"type": "code_execution_tool_result_error", "error_code": "unavailable"}),
        CodeExecution("x", "PYTHON", FAILED, "unavailable", id="srvtoolu_1", origin="anthropic"),
    ),
    "anthropic, shell": (
        anthropic("bash_code_execution", {"command": "ls"}, {**ANTHROPIC_OK, "type": "bash_code_execution_result"}),
        CodeExecution("ls", "BASH", OK, "1\n", id="srvtoolu_1", origin="anthropic"),
    ),
    "anthropic, file shown": (
        anthropic(
            "text_editor_code_execution", {"command": "view", "path": "a"},
            {"type": "text_editor_code_execution_view_result", "file_type": "text", "content": "hello"},
        ),
        CodeExecution('{"command": "view", "path": "a"}', "TEXT_EDITOR", OK, "hello", id="srvtoolu_1", origin="anthropic"),
    ),
    "anthropic, file changed": (
        anthropic(
            "text_editor_code_execution", {"command": "str_replace"},
            {"type": "text_editor_code_execution_str_replace_result", "lines": ["-a", "+b"]},
        ),
        CodeExecution('{"command": "str_replace"}', "TEXT_EDITOR", OK, "-a\n+b", id="srvtoolu_1", origin="anthropic"),
    ),
    "anthropic, streamed": (
        [{"type": "server_tool_use", "id": "srvtoolu_1", "name": "code_execution", "input": {}, "partial_json": '{"code": "x"}'}],
        CodeExecution("x", id="srvtoolu_1", origin="anthropic"),
    ),
    "anthropic, standard blocks": (
        v1_pair(v1_call("x", "srvtoolu_1"), ANTHROPIC_BAD, "success", block_type="code_execution_tool_result"),
        CodeExecution("x", "PYTHON", FAILED, "Boom", id="srvtoolu_1", origin="anthropic"),
    ),
    "anthropic, standard blocks, shell": (
        v1_pair(
            {"type": "server_tool_call", "name": "bash_code_execution", "id": "srvtoolu_1", "args": {"command": "ls"}},
            ANTHROPIC_OK, "success", block_type="bash_code_execution_tool_result",
        ),
        CodeExecution("ls", "BASH", OK, "1\n", id="srvtoolu_1", origin="anthropic"),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("blocks", "expected"), SHAPES.values(), ids=SHAPES)
def test_shape(blocks: list[Any], expected: CodeExecution):
    assert code_executions(answer(*blocks)) == [expected]
    assert code_executions(AIMessageChunk(content=blocks)) == [expected]


@pytest.mark.parametrize(
    ("provider", "origin"),
    [
        *((name, name) for name in ("openai", "anthropic")),
        *((name, "gemini") for name in ("google_genai", "google_vertexai", "else")),
    ],
)
def test_provider_tells_the_origin_of_standard_blocks(provider: str, origin: str):
    (run,) = code_executions(answer(v1_call(), v1_result(outcome="OUTCOME_OK"), provider=provider))

    assert run.origin == origin


@pytest.mark.parametrize(
    "shape",
    [
        "openai", "openai, outputs not included", "openai, failed", "anthropic", "anthropic, failed", "anthropic, shell",
        "anthropic, file shown", "google",
    ],
)  # fmt: skip
def test_langchains_own_translation_to_standard_blocks_says_the_same(shape: str):
    provider = {"google": "google_genai"}.get(shape, shape.partition(",")[0])
    blocks, expected = SHAPES[shape]
    standard = answer(*blocks, provider=provider).content_blocks

    assert code_executions(answer(*standard, provider=provider)) == [expected]


def test_outputs_that_openai_kept_beside_the_content():
    blocks, expected = SHAPES["openai"]
    beside = answer({"type": "text", "text": "done"}, additional_kwargs={"tool_outputs": blocks})
    twice = answer(*blocks, additional_kwargs={"tool_outputs": blocks})

    assert code_executions(beside) == code_executions(twice) == [expected]


C1, C2 = v1_call("one", "a"), v1_call("two", "b")
IMAGE = {"type": "image", "base64": PIXEL_BASE64, "mime_type": "image/png"}
TEXT = {"type": "text", "text": "so"}
THOUGHT_IMAGE = {**IMAGE, "extras": {"part": {"thought": True}}}


@pytest.mark.parametrize(
    ("blocks", "expected"),
    [
        ([C1, C2, v1_result("1", "a"), v1_result("2", "b")], [("one", "1"), ("two", "2")]),
        ([C1, C2, v1_result("2", "b"), v1_result("1", "a")], [("one", "1"), ("two", "2")]),
        ([C1, v1_result("1", ""), C2, v1_result("2", "", outcome=1)], [("one", None), ("two", "2")]),
        (
            [C1, v1_result("1", "", outcome=1), C2, v1_result("2", "", outcome=1)],
            [("one", "1"), ("two", "2")],
        ),
        ([C1, C2, v1_result("2", "", outcome=1)], [("one", None), ("two", "2")]),
        ([v1_result("0", "", outcome=1), C1], [("", "0"), ("one", None)]),
        ([v1_result(n, i, outcome=1) for n, i in ("1a", "2b")] + [C2, C1], [("one", "1"), ("two", "2")]),
        ([C1, v1_result("0", "other", outcome=1)], [("one", None), ("", "0")]),
        ([C1, v1_result("1\n", "a"), v1_result("2", "a")], [("one", "1\n2")]),
        ([C1, v1_result("1", "", outcome=1), v1_result("2", "", outcome=1)], [("one", "12")]),
        ([C1, C2, *(v1_result(n, "", outcome=1) for n in "123")], [("one", "1"), ("two", "23")]),
        ([C1, v1_result("1", "", outcome=1), TEXT, v1_result("2", "", outcome=1)], [("one", "1"), ("", "2")]),
    ],
)
def test_code_and_results_are_linked_by_id_else_by_order(
    blocks: list[Any], expected: list[tuple[str, str | None]]
):
    assert [(run.code, run.output) for run in code_executions(answer(*blocks))] == expected


@pytest.mark.parametrize(
    ("blocks", "counts"),
    [
        ([C1, v1_result("1", "a"), IMAGE, IMAGE, TEXT], [2]),
        ([C1, v1_result("1", "a"), TEXT, IMAGE], [0]),
        ([C1, v1_result("1", "a"), "so", IMAGE], [0]),
        ([C1, v1_result("1", "a"), THOUGHT_IMAGE, IMAGE], [1]),
        ([C1, v1_result("1", "a"), {**THOUGHT_IMAGE["extras"]["part"], "inlineData": {"data": PIXEL_BASE64}}], [0]),
        ([C1, v1_result("1", "a"), IMAGE, v1_result("2", "a"), IMAGE], [2]),
        ([C1, v1_result("1", "a"), {"type": "text", "text": ""}, " ", IMAGE], [1]),
        ([C1, v1_result("1", "a"), IMAGE, C2, v1_result("2", "b"), IMAGE], [1, 1]),
        ([C1, IMAGE, v1_result("1", "a")], [0]),
        ([IMAGE, C1], [0]),
        ([C1, IMAGE, TEXT, IMAGE, C2, IMAGE], [1, 1]),  # Google's packages leave empty results out
        ([C1, v1_result("1", "a"), {"type": "image_url", "image_url": {"url": PIXEL_URI}}], [1]),
        ([C1, v1_result("1", "a"), {"type": "image_url", "image_url": PIXEL_URI}], [1]),
        ([C1, v1_result("1", "a"), {"type": "image", "url": PIXEL_URI}], [1]),
        ([C1, v1_result("1", "a"), {"type": "media", "data": b"\x89PNG", "mime_type": "image/png"}], [1]),
        ([C1, v1_result("1", "a"), {"inlineData": {"mimeType": "image/png", "data": "iVBORw"}}], [1]),
        ([C1, v1_result("1", "a"), {"type": "non_standard", "value": {"inline_data": {"mime_type": "image/png", "data": PIXEL_BASE64}}}], [1]),
    ],
)  # fmt: skip
def test_images_belong_to_the_result_they_follow(blocks: list[Any], counts: list[int]):
    runs = code_executions(answer(*blocks))

    assert [len(run.images) for run in runs] == counts
    assert all(image == PIXEL for run in runs for image in run.images)


def test_base64_of_either_alphabet():
    standard, url_safe = (
        {"type": "image", "base64": data, "mime_type": "image/png"} for data in ("+/+/", "-_-_")
    )
    (run,) = code_executions(answer(C1, v1_result("1", "a"), standard, url_safe))

    assert run.images[0] == run.images[1]


@pytest.mark.parametrize(
    "blocks",
    [
        [
            {"type": "server_tool_call", "name": "web_search", "id": "w", "args": {"query": "x"}},
            v1_result("found", "w"),
        ],
        [{"type": "server_tool_use", "name": "web_search", "id": "w", "input": {}}],
        [{"type": "text", "text": "```python\nprint(1)\n```"}],
        ["print(1)"],
        [],
    ],
)
def test_what_is_no_run(blocks: list[Any]):
    assert code_executions(answer(*blocks)) == []


def test_other_messages():
    record = CodeExecution("x", origin="process")

    assert code_executions(HumanMessage("hi")) == []
    assert code_executions(AIMessage("hi")) == []
    assert code_executions(ToolMessage("1", tool_call_id="c", artifact=record)) == [record]


@given(st.lists(ODD_BLOCKS | st.text(max_size=5), max_size=5), ODD_JSON)
def test_nothing_malformed_raises(blocks: list[Any], beside: Any):
    message = AIMessage.model_construct(
        content=blocks,
        additional_kwargs={"tool_outputs": beside},
        response_metadata={"model_provider": beside},
    )

    for run in code_executions(message):
        assert isinstance(run.code, str)
        assert (run.outcome is None) == (run.output is None)


def test_runs_of_a_conversation_are_read_from_messages_and_states():
    runs = [CodeExecution("one", outcome=Outcome.OK, output="1"), CodeExecution("two")]
    messages = [
        HumanMessage("Compute."),
        answer(C1, v1_result("1", "a")),
        ToolMessage("", tool_call_id="t", artifact=artifact_from_executions(runs[1:])),
    ]

    for source in (messages, tuple(messages), {"messages": messages}, ChatPromptValue(messages=messages)):
        assert [run.code for run in code_executions(source)] == ["one", "two"]
    for nothing in ([], {}, {"messages": []}, {"messages": None}, [None], None):
        assert code_executions(nothing) == []  # type: ignore[arg-type]
