"""What RulePlanner chooses, case by case."""

from __future__ import annotations

import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage

from langchain_codeexec.planning import RulePlanner

CODE, NEITHER = "code_execution", "neither"


def chosen(plan) -> str:
    """The side, or the functions where they were chosen."""
    if plan.code_execution:
        return f"{CODE} and {', '.join(plan.functions)}" if plan.functions else CODE
    return ", ".join(plan.functions) or NEITHER


def call(name: str, call_id: str = "c1", **arguments) -> AIMessage:
    return AIMessage("", tool_calls=[{"name": name, "args": arguments, "id": call_id}])


def answer(content, call_id: str = "c1", **fields) -> ToolMessage:
    return ToolMessage(content, tool_call_id=call_id, **fields)


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("What is the weather in Madrid?", "get_weather"),
        ("Tell me the current weather in Kyoto, Japan.", "get_weather"),
        ("Look up the price of the product 'Alpine Stove'.", "catalog.lookupPrice"),
        ("Send an invoice over 250 euros to kim@example.com.", "send_invoice"),
        ("List the open orders of customer C-2231.", "list_open_orders"),
        ("Book a large meeting room for next Tuesday.", "book_meeting_room"),
        ("What is 12.5 * 48 - 7?", CODE),
        ("Compute the standard deviation of 3, 7, 7 and 19.", CODE),
        ("Solve x^2 - 5x + 6 = 0.", CODE),
        ("What's 18% of 250?", CODE),
        ("Reverse the string 'lampshade'.", CODE),
        ("Integrate sin(x)^2 from 0 to 4.", CODE),
        ("Wie viel ist 113 * 29 + 4?", CODE),
        (
            "Ida has 40 beads. She gives 12 to each of her two sisters and buys 30 more. How many does she have?",
            CODE,
        ),
        ("A bus holds 52 people. How many buses does a school of 480 need?", CODE),
        ("Hi there!", NEITHER),
        ("Thank you very much.", NEITHER),
        ("Who painted The Night Watch?", NEITHER),
        ("Explain what a monad is.", NEITHER),
        ("Can you recommend a good novel?", NEITHER),
        ("", NEITHER),
    ],
)
def test_single_questions(request_for, question, expected):
    assert chosen(RulePlanner().plan(request_for(question))) == expected


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("Use the catalog tool to find 'rope'.", "catalog.lookupPrice"),
        ("Please call get_weather.", "get_weather"),
        ("Answer with `list_open_orders` and nothing else", "list_open_orders"),
        ("Run code: what is the biggest prime below 9000?", CODE),
        ("Write Python that prints the weather word by word", CODE),
        ("Use Python for the weather in Rome", CODE),
        ("Calculate 3 + 4 without code.", NEITHER),
        ("Without running code, get the weather in Rome", "get_weather"),
        ("Don't use any tools. What is 7 * 8 + 1?", CODE),
        ("Without tools: hello", NEITHER),
        ("Call get_weather and run code on it", "get_weather"),
    ],
)
def test_wishes(request_for, question, expected):
    assert chosen(RulePlanner().plan(request_for(question))) == expected


def test_wish_for_both_where_both_can_be_had(request_for):
    plan = RulePlanner().plan(request_for("Call get_weather and run code on it", way="delegated"))
    assert chosen(plan) == "code_execution and get_weather"
    assert plan.way == "delegated"


