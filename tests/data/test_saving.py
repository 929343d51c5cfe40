"""What of a message is saved, and what the message says of it afterwards."""

from base64 import b64encode
from typing import Any

import pytest
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage, SystemMessage, ToolMessage

from langchain_codeexec.data import FolderSink, asave_outputs, outputs_of, save_outputs, saved_outputs
from langchain_codeexec.data.outputs import describe_file
from langchain_codeexec.errors import ConfigurationError, SinkError
from langchain_codeexec.executions import CodeExecution, InlineFile, Outcome, artifact_from_executions

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x02\x80\0\0\x01\xe0"
ONE, TWO = b64encode(b"1").decode(), b64encode(b"2").decode()
URI = f"data:image/png;base64,{ONE}"
RUN: list[dict] = [
    {"type": "server_tool_call", "id": "c", "name": "code_interpreter", "args": {"code": "plot()"}},
    {"type": "server_tool_result", "tool_call_id": "c", "status": "success", "output": ""},
]


def image(data: str = ONE, **more: Any) -> dict:
    return {"type": "image", "base64": data, "mime_type": "image/png", **more}


def drawn(*data: str) -> AIMessage:
    return AIMessage([*RUN, *map(image, data), {"type": "text", "text": "Here."}])


ARTIFACT = artifact_from_executions(
    [CodeExecution("x", outcome=Outcome.OK, images=(InlineFile(b"1", "image/png"),))],
    files=[InlineFile(b"a,b\n", "text/csv", "sums.csv")],
)


@pytest.mark.parametrize(
    ("message", "files"),
    [
        (drawn(ONE, TWO), [(b"1", "image/png"), (b"2", "image/png")]),
        (AIMessageChunk([image(index=3)]), [(b"1", "image/png")]),
        (AIMessage([{"type": "file", "base64": ONE, "mime_type": "text/csv"}]), [(b"1", "text/csv")]),
        (AIMessage([{"type": "file", "base64": ONE}]), [(b"1", "application/octet-stream")]),
        (AIMessage([{"type": "audio", "base64": ONE, "mime_type": "audio/wav"}]), [(b"1", "audio/wav")]),
        (AIMessage([{"type": "image_url", "image_url": {"url": URI}}]), [(b"1", "image/png")]),
        (
            AIMessage([{"type": "code_interpreter_call", "id": "ci_1", "outputs": [{"type": "image", "url": URI}]}]),
            [(b"1", "image/png")],
        ),
        (ToolMessage([image()], tool_call_id="c"), [(b"1", "image/png")]),
        (
            ToolMessage("Done.", tool_call_id="c", artifact=ARTIFACT),
            [(b"1", "image/png"), (b"a,b\n", "text/csv")],
        ),
        (HumanMessage([image()]), []),
        (SystemMessage([image()]), []),
        (AIMessage("Nothing."), []),
        (AIMessage([{"type": "image", "url": "https://example.org/a.png"}, image("A"), "text"]), []),
        (AIMessage([{"type": "file", "file_id": "f-1"}, {"type": ["file"]}, {"type": "file", "base64": 7}]), []),
        (ToolMessage("Done.", tool_call_id="c", artifact={"type": "another"}), []),
    ],
)  # fmt: skip
def test_what_is_an_output(message, files):
    assert [(file.data, file.mime_type) for file in outputs_of(message)] == files


@pytest.mark.parametrize(
    ("file", "description"),
    [
        (InlineFile(PNG, "image/png"), "image/png, 640 x 480 pixels, 24 bytes"),
        (InlineFile(PNG[:15], "image/png"), "image/png, 15 bytes"),
        (InlineFile(b"", "image/png"), "image/png, 0 bytes"),
        (InlineFile(bytes(1500), "image/jpeg"), "image/jpeg, 1.5 kB"),
    ],
)
def test_description(file, description):
    assert describe_file(file) == description


async def test_messages_say_where_their_files_are_and_stay_what_they_were(tmp_path):
    messages = [drawn(ONE, TWO), HumanMessage([image()]), drawn(ONE)]
    contents = [list(message.content) for message in messages]
    saved = save_outputs(messages, FolderSink(tmp_path))
    assert [(tmp_path / one.name).read_bytes() for one in saved] == [b"1", b"2", b"1"]
    assert saved_outputs(messages[0]) == [saved[0].to_dict(), saved[1].to_dict()]
    assert [message.content for message in messages] == contents
    assert "outputs" not in messages[1].response_metadata
    assert await asave_outputs(messages, FolderSink(tmp_path)) == saved
    assert saved_outputs(messages[2]) == [saved[2].to_dict()]


def test_a_message_knows_all_places_its_files_are_at(tmp_path):
    message = drawn(ONE)
    copy = message.model_copy()
    [here] = save_outputs(message, FolderSink(tmp_path / "here"))
    [there] = save_outputs(message, FolderSink(tmp_path / "there"))
    assert [entry["url"] for entry in saved_outputs(message)] == [here.url, there.url]
    assert saved_outputs(copy) == []


def test_a_folder_or_url_will_do_for_a_sink(tmp_path):
    [here] = save_outputs(drawn(ONE), tmp_path)
    [there] = save_outputs(drawn(ONE), "memory://saving")
    assert (tmp_path / here.name).read_bytes() == b"1"
    assert there.url == f"memory:///saving/{here.name}"
    with pytest.raises(ConfigurationError, match="not in 7"):
        save_outputs(drawn(ONE), 7)


@pytest.mark.parametrize("outputs", [None, "x", [1], {"url": "x"}])
def test_metadata_of_somebody_elses_making_is_no_record(outputs):
    assert saved_outputs(AIMessage("", response_metadata={"outputs": outputs})) == []


class Full(FolderSink):
    """Takes what is one byte long and no `2`."""

    def save(self, file):
        if file.data == b"2":
            raise ConnectionError("the disk is full")
        return super().save(file)


async def test_all_that_can_be_saved_is_and_of_the_rest_the_reason(tmp_path):
    message = drawn(ONE, TWO)
    reason = "1 of 2 files could not be saved: the sink failed: ConnectionError: the disk"
    with pytest.raises(SinkError, match=reason):
        save_outputs(message, Full(tmp_path))
    saved, failed = saved_outputs(message)
    assert (tmp_path / saved["name"]).read_bytes() == b"1"
    assert (failed["name"], failed["url"], failed["size"]) == (None, None, 1)
    assert "the disk is full" in failed["error"]
    assert [file.data for file in outputs_of(message)] == [b"1", b"2"]
    with pytest.raises(SinkError, match=r"^the sink failed: ConnectionError") as caught:
        await asave_outputs(drawn(TWO), Full(tmp_path))
    assert isinstance(caught.value.__cause__, SinkError)
