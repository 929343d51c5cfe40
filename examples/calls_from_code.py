"""An agent whose programs call its functions: ten prices looked up by one program, and one refund approved.

`python examples/calls_from_code.py` lets a script stand in for the model; the programs really run, in the
sandbox. With `--live` Gemini writes them, reached as the environment says. The former prints:

    user: What do the articles A, B, C, D, E, F, G, H, I, J cost on average, and which costs most?

    code:
    import pandas as pd

    names = list("ABCDEFGHIJ")
    prices = pd.Series(gather(*[(get_price, name) for name in names]), index=names)
    print(f"mean {prices.mean():.2f}, most {prices.idxmax()} at {prices.max():.2f}")

    line 4: get_price {'article': 'A'} returned 4.5
    line 4: get_price {'article': 'B'} returned 7.5
    line 4: get_price {'article': 'C'} returned 10.5
    line 4: get_price {'article': 'D'} returned 13.5
    line 4: get_price {'article': 'E'} returned 16.5
    line 4: get_price {'article': 'F'} returned 19.5
    line 4: get_price {'article': 'G'} returned 22.5
    line 4: get_price {'article': 'H'} returned 25.5
    line 4: get_price {'article': 'I'} returned 28.5
    line 4: get_price {'article': 'J'} returned 31.5

    output:
    mean 18.00, most J at 31.50

    model: mean 18.00, most J at 31.50

    user: Refund the orders order-1, order-2 and order-3. How much is that together?

    approved: refund {'order': 'order-2'}

    code:
    total = 0
    for order in ["order-1", "order-2", "order-3"]:
        total += refund(order)
    print(f"refunded {total:.2f}")

    line 3: refund {'order': 'order-1'} returned 24.5
    line 3: refund {'order': 'order-2'} returned 310.0
    line 3: refund {'order': 'order-3'} returned 8.0

    output:
    refunded 342.50

    model: refunded 342.50
"""

from __future__ import annotations

import argparse
from typing import Any

from langchain.agents import create_agent
from langchain.agents.middleware import HumanInTheLoopMiddleware
from langchain_core.messages import AIMessage, ToolMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from langchain_codeexec import ChatGeminiCodeExecution, CodeExecutionMiddleware, LocalSandbox, code_executions
from langchain_codeexec.emulator import GeminiEmulator, ScriptedBrain

MODEL = "gemini-3-flash-preview"
PRICES = {name: 4.5 + 3 * place for place, name in enumerate("ABCDEFGHIJ")}
PAID = {"order-1": 24.5, "order-2": 310.0, "order-3": 8.0}
QUESTIONS = (
    f"What do the articles {', '.join(PRICES)} cost on average, and which costs most?",
    "Refund the orders order-1, order-2 and order-3. How much is that together?",
)
SCRIPT = [
    """\
import pandas as pd

names = list("ABCDEFGHIJ")
prices = pd.Series(gather(*[(get_price, name) for name in names]), index=names)
print(f"mean {prices.mean():.2f}, most {prices.idxmax()} at {prices.max():.2f}")
""",
    """\
total = 0
for order in ["order-1", "order-2", "order-3"]:
    total += refund(order)
print(f"refunded {total:.2f}")
""",
]


def get_price(article: str) -> float:
    """Look up what an article costs, in EUR."""
    return PRICES[article]


def refund(order: str) -> float:
    """Pay back what was paid for an order, and return the amount in EUR."""
    return PAID[order]


def needs_approval(request: Any) -> bool:
    """Whether somebody has to approve a refund."""
    return PAID[request.tool_call["args"]["order"]] > 100  # noqa: PLR2004 -- EUR


def ask(llm: ChatGeminiCodeExecution) -> None:
    """Ask one agent both questions, approve what it asks for, and print what its programs did."""
    review = HumanInTheLoopMiddleware(
        {"refund": {"allowed_decisions": ["approve", "reject"], "when": needs_approval}},
        interrupt_mode="per_call",
    )
    with LocalSandbox() as sandbox:
        agent = create_agent(
            llm,
            tools=[get_price, refund],
            middleware=[CodeExecutionMiddleware(executor=sandbox, callable_from_code="all"), review],
            checkpointer=InMemorySaver(),
        )
        for number, question in enumerate(QUESTIONS):
            print(f"user: {question}\n")
            config: Any = {"configurable": {"thread_id": str(number)}}
            state = agent.invoke({"messages": [("user", question)]}, config)
            while interrupts := state.get("__interrupt__"):
                [waiting] = interrupts
                print(f"approved: {waiting.value['name']} {waiting.value['args']}\n")
                state = agent.invoke(Command(resume={waiting.id: {"type": "approve"}}), config)
            for message in state["messages"]:
                show(message)


def show(message: object) -> None:
    """Print a program with its calls and what it printed, or what the model says."""
    if isinstance(message, ToolMessage):
        for run in code_executions(message):
            print(f"code:\n{run.code}")
            for call in run.calls:
                print(f"line {call.line}: {call.name} {call.args} returned {call.result}")
            print(f"\noutput:\n{run.output}")
    elif isinstance(message, AIMessage) and message.text:
        print(f"model: {message.text.strip()}\n")


def scripted() -> ScriptedBrain:
    """Programs as a model would write them, each followed by what it printed."""

    def answer(prompt: Any) -> list[str]:
        reply = prompt.request["contents"][-1]["parts"][-1]["functionResponse"]["response"]
        return [next(iter(reply.values())).splitlines()[-1]]

    return ScriptedBrain(
        [
            step
            for code in SCRIPT
            for step in ([{"functionCall": {"name": "python", "args": {"code": code}}}], answer)
        ]
    )


def main() -> None:
    """Ask the model that the command line names."""
    parser = argparse.ArgumentParser(description="An agent whose programs call its functions.")
    parser.add_argument("--live", action="store_true", help="ask the real service")
    if parser.parse_args().live:
        ask(ChatGeminiCodeExecution(model=MODEL))
        return
    with GeminiEmulator(scripted()) as emulator:
        ask(ChatGeminiCodeExecution(model=MODEL, vertexai=False, api_key="any", base_url=emulator.url))


if __name__ == "__main__":
    main()
