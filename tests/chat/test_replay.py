"""An answer goes back word for word in the next turn, whichever way it came."""

from collections.abc import Callable
from functools import reduce
from operator import add
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage

from tests.calls import events_v3, invoked, response, streamed
from tests.services import OLD

Parts = list[dict[str, Any]]

SIGNED = {"thoughtSignature": "EtUBCtIBAQw51sfLSAuQCRC96UmBI4zPfDgGg70S+/=="}
URL_SAFE = {"thoughtSignature": "AY89a19Otdr37hcYt_uTONS2bytGlqxMLCYg-5VjJU9ijdw="}
PLOT = {"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}}


def code(source: str, **more: str) -> dict[str, Any]:
    return {"executableCode": {"language": "PYTHON", "code": source, **more}}


def result(outcome: str = "OUTCOME_OK", **more: str) -> dict[str, Any]:
    return {"codeExecutionResult": {"outcome": outcome, **more}}


def call(name: str, call_id: str, **args: Any) -> dict[str, Any]:
    return {"functionCall": {"name": name, "args": args, "id": call_id}}


PLAIN = {
    "text": [{"text": "Hello there, all of you."}],
    "signed text": [{"text": "Hello.", **SIGNED}],
    "signature on an empty last text": [{"text": "Hello there, all of you."}, {"text": "", **SIGNED}],
    "signature in URL-safe base64": [{"text": "Hello.", **URL_SAFE}],
    "two signed texts": [{"text": "One. ", **SIGNED}, {"text": "Two.", **URL_SAFE}],
    "thought": [{"text": "Let me think.", "thought": True}, {"text": "Hello."}],
    "signed thought": [{"text": "Let me think.", "thought": True, **SIGNED}, {"text": "Hello.", **SIGNED}],
    "run": [
        {"text": "I run it."},
        {**code("print(1)", id="h0mwtrhs"), **SIGNED},
        result(output="1\n", id="h0mwtrhs"),
        {"text": "It is 1.", **SIGNED},
    ],
    "runs one after another, the first of them failed": [
        {**code("1/0", id="a"), **SIGNED},
        result("OUTCOME_FAILED", output="ZeroDivisionError", id="a"),
        {**code("print(1)", id="b"), **URL_SAFE},
        result(output="1\n", id="b"),
        {"text": "It is 1."},
    ],
    "runs without ids": [
        code("while True: pass"),
        result("OUTCOME_DEADLINE_EXCEEDED", output="Execution timed out."),
        code("print()"),
        result(output="\n"),
        {"text": "Done."},
    ],
    "run without output": [code("x = 1"), result(), {"text": "Done."}],
    "run with an empty output": [code("x = 1"), result(output=""), {"text": "Done."}],
    "plots": [code("plot()"), result(), PLOT, PLOT, {"text": "Two plots."}],
    "file by reference": [{"fileData": {"mimeType": "video/mp4", "fileUri": "gs://b/v.mp4"}}],
    "another built-in tool": [
        {"toolCall": {"toolType": "GOOGLE_SEARCH_WEB", "args": {"queries": ["x"]}, "id": "t"}, **SIGNED},
        {"toolResponse": {"toolType": "GOOGLE_SEARCH_WEB", "response": {"s": "<b>"}, "id": "t"}, **SIGNED},
        {"text": "Found.", **SIGNED},
    ],
}
CALLING = {
    "call": [{**call("f", "vcyiitct", x=1), **SIGNED}],
    "parallel calls, the first one signed": [
        {**call("f", "a", x=1), **SIGNED},
        call("f", "b", x=1),
        call("g", "c"),
    ],
    "call without arguments": [{"functionCall": {"name": "f", "id": "a"}, **SIGNED}],
    "code, text and calls": [
        {**code("print(1)", id="a"), **SIGNED},
        result(output="1\n", id="a"),
        {"text": "Now I call."},
        {**call("f", "b", x={"y": [1, None, "z"]}), **SIGNED},
        {"text": "", **SIGNED},
    ],
}
UNKNOWN = {
    "part of a kind to come": [
        {"text": "Look: "},
        {"hologram": {"voxels": [1, 2]}, **SIGNED},
        {"text": "Nice."},
    ],
    "key of a part to come": [
        {"text": "Hello.", "mood": "glad"},
        code("x", venv="3.14"),
        result(exitCode="0"),
    ],
    "payload of another type": [{"text": 5}, {"functionCall": "f"}, {}],
    "nulls": [{"text": "Hello.", "thought": None}, {"functionCall": {"name": "f", "args": None}, **SIGNED}],
}


def unfinished(llm: Any) -> AIMessage:
    """The chunks added up, as LangGraph's streaming keeps them."""
    return reduce(add, llm.stream("q"))


def replies(answer: AIMessage) -> list[Any]:
    return [ToolMessage("done", tool_call_id=call["id"]) for call in answer.tool_calls] or [
        HumanMessage("next")
    ]


def sent_back(body: dict[str, Any]) -> Parts:
    [content] = [content for content in body["contents"] if content["role"] == "model"]
    return content["parts"]


def f(x: Any = None) -> None: ...


def g() -> None: ...


@pytest.mark.parametrize("ask", [invoked, streamed, unfinished, events_v3])
@pytest.mark.parametrize(
    ("server", "parts"),
    [
        *(pytest.param("gemini", parts, id=name) for name, parts in (PLAIN | CALLING).items()),
        *(pytest.param("wire", parts, id=name) for name, parts in UNKNOWN.items()),
    ],
)
def test_an_answer_goes_back_verbatim(
    request: pytest.FixtureRequest, server: str, ask: Callable[[Any], AIMessage], parts: Parts
) -> None:
    service: Any = request.getfixturevalue(server)
    service.says(response(*parts))
    llm = service.chat().bind_tools([f, g])
    answer = ask(llm)
    llm.invoke([HumanMessage("q"), answer, *replies(answer)])
    assert sent_back(service.bodies[-1]) == parts


@pytest.mark.parametrize("ask", [streamed, events_v3])
def test_text_that_came_in_pieces_goes_back_as_one(gemini: Any, endpoint: str, ask: Callable) -> None:
    words = "One two three four five six seven eight nine ten."
    gemini.says([{"text": words, "thought": True}, words, {"executableCode": {"code": "print(1)"}}, words])
    llm = gemini.on(endpoint, include_thoughts=True)
    answer = ask(llm)
    llm.invoke([HumanMessage("q"), answer, HumanMessage("next")])
    thought, before, ran, printed, after, last = sent_back(gemini.body)
    assert thought == {"text": words, "thought": True}
    assert (before, after) == ({"text": words}, {"text": words})
    assert ran["executableCode"]["id"] == printed["codeExecutionResult"]["id"]
    assert last == {"text": "", "thoughtSignature": last["thoughtSignature"]}


def test_a_whole_conversation_stays_as_it_was(gemini: Any, endpoint: str) -> None:
    turns = [
        PLAIN["run"],
        PLAIN["plots"],
        PLAIN["runs one after another, the first of them failed"],
        PLAIN["thought"],
    ]
    gemini.says(*(response(*parts) for parts in turns), "Fine.")
    llm = gemini.on(endpoint)
    messages: list[Any] = []
    for turn in range(5):
        messages += [HumanMessage(f"question {turn}")]
        messages += [llm.invoke(messages)]
    questions = [content["parts"][0]["text"] for content in gemini.body["contents"][::2]]
    assert questions == [f"question {turn}" for turn in range(5)]
    assert [content["parts"] for content in gemini.body["contents"][1::2]] == turns


def test_signatures_stay_with_the_service_that_made_them(gemini: Any) -> None:
    gemini.says(response(*PLAIN["run"]), "Fine.")
    answer = gemini.chat().invoke("q")
    gemini.vertex().invoke([HumanMessage("q"), answer, HumanMessage("next")])
    assert sent_back(gemini.body) == [
        {key: value for key, value in part.items() if key != "thoughtSignature"} for part in PLAIN["run"]
    ]


def test_ids_stay_away_from_where_they_are_unknown(gemini: Any) -> None:
    gemini.says(response(*CALLING["call"]), "Fine.")
    answer = gemini.chat().bind_tools([f]).invoke("q")
    old = gemini.vertex(model=OLD, code_execution=False).bind_tools([f])
    old.invoke([HumanMessage("q"), answer, *replies(answer)])
    assert sent_back(gemini.body) == [{"functionCall": {"name": "f", "args": {"x": 1}}}]
    assert gemini.body["contents"][-1]["parts"] == [
        {"functionResponse": {"name": "f", "response": {"output": "done"}}}
    ]
