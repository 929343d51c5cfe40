"""What executions and answers took, read from messages of every kind."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage

from langchain_codeexec.control import ExecutionUsage, published_prices
from langchain_codeexec.control.prices import TokenUsage, checked_prices
from langchain_codeexec.control.usage import last_turn
from langchain_codeexec.errors import ConfigurationError
from langchain_codeexec.executions import (
    CodeExecution,
    FunctionCall,
    InlineFile,
    Outcome,
    artifact_from_executions,
)
from tests.messages.blocks import answer, anthropic_run, openai_run, v1_call, v1_result

FAILED, OK = CodeExecution("1/0", outcome=Outcome.FAILED), CodeExecution("1", outcome=Outcome.OK)
LATE, OPEN = CodeExecution("1", outcome=Outcome.DEADLINE_EXCEEDED), CodeExecution("1")
REFUSED = CodeExecution("1", review={"decision": "deny"})
COUNTED: Any = {
    "input_tokens": 110, "output_tokens": 30, "total_tokens": 140,
    "input_token_details": {"tool_use": 10, "cache_read": 50}, "output_token_details": {"reasoning": 20},
}  # fmt: skip
TABLE = checked_prices({"gemini-3-*": {"prompt": "1", "candidates": 10}})


def answered(model: str = "gemini-3-flash-preview", **fields: Any) -> AIMessage:
    return AIMessage("42", usage_metadata=COUNTED, response_metadata={"model_name": model}, **fields)


def replied(*runs: CodeExecution, **more: Any) -> ToolMessage:
    return ToolMessage("done", artifact={**artifact_from_executions(runs), **more}, tool_call_id="1")


@given(st.lists(st.sampled_from([FAILED, OK, LATE, OPEN, REFUSED])), st.integers(0, 20))
def test_usage_adds_up_wherever_it_is_cut(runs: list[CodeExecution], cut: int) -> None:
    whole = ExecutionUsage.of(runs)
    assert whole == ExecutionUsage.of(runs[:cut]) + ExecutionUsage.of(runs[cut:])
    assert whole == ExecutionUsage.of([replied(run) for run in runs])
    assert whole.executions == len(runs) - runs.count(REFUSED)


@pytest.mark.parametrize(
    ("runs", "attempts", "failing"),
    [
        ([], 0, 0),
        ([OK, OK], 1, 0),
        ([FAILED, LATE, OK, FAILED], 3, 1),
        ([OK, FAILED, FAILED], 2, 2),
        ([FAILED, REFUSED, FAILED], 2, 2),
        ([FAILED, OPEN, OK], 2, 0),
    ],
)
def test_attempts_are_programs_written_anew_for_one_that_failed(
    runs: list[CodeExecution], attempts: int, failing: int
) -> None:
    usage = ExecutionUsage.of(runs)
    assert (usage.attempts, usage.failing) == (attempts, failing)


@pytest.mark.parametrize(
    ("message", "executions", "output", "images"),
    [
        (answer(v1_call(), v1_result("é\n")), 1, 3, 0),
        (answer(*openai_run(), provider="openai"), 1, 2, 1),
        (answer(*anthropic_run(), provider="anthropic"), 1, 2, 0),
        (answer({"executableCode": {"code": "1"}}), 1, 0, 0),
        (replied(CodeExecution("1", output="12", images=(InlineFile(b"x", "image/png"),) * 2)), 1, 2, 2),
        (HumanMessage("42"), 0, 0, 0),
    ],
)
def test_programs_of_every_provider_and_of_tools_are_counted(
    message: Any, executions: int, output: int, images: int
) -> None:
    usage = ExecutionUsage.of({"messages": [message]})
    assert (usage.executions, usage.output_bytes, usage.images) == (executions, output, images)


def test_tokens_are_those_of_all_models_by_kind() -> None:
    inner = {"usage_metadata": COUNTED, "model_name": "gemini-3-pro"}
    calls = (FunctionCall("code_execution", artifact={**artifact_from_executions([OK]), **inner}),)
    nested = CodeExecution("code_execution()", outcome=Outcome.OK, seconds=1.5, calls=calls)
    usage = ExecutionUsage.of([answered(), replied(nested, **inner)], TABLE)
    assert usage.tokens == TokenUsage(prompt=300, candidates=30, tool_use=30, cached=150, thinking=60)
    assert (usage.tokens.total, usage.executions, usage.seconds) == (420, 2, 1.5)
    assert usage.cost == 3 * Decimal("0.00041")


@pytest.mark.parametrize(
    ("message", "prices", "cost", "unpriced"),
    [
        (answered(), TABLE, Decimal("0.00041"), ()),
        (answered("models/gemini-3-flash-preview"), published_prices(), Decimal("0.0001225"), ()),
        (answered("gemini-9"), TABLE, None, ("gemini-9",)),
        (answered("no-such-model"), published_prices(), None, ("no-such-model",)),
        (answered(), None, None, ("gemini-3-flash-preview",)),
        (HumanMessage("q"), None, Decimal(0), ()),
    ],
)
def test_a_cost_is_never_guessed(message: Any, prices: Any, cost: Any, unpriced: Any) -> None:
    usage = ExecutionUsage.of([message, HumanMessage("and?")], prices)
    assert (usage.cost, usage.unpriced) == (cost, unpriced)
    assert (usage + ExecutionUsage.of(answered("other"), prices)).cost is None


def test_kinds_have_prices_of_their_own() -> None:
    row = {"prompt": 1, "candidates": 2, "tool_use": 3, "cached": 0, "thinking": 5}
    usage = ExecutionUsage.of(answered(), {"*": row})
    assert usage.cost == Decimal(50 * 1 + 10 * 2 + 10 * 3 + 20 * 5) / 1_000_000


@pytest.mark.parametrize(
    "prices",
    ["free", {"m": 1}, {"m": {"prompt": 1}}, {"m": {"prompt": 1, "candidates": -1}}, {"m": {"in": 1}}],
)
def test_prices_that_are_none_are_refused(prices: Any) -> None:
    with pytest.raises(ConfigurationError, match="price"):
        checked_prices(prices)


def test_a_turn_begins_behind_the_last_question() -> None:
    messages = [HumanMessage("a"), answered(), HumanMessage("b"), answered(), replied(OK)]
    assert last_turn(messages) == messages[3:]
    assert last_turn(messages[1:2]) == messages[1:2]
