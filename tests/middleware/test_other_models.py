"""Models of other providers: a tool stands in for code execution."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from agent_shop import QUESTION, declared, in_turns, pieces_in_stock, plans_of, requests_of
from langchain.agents import create_agent
from langchain.agents.middleware import ToolRetryMiddleware
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.utils.function_calling import convert_to_openai_tool
from langgraph.prebuilt import ToolNode
from pydantic import Field

from langchain_codeexec import (
    ChatGeminiCodeExecution,
    CodeExecutionMiddleware,
    CodeExecutionTool,
    PythonTool,
    code_executions,
)
from langchain_codeexec.emulator import EmulatedError, GeminiEmulator, ScriptedBrain
from langchain_codeexec.errors import ConfigurationError
from langchain_codeexec.executors import ProcessExecutor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from langchain_core.messages import BaseMessage


class Scripted(BaseChatModel):
    """A chat model of no provider; says its lines, and remembers which tools it was offered."""

    lines: list[AIMessage]
    offered: list[list[str]] = Field(default_factory=list)
    heard: list[list[Any]] = Field(default_factory=list)

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> Any:
        names = [convert_to_openai_tool(tool)["function"]["name"] for tool in tools]
        return self.bind(offered=names, **kwargs)

    def _generate(
        self, messages: list[BaseMessage], *args: Any, offered: Sequence[str] = (), **kwargs: Any
    ) -> ChatResult:
        line = self.lines[len(self.offered)]
        self.offered.append(sorted(offered))
        self.heard.append(messages)
        return ChatResult(generations=[ChatGeneration(message=line)])


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
        question = {"messages": [("user", QUESTION)]}
        state = await agent.ainvoke(question) if is_async else agent.invoke(question)
        assert llm.offered == [["pieces_in_stock", "python"]] * 3
        assert "3840" in llm.heard[2][-1].text
        [run] = [run for message in state["messages"] for run in code_executions(message)]
        assert (run.code, run.output, run.origin) == ("print(3 * 1280)", "3840\n", "process")
        assert plans_of(state) == [(True, ["pieces_in_stock"], "delegated")] * 3


def test_gemini_can_run_the_code_of_another_model() -> None:
    lines = [
        calls("code_execution", task="What is the sum of the first 10 positive integers?"),
        AIMessage("55"),
    ]
    llm = Scripted(lines=lines)
    with GeminiEmulator() as emulator:
        gemini = ChatGeminiCodeExecution(
            model="gemini-3-flash-preview", vertexai=False, api_key="any", base_url=emulator.url
        )
        agent = create_agent(llm, [], middleware=[CodeExecutionMiddleware(llm=gemini)])
        state = agent.invoke({"messages": [("user", "Add the first ten.")]})
    assert requests_of(emulator) == [(["codeExecution"], 200)]
    [reply] = [message for message in state["messages"] if isinstance(message, ToolMessage)]
    assert "55" in reply.text
    assert [run.origin for run in code_executions(reply)] == ["gemini"]


def test_a_planner_may_withhold_either_side() -> None:
    llm = looks_up_and_computes()
    middleware = [CodeExecutionMiddleware(executor=ProcessExecutor(), planner=in_turns)]
    state = create_agent(llm, [pieces_in_stock], middleware=middleware).invoke(
        {"messages": [("user", QUESTION)]}
    )
    assert llm.offered == [["pieces_in_stock"], ["python"], ["python"]]
    assert [plan[:2] for plan in plans_of(state)] == [
        (False, ["pieces_in_stock"]),
        (True, []),
        (True, []),
    ]


def test_a_planner_is_told_of_functions_and_not_of_the_tool() -> None:
    asked = []

    def listens(request: Any) -> str:
        asked.append((request.function_names, request.way, request.code_execution))
        return "neither"

    llm = Scripted(lines=[AIMessage("Nothing to do.")])
    middleware = [CodeExecutionMiddleware(executor=ProcessExecutor(), planner=listens)]
    create_agent(llm, [pieces_in_stock], middleware=middleware).invoke({"messages": [("user", QUESTION)]})
    assert asked == [(("pieces_in_stock",), "native", True)]
    assert llm.offered == [[]]


async def test_a_model_without_code_execution_needs_a_tool() -> None:
    agent = create_agent(Scripted(lines=[]), [], middleware=[CodeExecutionMiddleware()])
    with pytest.raises(ConfigurationError, match=r"Scripted has no code execution.*llm= or an executor="):
        agent.invoke({"messages": [("user", QUESTION)]})
    with pytest.raises(ConfigurationError, match="Scripted has no code execution"):
        await agent.ainvoke({"messages": [("user", QUESTION)]})


def test_one_tool_is_enough() -> None:
    tool = PythonTool(ProcessExecutor())
    with pytest.raises(ConfigurationError, match="one of tool, executor"):
        CodeExecutionMiddleware(tool=tool, executor=ProcessExecutor())


# -- the tool without the middleware -----------------------------------------------------------------------


def test_an_agent_uses_the_tool_by_itself() -> None:
    llm = looks_up_and_computes()
    tools = [pieces_in_stock, PythonTool(ProcessExecutor())]
    state = create_agent(llm, tools).invoke({"messages": [("user", QUESTION)]})
    assert [run.output for message in state["messages"] for run in code_executions(message)] == ["3840\n"]


def test_progress_streams_out_of_an_agent() -> None:
    agent = create_agent(looks_up_and_computes(), [pieces_in_stock, PythonTool(ProcessExecutor())])
    steps = list(agent.stream({"messages": [("user", QUESTION)]}, stream_mode="custom"))
    about = {"type": "code_execution_progress", "tool": "python"}
    assert steps == [
        {**about, "step": "code", "code": "print(3 * 1280)", "language": "PYTHON"},
        {**about, "step": "result", "outcome": "OUTCOME_OK", "output": "3840\n"},
    ]


async def test_progress_streams_out_of_an_agent_asynchronously() -> None:
    agent = create_agent(looks_up_and_computes(), [pieces_in_stock, PythonTool(ProcessExecutor())])
    stream = agent.astream({"messages": [("user", QUESTION)]}, stream_mode="custom")
    assert [step["step"] async for step in stream] == ["code", "result"]


def test_wrong_arguments_are_told_to_the_model() -> None:
    tool = PythonTool(ProcessExecutor())
    llm = Scripted(lines=[calls("python", task="no code"), AIMessage("I give up.")])
    state = create_agent(llm, [tool]).invoke({"messages": [("user", QUESTION)]})
    [reply] = [message for message in state["messages"] if isinstance(message, ToolMessage)]
    assert reply.status == "error"
    assert "code" in reply.text


def test_a_tool_node_runs_it() -> None:
    from langgraph.graph import MessagesState, StateGraph

    graph = StateGraph(MessagesState)
    graph.add_node("tools", ToolNode([PythonTool(ProcessExecutor())]))
    graph.set_entry_point("tools")
    state = graph.compile().invoke({"messages": [calls("python", code="print(6 * 7)")]})
    assert [run.output for run in code_executions(state["messages"][-1])] == ["42\n"]


def test_a_retry_middleware_retries_it_where_errors_are_raised() -> None:
    steps = [EmulatedError(503), [{"executableCode": {"language": "PYTHON", "code": "print(7)"}}, "It is 7."]]
    llm = Scripted(lines=[calls("code_execution", task="Seven?"), AIMessage("7")])
    with GeminiEmulator(ScriptedBrain(steps)) as emulator:
        settings = {"vertexai": False, "api_key": "any", "base_url": emulator.url, "max_retries": 0}
        llm_of_tool = ChatGeminiCodeExecution(model="gemini-3-flash-preview", **settings)
        tool = CodeExecutionTool(llm_of_tool, handle_tool_error=False)
        retry = ToolRetryMiddleware(max_retries=1, initial_delay=0, jitter=False)
        middleware = [retry, CodeExecutionMiddleware(tool=tool)]
        state = create_agent(llm, [], middleware=middleware).invoke({"messages": [("user", "Seven?")]})
    assert [status for _, status in requests_of(emulator)] == [503, 200]
    assert [run.output for message in state["messages"] for run in code_executions(message)] == ["7\n"]


@pytest.mark.parametrize("model", ["gemini-2.5-flash", "gemini-3-flash-preview"])
def test_its_name_may_stand_beside_delegated_code_execution(model: str) -> None:
    def brain(prompt: Any) -> Any:
        names = declared(prompt.request)
        asked = [part for content in prompt.request["contents"] for part in content["parts"]]
        if "run_python" in names and not any("functionResponse" in part for part in asked):
            return [{"functionCall": {"name": "run_python", "args": {"task": "What is 6 * 7?"}}}]
        if names == ["codeExecution"]:
            return [{"executableCode": {"language": "PYTHON", "code": "print(6 * 7)"}}, "42"]
        return "It is 42."

    with GeminiEmulator(ScriptedBrain(brain)) as emulator:
        llm = ChatGeminiCodeExecution(
            model=model, vertexai=False, api_key="any", base_url=emulator.url, combination="delegated"
        )
        bound = llm.bind_tools([PythonTool(ProcessExecutor(), name="code_execution")])
        answer = bound.invoke("What is 6 * 7?")
    assert requests_of(emulator)[0] == (["code_execution", "run_python"], 200)
    assert answer.tool_calls == []
    assert [run.output for run in code_executions(answer)] == ["42\n"]
