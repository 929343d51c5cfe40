"""One agent, every chat model, the middleware as it is by default: both sides in one request, or by delegation."""

import importlib
import sys
from collections.abc import Callable
from itertools import cycle
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

from langchain_codeexec import CodeExecutionMiddleware, PythonTool
from langchain_codeexec.emulator import EmulatedError, Prompt
from langchain_codeexec.errors import ConfigurationError, MissingDependencyError, PlanningError
from langchain_codeexec.executors import ProcessExecutor
from tests.middleware.agent_shop import (
    ALONE,
    AWAITABLE,
    BOTH,
    DELEGATE,
    GOOGLE,
    MODELS,
    QUESTION,
    REQUESTS,
    THREAD,
    agent_on,
    answers_of,
    any_model,
    declared,
    either_generation,
    googles_model,
    in_turns,
    in_turns_if_apart,
    parts_of,
    pieces_in_stock,
    printed,
    requests_of,
    shopkeeper,
    ways_of,
)
from tests.services import NEW, OLD, Gemini

# langchain-google-genai warns of every answer that holds code.
pytestmark = pytest.mark.filterwarnings(r"ignore:\s*Warning. Output may vary each run:UserWarning")

awaitable_model = pytest.mark.parametrize("build", [MODELS[name] for name in AWAITABLE], ids=AWAITABLE)


@any_model
@either_generation
def test_both_sides_are_there(build: Any, model: str, shop: Gemini) -> None:
    state = agent_on(build(shop, model)).invoke(QUESTION)
    assert requests_of(shop) == REQUESTS[model]
    assert printed(state) == ["3840\n"]
    assert state["messages"][-1].text.endswith("That makes 3840.")
    assert {*map(str, ways_of(state))} == {
        str((True, ["pieces_in_stock"], "native" if model == NEW else "delegated"))
    }
    assert len(state["code_execution_plans"]) == len(answers_of(state))


@awaitable_model
@either_generation
async def test_it_is_the_same_asynchronously(build: Any, model: str, shop: Gemini) -> None:
    state = await agent_on(build(shop, model)).ainvoke(QUESTION)
    assert requests_of(shop) == REQUESTS[model]
    assert printed(state) == ["3840\n"]


@googles_model
def test_a_delegated_call_and_its_reply_stand_before_the_answer(build: Any, shop: Gemini) -> None:
    state = agent_on(build(shop, OLD)).invoke(QUESTION)
    assert [message.type for message in state["messages"]] == ["human", "ai", "tool", "ai", "tool", "ai"]
    *history, task = parts_of(shop.bodies[2], "text")
    assert "What is 3 * 1280?" in task
    assert "M8" not in task
    assert "1280" in " ".join(history)
    assert parts_of(shop.bodies[2], "functionCall") == []


@any_model
@either_generation
def test_a_second_question_goes_on(build: Any, model: str, shop: Gemini) -> None:
    agent = agent_on(build(shop, model), saver=InMemorySaver())
    agent.invoke(QUESTION, THREAD)
    state = agent.invoke(QUESTION, THREAD)
    assert requests_of(shop) == REQUESTS[model] * 2
    assert printed(state) == ["3840\n"] * 2


@any_model
def test_without_functions_there_is_code_alone(build: Any, shop: Gemini) -> None:
    state = agent_on(build(shop, OLD), tools=[]).invoke(QUESTION)
    assert requests_of(shop) == [ALONE]
    assert printed(state) == ["3840\n"]


@googles_model
def test_schemas_survive_beside_code_execution(build: Any, shop: Gemini) -> None:
    agent_on(build(shop, NEW)).invoke(QUESTION)
    [function] = next(
        tool["functionDeclarations"] for tool in shop.bodies[0]["tools"] if "functionDeclarations" in tool
    )
    store = function["parameters"]["properties"]["store"]
    kinds = [choice["type"] for choice in store.get("anyOf") or store["any_of"]]
    assert kinds in (["INTEGER", "STRING"], [3, 1])


@googles_model
@either_generation
def test_code_execution_named_by_the_user_is_not_declared_twice(build: Any, model: str, shop: Gemini) -> None:
    agent_on(build(shop, model), tools=[pieces_in_stock, {"code_execution": {}}]).invoke(QUESTION)
    assert requests_of(shop) == REQUESTS[model]


@any_model
def test_a_model_with_settings_bound_is_known(build: Any, shop: Gemini) -> None:
    agent_on(build(shop, NEW).bind(temperature=0.5)).invoke(QUESTION)
    assert requests_of(shop) == REQUESTS[NEW]


