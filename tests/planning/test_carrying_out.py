"""Plans carried out against a service that refuses what the real one refuses."""

from __future__ import annotations

import threading
from functools import reduce
from operator import add
from typing import TYPE_CHECKING, Any

import pytest
from google.auth.credentials import AnonymousCredentials
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from pydantic import BaseModel

from langchain_codeexec import ChatGeminiCodeExecution, code_executions
from langchain_codeexec.emulator import EmulatedError, GeminiEmulator, ScriptedBrain
from langchain_codeexec.errors import InvalidRequestError, PlanningError
from langchain_codeexec.gemini.capabilities import Destination
from langchain_codeexec.planning import Plan

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CODE = {"executableCode": {"language": "PYTHON", "code": "print(3 * 9.5)"}}
QUESTION = "Three blue lamps: what do they cost?"


def get_price(item: str) -> float:
    """Look up the price of an item in the catalog."""
    return 9.5


def call(name: str, **args: Any) -> dict:
    return {"functionCall": {"name": name, "args": args}}


def answers(choice: str) -> Callable[[Any], str]:
    return lambda _request: choice


@pytest.fixture
def service() -> Iterator[Callable[..., tuple[ChatGeminiCodeExecution, GeminiEmulator]]]:
    """Starts an emulator with a script; gives a model bound to it, on either endpoint."""
    running: list[tuple[GeminiEmulator, ScriptedBrain]] = []

    def start(steps: Any, model: str, endpoint: str = "developer", **settings: Any) -> Any:
        brain = ScriptedBrain(steps)
        emulator = GeminiEmulator(brain).start()
        running.append((emulator, brain))
        where = (
            {"api_key": "any"}
            if endpoint == "developer"
            else {
                "vertexai": True,
                "project": "p",
                "credentials": AnonymousCredentials(),
                "additional_headers": TOKEN,
            }
        )
        return ChatGeminiCodeExecution(model=model, base_url=emulator.url, **where, **settings), emulator

    yield start
    for emulator, _ in running:
        emulator.stop()
    for _, brain in running:
        brain.assert_finished()


TOKEN = {"authorization": "Bearer token"}


def declared(emulator: GeminiEmulator) -> list[list[str]]:
    """What each request declared: names of functions, keys of built-in tools."""
    return [
        [
            *(f["name"] for tool in body.get("tools", ()) for f in tool.get("functionDeclarations", ())),
            *(key for tool in body.get("tools", ()) for key in tool if key != "functionDeclarations"),
        ]
        for body in (request.body for request in emulator.requests)
    ]


def kinds(request: Any) -> list[list[str]]:
    """The kinds of the parts of each content of a request."""
    return [[next(iter(part)) for part in content["parts"]] for content in request.body["contents"]]


@pytest.mark.parametrize("endpoint", ["developer", "vertex"])
def test_gemini_3_gets_both_in_one_request(service, endpoint: str) -> None:
    llm, emulator = service([["It is ", CODE]], "gemini-3-flash-preview", endpoint)
    answer = llm.bind_tools([get_price]).invoke(QUESTION)
    assert declared(emulator) == [["get_price", "codeExecution"]]
    flag = emulator.requests[0].body.get("toolConfig", {}).get("includeServerSideToolInvocations")
    assert flag is (True if endpoint == "developer" else None)
    assert answer.response_metadata["plan"]["way"] == "native"
    assert [run.output for run in code_executions(answer)] == ["28.5\n"]


