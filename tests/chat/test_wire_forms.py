"""Answers in the forms that services and gateways of today give them, from the wire to the message and back."""

import json
from typing import Any

import pytest
from google.genai import types
from langchain_core.messages import ToolMessage

from langchain_codeexec import code_executions
from langchain_codeexec.gemini.wire import snake_case
from langchain_codeexec.messages.from_wire import failure_of
from tests.calls import (
    ALL_WAYS,
    WAYS,
    ainvoked,
    astreamed,
    in_chunks,
    invoked,
    response,
    sent_back,
    streamed,
)
from tests.services import NEW, OLD

SIGNATURE = "EtUBCtIBAQw51sfLSAuQCRC96UmBI4zPfDgGg70S+/=="


def get_price(item: str, count: int = 1) -> str:
    """Look a price up."""
    return f"{item} {count}"


def call(**piece: Any) -> dict[str, Any]:
    return {"functionCall": piece}


def path(where: str, **value: Any) -> dict[str, Any]:
    return call(partialArgs=[{"jsonPath": where, **value}], willContinue=True)


# -- calls in pieces ------------------------------------------------------------------------------------------

BY_PATH = [
    {**call(name="get_price", willContinue=True), "thoughtSignature": SIGNATURE},
    path("$.item", stringValue="Tea ", willContinue=True),
    path("$.item", stringValue='"Ceylon"', willContinue=True),
    path("$.item", stringValue=""),
    path("$.count", numberValue=3),
    call(),
]
ARGS = {"item": 'Tea "Ceylon"', "count": 3}
IN_PIECES = {
    "by path": BY_PATH,
    "the name in each piece": [
        {**part, "functionCall": {"name": "get_price", **part["functionCall"]}} for part in BY_PATH
    ],
    "the arguments after the name": [BY_PATH[0] | call(name="get_price", args={}), call(args=ARGS)],
    "an empty text between": [BY_PATH[0] | call(name="get_price", args={}), {"text": ""}, call(args=ARGS)],
    "the arguments one by one": [
        BY_PATH[0] | call(name="get_price", args={"item": ARGS["item"]}),
        call(args={"count": 3}),
    ],
    "in one piece": [
        BY_PATH[0]
        | call(
            name="get_price", partialArgs=[part["functionCall"]["partialArgs"][0] for part in BY_PATH[1:5]]
        )
    ],
}


@WAYS
@pytest.mark.parametrize("parts", IN_PIECES.values(), ids=IN_PIECES)
def test_a_call_in_pieces_is_one_call_and_goes_back_whole(wire: Any, ask: Any, parts: list[Any]) -> None:
    wire.says(response(*parts)) if ask is invoked else wire.says(*in_chunks(*parts))
    llm = wire.vertex().bind_tools([get_price])
    answer = ask(llm)
    [made] = answer.tool_calls
    assert (made["name"], made["args"]) == ("get_price", ARGS)
    assert not answer.invalid_tool_calls
    wire.says(response({"text": "Fine."}))
    whole, *_ = sent_back(wire, llm, answer, ToolMessage("5", tool_call_id=made["id"]))
    assert whole == {**call(name="get_price", args=ARGS), "thoughtSignature": SIGNATURE}


def test_arguments_are_streamed_as_they_come(wire: Any) -> None:
    wire.says(*in_chunks(*BY_PATH, {"text": "Well."}))
    chunks = [
        chunk for each in wire.vertex().bind_tools([get_price]).stream("q") for chunk in each.tool_call_chunks
    ]
    assert [chunk["args"] for chunk in chunks] == ["", '{"item": "Tea ', '\\"Ceylon\\"', '", "count": 3', "}"]
    assert [chunk["name"] for chunk in chunks] == ["get_price", None, None, None, None]
    assert {chunk["index"] for chunk in chunks} == {0}


@WAYS
def test_two_calls_of_one_id_keep_their_arguments(wire: Any, ask: Any) -> None:
    twice = [call(name="get_price", id="a", args={"item": item}) for item in ("tea", "ham")]
    wire.says(response(*twice))
    llm = wire.chat().bind_tools([get_price])
    answer = ask(llm)
    assert [made["args"]["item"] for made in answer.tool_calls] == ["tea", "ham"]
    replies = [ToolMessage(made["args"]["item"], tool_call_id=made["id"]) for made in answer.tool_calls]
    first, second, *responses = sent_back(wire, llm, answer, *replies)
    assert [first["functionCall"], second["functionCall"]] == [part["functionCall"] for part in twice]
    assert [part["functionResponse"]["response"]["output"] for part in responses] == ["tea", "ham"]


