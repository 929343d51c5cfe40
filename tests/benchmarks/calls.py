"""`python -m tests.benchmarks.calls`: ten look-ups and a pandas aggregation, by one program and by function calls.

Requests and input tokens are counted by the emulator; its scripts are what a model would write in each way.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from langchain.agents import create_agent

from langchain_codeexec import ChatGeminiCodeExecution, CodeExecutionMiddleware, LocalSandbox, PythonTool
from langchain_codeexec.emulator import GeminiEmulator, ScriptedBrain

NAMES = [f"ART-{number}" for number in range(10)]
QUESTION = f"What do {', '.join(NAMES)} cost on average, weighted by what is in stock?"
AGGREGATE = """\
import pandas as pd

frame = pd.DataFrame(rows)
print(round((frame["price"] * frame["stock"]).sum() / frame["stock"].sum(), 2))
"""


def get_article(name: str) -> dict[str, Any]:
    """Look an article up: its price in EUR, its stock, where it lies and who makes it."""
    number = NAMES.index(name)
    place = {"hall": number % 3, "shelf": f"{number}-B", "maker": f"Maker {number} GmbH, Essen"}
    return {"name": name, "price": 4.5 + number, "stock": 10 * (number + 1), **place}


def call(function: str, **args: Any) -> dict[str, Any]:
    """A part that calls a function."""
    return {"functionCall": {"name": function, "args": args}}


def printed(prompt: Any) -> list[str]:
    """An answer of what the program has printed."""
    response = prompt.request["contents"][-1]["parts"][-1]["functionResponse"]["response"]
    return [f"On average {json.dumps(response)}."]


def scripts() -> Iterator[tuple[str, dict[str, Any] | None, list[Any]]]:
    """A name, the middleware's settings where programs call the functions, and what the model writes."""
    rows = [get_article(name) for name in NAMES]
    copied = call("python", code=f"rows = {rows!r}\n{AGGREGATE}")
    looked_up = call("python", code=f"rows = gather(*[(get_article, name) for name in {NAMES}])\n{AGGREGATE}")
    calls = [call("get_article", name=name) for name in NAMES]
    yield "function calls, all at once", None, [calls, [copied], printed]
    yield "function calls, one by one", None, [*([each] for each in calls), [copied], printed]
    yield "calls from code, or direct", {}, [[looked_up], printed]
    yield "calls from code alone", {"only_from_code": True}, [[looked_up], printed]


def measure(sandbox: LocalSandbox, settings: dict[str, Any] | None, steps: list[Any]) -> tuple[int, int, str]:
    """Requests, input tokens and the answer of an agent."""
    with GeminiEmulator(ScriptedBrain(steps)) as service, PythonTool(sandbox) as python:
        llm = ChatGeminiCodeExecution(
            model="gemini-3-flash-preview", api_key="any", base_url=service.url, code_execution=False
        )
        agent = create_agent(llm, [get_article, python])
        if settings is not None:
            calls = CodeExecutionMiddleware(executor=sandbox, callable_from_code="all", **settings)
            agent = create_agent(llm, [get_article], middleware=[calls])
        messages = agent.invoke({"messages": [("user", QUESTION)]})["messages"]
    used = [message.usage_metadata for message in messages if getattr(message, "usage_metadata", None)]
    return len(used), sum(usage["input_tokens"] for usage in used), messages[-1].text


def main() -> None:
    """Print a line for each way; about ten seconds."""
    with LocalSandbox() as sandbox:
        lines = [(name, *measure(sandbox, settings, steps)) for name, settings, steps in scripts()]
    print(f"{'way':<30}{'requests':>9}{'tokens in':>11}{'ratio':>8}")
    for name, requests, tokens, answer in lines:
        print(f"{name:<30}{requests:>9}{tokens:>11}{tokens / lines[0][2]:>8.2f}  {answer.strip()!r:.60}")


if __name__ == "__main__":
    main()
