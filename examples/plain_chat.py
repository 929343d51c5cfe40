'''A chat of two turns in which Gemini runs code.

`python examples/plain_chat.py` lets a stand-in answer on this machine, which is no language model; the
code really runs. With `--live` Gemini answers, reached as the environment says. The former prints:

    user: Can you print "Hello world!"?

    code:
    print('Hello world!')

    output:
    Hello world!

    model: I will print "Hello world!".

    I have printed "Hello world!" with the Python code above.

    user: What is the sum of the first 50 prime numbers?
    Generate and run code for the calculation, and make sure you get all 50.

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
'''

from __future__ import annotations

import argparse

from langchain_core.messages import AnyMessage, HumanMessage

from langchain_codeexec import ChatGeminiCodeExecution, code_executions
from langchain_codeexec.emulator import GeminiEmulator

MODEL = "gemini-3-flash-preview"
QUESTIONS = (
    'Can you print "Hello world!"?',
    """\
What is the sum of the first 50 prime numbers?
Generate and run code for the calculation, and make sure you get all 50.""",
)


def chat(llm: ChatGeminiCodeExecution) -> None:
    """Ask the questions in one conversation and print what happens."""
    history: list[AnyMessage] = []
    for question in QUESTIONS:
        print(f"user: {question}\n")
        history.append(HumanMessage(question))
        answer = llm.invoke(history)
        history.append(answer)  # with the code and what it printed: the model sees both in the next turn
        for run in code_executions(answer):
            print(f"code:\n{run.code}\noutput:\n{run.output}")
        print(f"model: {answer.text}")


def main() -> None:
    """Chat with the model that the command line names."""
    parser = argparse.ArgumentParser(description="A chat of two turns in which Gemini runs code.")
    parser.add_argument("--live", action="store_true", help="ask the real service")
    if parser.parse_args().live:
        chat(ChatGeminiCodeExecution(model=MODEL))
        return
    with GeminiEmulator() as emulator:
        chat(ChatGeminiCodeExecution(model=MODEL, vertexai=False, api_key="any", base_url=emulator.url))


if __name__ == "__main__":
    main()