def test_a_delegated_task_in_pieces_is_carried_out(wire: Any) -> None:
    bodies = iter(
        [
            in_chunks(
                call(name="code_execution", willContinue=True),
                path("$.task", stringValue="2 + ", willContinue=True),
                path("$.task", stringValue="2"),
                call(),
            ),
            in_chunks({"executableCode": {"code": "print(2 + 2)"}}, {"codeExecutionResult": {"output": "4"}}),
            in_chunks({"text": "It is 4."}),
        ]
    )
    wire.answer = lambda _: b"".join(
        b"data: " + json.dumps(chunk).encode() + b"\n\n" for chunk in next(bodies)
    )
    answer = streamed(wire.vertex(model=OLD).bind_tools([get_price]))
    assert not answer.tool_calls
    assert answer.text == "It is 4."
    assert [run.output for run in code_executions(answer)] == ["4"]
    assert wire.bodies[1]["contents"][-1]["parts"][0]["text"].endswith("2 + 2")
    assert wire.bodies[2]["contents"][1]["parts"] == [call(name="code_execution", args={"task": "2 + 2"})]


# -- in other spellings ---------------------------------------------------------------------------------------

WHOLE = response(
    {"text": "Hm.", "thought": True},
    {"executableCode": {"language": "PYTHON", "code": "print(1)", "id": "a"}},
    {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1\n", "id": "a"}},
    {"inlineData": {"mimeType": "image/png", "data": "+/+/aGk="}},
    {"text": "It is 1."},
    {**call(name="get_price", args={"item_name": "tea"}), "thoughtSignature": "AY89a1_-abc="},
    groundingMetadata={"groundingChunks": [{"web": {"uri": "https://a.example", "title": "A"}}]},
) | {
    "usageMetadata": {
        "promptTokenCount": 3,
        "candidatesTokenCount": 4,
        "promptTokensDetails": [{"modality": "AUDIO", "tokenCount": 2}],
    },
    "modelVersion": "gemini-4",
    "responseId": "r",
}
HELLO = response({"text": "Hello."})
BLOCKED = {"candidates": [], "promptFeedback": {"blockReason": "SAFETY"}}


def spelled(value: Any, key: Any) -> Any:
    """A value with `key` applied to the names of all its fields but those of a call's arguments."""
    if isinstance(value, dict):
        return {key(name): field if name == "args" else spelled(field, key) for name, field in value.items()}
    return [spelled(item, key) for item in value] if isinstance(value, list) else value


def with_values(value: Any, **changes: Any) -> Any:
    """A value with other values of the fields of these names, wherever they are; a function makes some of the old."""
    if isinstance(value, dict):
        new = {name: changes.get(name, with_values(field, **changes)) for name, field in value.items()}
        return {name: field(value[name]) if callable(field) else field for name, field in new.items()}
    return [with_values(item, **changes) for item in value] if isinstance(value, list) else value


def cut(*parts: Any, **last: Any) -> list[Any]:
    """A stream whose last chunk has the finish reason and token counts."""
    chunks: list[Any] = [{"candidates": [{"content": {"parts": [part]}}]} for part in parts]
    chunks[-1]["candidates"][0] |= {"finishReason": "STOP", **last}
    return [*chunks[:-1], chunks[-1] | {"usageMetadata": {"candidatesTokenCount": 2}}]


PIECES = [{"text": "Hel"}, {"text": "lo."}]
MAX_TOKENS = {"candidates": [{"finishReason": "MAX_TOKENS"}]}
SPELLINGS: dict[str, tuple[list[Any], list[Any]]] = {
    "snake_case": ([spelled(WHOLE, snake_case)], [WHOLE]),
    "another case": ([spelled(WHOLE, lambda name: name[0].upper() + name[1:])], [WHOLE]),
    "google-genai's objects": (
        [types.GenerateContentResponse.model_validate(WHOLE).model_dump(mode="json")],
        [WHOLE],
    ),
    "enums as numbers": (
        [with_values(WHOLE, finishReason=1, outcome=1, language=1, modality=4)],
        [WHOLE],
    ),
    "enums as classes write them": (
        [with_values(WHOLE, finishReason="FinishReason.STOP", outcome="Outcome.OUTCOME_OK", modality="audio")],
        [WHOLE],
    ),
    "enums in short": ([with_values(WHOLE, finishReason="stop", outcome="ok", language="python")], [WHOLE]),
    "outcomes as numbers": ([with_values(WHOLE, outcome=2)], [with_values(WHOLE, outcome="OUTCOME_FAILED")]),
    "arguments as text": ([with_values(WHOLE, args=json.dumps)], [WHOLE]),
    "no arguments as text": ([response(call(name="f", args=""))], [response(call(name="f", args={}))]),
    "URL-safe base64": ([with_values(WHOLE, data="-_-_aGk")], [WHOLE]),
    "base64 in lines": ([with_values(WHOLE, data="+/+/\r\naGk=\n")], [WHOLE]),
    "counts as text": ([with_values(WHOLE, promptTokenCount="3", tokenCount="2")], [WHOLE]),
    "objects where lists are": (
        [{"candidates": {**HELLO["candidates"][0], "content": {"parts": {"text": "Hello."}}}}],
        [HELLO],
    ),
    "protobuf's defaults": (
        cut(*({**part, "thought": False, "thoughtSignature": ""} for part in PIECES)),
        cut(*PIECES),
    ),
    "an unspecified reason in each chunk": (
        [with_values(cut(PIECES[0], finishReason=reason), usageMetadata={})[0] for reason in (0, "")]
        + cut(PIECES[1]),
        [*cut(PIECES[0], {"text": ""})[:1], *cut(PIECES[0], {"text": ""})[:1], *cut(PIECES[1])],
    ),
    "a stream": (cut(*PIECES), [response({"text": "Hello."}) | {"usageMetadata": {"candidatesTokenCount": 2}}]),
    "the last chunk twice": ([*cut(*PIECES), cut(*PIECES)[-1]], cut(*PIECES)),
    "an end after the end": ([HELLO, MAX_TOKENS], [with_values(HELLO, finishReason="MAX_TOKENS")]),
    "a good end after a bad one": (
        [with_values(HELLO, finishReason="MAX_TOKENS"), with_values(MAX_TOKENS, finishReason="STOP")],
        [with_values(HELLO, finishReason="MAX_TOKENS")],
    ),
    "a blocked prompt": ([with_values(BLOCKED, blockReason=1, candidates=None)], [BLOCKED]),
    "no parts": ([with_values(HELLO, parts=None)], [with_values(HELLO, content=None)]),
}  # fmt: skip


def gist(answer: Any) -> Any:
    """What an answer says, without the indices of a stream."""
    blocks = [{key: value for key, value in block.items() if key != "index"} for block in answer.content]
    calls = [(each["name"], each["args"], each["id"]) for each in answer.tool_calls]
    metadata = answer.response_metadata
    reasons = [metadata.get(name) for name in ("finish_reason", "normalized_finish_reason", "model_name")]
    return blocks, calls, answer.usage_metadata, reasons, failure_of(answer), code_executions(answer)


@pytest.mark.parametrize(("sent", "meant"), SPELLINGS.values(), ids=SPELLINGS)
def test_other_spellings_say_the_same(wire: Any, sent: list[Any], meant: list[Any]) -> None:
    llm = wire.chat()
    for ask in (invoked, streamed, ainvoked, astreamed):
        gists = []
        for chunks in (sent, meant):
            wire.says(*chunks) if "stream" in ask.__name__ else wire.says(chunks)
            gists.append(gist(ask(llm)))
        assert gists[0] == gists[1], ask.__name__


@pytest.mark.parametrize(
    ("number", "developer", "vertex"),
    [
        (5, "OTHER", "OTHER"),
        (9, "SPII", "MALFORMED_FUNCTION_CALL"),
        (10, "MALFORMED_FUNCTION_CALL", "MODEL_ARMOR"),
    ],
)
def test_the_services_number_their_reasons_differently(
    wire: Any, number: int, developer: str, vertex: str
) -> None:
    wire.says(response({"text": "Hi"}, finishReason=number))
    llms = wire.chat(answer_retries=0), wire.vertex(answer_retries=0)
    assert [llm.invoke("q").response_metadata["finish_reason"] for llm in llms] == [developer, vertex]


@pytest.mark.parametrize("ask", [invoked, streamed])
@pytest.mark.parametrize("retries", [0, 1])
def test_a_call_whose_arguments_are_no_json_is_a_malformed_one(wire: Any, ask: Any, retries: int) -> None:
    bad = response(call(name="get_price", args='{"item": '))
    answers = iter([bad, response({"text": "Well."})])
    wire.answer = lambda path: (
        (b"data: " if "stream" in path else b"") + json.dumps(next(answers)).encode() + b"\n\n"
    )
    answer = ask(wire.chat(answer_retries=retries).bind_tools([get_price]))
    assert answer.text == ("Well." if retries else "")
    assert bool(failure_of(answer)) is not bool(retries)
    assert answer.response_metadata["finish_reason"] == ("STOP" if retries else "MALFORMED_FUNCTION_CALL")
    assert wire.bodies[0] == wire.bodies[-1]


@pytest.mark.parametrize("stop", ["END", ["END"], ("END",)])
def test_what_an_answer_ends_at_may_be_one_text(wire: Any, stop: Any) -> None:
    wire.says(HELLO)
    wire.chat().invoke("q", stop=stop)
    assert wire.bodies[-1]["generationConfig"]["stopSequences"] == ["END"]


# -- what comes beside the parts ------------------------------------------------------------------------------


@WAYS
def test_counts_are_merged_key_by_key(wire: Any, ask: Any) -> None:
    partial = [{"promptTokenCount": 100, "cachedContentTokenCount": 50}, {"candidatesTokenCount": 26}]
    chunks = in_chunks({"text": "Hello "}, {"text": "there."})
    for chunk, usage in zip(chunks, partial, strict=True):
        chunk["usageMetadata"] = usage
    chunks[0]["usageMetadata"] |= {"candidatesTokenCount": 90}
    whole = [response({"text": "Hello there."}) | {"usageMetadata": partial[0] | partial[1]}]
    wire.says(*(whole if ask is invoked else chunks))
    usage = ask(wire.chat()).usage_metadata
    assert (usage["input_tokens"], usage["output_tokens"]) == (100, 26)
    assert usage["input_token_details"] == {"cache_read": 50}


@WAYS
@pytest.mark.parametrize("before", [[], [{"text": "Hello."}], [call(name="get_price", args={"item": "tea"})]])
@pytest.mark.parametrize("thought", [{}, {"thought": True}])
def test_a_signature_alone_is_kept_and_goes_back_on_an_empty_text(
    wire: Any, ask: Any, before: list[Any], thought: dict[str, Any]
) -> None:
    bare = {**thought, "thoughtSignature": SIGNATURE}
    wire.says(*in_chunks(*before, bare)) if ask is not invoked else wire.says(response(*before, bare))
    llm = wire.chat().bind_tools([get_price])
    answer = ask(llm)
    wire.says(response({"text": "Fine."}))
    sent = sent_back(wire, llm, answer)
    assert {"text": "", **bare} in sent
    assert SIGNATURE not in str(sent_back(wire, wire.vertex(), answer))


@ALL_WAYS
def test_the_finish_reason_says_whether_an_answer_is_whole(wire: Any, ask: Any) -> None:
    note = "Model generated function call(s)."
    wire.says(response(call(name="get_price", args={}), finishMessage=note))
    healthy = ask(wire.chat())
    wire.says(response(finishReason="STOP"))
    empty = ask(wire.chat())
    wire.says(response({"text": "Half"}, finishReason="SOMETHING_NEW"))
    cut = ask(wire.chat())
    assert (healthy.response_metadata["finish_message"], failure_of(healthy)) == (note, "")
    assert "without an answer" in failure_of(empty)
    assert "SOMETHING_NEW" in failure_of(cut)


@WAYS
def test_no_key_of_the_wire_replaces_one_of_ours(wire: Any, ask: Any) -> None:
    names = ("endpoint", "plan", "outputVersion", "modelProvider", "outputs", "verification", "modelName")
    wire.says(response({"text": "Hello."}, **dict.fromkeys(names, "no")) | dict.fromkeys(names, "no"))
    metadata = ask(wire.chat()).response_metadata
    assert (metadata["endpoint"], metadata["output_version"], metadata["model_name"]) == (
        "developer",
        "v1",
        NEW,
    )
    assert metadata["plan"]["way"] == "native"
    assert metadata["wire_endpoint"] == metadata["wire_plan"] == "no"
    assert not {"outputs", "verification"} & metadata.keys()


# -- citations ------------------------------------------------------------------------------------------------

TEXTS = ["Élan: Spain won. ", "It was 3 €."]
GROUNDING = {
    "webSearchQueries": ["euro 2024"],
    "groundingChunks": [
        {"web": {"uri": "https://a.example", "title": "A"}},
        {"maps": {"uri": "https://b.example", "title": "B", "placeId": "p"}},
    ],
    "groundingSupports": [
        {
            "segment": {"startIndex": 7, "endIndex": 17, "text": "Spain won."},
            "groundingChunkIndices": [0, 1, 9],
        },
        {"segment": {"partIndex": 2, "endIndex": 13, "text": "It was 3 €."}, "groundingChunkIndices": [1]},
        "no object",
        {"groundingChunkIndices": "none"},
    ],
}


@WAYS
def test_grounded_texts_carry_citations(wire: Any, ask: Any) -> None:
    parts = [{"text": TEXTS[0]}, {"executableCode": {"code": "1", "language": "PYTHON"}}, {"text": TEXTS[1]}]
    wire.says(response(*parts, groundingMetadata=GROUNDING))
    llm = wire.chat()
    answer = ask(llm)
    first, _, last = answer.content_blocks
    cited = [
        (each["type"], each["url"], each["title"], block["text"][each["start_index"] : each["end_index"]])
        for block in (first, last)
        for each in block["annotations"]
    ]
    assert cited == [
        ("citation", "https://a.example", "A", "Spain won."),
        ("citation", "https://b.example", "B", "Spain won."),
        ("citation", "https://b.example", "B", "It was 3 €."),
    ]
    assert first["annotations"][0]["cited_text"] == "Spain won."
    assert len({each["id"] for block in (first, last) for each in block["annotations"]}) == len(cited)
    assert first["annotations"][1]["extras"]["google_ai_metadata"]["place_id"] == "p"
    assert sent_back(wire, llm, answer) == parts


@pytest.mark.parametrize("key", ["citationSources", "citations"], ids=["developer", "vertex"])
@WAYS
def test_quotes_are_citations(wire: Any, ask: Any, key: str) -> None:
    quotes = [
        {"startIndex": 7, "endIndex": 17, "uri": "https://a.example", "license": "mit"},
        {"startIndex": 18, "endIndex": 31, "title": "B", "publicationDate": {"year": 2024}},
        {"uri": "https://c.example"},
        {"endIndex": 3},
        "no object",
    ]
    parts = [{"text": TEXTS[0]}, {"executableCode": {"code": "1", "language": "PYTHON"}}, {"text": TEXTS[1]}]
    wire.says(response(*parts, citationMetadata={key: quotes}))
    answer = ask(wire.chat())
    first, _, last = answer.content_blocks
    [quote], [quote_2, whole] = first["annotations"], last["annotations"]
    assert (quote["url"], quote["cited_text"]) == ("https://a.example", "Spain won.")
    assert quote["extras"]["google_ai_metadata"] == {"license": "mit"}
    assert (quote_2["title"], quote_2["cited_text"], quote_2["start_index"]) == ("B", "It was 3 €.", 0)
    assert (whole["url"], "start_index" in whole) == ("https://c.example", False)


@WAYS
def test_counts_may_be_written_as_text_or_as_floats(wire: Any, ask: Any) -> None:
    usage = {"promptTokenCount": "12", "candidatesTokenCount": 5.0, "thoughtsTokenCount": None}
    wire.says({**response({"text": "Hi"}), "usageMetadata": usage})
    assert ask(wire.chat()).usage_metadata == {"input_tokens": 12, "output_tokens": 5, "total_tokens": 17}
