"""What an answer says beside its parts: counts, reasons, ratings, the model's version."""

from __future__ import annotations

from functools import reduce
from operator import add
from typing import Any

import pytest
from langchain_core.callbacks import get_usage_metadata_callback
from langchain_core.messages import AIMessage, message_chunk_to_message

NEW = "gemini-3-flash-preview"
TEXT = [{"text": "Hello there."}]


def response(parts: list[dict[str, Any]] | None = None, **fields: Any) -> dict[str, Any]:
    reason = fields.pop("finishReason", "STOP")
    candidate = {
        "content": {"role": "model", "parts": TEXT if parts is None else parts},
        "finishReason": reason,
    }
    own = fields.pop("candidate", {})
    return {"candidates": [{**candidate, **own}], **fields}


def invoked(wire: Any, *chunks: Any) -> AIMessage:
    wire.says(*chunks)
    return wire.chat().invoke("q")


def streamed(wire: Any, *chunks: Any) -> AIMessage:
    wire.says(*chunks)
    return message_chunk_to_message(reduce(add, wire.chat().stream("q")))


def events_v3(wire: Any, *chunks: Any) -> AIMessage:
    wire.says(*chunks)
    return wire.chat().stream_events("q", version="v3").output


WAYS = pytest.mark.parametrize("ask", [invoked, streamed, events_v3])
pytestmark = pytest.mark.filterwarnings("ignore:.*is in beta")

# -- counts ------------------------------------------------------------------------------------------------


@WAYS
@pytest.mark.parametrize(
    ("wire_usage", "usage"),
    [
        (
            {"promptTokenCount": 10, "candidatesTokenCount": 5, "totalTokenCount": 15},
            {"input_tokens": 10, "output_tokens": 5, "total_tokens": 15},
        ),
        (
            {
                "promptTokenCount": 10,
                "candidatesTokenCount": 5,
                "toolUsePromptTokenCount": 3,
                "thoughtsTokenCount": 2,
                "cachedContentTokenCount": 4,
                "totalTokenCount": 20,
                "promptTokensDetails": [
                    {"modality": "TEXT", "tokenCount": 8},
                    {"modality": "AUDIO", "tokenCount": 2},
                ],
                "candidatesTokensDetails": [{"modality": "AUDIO", "tokenCount": 1}],
                "trafficType": "ON_DEMAND",
            },
            {
                "input_tokens": 13,
                "output_tokens": 7,
                "total_tokens": 20,
                "input_token_details": {"tool_use": 3, "cache_read": 4, "audio": 2},
                "output_token_details": {"reasoning": 2, "audio": 1},
            },
        ),
        ({"promptTokenCount": 10}, {"input_tokens": 10, "output_tokens": 0, "total_tokens": 10}),
        ({"promptTokenCount": "10"}, {"input_tokens": 0, "output_tokens": 0, "total_tokens": 0}),
        ({"promptTokensDetails": 5}, {"input_tokens": 0, "output_tokens": 0, "total_tokens": 0}),
        ({}, None),
        (None, None),
        ("many", None),
    ],
)
def test_counts(wire: Any, ask: Any, wire_usage: Any, usage: Any) -> None:
    answer = ask(wire, response(usageMetadata=wire_usage))

    assert answer.usage_metadata == usage


def test_counts_add_up_as_the_emulator_tells_them(gemini: Any) -> None:
    gemini.says(["I run it.", {"executableCode": {"code": "print(1)"}}, "It is one, as far as I can see."])

    answer = gemini.chat().invoke("q")

    told = answer.response_metadata["usage_metadata"]
    assert answer.usage_metadata["total_tokens"] == told["totalTokenCount"]
    assert answer.usage_metadata["input_token_details"]["tool_use"] == told["toolUsePromptTokenCount"] > 0


