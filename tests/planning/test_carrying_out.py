"""Plans carried out against a service that refuses what the real one refuses."""

import json
import threading
from typing import Any

import pytest
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import HumanMessage, ToolMessage
from pydantic import BaseModel

from langchain_codeexec import code_executions
from langchain_codeexec.emulator import EmulatedError
from langchain_codeexec.errors import InvalidRequestError, PlanningError
from langchain_codeexec.gemini.capabilities import Destination
from langchain_codeexec.planning import Plan
from tests.calls import ALL_WAYS, WHOLE_AND_STREAMED, call, response
from tests.services import OLD, Gemini

CODE = {"executableCode": {"language": "PYTHON", "code": "print(3 * 9.5)"}}
RESULT = {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "28.5\n"}}
QUESTION = "Three blue lamps: what do they cost?"
NO_CODE = "Code execution is not enabled for models/gemini-9-new"
SEARCH = {"google_search": {}}
ONE_TOOL = "At most one tool is supported."


def get_price(item: str) -> float:
    """Look up the price of an item in the catalog."""
    return 9.5


DELEGATED, PRICE = call("code_execution", task="3 * 9.5"), call("get_price", item="blue lamp")


class Cost(BaseModel):
    """What something costs."""

    total: float


def refused(message: str) -> EmulatedError:
    return EmulatedError(400, "INVALID_ARGUMENT", message)


def declared(gemini: Gemini) -> list[list[str]]:
    """What each request declared: names of functions, keys of built-in tools."""
    return [
        [
            *(f["name"] for tool in body.get("tools", ()) for f in tool.get("functionDeclarations", ())),
            *(key for tool in body.get("tools", ()) for key in tool if key != "functionDeclarations"),
        ]
        for body in gemini.bodies
    ]


def statuses(gemini: Gemini) -> list[int]:
    return [request.status for request in gemini.requests]


def kinds(body: dict[str, Any]) -> list[list[str]]:
    """The kinds of the parts of each content of a request."""
    return [[next(iter(part)) for part in content["parts"]] for content in body["contents"]]


def flag(gemini: Gemini) -> Any:
    return gemini.body.get("toolConfig", {}).get("includeServerSideToolInvocations")


# -- delegated code ------------------------------------------------------------------------------------------


@ALL_WAYS
def test_delegated_code_arrives_in_the_same_message(gemini: Gemini, endpoint: str, ask: Any) -> None:
    gemini.says(["Let me compute. ", DELEGATED], ["I multiply. ", CODE, "It is 28.5."], ["They cost 28.5."])
    answer = ask(gemini.on(endpoint, model=OLD).bind_tools([get_price]), QUESTION)
    with_delegate = ["get_price", "code_execution"]
    assert declared(gemini) == [with_delegate, ["codeExecution"], with_delegate]
    assert [run.output for run in code_executions(answer)] == ["28.5\n"]
    assert [block["type"] for block in answer.content if block["type"] != "text"] == [
        "server_tool_call",
        "server_tool_result",
    ]
    assert answer.text == "Let me compute. They cost 28.5."
    assert not answer.tool_calls
    assert answer.response_metadata["plan"]["way"] == "delegated"


@WHOLE_AND_STREAMED
def test_usage_of_all_requests_is_added_up(gemini: Gemini, ask: Any) -> None:
    def counted(prompt: int, candidates: int, *parts: Any) -> dict[str, Any]:
        usage = {
            "promptTokenCount": prompt,
            "candidatesTokenCount": candidates,
            "toolUsePromptTokenCount": 0,
            "thoughtsTokenCount": 0,
        }
        return {**response(*parts), "usageMetadata": usage}

    gemini.says(counted(10, 1, DELEGATED), counted(20, 2, CODE, RESULT), counted(40, 4, {"text": "28.5"}))
    answer = ask(gemini.chat(model=OLD).bind_tools([get_price]))
    assert answer.usage_metadata == {"input_tokens": 70, "output_tokens": 7, "total_tokens": 77}


def answer_in_turn(wire: Any, *responses: Any) -> None:
    bodies = iter([json.dumps(each).encode() for each in responses])
    wire.answer = lambda path: (b"data: %b\r\n\r\n" if ":stream" in path else b"%b") % next(bodies)


