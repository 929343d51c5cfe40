"""The same tasks with the default, which withholds nothing, with a plain function as planner, and with a model.

`python examples/planners_compared.py` lets a stand-in answer on this machine, which is no language model, and a script
stand in for the model that plans; the code really runs. With `--live` Gemini answers and plans, reached as the
environment says. The function goes by digits and withholds what the second task needs: what narrows a request must
understand it. The former prints:

    What is the standard deviation of 3, 5, 8 and 13?
      default: code execution, pieces_in_stock (the model chooses; it is offered code execution and all functions)
      digits_mean_code: code execution (digits_mean_code chose code execution)
      ModelPlanner: code execution (the model chose: the numbers are all there)

    How many pieces of the article 'M8 bolt' are in stock?
      default: code execution, pieces_in_stock (the model chooses; it is offered code execution and all functions)
      digits_mean_code: code execution (digits_mean_code chose code execution)
      ModelPlanner: pieces_in_stock (the model chose: the stock is looked up)
"""

from __future__ import annotations

import argparse
import json

from langchain_codeexec import ChatGeminiCodeExecution
from langchain_codeexec.emulator import GeminiEmulator, ScriptedBrain, When
from langchain_codeexec.planning import ModelPlanner, NativePlanner, PlanRequest

MODEL = "gemini-2.5-flash"  # takes code execution or functions in a request, not both
TASKS = (
    "What is the standard deviation of 3, 5, 8 and 13?",
    "How many pieces of the article 'M8 bolt' are in stock?",
)
CODE = {"code_execution": True, "functions": [], "reason": "the numbers are all there"}
FUNCTION = {"code_execution": False, "functions": ["pieces_in_stock"], "reason": "the stock is looked up"}
PLANS = [When(text=TASKS[0], reply=json.dumps(CODE)), When(text=TASKS[1], reply=json.dumps(FUNCTION))]


def pieces_in_stock(article: str) -> int:
    """Count the pieces of an article in the warehouse."""
    return {"M8 bolt": 1280}.get(article, 0)


def digits_mean_code(request: PlanRequest) -> str:
    """Code execution where the question has a digit in it, everything elsewhere."""
    return "code_execution" if any(map(str.isdigit, request.messages[-1].text)) else "both"


def compare(llm: ChatGeminiCodeExecution, small: ChatGeminiCodeExecution) -> None:
    """Print what each planner gives each task, and why; `small` is the model that plans."""
    planners = {
        "default": NativePlanner(),
        "digits_mean_code": digits_mean_code,
        "ModelPlanner": ModelPlanner(small),
    }
    for task in TASKS:
        print(task)
        for name, planner in planners.items():
            answer = llm.bind_tools([pieces_in_stock]).invoke(task, planner=planner)
            plan = answer.response_metadata["plan"]
            offered = ["code execution"] * plan["code_execution"] + plan["functions"]
            print(f"  {name}: {', '.join(offered)} ({plan['reason']})")
        print()


def main() -> None:
    """Ask the model that the command line names."""
    parser = argparse.ArgumentParser(description="The same tasks with three planners.")
    parser.add_argument("--live", action="store_true", help="ask the real service")
    if parser.parse_args().live:
        compare(
            ChatGeminiCodeExecution(model=MODEL), ChatGeminiCodeExecution(model=MODEL, code_execution=False)
        )
        return
    with GeminiEmulator() as emulator, GeminiEmulator(ScriptedBrain(PLANS)) as planning:
        settings = {"model": MODEL, "vertexai": False, "api_key": "any"}
        compare(
            ChatGeminiCodeExecution(**settings, base_url=emulator.url),
            ChatGeminiCodeExecution(**settings, base_url=planning.url, code_execution=False),
        )


if __name__ == "__main__":
    main()
