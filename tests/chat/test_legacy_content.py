"""Answers in the form of the other packages, `output_version="v0"`: theirs for theirs, streamed and replayed."""

from functools import reduce
from operator import add
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage
from langchain_google_genai import ChatGoogleGenerativeAI

from langchain_codeexec import code_executions

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
SIGNATURE = {"thoughtSignature": "c2lnbmF0dXJl"}
RUN = [
    {"executableCode": {"language": "PYTHON", "code": "print(27)", "id": "x"}},
    {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "27\n", "id": "x"}},
]
CALL = {"functionCall": {"name": "weather", "args": {"city": "Utrecht"}, "id": "c"}, **SIGNATURE}
IMAGE = {"inlineData": {"mimeType": "image/png", "data": PNG}}
FAILED = [RUN[0], {"codeExecutionResult": {"outcome": "OUTCOME_FAILED", "output": "No.", "id": "x"}}]
THOUGHT = {"text": "Let me think.", "thought": True}


@pytest.mark.filterwarnings("ignore:(?s).*Output may vary each run", "ignore:.*thought_signature")
@pytest.mark.parametrize("model", ["gemini-2.5-flash", "gemini-3-flash-preview"])
@pytest.mark.parametrize(
    "parts",
    [
        pytest.param([{"text": "Hello."}], id="text"),
        pytest.param([{"text": "I run it. "}, *RUN, {"text": "It is 27."}], id="run"),
        pytest.param([{"text": "I run it. "}, *FAILED], id="failed run"),
        pytest.param([THOUGHT, {"text": "Hello."}], id="thought"),
        pytest.param([{**THOUGHT, **SIGNATURE}, {"text": "Hello.", **SIGNATURE}], id="signatures"),
        pytest.param([{"text": "See: "}, IMAGE, {**IMAGE, **SIGNATURE}], id="images"),
        pytest.param([THOUGHT, CALL], id="call"),
        pytest.param([], id="nothing"),
    ],
)
def test_the_content_is_the_other_packages(wire: Any, model: str, parts: list[Any]) -> None:
    wire.says(_response(parts, model))
    theirs = ChatGoogleGenerativeAI(model=model, api_key="k", base_url=wire.url, output_version="v0")
    ours = wire.chat(model=model, output_version="v0", answer_retries=0).invoke("q")
    expected = theirs.invoke("q")
    assert _without_ids(ours.content) == _without_ids(expected.content)
    assert ours.tool_calls == expected.tool_calls
    assert [block["type"] for block in ours.content_blocks] == [
        block["type"] for block in expected.content_blocks
    ]
    assert "output_version" not in ours.response_metadata


@pytest.mark.parametrize("model", ["gemini-2.5-flash", "gemini-3-flash-preview"])
def test_streamed_chunks_add_up_to_it_and_it_is_replayed(wire: Any, model: str) -> None:
    pieces = [[THOUGHT], [{"text": "I "}], [{"text": "run."}], RUN, [{"text": "It is "}], [{"text": "27."}]]
    llm = wire.chat(model=model, output_version="v0")
    whole = [THOUGHT, {"text": "I run."}, *RUN, {"text": "It is 27."}]
    for dropped in (0, 1):  # without the thought, texts of the older model are strings
        wire.says(_response(whole[dropped:], model))
        answer = llm.invoke("q")
        wire.says(*(_response(piece, model, end=piece is pieces[-1]) for piece in pieces[dropped:]))
        streamed = reduce(add, llm.stream("q"))
        assert _without_ids(streamed.content) == _without_ids(answer.content)
        assert [(run.code, run.output) for run in code_executions(streamed)] == [("print(27)", "27\n")]
        llm.invoke([HumanMessage("q"), AIMessage(**streamed.model_dump(exclude={"type"})), HumanMessage("n")])
        sent = wire.bodies[-1]["contents"][1]["parts"]
        assert [next(iter(part)) for part in sent] == [
            "text",
            "executableCode",
            "codeExecutionResult",
            "text",
        ]


async def test_signatures_of_the_other_service_stay_at_home(wire: Any) -> None:
    wire.says(_response([{"text": "Hello.", **SIGNATURE}], "gemini-3-flash-preview"))
    answer = await wire.chat(output_version="v0").ainvoke("q")
    for llm, kept in ((wire.chat(), True), (wire.vertex(), False)):
        await llm.ainvoke([HumanMessage("q"), answer, HumanMessage("n")])
        assert ("thoughtSignature" in wire.bodies[-1]["contents"][1]["parts"][0]) is kept


def _response(parts: list[Any], model: str, *, end: bool = True) -> dict[str, Any]:
    ending = {"finishReason": "STOP"} if end else {}
    return {"candidates": [{"content": {"role": "model", "parts": parts}, **ending}], "modelVersion": model}


def _without_ids(content: Any) -> Any:
    """The content without what is drawn at random, or has its place in a stream alone."""
    if isinstance(content, str):
        return content
    ignored = {"index", "id", "tool_call_id"}
    return [
        {key: value for key, value in block.items() if key not in ignored}
        if isinstance(block, dict)
        else block
        for block in content
    ]
