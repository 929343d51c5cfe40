'''An agent that has a function of its own and code execution, and uses each for what it is there for.

`python examples/agent.py` lets a stand-in answer on this machine, which is no language model; the
code really runs. With `--live` Gemini answers, reached as the environment says. The former prints:

    user: How many pieces of the article 'M8 bolt' are in stock?

    model: calls pieces_in_stock with {'article': 'M8 bolt'}
    function: pieces_in_stock returned 1280

    model: pieces_in_stock(article="M8 bolt") returned: 1280

    plan: native: the model chooses; it is offered code execution and all functions
    plan: native: the model chooses; it is offered code execution and all functions

    user: What is the sum of the first 50 prime numbers?

    code:
    import math

    def is_prime(n):
        """Trial division up to the square root."""
        return n > 1 and all(n % d for d in range(2, math.isqrt(n) + 1))


    terms = []
    n = 2
    while len(terms) < 50:
        if is_prime(n):
            terms.append(n)
        n += 1
    total = sum(terms)
    print(f"{total = }")

    output:
    total = 5117

    model: I will collect the first 50 prime numbers by trial division and compute their sum.

    The sum of the first 50 prime numbers is 5117.

    plan: native: the model chooses; it is offered code execution and all functions
'''

from __future__ import annotations

import argparse

from langchain.agents import create_agent
from langchain_core.messages import AIMessage, ToolMessage

from langchain_codeexec import ChatGeminiCodeExecution, CodeExecutionMiddleware, code_executions
from langchain_codeexec.emulator import GeminiEmulator

MODEL = "gemini-3-flash-preview"
STOCK = {"M6 bolt": 3400, "M8 bolt": 1280, "M8 nut": 95}
QUESTIONS = (
    "How many pieces of the article 'M8 bolt' are in stock?",
    "What is the sum of the first 50 prime numbers?",
)


def pieces_in_stock(article: str) -> int:
    """Count the pieces of an article in the warehouse.

    Args:
        article: Name of the article.
    """
    return STOCK.get(article, 0)


def ask(llm: ChatGeminiCodeExecution) -> None:
    """Ask one agent the questions and print what it does."""
    agent = create_agent(llm, tools=[pieces_in_stock], middleware=[CodeExecutionMiddleware()])
    for question in QUESTIONS:
        print(f"user: {question}\n")
        state = agent.invoke({"messages": [("user", question)]})
        for message in state["messages"]:
            show(message)
        for plan in state["code_execution_plans"]:
            print(f"plan: {plan['way']}: {plan['reason']}")
        print()


def show(message: object) -> None:
    """Print what a message of the agent tells."""
    if isinstance(message, ToolMessage):
        print(f"function: {message.name} returned {message.text}\n")
    if isinstance(message, AIMessage):
        for call in message.tool_calls:
            print(f"model: calls {call['name']} with {call['args']}")
        for run in code_executions(message):
            print(f"code:\n{run.code}\noutput:\n{run.output}")
        if message.text:
            print(f"model: {message.text.strip()}\n")


def main() -> None:
    """Ask the model that the command line names."""
    parser = argparse.ArgumentParser(description="An agent with a function of its own and code execution.")
    parser.add_argument("--live", action="store_true", help="ask the real service")
    if parser.parse_args().live:
        ask(ChatGeminiCodeExecution(model=MODEL))
        return
    with GeminiEmulator() as emulator:
        ask(ChatGeminiCodeExecution(model=MODEL, vertexai=False, api_key="any", base_url=emulator.url))


if __name__ == "__main__":
    main()
