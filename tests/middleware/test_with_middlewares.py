"""Together with LangChain's own middlewares, on models of both generations and both endpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from agent_shop import (
    MODELS,
    QUESTION,
    answers_of,
    in_turns_if_apart,
    pieces_in_stock,
    plans_of,
    requests_of,
    shopkeeper,
)
from langchain.agents import create_agent
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

from langchain_codeexec import CodeExecutionMiddleware, code_executions
from langchain_codeexec.emulator import EmulatedError, GeminiEmulator, ScriptedBrain

if TYPE_CHECKING:
    from collections.abc import Callable

    from langchain_codeexec.emulator import Prompt

# langchain-google-genai warns of every answer that holds code.
pytestmark = pytest.mark.filterwarnings(r"ignore:\s*Warning. Output may vary each run:UserWarning")

THREAD: Any = {"configurable": {"thread_id": "1"}}
BOTH = ["codeExecution", "pieces_in_stock"]
REQUESTS = {
    "gemini-3-flash-preview": [(BOTH, 200), (BOTH, 200)],
    "gemini-2.5-flash": [(["pieces_in_stock"], 200), (["codeExecution"], 200)],
}
"""What an agent asks that looks up and then computes."""

everywhere = pytest.mark.parametrize(
    ("name", "model"), [(name, model) for name in MODELS for model in REQUESTS]
)


def agent_on(llm: Any, *others: Any, tools: Any = (pieces_in_stock,), **settings: Any) -> Any:
    middleware = [*others, CodeExecutionMiddleware(planner=in_turns_if_apart)]
    return create_agent(llm, list(tools), middleware=middleware, **settings)


def asked(agent: Any, **config: Any) -> dict[str, Any]:
    return agent.invoke({"messages": [("user", QUESTION)]}, THREAD | config)


def printed(state: dict[str, Any]) -> list[str | None]:
    return [run.output for message in state["messages"] for run in code_executions(message)]


@everywhere
def test_a_human_approves_in_mid_turn(name: str, model: str, shop: GeminiEmulator) -> None:
    def agent() -> Any:
        llm = MODELS[name](shop.url, model)
        return agent_on(llm, HumanInTheLoopMiddleware({"pieces_in_stock": True}), checkpointer=saver)

    saver = InMemorySaver()
    interrupted = asked(agent())
    assert interrupted["__interrupt__"]
    assert requests_of(shop) == REQUESTS[model][:1]
    resumed = agent().invoke(
        Command(resume={"decisions": [{"type": "approve"}]}), THREAD
    )  # another process, say
    assert requests_of(shop) == REQUESTS[model]
    assert printed(resumed) == ["3840\n"]
    assert len(resumed["code_execution_plans"]) == len(answers_of(resumed)) == 2


@everywhere
def test_a_human_edits_or_rejects(name: str, model: str, shop: GeminiEmulator) -> None:
    llm = MODELS[name](shop.url, model)
    middleware = HumanInTheLoopMiddleware({"pieces_in_stock": True})
    edited = {"name": "pieces_in_stock", "args": {"article": "M6 bolt"}}
    for thread, decision in enumerate(
        ({"type": "edit", "edited_action": edited}, {"type": "reject", "message": "Not today."})
    ):
        config: Any = {"configurable": {"thread_id": str(thread)}}
        agent = agent_on(llm, middleware, checkpointer=InMemorySaver())
        agent.invoke({"messages": [("user", QUESTION)]}, config)
        state = agent.invoke(Command(resume={"decisions": [decision]}), config)
        assert printed(state) == ["3840\n"]
    assert {status for _, status in requests_of(shop)} == {200}


@everywhere
def test_a_function_is_retried(name: str, model: str, shop: GeminiEmulator) -> None:
    attempts = []

    def pieces_in_stock(article: str) -> int:
        """Count the pieces of an article in stock."""
        attempts.append(article)
        if len(attempts) < 3:
            raise ConnectionError("the warehouse does not answer")
        return 1280

    retry = ToolRetryMiddleware(max_retries=3, initial_delay=0, jitter=False)
    state = asked(agent_on(MODELS[name](shop.url, model), retry, tools=[pieces_in_stock]))
    assert len(attempts) == 3
    assert requests_of(shop) == REQUESTS[model]
    assert printed(state) == ["3840\n"]


@everywhere
def test_a_model_call_is_retried_and_recorded_once(name: str, model: str) -> None:
    failures = [EmulatedError(503)]

    def brain(prompt: Prompt) -> Any:
        return failures.pop() if failures else shopkeeper(prompt)

    retry = ModelRetryMiddleware(max_retries=1, initial_delay=0, jitter=False)
    with GeminiEmulator(ScriptedBrain(brain)) as emulator:
        state = asked(agent_on(MODELS[name](emulator.url, model), retry))
    assert [status for _, status in requests_of(emulator)] == [503, 200, 200]
    assert len(state["code_execution_plans"]) == len(answers_of(state)) == 2


@everywhere
def test_a_long_history_is_summarized(name: str, model: str, shop: GeminiEmulator) -> None:
    with GeminiEmulator(ScriptedBrain(lambda prompt: "M8 bolts were counted.")) as summarizer:
        llm = MODELS["own-developer"](summarizer.url, "gemini-2.5-flash")
        summarize = SummarizationMiddleware(
            llm, trigger=("messages", 5), keep=("messages", 1), token_counter=len
        )
        agent = agent_on(MODELS[name](shop.url, model), summarize, checkpointer=InMemorySaver())
        asked(agent)
        state = asked(agent)
    assert requests_of(summarizer) == [(["codeExecution"], 200)]
    assert requests_of(shop)[:2] == REQUESTS[model]
    assert {status for _, status in requests_of(shop)} == {200}
    assert "M8 bolts were counted." in state["messages"][0].text
    assert printed(state)[-1] == "3840\n"


@pytest.mark.parametrize("fallback", MODELS)
@pytest.mark.parametrize("first", MODELS)
def test_another_model_takes_over(first: str, fallback: str, shop: GeminiEmulator) -> None:
    with GeminiEmulator(ScriptedBrain(lambda prompt: EmulatedError(500))) as broken:
        llm = MODELS[first](broken.url, "gemini-3-flash-preview")
        other = ModelFallbackMiddleware(MODELS[fallback](shop.url, "gemini-2.5-flash"))
        state = asked(agent_on(llm, other))
    assert requests_of(shop) == REQUESTS["gemini-2.5-flash"]
    assert printed(state) == ["3840\n"]
    assert len(state["code_execution_plans"]) == len(answers_of(state)) == 2


@pytest.mark.parametrize("fallback", MODELS)
@pytest.mark.parametrize("first", MODELS)
def test_another_model_takes_over_in_mid_turn(first: str, fallback: str, shop: GeminiEmulator) -> None:
    def once(prompt: Prompt) -> Any:
        return EmulatedError(500) if len(fragile.prompts) > 2 else shopkeeper(prompt)

    fragile = ScriptedBrain(once)
    with GeminiEmulator(fragile) as emulator:
        llm = MODELS[first](emulator.url, "gemini-3-flash-preview")
        other = ModelFallbackMiddleware(MODELS[fallback](shop.url, "gemini-3-pro-preview"))
        agent = agent_on(llm, other, checkpointer=InMemorySaver())
        asked(agent)
        state = asked(agent)
    assert {status for _, status in requests_of(shop)} == {200}
    assert printed(state)[0] == "3840\n"
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
def test_limits_hold(
    name: str, model: str, limit: Callable[[], Any], ends: str, shop: GeminiEmulator
) -> None:
    state = asked(agent_on(MODELS[name](shop.url, model), limit()))
    told = [message for message in state["messages"] if ends in message.text.lower()]
    assert told
    assert {status for _, status in requests_of(shop)} == {200}
    assert len(state["code_execution_plans"]) == len(requests_of(shop))
    assert any(isinstance(message, ToolMessage) for message in state["messages"])


@everywhere
def test_it_streams(name: str, model: str, shop: GeminiEmulator) -> None:
    agent = agent_on(MODELS[name](shop.url, model))
    question = {"messages": [("user", QUESTION)]}
    updates, texts = [], []
    for mode, chunk in agent.stream(question, THREAD, stream_mode=["updates", "messages"]):
        if mode == "updates":
            updates.append(chunk)
        else:
            texts.append(chunk[0].text)
    plans = [
        plan for update in updates for plan in (update.get("model") or {}).get("code_execution_plans", ())
    ]
    assert len(plans) == 2
    assert "That makes 3840." in "".join(texts)
    assert requests_of(shop) == REQUESTS[model]


@pytest.mark.parametrize("name", [name for name in MODELS if name != "vertexai"])
async def test_each_plan_is_told_as_an_event(name: str, shop: GeminiEmulator) -> None:
    agent = agent_on(MODELS[name](shop.url, "gemini-3-flash-preview"))
    told = [
        event["data"]
        async for event in agent.astream_events({"messages": [("user", QUESTION)]}, THREAD, version="v2")
        if event["event"] == "on_custom_event" and event["name"] == "gemini_code_execution_plan"
    ]
    assert [plan["way"] for plan in told] == ["native", "native"]


def test_settings_of_the_middleware_reach_our_own_model(shop: GeminiEmulator) -> None:
    llm = MODELS["own-developer"](shop.url, "gemini-3-flash-preview")
    middleware = [CodeExecutionMiddleware(planner=in_turns_if_apart, combination="one_sided")]
    state = asked(create_agent(llm, [pieces_in_stock], middleware=middleware))
    assert requests_of(shop) == REQUESTS["gemini-2.5-flash"]
    assert plans_of(state)[0] == (False, ["pieces_in_stock"], "one_sided")
