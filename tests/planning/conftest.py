"""What the planners' tests share: a handful of functions, and requests about them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage

from langchain_codeexec.planning import PlanRequest

if TYPE_CHECKING:
    from collections.abc import Callable


def function(name: str, description: str, /, **properties: Any) -> dict[str, Any]:
    """A declaration whose parameters are all required; a word is a type, a list is an enum."""
    schemas = {
        key: {"type": "string", "enum": kind} if isinstance(kind, list) else {"type": kind}
        for key, kind in properties.items()
    }
    parameters = {"type": "object", "properties": schemas, "required": list(schemas)}
    return {"name": name, "description": description, "parameters": parameters}


FUNCTIONS = [
    function("get_weather", "Get the current weather in a city.", city="string"),
    function("catalog.lookupPrice", "Look up the price of a product in our catalog.", product="string"),
    function("send_invoice", "Send an invoice to a customer by e-mail.", email="string", amount="number"),
    function("list_open_orders", "List the open orders of a customer.", customer_id="string"),
    function(
        "book_meeting_room",
        "Book a meeting room for a day.",
        date="string",
        size=["small", "medium", "large"],
    ),
]


@pytest.fixture
def request_for() -> Callable[..., PlanRequest]:
    """A request from messages, where a text stands for what the user says."""

    def make(*messages: BaseMessage | str, functions: Any = None, **settings: Any) -> PlanRequest:
        conversation = [HumanMessage(one) if isinstance(one, str) else one for one in messages]
        return PlanRequest(conversation, FUNCTIONS if functions is None else functions, **settings)

    return make


@pytest.fixture
def ran() -> Callable[..., AIMessage]:
    """A message in which the model ran code."""

    def make(output: str, outcome: str = "OUTCOME_OK", code: str = "print(1)") -> AIMessage:
        return AIMessage(
            content=[
                {
                    "type": "server_tool_call",
                    "name": "code_interpreter",
                    "id": "run",
                    "args": {"code": code, "language": "python"},
                },
                {
                    "type": "server_tool_result",
                    "tool_call_id": "run",
                    "status": "success" if outcome == "OUTCOME_OK" else "error",
                    "output": output,
                    "extras": {"outcome": outcome},
                },
            ],
            response_metadata={"output_version": "v1"},
        )

    return make
