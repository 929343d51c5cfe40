"""An agent that retrieves documents and computes with them."""

from collections.abc import Iterator
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.documents import Document
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.retrievers import BaseRetriever
from langchain_core.tools import create_retriever_tool, tool
from langgraph.checkpoint.memory import InMemorySaver

from langchain_codeexec import CodeExecutionMiddleware
from langchain_codeexec.data import DataLimits
from langchain_codeexec.emulator import GeminiEmulator, ScriptedBrain
from langchain_codeexec.emulator.answering import input_files
from langchain_codeexec.errors import DataError
from langchain_codeexec.grounding import CalculatedAnswer
from langchain_codeexec.grounding.documents import INSTRUCTIONS
from langchain_codeexec.middleware import DocumentCalculationMiddleware
from tests.middleware.agent_shop import MODELS, THREAD, any_model, either_generation
from tests.services import NEW

QUESTION = "How many moons do the planets have together?"
CHUNKS = {
    "moons": Document(
        "| planet | moons |\n|---|---|\n| Mars | 2 |\n| Jupiter | 95 |", metadata={"title": "Moons"}
    ),
    "mass": Document("Mars has a mass of 0.642 x 10^24 kg.", metadata={"title": "Masses"}),
}
CODE = """\
import csv
with open("input_file_0.csv") as file:
    print("total =", sum(int(row["moons"]) for row in csv.DictReader(file)))"""


class ByWord(BaseRetriever):
    """Finds the documents that a word of the query names."""

    def _get_relevant_documents(self, query: str, *, run_manager: Any) -> list[Document]:
        return [document for word, document in CHUNKS.items() if word in query]


search = create_retriever_tool(ByWord(), "search", "Search facts.", response_format="content_and_artifact")


def parts(prompt: Any) -> list[dict[str, Any]]:
    return [part for content in prompt.request["contents"] for part in content["parts"]]


def texts(prompt: Any) -> list[str]:
    return [part["text"] for part in parts(prompt) if "text" in part]


def astronomer(prompt: Any) -> Any:
    """Searches for the words of a question, and computes once there are files."""
    last = prompt.request["contents"][-1]["parts"]
    if any("Documents:\n[1] Moons" in part.get("text", "") for part in last):
        return [
            {"executableCode": {"language": "PYTHON", "code": CODE}},
            "They have 97 moons [1]; 999 in all.",
        ]
    if "functionResponse" in last[0]:
        return "There are 12 of them."
    text = last[0]["text"]
    if "thank" in text:
        return "It was 97, and never 98."
    queries = [word for word in (*CHUNKS, "nothing") if word in text]
    return [{"functionCall": {"name": "search", "args": {"query": query}}} for query in queries]


def first_search(request: Any) -> str:
    """Where both do not go together: functions until documents have come, then code."""
    return "code_execution" if request.messages[-1].text.endswith(INSTRUCTIONS) else "functions"


class Observatory:
    """A service whose model is the astronomer, and agents on it."""

    def __init__(self, emulator: GeminiEmulator, brain: ScriptedBrain) -> None:
        self.emulator, self._brain = emulator, brain

    @property
    def prompts(self) -> Any:
        return self._brain.prompts

    def agent(self, *others: Any, tools: Any = (search,), saver: Any = None, **settings: Any) -> Any:
        middleware = [DocumentCalculationMiddleware(**settings), *others]
        return create_agent(
            MODELS["own-developer"](self.emulator, NEW),
            list(tools),
            middleware=middleware,
            checkpointer=saver,
        )

    def ask(self, question: str, **settings: Any) -> dict[str, Any]:
        return self.agent(**settings).invoke({"messages": [("user", question)]})


@pytest.fixture
def observatory() -> Iterator[Observatory]:
    brain = ScriptedBrain(astronomer)
    with GeminiEmulator(brain) as emulator:
        yield Observatory(emulator, brain)


def traced(message: Any) -> list[tuple[str, str | None, tuple[int, ...]]]:
    record = CalculatedAnswer.from_message(message)
    assert record is not None
    return [(figure.text, figure.origin, figure.documents) for figure in record.figures]


def kinds(prompt: Any) -> list[list[str]]:
    return [[next(iter(part)) for part in content["parts"]] for content in prompt.request["contents"]]


@pytest.mark.parametrize("way", ["invoke", "ainvoke"])
@pytest.mark.parametrize("others", [[], [CodeExecutionMiddleware()]], ids=["alone", "with code execution"])
async def test_documents_go_along_as_data(way: str, others: list[Any], observatory: Observatory) -> None:
    agent, brain = observatory.agent(*others), observatory
    question = {"messages": [("user", QUESTION)]}
    state = agent.invoke(question) if way == "invoke" else await agent.ainvoke(question)
    assert kinds(brain.prompts[0]) == [["text"]]
    retrieved = [["text"], ["functionCall"], ["functionResponse"], ["text", "inlineData"]]
    assert kinds(brain.prompts[1]) == retrieved
    assert texts(brain.prompts[1])[-1].startswith(f"{QUESTION}\n\nDocuments:\n[1] Moons\n")
    assert [message.type for message in state["messages"]] == ["human", "ai", "tool", "ai"]
    assert traced(state["messages"][-1]) == [("97", "execution", (1,)), ("999", None, ())]
    annotations = state["messages"][-1].content[-1]["annotations"]
    assert [annotation["type"] for annotation in annotations] == ["citation", "non_standard_annotation"]
    assert CalculatedAnswer.from_message(state["messages"][1]) is None


