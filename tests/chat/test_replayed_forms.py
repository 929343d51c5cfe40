"""What goes back to the service: results, media, parts of other tools and odd values, and answers among others."""

from contextlib import suppress
from functools import reduce
from operator import add
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage, merge_message_runs
from langchain_google_genai import ChatGoogleGenerativeAI

from langchain_codeexec import CodeExecError, code_executions
from langchain_codeexec.gemini.capabilities import Destination
from langchain_codeexec.gemini.exchange import encoded
from langchain_codeexec.messages.from_wire import Origin, failure_of, messages_from_response
from langchain_codeexec.messages.history_as_text import (
    contents_with_code_as_text,
    contents_with_functions_as_text,
)
from langchain_codeexec.messages.stream import ChunkTranslator
from langchain_codeexec.messages.to_wire import contents_from_messages
from langchain_codeexec.records.json_form import json_record
from tests.calls import (
    WHOLE_AND_STREAMED,
    response,
    sent_back,
)
from tests.services import NEW, OLD

SIGNATURE = "EtUBCtIBAQw51sfLSAuQCRC96UmBI4zPfDgGg70S+/=="


@pytest.mark.parametrize(("model", "is_sent"), [(NEW, True), (OLD, False)])
def test_the_resolution_of_an_image_goes_where_it_is_known(wire: Any, model: str, is_sent: bool) -> None:
    wire.says(response({"text": "Hi"}))
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk=", "detail": "low"}}
    wire.chat(model=model).invoke([HumanMessage([image])])
    assert ("mediaResolution" in wire.bodies[-1]["contents"][0]["parts"][0]) is is_sent


PNG, PDF = "aGk=", "JVBERi0="


@pytest.mark.parametrize(
    ("content", "result"),
    [
        ('{"a": {"b": [{"$ref": "x"}]}}', ({"output": '{"a": {"b": [{"$ref": "x"}]}}'}, [], [])),
        ('{"a": "$ref"}', ({"a": "$ref"}, [], [])),
        *(
            (text, ({"output": text}, [], []))
            for text in ('{"a": 1, "a": 2}', '{"a": 9007199254740993}', '{"a": 1e400}', '{"a": [NaN]}')
        ),
        ('{"a": [9007199254740992, -1, 1.5]}', ({"a": [9007199254740992, -1, 1.5]}, [], [])),
        (["see", {"a": {"$ref": "x"}}], ({"output": '{"output": ["see", {"a": {"$ref": "x"}}]}'}, [], [])),
        (
            [
                "seen",
                {"type": "image", "url": "https://x/a.png"},
                {"type": "image", "base64": PNG, "mime_type": "image/png"},
                {"type": "image", "base64": PNG, "mime_type": "image/gif"},
                {"type": "file", "base64": PDF, "mime_type": "application/pdf"},
                {"type": "audio", "base64": PNG, "mime_type": "audio/wav"},
            ],
            (
                {"output": "seen"},
                [("image/png", PNG), ("application/pdf", PDF)],
                ["image/png", "image/gif", "audio/wav"],
            ),
        ),
    ],
)
def test_results_of_tools_in_the_forms_that_are_taken(
    wire: Any, endpoint: str, content: Any, result: tuple[Any, ...]
) -> None:
    wire.says(response({"text": "Fine."}))
    made = AIMessage("", tool_calls=[{"name": "get_price", "args": {}, "id": "a"}])
    _, sent, *others = sent_back(wire, wire.on(endpoint), made, ToolMessage(content, tool_call_id="a"))
    nested = [part["inlineData"] for part in sent["functionResponse"].get("parts", ())]
    assert result == (
        sent["functionResponse"]["response"],
        [(blob["mimeType"], blob["data"]) for blob in nested],
        [part[next(iter(part))]["mimeType"] for part in others],
    )


@pytest.mark.parametrize(
    ("where", "is_known"), [(("developer", NEW), True), (("developer", OLD), False), (("vertex", NEW), False)]
)
def test_parts_of_other_tools_go_where_they_are_known(wire: Any, where: Any, is_known: bool) -> None:
    parts = [
        {"toolCall": {"toolType": "GOOGLE_SEARCH_WEB", "args": {"q": "tea"}, "id": "s"}},
        {"toolResponse": {"toolType": "GOOGLE_SEARCH_WEB", "response": {"a": 1}, "id": "s"}},
        {"text": "Found."},
    ]
    wire.says(response(*parts))
    answer = wire.chat().invoke("q")
    endpoint, model = where
    sent = sent_back(wire, wire.on(endpoint, model=model), answer)
    assert sent == parts if is_known else [list(part) for part in sent] == [["text"]] * 3
    assert "tea" in str(sent)
    assert sent[-1] == {"text": "Found."}


@pytest.mark.parametrize(
    ("extra", "field"),
    [
        (
            {"media_resolution": "MEDIA_RESOLUTION_HIGH"},
            {"mediaResolution": {"level": "MEDIA_RESOLUTION_HIGH"}},
        ),
        ({"mediaResolution": {"numTokens": 9}}, {"mediaResolution": {"numTokens": 9}}),
        ({"extras": {"media_processing": {"mode": "X"}}}, {"mediaProcessing": {"mode": "X"}}),
        (
            {"extras": {"partMetadata": {"a": 1}, "audio_metadata": {"b": 2}}},
            {"partMetadata": {"a": 1}, "audioMetadata": {"b": 2}},
        ),
    ],
)
@pytest.mark.parametrize(
    ("block", "part"),
    [
        (
            {"type": "image", "base64": PNG, "mime_type": "image/png"},
            {"inlineData": {"mimeType": "image/png", "data": PNG}},
        ),
        ({"type": "text", "text": "Hm."}, {"text": "Hm."}),
    ],
)
def test_what_stands_beside_the_data_of_a_block_is_sent(
    wire: Any, block: Any, part: Any, extra: Any, field: Any
) -> None:
    wire.says(response({"text": "Fine."}))
    wire.chat().invoke([HumanMessage([{**block, **extra}])])
    assert wire.bodies[-1]["contents"] == [{"role": "user", "parts": [{**part, **field}]}]