@pytest.mark.parametrize("endpoint", ["developer", "vertex"])
@pytest.mark.parametrize("streamed", [False, True], ids=["invoked", "streamed"])
def test_delegated_code_arrives_in_the_same_message(service, endpoint: str, streamed: bool) -> None:
    steps = [
        ["Let me compute. ", call("code_execution", task="compute 3 * 9.5")],
        ["I multiply. ", CODE, "It is 28.5."],
        ["They cost 28.5."],
    ]
    llm, emulator = service(steps, "gemini-2.5-flash", endpoint)
    bound = llm.bind_tools([get_price])
    answer = reduce(add, bound.stream(QUESTION)) if streamed else bound.invoke(QUESTION)
    assert declared(emulator) == [
        ["get_price", "code_execution"],
        ["codeExecution"],
        ["get_price", "code_execution"],
    ]
    assert [block["type"] for block in answer.content if block["type"] != "text"] == [
        "server_tool_call",
        "server_tool_result",
    ]
    assert answer.text == "Let me compute. They cost 28.5."
    assert not answer.tool_calls
    spent = [request.status for request in emulator.requests]
    assert spent == [200, 200, 200]
    assert answer.usage_metadata["total_tokens"] == (
        answer.usage_metadata["input_tokens"] + answer.usage_metadata["output_tokens"]
    )
    assert answer.response_metadata["plan"]["way"] == "delegated"


async def test_delegation_works_without_blocking(service) -> None:
    steps = [[call("code_execution", task="t")], [CODE], ["28.5"]] * 2
    llm, _ = service(steps, "gemini-2.5-flash")
    bound = llm.bind_tools([get_price])
    answer = await bound.ainvoke(QUESTION)
    chunks = [chunk async for chunk in bound.astream(QUESTION)]
    assert [run.output for run in code_executions(answer)] == ["28.5\n"]
    assert [run.output for run in code_executions(reduce(add, chunks))] == ["28.5\n"]


def test_usage_of_all_requests_is_added_up(service) -> None:
    def counted(parts: list, prompt: int, candidates: int) -> dict:
        usage = {
            "promptTokenCount": prompt,
            "candidatesTokenCount": candidates,
            "toolUsePromptTokenCount": 0,
        }
        content = {"role": "model", "parts": parts}
        return {"candidates": [{"content": content, "finishReason": "STOP"}], "usageMetadata": usage}

    steps = [
        counted([call("code_execution", task="t")], 10, 1),
        counted([{**CODE}, {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "28.5\n"}}], 20, 2),
        counted([{"text": "28.5"}], 40, 4),
    ]
    llm, _ = service([*steps, *steps], "gemini-2.5-flash")
    bound = llm.bind_tools([get_price])
    expected = {"input_tokens": 70, "output_tokens": 7, "total_tokens": 77}
    assert bound.invoke(QUESTION).usage_metadata == expected
    assert reduce(add, bound.stream(QUESTION)).usage_metadata == expected


def test_a_call_beside_delegated_code_goes_to_the_user_first(service) -> None:
    steps = [
        [call("code_execution", task="3 * 9.5"), call("get_price", item="blue lamp")],
        [CODE],
        ["28.5 it is."],
    ]
    llm, emulator = service(steps, "gemini-2.5-flash")
    bound = llm.bind_tools([get_price])
    first = bound.invoke(QUESTION)
    assert [call["name"] for call in first.tool_calls] == ["get_price"]
    assert [run.output for run in code_executions(first)] == ["28.5\n"]
    reply = ToolMessage("9.5", tool_call_id=first.tool_calls[0]["id"])
    assert bound.invoke([HumanMessage(QUESTION), first, reply]).text == "28.5 it is."
    assert kinds(emulator.requests[-1]) == [["text"], ["functionCall", "text", "text"], ["functionResponse"]]


def test_a_hidden_signature_is_stood_in_for(service) -> None:
    steps = [[call("code_execution", task="t"), call("get_price", item="x")], [CODE], ["done"]]
    llm, emulator = service(steps, "gemini-3-flash-preview", combination="delegated")
    bound = llm.bind_tools([get_price])
    first = bound.invoke(QUESTION)
    bound.invoke([HumanMessage(QUESTION), first, ToolMessage("9.5", tool_call_id=first.tool_calls[0]["id"])])
    [sent] = [p for p in emulator.requests[-1].body["contents"][1]["parts"] if "functionCall" in p]
    assert sent["thoughtSignature"] == "skip_thought_signature_validator"


