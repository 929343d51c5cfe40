"""What the planners' tests share: a handful of functions, and requests about them."""

from collections.abc import Callable
from itertools import count
from typing import Any

import pytest
from langchain_core.messages import BaseMessage, HumanMessage

from langchain_codeexec.planning import PlanRequest


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


_NUMBERS = count()


@pytest.fixture
def model() -> str:
    """A model of the newest family under a name of its own: what a test learns of it, no other test meets."""
    return f"gemini-9-{next(_NUMBERS)}"


@pytest.fixture
def request_for() -> Callable[..., PlanRequest]:
    """A request from messages, where a text stands for what the user says."""

    def make(*messages: BaseMessage | str, functions: Any = FUNCTIONS, **settings: Any) -> PlanRequest:
        conversation = [HumanMessage(one) if isinstance(one, str) else one for one in messages]
        return PlanRequest(conversation, functions, **settings)

    return make
