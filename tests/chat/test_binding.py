"""Tools bound to the chat model: what is declared, beside what, and how."""

from typing import Any

import pytest
from langchain_core.load import dumps, loads
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.runnables import RunnableBinding

from langchain_codeexec import ChatGeminiCodeExecution
from langchain_codeexec.errors import ToolDeclarationError

FLAG = "includeServerSideToolInvocations"


def weather(city: str | int) -> str:
    """Tell the weather."""
    return f"Sunny in {city}."


def clock() -> str:
    """Tell the time."""
    return "Noon."


WEATHER_CALL = {"functionCall": {"name": "weather", "args": {"city": "Utrecht"}}}


def kinds(body: dict[str, Any]) -> list[str]:
    return [kind for entry in body.get("tools", ()) for kind in entry]


def names(body: dict[str, Any]) -> list[str]:
    return [function["name"] for entry in body["tools"] for function in entry.get("functionDeclarations", ())]


def test_functions_stand_beside_code_execution(gemini: Any, endpoint: str) -> None:
    gemini.says([WEATHER_CALL])
    answer = gemini.on(endpoint).bind_tools([weather]).invoke("q")
    assert kinds(gemini.body) == ["functionDeclarations", "codeExecution"]
    assert gemini.body.get("toolConfig") == ({FLAG: True} if endpoint == "developer" else None)
    [call] = answer.tool_calls
    assert (call["name"], call["args"]) == ("weather", {"city": "Utrecht"})
    assert answer.response_metadata["plan"]["way"] == "native"


@pytest.mark.parametrize("tools", [[], [{"code_execution": {}}], [{"type": "code_interpreter"}]])
def test_code_execution_is_declared_once(gemini: Any, tools: list[Any]) -> None:
    gemini.says("Fine.")
    gemini.chat().bind_tools(tools).invoke("q")
    assert gemini.body["tools"] == [{"codeExecution": {}}]


def test_binding_again_adds(gemini: Any) -> None:
    gemini.says("Fine.")
    first = gemini.chat().bind_tools([weather], temperature=0)
    second = first.bind_tools([clock, {"google_search": {}}], seed=1)
    second.invoke("q")
    first.invoke("q")
    both, one = gemini.bodies
    assert names(both) == ["weather", "clock"]
    assert kinds(both) == ["functionDeclarations", "googleSearch", "codeExecution"]
    assert both["generationConfig"] == {"temperature": 0, "seed": 1}
    assert names(one) == ["weather"]


def test_binding_survives_further_binding_and_configuration(gemini: Any) -> None:
    gemini.says("Fine.")
    bound = gemini.chat().bind_tools([weather])
    bound.bind(temperature=0).with_config(tags=["t"]).with_retry().invoke("q")
    bound.with_config(tags=["t"]).bind_tools([clock]).invoke("q")
    assert [names(body) for body in gemini.bodies] == [["weather"], ["weather", "clock"]]


def test_the_last_choice_wins(gemini: Any) -> None:
    gemini.says("Fine.")
    bound = gemini.chat().bind_tools([weather], tool_choice="any")
    bound.bind_tools([clock]).invoke("q")
    bound.bind_tools([clock], tool_choice="clock").invoke("q")
    bound.invoke("q", tool_choice="auto")
    assert [body["toolConfig"] for body in gemini.bodies] == [
        {"functionCallingConfig": config, FLAG: True}
        for config in ({"mode": "ANY"}, {"mode": "ANY", "allowedFunctionNames": ["clock"]}, {"mode": "AUTO"})
    ]


def test_a_choice_without_functions_is_not_sent(gemini: Any) -> None:
    gemini.says("Fine.")
    gemini.chat().bind_tools([{"google_search": {}}], tool_choice="any").invoke("q")
    assert "toolConfig" not in gemini.body


def another_weather(place: str) -> str:
    """Tell another weather."""
    return place


another_weather.__name__ = "weather"


@pytest.mark.parametrize(
    ("tools", "choice", "named"),
    [
        ([weather, another_weather], None, "two different tools are named 'weather'"),
        ([weather], "clock", "declared functions: weather"),
        ([42], None, "42"),
    ],
)
def test_what_cannot_be_declared_is_refused(gemini: Any, tools: list[Any], choice: Any, named: str) -> None:
    llm = gemini.chat()
    with pytest.raises(ToolDeclarationError, match=named):
        llm.bind_tools(tools, tool_choice=choice)
    with pytest.raises(ToolDeclarationError, match=named):
        llm.bind_tools([]).bind_tools(tools, tool_choice=choice)
    with pytest.raises(ToolDeclarationError, match=named):
        llm.invoke("q", tools=tools, tool_choice=choice)


def test_calls_and_code_in_one_conversation(gemini: Any, endpoint: str) -> None:
    gemini.says(
        ["I look. ", {"executableCode": {"code": "print('Utrecht')"}}, WEATHER_CALL, WEATHER_CALL],
        "Sunny, twice.",
    )
    llm = gemini.on(endpoint).bind_tools([weather])
    answer = llm.invoke("q")
    replies = [ToolMessage(weather(**call["args"]), tool_call_id=call["id"]) for call in answer.tool_calls]
    last = llm.invoke([HumanMessage("q"), answer, *replies])
    assert [block["type"] for block in answer.content] == [
        "text", "server_tool_call", "server_tool_result", "tool_call", "tool_call",
    ]  # fmt: skip
    assert len({call["id"] for call in answer.tool_calls}) == 2
    assert last.text == "Sunny, twice."
    responses = [part["functionResponse"] for part in gemini.body["contents"][-1]["parts"]]
    assert [response["id"] for response in responses] == [call["id"] for call in answer.tool_calls]
    assert responses[0]["response"] == {"output": "Sunny in Utrecht."}


@pytest.mark.filterwarnings("ignore:.*is in beta")
def test_what_was_bound_and_answered_is_revived(gemini: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_API_KEY", "key")
    gemini.says(["I run it.", {"executableCode": {"language": "PYTHON", "code": "print(1)"}}, "One."])
    bound = gemini.chat(output_version="v1").bind_tools([weather]).with_config(tags=["a"])
    answer = bound.invoke("q")
    saved = dumps([bound, answer])
    allowed = [ChatGeminiCodeExecution, RunnableBinding, AIMessage]
    again, revived = loads(
        saved, allowed_objects=allowed, valid_namespaces=["langchain_codeexec"], secrets_from_env=True
    )
    assert revived == answer
    assert again.invoke([HumanMessage("q"), revived, HumanMessage("n")]).text == answer.text
    assert gemini.bodies[0]["tools"] == gemini.body["tools"]
