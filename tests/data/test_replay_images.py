"""Images of earlier turns that stay out of a request, and everything that stays in."""

from base64 import b64encode
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, ChatMessage, HumanMessage, SystemMessage, ToolMessage

from langchain_codeexec.data import FileSystemSink, FolderSink, save_outputs, without_images
from langchain_codeexec.errors import ConfigurationError
from langchain_codeexec.gemini.capabilities import Destination
from langchain_codeexec.messages.to_wire import contents_from_messages

SMALL, LARGE = b64encode(b"12").decode(), b64encode(bytes(100)).decode()
HERE = "[An image was here; left out of this request: "


def text(words: str, **more: Any) -> dict:
    return {"type": "text", "text": words, **more}


def image(data: str = LARGE, **more: Any) -> dict:
    return {"type": "image", "base64": data, "mime_type": "image/png", **more}


def earlier(*content: Any) -> list:
    return [HumanMessage("Draw."), AIMessage(list(content)), HumanMessage("Thanks.")]


def left_out(facts: str = "image/png, 100 bytes", **more: Any) -> dict:
    return text(f"{HERE}{facts}]", **more)


@pytest.mark.parametrize(
    ("block", "limit", "replaced"),
    [
        (image(), "all", None),
        (image(), 100, None),
        (image(), 99, left_out()),
        (image(SMALL), 99, None),
        (image(SMALL), 0, left_out("image/png, 2 bytes")),
        (image(""), "none", left_out("image/png, 0 bytes")),
        (image(), "none", left_out()),
        (image(extras={"signature": "s", "part": {}}), "none", left_out(extras={"signature": "s"})),
        ({"type": "image_url", "image_url": {"url": f"data:image/png;base64,{LARGE}"}}, 99, left_out()),
        ({"type": "image", "url": "https://example.org/a.png"}, 0, None),
        ({"type": "image", "url": "https://example.org/a.png"}, "none", left_out("https://example.org/a.png")),
        ({"type": "image_url", "image_url": {"url": "gs://b/a"}}, "none", left_out("gs://b/a")),
        ({"type": "image_url", "image_url": "gs://b/a"}, "none", left_out("gs://b/a")),
        ({"type": "image", "source": {"type": "url", "url": "http://a"}}, "none", left_out("http://a")),
        ({"type": "image", "file_id": "f"}, "none", left_out("f")),
        ({"type": "image"}, "none", left_out("by reference")),
        (
            {"type": "non_standard", "value": {"inlineData": {"mimeType": "image/png", "data": LARGE}, "thoughtSignature": "s"}},
            "none",
            left_out(extras={"signature": "s"}),
        ),
        (
            {"type": "code_interpreter_call", "id": "ci", "outputs": [{"type": "image", "url": f"data:image/png;base64,{LARGE}"}]},
            0,
            {"type": "code_interpreter_call", "id": "ci", "outputs": [{"type": "logs", "logs": left_out()["text"] + "\n"}]},
        ),
        ({"type": "server_tool_result", "tool_call_id": "c", "output": [{"type": "logs", "logs": "1"}, "2"]}, "none", None),
        ({"type": "server_tool_result", "tool_call_id": "c", "output": "1"}, "none", None),
        ({"type": ["image"], "output": [{"output": [image()]}]}, "none", None),
        ({"type": "file", "base64": LARGE, "mime_type": "text/csv"}, "none", None),
        ({"type": "audio", "base64": LARGE, "mime_type": "audio/wav"}, "none", None),
        (text("Here."), "none", None),
        ("Here.", "none", None),
    ],
)  # fmt: skip
def test_which_block_becomes_what(block, limit, replaced):
    messages = earlier("before", block, text("after"))
    before = deepcopy(messages)
    [_, answer, _] = without_images(messages, limit)
    assert answer.content == ["before", replaced or block, text("after")]
    assert messages == before
    assert (answer is messages[1]) == (replaced is None)


def test_the_text_says_where_the_image_is_but_not_where_local_folders_are(tmp_path):
    local, remote = earlier(image()), earlier(image())
    [file] = save_outputs(local[1], FolderSink(tmp_path))
    save_outputs(remote[1], FileSystemSink("memory://replayed"))
    assert without_images(local)[1].content == [left_out(f"{file.name}, image/png, 100 bytes")]
    assert without_images(remote)[1].content == [
        left_out(f"{file.name}, image/png, 100 bytes, saved as memory:///replayed/{file.name}")
    ]


def images_in(messages: list) -> list[bool]:
    return [any(block["type"] == "image" for block in message.content) for message in messages]


TWO_TURNS = [
    SystemMessage([image()]),
    HumanMessage([image()]),
    AIMessage([image()]),
    ToolMessage([text("A picture."), image()], tool_call_id="c"),
    HumanMessage([image()]),
    AIMessage([image()]),
    ToolMessage([image()], tool_call_id="d"),
]


@pytest.mark.parametrize(
    ("messages", "kept"),
    [
        ([], []),
        ([AIMessage([image()])], [True]),
        ([AIMessage([image()]), ChatMessage([image()], role="user")], [False, True]),
        ([AIMessage([image()]), ChatMessage([image()], role="model")], [True, True]),
        (TWO_TURNS, [True, True, False, False, True, True, True]),
    ],
)
def test_only_earlier_turns_and_only_what_models_and_tools_made(messages, kept):
    assert images_in(without_images(messages)) == kept


def test_images_that_users_sent_in_earlier_turns_are_left_out_too_where_that_is_set():
    kept = images_in(without_images(TWO_TURNS, uploads=True))
    assert kept == [True, False, False, False, True, True, True]


@pytest.mark.parametrize("limit", ["some", -1, 1.5, None, True])
def test_a_limit_that_is_none_is_refused(limit):
    with pytest.raises(ConfigurationError, match=f"not {limit!r}"):
        without_images([], limit)


blocks = st.one_of(
    st.builds(text, st.text(max_size=5)),
    st.builds(text, st.text(max_size=5), extras=st.just({"signature": "t"})),
    st.builds(image, st.sampled_from([SMALL, LARGE, ""])),
    st.builds(image, st.sampled_from([SMALL, LARGE]), extras=st.just({"signature": "i"})),
    st.just({"type": "tool_call", "id": "f", "name": "look", "args": {}, "extras": {"signature": "f"}}),
)


def parts_of(messages: list) -> list[dict]:
    """What is sent of models' messages."""
    contents, *_ = contents_from_messages(messages, Destination("gemini-3-flash-preview", "developer"))
    return [part for content in contents if content["role"] == "model" for part in content["parts"]]


@given(content=st.lists(blocks, max_size=8), limit=st.sampled_from(["none", 0, 50]))
def test_parts_stay_in_place_with_their_signatures(content, limit):
    calls = [{"name": "look", "args": {}, "id": "f"} for block in content if block["type"] == "tool_call"]
    origin = {"endpoint": "developer", "output_version": "v1", "model_name": "gemini-3-flash-preview"}
    answer = AIMessage(content, tool_calls=calls, response_metadata=origin)
    messages = [HumanMessage("Draw."), answer, HumanMessage("!")]
    all_parts, fewer_parts = parts_of(messages), parts_of(without_images(messages, limit))
    assert len(all_parts) == len(fewer_parts)
    for part, kept in zip(all_parts, fewer_parts, strict=True):
        assert kept.get("thoughtSignature") == part.get("thoughtSignature")
        assert kept == part or ("inlineData" in part and kept["text"].startswith(HERE))
