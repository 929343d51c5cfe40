"""Settings of the chat model: where plots go, and which of them go back to the service."""

from base64 import b64encode
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from pydantic import ValidationError

from langchain_codeexec.data import FolderSink, saved_outputs
from langchain_codeexec.errors import ConfigurationError
from tests.calls import WHOLE_AND_STREAMED, ainvoked, astreamed, invoked, streamed

ONE, TWO = b64encode(b"1").decode(), b64encode(bytes(50)).decode()


def part(data: str, **more: Any) -> dict[str, Any]:
    return {"inlineData": {"mimeType": "image/png", "data": data}, **more}


def ran(*parts: Any) -> list[Any]:
    return [
        "I draw.",
        {"executableCode": {"language": "PYTHON", "code": "plot()"}},
        {"codeExecutionResult": {"outcome": "OUTCOME_OK"}},
        *parts,
        "Here.",
    ]


WAYS = pytest.mark.parametrize("ask", [invoked, streamed, ainvoked, astreamed])
PLOTS = ran(part(ONE), part(TWO, thoughtSignature="c2ln"), part(ONE))


@WAYS
def test_what_an_answer_draws_is_saved_whichever_way_it_comes(gemini, tmp_path, ask):
    gemini.says(PLOTS)
    plain = gemini.chat().invoke("Plot.")
    answer = ask(gemini.chat(output_sink=tmp_path))
    first, second, third = saved_outputs(answer)
    assert first == third
    assert (tmp_path / first["name"]).read_bytes() == b"1"
    assert (tmp_path / second["name"]).read_bytes() == bytes(50)
    assert [block["type"] for block in answer.content] == [block["type"] for block in plain.content]
    assert len(list(tmp_path.iterdir())) == 2


def test_a_stream_saves_with_the_chunk_that_brings_the_image(gemini, tmp_path):
    gemini.says(PLOTS)
    for chunk in gemini.chat(output_sink=str(tmp_path)).stream("Plot."):
        images = [block for block in chunk.content if block["type"] == "image"]
        assert len(saved_outputs(chunk)) == len(images)
        assert len(list(tmp_path.iterdir())) >= bool(images)


@WAYS
def test_a_sink_that_fails_costs_nobody_the_answer(gemini, tmp_path, ask):
    (tmp_path / "taken").write_text("a file")
    gemini.says(PLOTS)
    answer = ask(gemini.chat(output_sink=tmp_path / "taken"))
    assert answer.text == "I draw.Here."
    assert all("could not be saved" in entry["error"] for entry in saved_outputs(answer))
    assert [entry["size"] for entry in saved_outputs(answer)][:2] == [1, 50]


def test_a_call_may_name_another_sink(gemini, tmp_path):
    gemini.says(PLOTS)
    llm = gemini.chat(output_sink=tmp_path / "all")
    [entry, *_] = saved_outputs(llm.invoke("Plot.", output_sink=FolderSink(tmp_path / "mine")))
    assert entry["url"].startswith((tmp_path / "mine").as_uri())
    assert not (tmp_path / "all").exists()


@pytest.mark.parametrize("sink", [7, "nosuch://x"])
def test_a_sink_that_is_none_is_refused_when_the_model_is_made(gemini, sink):
    with pytest.raises(ConfigurationError, match="saved"):
        gemini.chat(output_sink=sink)


def sent(gemini: Any, role: str) -> list[dict[str, Any]]:
    return [
        part for content in gemini.body["contents"] if content["role"] == role for part in content["parts"]
    ]


@WHOLE_AND_STREAMED
@pytest.mark.parametrize(
    ("replayed", "kept"),
    [("all", [1, 1, 1]), (49, [1, 0, 1]), (1, [1, 0, 1]), (0, [0, 0, 0]), ("none", [0, 0, 0])],
)
def test_earlier_images_go_back_as_the_setting_says(gemini, tmp_path, replayed, kept, ask):
    gemini.says(PLOTS)
    llm = gemini.chat(output_sink=tmp_path, replay_images=replayed)
    history = [HumanMessage("Plot."), ask(llm)]
    llm.invoke(history)  # the turn is not over: all goes back
    verbatim = sent(gemini, "model")
    assert [next(iter(one)) for one in verbatim[3:6]] == ["inlineData"] * 3
    llm.invoke([*history, HumanMessage("And now?")])
    parts = sent(gemini, "model")
    assert [one == part for one, part in zip(parts, verbatim, strict=True)] == [1, 1, 1, *kept, 1]
    assert [one.get("thoughtSignature") for one in parts] == [one.get("thoughtSignature") for one in verbatim]
    names = [entry["name"] for entry in saved_outputs(history[1])]
    texts = [one["text"] for one in parts[3:6] if "text" in one]
    assert all(any(name in text for name in names) and str(tmp_path) not in text for text in texts)


def test_uploads_stay_and_pictures_of_tools_go(gemini):
    gemini.says("Fine.")
    image = {"type": "image", "base64": TWO, "mime_type": "image/png"}
    history = [
        HumanMessage([image]),
        AIMessage("", tool_calls=[{"name": "camera", "args": {}, "id": "c"}]),
        ToolMessage([{"type": "text", "text": "A picture."}, image], tool_call_id="c"),
        HumanMessage("And?"),
    ]
    gemini.chat(replay_images="none").invoke(history)
    upload, reply, _ = sent(gemini, "user")
    assert upload == part(TWO)
    assert reply["functionResponse"]["response"]["output"].startswith("A picture.\n[An image was here;")
    assert "parts" not in reply["functionResponse"]


def test_tokens_are_counted_of_what_is_sent(gemini):
    gemini.says(PLOTS)
    llm = gemini.chat()
    history = [HumanMessage("Plot."), llm.invoke("Plot."), HumanMessage("And now?")]
    llm.get_num_tokens_from_messages(history)
    assert "inlineData" in str(gemini.body)
    gemini.chat(replay_images="none").get_num_tokens_from_messages(history)
    assert "inlineData" not in str(gemini.body)
    assert "An image was here" in str(gemini.body)


@pytest.mark.parametrize("value", ["some", -1, True, 1.5])
def test_a_limit_that_is_none_is_refused(gemini, value):
    with pytest.raises(ValidationError, match="replay_images"):
        gemini.chat(replay_images=value)
    with pytest.raises(ConfigurationError, match="replay_images"):
        gemini.chat().invoke("x", replay_images=value)
