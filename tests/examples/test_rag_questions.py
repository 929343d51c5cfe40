"""Questions to the corpus of the RAG example: every answerable one right and cited, every other one refused."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path

import pytest
from qdrant_client import QdrantClient

from langchain_codeexec import ChatGeminiCodeExecution
from langchain_codeexec.emulator import GeminiEmulator
from langchain_codeexec.grounding import DocumentCalculation

EXAMPLE = Path(__file__).parents[2] / "examples" / "rag_with_calculation.py"
LINES = (Path(__file__).parent / "rag_questions.jsonl").read_text(encoding="utf-8").splitlines()
QUESTIONS = [json.loads(line) for line in LINES]
ANSWERABLE = [one for one in QUESTIONS if one["answer"] is not None]
UNANSWERABLE = [one for one in QUESTIONS if one["answer"] is None]


@pytest.fixture(scope="module")
def example():
    spec = importlib.util.spec_from_file_location("rag_with_calculation", EXAMPLE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def retriever(example, tmp_path_factory):
    client = QdrantClient(path=str(tmp_path_factory.mktemp("index")))
    yield example.retriever(example.vector_store(client))
    client.close()


@pytest.fixture(scope="module")
def answers(retriever):
    """What came back for every question, all asked at once."""
    texts = [one["question"] for one in QUESTIONS]
    with GeminiEmulator() as emulator:
        llm = ChatGeminiCodeExecution(
            model="gemini-3-flash-preview", vertexai=False, api_key="any", base_url=emulator.url
        )
        calculation = DocumentCalculation(llm=llm, retriever=retriever)
        given = calculation.batch(texts, {"max_concurrency": 4})
    return dict(zip(texts, given, strict=True))


def by_question(one):
    return one["question"]


RESULT = re.compile(r"^result = (.*)$", re.MULTILINE)
CITATION = re.compile(r"\[(\d+)\]")


def computed(answer):
    return RESULT.search(answer.executions[-1].output)[1]


@pytest.mark.parametrize("asked", ANSWERABLE, ids=by_question)
def test_an_answer_is_right_and_cites_its_documents(answers, asked):
    answer = answers[asked["question"]]
    assert answer.answered, answer.text
    if isinstance(asked["answer"], str):
        assert computed(answer) == asked["answer"]
    else:
        assert float(computed(answer)) == pytest.approx(asked["answer"], rel=asked["tolerance"])
        assert "execution" in {figure.origin for figure in answer.figures}
    assert computed(answer) in answer.text
    cited = {answer.documents[int(number) - 1].source for number in CITATION.findall(answer.text)}
    assert cited == set(asked["sources"])
    assert not answer.unsupported


@pytest.mark.parametrize("asked", UNANSWERABLE, ids=by_question)
def test_what_the_corpus_does_not_hold_is_said_to_be_missing(answers, asked):
    answer = answers[asked["question"]]
    assert answer.text.startswith("The documents do not say.")
    assert not answer.answered
    assert not answer.unsupported


def test_the_documents_of_every_answer_are_found(retriever):
    found = {
        one["question"]: {document.metadata["source"] for document in retriever(one["question"])}
        for one in ANSWERABLE
    }
    assert [one for one in ANSWERABLE if not set(one["sources"]) <= found[one["question"]]] == []


def test_an_index_is_used_again_until_the_corpus_changes(example, tmp_path, monkeypatch):
    embedded = []
    embed = example.WordLlamaEmbeddings.embed_documents
    monkeypatch.setattr(
        example.WordLlamaEmbeddings,
        "embed_documents",
        lambda self, texts: embedded.append(len(texts)) or embed(self, texts),
    )

    def sections_embedded():
        client = QdrantClient(path=str(tmp_path))
        embedded.clear()
        example.vector_store(client)
        names = [one.name for one in client.get_collections().collections]
        client.close()
        assert len(names) == 1
        return max(embedded, default=0)

    assert sections_embedded() > 30
    assert sections_embedded() <= 1  # the store may try the embeddings
    changed = tmp_path / "changed"
    changed.mkdir()
    (changed / "one.md").write_text("---\ntitle: One\n---\n# One\n\nOne is 1.\n\n## Two\n\nTwo is 2.\n")
    monkeypatch.setattr(example, "CORPUS", changed)
    assert sections_embedded() == 2


def test_the_store_finds_whole_documents(retriever):
    found = {document.metadata["source"]: document for document in retriever("What is the gravity on Mars?")}
    assert "## Sizes" in found["planets.md"].page_content
    assert "## Orbits" in found["planets.md"].page_content
