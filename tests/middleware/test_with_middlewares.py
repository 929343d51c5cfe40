"""Together with LangChain's own middlewares, on models of both generations and both endpoints."""

from collections.abc import Callable
from itertools import product
from typing import Any

import pytest
from langchain.agents.middleware import (
    HumanInTheLoopMiddleware,
    ModelCallLimitMiddleware,
    ModelFallbackMiddleware,
    ModelRetryMiddleware,
    SummarizationMiddleware,
    ToolCallLimitMiddleware,
    ToolRetryMiddleware,
)
from langchain_core.messages import ToolMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from langchain_codeexec.emulator import EmulatedError, Prompt
from tests.middleware.agent_shop import (
    ALONE,
    AWAITABLE,
    MODELS,
    PAIRED,
    QUESTION,
    REQUESTS,
    THREAD,
    agent_on,
    answers_of,
    printed,
    requests_of,
    shopkeeper,
)
from tests.services import NEW, OLD, Gemini

# langchain-google-genai warns of every answer that holds code.
pytestmark = pytest.mark.filterwarnings(r"ignore:\s*Warning. Output may vary each run:UserWarning")

everywhere = pytest.mark.parametrize(("name", "model"), PAIRED)


def asked(agent: Any) -> dict[str, Any]:
    return agent.invoke(QUESTION, THREAD)


@everywhere
def test_a_human_approves_in_mid_turn(name: str, model: str, shop: Gemini) -> None:
    def agent() -> Any:
        llm = MODELS[name](shop, model)
        return agent_on(llm, HumanInTheLoopMiddleware({"pieces_in_stock": True}), saver=saver)

    saver = InMemorySaver()
    interrupted = asked(agent())
    assert interrupted["__interrupt__"]
    assert requests_of(shop) == REQUESTS[model][:1]
    resumed = agent().invoke(
        Command(resume={"decisions": [{"type": "approve"}]}), THREAD
    )  # another process, say
    assert requests_of(shop) == REQUESTS[model]
    assert printed(resumed) == ["3840\n"]
    assert len(resumed["code_execution_plans"]) == len(answers_of(resumed))


@everywhere
def test_a_human_edits_or_rejects(name: str, model: str, shop: Gemini) -> None:
    llm = MODELS[name](shop, model)
    middleware = HumanInTheLoopMiddleware({"pieces_in_stock": True})
    edited = {"name": "pieces_in_stock", "args": {"article": "M6 bolt"}}
    for thread, decision in enumerate(
        ({"type": "edit", "edited_action": edited}, {"type": "reject", "message": "Not today."})
    ):
        config: Any = {"configurable": {"thread_id": str(thread)}}
        agent = agent_on(llm, middleware, saver=InMemorySaver())
        agent.invoke(QUESTION, config)
        state = agent.invoke(Command(resume={"decisions": [decision]}), config)
        assert printed(state) == ["3840\n"]
    assert {status for _, status in requests_of(shop)} == {200}


@everywhere
def test_a_function_is_retried(name: str, model: str, shop: Gemini) -> None:
    attempts = []

    def pieces_in_stock(article: str) -> int:
        """Count the pieces of an article in stock."""
        attempts.append(article)
        if len(attempts) < 3:
            raise ConnectionError("the warehouse does not answer")
        return 1280

    retry = ToolRetryMiddleware(max_retries=3, initial_delay=0, jitter=False)
    state = asked(agent_on(MODELS[name](shop, model), retry, tools=[pieces_in_stock]))
    assert len(attempts) == 3
    assert requests_of(shop) == REQUESTS[model]
    assert printed(state) == ["3840\n"]


@everywhere
def test_a_model_call_is_retried_and_recorded_once(name: str, model: str, gemini: Gemini) -> None:
    gemini.says(EmulatedError(503), shopkeeper)
    retry = ModelRetryMiddleware(max_retries=1, initial_delay=0, jitter=False)
    state = asked(agent_on(MODELS[name](gemini, model), retry))
    assert [status for _, status in requests_of(gemini)] == [503, *[200] * len(REQUESTS[model])]
    assert len(state["code_execution_plans"]) == len(answers_of(state))


