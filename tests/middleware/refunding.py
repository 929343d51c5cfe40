"""An agent that pays refunds once somebody has agreed to the program and to the refund, in a process of its own, to be killed.

`python refunding.py DATABASE LOG GATE WAY ANSWER`: begins a conversation, or goes on with it by an answer; tools write
what they do to LOG, and one of them waits until GATE can be read.
"""

import asyncio
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from langchain.agents import create_agent
from langchain.agents.middleware import HumanInTheLoopMiddleware
from langchain_core.messages import AIMessage
from langchain_core.tools import tool
from langgraph.types import Command

from langchain_codeexec import CodeExecutionMiddleware
from langchain_codeexec.control import ExecutionPolicy
from langchain_codeexec.executors import ProcessExecutor
from langchain_codeexec.middleware import ExecutionPolicyMiddleware
from tests.tools.calling import QUESTION, THREAD, Scripted, programs, replies

CODE = """
total = sum(price(symbol) for symbol in "AB") + sum(gather((price, "C"), (price, "D")))
paid = refund("7", total)
check()
print(paid, total)
"""


def savers(database: str) -> tuple[Any, Any]:
    """Opens the checkpointer of a database, for threads and for an event loop."""
    kind = "postgres" if database.startswith("postgresql:") else "sqlite"
    names = (
        ("PostgresSaver", "AsyncPostgresSaver") if kind == "postgres" else ("SqliteSaver", "AsyncSqliteSaver")
    )
    modules = map(import_module, (f"langgraph.checkpoint.{kind}", f"langgraph.checkpoint.{kind}.aio"))
    saver, asaver = (
        getattr(module, name).from_conn_string for module, name in zip(modules, names, strict=True)
    )
    return saver, asaver


def agent_with(saver: Any, log: Path, gate: Path) -> Any:
    def note(line: str) -> None:
        with log.open("a") as file:
            file.write(f"{line}\n")

    @tool
    def price(symbol: str) -> int:
        """Price."""
        note(f"price {symbol}")
        return 2

    @tool
    def refund(order: str, amount: int) -> str:
        """Pay."""
        note(f"refund {order} {amount}")
        return "paid"

    @tool
    def check() -> None:
        """Wait for the gate."""
        note("check")
        gate.read_text()

    middleware = [
        CodeExecutionMiddleware(executor=ProcessExecutor(), callable_from_code="all"),
        HumanInTheLoopMiddleware({"refund": True}, interrupt_mode="per_call"),
        ExecutionPolicyMiddleware(ExecutionPolicy(names={"refund": "ask"})),
    ]
    llm = Scripted(lines=[programs(CODE), AIMessage("done")] if not ANSWER else [AIMessage("done")])
    return create_agent(llm, [price, refund, check], middleware=middleware, checkpointer=saver)


def told(state: Any) -> str:
    return "waiting" if "__interrupt__" in state else replies(state)[0].replace("\n", " ")


async def arun(database: str, given: Any, *files: Path) -> str:
    async with savers(database)[1](database) as saver:
        return told(await agent_with(saver, *files).ainvoke(given, THREAD))


def run(database: str, given: Any, *files: Path) -> str:
    with savers(database)[0](database) as saver:
        return told(agent_with(saver, *files).invoke(given, THREAD))


if __name__ == "__main__":
    database, log, gate, way, ANSWER = sys.argv[1:]
    given: Any = {"": QUESTION, "again": None}.get(ANSWER, Command(resume={"type": ANSWER}))
    files = Path(log), Path(gate)
    said = asyncio.run(arun(database, given, *files)) if way == "async" else run(database, given, *files)
    sys.stdout.write(f"{said}\n")
    sys.stdout.flush()
    sys.stdin.read()  # until it is killed
