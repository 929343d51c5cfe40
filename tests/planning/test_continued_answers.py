"""Answers that go on over further requests, and several candidates of one."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from langchain_core.messages import HumanMessage
from pydantic import BaseModel

from langchain_codeexec import ChatGeminiCodeExecution, code_executions
from langchain_codeexec.emulator import EmulatedError
from langchain_codeexec.errors import (
    InvalidRequestError,
)
from tests.calls import ALL_WAYS, WHOLE_AND_STREAMED, call, invoked, response, streamed
from tests.planning.long_answers import (
    CODE,
    PRICE,
    QUESTION,
    RESULT,
    THOUGHT,
    counted,
    get_price,
    hop,
    kinds,
    text,
    tokens,
)
from tests.services import NEW, OLD, Gemini


@ALL_WAYS
def test_an_answer_goes_on_until_another_finish_reason(gemini: Gemini, endpoint: str, ask: Any) -> None:
    gemini.says(
        counted(hop("t1", text("The ans")), 10, 1),
        counted(hop("t2", text("wer "), CODE), 10, 2),
        counted(hop("t3", RESULT, text("is fo")), 10, 4),
        counted(response(text("rty two.")), 10, 8),
    )
    answer = ask(gemini.on(endpoint), QUESTION)
    assert tokens(gemini) == [None, "t1", "t2", "t3"]
    assert len({str({**body, "continuationToken": None}) for body in gemini.bodies[1:]}) == 1
    assert kinds(answer) == ["text", "server_tool_call", "server_tool_result", "text"]
    assert answer.text == "The answer is forty two."
    [run] = code_executions(answer)
    assert (run.code, run.output) == ("print(6 * 7)", "42\n")
    assert answer.usage_metadata == {"input_tokens": 40, "output_tokens": 15, "total_tokens": 55}
    metadata = answer.response_metadata
    assert metadata["finish_reason"] == "STOP"
    assert "continuation_token" not in metadata
    assert "finish_message" not in metadata


@ALL_WAYS
def test_thoughts_go_on_as_one_block(gemini: Gemini, ask: Any) -> None:
    gemini.says(hop("t1", THOUGHT), response({**THOUGHT, "text": "So."}, text("42")))
    answer = ask(gemini.chat(model=OLD))
    assert [block.get("reasoning") for block in answer.content] == ["Hm. So.", None]


@ALL_WAYS
def test_code_written_as_a_call_is_repaired_over_hops(gemini: Gemini, ask: Any) -> None:
    written = {"executableCode": {"language": "PYTHON", "code": 'print(default_api.get_price(item="lamp"))'}}
    failed = {"codeExecutionResult": {"outcome": "OUTCOME_FAILED", "output": "NameError: default_api"}}
    gemini.says(hop("t1", written), response(failed))
    answer = ask(gemini.chat().bind_tools([get_price]))
    assert [(called["name"], called["args"]) for called in answer.tool_calls] == [
        ("get_price", {"item": "lamp"})
    ]
    assert not code_executions(answer)


@ALL_WAYS
def test_delegating_answers_and_delegated_code_go_on(gemini: Gemini, ask: Any) -> None:
    gemini.says(
        hop("t1", text("Let me ")),
        response(text("compute. "), call("code_execution", task="6 * 7")),
        hop("t2", CODE),
        response(RESULT),
        hop("t3", text("It is ")),
        response(text("42.")),
    )
    answer = ask(gemini.chat(model=OLD).bind_tools([get_price]), QUESTION)
    assert tokens(gemini) == [None, "t1", None, "t2", None, "t3"]
    assert answer.text == "Let me compute. It is 42."
    assert [run.output for run in code_executions(answer)] == ["42\n"]
    assert not answer.tool_calls
    sent = gemini.body["contents"][-2:]
    assert [[next(iter(part)) for part in content["parts"]] for content in sent] == [
        ["text", "text", "functionCall"],
        ["functionResponse"],
    ]


@ALL_WAYS
def test_a_call_in_pieces_goes_on(gemini: Gemini, ask: Any) -> None:
    begun = {"functionCall": {"name": "get_price", "willContinue": True}}
    place = {"jsonPath": "$.item", "stringValue": "lamp"}
    rest = [{"functionCall": {"partialArgs": [place], "willContinue": True}}, {"functionCall": {}}]
    gemini.says([hop("t1", begun)], [response(*rest)])
    [called] = ask(gemini.chat().bind_tools([get_price])).tool_calls
    assert (called["name"], called["args"]) == ("get_price", {"item": "lamp"})


class Roads(BaseModel):
    """How many."""

    count: int


@WHOLE_AND_STREAMED
def test_both_requests_of_a_schema_apart_go_on(gemini: Gemini, ask: Any) -> None:
    gemini.says(hop("t1", CODE, RESULT), "42.", hop("t2", text('{"count"')), response(text(": 42}")))
    answer = ask(gemini.chat(model=OLD).bind(response_schema=Roads), QUESTION)
    assert tokens(gemini) == [None, "t1", None, "t2"]
    assert answer.text == '{"count": 42}'


@ALL_WAYS
@pytest.mark.parametrize(
    ("hops", "requests"),
    [
        ([hop("t1", text("a")), hop("t1", text("b")), hop("t2", text("c"))], 2),
        ([response(text("a"), finishReason="CONTINUATION"), "b"], 1),
        ([hop("t1", text("a")), *(hop(f"e{number}") for number in range(9))], 4),
    ],
    ids=["the same token again", "no token", "nothing in it"],
)
def test_an_answer_that_makes_no_progress_ends(
    gemini: Gemini, ask: Any, hops: list[Any], requests: int
) -> None:
    gemini.says(*hops)
    answer = ask(gemini.chat())
    assert len(gemini.requests) == requests
    assert answer.text == "ab"[: len(answer.text)]
    assert answer.response_metadata["finish_reason"] == "CONTINUATION"
    assert answer.response_metadata["finish_message"]


def test_a_long_answer_is_not_bounded(gemini: Gemini) -> None:
    gemini.says(*(hop(f"t{number}", text(f"{number} ")) for number in range(40)), "end")
    assert gemini.chat().invoke(QUESTION).text == "".join(f"{number} " for number in range(40)) + "end"


@WHOLE_AND_STREAMED
def test_a_refused_token_is_an_error(gemini: Gemini, ask: Any) -> None:
    gemini.says(hop("t1", text("a")), EmulatedError(400, message="The continuation token is not valid."))
    with pytest.raises(InvalidRequestError, match="token"):
        ask(gemini.chat())


def test_every_candidate_of_one_request_is_kept(gemini: Gemini) -> None:
    one, two = hop("t1", text("a")), response(text("b"))
    one["candidates"].append({"content": {"parts": [text("x")]}, "finishReason": "STOP", "index": 1})
    gemini.says(one, two)
    result = gemini.chat(model=OLD).generate([[HumanMessage(QUESTION)]])
    assert [generation.text for generation in result.generations[0]] == ["ab", "x"]


class Hops:
    """A transport that plays hops, each whole or in a stream of its parts."""

    endpoint = "developer"
    address = ""

    def __init__(self, hops: list[list[Any]]) -> None:
        self._hops = [hop(f"t{number}", *parts) for number, parts in enumerate(hops[:-1])] + [
            response(*hops[-1])
        ]

    def _hop(self, request: Any) -> dict[str, Any]:
        token = request.get("continuationToken")
        return self._hops[0 if token is None else int(token[1:]) + 1]

    def generate(self, model: str, request: Any, *, timeout: float | None = None) -> Any:
        return self._hop(request)

    def stream(self, model: str, request: Any, *, timeout: float | None = None) -> Iterator[Any]:
        [candidate] = self._hop(request)["candidates"]
        for part in candidate["content"]["parts"]:
            yield {"candidates": [{"content": {"parts": [part]}}]}
        yield {"candidates": [{**candidate, "content": {}}]}


PARTS = st.sampled_from([
    text("a "), text("b"), THOUGHT, CODE, RESULT, PRICE, {"text": "", "thoughtSignature": "c2ln"},
    {"text": "signed", "thoughtSignature": "c2ln"}, {"hologram": 1},
])  # fmt: skip


@given(st.lists(st.lists(PARTS, min_size=1, max_size=3), min_size=2, max_size=4))
def test_hops_add_up_to_the_same_streamed_and_invoked(hops: list[list[Any]]) -> None:
    # Within one response plain texts stand apart, in a stream they are one: no two of them come together here.
    assume(
        not any(
            one.keys() == two.keys() <= {"text", "thought"} for parts in hops for one, two in pairwise(parts)
        )
    )
    llm = ChatGeminiCodeExecution(model=NEW, transport=Hops(hops), answer_retries=0).bind_tools([get_price])
    whole, chunks = invoked(llm), streamed(llm)
    contents = [
        [{key: value for key, value in block.items() if key != "index"} for block in answer.content]
        for answer in (whole, chunks)
    ]
    assert contents[0] == contents[1]
    assert whole.tool_calls == chunks.tool_calls
    assert whole.response_metadata["finish_reason"] == chunks.response_metadata["finish_reason"] == "STOP"


@pytest.mark.parametrize(
    ("steps", "kept"),
    [
        ([[text("a")], [text("b")]], ["a", "b"]),
        ([[text("a")], [call("code_execution", task="x")]], ["a"]),
        ([[call("code_execution", task="x")], [text("b")]], ["42."]),
    ],
    ids=["one request answers", "another one delegates", "the first one delegates"],
)
def test_candidates_beside_a_delegate(gemini: Gemini, steps: list[Any], kept: list[str]) -> None:
    candidates = [
        {"content": {"parts": parts}, "finishReason": "STOP", "index": index}
        for index, parts in enumerate(steps)
    ]
    gemini.says({"candidates": candidates}, [CODE, RESULT], "42.")
    llm = gemini.chat(model=OLD, n=2).bind_tools([get_price])
    result = llm.bound.generate([[HumanMessage(QUESTION)]], **llm.kwargs)
    assert [generation.text for generation in result.generations[0]] == kept
