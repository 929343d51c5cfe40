"""The laws that make replay safe: nothing is lost, added or moved."""

from __future__ import annotations

import json
import pickle
from functools import reduce
from itertools import pairwise
from operator import add

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from langchain_core.load import dumpd, load
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    HumanMessage,
    message_chunk_to_message,
    messages_from_dict,
    messages_to_dict,
)
from langchain_core.output_parsers import StrOutputParser
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

from langchain_codeexec.gemini.capabilities import Destination
from langchain_codeexec.messages.from_wire import Origin, messages_from_response
from langchain_codeexec.messages.history_as_text import part_with_tool_as_text
from langchain_codeexec.messages.stream import ChunkTranslator
from langchain_codeexec.messages.to_wire import contents_from_messages
from tests.messages.wire_strategies import PARTS, calls_in_pieces, well_formed_parts

halved = settings(max_examples=13)  # each law is tried on two APIs
HERE = Destination("gemini-3-flash-preview", "developer")
ORIGIN = Origin(HERE)


@pytest.fixture(params=["generate_content", "interactions"], scope="module", autouse=True)
def _api(request: pytest.FixtureRequest) -> None:
    """Whichever API a conversation is with, the same holds."""
    global HERE, ORIGIN  # noqa: PLW0603 -- the functions below are called by other modules as well
    HERE = Destination("gemini-3-flash-preview", "developer", api=request.param)
    ORIGIN = Origin(HERE)


def response(parts: list[dict], **more: object) -> dict:
    return {
        "candidates": [{"content": {"role": "model", "parts": parts}, "finishReason": "STOP"}],
        "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 4, "totalTokenCount": 7},
        "modelVersion": "gemini-3-flash-preview",
        "responseId": "r1",
        **more,
    }


def message(parts: list[dict]) -> AIMessage:
    [only] = messages_from_response(response(parts), ORIGIN)
    return only


def replayed(answer: AIMessage) -> list[dict]:
    contents, _ = contents_from_messages([HumanMessage("q"), answer, HumanMessage("next")], HERE)
    return [part for content in contents if content["role"] == "model" for part in content["parts"]]


@halved
@given(PARTS)
def test_parts_survive_the_way_into_a_message_and_back(parts: list[dict]) -> None:
    assert replayed(message(parts)) == [_sendable(part) for part in parts]


def _sendable(part: dict) -> dict:
    """What of it can be sent: a signature alone with an empty text; no steps of tools that only one API knows."""
    if HERE.api == "interactions":
        part = part_with_tool_as_text(part)
    is_bare = bool(part.get("thoughtSignature")) and part.keys() <= {"thought", "thoughtSignature"}
    return {"text": "", **part} if is_bare and isinstance(part["thoughtSignature"], str) else part


@halved
@given(calls_in_pieces(), st.data())
def test_a_call_in_pieces_is_one_call(call: tuple[dict, list[dict]], data: st.DataObject) -> None:
    whole, pieces = call
    after = [{"text": "Well."}, {"functionCall": {"name": "another", "args": {"a": 1}}}]
    invoked = message([*pieces, *after])
    chunks = chunked(data.draw, [*pieces, *after])
    streamed, total = streamed_chunks(chunks)
    texts: dict[object, str] = {}
    for piece in [piece for chunk in streamed for piece in chunk.tool_call_chunks]:
        texts[piece["index"]] = texts.get(piece["index"], "") + piece["args"]
    args = [whole["functionCall"]["args"], {"a": 1}]
    assert [each["args"] for each in invoked.tool_calls] == args
    assert [json.loads(text) for text in texts.values()] == args
    assert total.tool_calls == invoked.tool_calls
    assert unplaced(total) == invoked.content
    assert replayed(total) == replayed(invoked) == [whole, *after]


@halved
@given(st.lists(well_formed_parts(), max_size=6))
def test_synthetic_ids_never_reach_the_wire(parts: list[dict]) -> None:
    wire_ids = {str(value.get("id")) for part in parts for value in part.values() if isinstance(value, dict)}
    for part in replayed(message(parts)):
        for value in part.values():
            if isinstance(value, dict) and "id" in value:
                assert str(value["id"]) in wire_ids


