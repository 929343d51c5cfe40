"""What a call is offered by default, on the wire: everything, whatever the tool choice."""

from typing import Any

import pytest
from pydantic import BaseModel

from langchain_codeexec import code_executions
from langchain_codeexec.planning import Plan, PlanRequest
from tests.calls import call
from tests.services import NEW, OLD, Gemini

CODE = {"executableCode": {"language": "PYTHON", "code": "print(6 * 7)"}}


def find_orders(customer: str) -> list[str]:
    """Find the orders of a customer."""
    return [customer]


def send_mail(to: str, text: str) -> str:
    """Send a mail."""
    return to + text


class Answer(BaseModel):
    """The final answer."""

    value: int


DELEGATED = call("code_execution", task="6 * 7")
CALLED = call("find_orders", customer="Ada")


def offered(gemini: Gemini) -> list[tuple[list[str], bool, Any]]:
    """Of each request: the functions it declares, whether it declares code execution, its choice of functions."""
    found = []
    for request in gemini.requests:
        tools = request.body.get("tools", ())
        names = [f["name"] for tool in tools for f in tool.get("functionDeclarations", ())]
        choice = request.body.get("toolConfig", {}).get("functionCallingConfig")
        found.append((names, any("codeExecution" in tool for tool in tools), choice))
    return found


ALL, WITH_DELEGATE = ["find_orders", "send_mail"], ["find_orders", "send_mail", "code_execution"]
ANY, NONE = {"mode": "ANY"}, {"mode": "NONE"}
ONE = {"mode": "ANY", "allowedFunctionNames": ["find_orders"]}
BOTH = {"mode": "ANY", "allowedFunctionNames": ALL}


def allowed_tools(mode: str) -> dict[str, Any]:
    """OpenAI's choice of a mode and of tools."""
    tools = [{"type": "function", "name": "find_orders"}]
    return {"type": "allowed_tools", "mode": mode, "tools": tools}


def limited(*more: str) -> dict[str, Any]:
    return {"mode": "VALIDATED", "allowedFunctionNames": ["find_orders", *more]}


def only_mail(_request: PlanRequest) -> Plan:
    return Plan(code_execution=False, functions=("send_mail",))


@pytest.mark.parametrize(
    ("name", "settings", "choice", "expected"),
    [
        (OLD, {}, None, (WITH_DELEGATE, False, None)),
        (OLD, {}, "auto", (WITH_DELEGATE, False, {"mode": "AUTO"})),
        (OLD, {}, "any", (WITH_DELEGATE, False, ANY)),
        (OLD, {}, "find_orders", (ALL, False, ONE)),
        (OLD, {}, ALL, (ALL, False, BOTH)),
        (OLD, {}, "none", ([], True, None)),
        (OLD, {}, {"function_calling_config": {"mode": "any"}}, (WITH_DELEGATE, False, ANY)),
        (OLD, {}, allowed_tools("required"), (ALL, False, ONE)),
        (OLD, {}, allowed_tools("auto"), (WITH_DELEGATE, False, limited("code_execution"))),
        (OLD, {"combination": "one_sided"}, allowed_tools("auto"), (ALL, False, limited())),
        (NEW, {}, allowed_tools("auto"), (ALL, True, limited())),
        (NEW, {"planner": only_mail}, allowed_tools("auto"), (ALL, False, limited())),
        (NEW, {}, None, (ALL, True, None)),
        (NEW, {}, "any", (ALL, True, ANY)),
        (NEW, {}, "find_orders", (ALL, True, ONE)),
        (NEW, {}, "none", (ALL, True, NONE)),
        (NEW, {}, "code_execution", (ALL, True, NONE)),
        (NEW, {"combination": "delegated"}, None, (WITH_DELEGATE, False, None)),
        (NEW, {"combination": "delegated"}, "any", (WITH_DELEGATE, False, ANY)),
        (NEW, {"combination": "delegated"}, "find_orders", (ALL, False, ONE)),
        (NEW, {"combination": "one_sided"}, None, (ALL, False, None)),
        (NEW, {"combination": "one_sided"}, "any", (ALL, False, ANY)),
        (NEW, {"combination": "one_sided"}, "none", ([], True, None)),
        (OLD, {"planner": lambda _: "code_execution"}, None, ([], True, None)),
        (OLD, {"planner": lambda _: "code_execution"}, "any", (WITH_DELEGATE, False, ANY)),
        (OLD, {"planner": lambda _: "functions"}, None, (ALL, False, None)),
        (NEW, {"planner": lambda _: "code_execution"}, None, ([], True, None)),
        (NEW, {"planner": lambda _: "code_execution"}, "find_orders", (["find_orders"], True, ONE)),
        (NEW, {"planner": lambda _: "neither"}, "any", (ALL, False, ANY)),
    ],
)
def test_what_is_offered(  # noqa: PLR0913, PLR0917 -- a table with a column for each
    gemini: Gemini, endpoint: str, name: str, settings: dict, choice: Any, expected: tuple
) -> None:
    gemini.says(["ok"] if choice in (None, "auto", "none", "code_execution") else [CALLED])
    llm = gemini.on(endpoint, model=name, **settings)
    llm.bind_tools([find_orders, send_mail], tool_choice=choice).invoke("Compute 6 * 7, then look.")
    assert offered(gemini) == [expected]


