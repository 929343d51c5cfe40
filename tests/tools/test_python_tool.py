"""The tool that runs the caller's code: what it gives and keeps, the files that programs find, and its place in agents."""

from __future__ import annotations

import asyncio
import json
import pickle
from base64 import b64encode
from typing import TYPE_CHECKING, Any

import pytest
from langchain.agents import AgentState, create_agent
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.tools import ToolException
from langchain_tests.integration_tests import ToolsIntegrationTests
from langchain_tests.unit_tests import ToolsUnitTests
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

from langchain_codeexec import CodeExecution, LocalSandbox, PythonTool, code_executions
from langchain_codeexec.errors import ConfigurationError, ExecutorError
from langchain_codeexec.executions import ExecutionResult, InlineFile, Outcome, files_from_artifact
from langchain_codeexec.executors import ProcessExecutor
from langchain_codeexec.tools.files import files_in_state

if TYPE_CHECKING:
    from langchain_codeexec import ExecutionRequest

PNG = b"\x89PNG\r\n\x1a\n drawn"
PLOT = InlineFile(PNG, "image/png")
TABLE = InlineFile(b"a,b", "text/csv", "t.csv")
GO_ON = {"messages": [("user", "Go on.")]}
SALES = b64encode(b"a,b\n1,2\n").decode()


class Canned:
    """An executor that gives a result, or fails, without running anything."""

    name = "canned"

    def __init__(self, result: ExecutionResult | Exception) -> None:
        self._result = result

    def run(self, request: ExecutionRequest) -> ExecutionResult:
        if isinstance(self._result, Exception):
            raise self._result
        return self._result

    async def arun(self, request: ExecutionRequest) -> ExecutionResult:
        return self.run(request)


def canned(result: ExecutionResult | Exception, **settings: Any) -> PythonTool:
    executor: Any = Canned(result)
    return PythonTool(executor, **settings)


async def replies(tool: PythonTool, code: str = "pass") -> list[ToolMessage]:
    """What a call gives, made with and without blocking."""
    call = {"type": "tool_call", "name": tool.name, "id": "1", "args": {"code": code}}
    return [tool.invoke(call), await tool.ainvoke(call)]


class TestUnit(ToolsUnitTests):
    @property
    def tool_constructor(self) -> type[PythonTool]:
        return PythonTool

    @property
    def tool_invoke_params_example(self) -> dict[str, Any]:
        return {"code": "print(6 * 7)"}


class TestIntegration(ToolsIntegrationTests):
    @property
    def tool_constructor(self) -> PythonTool:
        return PythonTool(ProcessExecutor())

    @property
    def tool_invoke_params_example(self) -> dict[str, Any]:
        return {"code": "print(6 * 7)"}


# -- by itself -------------------------------------------------------------------------------------------


async def test_without_settings_it_brings_a_sandbox_of_its_own():
    with PythonTool() as tool:
        assert (tool.name, list(tool.args)) == ("python", ["code"])
        assert tool.invoke("print(6 * 7)") == "The code printed:\n42"
        assert await tool.ainvoke({"code": "x = 42; x"}) == (
            "The code printed:\n(nothing)\n\nThe value of its last expression:\n42"
        )
    assert "the sandbox is closed" in tool.invoke({"code": "print(1)"})


def test_a_sandbox_that_was_given_stays_open(sandbox: LocalSandbox):
    PythonTool(sandbox).close()
    assert PythonTool(sandbox).invoke("print(6 * 7)") == "The code printed:\n42"


@pytest.mark.parametrize(
    ("result", "content"),
    [
        (ExecutionResult(Outcome.OK, "42\n"), "The code printed:\n42"),
        (ExecutionResult(Outcome.OK), "The code printed:\n(nothing)"),
        (
            ExecutionResult(Outcome.OK, "1\n", "careful\n"),
            "The code printed:\n1\n\nIt wrote to stderr:\ncareful",
        ),
        (
            ExecutionResult(Outcome.OK, value="42", detail="more files were left than are brought back"),
            (
                "The code printed:\n(nothing)\n\nThe value of its last expression:\n42\n\n"
                "Note: more files were left than are brought back."
            ),
        ),
        (
            ExecutionResult(Outcome.OK, "1\n", tried=("a: quota", "b: deadline"), executor="c"),
            "The code printed:\n1\n\nRun by c; tried before: a: quota, b: deadline.",
        ),
        (ExecutionResult(Outcome.FAILED, "", "NameError: x\n"), "The code failed:\nNameError: x"),
        (
            ExecutionResult(Outcome.DEADLINE_EXCEEDED, detail="killed at 30 s"),
            "The code ran out of time:\nkilled at 30 s",
        ),
        (ExecutionResult(Outcome.UNSPECIFIED), "The code ended in an unknown way:\n(nothing)"),
        (
            ExecutionResult(Outcome.OK, "done\n", images=(PLOT,), files=(TABLE,)),
            (
                "The code printed:\ndone\n\nImages drawn and kept beside this text: 1.\n\n"
                "Files written and kept beside this text: t.csv."
            ),
        ),
        (
            ExecutionResult(Outcome.OK, "x" * 20_007),
            f"The code printed:\n{'x' * 20_000}\n[7 more characters were printed]",
        ),
    ],
)
async def test_content_says_what_came_of_the_code(result: ExecutionResult, content: str):
    for message in await replies(canned(result)):
        assert message.content == content


