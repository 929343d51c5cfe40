"""An agent as it goes into production: bounded, judged, approved, audited, redacted and priced.

`python examples/production.py` lets a script stand in for the model; the programs really run, in the sandbox. With
`--live` Gemini writes them, reached as the environment says. The former prints:

    asked    line 1: os (names['os']); line 2: os.getcwd (names['os'])
    deny     line 1: socket (network)
    approve  /box/work [REDACTED_AWS_ACCESS_KEY]
    model    The limit of executions per turn is reached: 1 of 1.
    audit    answer, refused, answer, execution, answer
    usage    1 program, 865 tokens for 0.0008275 USD
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from langchain.agents import create_agent
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.types import Command

from langchain_codeexec import ChatGeminiCodeExecution, CodeExecutionMiddleware, PythonTool, code_executions
from langchain_codeexec.control import AuditLog, ExecutionLimits, ExecutionPolicy, ExecutionUsage, Redactor
from langchain_codeexec.emulator import GeminiEmulator, ScriptedBrain
from langchain_codeexec.middleware import ExecutionLimitsMiddleware, ExecutionPolicyMiddleware

PRICES = {"gemini-*": {"prompt": 0.50, "candidates": 3}}  # of a million tokens; or published_prices()
LIMITS = ExecutionLimits(per_turn={"executions": 1}, per_run={"cost": "0.50"}, prices=PRICES)
POLICY = ExecutionPolicy(names={"os": "ask"}, network="deny")
PROGRAMS = ["import socket", "import os\nprint(os.getcwd(), 'AKIA' + 'IOSFODNN7EXAMPLE')", "print('more')"]


def go_on(llm: ChatGeminiCodeExecution, folder: Path, given: Any) -> Any:
    """Go on with what the database holds, as any other process can, until somebody has to answer."""
    with (
        SqliteSaver.from_conn_string(str(folder / "threads.sqlite")) as saver,
        PythonTool(redact=Redactor()) as tool,
    ):
        control = [
            ExecutionLimitsMiddleware(LIMITS),
            CodeExecutionMiddleware(tool=tool, run_here=True),
            ExecutionPolicyMiddleware(POLICY),
        ]
        agent = create_agent(llm, middleware=control, checkpointer=saver)
        callbacks = [AuditLog(folder / "audit.jsonl")]  # and OpenTelemetryHandler(), for spans and metrics
        return agent.invoke(given, {"configurable": {"thread_id": "1"}, "callbacks": callbacks})


def ask(llm: ChatGeminiCodeExecution) -> None:
    """Ask, approve, and print what there is to see afterwards."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        state = go_on(llm, folder, {"messages": [("user", "Where does the code run?")]})
        while interrupts := state.get("__interrupt__"):
            print("asked   ", interrupts[0].value["description"].splitlines()[-1])
            state = go_on(llm, folder, Command(resume={"type": "approve"}))
        records = [json.loads(line) for line in (folder / "audit.jsonl").read_text().splitlines()]
    for run in (run for message in state["messages"] for run in code_executions(message)):
        print(f"{run.review['decision']:8} {(run.output or run.review['reason']).strip()}")
    print("model   ", state["messages"][-1].text)
    print("audit   ", ", ".join(record["kind"] for record in records))
    usage = ExecutionUsage.of(state, PRICES)
    print(f"usage    {usage.executions} program, {usage.tokens.total} tokens for {usage.cost:f} USD")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="An agent as it goes into production.")
    parser.add_argument("--live", action="store_true", help="ask the real service")
    script = [[{"functionCall": {"name": "python", "args": {"code": code}}}] for code in PROGRAMS]
    if parser.parse_args().live:
        ask(ChatGeminiCodeExecution(model="gemini-3-flash-preview"))
    else:
        with GeminiEmulator(ScriptedBrain(script)) as emulator:
            ask(ChatGeminiCodeExecution(model="gemini-4-argon", api_key="any", base_url=emulator.url))