def test_streamed_counts_are_told_once_and_equal_invoked_ones(gemini: Any, endpoint: str) -> None:
    gemini.says(["I run it.", {"executableCode": {"code": "print(1)"}}, "It is one, as far as I can see."])
    llm = gemini.on(endpoint)

    chunks = list(llm.stream("q"))
    invoked_answer = llm.invoke("q")

    assert [chunk.usage_metadata is not None for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
    assert reduce(add, chunks).usage_metadata == invoked_answer.usage_metadata


def test_the_last_of_several_partial_counts_holds(wire: Any) -> None:
    chunks = [
        response([{"text": "a"}], usageMetadata={"promptTokenCount": 5, "candidatesTokenCount": n})
        for n in (1, 2, 3)
    ]

    assert streamed(wire, *chunks).usage_metadata["total_tokens"] == 8


def test_the_usage_callback_knows_the_model(gemini: Any) -> None:
    gemini.says("Fine.")
    llm = gemini.chat()

    with get_usage_metadata_callback() as callback:
        first, *_ = llm.invoke("q"), list(llm.stream("q"))

    assert callback.usage_metadata[NEW]["total_tokens"] == 2 * first.usage_metadata["total_tokens"]


# -- reasons -----------------------------------------------------------------------------------------------


@WAYS
@pytest.mark.parametrize(
    ("reason", "remedy"),
    [
        ("MAX_TOKENS", "max_output_tokens"),
        ("SAFETY", "safety_ratings"),
        ("RECITATION", "in other words"),
        ("BLOCKLIST", "forbidden term"),
        ("PROHIBITED_CONTENT", "prohibited content"),
        ("SPII", "personal information"),
        ("LANGUAGE", "language"),
        ("MALFORMED_FUNCTION_CALL", "ask again"),
        ("UNEXPECTED_TOOL_CALL", "declare it"),
        ("TOO_MANY_TOOL_CALLS", "narrow the task"),
        ("MISSING_THOUGHT_SIGNATURE", "as they came"),
    ],
)
@pytest.mark.parametrize("parts", [[], TEXT])
def test_reasons_are_told_with_a_remedy(wire: Any, ask: Any, reason: str, remedy: str, parts: Any) -> None:
    metadata = ask(wire, response(parts, finishReason=reason)).response_metadata

    assert metadata["finish_reason"] == reason
    assert remedy in metadata["finish_message"]


@WAYS
@pytest.mark.parametrize("reason", ["STOP", "OTHER", "A_REASON_TO_COME", "", 5, None])
def test_other_reasons_are_told_as_they_are(wire: Any, ask: Any, reason: Any) -> None:
    answer = ask(wire, response(finishReason=reason))

    assert answer.response_metadata["finish_reason"] == reason
    assert "finish_message" not in answer.response_metadata
    assert answer.text == "Hello there."


@WAYS
def test_the_services_own_words_are_kept(wire: Any, ask: Any) -> None:
    said = {"finishMessage": "Malformed function call: print(default_api.f())"}

    metadata = ask(
        wire, response([], finishReason="MALFORMED_FUNCTION_CALL", candidate=said)
    ).response_metadata

    assert metadata["finish_message"] == said["finishMessage"]


@WAYS
@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"promptFeedback": {"blockReason": "SAFETY"}}, "blocked (SAFETY): change the prompt"),
        ({"promptFeedback": {"blockReason": "OTHER", "blockReasonMessage": "No."}}, "blocked (OTHER): No."),
        ({"promptFeedback": {"blockReason": "SAFETY"}, "candidates": []}, "blocked"),
        ({"promptFeedback": "no object"}, "without an answer"),
        ({}, "without an answer"),
        ({"candidates": None}, "without an answer"),
        ({"candidates": [{}]}, "without an answer"),
        ({"candidates": [{"content": None}]}, "without an answer"),
        ({"candidates": [{"content": {"role": "model"}, "finishReason": "STOP"}]}, "without an answer"),
        ({"candidates": [{"content": {"parts": []}, "finishReason": "STOP"}]}, "without an answer"),
    ],
)
def test_an_answer_without_content_says_why(wire: Any, ask: Any, said: Any, told: str) -> None:
    answer = ask(wire, said)

    assert not answer.content
    assert answer.text == ""
    assert told in answer.response_metadata["finish_message"]


