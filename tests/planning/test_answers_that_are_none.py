"""Empty answers and malformed calls, mended or asked for once more."""

from typing import Any

import pytest
from langchain_core.messages import HumanMessage, ToolMessage

from langchain_codeexec import code_executions
from tests.calls import ALL_WAYS, WHOLE_AND_STREAMED, call, response
from tests.planning.long_answers import CODE, PRICE, QUESTION, THOUGHT, counted, get_price, text
from tests.services import NEW, OLD, Gemini


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
