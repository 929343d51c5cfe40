"""Limits of the chat model and of the tools: where an answer is cut, and which program is not started."""

from __future__ import annotations

import logging
import pickle
from contextlib import nullcontext
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import AIMessage, HumanMessage

from langchain_codeexec import CodeExecutionTool, PythonTool, code_executions
from langchain_codeexec.control import ExecutionLimits, ExecutionUsage
from langchain_codeexec.errors import ConfigurationError, ExecutionLimitError, UnknownPriceError
from langchain_codeexec.executions import ExecutionRequest, ExecutionResult, InlineFile, Outcome
from langchain_codeexec.executors import GeminiExecutor
from tests.calls import ALL_WAYS, WAYS, call, in_chunks, streamed
from tests.services import OLD, Gemini, Wire

PRICES: Any = {"*": {"prompt": 1_000_000, "candidates": 1_000_000}}
PNG = {"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}}
PARTS: list[Any] = [
    {"text": "Let me see."},
    {"executableCode": {"language": "PYTHON", "code": "1/0"}},
    {"codeExecutionResult": {"outcome": "OUTCOME_FAILED", "output": "boom"}},
    {"executableCode": {"language": "PYTHON", "code": "print(1)"}},
    {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1\n"}},
    PNG,
    PNG,
    {"text": "Done."},
]
CUTS = [
    ("executions", 1, 4),
    ("attempts", 1, 4),
    ("output_bytes", 4, 5),
    ("images", 1, 7),
    ("tokens", 25, 3),
    ("cost", "25", 3),
]
"""A limit, how much there may be, and how many of the parts come."""


def chunks() -> list[Any]:
    """One part in each chunk, with ten tokens more."""
    made = [
        {
            "candidates": [{"content": {"role": "model", "parts": [part]}}],
            "usageMetadata": {"promptTokenCount": 10 * number},
        }
        for number, part in enumerate(PARTS, 1)
    ]
    made[-1]["candidates"][0]["finishReason"] = "STOP"
    return made


def limits(kind: str, most: Any, per: str = "turn", **more: Any) -> ExecutionLimits:
    return ExecutionLimits(**{f"per_{per}": {kind: most}, "prices": PRICES, **more})


@pytest.mark.parametrize("at_limit", ["message", "error"])
@ALL_WAYS
def test_an_answer_is_cut_at_each_limit(ask: Any, at_limit: Any, wire: Wire) -> None:
    wire.says(*chunks())
    for kind, most, kept in CUTS:
        for per in ("turn", "run"):
            llm = wire.chat(limits=limits(kind, most, per, at_limit=at_limit))
            with pytest.raises(ExecutionLimitError) if at_limit == "error" else nullcontext() as raised:
                message = ask(llm)
            if raised:
                message = raised.value.message
                assert message.response_metadata["limit"] == raised.value.limit
                assert raised.value.messages[0].text == "q"
                assert pickle.loads(pickle.dumps(raised.value)).limit == raised.value.limit
            limit = message.response_metadata["limit"]
            assert (limit["limit"], limit["most"], limit["per"]) == (kind, float(most), per)
            assert limit["used"] > limit["most"]
            assert len(message.content) == kept
            assert message.response_metadata["finish_message"].startswith("The limit of ")


@WAYS
def test_an_answer_within_its_limits_is_the_answer_without_limits(ask: Any, wire: Wire) -> None:
    wire.says(*chunks())
    roomy: Any = {
        "executions": 2,
        "attempts": 2,
        "seconds": 0.1,
        "output_bytes": 6,
        "images": 2,
        "tokens": 80,
        "cost": 80,
    }
    message = ask(wire.chat(limits=ExecutionLimits(per_turn=roomy, per_run=roomy, prices=PRICES)))
    assert (len(message.content), message.text) == (len(PARTS), "Let me see.Done.")
    assert "limit" not in message.response_metadata


def test_a_turn_forgets_what_a_run_does_not(wire: Wire) -> None:
    wire.says(*chunks())
    llm = wire.chat()
    first = streamed(llm)
    history = [HumanMessage("q"), first, HumanMessage("again")]
    for per, kept in (("turn", len(PARTS)), ("run", 4)):
        assert (
            len(llm.invoke(history, limits=limits("executions", 2 if per == "turn" else 3, per)).content)
            == kept
        )
    asked = len(wire.bodies)
    for kind, most in (("executions", 1), ("tokens", 80), ("cost", 80)):
        refused = llm.invoke(history, limits=limits(kind, most, "run"))
        assert (refused.content, refused.response_metadata["limit"]["limit"]) == ([], kind)
    assert len(wire.bodies) == asked


def test_a_cut_answer_goes_back_without_open_code(gemini: Gemini) -> None:
    gemini.says(["Let me see.", PARTS[1], PARTS[3], "Done."])
    llm = gemini.chat(limits=limits("executions", 1))
    cut = llm.invoke("q")
    assert [run.outcome for run in code_executions(cut)] == [Outcome.FAILED, None]
    assert llm.invoke([HumanMessage("q"), cut, HumanMessage("go on")]).content
    kinds = [key for part in gemini.body["contents"][1]["parts"] for key in part if key != "thoughtSignature"]
    assert kinds == ["text", "executableCode", "codeExecutionResult", "text"]
    assert "print(1)" in gemini.body["contents"][1]["parts"][-1]["text"]


def test_no_call_is_cut_in_two(wire: Wire) -> None:
    pieces: Any = [
        {"name": "f", "willContinue": True},
        {"partialArgs": [{"jsonPath": "$.a", "numberValue": 1}], "willContinue": True},
        {},
    ]
    parts = [*({"functionCall": piece} for piece in pieces), {"text": "And more."}]
    wire.says(*[{**chunk, "usageMetadata": {"promptTokenCount": 9}} for chunk in in_chunks(*parts)])
    for tools, text in (
        ([{"name": "f", "description": "f"}], ""),
        ([], "And more."),
    ):  # undeclared, it is held back
        message = wire.vertex(limits=limits("tokens", 1)).bind_tools(tools).invoke("q")
        assert [(call["name"], call["args"]) for call in message.tool_calls] == [("f", {"a": 1})]
        assert message.text == text


def test_delegated_code_is_limited_between_its_requests(gemini: Gemini) -> None:
    gemini.says([call("code_execution", task="Compute it.")], [PARTS[3], "1"], "Done.")
    llm = gemini.chat(model=OLD, limits=limits("tokens", 1)).bind_tools([{"name": "f", "description": "f"}])
    assert llm.invoke("q").response_metadata["limit"]["limit"] == "tokens"
    assert len(gemini.requests) == 1


@pytest.mark.parametrize(
    ("given", "word"),
    [
        ({}, "no limit"),
        ({"per_turn": {"runs": 1}}, "no limit runs"),
        ({"per_turn": {"executions": 0}}, "above 0"),
        ({"per_turn": {"images": 1.5}}, "above 0"),
        ({"per_run": {"cost": "much"}}, "amount of money"),
        ({"per_run": 5}, "mapping"),
        ({"per_run": {"tokens": 1}, "at_limit": "stop"}, "at_limit"),
        ({"per_run": {"tokens": 1}, "alarm_at": 80}, "alarm_at"),
        ({"per_run": {"cost": 1}, "prices": {"m": {"in": 1}}}, "prices"),
    ],
)
def test_limits_that_are_none_are_refused(given: Any, word: str) -> None:
    with pytest.raises(ConfigurationError, match=word):
        ExecutionLimits(**given)


def test_what_is_no_limits_and_a_price_that_is_not_known_are_refused(wire: Wire) -> None:
    for make in (lambda: wire.chat(limits=5), lambda: PythonTool(Executor(), limits=5)):
        with pytest.raises(ConfigurationError, match="ExecutionLimits"):
            make()
    with pytest.raises(ConfigurationError, match="leave out n"):
        wire.chat(n=2, limits=limits("executions", 1)).invoke("q")
    with pytest.raises(UnknownPriceError, match="no price of gemini-9"):
        wire.chat(model="gemini-9", limits=ExecutionLimits(per_run={"cost": 1})).invoke("q")
    assert not wire.bodies


def test_an_answer_in_another_models_name_is_not_lost(wire: Wire) -> None:
    wire.says(*[{**chunk, "modelVersion": "stand-in"} for chunk in chunks()])
    prices: Any = {"gemini-3-*": {"prompt": 1, "candidates": 1}}
    llm = wire.chat(limits=ExecutionLimits(per_run={"cost": 1}, prices=prices))
    message = llm.invoke("q")
    assert message.text == "Let me see.Done."
    with pytest.raises(UnknownPriceError, match="no price of stand-in") as raised:
        llm.invoke([HumanMessage("q"), message, HumanMessage("again")])
    assert pickle.loads(pickle.dumps(raised.value)).models == ("stand-in",)
    assert len(wire.bodies) == 1
    tool = CodeExecutionTool(wire.chat(), limits=llm.limits)
    with pytest.raises(UnknownPriceError):
        tool.invoke({"task": "Compute it."})


def test_a_budget_alarm_is_given_once(wire: Wire, caplog: pytest.LogCaptureFixture) -> None:
    class Alarms(BaseCallbackHandler):
        def on_custom_event(self, name: str, data: Any, **kwargs: Any) -> None:
            given.append((name, data))

    given: list[Any] = []
    wire.says(*chunks())
    llm = wire.chat(limits=ExecutionLimits(per_run={"tokens": 200}))
    agent = create_agent(llm)
    messages: list[Any] = []
    with caplog.at_level(logging.WARNING, "langchain_codeexec.control"):
        for _ in range(3):
            messages = agent.invoke({"messages": [*messages, HumanMessage("q")]}, {"callbacks": [Alarms()]})[
                "messages"
            ]
    alarms = [data for name, data in given if name == "code_execution_budget"]
    assert alarms == [{"limit": "tokens", "most": 200, "used": 160, "per": "run"}]
    assert caplog.messages == ["160 of at most 200 tokens per run are used up"]


# -- tools ------------------------------------------------------------------------------------------------------


class Executor:
    """Whose programs all take a second, print five bytes, draw, and fail."""

    name = "executor"

    def __init__(self) -> None:
        self.ran = 0

    def run(self, request: ExecutionRequest) -> ExecutionResult:
        self.ran += 1
        image = InlineFile(b"x", "image/png")
        return ExecutionResult(Outcome.FAILED, stderr="boom!", images=(image,), wall_time=1.0)

    async def arun(self, request: ExecutionRequest) -> ExecutionResult:
        return self.run(request)

    def session(self) -> Any:
        raise NotImplementedError


ONE_PROGRAM = [("executions", 1), ("attempts", 1), ("seconds", 1), ("output_bytes", 5), ("images", 1)]


def program() -> dict[str, Any]:
    return call("python", code="boom()")


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize("at_limit", ["message", "error"])
async def test_a_tool_starts_no_program_over_a_limit(at_limit: Any, is_async: bool, gemini: Gemini) -> None:
    for kind, most in [*ONE_PROGRAM, ("tokens", 1), ("cost", 1)]:
        for per in ("turn", "run"):
            gemini.says([program()], [program(), program()], "Done.")
            executor = Executor()
            tool = PythonTool(executor, max_sessions=0, limits=limits(kind, most, per, at_limit=at_limit))
            agent = create_agent(gemini.chat(code_execution=False), [tool])
            question: Any = {"messages": [("user", "q")]}
            with pytest.raises(ExecutionLimitError) if at_limit == "error" else nullcontext() as raised:
                state = await agent.ainvoke(question) if is_async else agent.invoke(question)
            assert executor.ran == (kind not in ("tokens", "cost"))
            if raised:
                assert raised.value.limit["limit"] == kind
                assert raised.value.messages[0].text == "q"
            else:
                replies = [message for message in state["messages"] if message.type == "tool"]
                assert [reply.artifact.get("limit", {}).get("limit") for reply in replies[-2:]] == [
                    kind,
                    kind,
                ]
                assert len(replies) == 3
                assert state["messages"][-1].text == "Done."


def test_calls_side_by_side_do_not_pass_a_limit(gemini: Gemini) -> None:
    gemini.says([program() for _ in range(5)], "Done.")
    executor = Executor()
    tool = PythonTool(executor, max_sessions=0, limits=limits("executions", 3))
    state = create_agent(gemini.chat(code_execution=False), [tool]).invoke({"messages": [("user", "q")]})
    assert executor.ran == 3
    assert [len(code_executions(message)) for message in state["messages"][2:-1]] == [1, 1, 1, 0, 0]


@pytest.mark.parametrize("is_async", [False, True])
async def test_the_task_of_a_tool_is_cut(is_async: bool, gemini: Gemini) -> None:
    gemini.says(["Let me see.", PARTS[1], PARTS[3], "Done."])
    tool = CodeExecutionTool(gemini.chat(), limits=limits("executions", 1))
    request = {"name": tool.name, "args": {"task": "Compute it."}, "id": "1", "type": "tool_call"}
    reply = await tool.ainvoke(request) if is_async else tool.invoke(request)
    assert len(code_executions(reply)) == 2
    assert reply.artifact["limit"] == {"limit": "executions", "most": 1, "used": 2, "per": "turn"}
    assert "The limit of executions per turn is reached" in reply.content
    assert "Done." not in reply.content


def test_an_inner_model_keeps_its_limits_and_its_tokens_are_counted(gemini: Gemini) -> None:
    gemini.says(["Let me see.", PARTS[3], "Done."])
    request: Any = {"name": "code_execution", "args": {"task": "Compute it."}, "id": "1", "type": "tool_call"}
    reply = CodeExecutionTool(gemini.chat()).invoke(request)
    assert reply.artifact["usage_metadata"]["total_tokens"] > 0
    assert reply.artifact["model_name"] == "gemini-3-flash-preview"
    llm = gemini.chat(limits=limits("tokens", 1, at_limit="error"))
    with pytest.raises(ExecutionLimitError) as raised:
        CodeExecutionTool(llm).invoke(request)
    assert isinstance(raised.value.message, AIMessage)


def test_tokens_of_an_executor_that_asks_a_model_are_counted(gemini: Gemini) -> None:
    gemini.says([PARTS[3]])
    reply: Any = PythonTool(GeminiExecutor.from_chat_model(gemini.chat()), max_sessions=0).invoke(
        {"name": "python", "args": {"code": "print(1)"}, "id": "1", "type": "tool_call"}
    )
    usage = ExecutionUsage.of(reply)
    assert (usage.executions, usage.unpriced) == (1, ("gemini-3-flash-preview",))
    assert usage.tokens.total == reply.artifact["usage_metadata"]["total_tokens"] > 0