def test_the_delegate_takes_another_name_than_the_users_functions(service) -> None:
    def code_execution(task: str) -> str:
        """Ours."""
        return task

    llm, emulator = service([["ok"]], "gemini-2.5-flash")
    llm.bind_tools([code_execution]).invoke(QUESTION)
    assert declared(emulator) == [["code_execution", "run_python"]]


@pytest.mark.parametrize(
    ("choice", "expected", "told"),
    [
        pytest.param(
            "code_execution", ["codeExecution"], [["text"], ["text"], ["text"], ["text"]], id="code"
        ),
        pytest.param(
            "functions",
            ["get_price"],
            [["text"], ["functionCall"], ["functionResponse"], ["text"]],
            id="functions",
        ),
        pytest.param("neither", [], [["text"], ["text"], ["text"], ["text"]], id="neither"),
    ],
)
def test_one_sided_tells_the_other_sides_history_as_text(
    service, choice: str, expected: list, told: list
) -> None:
    turns = iter(["functions", choice])

    def planner(_request: Any) -> str:
        return next(turns)

    llm, emulator = service(
        [[call("get_price", item="blue lamp")], ["ok"]], "gemini-2.5-flash", planner=planner
    )
    bound = llm.bind_tools([get_price])
    first = bound.invoke(QUESTION)
    reply = ToolMessage("9.5", tool_call_id=first.tool_calls[0]["id"])
    bound.invoke([HumanMessage(QUESTION), first, reply, HumanMessage("And three?")])
    assert declared(emulator)[-1] == expected
    assert kinds(emulator.requests[-1]) == told


def test_code_in_the_history_becomes_text_for_functions(service) -> None:
    turns = iter(["code_execution", "functions"])

    def planner(_request: Any) -> str:
        return next(turns)

    llm, emulator = service([[CODE, "28.5"], ["ok"]], "gemini-2.5-flash", planner=planner)
    bound = llm.bind_tools([get_price])
    first = bound.invoke(QUESTION)
    bound.invoke([HumanMessage(QUESTION), first, HumanMessage("And the lamp?")])
    answer = emulator.requests[-1].body["contents"][1]["parts"]
    assert [part["text"].splitlines()[0] for part in answer] == ["I ran this code:", "It printed:", "28.5"]


REFUSALS = [
    "Multiple tools are supported only when they are all search tools.",
    "Tool use with function calling is unsupported",
    "At most one tool is supported.",
    "Built-in tools and Function Calling cannot be combined in the same request.",
    "Tool call context circulation is not enabled for models/gemini-9-new",
]


@pytest.mark.parametrize("refusal", REFUSALS)
@pytest.mark.parametrize("streamed", [False, True], ids=["invoked", "streamed"])
def test_a_refused_combination_goes_another_way_at_once(service, refusal: str, streamed: bool) -> None:
    refused = EmulatedError(400, "INVALID_ARGUMENT", refusal)
    llm, emulator = service([refused, ["fine"], ["again"]], "gemini-9-new")
    bound = llm.bind_tools([get_price])
    answer = reduce(add, bound.stream(QUESTION)) if streamed else bound.invoke(QUESTION)
    assert answer.text == "fine"
    assert answer.response_metadata["plan"]["way"] == "delegated"
    assert not Destination("gemini-9-new", "developer", emulator.url).accepts.code_with_functions
    assert Destination("gemini-9-new", "developer").accepts.code_with_functions
    assert bound.invoke(QUESTION).text == "again"
    assert [request.status for request in emulator.requests] == [400, 200, 200]