@pytest.mark.parametrize(
    "carry",
    [
        lambda answer: AIMessage.model_validate_json(answer.model_dump_json()),
        lambda answer: messages_from_dict(json.loads(json.dumps(messages_to_dict([answer]))))[0],
        lambda answer: load(json.loads(json.dumps(dumpd(answer)))),
        lambda answer: pickle.loads(pickle.dumps(answer)),
        lambda answer: JsonPlusSerializer().loads_typed(JsonPlusSerializer().dumps_typed(answer)),
    ],
    ids=["pydantic-json", "messages-to-dict", "dumpd-load", "pickle", "langgraph-checkpoint"],
)
@halved
@given(parts=st.lists(well_formed_parts(), max_size=4))
@pytest.mark.filterwarnings("ignore:The function `load`")
@pytest.mark.filterwarnings("ignore:.*allowed_objects")
def test_a_message_survives_being_stored(carry, parts: list[dict]) -> None:
    answer = message(parts)
    stored = carry(answer)
    assert stored == answer
    assert replayed(stored) == replayed(answer)


@st.composite
def streams(draw: st.DrawFn) -> tuple[list[dict], list[list[dict]]]:
    """Parts of an answer, and the same parts as chunks with every plain text cut anywhere."""
    parts = draw(st.lists(well_formed_parts(), max_size=6))
    whole: list[dict] = []
    for part in parts:  # a stream cannot tell two plain texts in a row from one
        if not (whole and _goes_on(whole[-1], part)):
            whole.append(part)
    pieces: list[dict] = []
    for part in whole:
        if _is_plain(part) and part["text"]:
            cuts = sorted(
                draw(st.sets(st.integers(0, len(part["text"])), max_size=4)) | {0, len(part["text"])}
            )
            pieces += [{**part, "text": part["text"][a:b]} for a, b in pairwise(cuts)]
        else:
            pieces.append(part)
    return whole, chunked(draw, pieces)


def chunked(draw: st.DrawFn, parts: list[dict]) -> list[list[dict]]:
    chunks: list[list[dict]] = [[]]
    for part in parts:
        if draw(st.booleans()):
            chunks.append([])
        chunks[-1].append(part)
    return chunks


def streamed_chunks(chunks: list[list[dict]], **last: object) -> tuple[list[AIMessageChunk], AIMessage]:
    """The message chunks of a stream, and the message that they add up to."""
    translator = ChunkTranslator(ORIGIN)
    streamed = []
    for index, parts in enumerate(chunks):
        candidate = {"content": {"role": "model", "parts": parts}}
        wire = response(parts, usageMetadata={"promptTokenCount": index}) | {"candidates": [candidate]}
        if chunk := translator.chunk(wire):
            streamed.append(chunk)
    closing = response([])
    closing["candidates"][0] |= last
    if chunk := translator.chunk(closing):
        streamed.append(chunk)
    streamed.append(translator.last())
    total = message_chunk_to_message(reduce(add, streamed))
    assert isinstance(total, AIMessage)
    return streamed, total


def unplaced(answer: AIMessage) -> list[dict]:
    return [{key: value for key, value in block.items() if key != "index"} for block in answer.content]


def _is_plain(part: dict) -> bool:
    return part.keys() <= {"text", "thought"} and "text" in part and part.get("thought", True) is True


def _goes_on(before: dict, part: dict) -> bool:
    return _is_plain(before) and _is_plain(part) and before.get("thought") == part.get("thought")


@halved
@given(streams())
def test_the_sum_of_the_chunks_is_the_invoked_message(stream: tuple[list[dict], list[list[dict]]]) -> None:
    whole, chunks = stream
    assume({"text": ""} not in whole)  # the service has such parts in streams alone, beside a finish reason
    invoked = message(whole)
    _, total = streamed_chunks(chunks)
    assert unplaced(total) == invoked.content
    assert total.tool_calls == invoked.tool_calls
    assert total.usage_metadata == invoked.usage_metadata
    assert total.response_metadata == invoked.response_metadata
    assert replayed(total) == replayed(invoked)


@halved
@given(st.lists(well_formed_parts(), max_size=6))
def test_the_text_of_a_message_is_its_prose_alone(parts: list[dict]) -> None:
    answer = message(parts)
    prose = "".join(part["text"] for part in parts if "text" in part and part.get("thought") is not True)
    assert answer.text == prose
    assert StrOutputParser().invoke(answer) == prose
