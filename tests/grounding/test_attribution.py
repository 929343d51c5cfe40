"""From figures to their sources: citations, records, what nothing supports, and what goes back to the service."""

import json
import pickle
from collections.abc import Iterator
from typing import Any

import pytest
from langchain_core.documents import Document
from langchain_core.messages import AIMessage, HumanMessage
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

from langchain_codeexec import ChatGeminiCodeExecution
from langchain_codeexec.emulator import GeminiEmulator, ScriptedBrain
from langchain_codeexec.grounding import AnswerFigure, CalculatedAnswer, documents_as_data
from langchain_codeexec.grounding.attribution import attributed

DATA = documents_as_data(
    [
        Document(
            "# Moons\n\n| planet | moons | mass (10^24 kg) |\n|---|---|---|\n| Mars | 2 | 0.642 |\n"
            "| Jupiter | 95 | 1898 |\n\nIt was visited in 1979.",
            metadata={"title": "Moons", "source": "https://example.org/moons"},
        ),
        Document("Mars is 228 million km away.", metadata={"source": "mars.txt", "page": 3}),
    ]
)


def ran(code: str, output: str, outcome: str = "OUTCOME_OK") -> list[dict[str, Any]]:
    return [
        {"type": "server_tool_call", "id": "c", "name": "code_interpreter", "args": {"code": code}},
        {
            "type": "server_tool_result",
            "tool_call_id": "c",
            "status": "success" if outcome == "OUTCOME_OK" else "error",
            "output": output,
            "extras": {"outcome": outcome},
        },
    ]


READS_ALL = "open('input_file_0.csv'), open('input_file_1.csv')"


def answer(text: str, code: str = READS_ALL, output: str = "total = 97\n", **more: Any) -> CalculatedAnswer:
    message = AIMessage([*ran(code, output, **more), {"type": "text", "text": text}])
    return attributed(message, "What are the 12 largest?", DATA)


def only(calculated: CalculatedAnswer) -> AnswerFigure:
    [figure] = calculated.figures
    return figure


@pytest.mark.parametrize(
    ("text", "origin", "documents", "evidence"),
    [
        ("They have 97 moons [1].", "execution", (1,), "total = 97"),
        ("They have 97 moons. [1]", "execution", (1,), "total = 97"),
        ("They have 97 moons [1][2].", "execution", (1, 2), "total = 97"),
        ("They have 97 moons [1, 2].", "execution", (1, 2), "total = 97"),
        ("They have 97 moons [7].", "execution", (1,), "total = 97"),
        ("They have 97 moons.", "execution", (1,), "total = 97"),
        ("Jupiter has 95 moons.", "document", (1,), "planet: Jupiter; moons: 95"),
        ("Its mass is 1898.", "document", (1,), "planet: Jupiter; mass (10^24 kg): 1898"),
        ("Its mass is 1.898 \u00d7 10^27 kg.", "document", (1,), "planet: Jupiter; mass (10^24 kg): 1898"),
        ("Mars is 228 million km away.", "document", (2,), "Mars is 228 million km away."),
        ("It was visited by 1979 crews.", "document", (1,), "It was visited in 1979."),
        ("These are the 12 largest.", "question", (), "What are the 12 largest?"),
        ("The 2 documents differ.", "document", (1,), "planet: Mars; moons: 2"),
        ("There are 98 moons [1].", None, (), ""),
        ("All 42 documents agree.", None, (), ""),
        ("They have 97 moons. Mars is red [2].", "execution", (1,), "total = 97"),
        ("- 97 moons\n- Mars is red [2]", "execution", (1,), "total = 97"),
        ("Es sind 97,0 Monde [2].", "execution", (2,), "total = 97"),
        ("Its mass is 1.898 \u00d7 10^27 km.", None, (), ""),
    ],
)
def test_a_figure_is_traced(text: str, origin: str | None, documents: tuple[int, ...], evidence: str) -> None:
    figure = only(answer(text))
    assert (figure.origin, figure.documents, figure.evidence) == (origin, documents, evidence)
    assert text[figure.start : figure.end] == figure.text


