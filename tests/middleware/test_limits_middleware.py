"""Runs of agents that end at a limit, whatever model they call and wherever their programs run."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import ToolCallLimitMiddleware
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage
from langgraph.checkpoint.memory import InMemorySaver

from langchain_codeexec import CodeExecutionMiddleware, LocalSandbox, PythonTool, code_executions
from langchain_codeexec.control import ExecutionLimits, ExecutionUsage
from langchain_codeexec.errors import ExecutionLimitError
from langchain_codeexec.middleware import ExecutionLimitsMiddleware
from tests.calls import call
from tests.control.test_limits import ONE_PROGRAM, Executor, limits, program
from tests.messages.blocks import answer, anthropic_run, openai_run
from tests.middleware.agent_shop import CODE
from tests.services import Gemini

QUESTION: Any = {"messages": [("user", "q")]}
THREAD: Any = {"configurable": {"thread_id": "1"}}


class Answers(GenericFakeChatModel):
    """A model of any provider, whose answers are given."""

    def bind_tools(self, tools: Any, **kwargs: Any) -> Any:
        return self


def answers(*messages: AIMessage) -> Answers:
    return Answers(messages=iter(messages))


def limit_of(message: Any) -> Any:
    return message.response_metadata.get("limit", {}).get("limit")


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize("at_limit", ["message", "error"])
async def test_a_run_ends_at_each_limit_of_its_tools(at_limit: Any, is_async: bool, gemini: Gemini) -> None:
    for kind, most in [*ONE_PROGRAM, ("tokens", 1), ("cost", 1)]:
        for per in ("turn", "run"):
            gemini.says([program()], [program(), program()], "Done.")
            executor, saver = Executor(), InMemorySaver()
            middleware = ExecutionLimitsMiddleware(limits(kind, most, per, at_limit=at_limit))
            tools = [PythonTool(executor, max_sessions=0)]
            agent = create_agent(
                gemini.chat(code_execution=False), tools, middleware=[middleware], checkpointer=saver
            )
            with pytest.raises(ExecutionLimitError) if at_limit == "error" else nullcontext() as raised:
                await agent.ainvoke(QUESTION, THREAD) if is_async else agent.invoke(QUESTION, THREAD)
            messages = agent.get_state(THREAD).values["messages"]
            assert executor.ran == (kind not in ("tokens", "cost"))
            if raised:
                assert (raised.value.limit["limit"], raised.value.limit["per"]) == (kind, per)
                assert [each.id for each in raised.value.messages] == [each.id for each in messages]
                continue
            assert (limit_of(messages[-1]), messages[-1].tool_calls) == (kind, [])
            calls = [
                each["id"] for message in messages if message.type == "ai" for each in message.tool_calls
            ]
            assert calls == [message.tool_call_id for message in messages if message.type == "tool"]


@pytest.mark.parametrize(
    "runs", [openai_run(), anthropic_run(), [CODE, CODE]], ids=["openai", "anthropic", "gemini"]
)
def test_what_a_provider_runs_is_counted(runs: Any) -> None:
    provider = (
        "openai" if len(runs) == 1 else "anthropic" if "executableCode" not in runs[0] else "google_genai"
    )
    asked = [{"name": "look_up", "args": {}, "id": str(number), "type": "tool_call"} for number in range(2)]
    model = answers(
        answer(*runs, provider=provider, tool_calls=asked),
        answer(*runs, provider=provider, tool_calls=asked[:1]),
    )
    most = len(runs) if provider == "google_genai" else 1
    middleware = ExecutionLimitsMiddleware(ExecutionLimits(per_turn={"executions": most}))

    def look_up() -> str:
        """Look something up."""
        return "3"

    state = create_agent(model, [look_up], middleware=[middleware]).invoke(QUESTION)
    kinds = [message.type for message in state["messages"]]
    assert kinds == ["human", "ai", "tool", "tool", "ai", "tool", "ai"]
    assert state["messages"][-2].status == "error"
    assert limit_of(state["messages"][-1]) == "executions"


@pytest.mark.parametrize("at_limit", ["message", "error"])
def test_an_answer_that_passes_a_limit_is_the_last_message(at_limit: Any) -> None:
    middleware = ExecutionLimitsMiddleware(limits("output_bytes", 1, at_limit=at_limit))
    agent = create_agent(answers(answer(*openai_run(), provider="openai")), middleware=[middleware])
    with pytest.raises(ExecutionLimitError) if at_limit == "error" else nullcontext() as raised:
        state = agent.invoke(QUESTION)
    last = raised.value.message if raised else state["messages"][-1]
    assert len(code_executions(last)) == 1
    assert raised or (len(state["messages"]), limit_of(last)) == (2, "output_bytes")


def test_a_chat_model_and_the_middleware_share_limits(gemini: Gemini) -> None:
    gemini.says(["Let me see.", CODE, CODE, "Done."])
    shared = ExecutionLimits(per_run={"executions": 1})
    agent = create_agent(gemini.chat(limits=shared), middleware=[ExecutionLimitsMiddleware(shared)])
    state = agent.invoke(QUESTION)
    assert (len(state["messages"]), limit_of(state["messages"][-1])) == (2, "executions")
    state = agent.invoke({"messages": [*state["messages"], ("user", "again")]})
    assert (len(gemini.requests), state["messages"][-1].text) == (
        1,
        "The limit of executions per run is reached: 2 of 1.",
    )


PROGRAM = """
import sys
from langchain.agents import create_agent
from langgraph.checkpoint.sqlite import SqliteSaver
from langchain_codeexec.control import ExecutionLimits
from langchain_codeexec.middleware import ExecutionLimitsMiddleware
from tests.messages.blocks import answer, openai_run
from tests.middleware.test_limits_middleware import answers

