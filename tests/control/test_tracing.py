"""Each execution is one run of LangChain's callbacks: below the model or the tool, in every way to call, on every model."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from langchain_core.tracers import LangChainTracer
from langchain_core.tracers.context import collect_runs
from langchain_core.tracers.run_collector import RunCollectorCallbackHandler
from langgraph.types import Command
from langsmith import Client

from langchain_codeexec import CodeExecutionTool, PythonTool, code_executions
from langchain_codeexec.control import Redactor
from langchain_codeexec.errors import GeminiError
from langchain_codeexec.executors import ProcessExecutor
from tests.calls import ALL_WAYS, in_chunks, response
from tests.control.runs import executions
from tests.middleware.agent_shop import (
    MODELS,
    QUESTION,
    agent_on,
    any_model,
    either_generation,
    shopkeeper,
)
from tests.middleware.conftest import _models_are_closed, _nothing_learned  # noqa: F401 -- fixtures
from tests.tools.calling import QUESTION as TASK
from tests.tools.calling import agent_of, refund

if TYPE_CHECKING:
    from langchain_codeexec import LocalSandbox
    from tests.services import Gemini, Wire

# langchain-google-genai warns of every answer that holds code.
pytestmark = pytest.mark.filterwarnings(r"ignore:\s*Warning. Output may vary each run:UserWarning")

CODE = {"executableCode": {"language": "PYTHON", "code": "print(6 * 7)", "id": "1"}}
RESULT = {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "42\n", "id": "1"}}
FAILED = {"codeExecutionResult": {"outcome": "OUTCOME_FAILED", "output": "NameError", "id": "1"}}
PNG = {"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}}
TEXT = {"text": "It is 42."}
OUTPUTS = {"outcome": "OUTCOME_OK", "output": "42\n", "images": 0, "seconds": None, "calls": []}


@ALL_WAYS
def test_code_that_gemini_ran_is_a_run_below_the_models(gemini: Gemini, ask: Any):
    gemini.says(["I run it. ", {"executableCode": {"code": "print(6 * 7)"}}, "It is 42."])
    heard = RunCollectorCallbackHandler()
    answer = ask(gemini.chat(callbacks=[heard]))
    [execution] = code_executions(answer)
    [(above, run)] = executions(heard.traced_runs)
    assert (above, run.run_type, run.error) == ("ChatGeminiCodeExecution", "tool", None)
    assert (run.inputs, run.outputs) == ({"code": "print(6 * 7)", "language": "PYTHON"}, {"output": OUTPUTS})
    known = {key: run.metadata[key] for key in ("origin", "plan", "model_name", "execution_id")}
    assert known == {"origin": "gemini", "plan": "native", "model_name": answer.response_metadata["model_name"],
                     "execution_id": execution.id}  # fmt: skip


def test_in_a_stream_runs_begin_and_end_as_their_parts_come(wire: Wire):
    wire.says(*in_chunks(CODE, RESULT, PNG, TEXT))
    heard = RunCollectorCallbackHandler()
    seen = []
    for chunk in wire.chat().stream("q", {"callbacks": [heard]}):
        [root] = [run for run in heard.run_map.values() if run.parent_run_id is None]
        [run] = root.child_runs
        images = run.outputs["output"]["images"] if run.outputs else None
        seen.append((chunk.content[0]["type"] if chunk.content else "", images))
    assert seen[:4] == [
        ("server_tool_call", None),
        ("server_tool_result", None),
        ("image", None),
        ("text", 1),
    ]


@pytest.mark.parametrize(
    ("parts", "ends"),
    [
        ([FAILED, TEXT], ("OUTCOME_FAILED", None)),
        ([TEXT], (None, None)),
        ([RESULT, "cut"], ("OUTCOME_OK", None)),
        (["cut"], (None, "TruncatedResponseError")),
    ],
)
@pytest.mark.parametrize("is_async", [False, True])
def test_a_run_ends_however_its_stream_does(wire: Wire, parts: list[Any], ends: Any, is_async: bool):
    chunks = in_chunks(*[part for part in [CODE, *parts] if part != "cut"])
    if "cut" in parts:
        del chunks[-1]["candidates"][0]["finishReason"]
    wire.says(*chunks)
    heard = RunCollectorCallbackHandler()
    llm = wire.chat()

    async def astream() -> None:
        async for _ in llm.astream("q", {"callbacks": [heard]}):
            pass
        await llm.aclose()

    try:
        asyncio.run(astream()) if is_async else list(llm.stream("q", {"callbacks": [heard]}))
    except GeminiError:
        assert "cut" in parts
    [(_, run)] = executions(heard.traced_runs)
    outcome = run.outputs["output"]["outcome"] if run.outputs else None
    assert (outcome, run.error and run.error.partition("(")[0]) == ends


def test_without_listeners_a_stream_has_no_run_to_tell(gemini: Gemini):
    gemini.says([{"executableCode": {"code": "print(6 * 7)"}}, "It is 42."])
    with collect_runs() as heard:
        list(gemini.chat().stream("q"))
    assert len([*executions(heard.traced_runs)]) == 1
    assert code_executions(gemini.chat().invoke("q"))


def test_langsmith_is_sent_the_runs_in_one_trace(gemini: Gemini, wire: Wire):
    gemini.says([{"executableCode": {"code": "print(6 * 7)"}}, "It is 42."])
    client = Client(api_url=wire.url, api_key="key", auto_batch_tracing=False)
    tracer = LangChainTracer(client=client)
    list(gemini.chat().stream("q", {"callbacks": [tracer], "configurable": {"thread_id": "7"}}))
    tracer.wait_for_futures()
    sent = {body["name"]: body for body in wire.bodies if "name" in body}
    model, run = sent["ChatGeminiCodeExecution"], sent["code_interpreter"]
    assert (run["parent_run_id"], run["trace_id"]) == (model["id"], model["id"])


@any_model
@either_generation
def test_whatever_model_an_agent_calls_each_execution_is_one_run(gemini: Gemini, build: Any, model: str):
    gemini.says(shopkeeper)
    heard = RunCollectorCallbackHandler()
    state = agent_on(build(gemini, model)).invoke(QUESTION, {"callbacks": [heard]})
    runs = [run.outputs["output"]["output"] for _, run in executions(heard.traced_runs)]
    assert runs == [run.output for run in code_executions(state)] == ["3840\n"]


@pytest.mark.parametrize("mode", ["messages", "tools", "updates"])
@pytest.mark.parametrize("is_async", [False, True])
async def test_whatever_a_graph_streams_each_execution_is_one_run(gemini: Gemini, mode: Any, is_async: bool):
    gemini.says(shopkeeper)
    agent = agent_on(MODELS["own-developer"](gemini, "gemini-3-flash-preview"))
    heard = RunCollectorCallbackHandler()
    how: Any = ({"callbacks": [heard]},)
    if is_async:
        events = [event async for event in agent.astream(QUESTION, *how, stream_mode=mode)]
    else:
        events = list(agent.stream(QUESTION, *how, stream_mode=mode))
    assert [above for above, _ in executions(heard.traced_runs)] == ["ChatGeminiCodeExecution"]
    if mode == "tools":
        assert [event["event"] for event in events if event.get("tool_name") == "code_interpreter"] == [
            "tool-started"
        ]


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize("build", ["own-developer", "genai-developer"])
async def test_a_task_of_another_model_is_run_once(gemini: Gemini, build: str, is_async: bool):
    gemini.says([{"executableCode": {"code": "print(6 * 7)"}}, "It is 42."])
    tool = CodeExecutionTool(MODELS[build](gemini, "gemini-3-flash-preview"))
    heard = RunCollectorCallbackHandler()
    config: Any = {"callbacks": [heard]}
    if is_async:
        await tool.ainvoke({"task": "q"}, config)
    else:
        tool.invoke({"task": "q"}, config)
    own = build.startswith("own")
    assert [above for above, _ in executions(heard.traced_runs)] == [
        "ChatGeminiCodeExecution" if own else tool.name
    ]


@pytest.mark.parametrize("is_async", [False, True])
async def test_a_program_that_is_stopped_for_an_answer_is_run_and_recorded_again(
    sandbox: LocalSandbox, is_async: bool
):
    agent = agent_of([PythonTool(sandbox, tools=[refund])], "print(refund('7'))")
    heard = RunCollectorCallbackHandler()
    config: Any = {"callbacks": [heard], "configurable": {"thread_id": "1"}}
    state: Any = TASK
    for step in (state, Command(resume="yes")):
        state = await agent.ainvoke(step, config) if is_async else agent.invoke(step, config)
    first, second = [run for _, run in executions(heard.traced_runs)]
    assert first.error.startswith("GraphInterrupt")
    assert [call["name"] for call in second.outputs["output"]["calls"]] == ["refund"]
    assert second.outputs["output"]["seconds"] > 0
    assert second.metadata["message_id"] == state["messages"][1].id
    assert len(code_executions(state)) == 1


def test_a_sandbox_that_cannot_run_anything_ends_the_run_with_an_error():
    heard = RunCollectorCallbackHandler()
    tool = PythonTool(ProcessExecutor(python="/nowhere/python"))
    tool.invoke({"code": "print(1)"}, {"callbacks": [heard]})
    [(above, run)] = executions(heard.traced_runs)
    assert (above, "Error" in run.error) == ("python", True)


@pytest.mark.parametrize("build", ["own-developer", "genai-developer"])
async def test_events_tell_of_executions(gemini: Gemini, build: str):
    gemini.says(shopkeeper)
    agent = agent_on(MODELS[build](gemini, "gemini-3-flash-preview"))
    events = [event async for event in agent.astream_events(QUESTION, version="v2")]
    heard = [event for event in events if event["name"] == "code_interpreter"]
    assert [event["event"] for event in heard] == ["on_tool_start", "on_tool_end"]
    assert heard[-1]["data"]["output"]["output"] == "3840\n"


def test_what_runs_are_given_is_redacted_before(wire: Wire, sandbox: LocalSandbox):
    key = "AKIA" + "Q" * 16
    code = {"executableCode": {"language": "PYTHON", "code": f"print('{key}')", "id": "1"}}
    wire.says(response(code, {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": key, "id": "1"}}))
    heard = RunCollectorCallbackHandler()
    wire.chat(redact=Redactor(), callbacks=[heard]).invoke("q")
    PythonTool(sandbox, redact=Redactor()).invoke(
        {"code": f"print('{key[:9]}' + '{key[9:]}')"}, {"callbacks": [heard]}
    )
    runs = [run for _, run in executions(heard.traced_runs)]
    assert [run.outputs["output"]["redacted"] for run in runs] == [["aws_access_key"]] * 2
    assert key not in str([(run.inputs, run.outputs) for run in runs])