@WHOLE_AND_STREAMED
def test_metadata_of_all_requests_is_kept(wire: Any, ask: Any) -> None:
    calls = "Model generated function call(s)."
    first = response({"text": "28.5"}, groundingMetadata={"webSearchQueries": ["q"]}, finishMessage=calls)
    second = response({"text": '{"total": 28.5}'})
    answer_in_turn(wire, {**first, "responseId": "r1"}, {**second, "responseId": "r2"})
    answer = ask(wire.chat(model=OLD, code_execution=False).bind(response_schema=Cost, tools=[SEARCH]))
    metadata = answer.response_metadata
    assert (metadata["grounding_metadata"], metadata["response_id"]) == ({"web_search_queries": ["q"]}, "r1")
    assert "finish_message" not in metadata


@pytest.mark.parametrize("args", [None, "compute", ["compute"], {}, {"task": 5}])
def test_a_task_may_be_missing(wire: Any, args: Any) -> None:
    delegated = {"functionCall": {"name": "code_execution", "args": args}}
    answer_in_turn(wire, *(response(part) for part in (delegated, {"text": "28.5"}, {"text": "done"})))
    assert wire.chat(model=OLD).bind_tools([get_price]).invoke(QUESTION).text == "done"


def test_a_call_beside_delegated_code_goes_to_the_user_first(gemini: Gemini) -> None:
    gemini.says([DELEGATED, PRICE], [CODE], ["28.5 it is."])
    llm = gemini.chat(model=OLD).bind_tools([get_price])
    first = llm.invoke(QUESTION)
    reply = ToolMessage("9.5", tool_call_id=first.tool_calls[0]["id"])
    last = llm.invoke([HumanMessage(QUESTION), first, reply])
    assert [call["name"] for call in first.tool_calls] == ["get_price"]
    assert [run.output for run in code_executions(first)] == ["28.5\n"]
    assert last.text == "28.5 it is."
    assert kinds(gemini.body) == [["text"], ["functionCall", "text", "text"], ["functionResponse"]]


def test_what_is_said_beside_delegated_code_is_kept_where_a_call_follows(gemini: Gemini) -> None:
    gemini.says([DELEGATED, PRICE], ["No code is needed: 28.5."])
    answer = gemini.chat(model=OLD).bind_tools([get_price]).invoke(QUESTION)
    assert [call["name"] for call in answer.tool_calls] == ["get_price"]
    assert answer.text == "No code is needed: 28.5."


@WHOLE_AND_STREAMED
@pytest.mark.parametrize(
    ("cut_off", "reason"),
    [
        ({"candidates": [{"finishReason": "SAFETY"}]}, "SAFETY"),
        ({"promptFeedback": {"blockReason": "OTHER"}}, "OTHER"),
        (response(CODE, finishReason="MAX_TOKENS"), "MAX_TOKENS"),
    ],
)
def test_delegated_code_that_is_cut_off_is_told(gemini: Gemini, ask: Any, cut_off: Any, reason: str) -> None:
    gemini.says([DELEGATED], cut_off, "About 28.")
    assert ask(gemini.chat(model=OLD).bind_tools([get_price])).text == "About 28."
    [reply] = gemini.body["contents"][-1]["parts"]
    assert reason in reply["functionResponse"]["response"]["error"]


def test_a_hidden_signature_is_stood_in_for(gemini: Gemini) -> None:
    gemini.says([DELEGATED, PRICE], [CODE], ["done"])
    llm = gemini.chat(combination="delegated").bind_tools([get_price])
    first = llm.invoke(QUESTION)
    llm.invoke([HumanMessage(QUESTION), first, ToolMessage("9.5", tool_call_id=first.tool_calls[0]["id"])])
    [sent] = [part for part in gemini.body["contents"][1]["parts"] if "functionCall" in part]
    assert sent["thoughtSignature"] == "skip_thought_signature_validator"


def test_the_delegate_takes_another_name_than_the_users_functions(gemini: Gemini) -> None:
    def code_execution(task: str) -> str:
        """Ours."""
        return task

    gemini.says("ok")
    gemini.chat(model=OLD).bind_tools([code_execution]).invoke(QUESTION)
    assert declared(gemini) == [["code_execution", "run_python"]]


# -- one side, the other one's history as text -----------------------------------------------------------------

ALL_TEXT = [["text"]] * 4


