"""`python -m tests.benchmarks.tasks`: requests that everyday tasks take, against two other ways.

Plain function calling offers code execution as one more function, which makes a request of its own. Always
native sends both sides in one request, which Gemini 2.x refuses.
"""

from __future__ import annotations

import warnings
from typing import Any

from langchain.agents import create_agent

from langchain_codeexec import ChatGeminiCodeExecution, CodeExecutionTool
from langchain_codeexec.emulator import GeminiEmulator
from langchain_codeexec.errors import InvalidRequestError
from tests.e2e.tasks import TASKS, TOOLS, AbleModel, Task
from tests.services import NEW, OLD


def planned(llm: Any) -> tuple[Any, list[Any]]:
    """Ours: planned call by call."""
    return llm, TOOLS


def plain(llm: Any) -> tuple[Any, list[Any]]:
    """Code execution as one more function."""
    return llm.model_copy(update={"code_execution": False}), [*TOOLS, CodeExecutionTool(llm)]


def native(llm: Any) -> tuple[Any, list[Any]]:
    """Both sides in one request, come what may."""
    return llm.model_copy(update={"combination": "native"}), TOOLS


def requests_of(task: Task, model: str, way: Any) -> tuple[int, bool]:
    """How many requests a task took, and whether it was finished."""
    brain = AbleModel(task)
    with GeminiEmulator(brain) as service:  # at an address of which nothing is known
        llm, tools = way(ChatGeminiCodeExecution(model=model, api_key="any", base_url=service.url))
        try:
            create_agent(llm, tools).invoke({"messages": [("user", task.question)]})
            finished = not brain.stuck
        except InvalidRequestError:
            finished = False
    return len(service.requests), finished


def main() -> None:
    """Print a table for each model."""
    warnings.simplefilter("ignore")
    for model in (OLD, NEW):
        print(f"\n{model:<60}{'planned':>10}{'plain':>10}{'native':>10}")
        totals = [0, 0, 0]
        for task in TASKS:
            counted = [requests_of(task, model, way) for way in (planned, plain, native)]
            totals = [total + count for total, (count, _) in zip(totals, counted, strict=True)]
            cells = (f"{count}{'' if finished else ' failed'}" for count, finished in counted)
            print(f"  {task.name:<58}" + "".join(f"{cell:>10}" for cell in cells))
        print(f"  {'requests in all':<58}" + "".join(f"{total:>10}" for total in totals))


if __name__ == "__main__":
    main()