@pytest.mark.parametrize(
    ("code", "output", "documents"),
    [
        ("print(1)", "total = 97\nsource: 2", (2,)),
        ("print(1)", "total = 97\nsources: [1, 2]", (1, 2)),
        ("print(1)", "total = 97 [2]", (2,)),
        ("open('input_file_0.csv')", "97", (1,)),
        ("open('input_file_1.csv')", "97", ()),  # it holds sentences of two documents
        ("open('input_file_0.csv')", "97\nsource: 2", (2,)),
        ("print(1)", "97\nsource: 9", ()),
        ("print('97 [2]')", "97 [2]", ()),  # the model's word, not the run's
        ("f = open('input_file_0.csv'); print('97 [1]')", "97 [1]", (1,)),
        ("# input_file_0.csv\nprint(97)", "97", ()),
        ("this is no Python", "97", ()),
    ],
)
def test_a_run_tells_its_documents(code: str, output: str, documents: tuple[int, ...]) -> None:
    assert only(answer("They have 97 moons.", code, output)).documents == documents


@pytest.mark.parametrize(
    ("code", "text", "documents"),
    [
        ("print(97)", "They have 97 moons [2].", ()),
        ("open('input_file_0.csv')", "They have 97 moons [2].", (1,)),
        ("open('input_file_0.csv')", "They have 97 moons [3].", (1,)),
        ("open('input_file_0.csv')", "They have 97 moons [0][1].", (1,)),
        ("open('input_file_1.csv')", "They have 97 moons [2].", (2,)),
        ("for n in (0, 1): open(f'input_file_{n}.csv')", "They have 97 moons [2].", (2,)),
        ("import glob; glob.glob('*.csv')", "They have 97 moons [2].", (2,)),
    ],
)
def test_prose_cites_only_what_the_run_could_read(code: str, text: str, documents: tuple[int, ...]) -> None:
    calculated = answer(text, code)
    assert only(calculated).documents == documents
    assert tuple(document.number for document in calculated.cited) == documents


def test_what_an_earlier_run_opened_a_later_one_can_read() -> None:
    message = AIMessage(
        [
            *ran("t = open('input_file_0.csv')", ""),
            *ran("print(97)", "97"),
            {"type": "text", "text": "97 [1]"},
        ]
    )
    assert only(attributed(message, "?", DATA)).documents == (1,)


def test_an_answer_that_is_none_cites_nothing() -> None:
    calculated = answer("The documents do not say. They name 95 moons [1], and 97 in all [1].")
    assert (calculated.answered, calculated.cited) == (False, ())
    assert [figure.origin for figure in calculated.figures] == ["document", "execution"]
    assert "annotations" not in calculated.message.content[-1]


def test_a_figure_that_may_be_another_is_neither_supported_nor_unsupported() -> None:
    calculated = answer("Es sind 3.400 Stück [1].", output="3400")
    assert [(figure.text, figure.origin) for figure in calculated.figures] == [("3.400", None)]
    assert (calculated.unsupported, calculated.unjudged) == ((), calculated.figures)
    [annotation] = calculated.message.content[-1]["annotations"]
    assert annotation["value"]["type"] == "unjudged_figure"
    assert CalculatedAnswer.from_message(calculated.message) == calculated


def test_a_table_that_writes_decimal_commas_is_read_so() -> None:
    data = documents_as_data(Document("| Stadt | Umsatz |\n|---|---|\n| A | 3.400 |\n| B | 1.234,50 |"))
    calculated = attributed(AIMessage("A hat 3.400,0 und B 1234,5."), "?", data)
    assert [figure.origin for figure in calculated.figures] == ["document", "document"]


def test_a_run_that_failed_and_code_alone_support_nothing() -> None:
    calculated = answer("It is 97 or 98.", "x = 98", "total = 97", outcome="OUTCOME_FAILED")
    assert [figure.text for figure in calculated.unsupported] == ["97", "98"]


def test_sources_that_a_run_prints_are_no_figures() -> None:
    assert only(answer("It is 2 [1].", output="[1, 2]\nsource: 2")).origin == "document"
    assert only(answer("It is 2 [1].", output="[2, 3]\nsource: 2")).origin == "execution"


def test_a_document_that_is_cited_comes_first() -> None:
    same = [Document("It weighs 50 kg.", metadata={"title": title}) for title in "ab"]
    calculated = attributed(AIMessage("50 kg [2], or 50 kg."), "?", documents_as_data(same))
    assert [figure.documents for figure in calculated.figures] == [(2,), (1,)]


def test_history_counts() -> None:
    history = [
        HumanMessage("I have 55 apples."),
        AIMessage([*ran("print(77)", "77"), {"type": "text", "text": "77, I guess 66."}]),
    ]
    calculated = attributed(AIMessage("55, 66 and 77."), "Sum?", DATA, history=history)
    assert [(figure.text, figure.origin) for figure in calculated.figures] == [
        ("55", "question"),
        ("66", None),
        ("77", "execution"),
    ]


