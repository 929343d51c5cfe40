"""Answers that take more than one request: continued, resumed, or asked for again."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from langchain_core.messages import HumanMessage, ToolMessage
from pydantic import BaseModel

from langchain_codeexec import ChatGeminiCodeExecution, code_executions
from langchain_codeexec.emulator import EmulatedError
from langchain_codeexec.errors import (
    GeminiConnectionError,
    GeminiError,
    GeminiTimeoutError,
    InvalidRequestError,
    RateLimitError,
    ResponseFormatError,
    ServerError,
)
from tests.calls import ALL_WAYS, WHOLE_AND_STREAMED, call, invoked, response, streamed
from tests.services import NEW, OLD

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from tests.services import Gemini

CODE = {"executableCode": {"language": "PYTHON", "code": "print(6 * 7)"}}
RESULT = {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "42\n"}}
QUESTION = "How many roads must a man walk down?"


def get_price(item: str) -> float:
    """Look up the price of an item in the catalog."""
    return 9.5


PRICE = call("get_price", item="lamp")
THOUGHT = {"text": "Hm. ", "thought": True}


def text(said: str) -> dict[str, Any]:
    return {"text": said}


def hop(token: str, *parts: Any) -> dict[str, Any]:
    return response(*parts, finishReason="CONTINUATION", continuationToken=token)


def counted(answer: dict[str, Any], prompt: int, candidates: int) -> dict[str, Any]:
    others = {"toolUsePromptTokenCount": 0, "thoughtsTokenCount": 0}
    usage = {"promptTokenCount": prompt, "candidatesTokenCount": candidates, **others}
    return {**answer, "usageMetadata": usage}


def tokens(gemini: Gemini) -> list[str | None]:
    return [body.get("continuationToken") for body in gemini.bodies]


def kinds(answer: Any) -> list[str]:
    return [block["type"] for block in answer.content]


# -- continuation --------------------------------------------------------------------------------------------


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


# -- streams that are cut ------------------------------------------------------------------------------------


class Streams:
    """A transport that plays streams: chunks, and what breaks them off."""

    endpoint = "developer"
    address = ""

    def __init__(self, *streams: list[Any]) -> None:
        self._streams = iter(streams)
        self.bodies: list[dict[str, Any]] = []

    def stream(self, model: str, request: Any, *, timeout: float | None = None) -> Iterator[Any]:
        self.bodies.append(request)
        for item in next(self._streams):
            if isinstance(item, Exception):
                raise item
            yield item

    def generate(self, model: str, request: Any, *, timeout: float | None = None) -> Any:
        raise AssertionError("only streams are played")

    async def astream(self, model: str, request: Any, *, timeout: float | None = None) -> AsyncIterator[Any]:
        for item in self.stream(model, request):
            yield item


def read(transport: Streams) -> list[str]:
    llm = ChatGeminiCodeExecution(model=NEW, transport=transport)
    return [chunk.text for chunk in llm.stream(QUESTION)]


def aread(transport: Streams) -> list[str]:
    async def texts() -> list[str]:
        llm = ChatGeminiCodeExecution(model=NEW, transport=transport)
        return [chunk.text async for chunk in llm.astream(QUESTION)]

    return asyncio.run(texts())


READERS = pytest.mark.parametrize("read", [read, aread])


def piece(said: str, token: str = "", **candidate: Any) -> dict[str, Any]:
    more = {"continuationToken": token} if token else {}
    return {"candidates": [{"content": {"parts": [text(said)]} if said else {}, **more, **candidate}]}


LOST = GeminiConnectionError("the connection broke")
END = piece("end", finishReason="STOP")
MID_STREAM = [
    LOST,
    GeminiTimeoutError("no answer in time"),
    ResponseFormatError("broken JSON"),
    ServerError("Overloaded.", status_code=503),
    RateLimitError("Slow down.", status_code=429),
]


@READERS
@pytest.mark.parametrize("failure", [*MID_STREAM, None], ids=lambda failure: type(failure).__name__)
def test_a_stream_that_is_cut_behind_a_token_is_resumed(read: Any, failure: Any) -> None:
    broken = [failure] if failure else []
    transport = Streams(
        [piece("a"), piece("b", "t1"), *broken], [piece("c", "t2"), piece("d"), *broken], [END]
    )
    assert "".join(read(transport)) == "abcdend"
    assert [body.get("continuationToken") for body in transport.bodies] == [None, "t1", "t2"]


@READERS
@pytest.mark.parametrize(
    ("streams", "shown", "requests"),
    [
        ([[piece("a"), LOST]], "a", 1),
        ([[piece("a", "t1"), LOST], *[[LOST]] * 9], "a", 4),
        ([[piece("a", "t1"), LOST], [RateLimitError("Slow down.", status_code=429)], [END]], "a", 2),
    ],
    ids=["without a token", "three times without progress", "refused"],
)
def test_what_cannot_be_resumed_is_raised_after_what_was_shown(
    read: Any, streams: list[Any], shown: str, requests: int
) -> None:
    transport = Streams(*streams)
    seen: list[str] = []
    llm = ChatGeminiCodeExecution(model=NEW, transport=transport)
    with pytest.raises(GeminiError):
        seen += [seen.append(chunk.text) or "" for chunk in llm.stream(QUESTION)]
    assert ("".join(seen), len(transport.bodies)) == (shown, requests)


@READERS
@pytest.mark.parametrize(
    "again",
    [
        [piece("bcd"), END],
        [piece("bc"), piece("dend", finishReason="STOP")],
        [piece("b"), piece("c"), piece("d", "t2"), END],
        [piece("b"), LOST],
        [piece("bcd", "t1"), LOST],
    ],
)
def test_what_was_shown_behind_a_token_is_shown_once(read: Any, again: list[Any]) -> None:
    transport = Streams([piece("a", "t1"), piece("b"), piece("cd"), LOST], again, [piece("bcd"), END])
    assert "".join(read(transport)) == "abcdend"


def test_code_that_was_shown_behind_a_token_is_shown_once() -> None:
    code = {"candidates": [{"content": {"parts": [CODE]}}]}
    transport = Streams([piece("a", "t1"), code, LOST], [code, END])
    llm = ChatGeminiCodeExecution(model=NEW, transport=transport)
    blocks = [block for chunk in llm.stream(QUESTION) for block in chunk.content]
    assert [block["type"] for block in blocks] == ["text", "server_tool_call", "text"]


@pytest.mark.parametrize("again", [["blue"], ["bl", "ue"], ["b", "lue"], ["blu", "e"]], ids="-".join)
def test_a_call_that_was_begun_behind_a_token_is_one_call(again: list[str]) -> None:
    def pieces(*texts: str) -> list[Any]:
        paths = [{"jsonPath": "$.item", "stringValue": each, "willContinue": True} for each in texts]
        parts = [{"name": "get_price", "willContinue": True}]
        parts += [{"partialArgs": [each], "willContinue": True} for each in paths]
        return [{"candidates": [{"content": {"parts": [{"functionCall": part}]}}]} for part in parts]

    end = {"candidates": [{"content": {"parts": [{"functionCall": {}}]}, "finishReason": "STOP"}]}
    transport = Streams([piece("a", "t1"), *pieces("bl"), LOST], [*pieces(*again), end])
    llm = ChatGeminiCodeExecution(model=NEW, transport=transport).bind_tools([get_price])
    [called] = streamed(llm).tool_calls
    assert called["args"] == {"item": "blue"}


@READERS
@pytest.mark.parametrize(
    "cut",
    [
        ["a\ud83d", "\ude00b"],
        ["a\ud83d", "\ude00", "b"],
        ["a", "\ud83d", "", "\ude00b"],
        ["a", "\ud83d", "\ude00b"],
    ],
)
def test_a_character_that_is_cut_in_half_is_whole(read: Any, cut: list[str]) -> None:
    assert "".join(read(Streams([*map(piece, cut), END]))) == "a😀bend"


@READERS
def test_progress_starts_the_count_anew(read: Any) -> None:
    cuts = [[LOST], [LOST], [piece("b", "t2"), LOST], [LOST], [LOST]]
    transport = Streams([piece("a", "t1"), LOST], *cuts, [END])
    assert "".join(read(transport)) == "abend"


def test_usage_of_a_cut_stream_counts() -> None:
    cut, end = (
        counted(piece("a", "t1"), 10, 1),
        counted(END, 10, 2),
    )
    llm = ChatGeminiCodeExecution(model=NEW, transport=Streams([cut, LOST], [end]))
    *_, last = llm.stream(QUESTION)
    assert last.usage_metadata["total_tokens"] == 23


# -- answers that are none -----------------------------------------------------------------------------------


def malformed(message: str | None, *parts: Any, reason: str = "MALFORMED_FUNCTION_CALL") -> dict[str, Any]:
    return response(*parts, finishReason=reason, **({"finishMessage": message} if message else {}))


READABLE = 'Malformed function call: print(default_api.get_price(item="lamp"))'
BROKEN = "Malformed function call: print(default_api.get_price(item='the baker's lamp'))"
UNDECLARED = "Unexpected tool call: Model tried to call an undeclared function: look_up"


@WHOLE_AND_STREAMED
def test_beside_other_candidates_an_empty_answer_stays(gemini: Gemini, ask: Any) -> None:
    empty = response()
    empty["candidates"].append({"content": {"parts": [text("x")]}, "finishReason": "STOP", "index": 1})
    gemini.says(empty, "y")
    assert "y" not in ask(gemini.chat()).text
    assert len(gemini.requests) == 1


@ALL_WAYS
@pytest.mark.parametrize(
    ("model", "parts"), [(OLD, []), (NEW, []), (NEW, [THOUGHT]), (OLD, [text("Let me see. ")])]
)
def test_a_malformed_call_that_can_be_read_is_mended(
    gemini: Gemini, ask: Any, model: str, parts: list[Any]
) -> None:
    gemini.says(malformed(READABLE, *parts), "It is 9.50.")
    llm = gemini.chat(model=model).bind_tools([get_price])
    answer = ask(llm, QUESTION)
    [called] = answer.tool_calls
    assert (called["name"], called["args"]) == ("get_price", {"item": "lamp"})
    assert (len(gemini.requests), answer.response_metadata["finish_reason"]) == (1, "STOP")
    assert "finish_message" not in answer.response_metadata
    reply = ToolMessage("9.5", tool_call_id=called["id"])
    assert (
        gemini.chat(model=model).bind_tools([get_price]).invoke([HumanMessage(QUESTION), answer, reply]).text
    )


@WHOLE_AND_STREAMED
@pytest.mark.parametrize(
    "none",
    [
        malformed(BROKEN),
        malformed(None),
        malformed(BROKEN, THOUGHT),
        malformed(UNDECLARED, call("look_up"), reason="UNEXPECTED_TOOL_CALL"),
        malformed(UNDECLARED, reason="UNEXPECTED_TOOL_CALL"),
        response(),
        {"candidates": [{"finishReason": "STOP"}]},
        response(THOUGHT),
        response(text("")),
        response({"thoughtSignature": "c2ln"}),
    ],
)
def test_an_answer_that_is_none_is_asked_for_once_more(gemini: Gemini, ask: Any, none: Any) -> None:
    gemini.says(counted(none, 10, 1), counted(response(text("Fine.")), 10, 2))
    answer = ask(gemini.chat().bind_tools([get_price]), QUESTION)
    assert (answer.text, answer.tool_calls) == ("Fine.", [])
    assert gemini.bodies[0] == gemini.bodies[1]
    assert answer.usage_metadata["total_tokens"] == 23
    assert answer.response_metadata["finish_reason"] == "STOP"
    assert "finish_message" not in answer.response_metadata


@ALL_WAYS
@pytest.mark.parametrize(
    ("settings", "requests", "none", "words"),
    [
        ({}, 2, malformed(BROKEN), "baker"),
        ({"answer_retries": 0}, 1, malformed(None), "cannot be parsed"),
        ({"answer_retries": 3}, 4, malformed(UNDECLARED, reason="UNEXPECTED_TOOL_CALL"), "undeclared"),
        ({}, 2, {"candidates": [{"finishReason": "STOP"}]}, "without an answer"),
    ],
)
def test_an_answer_that_stays_none_says_what_happened(  # noqa: PLR0913, PLR0917 -- a table with a column for each
    gemini: Gemini, ask: Any, settings: Any, requests: int, none: Any, words: str
) -> None:
    gemini.says(none)
    answer = ask(gemini.chat(**settings).bind_tools([get_price]))
    assert (answer.text, len(gemini.requests)) == ("", requests)
    assert words in answer.response_metadata["finish_message"]


@ALL_WAYS
def test_a_malformed_call_behind_words_is_asked_for_behind_them(gemini: Gemini, ask: Any) -> None:
    gemini.says(malformed(BROKEN, text("Let me see. ")), [PRICE])
    answer = ask(gemini.chat().bind_tools([get_price]), QUESTION)
    assert (answer.text, [called["name"] for called in answer.tool_calls]) == ("Let me see. ", ["get_price"])
    *_, said, demand = gemini.body["contents"]
    assert (said["role"], said["parts"], demand["role"]) == ("model", [text("Let me see. ")], "user")


@ALL_WAYS
@pytest.mark.parametrize("finish", [{}, {"finishReason": "UNEXPECTED_TOOL_CALL"}])
def test_calls_that_came_are_kept(gemini: Gemini, ask: Any, finish: dict[str, Any]) -> None:
    gemini.says(response(call("look_up"), PRICE, **finish))
    answer = ask(gemini.chat().bind_tools([get_price]))
    assert ([called["name"] for called in answer.tool_calls], len(gemini.requests)) == (
        ["look_up", "get_price"],
        1,
    )


def test_a_call_of_no_declared_function_is_kept_where_nothing_says_how_the_answer_ended(wire: Any) -> None:
    wire.says({"candidates": [{"content": {"parts": [call("look_up"), text("Soon.")]}}]})
    answer = wire.chat().invoke(QUESTION)
    assert ([called["name"] for called in answer.tool_calls], answer.text) == (["look_up"], "Soon.")


@ALL_WAYS
def test_a_malformed_call_of_the_delegate_runs_code(gemini: Gemini, ask: Any) -> None:
    written = 'Malformed function call: print(default_api.code_execution(task="6 * 7"))'
    gemini.says(malformed(written), [CODE], "It is 42.")
    answer = ask(gemini.chat(combination="delegated").bind_tools([get_price]), QUESTION)
    assert answer.text == "It is 42."
    assert [run.output for run in code_executions(answer)] == ["42\n"]


def test_a_blocked_prompt_is_not_asked_again(gemini: Gemini) -> None:
    gemini.says({"promptFeedback": {"blockReason": "SAFETY"}})
    gemini.chat().invoke(QUESTION)
    assert len(gemini.requests) == 1


@WHOLE_AND_STREAMED
def test_repairs_may_be_off(gemini: Gemini, ask: Any) -> None:
    gemini.says(malformed(READABLE))
    answer = ask(gemini.chat(repair_calls=False, answer_retries=0).bind_tools([get_price]))
    assert (answer.tool_calls, answer.response_metadata["finish_message"]) == ([], READABLE)


# -- several candidates --------------------------------------------------------------------------------------


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
