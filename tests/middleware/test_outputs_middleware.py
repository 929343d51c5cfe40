"""What an agent draws: saved, remembered when its messages go, and kept out of later requests."""

import sqlite3
from base64 import b64encode
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import SummarizationMiddleware, before_model
from langchain_core.messages import AIMessage, RemoveMessage, ToolMessage, trim_messages
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph.message import REMOVE_ALL_MESSAGES
from langgraph.types import Command

from langchain_codeexec import ChatGeminiCodeExecution, CodeExecutionMiddleware
from langchain_codeexec.data import FolderSink
from langchain_codeexec.emulator import Prompt
from langchain_codeexec.errors import ConfigurationError
from langchain_codeexec.middleware import OutputsMiddleware
from tests.middleware.agent_shop import THREAD, Scripted
from tests.services import Gemini

ONE, TWO = b64encode(b"1").decode(), b64encode(b"2").decode()
PLOT = [
    {"executableCode": {"language": "PYTHON", "code": "plot()"}},
    {"codeExecutionResult": {"outcome": "OUTCOME_OK"}},
    {"inlineData": {"mimeType": "image/png", "data": ONE}},
    "A plot.",
]


@tool
def camera() -> list[dict[str, Any]]:
    """Take a picture."""
    return [
        {"type": "text", "text": "A picture."},
        {"type": "image", "base64": TWO, "mime_type": "image/jpeg"},
    ]


@tool
def updating_camera() -> Command[Any]:
    """Take a picture and put it into the state."""
    return Command(update={"messages": [ToolMessage(camera.invoke({}), tool_call_id="c")]})


def answer(prompt: Prompt) -> Any:
    """A plot for who asks for one, a picture for who asks for that, words for everybody else."""
    text = prompt.request["contents"][-1]["parts"][-1]
    if "plot" in text.get("text", ""):
        return PLOT
    if "picture" in text.get("text", ""):
        return [{"functionCall": {"name": "camera", "args": {}}}]
    return "Fine."


@pytest.fixture
def llm(gemini: Gemini) -> ChatGeminiCodeExecution:
    gemini.says(answer)
    return gemini.chat()


@before_model(can_jump_to=[])
def forget_all_but_the_last(state: Any, runtime: Any) -> dict[str, Any]:
    kept = trim_messages(state["messages"], max_tokens=1, token_counter=len, strategy="last")
    return {"messages": [RemoveMessage(REMOVE_ALL_MESSAGES), *kept]}


FORGETTING = {
    "summarised": lambda llm: SummarizationMiddleware(llm, trigger=("messages", 2), keep=("messages", 1)),
    "trimmed and removed": lambda llm: forget_all_but_the_last,
}
SAVERS = {
    "memory, strict": lambda: InMemorySaver(serde=JsonPlusSerializer(allowed_msgpack_modules=None)),
    "sqlite, strict": lambda: SqliteSaver(
        sqlite3.connect(":memory:", check_same_thread=False),
        serde=JsonPlusSerializer(allowed_msgpack_modules=None),
    ),
}


@pytest.mark.parametrize("forgetting", FORGETTING)
@pytest.mark.parametrize("saver", SAVERS)
@pytest.mark.parametrize("first", [True, False])
def test_outputs_outlive_their_messages(llm, tmp_path, forgetting, saver, first):
    outputs = OutputsMiddleware(tmp_path)
    forgets = FORGETTING[forgetting](llm)
    middleware = (
        [outputs, CodeExecutionMiddleware(), forgets]
        if first
        else [forgets, CodeExecutionMiddleware(), outputs]
    )
    checkpointer = SAVERS[saver]()
    agent = create_agent(llm, [camera], middleware=middleware, checkpointer=checkpointer)
    for text in ("a plot", "a picture", "thanks", "bye"):
        agent.invoke({"messages": [("user", text)]}, THREAD)
    state = (
        create_agent(llm, [camera], middleware=middleware, checkpointer=checkpointer).get_state(THREAD).values
    )
    assert not any("image" in str(message.content) for message in state["messages"])
    plot, picture = state["code_execution_outputs"]
    assert (tmp_path / plot["name"]).read_bytes() == b"1"
    assert (tmp_path / picture["name"]).read_bytes() == b"2"
    assert plot.keys() == {
        "name", "url", "mime_type", "size", "sha256", "message_id", "tool_call_id",
    }  # fmt: skip
    assert (bool(plot["message_id"]), plot["tool_call_id"]) == (True, None)
    assert picture["tool_call_id"]
    if isinstance(checkpointer, SqliteSaver):
        checkpointer.conn.close()