@pytest.mark.parametrize("shown", [True, False])
async def test_images_are_shown_on_demand_and_always_kept(shown: bool):
    text = "The code printed:\ndone\n\nImages drawn and kept beside this text: 1."
    image = {"type": "image", "base64": b64encode(PNG).decode(), "mime_type": "image/png"}
    for message in await replies(
        canned(ExecutionResult(Outcome.OK, "done\n", images=(PLOT,)), show_images=shown)
    ):
        assert message.content == ([{"type": "text", "text": text}, image] if shown else text)
        assert [drawn.data for run in code_executions(message) for drawn in run.images] == [PNG]


ROUND_TRIPS = {
    "json": lambda message: ToolMessage.model_validate(json.loads(json.dumps(message.model_dump()))),
    "pickle": lambda message: pickle.loads(pickle.dumps(message)),
    "checkpoint": lambda message: (serde := JsonPlusSerializer(allowed_msgpack_modules=None)).loads_typed(
        serde.dumps_typed(message)
    ),
}


@pytest.mark.parametrize("round_trip", ROUND_TRIPS.values(), ids=ROUND_TRIPS)
async def test_what_is_kept_survives(round_trip: Any):
    result = ExecutionResult(Outcome.OK, "done\n", images=(PLOT,), files=(TABLE,))
    run = CodeExecution("draw()", outcome=Outcome.OK, output="done\n", images=(PLOT,), origin="canned")
    for message in map(round_trip, await replies(canned(result), "draw()")):
        assert code_executions(message) == [run]
        assert files_from_artifact(message.artifact) == [TABLE]


async def test_a_broken_sandbox_is_a_message_or_an_error():
    error = ExecutorError("no interpreter")
    for message in await replies(canned(error)):
        assert message.status == "error"
        assert message.content == (
            "The code was not run: no interpreter\nTrying again will not help: go on without it and say so."
        )
    with pytest.raises(ToolException, match="no interpreter"):
        await replies(canned(error, handle_tool_error=False))


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"executor": object()}, "an executor is an object"),
        ({"executor": LocalSandbox}, "an executor is an object"),
        ({"llm": object()}, "has no setting llm;"),
        ({"timeout": 3}, r"LocalSandbox\(timeout=10\)"),
        *(
            ({"max_sessions": number}, "max_sessions must be a whole number")
            for number in (-1, 1.5, True, "2")
        ),
    ],
)
def test_settings_that_it_has_not(settings: dict[str, Any], named: str):
    with pytest.raises(ConfigurationError, match=named):
        PythonTool(**settings)


def test_name_and_description_can_be_set():
    tool = canned(ExecutionResult(Outcome.OK), name="code_execution", description="Runs.", return_direct=True)
    assert (tool.name, tool.description, tool.return_direct) == ("code_execution", "Runs.", True)


# -- in agents -------------------------------------------------------------------------------------------


class Scripted(GenericFakeChatModel):
    """A chat model that calls tools as it was told."""

    def bind_tools(self, *_tools: Any, **_kwargs: Any) -> Any:
        return self


class FilesState(AgentState[Any]):
    files: dict[str, Any]


def calls(*codes: str) -> AIMessage:
    return AIMessage(
        "",
        tool_calls=[
            {"name": "python", "args": {"code": code}, "id": str(number)} for number, code in enumerate(codes)
        ],
    )


def agent_of(tool: PythonTool, *turns: AIMessage, **settings: Any) -> Any:
    """An agent that makes one turn's calls for each question."""
    answers = (message for turn in turns for message in (turn, AIMessage("Done.")))
    return create_agent(
        Scripted(messages=iter(answers)), [tool], **{"checkpointer": InMemorySaver(), **settings}
    )


