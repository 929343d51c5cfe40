"""An agent whose answers are verified, and mended once."""

from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from langchain_core.tools import create_retriever_tool
from langgraph.checkpoint.memory import InMemorySaver

from langchain_codeexec import CodeExecutionMiddleware, LocalSandbox, PythonTool
from langchain_codeexec.grounding import Verification
from langchain_codeexec.middleware import DocumentCalculationMiddleware, VerificationMiddleware
from tests.calls import call
from tests.middleware.agent_shop import THREAD
from tests.services import Gemini

QUESTION = {"messages": [("user", "What is 6 * 7?")]}


def code(source: str, output: str | None = None) -> list[dict[str, Any]]:
    """Code that is run, or, with an output, code that only claims to have been."""
    parts: list[dict[str, Any]] = [{"executableCode": {"language": "PYTHON", "code": source}}]
    if output is not None:
        parts.append({"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": output}})
    return parts


GOOD = [*code("print(6 * 7)"), "It is 42."]
WRONG_NUMBER = [*code("print(6 * 7)"), "It is 43."]
WRONG_OUTPUT = [*code("print(6 * 7)", "43\n"), {"text": "It is 43.", "thoughtSignature": "c2lnbmVk"}]
CHANCE = [*code("import random\nprint(random.random())", "0.5\n"), "It is 0.5."]


def verdicts(state: dict[str, Any]) -> list[str]:
    """The verdict beside each answer; empty for one that has none."""
    return [
        (verification.verdict.value if (verification := Verification.from_message(message)) else "")
        for message in state["messages"]
        if message.type == "ai"
    ]


def kinds(body: Any) -> list[list[str]]:
    return [[next(iter(part)) for part in content["parts"]] for content in body["contents"]]


@pytest.mark.parametrize("way", ["invoke", "ainvoke"])
@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ([GOOD], ["confirmed"]),
        ([CHANCE], ["not_reproducible"]),
        (["It is 42."], [""]),
        ([WRONG_NUMBER, GOOD], ["mismatch", "confirmed"]),
        ([WRONG_OUTPUT, GOOD], ["mismatch", "confirmed"]),
        ([WRONG_OUTPUT, WRONG_NUMBER], ["mismatch", "mismatch"]),
        ([WRONG_OUTPUT, "It is 42, sorry."], ["mismatch", "not_checked"]),
    ],
)
async def test_an_answer_is_verified_and_mended_once(
    gemini: Gemini, way: str, steps: list[Any], expected: list[str], sandbox: LocalSandbox
) -> None:
    gemini.says(*steps)
    llm = gemini.chat()
    agent = create_agent(llm, middleware=[CodeExecutionMiddleware(), VerificationMiddleware(sandbox)])
    state = agent.invoke(QUESTION) if way == "invoke" else await agent.ainvoke(QUESTION)
    await llm.aclose()
    assert len(gemini.requests) == len(steps)
    assert verdicts(state) == expected
    assert len(state["code_execution_plans"]) == len(steps)


def test_what_was_found_is_told_and_the_history_stays_as_it_came(
    gemini: Gemini, sandbox: LocalSandbox
) -> None:
    gemini.says(WRONG_OUTPUT, GOOD)
    middleware = [VerificationMiddleware(sandbox)]
    agent = create_agent(gemini.chat(), middleware=middleware, checkpointer=InMemorySaver())
    agent.invoke(QUESTION, THREAD)
    state = agent.invoke(QUESTION, THREAD)
    _, _, request, *_ = state["messages"]
    assert request.additional_kwargs == {"lc_source": "verification"}
    assert "Run 1: it prints something else here; here it printed:\n42\n" in request.text
    run = ["executableCode", "codeExecutionResult", "text"]
    assert kinds(gemini.bodies[1]) == [["text"], run, ["text"]]
    assert gemini.bodies[1]["contents"][1]["parts"] == [
        {"text": part} if isinstance(part, str) else part for part in WRONG_OUTPUT
    ]
    assert kinds(gemini.bodies[2]) == [["text"], run, ["text"], run, ["text"]]
    assert verdicts(state) == ["mismatch", "confirmed", "confirmed"]


def test_it_need_not_mend(gemini: Gemini, sandbox: LocalSandbox) -> None:
    gemini.says(WRONG_NUMBER)
    middleware = [VerificationMiddleware(sandbox, mend=False)]
    state = create_agent(gemini.chat(), middleware=middleware).invoke(QUESTION)
    assert verdicts(state) == ["mismatch"]
    assert "43" in Verification.from_message(state["messages"][-1]).reason


@pytest.mark.parametrize(
    ("answers", "expected"),
    [(["It is 42."], ["confirmed"]), (["It is 43.", "It is 42."], ["mismatch", "confirmed"])],
)
def test_an_answer_is_held_against_the_runs_of_a_tool(
    gemini: Gemini, answers: list[str], expected: list[str], sandbox: LocalSandbox
) -> None:
    gemini.says([call("python", code="print(6 * 7)")], *answers)
    middleware = [VerificationMiddleware(sandbox)]
    state = create_agent(gemini.chat(), [PythonTool(sandbox)], middleware=middleware).invoke(QUESTION)
    assert len(gemini.requests) == 1 + len(answers)
    assert verdicts(state) == ["", *expected]


def price(item: str) -> float:
    """The price of an item."""
    return 19.99


def test_calls_of_tools_are_no_answer(gemini: Gemini, sandbox: LocalSandbox) -> None:
    """An answer with a call in it is not verified: nothing may come between the call and its reply."""
    priced = call("price", item="lamp")
    gemini.says(
        [*code("print(6 * 7)"), "It is 43.", priced],
        [*code("print(2 * 19.99)"), "That is 39.98, each 19.99, not 20.99."],
        [priced],
        [*code("print(2 * 19.99)"), "That is 39.98, each 19.99."],
    )
    middleware = [VerificationMiddleware(sandbox)]
    state = create_agent(gemini.chat(), [price], middleware=middleware).invoke(QUESTION)
    assert len(gemini.requests) == 4
    assert verdicts(state) == ["", "mismatch", "", "confirmed"]
    request = [message.text for message in state["messages"] if message.type == "human"][1]
    assert "No output holds these figures of your answer: 20.99" in request


class Moons(BaseRetriever):
    """Finds the moons."""

    def _get_relevant_documents(self, query: str, *, run_manager: Any) -> list[Document]:
        table = "| planet | moons |\n|---|---|\n| Mars | 2 |\n| Jupiter | 95 |"
        return [Document(table, metadata={"title": "Moons"})]


def test_answers_from_documents_are_verified_with_their_files(gemini: Gemini, sandbox: LocalSandbox) -> None:
    search = create_retriever_tool(Moons(), "search", "Search.", response_format="content_and_artifact")
    source = "import csv\nprint(sum(int(row['moons']) for row in csv.DictReader(open('input_file_0.csv'))))"
    gemini.says(
        [call("search", query="moons")],
        [*code(source, "96\n"), "They have 96 moons [1], Jupiter 95 [1]."],
        [*code(source), "They have 97 moons [1], Jupiter 95 [1]."],
    )
    middleware = [DocumentCalculationMiddleware(), VerificationMiddleware(sandbox)]
    state = create_agent(gemini.chat(), [search], middleware=middleware).invoke(QUESTION)
    assert verdicts(state) == ["", "mismatch", "confirmed"]
    assert kinds(gemini.bodies[2])[-2:] == [["text"], ["text", "inlineData"]]