async def test_without_blocking_too(llm, tmp_path):
    agent = create_agent(llm, [camera], middleware=[OutputsMiddleware(tmp_path)])
    plotted = await agent.ainvoke({"messages": [("user", "a plot")]})
    pictured = await agent.ainvoke({"messages": [("user", "a picture")]})
    assert [row["size"] for state in (plotted, pictured) for row in state["code_execution_outputs"]] == [1, 1]
    assert len(list(tmp_path.iterdir())) == 2
    assert "a plot" in plotted["messages"][0].text
    [row] = plotted["code_execution_outputs"]
    assert row["message_id"] == plotted["messages"][1].id
    assert plotted["messages"][1].response_metadata["outputs"][0]["url"] == row["url"]


def test_without_a_sink_of_its_own_it_remembers_what_the_model_saved(llm, tmp_path):
    saving = llm.model_copy(update={"output_sink": tmp_path})
    state = create_agent(saving, [], middleware=[OutputsMiddleware()]).invoke(
        {"messages": [("user", "a plot")]}
    )
    [row] = state["code_execution_outputs"]
    assert (tmp_path / row["name"]).read_bytes() == b"1"


@pytest.mark.parametrize("text", ["a plot", "a picture"])
def test_a_sink_that_fails_stops_nothing(llm, tmp_path, text):
    (tmp_path / "taken").write_text("a file")
    agent = create_agent(llm, [camera], middleware=[OutputsMiddleware(tmp_path / "taken")])
    state = agent.invoke({"messages": [("user", text)]})
    assert state["messages"][-1].text in ("A plot.", "Fine.")
    [row] = state["code_execution_outputs"]
    assert row["url"] is None
    assert "could not be saved" in row["error"]


def call(name: str) -> AIMessage:
    return AIMessage("", tool_calls=[{"name": name, "args": {}, "id": "c"}])


@pytest.mark.parametrize("camera_like", [camera, updating_camera])
def test_any_model_and_tools_that_update_the_state(tmp_path, camera_like):
    llm = Scripted(lines=[call(camera_like.name), AIMessage("Done.")])
    agent = create_agent(llm, [camera_like], middleware=[OutputsMiddleware(FolderSink(tmp_path))])
    state = agent.invoke({"messages": [("user", "Go.")]})
    assert [(row["size"], row["tool_call_id"]) for row in state["code_execution_outputs"]] == [(1, "c")]
    assert [message.type for message in state["messages"]] == ["human", "ai", "tool", "ai"]


def test_tools_without_outputs_are_left_alone(tmp_path):
    @tool
    def note() -> Command[Any]:
        """Take a note."""
        return Command(update={"messages": [ToolMessage("Noted.", tool_call_id="c")]})

    @tool
    def pieces() -> int:
        """Count."""
        return 7

    for one in (note, pieces):
        agent = create_agent(
            Scripted(lines=[call(one.name), AIMessage("Done.")]),
            [one],
            middleware=[OutputsMiddleware(tmp_path)],
        )
        state = agent.invoke({"messages": [("user", "Go.")]})
        assert state["code_execution_outputs"] == []
        assert [message.type for message in state["messages"]] == ["human", "ai", "tool", "ai"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("settings", "pictures"),
    [
        ({}, 3),
        ({"replay_images": 1}, 3),
        ({"replay_images": 0}, 1),
        ({"replay_images": "none", "uploads": True}, 0),
    ],
)
def test_any_model_is_spared_earlier_images(tmp_path, settings, pictures):
    image = {"type": "image", "base64": ONE, "mime_type": "image/png"}
    llm = Scripted(
        lines=[call("camera"), AIMessage([image, {"type": "text", "text": "Look."}]), AIMessage("Done.")]
    )
    agent = create_agent(
        llm, [camera], middleware=[OutputsMiddleware(tmp_path, **settings)], checkpointer=InMemorySaver()
    )
    agent.invoke({"messages": [{"role": "user", "content": [image]}]}, THREAD)
    state = agent.invoke({"messages": [("user", "And?")]}, THREAD)
    assert str(llm.heard[-1]).count("'base64'") == pictures
    assert str(state["messages"]).count("'base64'") == 3


@pytest.mark.parametrize("settings", [{"replay_images": "some"}, {"sink": 7}])
def test_settings_that_are_none_are_told_at_once(settings):
    with pytest.raises(ConfigurationError):
        OutputsMiddleware(**settings)
