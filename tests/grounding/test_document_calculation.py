"""The bridge as a runnable: what it takes, what it sends, what it gives, in chains and as a tool."""

from collections.abc import AsyncIterator, Iterator
from operator import attrgetter
from typing import Any

import pytest
from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import RunnableLambda, RunnablePassthrough

from langchain_codeexec import ChatGeminiCodeExecution
from langchain_codeexec.data import DataLimits
from langchain_codeexec.emulator import GeminiEmulator, ScriptedBrain
from langchain_codeexec.errors import ConfigurationError, DataError, MessageError
from langchain_codeexec.grounding import CalculatedAnswer, DocumentCalculation

QUESTION = "How many moons do the planets have together?"
MOONS = Document(
    "| planet | moons |\n|---|---|\n| Mars | 2 |\n| Jupiter | 95 |",
    metadata={"title": "Moons", "source": "moons.md"},
)
CODE = """\
import csv
with open("{file}") as file:
    rows = list(csv.DictReader(file))
print("total =", sum(int(row["moons"]) for row in rows))
print("sources:", ", ".join(sorted({{row["source"] for row in rows}})))"""


class Moons(BaseRetriever):
    """Finds the moons, and remembers the queries."""

    queries: list[str] = []  # noqa: RUF012 -- a field of pydantic's

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun
    ) -> list[Document]:
        self.queries.append(query)
        return [MOONS]


def compute(prompt: Any) -> list[Any]:
    """Sums the moons up, from the file that the request names last."""
    name = prompt.request["contents"][-1]["parts"][0]["text"].split("table 1 of")[0].rsplit("- ", 1)[1]
    code = CODE.format(file=name.removesuffix(": "))
    return [{"executableCode": {"language": "PYTHON", "code": code}}, "They have 97 moons [1]; Pluto has 5."]


@pytest.fixture(scope="module")
def service() -> Iterator[GeminiEmulator]:
    with GeminiEmulator(ScriptedBrain(compute)) as emulator:
        yield emulator


@pytest.fixture
async def llm(service: GeminiEmulator) -> AsyncIterator[ChatGeminiCodeExecution]:
    llm = ChatGeminiCodeExecution(
        model="gemini-3-flash-preview", api_key="any", base_url=service.url, max_retries=0
    )
    yield llm
    await llm.aclose()


def checked(answer: CalculatedAnswer) -> None:
    assert answer.text == "They have 97 moons [1]; Pluto has 5."
    assert [(figure.text, figure.origin, figure.documents) for figure in answer.figures] == [
        ("97", "execution", (1,)),
        ("5", None, ()),
    ]
    assert [figure.text for figure in answer.unsupported] == ["5"]
    assert [document.title for document in answer.cited] == ["Moons"]
    assert [run.output for run in answer.executions] == ["total = 97\nsources: 1\n"]
    assert (answer.answered, answer.question) == (True, QUESTION)


INPUTS = {
    "text": QUESTION,
    "message": HumanMessage(QUESTION),
    "messages": [SystemMessage("Be brief."), ("user", QUESTION)],
    "prompt value": ChatPromptTemplate.from_messages([("user", QUESTION)]).invoke({}),
    "question": {"question": QUESTION},
    "state": {"messages": [HumanMessage(QUESTION)]},
}


@pytest.mark.parametrize("value", INPUTS.values(), ids=INPUTS)
def test_a_question_in_any_form_is_answered(value: Any, llm: ChatGeminiCodeExecution) -> None:
    retriever = Moons(queries=[])
    checked(DocumentCalculation(llm=llm, retriever=retriever).invoke(value))
    assert retriever.queries == [QUESTION]


async def test_it_is_the_same_asynchronously_in_batches_and_streams(llm: ChatGeminiCodeExecution) -> None:
    calculation = DocumentCalculation(llm=llm, retriever=Moons())
    checked(await calculation.ainvoke(QUESTION))
    for answer in (*calculation.batch([QUESTION] * 2), *calculation.stream(QUESTION)):
        checked(answer)
    events = [event["event"] async for event in calculation.astream_events(QUESTION)]
    assert {"on_retriever_end", "on_chat_model_stream", "on_chat_model_end"} <= set(events)


def test_documents_may_come_along(llm: ChatGeminiCodeExecution) -> None:
    checked(DocumentCalculation(llm=llm).invoke({"question": QUESTION, "documents": [MOONS]}))
    checked(DocumentCalculation(llm=llm).invoke({"messages": [("user", QUESTION)], "documents": (MOONS,)}))


