"""What holds of the real service holds of the emulator: the same tests, on either.

`pytest --live` asks the service that the environment's credentials lead to.
"""

from __future__ import annotations

from functools import reduce
from operator import add
from typing import TYPE_CHECKING, Any

import pytest
from langchain_core.messages import HumanMessage, ToolMessage
from pydantic import BaseModel

from langchain_codeexec import ChatGeminiCodeExecution, code_executions
from langchain_codeexec.emulator import GeminiEmulator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

OLD, NEW = "gemini-2.5-flash", "gemini-3-flash-preview"
SUM = "What is the sum of the first 50 prime numbers? Generate and run code for the calculation."

both_models = pytest.mark.parametrize("model", [OLD, NEW])


@pytest.fixture(
    params=["emulator", pytest.param("service", marks=[pytest.mark.live, pytest.mark.enable_socket])]
)
def gemini(request: pytest.FixtureRequest) -> Iterator[Callable[..., ChatGeminiCodeExecution]]:
    """Makes chat models of the emulator, or of the service that is configured."""
    if request.param == "service":
        yield ChatGeminiCodeExecution
        return
    with GeminiEmulator() as emulator:
        yield lambda **settings: ChatGeminiCodeExecution(**settings, api_key="any", base_url=emulator.url)


def get_price(item: str) -> float:
    """Look up the price of an item in the catalog, in EUR."""
    return 19.99


@both_models
def test_a_computed_answer(gemini: Any, model: str) -> None:
    answer = gemini(model=model).invoke(SUM)
    assert "5117" in answer.text
    assert any(run.ok and "5117" in (run.output or "") for run in code_executions(answer))
    assert answer.response_metadata["finish_reason"] == "STOP"
    usage = answer.usage_metadata
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]


@both_models
def test_streamed_and_sent_back(gemini: Any, model: str) -> None:
    llm = gemini(model=model)
    first = reduce(add, llm.stream(SUM))
    assert "5117" in first.text
    second = llm.invoke(
        [HumanMessage(SUM), first, HumanMessage("What is the sum of the first 51 prime numbers?")]
    )
    assert "5350" in second.text


@both_models
def test_functions_beside_code(gemini: Any, model: str) -> None:
    llm = gemini(model=model).bind_tools([get_price])
    question = "Call get_price with item='blue lamp'."
    first = llm.invoke(question)
    assert [call["name"] for call in first.tool_calls] == ["get_price"]
    reply = ToolMessage("19.99", tool_call_id=first.tool_calls[0]["id"], name="get_price")
    second = llm.invoke([HumanMessage(question), first, reply])
    assert "19.99" in second.text


class Sum(BaseModel):
    """The sum of some numbers."""

    total: int


@both_models
def test_structured(gemini: Any, model: str) -> None:
    assert gemini(model=model).with_structured_output(Sum).invoke(SUM).total == 5117