@pytest.mark.parametrize(
    ("endpoint", "mistaken", "flag"),
    [
        (
            "vertex",
            "Please enable tool_config.include_server_side_tool_invocations to use Built-in tools",
            None,
        ),
        ("developer", "Unknown name \"includeServerSideToolInvocations\" at 'tool_config'", True),
    ],
)
def test_the_flag_is_learned_anew_by_endpoint(service, endpoint: str, mistaken: str, flag: object) -> None:
    llm, emulator = service([["fine"]], "gemini-3-flash-preview", endpoint)
    combined = {"tools": [{"functionDeclarations": [{"name": "f"}]}, {"codeExecution": {}}]}
    if "Unknown" in mistaken:
        combined["toolConfig"] = {"includeServerSideToolInvocations": True}
    Destination("gemini-3-flash-preview", endpoint, emulator.url).learn(mistaken, combined)
    assert llm.bind_tools([get_price]).invoke(QUESTION).text == "fine"
    assert [request.status for request in emulator.requests] == [400, 200]
    assert emulator.requests[-1].body.get("toolConfig", {}).get("includeServerSideToolInvocations") is flag


def test_a_refusal_of_delegated_code_is_told_to_the_model_and_remembered(service) -> None:
    refused = EmulatedError(400, "INVALID_ARGUMENT", "Code execution is not enabled for models/gemini-2.5-x")
    steps = [[call("code_execution", task="t")], refused, ["About 28."], ["Again."]]
    llm, emulator = service(steps, "gemini-2.5-x")
    bound = llm.bind_tools([get_price])
    assert bound.invoke(QUESTION).text == "About 28."
    [reply] = emulator.requests[2].body["contents"][-1]["parts"]
    assert "not enabled" in reply["functionResponse"]["response"]["error"]
    again = bound.invoke(QUESTION)
    assert declared(emulator)[-1] == ["get_price"]
    assert again.response_metadata["plan"]["reason"] == "code execution is not enabled for this model"


@pytest.mark.parametrize("tools", [[], [get_price]], ids=["alone", "with a function"])
def test_a_model_without_code_execution_answers_without_it(service, tools: list) -> None:
    refused = EmulatedError(400, "INVALID_ARGUMENT", "Code execution is not enabled for models/gemini-9-new")
    llm, emulator = service([refused, ["fine"], ["again"]], "gemini-9-new")
    bound = llm.bind_tools(tools) if tools else llm
    answer = bound.invoke(QUESTION)
    assert answer.text == "fine"
    assert answer.response_metadata["plan"]["reason"] == "code execution is not enabled for this model"
    assert bound.invoke(QUESTION).text == "again"
    assert [request.status for request in emulator.requests] == [400, 200, 200]
    assert declared(emulator)[1:] == [["get_price"] if tools else []] * 2


@pytest.mark.parametrize("tools", [[], [get_price]], ids=["alone", "with a function"])
def test_code_that_cannot_go_with_a_schema_goes_first(service, tools: list) -> None:
    refusal = "controlled generation is not supported with Code Execution tool"
    refused = EmulatedError(400, "INVALID_ARGUMENT", refusal)
    script = [refused, *[[CODE, "28.5 it is."], ['{"total": 28.5}']] * 2]
    llm, emulator = service(script, "gemini-9-new")
    structured = llm.with_structured_output(Cost, tools=tools)
    assert structured.invoke(QUESTION) == structured.invoke(QUESTION) == Cost(total=28.5)
    assert [request.status for request in emulator.requests] == [400, 200, 200, 200, 200]


def test_what_one_gateway_refuses_is_not_believed_of_another(service) -> None:
    refused = EmulatedError(400, "INVALID_ARGUMENT", "At most one tool is supported.")
    first, _ = service([refused, ["fine"]], "gemini-9-new")
    second, elsewhere = service([["fine"]], "gemini-9-new")
    for llm in (first, second):
        assert llm.bind_tools([get_price]).invoke(QUESTION).text == "fine"
    assert declared(elsewhere) == [["get_price", "codeExecution"]]