@pytest.mark.filterwarnings(r"ignore:\s*Warning. Output may vary each run:UserWarning")
@either_generation
@any_model
def test_any_model_computes_with_them(build: Any, model: str, observatory: Observatory) -> None:
    """ChatVertexAI puts the tool's reply and the data into one content, the others into two."""
    middleware = [DocumentCalculationMiddleware(), CodeExecutionMiddleware(planner=first_search)]
    agent = create_agent(build(observatory.emulator, model), [search], middleware=middleware)
    state = agent.invoke({"messages": [("user", QUESTION)]})
    assert [kind for content in kinds(observatory.prompts[-1]) for kind in content][-2:] == [
        "text",
        "inlineData",
    ]
    assert traced(state["messages"][-1]) == [("97", "execution", (1,)), ("999", None, ())]


@tool
def photo() -> list[dict[str, Any]]:
    """Take a picture."""
    return [{"type": "image", "base64": "AAAA", "mime_type": "image/png"}]


@either_generation
@any_model
def test_files_are_told_under_the_service_s_names(build: Any, model: str) -> None:
    """Whether a tool's picture comes before them depends on the model and on the package that sends it."""
    calls = [{"name": "photo", "args": {}}, {"name": "search", "args": {"query": "moons"}}]
    brain = ScriptedBrain([*([{"functionCall": call}] for call in calls), "That is all."])
    with GeminiEmulator(brain) as emulator:
        llm = build(emulator, model)
        agent = create_agent(llm, [photo, search], middleware=[DocumentCalculationMiddleware()])
        agent.invoke({"messages": [("user", QUESTION)]})
    [table] = [file.name for file in input_files(brain.prompts[-1].request) if file.mime_type == "text/csv"]
    assert f"- {table}: table 1 of [1] Moons" in texts(brain.prompts[-1])[-1]


def test_a_conversation_keeps_its_numbers(observatory: Observatory) -> None:
    agent, brain = observatory.agent(saver=InMemorySaver()), observatory

    def ask(question: Any) -> list[Any]:
        return agent.invoke({"messages": [question]}, THREAD)["messages"]

    ask(("user", "How many moons?"))
    thanks = ask(("user", "thank you"))
    assert traced(thanks[-1]) == [("97", "execution", (1,)), ("98", None, ())]
    assert "inlineData" not in str(brain.prompts[-1].request)
    assert "annotations" not in str(brain.prompts[-1].request)
    picture = {"type": "image", "base64": "AAAA", "mime_type": "image/png"}
    ask(HumanMessage([{"type": "text", "text": "And the mass?"}, picture]))
    listing = texts(brain.prompts[-1])[-1]
    assert "[1] Moons\n[2] Masses" in listing
    assert "input_file_1.csv: table 1 of [1] Moons" in listing
    assert "input_file_2.csv: sentences with figures" in listing


def test_several_searches_make_one_set_of_files(observatory: Observatory) -> None:
    observatory.ask("Both moons and mass.")
    last = kinds(observatory.prompts[-1])[-2:]
    assert last == [["functionResponse"] * 2, ["text", "inlineData", "inlineData"]]


def test_nothing_found_is_nothing_added(observatory: Observatory) -> None:
    state = observatory.ask("Look for nothing.")
    assert kinds(observatory.prompts[-1])[-1] == ["functionResponse"]
    assert CalculatedAnswer.from_message(state["messages"][-1]) is None


@tool("search", response_format="content_and_artifact")
def numbers_of(query: str) -> tuple[str, Any]:
    """Search."""
    return "12", {"rows": [12]}


def test_other_artifacts_are_left_alone(observatory: Observatory) -> None:
    observatory.ask("Look for moons.", tools=[numbers_of])
    assert kinds(observatory.prompts[-1])[-1] == ["functionResponse"]


def test_limits_hold(observatory: Observatory) -> None:
    with pytest.raises(DataError):
        observatory.ask("How many moons?", limits=DataLimits(request_bytes=10))


def test_a_conversation_may_begin_with_an_answer(observatory: Observatory) -> None:
    """As one does whose beginning was trimmed away: there is no question to repeat."""
    call = {"type": "tool_call", "id": "1", "name": "search", "args": {"query": "moons"}}
    history = [AIMessage("", tool_calls=[call]), search.invoke(call)]
    state = observatory.agent().invoke({"messages": history})
    assert traced(state["messages"][-1])[0] == ("97", "execution", (1,))
