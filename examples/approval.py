"""An agent whose programs are judged: one is denied, one is edited before it runs, one is rejected.

`python examples/approval.py` lets a script stand in for the model; the programs really run, in the sandbox. With
`--live` Gemini writes them, reached as the environment says. The former prints:

    deny     import subprocess; print(subprocess.run("ls"))
             line 1: subprocess (names['subprocess']); line 1: subprocess.run (names['subprocess'])
    edit     from os import path; print(path.splitext("notes.txt"))
             ('notes', '.txt')
    reject   import os; print(os.environ)
             User rejected the tool call for `python` with reason: The environment is private.
    model    It ends in .txt.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from langchain.agents import create_agent
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.types import Command

from langchain_codeexec import ChatGeminiCodeExecution, CodeExecutionMiddleware, LocalSandbox, code_executions
from langchain_codeexec.control import ExecutionPolicy
from langchain_codeexec.emulator import GeminiEmulator, ScriptedBrain
from langchain_codeexec.middleware import ExecutionPolicyMiddleware

POLICY = ExecutionPolicy(names={"subprocess": "deny", "os": "ask", "os.path": "allow"}, network="deny")
DENIED, ASKED = 'import subprocess; print(subprocess.run("ls"))', "import os; print(os.environ)"
EDITED = {"name": "python", "args": {"code": 'from os import path; print(path.splitext("notes.txt"))'}}
ANSWERS = [
    {"type": "edit", "edited_action": EDITED},
    {"type": "reject", "message": "The environment is private."},
]


def go_on(llm: ChatGeminiCodeExecution, sandbox: LocalSandbox, database: Path, given: Any) -> Any:
    """Go on with what the database holds, as another process would, until somebody has to answer."""
    middleware = [CodeExecutionMiddleware(executor=sandbox, run_here=True), ExecutionPolicyMiddleware(POLICY)]
    with SqliteSaver.from_conn_string(str(database)) as saver:
        agent = create_agent(llm, middleware=middleware, checkpointer=saver)
        return agent.invoke(given, {"configurable": {"thread_id": "1"}})


def ask(llm: ChatGeminiCodeExecution) -> None:
    """Ask, answer what is asked back, and print what became of each program."""
    with TemporaryDirectory() as folder, LocalSandbox() as sandbox:
        database, answers = Path(folder) / "threads.sqlite", iter(ANSWERS)
        state = go_on(llm, sandbox, database, {"messages": [("user", "What does notes.txt end in?")]})
        while state.get("__interrupt__"):
            state = go_on(llm, sandbox, database, Command(resume=next(answers, ANSWERS[-1])))
    for run in (run for message in state["messages"] for run in code_executions(message)):
        print(f"{run.review['decision']:8} {run.code}\n{'':8} {(run.output or run.review['reason']).strip()}")
    print(f"{'model':8} {state['messages'][-1].text}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="An agent whose programs are judged.")
    parser.add_argument("--live", action="store_true", help="ask the real service")
    script = [
        [{"functionCall": {"name": "python", "args": {"code": code}}}] for code in (DENIED, ASKED, ASKED)
    ]
    if parser.parse_args().live:
        ask(ChatGeminiCodeExecution(model="gemini-3-flash-preview"))
    else:
        with GeminiEmulator(ScriptedBrain([*script, "It ends in .txt."])) as emulator:
            ask(ChatGeminiCodeExecution(model="gemini-4-argon", api_key="any", base_url=emulator.url))
