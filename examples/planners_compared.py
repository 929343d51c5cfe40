"""The same tasks with three planners: rules, a model (offline a script that stands in for one), and one of your own.

`python examples/planners_compared.py` lets a rule-based stand-in answer on this machine, which is no language
model; the code really runs. With `--live` Gemini answers, reached as the environment says. The former prints:

    What is the standard deviation of 3, 5, 8 and 13?
      RulePlanner: code execution (the question gives 4 numbers and asks for a computation (standard, deviation))
      ModelPlanner: code execution (the model chose: a word of the task says so)
      digits_mean_code: code execution (digits_mean_code chose code execution)

    How many pieces of the article 'M8 bolt' are in stock?
      RulePlanner: pieces_in_stock (`pieces_in_stock` covers the question and its argument (article) is in the text)
      ModelPlanner: pieces_in_stock (the model chose: a word of the task says so)
      digits_mean_code: code execution (digits_mean_code chose code execution)

    Write to anna@example.com that her order is on its way.
      RulePlanner: nothing (no declared function covers the question and it gives nothing to compute with)
      ModelPlanner: send_mail (the model chose: a word of the task says so)
      digits_mean_code: pieces_in_stock, send_mail (digits_mean_code chose functions)

    What is the sum of the first 50 prime numbers?
      RulePlanner: code execution (the question gives 1 number and asks for a computation (sum, prime))
      ModelPlanner: code execution (the model chose: a word of the task says so)
      digits_mean_code: code execution (digits_mean_code chose code execution)

    Thank you!
      RulePlanner: nothing (no declared function covers the question and it gives nothing to compute with)
      ModelPlanner: nothing (the model chose: a word of the task says so)
      digits_mean_code: pieces_in_stock, send_mail (digits_mean_code chose functions)
"""

from __future__ import annotations

import argparse
import json
from typing import Any

from langchain_codeexec import ChatGeminiCodeExecution
from langchain_codeexec.emulator import GeminiEmulator, ScriptedBrain
from langchain_codeexec.planning import ModelPlanner, PlanRequest, RulePlanner, planner

MODEL = "gemini-2.5-flash"  # takes code execution or functions in a request, not both
TASKS = (
    "What is the standard deviation of 3, 5, 8 and 13?",
    "How many pieces of the article 'M8 bolt' are in stock?",
    "Write to anna@example.com that her order is on its way.",
    "What is the sum of the first 50 prime numbers?",
    "Thank you!",
)


def pieces_in_stock(article: str) -> int:
    """Count the pieces of an article in the warehouse."""
    return {"M8 bolt": 1280}.get(article, 0)


def send_mail(to: str, text: str) -> str:
    """Send a mail."""
    return f"sent to {to}: {text}"


@planner
def digits_mean_code(request: PlanRequest) -> str:
    """Code execution where the question has a digit in it, functions elsewhere."""
    return "code_execution" if any(map(str.isdigit, request.messages[-1].text)) else "functions"


def compare(llm: ChatGeminiCodeExecution, small: ChatGeminiCodeExecution) -> None:
    """Print what each planner gives each task, and why; `small` is the model that plans."""
    planners = {
        "RulePlanner": RulePlanner(),
        "ModelPlanner": ModelPlanner(small),
        "digits_mean_code": digits_mean_code,
    }
    for task in TASKS:
        print(task)
        for name, choosing in planners.items():
            answer = llm.bind_tools([pieces_in_stock, send_mail]).invoke(task, planner=choosing)
            plan = answer.response_metadata["plan"]
            given = [*["code execution"] * plan["code_execution"], *plan["functions"]]
            print(f"  {name}: {', '.join(given) or 'nothing'} ({plan['reason']})")
        print()


def stand_in(prompt: Any) -> list[str]:
    """Plan as a small model might: offline there is none. It knows a few words for each thing."""
    asked = prompt.request["contents"][-1]["parts"][0]["text"]
    task = asked.partition("human: ")[2].partition("\n")[0].lower()
    meanings = {"pieces_in_stock": ("stock",), "send_mail": ("write", "mail", "tell")}
    functions = [name for name, words in meanings.items() if any(word in task for word in words)]
    code = not functions and any(word in task for word in ("sum", "deviation", "mean"))
    return [
        json.dumps({"code_execution": code, "functions": functions, "reason": "a word of the task says so"})
    ]


def main() -> None:
    """Ask whoever the command line asks for."""
    parser = argparse.ArgumentParser(description="The same tasks with three planners.")
    parser.add_argument("--live", action="store_true", help="ask the real service")
    if parser.parse_args().live:
        compare(
            ChatGeminiCodeExecution(model=MODEL), ChatGeminiCodeExecution(model=MODEL, code_execution=False)
        )
        return
    with GeminiEmulator() as emulator, GeminiEmulator(ScriptedBrain(stand_in)) as planning:
        settings = {"model": MODEL, "vertexai": False, "api_key": "any"}
        compare(
            ChatGeminiCodeExecution(**settings, base_url=emulator.url),
            ChatGeminiCodeExecution(**settings, base_url=planning.url, code_execution=False),
        )


if __name__ == "__main__":
    main()