LOOK_UP = "Look up the price of a tent in the catalog, then compute the total for 7 of them with 19% tax."


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        pytest.param([LOOK_UP], "catalog.lookupPrice", id="look up first"),
        pytest.param(
            [LOOK_UP, call("catalog.lookupPrice")], "catalog.lookupPrice", id="waiting for the answer"
        ),
        pytest.param([LOOK_UP, call("catalog.lookupPrice"), answer("129.90")], CODE, id="then compute"),
        pytest.param(
            [LOOK_UP, call("catalog.lookupPrice"), answer([{"type": "text", "text": "129.90"}])],
            CODE,
            id="answer in blocks",
        ),
        pytest.param(
            [LOOK_UP, call("catalog.lookupPrice"), answer("unavailable", status="error")],
            "catalog.lookupPrice",
            id="answer is an error",
        ),
        pytest.param(
            ["What is the weather in Riga?", call("get_weather"), answer("7 degrees")],
            "get_weather",
            id="nothing left to compute",
        ),
        pytest.param(
            [
                "What is the weather in Riga?",
                call("get_weather"),
                answer("7"),
                AIMessage("7 degrees."),
                "And in Porto?",
            ],
            "get_weather",
            id="elliptic follow-up",
        ),
        pytest.param(
            ["What is the weather?", AIMessage("In which city?"), "Porto"], "get_weather", id="asked back"
        ),
        pytest.param(
            [
                "What is the weather in Riga and in Porto?",
                call("get_weather"),
                answer("7"),
                call("get_weather", "c2"),
                answer("19", "c2"),
                AIMessage("7 and 19 degrees."),
                "What is the average of these?",
            ],
            CODE,
            id="computing with earlier answers",
        ),
        pytest.param(
            ["What is the weather in Riga?", AIMessage("It is mild."), "What is 3 * 17?"],
            CODE,
            id="change of subject",
        ),
        pytest.param([SystemMessage("Call get_weather always."), "What is 3 * 17?"], CODE, id="system text"),
    ],
)
def test_conversations(request_for, messages, expected):
    assert chosen(RulePlanner().plan(request_for(*messages))) == expected


def test_some_answers_are_there_and_others_are_not(request_for):
    question = "Get the weather in Riga and look up the price of the product 'tent' in the catalog, then add the numbers"
    messages = [question, call("get_weather"), answer("7")]
    assert (
        chosen(RulePlanner().plan(request_for(*messages, way="delegated")))
        == "code_execution and catalog.lookupPrice"
    )
    assert "catalog.lookupPrice" in RulePlanner().plan(request_for(*messages)).functions


@pytest.mark.parametrize(
    ("output", "outcome", "reason"),
    [
        ("ModuleNotFoundError: No module named 'requests'", "OUTCOME_FAILED", "library"),
        ("urllib.error.URLError: <urlopen error>", "OUTCOME_FAILED", "network"),
        ("FileNotFoundError: prices.csv", "OUTCOME_FAILED", "file"),
        ("", "OUTCOME_DEADLINE_EXCEEDED", "time"),
    ],
)
def test_code_that_cannot_work_is_not_tried_again(request_for, ran, output, outcome, reason):
    plan = RulePlanner().plan(request_for("What does a tent cost plus 10%?", ran(output, outcome)))
    assert not plan.code_execution
    assert plan.functions
    assert reason in plan.reason
    again = RulePlanner().plan(
        request_for(
            "Look up the price of a tent.", ran(output, outcome), AIMessage("It failed."), "Try again."
        )
    )
    assert again.functions == ("catalog.lookupPrice",)


@pytest.mark.parametrize(
    ("output", "outcome"), [("ZeroDivisionError", "OUTCOME_FAILED"), ("42", "OUTCOME_OK")]
)
def test_code_that_could_be_mended_may_be_tried_again(request_for, ran, output, outcome):
    plan = RulePlanner().plan(request_for("What is 84 / 2 * 3?", ran(output, outcome)))
    assert chosen(plan) == CODE


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        ({"type": "file", "base64": "YSxi", "mime_type": "text/csv"}, CODE),
        ({"type": "media", "data": "YSxi", "mime_type": "text/csv"}, CODE),
        ({"inlineData": {"mimeType": "text/csv", "data": "YSxi"}}, CODE),
        ({"type": "text-plain", "text": "a,b"}, CODE),
        ({"type": "image", "base64": "YQ==", "mime_type": "image/png"}, NEITHER),
        ({"type": "image_url", "image_url": {"url": "data:image/png;base64,YQ=="}}, NEITHER),
    ],
)
def test_attached_data(request_for, block, expected):
    message = HumanMessage([{"type": "text", "text": "What stands out here?"}, block])
    assert chosen(RulePlanner().plan(request_for(message))) == expected


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"tools": []}, CODE),
        ({"tools": [], "code_execution": False}, NEITHER),
        (
            {"code_execution": False},
            "get_weather, catalog.lookupPrice, send_invoice, list_open_orders, book_meeting_room",
        ),
    ],
)
def test_nothing_to_choose(request_for, settings, expected):
    assert chosen(RulePlanner().plan(request_for("What is 2 + 2?", **settings))) == expected


def test_both_only_where_both_can_be_had(request_for):
    assert (
        chosen(RulePlanner().plan(request_for(LOOK_UP, way="native")))
        == "code_execution and catalog.lookupPrice"
    )