def replies_of(state: dict[str, Any]) -> list[str]:
    """What the tool replied since the last question."""
    messages = state["messages"]
    last = max(place for place, message in enumerate(messages) if isinstance(message, HumanMessage))
    return [str(message.content) for message in messages[last:] if isinstance(message, ToolMessage)]


def thread(name: str) -> Any:
    return {"configurable": {"thread_id": name}}


async def test_two_threads_interleaved_keep_their_own_state(tool: PythonTool):
    agent = agent_of(tool, *map(calls, ["x = 1", "x = 10", "x += 1; print(x)", "x += 1; print(x)"]))
    agent.invoke(GO_ON, thread("one"))
    await agent.ainvoke(GO_ON, thread("two"))
    assert replies_of(await agent.ainvoke(GO_ON, thread("one"))) == ["The code printed:\n2"]
    assert replies_of(agent.invoke(GO_ON, thread("two"))) == ["The code printed:\n11"]


async def test_parallel_calls_of_one_message_run_one_after_the_other(tool: PythonTool):
    count = "n = globals().get('n', 0) + 1; print(n)"
    agent = agent_of(tool, calls(*[count] * 4), calls(*[count] * 4))
    first = replies_of(agent.invoke(GO_ON, thread("one")))
    second = replies_of(await agent.ainvoke(GO_ON, thread("one")))
    assert sorted(first + second) == [f"The code printed:\n{n}" for n in range(1, 9)]


def test_the_model_is_shown_the_code_argument_alone(tool: PythonTool):
    for schema in (tool.tool_call_schema.model_json_schema(), {"properties": tool.args}):
        assert list(schema["properties"]) == ["code"]


async def test_progress_streams_out_of_an_agent(tool: PythonTool):
    agent = agent_of(tool, calls("print(42)"), calls("print(42)"), checkpointer=None)
    about = {"type": "code_execution_progress", "tool": "python"}
    steps = [
        {**about, "step": "code", "code": "print(42)", "language": "PYTHON"},
        {**about, "step": "result", "outcome": "OUTCOME_OK", "output": "42\n"},
    ]
    assert list(agent.stream(GO_ON, stream_mode="custom")) == steps
    assert [step async for step in agent.astream(GO_ON, stream_mode="custom")] == steps


async def test_cancelling_an_agent_kills_the_run(tool: PythonTool):
    agent = agent_of(tool, calls("while True: pass"), calls("print('still here')"))
    begun = asyncio.Event()

    async def watch() -> None:
        async for _ in agent.astream(GO_ON, thread("one"), stream_mode="custom"):
            begun.set()

    task = asyncio.create_task(watch())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    agent = agent_of(tool, calls("print('still here')"))
    assert replies_of(await agent.ainvoke(GO_ON, thread("two"))) == ["The code printed:\nstill here"]


# -- files -----------------------------------------------------------------------------------------------

LISTING = "import os; print(sorted(os.listdir()))"


class Runtime:
    """What LangGraph hands to a tool, as far as it is read."""

    def __init__(self, **state: Any) -> None:
        self.state = state


async def test_programs_find_the_files_of_conversation_and_state(tool: PythonTool):
    agent = agent_of(
        tool, calls(LISTING), calls("open('plan.txt', 'a').write('!')\nprint(open('plan.txt').read())"),
        calls("print(open('plan.txt').read())"), state_schema=FilesState,
    )  # fmt: skip
    attached = {"type": "file", "mime_type": "text/csv", "base64": SALES}
    question = HumanMessage([{"type": "text", "text": "Look."}, attached])
    files = {"/notes/plan.txt": "first", "no.file": 7}

    state = agent.invoke({"messages": [question], "files": files}, thread("one"))
    assert replies_of(state) == [
        (
            "The code printed:\n['input_file_0.csv', 'plan.txt']\n\n"
            "Files given to the program: input_file_0.csv, plan.txt.\n\n"
            "Files that cannot be given to a program: no.file."
        )
    ]
    state = await agent.ainvoke({**GO_ON, "files": {"plan.txt": "first"}}, thread("one"))
    assert replies_of(state) == [
        "The code printed:\nfirst!\n\nFiles written and kept beside this text: plan.txt."
    ]
    state = await agent.ainvoke({**GO_ON, "files": {"plan.txt": "second"}}, thread("one"))
    assert replies_of(state) == ["The code printed:\nsecond\n\nFiles given to the program: plan.txt."]


