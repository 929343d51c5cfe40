r"""A graph that stops before a function is called, is kept by SQLite, and goes on later where it stood.

`python examples/langgraph_resume.py` lets a stand-in answer on this machine, which is no language model;
the code really runs. With `--live` Gemini answers, reached as the environment says. The former prints:

      code    15 lines, printed 'total = 5117\n'
      ai      The sum of the first 50 prime numbers is 5117.
      call    book({'amount': 5117, 'account': 'primes'})
    stopped before: tools

    resumed with:
      human   What is the sum of the first 50 prime numbers?
      code    15 lines, printed 'total = 5117\n'
      ai      The sum of the first 50 prime numbers is 5117.
      human   Call book with amount=5117 and account='primes'.
      call    book({'amount': 5117, 'account': 'primes'})
    and then:
      tool    booked 5117 to primes
      ai      book(amount=5117, account="primes") returned: booked 5117 to primes
"""

from __future__ import annotations

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from langchain_core.messages import AIMessage
from langchain_core.tools import tool
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode, tools_condition

from langchain_codeexec import ChatGeminiCodeExecution, code_executions
from langchain_codeexec.emulator import GeminiEmulator

if TYPE_CHECKING:
    from langchain_core.runnables import RunnableConfig
    from langgraph.checkpoint.base import BaseCheckpointSaver
    from langgraph.graph.state import CompiledStateGraph

MODEL = "gemini-3-flash-preview"
THREAD: RunnableConfig = {"configurable": {"thread_id": "ledger"}}


@tool
def book(amount: float, account: str) -> str:
    """Book an amount to an account."""
    return f"booked {amount:g} to {account}"


def graph(llm: ChatGeminiCodeExecution, kept_by: BaseCheckpointSaver[Any]) -> CompiledStateGraph[Any]:
    """A model and its functions, which wait for a human."""
    bound = llm.bind_tools([book])
    built = StateGraph(MessagesState)
    built.add_node("model", lambda state: {"messages": [bound.invoke(state["messages"])]})
    built.add_node("tools", ToolNode([book]))
    built.add_edge(START, "model")
    built.add_conditional_edges("model", tools_condition)
    built.add_edge("tools", "model")
    return built.compile(checkpointer=kept_by, interrupt_before=["tools"])


def start(llm: ChatGeminiCodeExecution, database: Path) -> None:
    """Ask until a function is to be called, and leave."""
    with SqliteSaver.from_conn_string(str(database)) as saver:
        run = graph(llm, saver)
        for question in (
            "What is the sum of the first 50 prime numbers?",
            "Call book with amount=5117 and account='primes'.",
        ):
            state = run.invoke({"messages": [("user", question)]}, THREAD)
            show(state["messages"][-1])
        print(f"stopped before: {', '.join(run.get_state(THREAD).next)}\n")


def resume(llm: ChatGeminiCodeExecution, database: Path) -> None:
    """Go on with what the database holds, as another process would."""
    with SqliteSaver.from_conn_string(str(database)) as saver:
        run = graph(llm, saver)
        print("resumed with:")
        for message in run.get_state(THREAD).values["messages"]:
            show(message)
        state = run.invoke(None, THREAD)
        print("and then:")
        for message in state["messages"][-2:]:
            show(message)


def show(message: Any) -> None:
    """Print what a message tells, in a line or two."""
    for run in code_executions(message):
        print(f"  code    {len(run.code.splitlines())} lines, printed {run.output!r}")
    for call in message.tool_calls if isinstance(message, AIMessage) else ():
        print(f"  call    {call['name']}({call['args']})")
    if message.text:
        print(f"  {message.type:7} {message.text.strip().splitlines()[-1]}")


def main() -> None:
    """Ask the model that the command line names."""
    parser = argparse.ArgumentParser(description="A graph that is stopped and resumed in mid-run.")
    parser.add_argument("--live", action="store_true", help="ask the real service")
    with TemporaryDirectory() as folder:
        database = Path(folder) / "conversations.sqlite"
        if parser.parse_args().live:
            start(ChatGeminiCodeExecution(model=MODEL), database)
            resume(ChatGeminiCodeExecution(model=MODEL), database)
            return
        with GeminiEmulator() as emulator:
            settings = {"model": MODEL, "vertexai": False, "api_key": "any", "base_url": emulator.url}
            start(ChatGeminiCodeExecution(**settings), database)
            resume(ChatGeminiCodeExecution(**settings), database)


if __name__ == "__main__":
    main()