@pytest.mark.parametrize(
    "settings", [{"model": OLD}, {"combination": "delegated"}], ids=["older", "delegated"]
)
def test_structured_output_by_a_call(gemini: Gemini, settings: dict[str, Any]) -> None:
    gemini.says([call("Answer", value=42)])
    structured = gemini.chat(**settings).with_structured_output(Answer, method="function_calling")
    assert structured.invoke("What is 6 * 7?") == Answer(value=42)


def test_code_is_computed_before_a_demanded_call(gemini: Gemini) -> None:
    gemini.says([DELEGATED], [CODE], [call("Answer", value=42)])
    llm = gemini.chat(model=OLD)
    answer = llm.bind_tools([find_orders, Answer], tool_choice="any").invoke("What is 6 * 7?")
    assert [(c["name"], c["args"]) for c in answer.tool_calls] == [("Answer", {"value": 42})]
    assert [run.output for run in code_executions(answer)] == ["42\n"]
    names = ["find_orders", "Answer"]
    assert offered(gemini) == [
        ([*names, "code_execution"], False, ANY),
        ([], True, None),
        ([*names, "code_execution"], False, ANY),
    ]


@pytest.mark.parametrize(("choice", "most", "end"), [("any", 3, [CALLED]), (None, 8, ["It is 42."])])
def test_a_model_that_goes_on_delegating_is_stopped(
    gemini: Gemini, choice: str | None, most: int, end: list[Any]
) -> None:
    gemini.says(*[[DELEGATED], [CODE]] * most, end)
    llm = gemini.chat(model=OLD)
    answer = llm.bind_tools([find_orders], tool_choice=choice).invoke("Compute and look.")
    assert [c["name"] for c in answer.tool_calls] == (["find_orders"] if choice else [])
    assert answer.text == ("" if choice else "It is 42.")
    assert len(code_executions(answer)) == most
    assert offered(gemini)[-1][0] == ["find_orders"]


@pytest.mark.parametrize("at_once", [1, 2, 5])
@pytest.mark.parametrize(("choice", "most"), [("any", 3), (None, 8)])
def test_a_delegate_that_is_no_longer_offered_is_called_in_vain(
    gemini: Gemini, choice: str | None, most: int, at_once: int
) -> None:
    gemini.says(
        lambda prompt: [CODE] if "codeExecution" in prompt.request["tools"][0] else [DELEGATED] * at_once
    )
    answer = gemini.chat(model=OLD).bind_tools([find_orders], tool_choice=choice).invoke("Compute and look.")
    assert not answer.tool_calls
    assert len(code_executions(answer)) == most
    assert [names for names, *_ in offered(gemini)[-2:]] == [["find_orders"]] * 2
    assert "no longer available" in str(gemini.body["contents"][-1])


@pytest.mark.parametrize(
    "settings",
    [{}, {"code_execution": False}, {"combination": "delegated"}, {"combination": "one_sided"}],
    ids=str,
)
def test_built_in_tools_go_beside_functions(gemini: Gemini, endpoint: str, settings: dict[str, Any]) -> None:
    gemini.says("ok")
    llm = gemini.on(endpoint, model=NEW, **settings).bind_tools([find_orders, {"google_search": {}}])
    assert llm.invoke("Look it up.").text == "ok"
    assert [request.status for request in gemini.requests] == [200]


def test_a_retrieval_config_goes_along_without_functions(gemini: Gemini) -> None:
    gemini.says(["ok"])
    llm = gemini.chat(model=OLD)
    choice = {"retrieval_config": {"language_code": "de"}}
    llm.bind_tools([{"code_execution": {}}], tool_choice=choice).invoke("hello")
    assert gemini.body["toolConfig"]["retrievalConfig"]