def test_a_refused_search_teaches_nothing_of_functions(service) -> None:
    refused = EmulatedError(
        400, "INVALID_ARGUMENT", "Multiple tools are supported only when they are all search tools."
    )
    llm, emulator = service([refused, ["fine"]], "gemini-9-new")
    with pytest.raises(InvalidRequestError):
        llm.bind_tools([{"google_search": {}}]).invoke(QUESTION)
    assert llm.bind_tools([get_price]).invoke(QUESTION).text == "fine"
    assert declared(emulator)[-1] == ["get_price", "codeExecution"]


def test_a_service_that_contradicts_itself_is_not_asked_forever(service) -> None:
    seen: list[bool] = []

    def contradict(prompt: Any) -> Any:
        seen.append("toolConfig" in prompt.request)
        refusal = "Tool use with function calling is unsupported"
        wish = "Please enable tool_config.include_server_side_tool_invocations"
        return EmulatedError(400, "INVALID_ARGUMENT", wish if len(seen) % 2 else refusal)

    llm, emulator = service(contradict, "gemini-9-new")
    with pytest.raises(InvalidRequestError):
        llm.bind_tools([get_price]).invoke(QUESTION)
    assert len(emulator.requests) <= 5


def test_calls_refused_at_the_same_time_all_go_another_way(service) -> None:
    both = threading.Barrier(2)

    def refuse_both(prompt: Any) -> Any:
        if any("codeExecution" in tool for tool in prompt.request["tools"]):
            both.wait(timeout=10)
            return EmulatedError(400, "INVALID_ARGUMENT", "At most one tool is supported.")
        return "fine"

    llm, emulator = service(refuse_both, "gemini-9-new")
    answers_ = llm.bind_tools([get_price]).batch([QUESTION, QUESTION])
    assert [answer.text for answer in answers_] == ["fine", "fine"]
    assert sorted(request.status for request in emulator.requests) == [200, 200, 400, 400]


def test_a_refusal_of_something_else_reaches_the_user(service) -> None:
    refused = EmulatedError(400, "INVALID_ARGUMENT", "temperature must be at most 2")
    llm, emulator = service([refused], "gemini-3-flash-preview")
    with pytest.raises(InvalidRequestError, match="temperature"):
        llm.bind_tools([get_price]).invoke(QUESTION)
    assert len(emulator.requests) == 1


def test_a_demanded_way_is_not_left(service) -> None:
    llm, emulator = service([], "gemini-2.5-flash", combination="native")
    with pytest.raises(InvalidRequestError, match="unsupported"):
        llm.bind_tools([get_price]).invoke(QUESTION)
    assert len(emulator.requests) == 1


def test_code_written_as_a_call_is_repaired(service) -> None:
    written = {
        "executableCode": {"language": "PYTHON", "code": 'print(default_api.get_price(item="blue lamp"))'}
    }
    failed = {"codeExecutionResult": {"outcome": "OUTCOME_FAILED", "output": "NameError: default_api"}}
    llm, _ = service([[written, failed]] * 2, "gemini-2.5-flash", planner=answers("functions"))
    bound = llm.bind_tools([get_price])
    for answer in (bound.invoke(QUESTION), reduce(add, bound.stream(QUESTION))):
        assert [(c["name"], c["args"]) for c in answer.tool_calls] == [("get_price", {"item": "blue lamp"})]
        assert not code_executions(answer)


def test_repair_can_be_switched_off(service) -> None:
    written = {"executableCode": {"language": "PYTHON", "code": 'print(default_api.get_price(item="x"))'}}
    failed = {"codeExecutionResult": {"outcome": "OUTCOME_FAILED", "output": "NameError"}}
    llm, _ = service(
        [[written, failed]], "gemini-2.5-flash", planner=answers("functions"), repair_calls=False
    )
    answer = llm.bind_tools([get_price]).invoke(QUESTION)
    assert not answer.tool_calls
    assert len(code_executions(answer)) == 1


class Cost(BaseModel):
    """What something costs."""

    total: float