@any_model
def test_runs_and_plans_survive_a_strict_checkpointer(build: Any, shop: Gemini) -> None:
    saver = InMemorySaver(serde=JsonPlusSerializer(allowed_msgpack_modules=None))
    agent = agent_on(build(shop, NEW), saver=saver)
    before = agent.invoke(QUESTION, THREAD)
    kept = agent.get_state(THREAD).values
    assert printed(kept) == ["3840\n"]
    assert kept["code_execution_plans"] == before["code_execution_plans"]
    assert [
        {"message_id": message.id, **message.response_metadata["plan"]} for message in answers_of(kept)
    ] == kept["code_execution_plans"]


# -- the tool stands in ------------------------------------------------------------------------------------


@googles_model
def test_gemini_2_can_call_the_middlewares_tool(build: Any, shop: Gemini) -> None:
    state = agent_on(build(shop, OLD), executor=ProcessExecutor()).invoke(QUESTION)
    assert requests_of(shop) == [(["pieces_in_stock", "python"], 200)] * 3
    assert printed(state) == ["3840\n"]
    assert ways_of(state) == [(True, ["pieces_in_stock"], "delegated")] * 3


@any_model
def test_a_model_that_takes_both_is_not_given_the_tool(build: Any, shop: Gemini) -> None:
    agent_on(build(shop, NEW), tool=PythonTool(ProcessExecutor())).invoke(QUESTION)
    assert requests_of(shop) == REQUESTS[NEW]


# -- planners ----------------------------------------------------------------------------------------------


@any_model
def test_a_planner_narrows_and_what_it_leaves_out_is_text(build: Any, shop: Gemini) -> None:
    agent = agent_on(build(shop, OLD), planner=in_turns, saver=InMemorySaver())
    agent.invoke(QUESTION, THREAD)
    state = agent.invoke(QUESTION, THREAD)
    assert requests_of(shop) == [(["pieces_in_stock"], 200), ALONE] * 2
    _, second, third, _ = shop.bodies
    assert parts_of(second, "functionCall") == parts_of(third, "executableCode") == []
    texts = " ".join(parts_of(third, "text"))
    assert "pieces_in_stock" in " ".join(parts_of(second, "text"))
    assert "print(3 * 1280)" in texts
    assert "1280" in texts
    assert printed(state) == ["3840\n"] * 2
    assert [plan[:2] for plan in ways_of(state)] == [(False, ["pieces_in_stock"]), (True, [])] * 2


@any_model
async def test_a_planner_that_fails_is_named(build: Any, shop: Gemini) -> None:
    def broken(_request: Any) -> str:
        raise ZeroDivisionError("no reason")

    agent = agent_on(build(shop, NEW), planner=broken)
    with pytest.raises(PlanningError, match=r"broken.*ZeroDivisionError: no reason"):
        agent.invoke(QUESTION)
    with pytest.raises(PlanningError, match="broken"):
        await agent.ainvoke(QUESTION)
    assert requests_of(shop) == []


@any_model
def test_a_planner_that_names_an_unknown_function_is_refused(build: Any, shop: Gemini) -> None:
    with pytest.raises(PlanningError, match="may choose 'code_execution'"):
        agent_on(build(shop, NEW), planner=lambda _: "no_such_function").invoke(QUESTION)


@pytest.mark.parametrize("planner", [7, "code_execution", object(), CodeExecutionMiddleware])
def test_what_is_no_planner_is_refused_when_it_is_set(planner: Any) -> None:
    with pytest.raises(ConfigurationError, match="is no planner"):
        CodeExecutionMiddleware(planner=planner)


@pytest.mark.parametrize("tool", [pieces_in_stock, "python", PythonTool])
def test_what_is_no_tool_is_refused_when_it_is_set(tool: Any) -> None:
    with pytest.raises(ConfigurationError, match="tool="):
        CodeExecutionMiddleware(tool=tool)


# -- refusals ----------------------------------------------------------------------------------------------

REFUSALS = [
    "Multiple tools are supported only when they are all search tools.",
    "Tool use with function calling is unsupported",
    "At most one tool is supported.",
    "Built-in tools ({code_execution}) and Function Calling cannot be combined in the same request.",
    "Please enable tool_config.include_server_side_tool_invocations to use Built-in tools with Function calling.",
    "Tool call context circulation is not enabled for models/gemini-3-flash-preview",
    "Unknown name \"includeServerSideToolInvocations\" at 'tool_config': Cannot find field.",
    "These tools dislike each other.",
]