limits = ExecutionLimits(**{sys.argv[2]: {"executions": 1}})
with SqliteSaver.from_conn_string(sys.argv[1]) as saver:
    model = answers(answer(*openai_run(), provider="openai"))
    agent = create_agent(model, middleware=[ExecutionLimitsMiddleware(limits)], checkpointer=saver)
    state = agent.invoke({"messages": [("user", "q")]}, {"configurable": {"thread_id": "1"}})
    print(state["messages"][-1].response_metadata.get("limit", {}).get("used"))
"""


def test_another_process_goes_on_counting(tmp_path: Path) -> None:
    def used(per: str) -> str:
        command = [sys.executable, "-W", "ignore", "-c", PROGRAM, str(tmp_path / "threads.db"), per]
        return subprocess.run(
            command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2]
        ).stdout

    assert [used(per) for per in ("per_run", "per_turn", "per_run")] == ["None\n", "None\n", "2\n"]


def test_langchains_counters_are_told_of_what_a_provider_runs(gemini: Gemini) -> None:
    gemini.says(["Let me see.", CODE, CODE, call("look_up")], ["And.", CODE, "Done."])

    def look_up() -> str:
        """Look something up."""
        return "3"

    middlewares: Any = [CodeExecutionMiddleware(), ToolCallLimitMiddleware(run_limit=10)]
    agent = create_agent(gemini.chat(), [look_up], middleware=middlewares, checkpointer=InMemorySaver())
    agent.invoke(QUESTION, THREAD)
    assert agent.get_state(THREAD).values["thread_tool_call_count"] == {"code_interpreter": 3, "__all__": 4}


def test_an_alarm_is_given_once_in_a_run(gemini: Gemini) -> None:
    class Alarms(BaseCallbackHandler):
        def on_custom_event(self, name: str, data: Any, **kwargs: Any) -> None:
            given.update([(name, data["limit"])] if name == "code_execution_budget" else [])

    given: Counter[Any] = Counter()
    gemini.says([program()], [program()], [program()], "Done.")
    shared = ExecutionLimits(per_turn={"executions": 3, "seconds": 9}, per_run={"tokens": 1000}, alarm_at=0.1)
    tools = [PythonTool(Executor(), max_sessions=0, limits=shared)]
    llm = gemini.chat(code_execution=False, limits=shared)
    agent = create_agent(
        llm, tools, middleware=[ExecutionLimitsMiddleware(shared)], checkpointer=InMemorySaver()
    )
    for _ in range(2):
        agent.invoke(QUESTION, {"callbacks": [Alarms()], **THREAD})
    assert given == {
        ("code_execution_budget", "executions"): 1,
        ("code_execution_budget", "seconds"): 1,
        ("code_execution_budget", "tokens"): 1,
    }


def test_turns_of_all_kinds_are_counted_as_the_service_counts_them(
    gemini: Gemini, sandbox: LocalSandbox
) -> None:
    counted: Counter[str] = Counter()

    def count(response: Any) -> None:
        usage: dict[str, Any] = {}
        for line in response.read().decode().splitlines():
            if line.startswith("data: "):
                usage |= json.loads(line[6:]).get("usageMetadata", {})
        counted.update({key: value for key, value in usage.items() if key.endswith("TokenCount")})

    def step(prompt: Any) -> Any:
        last = prompt.request["contents"][-1]["parts"][-1]
        number = int(last["text"]) if "text" in last else 0
        wrong = {"executableCode": {"language": "PYTHON", "code": "1/0"}}
        here = call("python", code="print(6 * 7)")
        return [["Done."], [CODE, "Done."], [here, here], [wrong, CODE, "Done."], [CODE, here]][number % 5]

    gemini.says(step)
    roomy = ExecutionLimits(
        per_turn={"executions": 3, "attempts": 2}, per_run={"tokens": 10**9, "cost": 10**6}
    )
    llm = gemini.chat(limits=roomy, client_args={"event_hooks": {"response": [count]}})
    tools = [PythonTool(sandbox, max_sessions=0, limits=roomy)]
    agent = create_agent(llm, tools, middleware=[ExecutionLimitsMiddleware(roomy)])
    messages: list[Any] = []
    for number in range(20):
        messages = agent.invoke({"messages": [*messages, ("user", str(number))]})["messages"]
    usage = ExecutionUsage.of(messages)
    tokens = usage.tokens
    assert {
        "promptTokenCount": tokens.prompt,
        "candidatesTokenCount": tokens.candidates,
        "toolUsePromptTokenCount": tokens.tool_use,
        "thoughtsTokenCount": tokens.thinking,
        "totalTokenCount": tokens.total,
    } == counted
    assert (usage.executions, usage.attempts) == (4 * (0 + 1 + 2 + 2 + 2), 2)
    assert not any(map(limit_of, messages))