def test_extras_that_are_not_sent_are_named(wire: Any, caplog: pytest.LogCaptureFixture) -> None:
    wire.says(response({"text": "Fine."}))
    wire.chat().invoke(
        [HumanMessage([{"type": "text", "text": "q", "extras": {"colour": "red", "signature": "x"}}])]
    )
    [record] = [record for record in caplog.records if "extras" in record.message]
    assert "colour" in record.message
    assert "signature" not in record.message


HOLDS_ITSELF: list[Any] = [1]
HOLDS_ITSELF.append(HOLDS_ITSELF)
ODD = [None, 5, 1.5, float("nan"), 2**70, b"x", "\ud800", [], {}, {"a": [None]}, HOLDS_ITSELF]


@pytest.mark.parametrize("value", ODD, ids=lambda value: f"{value!r:.12}")
@pytest.mark.parametrize(
    "kind", ["executableCode", "codeExecutionResult", "functionCall", "toolCall", "toolResponse", "text"]
)
def test_odd_values_are_kept_or_refused_by_a_typed_error(kind: str, value: Any) -> None:
    """What a transport of one's own may bring, read, shown and replayed in every way."""
    fields = {"executableCode": ("code", "language"), "codeExecutionResult": ("output", "outcome")}.get(
        kind, ("args", "name")
    )
    parts = [{kind: value}, *({kind: {field: value}} for field in fields), {kind: {"args": {"a": value}}}]
    for part in [*parts, {"text": "a", "novel": value}]:
        with suppress(CodeExecError):
            wire_response = response(part)
            origin = Origin(Destination(NEW, "developer"))
            [whole] = messages_from_response(wire_response, origin)
            translator = ChunkTranslator(origin)
            chunk = translator.chunk(wire_response)
            for answer in (whole, reduce(add, [each for each in (chunk, translator.last()) if each])):
                code_executions(answer)
                json_record(answer)
                for destination in (Destination(NEW, "developer"), Destination(OLD, "vertex")):
                    contents, _ = contents_from_messages([HumanMessage("q"), answer], destination)
                    for written in (
                        contents,
                        contents_with_code_as_text(contents),
                        contents_with_functions_as_text(contents),
                    ):
                        with suppress(CodeExecError):
                            encoded({"contents": written})


# -- among other messages -------------------------------------------------------------------------------------


@pytest.mark.parametrize("ids", ["xy", "xx"])
def test_merged_streamed_answers_stay_two_answers(wire: Any, ids: str) -> None:
    llm = wire.chat()
    answers = []
    for number in range(2):
        code = [
            {"executableCode": {"code": f"print({number})", "language": "PYTHON"}},
            {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": str(number)}},
            {"text": f"It is {number}.", "thoughtSignature": SIGNATURE},
        ]
        wire.says(response(*code) | {"responseId": ids[number]})
        answers.append(reduce(add, llm.stream("q")))
    [merged] = merge_message_runs(answers)
    assert isinstance(merged, AIMessage)
    assert [(run.output, run.ok) for run in code_executions(merged)] == [("0", True), ("1", True)]
    assert not failure_of(merged)
    sent = sent_back(wire, llm, merged)
    assert sent == [part for answer in answers for part in sent_back(wire, llm, answer)]
    assert sum("thoughtSignature" in part for part in sent) == 2


@WHOLE_AND_STREAMED
def test_the_other_package_sends_our_answers_on_whole(wire: Any, ask: Any) -> None:
    parts = [
        {"text": "Hm.", "thought": True, "thoughtSignature": "AY89a1_-abc="},
        {"executableCode": {"code": "print(1)", "language": "PYTHON"}},
        {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1"}},
        {"text": "It is 1.", "thoughtSignature": "AY89a1_-abc="},
        {
            "functionCall": {"name": "get_price", "args": {"item": "tea"}, "id": "a"},
            "thoughtSignature": "AY89a1_-abc=",
        },
    ]
    wire.says(response(*parts))
    answer = ask(wire.chat().bind_tools([{"name": "get_price"}]))
    wire.says(response({"text": "Fine."}))
    theirs = ChatGoogleGenerativeAI(model=NEW, api_key="key", base_url=wire.url, max_retries=1)
    theirs.invoke([HumanMessage("q"), answer, ToolMessage("5", tool_call_id="a")])
    sent = [
        part
        for content in wire.bodies[-1]["contents"]
        if content["role"] == "model"
        for part in content["parts"]
    ]
    kinds = [next(key for key in part if key not in ("thought", "thoughtSignature")) for part in sent]
    assert kinds == ["text", "executableCode", "codeExecutionResult", "text", "functionCall"]
    assert sent[2]["codeExecutionResult"] == parts[2]["codeExecutionResult"]
    signed = [
        part["thoughtSignature"].translate({ord("-"): "+", ord("_"): "/"})
        for part in sent
        if "thoughtSignature" in part
    ]
    assert signed == ["AY89a1/+abc="] * 3
