"""What an answer says beside its parts: counts, reasons, ratings, the model's version."""

from functools import reduce
from itertools import product
from operator import add
from typing import Any

import pytest
from langchain_core.callbacks import get_usage_metadata_callback

from langchain_codeexec.errors import TruncatedResponseError
from langchain_codeexec.messages.from_wire import failure_of
from tests.calls import WAYS, streamed
from tests.calls import response as response_of
from tests.services import NEW

TEXT = [{"text": "Hello there."}]


def response(*parts: dict[str, Any], candidate: Any = None, **fields: Any) -> dict[str, Any]:
    return {**response_of(*(parts or TEXT), **(candidate or {})), **fields}


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
        ({"promptTokenCount": "10"}, {"input_tokens": 10, "output_tokens": 0, "total_tokens": 10}),
        ({"promptTokensDetails": 5}, {"input_tokens": 0, "output_tokens": 0, "total_tokens": 0}),
        ({}, None),
        (None, None),
        ("many", None),
    ],
)
def test_counts(wire: Any, ask: Any, wire_usage: Any, usage: Any) -> None:
    wire.says(response(usageMetadata=wire_usage))

    assert ask(wire.chat()).usage_metadata == usage


def test_streamed_counts_come_once_and_equal_invoked_ones(gemini: Any, endpoint: str) -> None:
    gemini.says(["I run it.", {"executableCode": {"code": "print(1)"}}, "It is one, as far as I can see."])
    llm = gemini.on(endpoint)

    chunks, answer = list(llm.stream("q")), llm.invoke("q")

    assert [chunk.usage_metadata is not None for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
    assert reduce(add, chunks).usage_metadata == answer.usage_metadata
    counts = answer.response_metadata["usage_metadata"]
    assert answer.usage_metadata["total_tokens"] == counts["totalTokenCount"]
    assert answer.usage_metadata["input_token_details"]["tool_use"] == counts["toolUsePromptTokenCount"] > 0


def test_the_usage_callback_knows_the_model(gemini: Any) -> None:
    gemini.says("Fine.")
    llm = gemini.chat()

    with get_usage_metadata_callback() as callback:
        first, *_ = llm.invoke("q"), list(llm.stream("q"))

    assert callback.usage_metadata[NEW]["total_tokens"] == 2 * first.usage_metadata["total_tokens"]


# -- reasons -----------------------------------------------------------------------------------------------


EXPLAINED = {
    "length": {"MAX_TOKENS": "max_output_tokens"},
    "content_filter": {
        "SAFETY": "safety_ratings", "RECITATION": "in other words", "BLOCKLIST": "forbidden term",
        "PROHIBITED_CONTENT": "prohibited content", "SPII": "personal information", "MODEL_ARMOR": "Model Armor",
        "IMAGE_SAFETY": "image",
    },
    "error": {
        "MALFORMED_FUNCTION_CALL": "ask again", "MALFORMED_RESPONSE": "cannot read", "UNEXPECTED_TOOL_CALL": "declare it",
    },
    "other": {
        "LANGUAGE": "language", "TOO_MANY_TOOL_CALLS": "narrow the task", "MISSING_THOUGHT_SIGNATURE": "as they came",
        "NO_IMAGE": "image", "ESCALATION": "handed",
    },
}  # fmt: skip
"""By the finish reason in langchain-core's words: those of Gemini, and what is said of them."""


@WAYS
@pytest.mark.parametrize("normalized", EXPLAINED)
def test_reasons_come_with_a_remedy(wire: Any, ask: Any, normalized: str) -> None:
    llm = wire.chat()
    for (reason, words), parts in product(EXPLAINED[normalized].items(), ([], TEXT)):
        wire.says(response_of(*parts, finishReason=reason))

        answer = ask(llm)

        metadata = answer.response_metadata
        assert (metadata["finish_reason"], metadata["normalized_finish_reason"]) == (reason, normalized)
        assert words in metadata["finish_message"]
        assert failure_of(answer) == metadata["finish_message"]


@WAYS
@pytest.mark.parametrize("reason", ["STOP", "OTHER", "IMAGE_OTHER", "A_REASON_TO_COME", 99])
def test_other_reasons_stay_as_they_are(wire: Any, ask: Any, reason: Any) -> None:
    wire.says(response_of(*TEXT, finishReason=reason))
    whole = ask(wire.chat())
    wire.says({"candidates": [{"finishReason": reason}]})
    empty = ask(wire.chat())

    assert whole.response_metadata["finish_reason"] == empty.response_metadata["finish_reason"] == reason
    assert whole.response_metadata["normalized_finish_reason"] == ("stop" if reason == "STOP" else "other")
    assert "finish_message" not in whole.response_metadata
    assert whole.text == "Hello there."
    why = "" if reason == "STOP" else f", for the reason {reason}"
    assert failure_of(empty) == f"The model ended its turn without an answer{why}; ask again."


@WAYS
def test_the_services_own_words_are_kept(wire: Any, ask: Any) -> None:
    message = "Malformed function call: print(default_api.f())"
    wire.says(response_of(finishReason="MALFORMED_FUNCTION_CALL", finishMessage=message))

    assert ask(wire.chat()).response_metadata["finish_message"] == message


@WAYS
@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"promptFeedback": {"blockReason": "SAFETY"}}, "blocked (SAFETY): change the prompt"),
        ({"promptFeedback": {"blockReason": "OTHER", "blockReasonMessage": "No."}}, "blocked (OTHER): No."),
        ({"promptFeedback": {"blockReason": "SAFETY"}, "candidates": []}, "blocked"),
        ({"candidates": [{"content": {"role": "model"}, "finishReason": "STOP"}]}, "without an answer"),
        ({"candidates": [{"content": {"parts": []}, "finishReason": "STOP"}]}, "without an answer"),
    ],
)
def test_an_answer_without_content_says_why(wire: Any, ask: Any, body: Any, words: str) -> None:
    wire.says(body)

    answer = ask(wire.chat())

    assert not answer.content
    assert answer.text == ""
    assert words in answer.response_metadata["finish_message"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"promptFeedback": "no object"},
        {"candidates": None},
        {"candidates": [{}]},
        {"candidates": [{"content": None}]},
        response_of(finishReason=None),
        response_of(finishReason=""),
    ],
)
def test_an_answer_that_says_nothing_of_its_end(wire: Any, body: Any) -> None:
    wire.says(body, body)

    assert "without an answer" in wire.chat().invoke("q").response_metadata["finish_message"]
    with pytest.raises(TruncatedResponseError):
        list(wire.chat().stream("q"))


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
def test_all_of_it_is_kept_under_names_in_snake_case(wire: Any, ask: Any) -> None:
    fields = {"modelVersion": "gemini-3-flash-001", "responseId": "r1", "createTime": "2026-01-01T00:00:00Z"}

    wire.says(response(candidate=RICH, **fields))

    metadata = ask(wire.chat()).response_metadata

    assert metadata == {
        "model_provider": "google_genai",
        "output_version": "v1",
        "endpoint": "developer",
        "plan": metadata["plan"],
        "model_name": "gemini-3-flash-001",
        "response_id": "r1",
        "create_time": "2026-01-01T00:00:00Z",
        "finish_reason": "STOP",
        "normalized_finish_reason": "stop",
        "safety_ratings": RATINGS,
        "citation_metadata": {"citation_sources": [{"uri": "https://x", "start_index": 0}]},
        "grounding_metadata": {
            "web_search_queries": ["q"],
            "grounding_chunks": [{"web": {"uri": "https://x"}}],
        },
        "url_context_metadata": {"url_metadata": []},
        "avg_logprobs": -0.5,
        "logprobs_result": {"chosen_candidates": [{"token": "a", "log_probability": -0.5}]},
        "something_to_come": {"x": 1},
    }


