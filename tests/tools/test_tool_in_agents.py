"""The tool in agents of models that are not Gemini: sessions, files, images, sync and async."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from typing import TYPE_CHECKING, Any

import pytest
from langchain.agents import AgentState, create_agent
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from langgraph.checkpoint.memory import InMemorySaver

from langchain_codeexec import CodeExecutionMiddleware, CodeExecutionTool, LocalSandbox, code_executions
from langchain_codeexec.executions import ExecutionResult, InlineFile, Outcome
from langchain_codeexec.tools.context import CallContext, files_for

if TYPE_CHECKING:
    from collections.abc import Iterator

PNG = b"\x89PNG\r\n\x1a\n drawn"
GO_ON = {"messages": [("user", "Go on.")]}
SALES = b64encode(b"a,b\n1,2\n").decode()


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
            {"name": "code_execution", "args": {"code": code}, "id": str(number)}
            for number, code in enumerate(codes)
        ],
    )


def agent_of(tool: CodeExecutionTool, *turns: AIMessage, **settings: Any) -> Any:
    answers = (message for turn in turns for message in (turn, AIMessage("Done.")))
    model = Scripted(messages=iter(answers))
    return create_agent(model, [tool], checkpointer=InMemorySaver(), **settings)


def told(state: dict[str, Any]) -> list[str]:
    """What the tool said since the last question."""
    messages = state["messages"]
    last = max(place for place, message in enumerate(messages) if isinstance(message, HumanMessage))
    return [str(message.content) for message in messages[last:] if isinstance(message, ToolMessage)]


def thread(name: str) -> Any:
    return {"configurable": {"thread_id": name}}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[LocalSandbox]:
    with LocalSandbox(preload=()) as opened:
        yield opened


@pytest.fixture
def tool(sandbox: LocalSandbox) -> Iterator[CodeExecutionTool]:
    with PythonTool(sandbox) as opened:
        yield opened


async def test_two_threads_interleaved_keep_their_own_state(tool: CodeExecutionTool):
    turns = [calls("x = 1"), calls("x = 10"), calls("x += 1; print(x)"), calls("x += 1; print(x)")]
    agent = agent_of(tool, *turns)
    agent.invoke(GO_ON, thread("one"))
    await agent.ainvoke(GO_ON, thread("two"))
    assert told(await agent.ainvoke(GO_ON, thread("one"))) == ["The code printed:\n2"]
    assert told(agent.invoke(GO_ON, thread("two"))) == ["The code printed:\n11"]


async def test_parallel_calls_of_one_message_run_one_after_the_other(tool: CodeExecutionTool):
    count = "n = globals().get('n', 0) + 1; print(n)"
    agent = agent_of(tool, calls(*[count] * 4), calls(*[count] * 4))
    first = told(agent.invoke(GO_ON, thread("one")))
    second = told(await agent.ainvoke(GO_ON, thread("one")))
    assert sorted(first + second) == [f"The code printed:\n{n}" for n in range(1, 9)]


async def test_the_model_is_shown_the_code_argument_alone(tool: CodeExecutionTool):
    agent = agent_of(tool, calls("print(1)"))
    await agent.ainvoke(GO_ON, thread("one"))
    for schema in (tool.tool_call_schema.model_json_schema(), {"properties": tool.args}):
        assert list(schema["properties"]) == ["code"]


def test_a_restarted_process_tells_that_the_session_is_gone(sandbox: LocalSandbox):
    saver = InMemorySaver()
    said = []
    for code in ("x = 1", "print('x' in globals())"):
        tool = PythonTool(sandbox)
        model = Scripted(messages=iter([calls(code), AIMessage("Done.")]))
        agent = create_agent(model, [tool], checkpointer=saver)
        said += told(agent.invoke(GO_ON, thread("one")))
    assert "session" not in said[0]
    assert said[1].startswith("The code printed:\nFalse\n\nThe session of the earlier calls has ended")


def test_the_middlewares_tool_has_sessions_too(sandbox: LocalSandbox):
    turns = [calls("x = 1"), AIMessage("Done."), calls("print(x)"), AIMessage("Done.")]
    agent = create_agent(
        Scripted(messages=iter(turns)),
        middleware=[CodeExecutionMiddleware(executor=sandbox)],
        checkpointer=InMemorySaver(),
    )
    agent.invoke(GO_ON, thread("one"))
    assert told(agent.invoke(GO_ON, thread("one"))) == ["The code printed:\n1"]


# -- files -----------------------------------------------------------------------------------------------

LISTING = "import os; print(sorted(os.listdir()))"


async def test_programs_find_the_files_of_conversation_and_state(tool: CodeExecutionTool):
    agent = agent_of(
        tool, calls(LISTING), calls("open('plan.txt', 'a').write('!')\nprint(open('plan.txt').read())"),
        calls("print(open('plan.txt').read())"), state_schema=FilesState,
    )  # fmt: skip
    attached = {"type": "file", "mime_type": "text/csv", "base64": SALES}
    question = HumanMessage([{"type": "text", "text": "Look."}, attached])
    files = {"/notes/plan.txt": "first", "no.file": 7}

    state = agent.invoke({"messages": [question], "files": files}, thread("one"))
    assert told(state) == [
        (
            "The code printed:\n['input_file_0.csv', 'plan.txt']\n\n"
            "Files given to the program: input_file_0.csv, plan.txt.\n\n"
            "Files that cannot be given to a program: no.file."
        )
    ]
    state = await agent.ainvoke({**GO_ON, "files": {"plan.txt": "first"}}, thread("one"))
    assert told(state) == ["The code printed:\nfirst!\n\nFiles written and kept beside this text: plan.txt."]
    state = await agent.ainvoke({**GO_ON, "files": {"plan.txt": "second"}}, thread("one"))
    assert told(state) == ["The code printed:\nsecond\n\nFiles given to the program: plan.txt."]


def test_without_a_thread_programs_find_the_files_each_time(tool: CodeExecutionTool):
    runtime = type("Runtime", (), {"state": {"files": {"a.txt": "1"}}})()
    for _ in range(2):
        assert tool.invoke({"code": LISTING, "runtime": runtime}) == (
            "The code printed:\n['a.txt']\n\nFiles given to the program: a.txt."
        )


def test_files_can_be_withheld(sandbox: LocalSandbox):
    tool = PythonTool(sandbox, give_files=False)
    runtime = type("Runtime", (), {"state": {"files": {"a.txt": "1"}}})()
    assert tool.invoke({"code": LISTING, "runtime": runtime}) == "The code printed:\n[]"
    assert "input_file_0.csv" not in tool.description


@pytest.mark.parametrize("runtime", [None, "forged", {"state": {"files": {"a.txt": "1"}}}, 7])
def test_what_is_no_runtime_is_none(tool: CodeExecutionTool, runtime: Any):
    assert tool.invoke({"code": LISTING, "runtime": runtime}) == "The code printed:\n[]"


def test_files_that_do_not_fit_are_an_error_the_model_can_act_on():
    runtime = type("Runtime", (), {"state": {"files": {"a.txt": "12345"}}})()
    with LocalSandbox(preload=(), disk_bytes=4) as small:
        said = PythonTool(small).invoke({"code": LISTING, "runtime": runtime}, thread("one"))
    assert "the files do not fit" in said


def uri(mime_type: str) -> str:
    return f"data:{mime_type};base64,{SALES}"


def names(state: Any) -> list[str]:
    return [file.name for file in files_for(CallContext("code_execution", state=state)).files]


def test_attached_files_are_called_what_the_service_calls_them():
    content = [
        "Look:",
        {"type": "text", "text": "and"},
        {"type": "file", "mime_type": "text/csv", "base64": SALES, "extras": {"name": "sales.csv"}},
        {"type": "image_url", "image_url": {"url": uri("image/png")}},
        {"type": "image", "url": "https://example.com/plot.png"},
        {"type": "media", "mime_type": "text/x-python", "data": SALES},
    ]
    later = [{"type": "image", "mime_type": "image/jpeg", "base64": SALES}]
    messages = [
        SystemMessage(content),
        HumanMessage(content),
        AIMessage([{"type": "image", "mime_type": "image/png", "base64": SALES}]),
        "no message",
        HumanMessage("words"),
        HumanMessage(later),
    ]
    assert names({"messages": messages}) == [
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
    ],
)  # fmt: skip
def test_files_of_the_state(files: dict[str, Any], found: dict[str, bytes]):
    state = {
        "files": files,
        "messages": [HumanMessage([{"type": "file", "mime_type": "text/csv", "base64": SALES}])],
    }
    given = {file.name: file.data for file in files_for(CallContext("code_execution", state=state)).files}
    assert given == {"input_file_0.csv": b"a,b\n1,2\n"} | found


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
    found = files_for(CallContext("code_execution", state={"files": files}))
    assert (found.files, list(found.left_out)) == ((), list(files))


def test_no_file_takes_the_place_of_another():
    files = {"/x/a": "1", "/y/a": "2", "x_a": "3"}
    found = files_for(CallContext("code_execution", state={"files": files}))
    assert [(file.name, file.data) for file in found.files] == [("x_a", b"1"), ("y_a", b"2")]
    assert found.left_out == ("x_a",)


@pytest.mark.parametrize(
    "state", [None, {}, {"files": None, "messages": None}, {"files": ["a"], "messages": "b"}, object()]
)
def test_a_state_without_files(state: Any):
    assert names(state) == []


# -- images ----------------------------------------------------------------------------------------------


class Drawing:
    """An executor that draws."""

    name = "drawing"

    def run(self, _request: Any) -> ExecutionResult:
        return ExecutionResult(Outcome.OK, "done\n", images=(InlineFile(PNG, "image/png", "image_0.png"),))

    async def arun(self, request: Any) -> ExecutionResult:
        return self.run(request)


@pytest.mark.parametrize("shown", [False, True])
async def test_images_are_shown_to_models_that_see(shown: bool):
    tool = PythonTool(Drawing(), show_images=shown)  # type: ignore[arg-type]  # no sessions here
    call = {"type": "tool_call", "name": tool.name, "id": "1", "args": {"code": "draw()"}}
    text = "The code printed:\ndone\n\nImages drawn and kept beside this text: 1."
    image = {"type": "image", "base64": b64encode(PNG).decode(), "mime_type": "image/png"}
    for message in (tool.invoke(call), await tool.ainvoke(call)):
        assert message.content == ([{"type": "text", "text": text}, image] if shown else text)
        assert [drawn.data for run in code_executions(message) for drawn in run.images] == [PNG]


# -- cancelling ------------------------------------------------------------------------------------------


async def test_cancelling_an_agent_kills_the_run(tool: CodeExecutionTool):
    turns = [calls("while True: pass"), calls("print('still here')"), AIMessage("Done.")]
    agent = create_agent(Scripted(messages=iter(turns)), [tool], checkpointer=InMemorySaver())
    begun = asyncio.Event()

    async def watch() -> None:
        async for _ in agent.astream(GO_ON, thread("one"), stream_mode="custom"):
            begun.set()

    task = asyncio.create_task(watch())
    await asyncio.wait_for(begun.wait(), 30)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert told(await asyncio.wait_for(agent.ainvoke(GO_ON, thread("two")), 15)) == [
        "The code printed:\nstill here"
    ]