def test_text_blocks_carry_citations_and_marks() -> None:
    calculated = answer("They have 97 moons [1], of 999.")
    *_, block = calculated.message.content
    assert isinstance(block, dict)
    assert block["annotations"] == [
        {
            "type": "citation",
            "id": "figure-10-12-1",
            "title": "Moons",
            "url": "https://example.org/moons",
            "start_index": 10,
            "end_index": 12,
            "cited_text": "total = 97",
            "extras": {
                "document": 1,
                "origin": "execution",
                "source": "https://example.org/moons",
                "place": "run 1",
            },
        },
        {
            "type": "non_standard_annotation",
            "id": "figure-27-30",
            "value": {"type": "unsupported_figure", "figure": "999", "start_index": 27, "end_index": 30},
        },
    ]
    assert [annotation["type"] for annotation in calculated.message.content_blocks[-1]["annotations"]] == [
        "citation",
        "non_standard_annotation",
    ]
    assert [document.title for document in calculated.cited] == ["Moons"]
    assert calculated.text == str(calculated) == "They have 97 moons [1], of 999."


def test_others_annotations_stay_and_ours_are_replaced() -> None:
    theirs = {"type": "citation", "title": "Search"}
    message = AIMessage([{"type": "text", "text": "It is 999.", "annotations": [theirs]}, "and 998"])
    once = attributed(message, "?", DATA)
    twice = attributed(once.message, "?", DATA)
    assert twice.message.content == once.message.content
    assert [len(block["annotations"]) for block in once.message.content] == [2, 1]
    assert message.content[0]["annotations"] == [theirs]  # nothing was changed in place


def test_a_plain_text_becomes_a_block() -> None:
    calculated = attributed(
        AIMessage("It is 999.", response_metadata={"model_provider": "openai"}), "?", DATA
    )
    assert calculated.message.content[0]["text"] == "It is 999."
    assert calculated.message.response_metadata["output_version"] == "v1"
    assert attributed(AIMessage(""), "?", DATA).figures == ()


@pytest.mark.parametrize(
    "text", ["The documents do not say. The mass is missing.", "I looked.\nThe documents don't say."]
)
def test_an_answer_that_is_none_says_so(text: str) -> None:
    assert not answer(text).answered


COPIES = {
    "JSON": lambda message: AIMessage(**json.loads(message.model_dump_json())),
    "pickle": lambda message: pickle.loads(pickle.dumps(message)),
    "checkpoint": lambda message: JsonPlusSerializer().loads_typed(JsonPlusSerializer().dumps_typed(message)),
}


@pytest.mark.parametrize("copied", COPIES.values(), ids=COPIES)
def test_the_record_survives(copied: Any) -> None:
    calculated = answer("They have 97 moons [1], of 999; Mars is 228 million km away.")
    again = CalculatedAnswer.from_message(copied(calculated.message))
    assert again == calculated


@pytest.mark.parametrize(
    "record", [None, [], "text", {}, {"question": "", "documents": [{}], "figures": [], "answered": True}]
)
def test_a_message_without_a_record_has_none(record: Any) -> None:
    assert CalculatedAnswer.from_message(AIMessage("5", response_metadata={"grounding": record})) is None


@pytest.fixture(scope="module")
def echo() -> Iterator[tuple[GeminiEmulator, ScriptedBrain]]:
    code = {"executableCode": {"language": "PYTHON", "code": "print('total =', 97)"}}
    brain = ScriptedBrain(lambda _: ["Let me see. ", code, {"text": "They have 97 moons [1], of 999."}])
    with GeminiEmulator(brain) as emulator:
        yield emulator, brain


@pytest.mark.parametrize("streamed", [False, True])
def test_annotations_do_not_go_back(echo: tuple[GeminiEmulator, ScriptedBrain], streamed: bool) -> None:
    emulator, brain = echo
    llm = ChatGeminiCodeExecution(model="gemini-3-flash-preview", api_key="any", base_url=emulator.url)
    if streamed:
        chunks = iter(llm.stream("How many?"))
        message: Any = next(chunks)
        for chunk in chunks:
            message += chunk
    else:
        message = llm.invoke("How many?")
    calculated = attributed(message, "How many?", DATA)
    assert [figure.text for figure in calculated.figures] == ["97", "999"]
    for reply in (message, calculated.message):
        llm.invoke([HumanMessage("How many?"), reply, HumanMessage("Sure?")])
    plain, annotated = (prompt.request["contents"][1] for prompt in brain.prompts[-2:])
    assert plain == annotated
    llm.close()