def test_what_chunks_repeat_comes_once(wire: Any) -> None:
    candidates: list[dict[str, Any]] = [
        {"safetyRatings": [{"category": "x"}], "groundingMetadata": {"webSearchQueries": ["q"]}},
        {"safetyRatings": RATINGS, "groundingMetadata": {"webSearchQueries": ["q", "r"], "more": 1}},
        {"citationMetadata": {"citationSources": [{"uri": "https://x"}]}},
        {"citationMetadata": {"citationSources": [{"uri": "https://y"}]}},
    ]
    shared = {"modelVersion": "gemini-3-flash-001", "responseId": "r1"}
    wire.says(*(response({"text": "a"}, candidate=candidate, **shared) for candidate in candidates))

    metadata = streamed(wire.chat()).response_metadata

    expected = {
        "model_name": "gemini-3-flash-001",
        "response_id": "r1",
        "finish_reason": "STOP",
        "safety_ratings": RATINGS,
        "grounding_metadata": {"web_search_queries": ["q", "r"], "more": 1},
        "citation_metadata": {"citation_sources": [{"uri": "https://x"}, {"uri": "https://y"}]},
        "model_provider": "google_genai",
    }
    assert {key: metadata[key] for key in expected} == expected


def test_the_model_called_stands_where_the_service_names_none(wire: Any, endpoint: str) -> None:
    wire.says(response())

    assert wire.on(endpoint).invoke("q").response_metadata["model_name"] == NEW


def test_a_stream_names_its_model_in_the_first_and_the_last_chunk_only(gemini: Any) -> None:
    gemini.says("One two three four five six seven eight nine ten.")

    chunks = list(gemini.chat().stream("q"))

    rest = [False] * (len(chunks) - 1)
    assert ["endpoint" in chunk.response_metadata for chunk in chunks] == [True, *rest]
    assert ["model_name" in chunk.response_metadata for chunk in chunks] == [*rest, True]
    assert all(chunk.response_metadata["model_provider"] == "google_genai" for chunk in chunks)