@pytest.mark.parametrize(
    ("choice", "tools", "sent"),
    [
        ("code_execution", ["codeExecution"], ALL_TEXT),
        ("functions", ["get_price"], [["text"], ["functionCall"], ["functionResponse"], ["text"]]),
        ("neither", [], ALL_TEXT),
    ],
)
def test_functions_in_the_history_become_text_for_code(
    gemini: Gemini, choice: str, tools: list[str], sent: list[list[str]]
) -> None:
    turns = iter(["functions", choice])
    gemini.says([PRICE], "ok")
    llm = gemini.chat(model=OLD, planner=lambda _: next(turns)).bind_tools([get_price])
    first = llm.invoke(QUESTION)
    reply = ToolMessage("9.5", tool_call_id=first.tool_calls[0]["id"])
    llm.invoke([HumanMessage(QUESTION), first, reply, HumanMessage("And three?")])
    assert declared(gemini)[-1] == tools
    assert kinds(gemini.body) == sent


def test_code_in_the_history_becomes_text_for_functions(gemini: Gemini) -> None:
    turns = iter(["code_execution", "functions"])
    gemini.says([CODE, "28.5"], "ok")
    llm = gemini.chat(model=OLD, planner=lambda _: next(turns)).bind_tools([get_price])
    first = llm.invoke(QUESTION)
    llm.invoke([HumanMessage(QUESTION), first, HumanMessage("And the lamp?")])
    texts = [part["text"].splitlines()[0] for part in gemini.body["contents"][1]["parts"]]
    assert texts == ["I ran this code:", "It printed:", "28.5"]


# -- refusals, and another way after them ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "refusal",
    [
        "Multiple tools are supported only when they are all search tools.",
        "Tool use with function calling is unsupported",
        ONE_TOOL,
        "Built-in tools and Function Calling cannot be combined in the same request.",
        "Tool call context circulation is not enabled for models/gemini-9-new",
    ],
)
@ALL_WAYS
def test_a_refused_combination_goes_another_way_and_is_remembered(
    gemini: Gemini, model: str, refusal: str, ask: Any
) -> None:
    gemini.says(refused(refusal), "fine")
    llm = gemini.chat(model=model).bind_tools([get_price])
    answer = ask(llm)
    assert answer.text == ask(llm).text == "fine"
    assert answer.response_metadata["plan"]["way"] == "delegated"
    assert statuses(gemini) == [400, 200, 200]
    assert not Destination(model, "developer", gemini.url).accepts.code_with_functions
    assert Destination(model, "developer").accepts.code_with_functions


@pytest.mark.parametrize(
    ("endpoint", "mistaken", "tool_config", "learned"),
    [
        ("vertex", "Please enable tool_config.include_server_side_tool_invocations to use both", {}, None),
        (
            "developer",
            "Unknown name \"includeServerSideToolInvocations\" at 'tool_config'",
            {"includeServerSideToolInvocations": True},
            True,
        ),
    ],
)
def test_the_flag_is_learned_anew_by_endpoint(  # noqa: PLR0913, PLR0917 -- a table with a column for each
    gemini: Gemini, model: str, endpoint: str, mistaken: str, tool_config: dict[str, Any], learned: Any
) -> None:
    tools = [{"functionDeclarations": [{"name": "f"}]}, {"codeExecution": {}}]
    Destination(model, endpoint, gemini.url).learn(mistaken, {"tools": tools, "toolConfig": tool_config})
    gemini.says("fine")
    assert gemini.on(endpoint, model=model).bind_tools([get_price]).invoke(QUESTION).text == "fine"
    assert statuses(gemini) == [400, 200]
    assert flag(gemini) is learned


def test_a_refusal_of_delegated_code_is_told_to_the_model_and_remembered(gemini: Gemini, model: str) -> None:
    gemini.says([DELEGATED], refused(NO_CODE), "About 28.", "Again.")
    llm = gemini.chat(model=model, combination="delegated").bind_tools([get_price])
    answer, again = llm.invoke(QUESTION), llm.invoke(QUESTION)
    assert (answer.text, again.text) == ("About 28.", "Again.")
    [reply] = gemini.bodies[2]["contents"][-1]["parts"]
    assert "not enabled" in reply["functionResponse"]["response"]["error"]
    assert declared(gemini)[2:] == [["get_price"]] * 2
    assert again.response_metadata["plan"]["reason"] == "code execution is not enabled for this model"


