"""Embeddings: what clients get, how near like texts are, and what is refused."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from google import genai
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.vectorstores import InMemoryVectorStore
from langchain_google_genai import GoogleGenerativeAIEmbeddings

from langchain_codeexec.emulator.embeddings import vector
from tests.emulator.conftest import who

FIRST, SECOND, TEXT = "gemini-embedding-001", "gemini-embedding-2", "text-embedding-005"
CORPUS = {path.stem: path.read_text() for path in Path("examples/corpus").glob("*.md")}
QUESTIONS = {
    "How long is the Mississippi river?": "rivers",
    "Which moons does Jupiter have?": "large_moons",
    "the population of Texas": "state_population",
    "When did Apollo 11 land?": "apollo",
    "highest mountain": "mountains",
}


@pytest.mark.parametrize(
    ("endpoint", "model", "size"),
    [
        ("developer", FIRST, None),
        ("developer", SECOND, 768),
        ("vertex", FIRST, 1536),
        ("vertex", TEXT, None),
    ],
)
def test_a_vector_store_of_langchain_finds_the_right_document(answering, endpoint, model, size):
    embeddings = GoogleGenerativeAIEmbeddings(
        model=model, base_url=answering.emulator.url, output_dimensionality=size, **who(endpoint)
    )
    store = InMemoryVectorStore(embeddings)
    store.add_texts(list(CORPUS.values()), ids=list(CORPUS))
    nearest = {question: store.similarity_search(question, k=1)[0].id for question in QUESTIONS}
    assert nearest == QUESTIONS


def reduced(answer: Any) -> Any:
    """An answer with the number of values in the place of the values."""
    if isinstance(answer, dict):
        return {key: len(value) if key == "values" else reduced(value) for key, value in answer.items()}
    return [reduced(item) for item in answer] if isinstance(answer, list) else answer


def request(text: str, model: str = SECOND, **fields: Any) -> dict[str, Any]:
    return {"model": f"models/{model}", "content": {"parts": [{"text": text}]}, **fields}


def tokens(count: int) -> list[dict[str, Any]]:
    return [{"modality": "TEXT", "tokenCount": count}]


@pytest.mark.parametrize(
    ("endpoint", "method", "body", "expected"),
    [
        (
            "developer",
            f"{SECOND}:batchEmbedContents",
            {
                "requests": [
                    request("hello", taskType="RETRIEVAL_DOCUMENT"),
                    request("world", title="a title"),
                ]
            },
            {
                "embeddings": [{"values": 3072}, {"values": 3072}],
                "usageMetadata": {"promptTokenCount": 4, "promptTokenDetails": tokens(4)},
            },
        ),
        (
            "developer",
            f"{FIRST}:embedContent",
            {"content": {"parts": {"text": "hello"}}, "task_type": 3, "output_dimensionality": 10},
            {"embedding": {"values": 10}},
        ),
        (
            "vertex",
            f"{SECOND}:embedContent",
            {"content": {"parts": [{"text": "hello"}]}, "embedContentConfig": {"outputDimensionality": 256}},
            {
                "embedding": {"values": 256},
                "usageMetadata": {
                    "promptTokenCount": 2,
                    "promptTokensDetails": tokens(2),
                    "totalTokenCount": 2,
                },
            },
        ),
        (
            "vertex",
            f"{FIRST}:predict",
            {"instances": [{"content": "Hello, world!", "task_type": "RETRIEVAL_QUERY"}]},
            {
                "predictions": [
                    {"embeddings": {"values": 3072, "statistics": {"token_count": 4, "truncated": False}}}
                ],
                "metadata": {"billableCharacterCount": 12},
            },
        ),
        (
            "vertex",
            f"{TEXT}:predict",
            {
                "instances": [{"content": "abcd" * 3000, "title": "t"}],
                "parameters": {"outputDimensionality": 5},
            },
            {
                "predictions": [
                    {"embeddings": {"values": 5, "statistics": {"token_count": 2048, "truncated": True}}}
                ],
                "metadata": {"billableCharacterCount": 12000},
            },
        ),
    ],
)
def test_answers_in_the_recorded_shape(answering, endpoint, method, body, expected):
    model, action = method.split(":")
    response = answering.ask(body, model=model, endpoint=endpoint, action=action)
    assert (response.status_code, reduced(response.json())) == (200, expected)


def of(answering, model: str, text: str, **fields: Any) -> list[float]:
    response = answering.ask(
        {"content": {"parts": [{"text": text}]}, **fields}, model=model, action="embedContent"
    )
    return response.json()["embedding"]["values"]


def test_a_reduced_vector_is_the_beginning_of_the_full_one(answering):
    for model, length in ((SECOND, 1.0), (FIRST, None)):
        full, short = of(answering, model, "Hello"), of(answering, model, "Hello", outputDimensionality=768)
        beginning = full[:768]
        scale = length / math.hypot(*beginning) if length else 1.0
        assert short == pytest.approx([value * scale for value in beginning])
        assert math.hypot(*full) == pytest.approx(1)
    assert any(of(answering, SECOND, "a", outputDimensionality=1))


def cosine(one: str, other: str, model: str = FIRST) -> float:
    return sum(a * b for a, b in zip(vector(model, one), vector(model, other), strict=True))


@given(st.text(min_size=1, max_size=200))
def test_every_text_has_a_vector_of_length_one_and_always_the_same(text):
    assert math.hypot(*vector(TEXT, text)) == pytest.approx(1, abs=1e-6)
    assert vector(TEXT, text) == vector(TEXT, text)


def test_like_texts_are_near_in_any_script_and_models_share_no_space():
    assert (
        cosine("The cat sat on the mat", "A cat sits on mats")
        > cosine("The cat sat on the mat", "Tax law") + 0.2
    )
    assert cosine("機械学習の入門", "機械学習") > cosine("機械学習の入門", "料理の本") + 0.2
    mixed = sum(a * b for a, b in zip(vector(FIRST, "one text"), vector(SECOND, "one text"), strict=True))
    assert abs(mixed) < 0.3


def test_media_count_and_tell_texts_apart(answering):
    blob = {"inlineData": {"mimeType": "image/png", "data": "AAAA"}}
    body = {"content": {"parts": [{"text": "x"}, blob]}}
    answer = answering.ask(body, model=SECOND, action="embedContent").json()
    assert answer["usageMetadata"]["promptTokenDetails"][1] == {"modality": "IMAGE", "tokenCount": 258}
    assert answer["embedding"]["values"] != of(answering, SECOND, "x")


PREDICT = {"instances": [{"content": "x"}]}


@pytest.mark.parametrize(
    ("endpoint", "method", "body", "refusal"),
    [
        ("developer", "nope:batchEmbedContents", {}, (404, "models/nope is not found for API version v1beta, or is not supported for embedContent.")),
        ("developer", "text-embedding-004:embedContent", request("x"), (404, "is not found")),
        ("developer", "gemini-2.5-flash:embedContent", request("x"), (404, "is not supported for embedContent")),
        ("vertex", "nope:predict", PREDICT, (404, "Publisher Model `projects/p/locations/us-central1/publishers/google/models/nope` was not found")),
        ("developer", f"{SECOND}:batchEmbedContents", {"requests": [request("x")] * 101}, (400, "* BatchEmbedContentsRequest.requests: at most 100 requests can be in one batch")),
        ("developer", f"{SECOND}:batchEmbedContents", {"requests": [{**request("x"), "model": SECOND}]}, (400, "requests[0].model: unexpected model name format")),
        ("developer", f"{SECOND}:batchEmbedContents", {"requests": [request("x", FIRST)]}, (400, "requests[0].model: model must be")),
        ("developer", f"{SECOND}:batchEmbedContents", {"requests": [{"model": f"models/{SECOND}"}]}, (400, "requests[0].content: contents is not specified")),
        ("developer", f"{SECOND}:embedContent", request(""), (400, "EmbedContentRequest.content contains an empty Part.")),
        ("vertex", f"{SECOND}:embedContent", {"content": {"parts": [{"text": ""}]}}, (400, "The text content is empty.")),
        ("developer", f"{SECOND}:embedContent", request("x", taskType="GUESS"), (400, "Invalid value at 'task_type' (type.googleapis.com/google.ai.generativelanguage.v1beta.TaskType), \"GUESS\"")),
        ("developer", f"{SECOND}:embedContent", request("x", outputDimensionality=4000), (400, "output_dimensionality must be in the range 1 to 3072")),
        ("developer", f"{SECOND}:embedContent", request("x", colour="red"), (400, 'Unknown name "colour"')),
        ("vertex", f"{TEXT}:predict", {**PREDICT, "parameters": {"outputDimensionality": 3072}}, (400, "outputDimensionality value of 3072")),
        ("vertex", f"{TEXT}:predict", {"instances": PREDICT["instances"] * 251}, (400, "it included too many instances")),
        ("vertex", f"{TEXT}:predict", {}, (400, "it included no instances")),
        ("vertex", f"{TEXT}:predict", {"instances": [{"content": ""}]}, (400, "The text content is empty.")),
        ("vertex", f"{TEXT}:predict", {"instances": [{"image": {}}]}, (400, "embeds no other media")),
        ("vertex", f"{TEXT}:predict", {"instances": [{"content": "x", "task_type": "GUESS"}]}, (400, "'GUESS' is not supported")),
        ("vertex", f"{TEXT}:predict", {"instances": [{"content": "abcd" * 3000}], "parameters": {"autoTruncate": False}}, (400, "the input token count is 3000 but the model supports up to 2048")),
        ("vertex", f"{SECOND}:predict", PREDICT, (400, "its method is embedContent")),
        ("vertex", f"{TEXT}:embedContent", {"content": {"parts": [{"text": "x"}]}}, (400, "is not supported in the embedContent API.")),
        ("vertex", f"{SECOND}:batchEmbedContents", {}, (404, "This emulator does not cover")),
        ("developer", f"{FIRST}:predict", PREDICT, (404, "This emulator does not cover")),
    ],
)  # fmt: skip
def test_what_is_refused(answering, endpoint, method, body, refusal):
    model, action = method.split(":")
    response = answering.ask(body, model=model, endpoint=endpoint, action=action)
    status, text = refusal
    assert response.status_code == status
    assert text in response.json()["error"]["message"]


def test_names_can_be_made_known(start):
    client = start(["Hi."], known_models={"my-embedding"})
    assert len(of(client, "my-embedding", "x")) == 768


def test_tokens_are_told_one_by_one_on_vertex(answering):
    url = answering.emulator.url
    with genai.Client(**who("vertex"), http_options={"base_url": url}) as client:
        info: Any = client.models.compute_tokens(model="gemini-2.5-flash", contents="Hello, world!")
        count = client.models.count_tokens(model="gemini-2.5-flash", contents="Hello, world!").total_tokens
    (info,) = info.tokens_info
    assert b"".join(info.tokens) == b"Hello, world!"
    assert (info.role, len(info.tokens), len(set(info.token_ids))) == ("user", count, count)
    body = {"contents": {"parts": {"text": "x"}}}
    assert answering.ask(body, action="computeTokens").status_code == 404
