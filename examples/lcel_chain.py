"""A chain with several tools: the model calls what it needs, code computes with what came back.

`python examples/lcel_chain.py` lets a script stand in for the model on this machine; the code really runs. With `--live` Gemini answers, reached as the environment says. The former prints:

    user:   What is the standard deviation of the temperatures of the station 'north'?
    tools:  temperatures
    output: 1.21758
    model:  The temperatures have a standard deviation of 1.22 °C.

    user:   Which sensor does the station 'south' have?
    tools:  sensor
    model:  The station has a TX-9.

    user:   What is 15 % of 249.90?
    tools:  none
    output: 37.485
    model:  That is 37.485.
"""

from __future__ import annotations

import argparse
from typing import Any

from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.runnables import Runnable, RunnableLambda
from langchain_core.tools import tool

from langchain_codeexec import ChatGeminiCodeExecution, code_executions
from langchain_codeexec.emulator import GeminiEmulator, ScriptedBrain

MODEL = "gemini-3-flash-preview"
QUESTIONS = (
    "What is the standard deviation of the temperatures of the station 'north'?",
    "Which sensor does the station 'south' have?",
    "What is 15 % of 249.90?",
)
SCRIPT = """
- when: {text: temperatures of the station}
  reply: [{call: temperatures, args: {station: north}}]
- when: {text: "[18.2, 19.1, 17.6, 20.4]"}
  reply:
    - code: |
        import statistics
        print(round(statistics.stdev([18.2, 19.1, 17.6, 20.4]), 6))
    - The temperatures have a standard deviation of 1.22 °C.
- when: {text: Which sensor}
  reply: [{call: sensor, args: {station: south}}]
- when: {text: TX-9}
  reply: The station has a TX-9.
- when: {text: 15 %}
  reply: [{code: print(0.15 * 249.90)}, That is 37.485.]
"""


@tool
def temperatures(station: str) -> list[float]:
    """Read the temperatures of a weather station, in °C."""
    return {"north": [18.2, 19.1, 17.6, 20.4], "south": [22.5, 21.9, 23.8, 24.1]}[station]


@tool
def sensor(station: str) -> str:
    """Look up which sensor a weather station has."""
    return {"north": "TX-4", "south": "TX-9"}[station]


TOOLS = {"temperatures": temperatures, "sensor": sensor}


def answered(messages: list[AnyMessage]) -> list[AnyMessage]:
    """Run the tools the model calls; the conversation with their results."""
    last = messages[-1]
    calls = last.tool_calls if isinstance(last, AIMessage) else []
    return [*messages, *(TOOLS[call["name"]].invoke(call) for call in calls)]


def chain(llm: ChatGeminiCodeExecution) -> Runnable[str, dict[str, Any]]:
    """Question to answer and runs, by at most one round of tool calls."""
    bound = llm.bind_tools(list(TOOLS.values()))

    def say(messages: list[AnyMessage]) -> list[AnyMessage]:
        done = isinstance(messages[-1], AIMessage)
        return messages if done else [*messages, bound.invoke(messages)]

    ask: Runnable[str, list[AnyMessage]] = RunnableLambda(lambda question: [HumanMessage(question)])
    last: Runnable[list[AnyMessage], AnyMessage] = RunnableLambda(lambda messages: messages[-1])
    return (
        ask
        | say
        | answered
        | say
        | {
            "tools": lambda messages: [m.name for m in messages if isinstance(m, ToolMessage)],
            "runs": last | code_executions,
            "answer": last | StrOutputParser(),
        }
    )


def report(llm: ChatGeminiCodeExecution) -> None:
    """Ask all questions at once and print what the chain gives."""
    for question, found in zip(QUESTIONS, chain(llm).batch(list(QUESTIONS)), strict=True):
        print(f"user:   {question}")
        print(f"tools:  {', '.join(found['tools']) or 'none'}")
        for run in found["runs"]:
            print(f"output: {run.output.strip()}")
        print(f"model:  {found['answer'].strip().splitlines()[-1]}\n")


def main() -> None:
    """Ask the model that the command line names."""
    parser = argparse.ArgumentParser(description="A chain with several tools and code execution.")
    parser.add_argument("--live", action="store_true", help="ask the real service")
    if parser.parse_args().live:
        report(ChatGeminiCodeExecution(model=MODEL))
        return
    with GeminiEmulator(ScriptedBrain.from_yaml(SCRIPT)) as emulator:
        report(ChatGeminiCodeExecution(model=MODEL, vertexai=False, api_key="any", base_url=emulator.url))


if __name__ == "__main__":
    main()