@pytest.mark.parametrize("tools", [[], [get_price]], ids=["alone", "with a function"])
def test_a_model_without_code_execution_answers_without_it(
    gemini: Gemini, model: str, tools: list[Any]
) -> None:
    gemini.says(refused(NO_CODE), "fine")
    llm = gemini.chat(model=model).bind_tools(tools)
    answer = llm.invoke(QUESTION)
    assert answer.text == llm.invoke(QUESTION).text == "fine"
    assert answer.response_metadata["plan"]["reason"] == "code execution is not enabled for this model"
    assert statuses(gemini) == [400, 200, 200]
    assert declared(gemini)[1:] == [["get_price"] if tools else []] * 2


@pytest.mark.parametrize("tools", [[], [get_price]], ids=["alone", "with a function"])
def test_code_that_cannot_go_with_a_schema_goes_first(gemini: Gemini, model: str, tools: list[Any]) -> None:
    refusal = refused("controlled generation is not supported with Code Execution tool")
    gemini.says(refusal, *[[CODE, "28.5 it is."], ['{"total": 28.5}']] * 2)
    structured = gemini.chat(model=model).with_structured_output(Cost, tools=tools)
    assert structured.invoke(QUESTION) == structured.invoke(QUESTION) == Cost(total=28.5)
    assert statuses(gemini) == [400, 200, 200, 200, 200]


def test_what_one_gateway_refuses_is_not_believed_of_another(gemini: Gemini, wire: Any, model: str) -> None:
    gemini.says(refused(ONE_TOOL), "fine")
    wire.says(response({"text": "fine"}))
    for server in (gemini, wire):
        assert server.chat(model=model).bind_tools([get_price]).invoke(QUESTION).text == "fine"
    assert declared(wire) == [["get_price", "codeExecution"]]


def test_a_refused_search_teaches_nothing_of_functions(gemini: Gemini, model: str) -> None:
    gemini.says(refused("Multiple tools are supported only when they are all search tools."), "fine")
    llm = gemini.chat(model=model)

    assert llm.bind_tools([SEARCH]).invoke(QUESTION).text == "fine"
    assert llm.bind_tools([get_price]).invoke(QUESTION).text == "fine"

    assert declared(gemini) == [
        ["googleSearch", "codeExecution"],
        ["googleSearch"],
        ["get_price", "codeExecution"],
    ]


def test_a_service_that_contradicts_itself_is_not_asked_forever(gemini: Gemini, model: str) -> None:
    wish = refused("Please enable tool_config.include_server_side_tool_invocations")
    gemini.says(*[wish, refused("Tool use with function calling is unsupported")] * 5)
    with pytest.raises(InvalidRequestError):
        gemini.chat(model=model).bind_tools([get_price]).invoke(QUESTION)
    assert len(gemini.requests) <= 5


def test_calls_refused_at_the_same_time_all_go_another_way(gemini: Gemini, model: str) -> None:
    both = threading.Barrier(2)

    def refuse_both(prompt: Any) -> Any:
        if any("codeExecution" in tool for tool in prompt.request["tools"]):
            both.wait(timeout=60)
            return refused(ONE_TOOL)
        return "fine"

    gemini.says(refuse_both)
    answers = gemini.chat(model=model).bind_tools([get_price]).batch([QUESTION, QUESTION])
    assert [answer.text for answer in answers] == ["fine", "fine"]
    assert sorted(statuses(gemini)) == [200, 200, 400, 400]


@pytest.mark.parametrize(
    ("settings", "steps", "words"),
    [
        ({}, [refused("temperature must be at most 2")], "temperature"),
        ({"model": OLD, "combination": "native"}, ["never reached"], "unsupported"),
    ],
    ids=["of something else", "of the way that is demanded"],
)
def test_a_refusal_that_teaches_nothing_reaches_the_user(
    gemini: Gemini, settings: dict[str, Any], steps: list[Any], words: str
) -> None:
    gemini.says(*steps)
    with pytest.raises(InvalidRequestError, match=words):
        gemini.chat(**settings).bind_tools([get_price]).invoke(QUESTION)
    assert len(gemini.requests) == 1


# -- repair, schemas, events, planners -------------------------------------------------------------------------