def refusing(text: str, *, code_alone: bool = False) -> Callable[[Prompt], Any]:
    def answer(prompt: Prompt) -> Any:
        tools = declared(prompt.request)
        if "codeExecution" in tools and (code_alone or "pieces_in_stock" in tools):
            return EmulatedError(400, message=text)
        return shopkeeper(prompt)

    return answer


@pytest.mark.parametrize(
    ("name", "text"), [*zip(cycle(GOOGLE), REFUSALS), *((name, REFUSALS[-1]) for name in GOOGLE)]
)
def test_a_refused_combination_is_delegated(name: str, text: str, gemini: Gemini) -> None:
    gemini.says(refusing(text))
    state = agent_on(GOOGLE[name](gemini, NEW)).invoke(QUESTION)
    requests = requests_of(gemini)
    assert requests[0] == (BOTH[0], 400)
    assert [request for request in requests if request[1] == 200] == REQUESTS[OLD]
    assert printed(state) == ["3840\n"]
    assert {way for _, _, way in ways_of(state)} == {"delegated"}


@pytest.mark.parametrize("build", [MODELS["genai-developer"], MODELS["genai-vertex"]])
async def test_what_was_refused_is_remembered(build: Any, gemini: Gemini) -> None:
    gemini.says(refusing(REFUSALS[0]))
    llm = build(gemini, NEW)
    await agent_on(llm).ainvoke(QUESTION)
    agent_on(llm).invoke(QUESTION)
    assert [status for _, status in requests_of(gemini)].count(400) == 1


@googles_model
@either_generation
def test_without_code_execution_the_functions_stay(build: Any, model: str, gemini: Gemini) -> None:
    gemini.says(refusing(f"Code execution is not enabled for models/{model}", code_alone=True))
    agent = agent_on(build(gemini, model))
    state = agent.invoke(QUESTION)
    refused = [tools for tools, status in requests_of(gemini) if status == 400]
    assert refused == [BOTH[0] if model == NEW else ALONE[0]]
    assert requests_of(gemini)[-1] == (["pieces_in_stock"], 200)
    assert state["messages"][-1].text
    if model == OLD:
        [reply] = [one for one in state["messages"] if getattr(one, "name", None) == "code_execution"]
        assert "Code execution is not enabled" in reply.text
    later = agent.invoke(QUESTION)
    assert ways_of(later)[0][:2] == (False, ["pieces_in_stock"])
    assert "llm= or an executor=" in later["code_execution_plans"][0]["reason"]


@googles_model
def test_a_tool_stands_in_where_code_execution_is_not_enabled(build: Any, gemini: Gemini) -> None:
    gemini.says(refusing("Code execution is not enabled for models/x", code_alone=True))
    for tools in ([pieces_in_stock], []):
        state = agent_on(build(gemini, NEW), tools=tools, executor=ProcessExecutor()).invoke(QUESTION)
        assert printed(state) == ["3840\n"]
    assert [status for _, status in requests_of(gemini)].count(400) == 1


@googles_model
@pytest.mark.parametrize("status", [400, 403])
def test_other_errors_reach_the_user(build: Any, status: int, gemini: Gemini) -> None:
    gemini.says(EmulatedError(status, message="The key is not valid."))
    with pytest.raises(Exception, match="The key is not valid"):
        agent_on(build(gemini, NEW)).invoke(QUESTION)
    ways = [BOTH, DELEGATE] if status == 400 else [BOTH]
    assert requests_of(gemini) == [(tools, status) for tools, _ in ways]


@googles_model
def test_a_way_that_was_demanded_is_tried_first(build: Any, shop: Gemini) -> None:
    state = agent_on(build(shop, OLD), combination="native", planner=in_turns_if_apart).invoke(QUESTION)
    assert requests_of(shop)[0] == (BOTH[0], 400)
    assert printed(state) == ["3840\n"]


@any_model
def test_sides_can_be_kept_apart(build: Any, shop: Gemini) -> None:
    state = agent_on(build(shop, NEW), combination="one_sided", planner=in_turns).invoke(QUESTION)
    assert requests_of(shop) == [(["pieces_in_stock"], 200), ALONE]
    assert ways_of(state)[0] == (False, ["pieces_in_stock"], "one_sided")


def test_without_langchain_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "langchain.agents.middleware", None)
    monkeypatch.delitem(sys.modules, "langchain_codeexec.middleware")
    with pytest.raises(MissingDependencyError, match=r"langchain-codeexec\[agents\]"):
        importlib.import_module("langchain_codeexec.middleware")