@pytest.mark.parametrize(
    "retriever", [lambda _: [MOONS], RunnableLambda(lambda _: [MOONS])], ids=["function", "runnable"]
)
def test_anything_may_retrieve(retriever: Any, llm: ChatGeminiCodeExecution) -> None:
    checked(DocumentCalculation(llm=llm, retriever=retriever).invoke(QUESTION))


def test_files_go_after_those_of_the_conversation(
    llm: ChatGeminiCodeExecution, service: GeminiEmulator
) -> None:
    picture = {"type": "image", "base64": "AAAA", "mime_type": "image/png"}
    before = [HumanMessage([{"type": "text", "text": "See."}, picture]), AIMessage("I see.")]
    question = HumanMessage([{"type": "text", "text": QUESTION}, picture])
    checked(DocumentCalculation(llm=llm, retriever=Moons()).invoke([*before, question]))
    *_, last = service.requests[-1].body["contents"]
    assert [part.get("inlineData", {}).get("mimeType") for part in last["parts"]] == [
        None,
        "image/png",
        "text/csv",
    ]
    assert "input_file_2.csv: table 1 of [1] Moons" in last["parts"][0]["text"]


def test_it_is_a_link_of_a_chain(llm: ChatGeminiCodeExecution) -> None:
    calculation = DocumentCalculation(llm=llm)
    chain = {"documents": Moons(), "question": RunnablePassthrough()} | calculation
    checked(chain.invoke(QUESTION))
    text = "They have 97 moons [1]; Pluto has 5."
    assert (chain | attrgetter("text")).invoke(QUESTION) == text
    with_parser = DocumentCalculation(llm=llm, retriever=Moons()).as_message() | StrOutputParser()
    assert with_parser.invoke(QUESTION) == text


@pytest.mark.filterwarnings("ignore:This API is in beta")  # LangChain says so of as_tool
def test_it_is_a_tool(llm: ChatGeminiCodeExecution) -> None:
    tool = DocumentCalculation(llm=llm, retriever=Moons()).as_tool(name="moons", description="Counts moons.")
    call = {"type": "tool_call", "id": "1", "name": "moons", "args": {"__arg1": QUESTION}}
    assert tool.invoke(call).content == "They have 97 moons [1]; Pluto has 5."
    assert str(tool.invoke(QUESTION)) == "They have 97 moons [1]; Pluto has 5."


@pytest.mark.parametrize(
    ("documents", "text"),
    [
        ([], "The documents do not say. No documents were found."),
        ([Document("Nothing to count.")], "The documents do not say. They hold no tables and no figures."),
    ],
)
async def test_no_data_is_no_question_for_the_model(
    documents: list[Document], text: str, llm: ChatGeminiCodeExecution, service: GeminiEmulator
) -> None:
    before = len(service.requests)
    calculation = DocumentCalculation(llm=llm, retriever=lambda _: documents)
    for answer in (calculation.invoke(QUESTION), await calculation.ainvoke(QUESTION)):
        assert (answer.text, answer.answered, answer.figures) == (text, False, ())
        assert CalculatedAnswer.from_message(answer.message) == answer
    assert len(service.requests) == before


@pytest.mark.parametrize(
    ("value", "error", "words"),
    [
        (QUESTION, ConfigurationError, "retriever="),
        ({"question": QUESTION}, ConfigurationError, "retriever="),
        ({"question": QUESTION, "documents": ["text"]}, DataError, r"documents\[0\]"),
        ({"query": QUESTION}, MessageError, "'query'"),
        ({"question": QUESTION, "messages": []}, MessageError, "'messages'"),
        ({"documents": [MOONS]}, MessageError, "'documents'"),
        (7, MessageError, "not int"),
        ([], MessageError, "HumanMessage"),
        ([7], MessageError, "no message"),
        ("  ", MessageError, "HumanMessage"),
        ([HumanMessage(QUESTION), AIMessage("Yes?")], MessageError, "'ai'"),
    ],
)
def test_what_cannot_be_answered_is_said(
    value: Any, error: type[Exception], words: str, llm: ChatGeminiCodeExecution
) -> None:
    with pytest.raises(error, match=words):
        DocumentCalculation(llm=llm).invoke(value)


def test_a_parser_goes_behind_the_bridge(llm: ChatGeminiCodeExecution) -> None:
    calculation = DocumentCalculation(llm=llm | StrOutputParser(), retriever=Moons())
    with pytest.raises(ConfigurationError, match="as_message"):
        calculation.invoke(QUESTION)


def test_limits_hold(llm: ChatGeminiCodeExecution) -> None:
    large = Document("".join(f"It weighs {number} kg. " for number in range(2000)))
    calculation = DocumentCalculation(llm=llm, limits=DataLimits(request_bytes=1000))
    with pytest.raises(DataError):
        calculation.invoke({"question": QUESTION, "documents": [large]})
