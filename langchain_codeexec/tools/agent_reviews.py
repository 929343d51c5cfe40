"""What can be seen of the agent that runs: its tools, its middlewares, and which calls somebody reviews."""

from __future__ import annotations

import sys
from functools import partial
from typing import Any, Final, NamedTuple

from langchain_core.runnables.config import ensure_config

__all__ = ["Reviews", "middlewares_in", "nodes_here", "reviews_here", "reviews_of", "tools_here"]

_TASKS: Final = "__pregel_call"
"""Where LangGraph keeps what runs a node, in `config["configurable"]`."""


class Reviews(NamedTuple):
    """Names of the tools that are under review.

    Attributes:
        each_call: By LangChain's `HumanInTheLoopMiddleware`, which stops at each call.
        each_turn: By one that only sees what the model itself calls, as all of them do before langchain 1.4.8.
    """

    each_call: set[str]
    each_turn: set[str]


def reviews_of(middlewares: list[Any]) -> Reviews:
    """What middlewares review."""
    reviews = Reviews(set(), set())
    for middleware in middlewares:
        if isinstance(names := getattr(middleware, "interrupt_on", None), dict):
            is_each = getattr(middleware, "interrupt_mode", "batched") == "per_call"
            (reviews.each_call if is_each else reviews.each_turn).update(names)
    return reviews


def reviews_here() -> Reviews:
    """What is reviewed in the agent that runs; nothing where that cannot be seen, or no agent runs."""
    return reviews_of(middlewares_in(*nodes_here(), through_nodes=True)[0])


def tools_here() -> set[str] | None:
    """Names of the tools that the agent that runs was made with; `None` where they cannot be seen."""
    nodes = [node for node, _ in middlewares_in(*nodes_here())[1]]
    return {name for node in nodes for name in node.tools_by_name} if nodes else None


def nodes_here() -> list[Any]:
    """What the nodes of the graph that runs consist of: nothing where none does, or that cannot be seen."""
    tasks = (ensure_config().get("configurable") or {}).get(_TASKS)
    schedule = getattr(tasks, "keywords", {}).get("schedule_task")
    while isinstance(schedule, partial):  # of a call from code that runs a program itself
        schedule = schedule.args[0]
    nodes = getattr(getattr(schedule, "__self__", None), "nodes", None) or {}
    return [
        part
        for each in (getattr(node, "bound", None) for node in nodes.values())
        for part in (each, *(getattr(each, name, None) for name in ("func", "afunc")))
    ]


def middlewares_in(*start: Any, through_nodes: bool = False) -> tuple[list[Any], list[tuple[Any, Any]]]:
    """The middlewares that functions call, as far as their closures and methods show them.

    Args:
        *start: The functions.
        through_nodes: Whether to look into the `ToolNode` of an agent as well, from which all of its middlewares
            are reached.

    Returns:
        The middlewares, and each `ToolNode` with what calls it: where a chain of them ends.
    """
    types, nodes = sys.modules.get("langchain.agents.middleware.types"), sys.modules.get("langgraph.prebuilt")
    found: list[Any] = []
    ends: list[tuple[Any, Any]] = []
    seen: set[int] = set()
    left: list[tuple[Any, Any]] = [(each, None) for each in start if types and nodes]
    while left:
        each, caller = left.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        if types and isinstance(each, types.AgentMiddleware):
            found.append(each)
        elif nodes and isinstance(each, nodes.ToolNode):
            ends.append((each, caller))
            left += [(one, each) for one in vars(each).values() if through_nodes and callable(one)]
        elif callable(each) and not isinstance(each, type):
            left += [(one, each) for one in _parts(each)]
    return found, ends


def _parts(function: Any) -> list[Any]:
    """What a function refers to."""
    if isinstance(function, partial):
        return [function.func, *function.args, *function.keywords.values()]
    parts = [getattr(function, name, None) for name in ("__self__", "__wrapped__", "__func__")]
    for cell in getattr(function, "__closure__", None) or ():
        try:
            parts.append(cell.cell_contents)
        except ValueError:  # it is empty
            continue
    return parts