@everywhere
def test_a_long_history_is_summarized(name: str, model: str, gemini: Gemini) -> None:
    summarizer = "gemini-2.5-flash-lite"
    gemini.says(lambda prompt: "M8 bolts were counted." if prompt.model == summarizer else shopkeeper(prompt))
    summarize = SummarizationMiddleware(
        gemini.chat(model=summarizer), trigger=("messages", 4), keep=("messages", 1), token_counter=len
    )
    agent = agent_on(MODELS[name](gemini, model), summarize, saver=InMemorySaver())
    asked(agent)
    state = asked(agent)
    assert ALONE in requests_of(gemini)
    assert {status for _, status in requests_of(gemini)} == {200}
    assert "M8 bolts were counted." in state["messages"][0].text
    assert printed(state)[-1] == "3840\n"


@pytest.mark.parametrize(
    ("first", "fallback", "in_mid_turn"),
    [*((*pair, True) for pair in product(MODELS, MODELS)), *((name, name, False) for name in MODELS)],
)
def test_another_model_takes_over(first: str, fallback: str, in_mid_turn: bool, gemini: Gemini) -> None:
    """At once, or with signatures, code and calls of the first one in the history."""
    failing = [NEW]

    def brain(prompt: Prompt) -> Any:
        return EmulatedError(500) if prompt.model in failing else shopkeeper(prompt)

    gemini.says(brain)
    second = OLD if not in_mid_turn else "gemini-3-pro-preview"
    other = ModelFallbackMiddleware(MODELS[fallback](gemini, second))
    agent = agent_on(MODELS[first](gemini, NEW), other, saver=InMemorySaver())
    if in_mid_turn:
        failing.clear()
        asked(agent)
        failing.append(NEW)
    state = asked(agent)
    assert {status for _, status in requests_of(gemini)} == {200, 500}
    assert printed(state) == ["3840\n"] * (2 if in_mid_turn else 1)
    assert len(state["code_execution_plans"]) == len(answers_of(state))


@everywhere
@pytest.mark.parametrize(
    ("limit", "ends"),
    [
        (lambda: ModelCallLimitMiddleware(run_limit=1, exit_behavior="end"), "limit"),
        (lambda: ToolCallLimitMiddleware(run_limit=0, exit_behavior="continue"), "limit"),
    ],
    ids=["model-calls", "tool-calls"],
)
def test_limits_hold(name: str, model: str, limit: Callable[[], Any], ends: str, shop: Gemini) -> None:
    state = asked(agent_on(MODELS[name](shop, model), limit()))
    assert any(ends in message.text.lower() for message in state["messages"])
    assert {status for _, status in requests_of(shop)} == {200}
    assert any(isinstance(message, ToolMessage) for message in state["messages"])


@everywhere
def test_it_streams(name: str, model: str, shop: Gemini) -> None:
    agent = agent_on(MODELS[name](shop, model))
    updates, texts = [], []
    for mode, chunk in agent.stream(QUESTION, THREAD, stream_mode=["updates", "messages"]):
        if mode == "updates":
            updates.append(chunk)
        else:
            texts.append(chunk[0].text)
    plans = [
        plan for update in updates for plan in (update.get("model") or {}).get("code_execution_plans", ())
    ]
    assert plans
    assert "That makes 3840." in "".join(texts)
    assert requests_of(shop) == REQUESTS[model]


@pytest.mark.parametrize("name", AWAITABLE)
async def test_each_plan_is_told_as_an_event(name: str, shop: Gemini) -> None:
    agent = agent_on(MODELS[name](shop, NEW))
    plans = [
        event["data"]
        async for event in agent.astream_events(QUESTION, THREAD, version="v2")
        if event["event"] == "on_custom_event" and event["name"] == "gemini_code_execution_plan"
    ]
    assert [plan["way"] for plan in plans] == ["native", "native"]
