"""Models of other providers: a tool stands in for code execution."""

from typing import Any

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import ToolRetryMiddleware
from langchain_core.messages import AIMessage, ToolMessage
from langgraph.graph import MessagesState, StateGraph
from langgraph.prebuilt import ToolNode

from langchain_codeexec import CodeExecutionMiddleware, CodeExecutionTool, PythonTool, code_executions
from langchain_codeexec.emulator import EmulatedError
from langchain_codeexec.errors import ConfigurationError, ToolDeclarationError
from langchain_codeexec.executors import ProcessExecutor
from tests.middleware.agent_shop import (
    CODE,
    QUESTION,
    Scripted,
    choosing,
    in_turns,
    pieces_in_stock,
    printed,
    requests_of,
    ways_of,
)
from tests.services import Gemini


def calls(name: str, **args: Any) -> AIMessage:
    return AIMessage("", tool_calls=[{"name": name, "args": args, "id": f"call-{name}", "type": "tool_call"}])


def looks_up_and_computes() -> Scripted:
    lines = [
        calls("pieces_in_stock", article="M8"),
        calls("python", code="print(3 * 1280)"),
        AIMessage("3840"),
    ]
    return Scripted(lines=lines)


async def test_the_tool_is_offered_among_the_agents() -> None:
    for is_async in (False, True):
        llm = looks_up_and_computes()
        middleware = [CodeExecutionMiddleware(executor=ProcessExecutor())]
        agent = create_agent(llm, [pieces_in_stock], middleware=middleware)
        state = await agent.ainvoke(QUESTION) if is_async else agent.invoke(QUESTION)
        assert llm.offered == [["pieces_in_stock", "python"]] * 3
        assert "3840" in llm.heard[2][-1].text
        [run] = [run for message in state["messages"] for run in code_executions(message)]
        assert (run.code, run.output, run.origin) == ("print(3 * 1280)", "3840\n", "process")
        assert ways_of(state) == [(True, ["pieces_in_stock"], "delegated")] * 3


def test_gemini_can_run_the_code_of_another_model(gemini: Gemini) -> None:
    gemini.says([CODE, "It is 3840."])
    llm = Scripted(lines=[calls("code_execution", task="3 * 1280?"), AIMessage("3840")])
    state = create_agent(llm, [], middleware=[CodeExecutionMiddleware(llm=gemini.chat())]).invoke(QUESTION)
    assert requests_of(gemini) == [(["codeExecution"], 200)]
    [reply] = [message for message in state["messages"] if isinstance(message, ToolMessage)]
    assert "It is 3840." in reply.text
    assert [run.origin for run in code_executions(reply)] == ["gemini"]


def test_a_planner_may_withhold_either_side() -> None:
    llm = looks_up_and_computes()
    middleware = [CodeExecutionMiddleware(executor=ProcessExecutor(), planner=in_turns)]
    state = create_agent(llm, [pieces_in_stock], middleware=middleware).invoke(QUESTION)
    assert llm.offered == [["pieces_in_stock"], ["python"], ["python"]]
    assert [plan[:2] for plan in ways_of(state)] == [
        (False, ["pieces_in_stock"]),
        (True, []),
        (True, []),
    ]


@pytest.mark.parametrize(
    ("choice", "offered"),
    [
        ("auto", ["python"]),
        ("any", ["pieces_in_stock", "python"]),
        ("pieces_in_stock", ["pieces_in_stock", "python"]),
        ("python", ["python"]),
        ({"type": "web_search"}, ["python"]),
    ],
    ids=str,
)
def test_no_planner_withholds_what_the_tool_choice_demands(choice: Any, offered: list[str]) -> None:
    llm = Scripted(lines=[AIMessage("Done.")])
    computing = CodeExecutionMiddleware(executor=ProcessExecutor(), planner=lambda _: "code_execution")
    create_agent(llm, [pieces_in_stock], middleware=[choosing(choice), computing]).invoke(QUESTION)
    assert llm.offered == [offered]


def test_a_planner_is_told_of_functions_and_not_of_the_tool() -> None:
    heard = []

    def listens(request: Any) -> str:
        heard.append((request.function_names, request.way, request.code_execution))
        return "neither"

    llm = Scripted(lines=[AIMessage("Nothing to do.")])
    middleware = [CodeExecutionMiddleware(executor=ProcessExecutor(), planner=listens)]
    create_agent(llm, [pieces_in_stock], middleware=middleware).invoke(QUESTION)
    assert heard == [(("pieces_in_stock",), "native", True)]
    assert llm.offered == [[]]


async def test_a_model_without_code_execution_needs_a_tool() -> None:
    agent = create_agent(Scripted(lines=[]), [], middleware=[CodeExecutionMiddleware()])
    with pytest.raises(ConfigurationError, match=r"Scripted has no code execution.*llm= or an executor="):
        agent.invoke(QUESTION)
    with pytest.raises(ConfigurationError, match="Scripted has no code execution"):
        await agent.ainvoke(QUESTION)


def test_one_tool_is_enough() -> None:
    with pytest.raises(ConfigurationError, match="one of tool, executor"):
        CodeExecutionMiddleware(tool=PythonTool(ProcessExecutor()), executor=ProcessExecutor())


def python(code: str) -> str:
    """The user's own."""
    return code


def test_two_tools_of_one_name_are_refused() -> None:
    middleware = [CodeExecutionMiddleware(executor=ProcessExecutor())]
    with pytest.raises(ToolDeclarationError, match="two different tools are named 'python'"):
        create_agent(Scripted(lines=[]), [python], middleware=middleware).invoke(QUESTION)


# -- the tool without the middleware -----------------------------------------------------------------------


def test_wrong_arguments_are_told_to_the_model() -> None:
    llm = Scripted(lines=[calls("python", task="no code"), AIMessage("I give up.")])
    state = create_agent(llm, [PythonTool(ProcessExecutor())]).invoke(QUESTION)
    [reply] = [message for message in state["messages"] if isinstance(message, ToolMessage)]
    assert reply.status == "error"
    assert "code" in reply.text


def test_a_tool_node_runs_it() -> None:
    graph = StateGraph(MessagesState)
    graph.add_node("tools", ToolNode([PythonTool(ProcessExecutor())]))
    graph.set_entry_point("tools")
    state = graph.compile().invoke({"messages": [calls("python", code="print(6 * 7)")]})
    assert printed(state) == ["42\n"]


def test_a_retry_middleware_retries_it_where_errors_are_raised(gemini: Gemini) -> None:
    gemini.says(EmulatedError(503), [CODE, "It is 3840."])
    llm = Scripted(lines=[calls("code_execution", task="3 * 1280?"), AIMessage("3840")])
    tool = CodeExecutionTool(gemini.chat(), handle_tool_error=False)
    retry = ToolRetryMiddleware(max_retries=1, initial_delay=0, jitter=False)
    state = create_agent(llm, [], middleware=[retry, CodeExecutionMiddleware(tool=tool)]).invoke(QUESTION)
    assert [status for _, status in requests_of(gemini)] == [503, 200]
    assert printed(state) == ["3840\n"]
