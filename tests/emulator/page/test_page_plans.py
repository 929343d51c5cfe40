"""The page says how code execution and functions came together."""

from __future__ import annotations

import pytest

from langchain_codeexec.chat_model import ChatGeminiCodeExecution
from langchain_codeexec.emulator import EmulatedError


def price(item: str) -> float:
    """The price of an item."""
    return 1.0


@pytest.mark.parametrize(
    ("model", "settings", "messages", "way"),
    [
        ("gemini-3-flash-preview", {}, ["Hi"], "native"),
        ("gemini-2.5-flash", {"planner": lambda request: "both"}, ["Hi"], "delegated"),
        ("gemini-2.5-flash", {"planner": lambda request: "functions"}, ["Hi"], "functions"),
        ("gemini-2.5-flash", {"planner": lambda request: "code_execution"}, ["Hi"], "code_execution"),
        ("gemini-2.5-flash", {"planner": lambda request: "code_execution"}, "called", "one_sided"),
        ("gemini-2.5-flash", {"planner": lambda request: "functions"}, "ran", "one_sided"),
    ],
)
def test_the_ways_of_the_chat_model_are_recognised(cleared, model, settings, messages, way):
    from langchain_core.messages import AIMessage, HumanMessage, ToolMessage

    llm = ChatGeminiCodeExecution(
        model=model, api_key="k", vertexai=False, base_url=cleared.emulator.url, max_retries=0, **settings
    )
    if messages == "called":
        call = {"name": "price", "args": {"item": "x"}, "id": "1"}
        messages = [
            "Hi",
            AIMessage("", tool_calls=[call]),
            ToolMessage("1.0", tool_call_id="1", name="price"),
        ]
    elif messages == "ran":
        messages = [HumanMessage("Say pi"), llm.invoke("Say pi"), HumanMessage("And now?")]
    llm.bind_tools([price]).invoke(messages)
    assert cleared.last()["plan"]["way"] == way


def test_without_tools_the_way_is_plain(cleared):
    cleared.ask("Hi")
    assert cleared.last()["plan"]["way"] == "plain"
    cleared.http.get("/v1beta/models")
    assert cleared.last()["plan"] is None


def test_an_error_of_the_brain_is_told(start):
    client = start([EmulatedError(429, message="Too fast")], record_page=True)
    client.ask({"contents": [{"parts": [{"text": "Hi"}]}]})
    detail = client.http.get("/__emulator__/requests/1").json()
    assert detail["error"]["status"] == "RESOURCE_EXHAUSTED"
    assert detail["problem"] == "Too fast"