@pytest.mark.parametrize("streamed", [False, True], ids=["invoked", "streamed"])
def test_code_computes_first_where_a_schema_cannot_go_along(service, streamed: bool) -> None:
    llm, emulator = service([[CODE, "That makes 28.5."], ['{"total": 28.5}']], "gemini-2.5-flash")
    structured = llm.with_structured_output(Cost, include_raw=True)
    result = list(structured.stream(QUESTION))[-1] if streamed else structured.invoke(QUESTION)
    if not streamed:
        assert result["parsed"] == Cost(total=28.5)
        assert [run.output for run in code_executions(result["raw"])] == ["28.5\n"]
        assert result["raw"].text == '{"total": 28.5}'
    assert declared(emulator) == [["codeExecution"], []]
    first, second = (request.body.get("generationConfig", {}) for request in emulator.requests)
    assert "responseJsonSchema" not in first
    assert "responseJsonSchema" in second


def test_code_and_schema_go_together_on_gemini_3(service) -> None:
    llm, emulator = service([[CODE, '{"total": 28.5}']], "gemini-3-flash-preview")
    assert llm.with_structured_output(Cost).invoke(QUESTION) == Cost(total=28.5)
    assert declared(emulator) == [["codeExecution"]]


def test_the_plan_is_told_as_an_event(service) -> None:
    from langchain_core.callbacks import BaseCallbackHandler

    told: list[tuple[str, Any]] = []

    class Listener(BaseCallbackHandler):
        def on_custom_event(self, name: str, data: Any, **_: Any) -> None:
            told.append((name, data))

    llm, _ = service([["ok"]], "gemini-2.5-flash", planner=answers("functions"))
    answer = llm.bind_tools([get_price]).invoke(QUESTION, {"callbacks": [Listener()]})
    assert told == [("gemini_code_execution_plan", answer.response_metadata["plan"])]


class TestBadPlanners:
    """A planner that does not do its job is an error that says so, before anything is sent."""

    def ask(self, service: Any, planner: Any) -> AIMessage:
        llm, _ = service([], "gemini-2.5-flash", planner=planner)
        return llm.bind_tools([get_price]).invoke(QUESTION)

    def test_an_unknown_function(self, service) -> None:
        def planner(_: Any) -> Plan:
            return Plan(code_execution=False, functions=("no_such",))

        with pytest.raises(PlanningError, match=r"no_such.*get_price"):
            self.ask(service, planner)

    def test_no_plan(self, service) -> None:
        with pytest.raises(PlanningError, match="perhaps"):
            self.ask(service, answers("perhaps"))

    def test_its_own_exception(self, service) -> None:
        def broken(_request: Any) -> Plan:
            raise ZeroDivisionError

        with pytest.raises(PlanningError, match=r"PlannerFunction\(broken\) failed: ZeroDivisionError"):
            self.ask(service, broken)


def test_a_plan_for_both_where_one_can_go_keeps_the_functions(service) -> None:
    llm, emulator = service([["ok"]], "gemini-2.5-flash", combination="one_sided")
    answer = llm.bind_tools([get_price]).invoke(QUESTION)
    assert declared(emulator) == [["get_price"]]
    assert "cannot go together" in answer.response_metadata["plan"]["reason"]


@pytest.mark.parametrize(
    ("settings", "tools", "expected"),
    [
        ({}, [], ["codeExecution"]),
        ({"code_execution": False}, [], []),
        ({"code_execution": False}, [get_price], ["get_price"]),
    ],
)
def test_nothing_to_choose_asks_no_planner(service, settings: dict, tools: list, expected: list) -> None:
    def never(_request: Any) -> Plan:
        raise AssertionError

    llm, emulator = service([["ok"]], "gemini-2.5-flash", planner=never, **settings)
    (llm.bind_tools(tools) if tools else llm).invoke(QUESTION)
    assert declared(emulator) == [expected]