@WHOLE_AND_STREAMED
@pytest.mark.parametrize("repaired", [True, False])
def test_code_written_as_a_call_is_repaired_unless_that_is_off(
    gemini: Gemini, ask: Any, repaired: bool
) -> None:
    written = {"language": "PYTHON", "code": 'print(default_api.get_price(item="blue lamp"))'}
    failed = {"codeExecutionResult": {"outcome": "OUTCOME_FAILED", "output": "NameError: default_api"}}
    gemini.says([{"executableCode": written}, failed])
    llm = gemini.chat(model=OLD, planner=lambda _: "functions", repair_calls=repaired)
    answer = ask(llm.bind_tools([get_price]))
    calls = [(call["name"], call["args"]) for call in answer.tool_calls]
    assert calls == ([("get_price", {"item": "blue lamp"})] if repaired else [])
    assert len(code_executions(answer)) == (not repaired)


@pytest.mark.parametrize("streamed", [False, True], ids=["invoked", "streamed"])
def test_code_computes_first_where_a_schema_cannot_go_along(gemini: Gemini, streamed: bool) -> None:
    gemini.says([CODE, "That makes 28.5."], '{"total": 28.5}')
    structured = gemini.chat(model=OLD).with_structured_output(Cost, include_raw=True)
    if streamed:
        list(structured.stream(QUESTION))
    else:
        result = structured.invoke(QUESTION)
        assert result["parsed"] == Cost(total=28.5)
        assert [run.output for run in code_executions(result["raw"])] == ["28.5\n"]
        assert result["raw"].text == '{"total": 28.5}'
    assert declared(gemini) == [["codeExecution"], []]
    first, second = (body.get("generationConfig", {}) for body in gemini.bodies)
    assert "responseJsonSchema" not in first
    assert "responseJsonSchema" in second


class Listener(BaseCallbackHandler):
    """Notes the custom events."""

    def __init__(self) -> None:
        self.events: list[tuple[str, Any]] = []

    def on_custom_event(self, name: str, data: Any, **_: Any) -> None:
        self.events.append((name, data))


def test_the_plan_is_told_as_an_event(gemini: Gemini) -> None:
    gemini.says("ok")
    listener = Listener()
    llm = gemini.chat(model=OLD, planner=lambda _: "functions").bind_tools([get_price])
    answer = llm.invoke(QUESTION, {"callbacks": [listener]})
    assert listener.events == [("gemini_code_execution_plan", answer.response_metadata["plan"])]


def broken(_request: Any) -> Plan:
    raise ZeroDivisionError


@pytest.mark.parametrize(
    ("planner", "words"),
    [
        (lambda _: Plan(code_execution=False, functions=("no_such",)), r"no_such.*get_price"),
        (lambda _: "perhaps", "perhaps"),
        (broken, r"PlannerFunction\(broken\) failed: ZeroDivisionError"),
    ],
)
@ALL_WAYS
def test_a_planner_that_fails_is_an_error_before_anything_is_sent(
    gemini: Gemini, planner: Any, words: str, ask: Any
) -> None:
    llm = gemini.chat(model=OLD, planner=planner).bind_tools([get_price])
    with pytest.raises(PlanningError, match=words) as raised:
        ask(llm)
    assert raised.value.__cause__ is not raised.value
    assert not gemini.requests


def test_a_plan_for_both_where_one_can_go_keeps_the_functions(gemini: Gemini) -> None:
    gemini.says("ok")
    answer = gemini.chat(model=OLD, combination="one_sided").bind_tools([get_price]).invoke(QUESTION)
    assert declared(gemini) == [["get_price"]]
    assert "cannot go together" in answer.response_metadata["plan"]["reason"]


@pytest.mark.parametrize(
    ("settings", "tools", "expected"),
    [
        ({}, [], ["codeExecution"]),
        ({"code_execution": False}, [], []),
        ({"code_execution": False}, [get_price], ["get_price"]),
    ],
)
def test_nothing_to_choose_asks_no_planner(
    gemini: Gemini, settings: dict[str, Any], tools: list[Any], expected: list[str]
) -> None:
    gemini.says("ok")
    gemini.chat(model=OLD, planner=broken, **settings).bind_tools(tools).invoke(QUESTION)
    assert declared(gemini) == [expected]
