"""Questions to a corpus of documents, answered by computing with their tables and citing them.

`python examples/rag_with_calculation.py` lets a script stand in for the model on this machine; retrieval and code
really run. With `--live` Gemini answers, reached as the environment says. The corpus is 16 documents of plain facts,
most of them from works of the US government. The vector store is Qdrant's local mode, which needs no server, in the
folder rag_index (`--index` names another): the first run fills it, later ones use it until the corpus changes. The
embeddings are WordLlama's, whose wheel holds weights and tokenizer: nothing is downloaded. The former prints:

    user: By what percentage did the population of Utah grow between 2010 and 2020?

    output:
    growth = 18.37
    sources = [1]

    model: The population of Utah grew by 18.37 % [1].

    [1] Population of US states, censuses of 2010 and 2020 (state_population.md)

    user: How many times the radius of Titan is the radius of the Sun?

    output:
    ratio = 270.17
    sources = [1, 4]

    model: The radius of the Sun is 270.17 times that of Titan [1, 4].

    [1] The Sun (sun.md)
    [4] Large moons of the Solar System (large_moons.md)

    user: What is the gross domestic product of California?

    model: The documents do not say. They hold nothing on the products of states.
"""

from __future__ import annotations

import argparse
import hashlib
import logging
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import wordllama
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_qdrant import QdrantVectorStore
from qdrant_client import QdrantClient
from qdrant_client.models import Distance, VectorParams

from langchain_codeexec import ChatGeminiCodeExecution, DocumentCalculation
from langchain_codeexec.emulator import GeminiEmulator, ScriptedBrain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

logging.getLogger().setLevel(logging.WARNING)  # importing wordllama makes every library talk
MODEL = "gemini-3-flash-preview"
CORPUS = Path(__file__).parent / "corpus"
INDEX = Path("rag_index")
SECTIONS = 10  # a question may need tables of several documents
DIMENSIONS = 256
GROWTH = """\
import pandas as pd

utah = pd.read_csv("{Population 2020}").set_index("State").loc["Utah"]
print("growth =", round((utah["Population 2020"] / utah["Population 2010"] - 1) * 100, 2))
print("sources =", [int(utah["source"])])"""
RADII = """\
import pandas as pd

titan = pd.read_csv("{Radius (km)}").set_index("Moon").loc["Titan"]
sentences = pd.read_csv("{sentence}")
sun = sentences[sentences["sentence"].str.startswith("The radius of the Sun")].iloc[0]
print("ratio =", round(sun["value"] / titan["Radius (km)"], 2))
print("sources =", [int(sun["source"]), int(titan["source"])])"""
SCRIPT = {  # a program, its files named by a column that they have, and what is answered with what it prints
    "By what percentage did the population of Utah grow between 2010 and 2020?": (
        GROWTH,
        "The population of Utah grew by {growth} % {sources}.",
    ),
    "How many times the radius of Titan is the radius of the Sun?": (
        RADII,
        "The radius of the Sun is {ratio} times that of Titan {sources}.",
    ),
    "What is the gross domestic product of California?": (
        "",
        "The documents do not say. They hold nothing on the products of states.",
    ),
}


def scripted(prompt: Any) -> Iterator[Any]:
    """Answer a request: read which files it brings, compute with them, and put what was printed into words."""
    text = prompt.request["contents"][-1]["parts"][0]["text"]
    code, answer = SCRIPT[text.splitlines()[0]]
    printed = {}
    if code:
        files = re.findall(r"^- (input_file_\d+\.csv): .*columns: (.*)$", text, re.MULTILINE)
        names = {
            column: file for file, columns in files for column in re.findall(r"(?:^|, )([^,]+) \(\w", columns)
        }
        result = yield {"executableCode": {"language": "PYTHON", "code": code.format(**names)}}
        printed = dict(line.split(" = ") for line in result.stdout.splitlines())
    yield answer.format(**printed)


class WordLlamaEmbeddings(Embeddings):
    """WordLlama's embeddings of 256 dimensions, from the weights that its wheel holds."""

    def __init__(self) -> None:
        folder = Path(wordllama.__file__).parent
        self._model = wordllama.WordLlama.load(cache_dir=folder, disable_download=True)

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Embed sections."""
        return [[float(one) for one in vector] for vector in self._model.embed(texts, norm=True)]

    def embed_query(self, text: str) -> list[float]:
        """Embed a question."""
        return self.embed_documents([text])[0]


def corpus() -> dict[str, Document]:
    """The documents by their files' names."""
    documents = {}
    for path in sorted(CORPUS.glob("*.md")):
        _, front_matter, text = path.read_text(encoding="utf-8").split("---\n", 2)
        fields = dict(line.split(": ", 1) for line in front_matter.splitlines())
        documents[path.name] = Document(text, metadata={"title": fields["title"], "source": path.name})
    return documents


def sections(document: Document) -> list[Document]:
    """A document's sections, which no table runs across."""
    texts = re.split(r"^(?=#+ )", document.page_content, flags=re.MULTILINE)
    return [Document(text.strip(), metadata=document.metadata) for text in texts if text.strip()]


def vector_store(client: QdrantClient) -> QdrantVectorStore:
    """The store of the corpus: filled where there is none of just these sections, else used again."""
    searched = [section for document in corpus().values() for section in sections(document)]
    digest = hashlib.sha256("\0".join(map(repr, searched)).encode()).hexdigest()
    name = f"corpus-{digest[:16]}"
    if client.collection_exists(name):
        return QdrantVectorStore(client, name, WordLlamaEmbeddings())
    for outdated in client.get_collections().collections:
        client.delete_collection(outdated.name)
    client.create_collection(name, VectorParams(size=DIMENSIONS, distance=Distance.COSINE))
    store = QdrantVectorStore(client, name, WordLlamaEmbeddings())
    store.add_documents(searched)
    return store


def retriever(store: QdrantVectorStore) -> Callable[[str], list[Document]]:
    """Search sections, which are about one thing each; find whole documents, with all that belongs to it."""
    documents = corpus()

    def find(question: str) -> list[Document]:
        found = store.similarity_search(question, k=SECTIONS)
        return [documents[source] for source in dict.fromkeys(one.metadata["source"] for one in found)]

    return find


def ask(llm: ChatGeminiCodeExecution, index: Path) -> None:
    """Ask the questions and print what was computed from which documents."""
    index.mkdir(parents=True, exist_ok=True)
    client = QdrantClient(path=str(index))
    try:
        calculation = DocumentCalculation(llm=llm, retriever=retriever(vector_store(client)))
        for question in SCRIPT:
            print(f"user: {question}\n")
            answer = calculation.invoke(question)
            for run in answer.executions:
                print(f"output:\n{run.output}")
            print(f"model: {answer.text.strip()}\n")
            for document in answer.cited:
                print(f"[{document.number}] {document.title} ({document.source})")
            print()
    finally:
        client.close()


def main() -> None:
    """Ask whoever the command line asks for."""
    parser = argparse.ArgumentParser(description="Questions to documents, answered by computing with them.")
    parser.add_argument("--live", action="store_true", help="ask the real service")
    parser.add_argument("--index", type=Path, default=INDEX, help="folder of the vector store")
    options = parser.parse_args()
    if options.live:
        ask(ChatGeminiCodeExecution(model=MODEL), options.index)
        return
    with GeminiEmulator(ScriptedBrain(scripted)) as emulator:
        llm = ChatGeminiCodeExecution(model=MODEL, vertexai=False, api_key="any", base_url=emulator.url)
        ask(llm, options.index)


if __name__ == "__main__":
    main()
