"""Programs that Gemini models write call an agent's tools."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from langchain.agents import create_agent

from langchain_codeexec import CodeExecutionMiddleware, LocalSandbox
from tests.middleware.agent_shop import (
    MODELS,
    QUESTION,
    answers_of,
    declared,
    pieces_in_stock,
    replies_in,
    requests_of,
)
from tests.services import NEW, OLD
from tests.tools.calling import replies, runs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from langchain_codeexec.emulator import Prompt
    from tests.services import Gemini


@pytest.fixture(scope="module")
def sandbox() -> Iterator[LocalSandbox]:
    with LocalSandbox(preload=(), timeout=60) as opened:
        yield opened


STOCK = "print(3 * pieces_in_stock('M8 bolt'))"
ELSEWHERE = [
    STOCK.replace("pieces", "default_api.pieces"),
    f"import default_api\n{STOCK.replace('pieces', 'default_api.pieces')}",
    f"if True:\n    from default_api import pieces_in_stock\n{STOCK}",
    STOCK,
]


def programmer(prompt: Prompt, code: str = STOCK) -> Any:
    """Writes code of its own if it can run any, else a program for the tool, and then says what came of it."""
    if replies_in(prompt.request):
        return "That makes 3840."
    if "codeExecution" in declared(prompt.request):
        return [{"executableCode": {"language": "PYTHON", "code": code}}, "It failed."]
    return [{"functionCall": {"name": "python", "args": {"code": STOCK}}}]


@pytest.mark.filterwarnings(r"ignore:\s*Warning. Output may vary each run:UserWarning")
@pytest.mark.parametrize("model", [OLD, NEW])
@pytest.mark.parametrize("name", MODELS)
def test_every_gemini_calls_from_code(name: str, model: str, gemini: Gemini, sandbox: LocalSandbox) -> None:
    gemini.says(programmer)
    middleware = [CodeExecutionMiddleware(executor=sandbox, callable_from_code="all")]
    agent = create_agent(MODELS[name](gemini, model), [pieces_in_stock], middleware=middleware)
    state = agent.invoke(QUESTION)
    assert requests_of(gemini) == [(["pieces_in_stock", "python"], 200)] * 2
    assert "def pieces_in_stock(article: str, store: int | str = 1) -> int:" in str(gemini.requests[0].body)
    assert replies(state) == ["The code printed:\n3840"]
    plans = [(plan["code_execution"], plan["callable_from_code"]) for plan in state["code_execution_plans"]]
    assert plans == [(True, ["pieces_in_stock"])] * 2


@pytest.mark.filterwarnings(r"ignore:\s*Warning. Output may vary each run:UserWarning")
@pytest.mark.parametrize(
    ("name", "code"), [*zip([name for name in MODELS if name != "vertexai"], ELSEWHERE, strict=True)]
)
def test_code_that_failed_at_googles_runs_here(
    name: str, code: str, gemini: Gemini, sandbox: LocalSandbox
) -> None:
    gemini.says(partial(programmer, code=code))
    middleware = CodeExecutionMiddleware(
        executor=sandbox, callable_from_code="all", run_failed_code_here=True
    )
    agent = create_agent(MODELS[name](gemini, NEW), [pieces_in_stock], middleware=[middleware])
    state = agent.invoke(QUESTION)
    assert [status for _, status in requests_of(gemini)] == [200, 200]
    assert replies(state) == ["The code printed:\n3840"]
    assert [(each.origin, each.ok) for each in runs(state)] == [("gemini", False), ("sandbox", True)]
    assert [call.args for call in runs(state)[1].calls] == [{"article": "M8 bolt", "store": 1}]
    assert answers_of(state)[-1].text == "That makes 3840."
    assert {tuple(plan["callable_from_code"]) for plan in state["code_execution_plans"]} == {
        ("pieces_in_stock",)
    }