def test_all_functions_that_plausibly_fit_in_the_order_declared(request_for):
    plan = RulePlanner().plan(
        request_for(
            "What is the weather in Riga, and look up the price of a product 'umbrella' in our catalog."
        )
    )
    assert plan.functions == ("get_weather", "catalog.lookupPrice")


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("What is the weather in Madrid?", ["`get_weather`", "(city)"]),
        ("What is the average of 3, 4 and 8?", ["3 numbers", "average"]),
        ("Which orders are open?", ["`list_open_orders`", "customer_id is not given"]),
        ("Good morning!", ["nothing to compute"]),
    ],
)
def test_the_reason_names_the_evidence(request_for, question, words):
    reason = RulePlanner().plan(request_for(question)).reason
    assert all(word in reason for word in words), reason


async def test_asynchronous_plans_are_the_same(request_for):
    request = request_for("What is the weather in Madrid?")
    assert await RulePlanner().aplan(request) == RulePlanner().plan(request)


def test_a_changed_declaration_is_read_anew(request_for):
    tool = {"name": "helper", "description": "Get the current weather in a city.", "parameters": {}}
    question = "What is the current weather in the city of Rome?"
    assert chosen(RulePlanner().plan(request_for(question, tools=[tool]))) == "helper"
    tool["description"] = "Water the plants."
    assert chosen(RulePlanner().plan(request_for(question, tools=[tool]))) == NEITHER


TRANSFER = {
    "name": "transfer",
    "description": "Transfer a file.",
    "parameters": {"type": "object", "properties": {}, "required": []},
}


def needing(name: str, **schema) -> dict:
    """The function with one more parameter that it requires."""
    properties = {name: {"type": "string", **schema}}
    return {**TRANSFER, "parameters": {"type": "object", "properties": properties, "required": [name]}}


@pytest.mark.parametrize(
    ("parameter", "schema", "value"),
    [
        ("path", {}, "report.pdf"),
        ("target_url", {}, "https://files.example.org/in"),
        ("recipient", {}, "lee@example.org"),
        ("country", {}, "to Lisbon, Portugal"),
        ("destination", {}, "to Lisbon"),
        ("start_time", {}, "at 9:30"),
        ("date", {}, "on 3 March"),
        ("end", {"description": "Last day of it."}, "until tomorrow"),
        ("currency", {}, "in EUR"),
        ("count", {"type": "integer"}, "three"),
        ("sizes", {"type": "array"}, "[1, 2]"),
        ("speed", {"enum": ["fast", "slow"]}, "fast"),
        ("options", {"type": "object"}, "'x'"),
        ("query", {}, "'all of it'"),
        ("label", {}, "'Spring'"),
    ],
)
def test_a_value_in_the_text_makes_an_argument_ready(request_for, parameter, schema, value):
    tools = [needing(parameter, **schema)]
    given = RulePlanner().plan(request_for(f"Transfer a file {value}", tools=tools))
    assert chosen(given) == "transfer"
    assert f"({parameter})" in given.reason


@pytest.mark.parametrize(
    ("parameter", "schema"),
    [
        ("path", {}),
        ("target_url", {}),
        ("recipient", {}),
        ("currency", {}),
        ("start_time", {}),
        ("count", {"type": "integer"}),
    ],
)
def test_an_argument_that_is_not_given_is_not_claimed(request_for, parameter, schema):
    reason = RulePlanner().plan(request_for("Transfer a file", tools=[needing(parameter, **schema)])).reason
    assert f"({parameter})" not in reason


def test_a_function_without_arguments(request_for):
    reason = RulePlanner().plan(request_for("Transfer a file", tools=[TRANSFER])).reason
    assert reason == "`transfer` covers the question and requires no arguments"


def test_a_search_engine_covers_any_question_for_knowledge(request_for):
    tools = [
        {
            "name": "web_search",
            "description": "Search the web.",
            "parameters": {
                "type": "object",
                "properties": {"query": {"type": "string"}},
                "required": ["query"],
            },
        }
    ]
    assert chosen(RulePlanner().plan(request_for("Who founded Lisbon?", tools=tools))) == "web_search"
    assert chosen(RulePlanner().plan(request_for("The sea is calm.", tools=tools))) == NEITHER