def test_without_a_thread_programs_find_the_files_each_time(tool: PythonTool):
    for _ in range(2):
        assert tool.invoke({"code": LISTING, "runtime": Runtime(files={"a.txt": "1"})}) == (
            "The code printed:\n['a.txt']\n\nFiles given to the program: a.txt."
        )


def test_files_can_be_withheld(sandbox: LocalSandbox):
    tool = PythonTool(sandbox, give_files=False)
    assert tool.invoke({"code": LISTING, "runtime": Runtime(files={"a.txt": "1"})}) == "The code printed:\n[]"
    assert "input_file_0.csv" not in tool.description


@pytest.mark.parametrize("runtime", [None, "forged", {"state": {"files": {"a.txt": "1"}}}, 7])
def test_what_is_no_runtime_is_none(tool: PythonTool, runtime: Any):
    assert tool.invoke({"code": LISTING, "runtime": runtime}) == "The code printed:\n[]"


def test_files_that_do_not_fit_are_an_error_the_model_can_act_on():
    with LocalSandbox(preload=(), disk_bytes=4) as small:
        reply = PythonTool(small).invoke({"code": LISTING, "runtime": Runtime(files={"a.txt": "12345"})})
    assert "the files do not fit" in reply


def test_attached_files_are_called_what_the_service_calls_them():
    png = f"data:image/png;base64,{SALES}"
    content = [
        "Look:",
        {"type": "text", "text": "and"},
        {"type": "file", "mime_type": "text/csv", "base64": SALES, "extras": {"name": "sales.csv"}},
        {"type": "image_url", "image_url": {"url": png}},
        {"type": "image", "url": "https://example.com/plot.png"},
        {"type": "media", "mime_type": "text/x-python", "data": SALES},
    ]
    messages = [
        SystemMessage(content),
        HumanMessage(content),
        AIMessage([{"type": "image", "mime_type": "image/png", "base64": SALES}]),
        "no message",
        HumanMessage("words"),
        HumanMessage([{"type": "image", "mime_type": "image/jpeg", "base64": SALES}]),
    ]
    files, _ = files_in_state({"messages": messages})
    assert [file.name for file in files] == [
        "input_file_0.csv",
        "input_file_1.png",
        "input_file_2.py",
        "input_file_3.jpeg",
    ]


@pytest.mark.parametrize(
    ("files", "found"),
    [
        ({"a.txt": "größer"}, {"a.txt": "größer".encode()}),
        ({"a.bin": b"\0", "b.bin": bytearray(b"\1"), "c.bin": memoryview(b"\2")},
         {"a.bin": b"\0", "b.bin": b"\1", "c.bin": b"\2"}),
        ({"/a.txt": {"content": ["one", "two"]}}, {"a.txt": b"one\ntwo"}),
        ({"/a.txt": {"content": "one", "encoding": "utf-8"}}, {"a.txt": b"one"}),
        ({"/a.png": {"content": b64encode(PNG).decode(), "encoding": "base64"}}, {"a.png": PNG}),
        ({"/x/a.txt": "1", "/y/a.txt": "2"}, {"x_a.txt": b"1", "y_a.txt": b"2"}),
        ({"input_file_0.csv": "mine"}, {"input_file_0.csv": b"mine"}),
        ({"/x/a": "1", "/y/a": "2", "x_a": "3"}, {"x_a": b"1", "y_a": b"2"}),
    ],
)  # fmt: skip
def test_files_of_the_state(files: dict[str, Any], found: dict[str, bytes]):
    attached = HumanMessage([{"type": "file", "mime_type": "text/csv", "base64": SALES}])
    given, left_out = files_in_state({"files": files, "messages": [attached]})
    assert {file.name: file.data for file in given} == {"input_file_0.csv": b"a,b\n1,2\n"} | found
    assert len(left_out) == len(files) - len(found)


@pytest.mark.parametrize(
    "files",
    [
        {"a": 7},
        {"a": None},
        {"a": {"content": 7}},
        {"a": {"content": ["one", 2]}},
        {"a": {"content": "%", "encoding": "base64"}},
        {"a": {"content": 7, "encoding": "base64"}},
        {"a\0b": "1"},
        {"..": "1"},
        {"": "1"},
        {"/": "1"},
        {"x/" * 200 + "a": "1", "y/" * 200 + "a": "2"},
    ],
)
def test_what_is_no_file_is_left_out_and_named(files: dict[str, Any]):
    assert files_in_state({"files": files}) == ((), tuple(files))
