"""What a model or an agent streams, on a terminal while it arrives."""

import io
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage, ToolMessage
from rich.console import Console

from langchain_codeexec.records import aprint_stream, print_stream
from langchain_codeexec.tools import PythonTool

QUESTION = {"messages": [("user", "Call python with code='print(6 * 7)'.")]}
STEPS = ["call · python ─", "output · ok", "42", "returned: The code printed:\n42"]


def console() -> Console:
    return Console(file=io.StringIO(), width=60)


def printed(stream: Any) -> tuple[str, list[Any]]:
    screen = console()
    messages = print_stream(stream, screen)
    return screen.file.getvalue(), messages  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def agent(_scenes: Any) -> Any:
    with PythonTool() as tool:
        yield create_agent(_scenes.chat(), [tool])


MODES = [
    {"stream_mode": "messages"},
    {"stream_mode": "updates"},
    {"stream_mode": "values"},
    {"stream_mode": ["messages", "updates", "custom"]},
    {"stream_mode": ["messages", "values"], "subgraphs": True},
    {"stream_mode": ["messages", "updates"], "version": "v2"},
]


@pytest.mark.parametrize("mode", MODES, ids=str)
async def test_an_agents_run_is_shown_once_in_every_mode(agent, mode):
    shown, messages = printed(agent.stream(QUESTION, **mode))
    screen = console()
    again = await aprint_stream(agent.astream(QUESTION, **mode), screen)
    assert [message.text for message in again] == [message.text for message in messages]
    for text in (shown, screen.file.getvalue()):  # type: ignore[attr-defined]
        end = 0
        for step in STEPS:
            end = text.index(step, end) + len(step)
        assert text.count("call · ") == text.count("output · ") == 1
        assert text.count(" tokens: ") == 2


def test_a_models_stream_gives_the_message_and_says_where_images_are(scenes, tmp_path):
    question = "Plot these monthly sales: Jan 10, Feb 12, Mar 9, Apr 15"
    shown, [message] = printed(scenes.chat().stream(question, output_sink=tmp_path))
    [saved] = tmp_path.iterdir()
    assert f"640 x 480 pixels, {saved.stat().st_size / 1000:.1f} kB\n{saved}\n" in shown
    assert message.response_metadata["finish_reason"] == "STOP"


def chunk(content: Any, message_id: str | None, last: bool = False) -> AIMessageChunk:
    return AIMessageChunk(content, id=message_id, chunk_position="last" if last else None)


@pytest.mark.parametrize(
    ("events", "texts"),
    [
        ([], []),
        ([chunk("a", None), chunk("b", None)], ["ab"]),
        # Two at a time; one whose service names itself in the first chunk only.
        ([chunk("a", "lc_run--1"), chunk("x", "lc_run--2"), chunk("b", "lc_run--1"), chunk("y", "lc_run--2", True)], ["xy", "ab"]),
        ([chunk("a", "resp_1"), chunk("b", "lc_run--1", True), chunk("c", "lc_run--2")], ["ab", "c"]),
        ([chunk("a", "1"), AIMessage("ab", id="1"), AIMessage("ab", id="1")], ["ab"]),
        ([AIMessage("a"), AIMessage("a")], ["a", "a"]),
        ([{"n": None}, ("custom", {"type": "x"}), ("updates", {"n": {"messages": [HumanMessage("q", id="q")]}})], ["q"]),
    ],
)  # fmt: skip
def test_chunks_are_told_apart(events, texts):
    shown, messages = printed(events)
    assert [message.text for message in messages] == texts
    assert "\n\n\n" not in shown


def test_a_call_in_pieces_is_shown_whole():
    pieces = [
        AIMessageChunk(
            "", id="1", tool_call_chunks=[{"name": name, "args": args, "id": name and "c", "index": 0}]
        )
        for name, args in (("f", '{"x"'), (None, ": 1}"))
    ]
    shown, _ = printed([*pieces, ToolMessage("1", tool_call_id="c", name="f")])
    assert "call · f ─" in shown
    assert '{"x": 1}' in shown


def test_a_stream_that_breaks_off_ends_its_line():
    def stream() -> Any:
        yield chunk("half", "1")
        raise ConnectionError

    screen = console()
    with pytest.raises(ConnectionError):
        print_stream(stream(), screen)
    assert screen.file.getvalue().endswith("half\n\n")  # type: ignore[attr-defined]