# -- everything else -------------------------------------------------------------------------------------------

RATINGS = [{"category": "HARM_CATEGORY_HARASSMENT", "probability": "LOW"}]
RICH: dict[str, Any] = {
    "safetyRatings": RATINGS,
    "citationMetadata": {"citationSources": [{"uri": "https://x", "startIndex": 0}]},
    "groundingMetadata": {"webSearchQueries": ["q"], "groundingChunks": [{"web": {"uri": "https://x"}}]},
    "urlContextMetadata": {"urlMetadata": []},
    "avgLogprobs": -0.5,
    "logprobsResult": {"chosenCandidates": [{"token": "a", "logProbability": -0.5}]},
    "somethingToCome": {"x": 1},
}


@WAYS
def test_all_of_it_is_kept_verbatim_under_names_in_snake_case(wire: Any, ask: Any) -> None:
    fields = {"modelVersion": "gemini-3-flash-001", "responseId": "r1", "createTime": "2026-01-01T00:00:00Z"}

    metadata = ask(wire, response(candidate=RICH, **fields)).response_metadata

    assert metadata == {
        "model_provider": "google_genai",
        "output_version": "v1",
        "endpoint": "developer",
        "plan": metadata["plan"],
        "model_name": "gemini-3-flash-001",
        "response_id": "r1",
        "create_time": "2026-01-01T00:00:00Z",
        "finish_reason": "STOP",
        "safety_ratings": RATINGS,
        "citation_metadata": RICH["citationMetadata"],
        "grounding_metadata": RICH["groundingMetadata"],
        "url_context_metadata": RICH["urlContextMetadata"],
        "avg_logprobs": -0.5,
        "logprobs_result": RICH["logprobsResult"],
        "something_to_come": {"x": 1},
    }


def test_what_chunks_repeat_is_told_once(wire: Any) -> None:
    def chunk(text: str, **candidate: Any) -> dict[str, Any]:
        return response(
            [{"text": text}], candidate=candidate, modelVersion="gemini-3-flash-001", responseId="r1"
        )

    answer = streamed(
        wire,
        chunk("a", safetyRatings=[{"category": "x"}], groundingMetadata={"webSearchQueries": ["q"]}),
        chunk("b", safetyRatings=RATINGS, groundingMetadata={"webSearchQueries": ["q", "r"], "more": 1}),
        chunk("c", citationMetadata={"citationSources": [{"uri": "https://x"}]}),
        chunk("d", citationMetadata={"citationSources": [{"uri": "https://y"}]}),
    )

    metadata = answer.response_metadata
    assert (metadata["model_name"], metadata["response_id"], metadata["finish_reason"]) == (
        "gemini-3-flash-001",
        "r1",
        "STOP",
    )
    assert metadata["safety_ratings"] == RATINGS
    assert metadata["grounding_metadata"] == {"webSearchQueries": ["q", "r"], "more": 1}
    assert metadata["citation_metadata"] == {"citationSources": [{"uri": "https://x"}, {"uri": "https://y"}]}
    assert metadata["model_provider"] == "google_genai"


def test_the_model_asked_for_stands_where_the_service_names_none(wire: Any, endpoint: str) -> None:
    wire.says(response())

    assert wire.on(endpoint).invoke("q").response_metadata["model_name"] == NEW


def test_a_stream_tells_its_model_in_the_first_and_the_last_chunk_only(gemini: Any) -> None:
    gemini.says("One two three four five six seven eight nine ten.")

    chunks = list(gemini.chat().stream("q"))

    assert ["endpoint" in chunk.response_metadata for chunk in chunks] == [True, *[False] * (len(chunks) - 1)]
    assert ["model_name" in chunk.response_metadata for chunk in chunks] == [
        *[False] * (len(chunks) - 1),
        True,
    ]
    assert all(chunk.response_metadata["model_provider"] == "google_genai" for chunk in chunks)
