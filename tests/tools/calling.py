"""Tools for programs to call, and agents whose model writes such programs."""

from __future__ import annotations

import asyncio
import operator
from typing import Annotated, Any, Literal

from langchain.agents import AgentState, create_agent
from langchain_core.messages import AIMessage, ToolMessage
from langchain_core.tools import InjectedToolCallId, StructuredTool, ToolException, tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.prebuilt import InjectedState, InjectedStore, ToolRuntime
from langgraph.store.memory import InMemoryStore
from langgraph.types import Command, interrupt
from pydantic import BaseModel, Field

from langchain_codeexec import CodeExecution, code_executions
from tests.middleware.agent_shop import QUESTION, Scripted

MADE: list[Any] = []
"""The calls that reached a tool; each test begins with none."""
THREAD: Any = {"configurable": {"thread_id": "1"}}


class Line(BaseModel):
    sku: str
    count: int = 1


@tool
def get_price(symbol: str, day: str = "today") -> dict[str, Any]:
    """Look a price up."""
    MADE.append(symbol)
    return {"symbol": symbol, "price": 2.5}


@tool
async def get_rate(currency: Literal["EUR", "USD"]) -> float:
    """Look a rate up."""
    await asyncio.sleep(0)
    MADE.append(currency)
    return 1.25


@tool("get-stock")
def get_stock() -> None:
    """Nothing is in stock."""


@tool
def order(lines: list[Line], note: str | None = None, urgent: bool = False) -> Line:
    """Order.

    Args:
        lines: What is ordered.
        note: For the packer.
        urgent: Whether it is.
    """
    MADE.append(lines)
    return lines[0]


@tool
def fail(how: str) -> str:
    """Fail."""
    if how == "tool":
        raise ToolException("no such order")
    if how == "value":
        return str(Line.model_validate({}))
    if how == "cancelled":
        raise asyncio.CancelledError
    raise ConnectionError("the warehouse does not answer")


@tool
def bounded(count: Annotated[int, Field(ge=1)]) -> int:
    """Take a count."""
    return count


@tool
def picture() -> list[dict[str, Any]]:
    """Draw."""
    return [{"type": "text", "text": "a dot"}, {"type": "image", "base64": "aGk=", "mime_type": "image/png"}]


@tool
def archive() -> bytes:
    """Pack."""
    return b"\xff\x00"


@tool(response_format="content_and_artifact")
def rows() -> tuple[list[int], Any]:
    """Rows for the program, and what only the host sees."""
    return [1, 2], {"hidden": b"x"}


@tool
def page(megabytes: int) -> str:
    """Fetch a page."""
    return "x" * (megabytes << 20)


def _remote(**args: Any) -> str:
    MADE.append(args)
    return f"{sorted(args.items())}"


remote = StructuredTool(
    name="search/web",
    description="Search.",
    func=_remote,
    args_schema={
        "type": "object",
        "properties": {
            "from": {"type": "string", "description": "First day."},
            "limit": {"type": ["integer", "null"], "default": 5},
            "tags": {"type": "array", "items": {"enum": ["a", "b"]}},
        },
        "required": ["from"],
    },
)


@tool
def refund(order: str) -> str:
    """Refund an order, once somebody has agreed."""
    answer = interrupt({"refund": order})
    MADE.append((order, answer))
    return f"{order}: {answer}"


@tool
def look_around(  # noqa: PLR0913, PLR0917 -- all that can be injected
    depth: int,
    state: Annotated[Any, InjectedState],
    messages: Annotated[Any, InjectedState("messages")],
    store: Annotated[Any, InjectedStore()],
    call_id: Annotated[str, InjectedToolCallId],
    runtime: ToolRuntime,
) -> dict[str, Any]:
    """Say what is injected."""
    store.put(("seen",), "depth", {"depth": depth})
    same = runtime.tool_call_id == call_id and runtime.state["messages"] == messages
    return {"messages": len(messages), "keys": sorted(state), "id": call_id, "same": same}


@tool
def add(item: str, call_id: Annotated[str, InjectedToolCallId]) -> Command[Any]:
    """Put an item into the cart."""
    message = ToolMessage(f"added {item}", tool_call_id=call_id)
    return Command(update={"cart": [item], "messages": [message]})


@tool
def hand_over() -> Command[Any]:
    """Leave the rest to somebody else."""
    return Command(goto="nobody")


ALL = [get_price, get_rate, get_stock, order, fail, bounded, picture, archive, rows, page, remote, refund]
INJECTED = [look_around, add, hand_over]


class Cart(AgentState[Any]):
    cart: Annotated[list[str], operator.add]


def programs(*codes: str) -> AIMessage:
    """A model's message that runs programs."""
    calls = [
        {"name": "python", "args": {"code": code}, "id": f"call-{number}", "type": "tool_call"}
        for number, code in enumerate(codes)
    ]
    return AIMessage("", tool_calls=calls)


def agent_of(tools: Any, *codes: str | AIMessage, saver: Any = "memory", **settings: Any) -> Any:
    """An agent whose model runs programs, one after the other, and then ends."""
    lines = [code if isinstance(code, AIMessage) else programs(code) for code in codes]
    return create_agent(
        Scripted(lines=[*lines, AIMessage("done")] * 3),
        tools,
        checkpointer=InMemorySaver() if saver == "memory" else saver,
        store=InMemoryStore(),
        state_schema=Cart,
        **settings,
    )


async def run(agent: Any, given: Any = QUESTION, *, is_async: bool, **settings: Any) -> Any:
    """Run an agent in the one thread, in either way."""
    config = {**THREAD, **settings}
    return await agent.ainvoke(given, config) if is_async else agent.invoke(given, config)


def replies(state: Any) -> list[str]:
    """What the model was told of its programs."""
    return [message.text for message in state["messages"] if isinstance(message, ToolMessage)]


def runs(state: Any) -> list[CodeExecution]:
    return [each for message in state["messages"] for each in code_executions(message)]
