"""One agent, every chat model: both sides where they go together, one after the other where they do not."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any

import pytest
from agent_shop import (
    CODE,
    GOOGLE,
    MODELS,
    QUESTION,
    answers_of,
    declared,
    in_turns,
    in_turns_if_apart,
    lone_code,
    parts_of,
    pieces_in_stock,
    plans_of,
    requests_of,
    shopkeeper,
)
from langchain.agents import create_agent
from langchain.agents.middleware import wrap_model_call
from langchain.agents.structured_output import ToolStrategy
from langchain_core.messages import ToolMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from pydantic import BaseModel

from langchain_codeexec import CodeExecutionMiddleware, PythonTool, code_executions
from langchain_codeexec.emulator import EmulatedError, GeminiEmulator, ScriptedBrain
from langchain_codeexec.errors import MissingDependencyError
from langchain_codeexec.executors import ProcessExecutor

if TYPE_CHECKING:
    from collections.abc import Callable

    from langchain_codeexec.emulator import Prompt

# langchain-google-genai warns of every answer that holds code.
pytestmark = pytest.mark.filterwarnings(r"ignore:\s*Warning. Output may vary each run:UserWarning")

BOTH = ["codeExecution", "pieces_in_stock"]

any_model = pytest.mark.parametrize("build", MODELS.values(), ids=MODELS)
# ChatVertexAI speaks gRPC alone where it is asked asynchronously, and the emulator speaks HTTP.
awaitable = [name for name in MODELS if name != "vertexai"]
any_but_vertexai = pytest.mark.parametrize("build", [MODELS[name] for name in awaitable], ids=awaitable)
googles_model = pytest.mark.parametrize("build", GOOGLE.values(), ids=GOOGLE)


def ask(agent: Any, *, config: Any = None) -> dict[str, Any]:
    return agent.invoke({"messages": [("user", QUESTION)]}, config)


def printed(state: dict[str, Any]) -> list[str | None]:
    return [run.output for message in state["messages"] for run in code_executions(message)]


@any_model
def test_gemini_3_gets_both_in_one_request(build: Any, shop: GeminiEmulator) -> None:
    llm = build(shop.url, "gemini-3-flash-preview")
    state = ask(create_agent(llm, [pieces_in_stock], middleware=[CodeExecutionMiddleware()]))
    assert requests_of(shop) == [(BOTH, 200)] * 2
    assert printed(state) == ["3840\n"]
    assert "That makes 3840." in state["messages"][-1].text
    assert plans_of(state) == [(True, ["pieces_in_stock"], "native")] * 2


@any_but_vertexai
async def test_it_is_the_same_asynchronously(build: Any, shop: GeminiEmulator) -> None:
    llm = build(shop.url, "gemini-3-flash-preview")
    agent = create_agent(llm, [pieces_in_stock], middleware=[CodeExecutionMiddleware()])
    state = await agent.ainvoke({"messages": [("user", QUESTION)]})
    assert requests_of(shop) == [(BOTH, 200)] * 2
    assert printed(state) == ["3840\n"]
    assert plans_of(state) == [(True, ["pieces_in_stock"], "native")] * 2


@any_model
def test_gemini_2_gets_the_side_that_the_planner_chose(build: Any, shop: GeminiEmulator) -> None:
    llm = build(shop.url, "gemini-2.5-flash")
    state = ask(create_agent(llm, [pieces_in_stock], middleware=[CodeExecutionMiddleware(planner=in_turns)]))
    assert requests_of(shop) == [(["pieces_in_stock"], 200), (["codeExecution"], 200)]
    assert parts_of(shop.requests[1].body, "functionCall") == []
    told = " ".join(parts_of(shop.requests[1].body, "text"))
    assert "pieces_in_stock" in told
    assert "1280" in told
    assert printed(state) == ["3840\n"]
    assert [plan[:2] for plan in plans_of(state)] == [(False, ["pieces_in_stock"]), (True, [])]


@any_model
def test_gemini_2_is_refused_nothing_by_default(build: Any, shop: GeminiEmulator) -> None:
    llm = build(shop.url, "gemini-2.5-flash")
    state = ask(create_agent(llm, [pieces_in_stock], middleware=[CodeExecutionMiddleware()]))
    assert {status for _, status in requests_of(shop)} == {200}
    assert all(plan["reason"] for plan in state["code_execution_plans"])
    assert len(state["code_execution_plans"]) == len(answers_of(state))


@any_model
def test_a_second_question_goes_on_from_code_that_ran(build: Any, shop: GeminiEmulator) -> None:
    llm = build(shop.url, "gemini-2.5-flash")
    middleware = [CodeExecutionMiddleware(planner=in_turns)]
    agent = create_agent(llm, [pieces_in_stock], middleware=middleware, checkpointer=InMemorySaver())
    config = {"configurable": {"thread_id": "1"}}
    ask(agent, config=config)
    state = ask(agent, config=config)
    third = shop.requests[2]
    assert (requests_of(shop)[2]) == (["pieces_in_stock"], 200)
    assert parts_of(third.body, "executableCode") == []
    assert "print(3 * 1280)" in " ".join(parts_of(third.body, "text"))
    assert len(plans_of(state)) == len(answers_of(state))


@googles_model
def test_schemas_survive_beside_code_execution(build: Any, shop: GeminiEmulator) -> None:
    llm = build(shop.url, "gemini-3-flash-preview")
    ask(create_agent(llm, [pieces_in_stock], middleware=[CodeExecutionMiddleware()]))
    [function] = next(
        tool["functionDeclarations"]
        for tool in shop.requests[0].body["tools"]
        if "functionDeclarations" in tool
    )
    store = function["parameters"]["properties"]["store"]
    kinds = [choice["type"] for choice in store.get("anyOf") or store["any_of"]]
    assert kinds in (["INTEGER", "STRING"], [3, 1])


@any_model
def test_without_functions_there_is_code_alone(build: Any, shop: GeminiEmulator) -> None:
    llm = build(shop.url, "gemini-2.5-flash")
    state = ask(create_agent(llm, [], middleware=[CodeExecutionMiddleware()]))
    assert requests_of(shop) == [(["codeExecution"], 200)]
    assert printed(state) == ["3840\n"]


@googles_model
def test_code_execution_named_by_the_user_is_not_declared_twice(build: Any, shop: GeminiEmulator) -> None:
    llm = build(shop.url, "gemini-3-flash-preview")
    ask(create_agent(llm, [pieces_in_stock, {"code_execution": {}}], middleware=[CodeExecutionMiddleware()]))
    assert requests_of(shop) == [(BOTH, 200)] * 2


# -- the tool stands in ------------------------------------------------------------------------------------


@googles_model
def test_gemini_2_can_call_the_tool_instead(build: Any, shop: GeminiEmulator) -> None:
    llm = build(shop.url, "gemini-2.5-flash")
    middleware = CodeExecutionMiddleware(executor=ProcessExecutor())
    state = ask(create_agent(llm, [pieces_in_stock], middleware=[middleware]))
    assert requests_of(shop) == [(["pieces_in_stock", "python"], 200)] * 3
    assert printed(state) == ["3840\n"]
    assert plans_of(state) == [(True, ["pieces_in_stock"], "delegated")] * 3


@googles_model
def test_gemini_3_is_not_given_the_tool(build: Any, shop: GeminiEmulator) -> None:
    llm = build(shop.url, "gemini-3-flash-preview")
    ask(
        create_agent(llm, [pieces_in_stock], middleware=[CodeExecutionMiddleware(executor=ProcessExecutor())])
    )
    assert requests_of(shop) == [(BOTH, 200)] * 2


def test_our_own_model_is_not_given_the_tool(shop: GeminiEmulator) -> None:
    llm = MODELS["own-developer"](shop.url, "gemini-3-flash-preview")
    tool = PythonTool(ProcessExecutor())
    ask(create_agent(llm, [pieces_in_stock], middleware=[CodeExecutionMiddleware(tool=tool)]))
    assert requests_of(shop) == [(BOTH, 200)] * 2


@googles_model
def test_gemini_2_delegates_to_itself(build: Any, shop: GeminiEmulator) -> None:
    llm = build(shop.url, "gemini-2.5-flash")
    state = ask(create_agent(llm, [pieces_in_stock], middleware=[CodeExecutionMiddleware()]))
    offered = (["code_execution", "pieces_in_stock"], 200)
    assert requests_of(shop) == [offered, offered, (["codeExecution"], 200), offered]
    assert printed(state) == ["3840\n"]
    assert [message.type for message in state["messages"]] == ["human", "ai", "tool", "ai", "tool", "ai"]
    assert {plan for _, _, plan in plans_of(state)} == {"delegated"}
    assert "1280" not in " ".join(parts_of(shop.requests[2].body, "text")).replace("3 * 1280", "")


@pytest.mark.parametrize("name", ["genai-developer", "genai-vertex"])
async def test_gemini_2_delegates_to_itself_asynchronously(name: str, shop: GeminiEmulator) -> None:
    llm = GOOGLE[name](shop.url, "gemini-2.5-flash")
    agent = create_agent(llm, [pieces_in_stock], middleware=[CodeExecutionMiddleware()])
    state = await agent.ainvoke({"messages": [("user", QUESTION)]})
    assert printed(state) == ["3840\n"]
    stream = agent.astream({"messages": [("user", QUESTION)]}, stream_mode="messages")
    shown = "".join([chunk.text async for chunk, _ in stream if chunk.type in ("ai", "AIMessageChunk")])
    assert "That makes 3840." not in shown  # what the delegated call says


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


def refusing(text: str, *, also_code: bool = False) -> Callable[[Prompt], Any]:
    def answer(prompt: Prompt) -> Any:
        tools = declared(prompt.request)
        if "codeExecution" in tools and (also_code or "pieces_in_stock" in tools):
            return EmulatedError(400, message=text)
        return shopkeeper(prompt)

    return answer


@googles_model
@pytest.mark.parametrize("text", REFUSALS)
def test_a_refused_combination_goes_another_way(build: Any, text: str) -> None:
    with GeminiEmulator(ScriptedBrain(refusing(text))) as emulator:
        llm = build(emulator.url, "gemini-3-flash-preview")
        middleware = [CodeExecutionMiddleware(planner=in_turns_if_apart)]
        state = ask(create_agent(llm, [pieces_in_stock], middleware=middleware))
    requests = requests_of(emulator)
    assert requests[0] == (BOTH, 400)
    assert [tools for tools, status in requests if status == 200] == [["pieces_in_stock"], ["codeExecution"]]
    assert printed(state) == ["3840\n"]
    assert plans_of(state)[0] == (False, ["pieces_in_stock"], "one_sided")


@pytest.mark.parametrize("name", ["genai-developer", "genai-vertex"])
async def test_functions_alone_are_the_last_way(name: str) -> None:
    with GeminiEmulator(ScriptedBrain(refusing("No code today.", also_code=True))) as emulator:
        llm = GOOGLE[name](emulator.url, "gemini-3-flash-preview")
        middleware = [CodeExecutionMiddleware(planner=lone_code)]
        agent = create_agent(llm, [pieces_in_stock], middleware=middleware)
        state = await agent.ainvoke({"messages": [("user", QUESTION)]})
    assert requests_of(emulator)[:3] == [
        (["codeExecution"], 400),
        (["codeExecution"], 400),
        (["pieces_in_stock"], 200),
    ]
    assert "refused by the service: native, delegated" in state["code_execution_plans"][0]["reason"]


@googles_model
@pytest.mark.parametrize("status", [400, 403])
def test_other_errors_reach_the_user(build: Any, status: int) -> None:
    error = EmulatedError(status, message="The key is not valid.")
    with GeminiEmulator(ScriptedBrain(lambda prompt: error)) as emulator:
        llm = build(emulator.url, "gemini-3-flash-preview")
        middleware = [CodeExecutionMiddleware(planner=in_turns_if_apart)]
        agent = create_agent(llm, [pieces_in_stock], middleware=middleware)
        with pytest.raises(Exception, match="The key is not valid"):
            ask(agent)
    declarations = [BOTH, ["pieces_in_stock"]] if status == 400 else [BOTH]
    assert requests_of(emulator) == [(tools, status) for tools in declarations]


@wrap_model_call
def demands_a_function(request: Any, handler: Any) -> Any:
    is_new = not any(isinstance(message, ToolMessage) for message in request.messages)
    return handler(request.override(tool_choice="any") if is_new else request)


@any_model
@pytest.mark.parametrize("model", ["gemini-2.5-flash", "gemini-3-flash-preview"])
def test_a_demanded_function_is_called(build: Any, model: str, shop: GeminiEmulator) -> None:
    middleware = [demands_a_function, CodeExecutionMiddleware(planner=in_turns_if_apart)]
    state = ask(create_agent(build(shop.url, model), [pieces_in_stock], middleware=middleware))
    assert [status for _, status in requests_of(shop)] == [200, 200]
    assert shop.requests[0].body["toolConfig"]["functionCallingConfig"]["mode"] in ("ANY", 2)
    assert printed(state) == ["3840\n"]
    assert state["code_execution_plans"][0]["functions"] == ["pieces_in_stock"]


@googles_model
def test_a_way_that_was_asked_for_is_tried_first(build: Any, shop: GeminiEmulator) -> None:
    llm = build(shop.url, "gemini-2.5-flash")
    middleware = [CodeExecutionMiddleware(planner=in_turns_if_apart, combination="native")]
    state = ask(create_agent(llm, [pieces_in_stock], middleware=middleware))
    assert requests_of(shop)[:2] == [(BOTH, 400), (["pieces_in_stock"], 200)]
    assert printed(state) == ["3840\n"]


@any_model
def test_a_model_with_settings_bound_is_known(build: Any, shop: GeminiEmulator) -> None:
    llm = build(shop.url, "gemini-3-flash-preview").bind(temperature=0.5)
    ask(create_agent(llm, [pieces_in_stock], middleware=[CodeExecutionMiddleware()]))
    assert requests_of(shop) == [(BOTH, 200)] * 2


def test_without_langchain_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "langchain.agents.middleware", None)
    monkeypatch.delitem(sys.modules, "langchain_codeexec.middleware")
    with pytest.raises(MissingDependencyError, match=r"langchain-codeexec\[agents\]"):
        importlib.import_module("langchain_codeexec.middleware")


# -- structured answers ------------------------------------------------------------------------------------


class Order(BaseModel):
    """How many to order."""

    pieces: int


def structured(prompt: Prompt) -> Any:
    tools = declared(prompt.request)
    if "Order" in tools and parts_of(prompt.request, "functionResponse"):
        return [{"functionCall": {"name": "Order", "args": {"pieces": 3840}}}]
    if "pieces_in_stock" in tools and not parts_of(prompt.request, "functionResponse"):
        return shopkeeper(prompt)
    return [*([CODE] if "codeExecution" in tools else []), '{"pieces": 3840}']


@any_model
@pytest.mark.parametrize("model", ["gemini-2.5-flash", "gemini-3-flash-preview"])
@pytest.mark.parametrize("response_format", [Order, ToolStrategy(Order)], ids=["auto", "tool"])
def test_structured_answers_are_refused_nowhere(build: Any, model: str, response_format: Any) -> None:
    with GeminiEmulator(ScriptedBrain(structured)) as emulator:
        llm = build(emulator.url, model)
        middleware = [CodeExecutionMiddleware()]
        agent = create_agent(llm, [pieces_in_stock], middleware=middleware, response_format=response_format)
        state = ask(agent)
    assert state["structured_response"] == Order(pieces=3840)


# -- what is kept ------------------------------------------------------------------------------------------


@any_model
def test_runs_and_plans_survive_a_strict_checkpointer(build: Any, shop: GeminiEmulator) -> None:
    llm = build(shop.url, "gemini-3-flash-preview")
    saver = InMemorySaver(serde=JsonPlusSerializer(allowed_msgpack_modules=None))
    agent = create_agent(llm, [pieces_in_stock], middleware=[CodeExecutionMiddleware()], checkpointer=saver)
    config: Any = {"configurable": {"thread_id": "1"}}
    before = ask(agent, config=config)
    kept = agent.get_state(config).values
    assert printed(kept) == ["3840\n"]
    assert kept["code_execution_plans"] == before["code_execution_plans"]
    told = [message.response_metadata["plan"] for message in answers_of(kept)]
    assert told == [
        {k: v for k, v in plan.items() if k != "message_id"} for plan in kept["code_execution_plans"]
    ]
    assert [message.id for message in answers_of(kept)] == [
        plan["message_id"] for plan in kept["code_execution_plans"]
    ]
    assert any(isinstance(message, ToolMessage) for message in kept["messages"])
