"""Tests of an agent, without a network: the package's pytest plugin brings the service.

`python examples/testing_an_agent.py` runs them as `pytest` would; with `--live` the agent asks Gemini, reached
as the environment says. The former prints:

    ============================= test session starts ==============================
    collecting ... collected 3 items

    testing_an_agent.py::test_the_orders_are_looked_up_and_computed_with PASSED [ 33%]
    testing_an_agent.py::test_the_quota_is_named_where_it_is_used_up PASSED  [ 66%]
    testing_an_agent.py::test_the_stand_in_answers_where_there_is_no_script PASSED [100%]

    ============================== 3 passed in 4.31s ===============================
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from langchain.agents import create_agent

from langchain_codeexec import ChatGeminiCodeExecution, CodeExecutionMiddleware, code_executions
from langchain_codeexec.errors import RateLimitError

if TYPE_CHECKING:
    from langchain_codeexec.emulator import GeminiEmulator

MODEL = "gemini-3-flash-preview"
QUESTION = "What does Anna spend on average?"
MEAN = "import statistics\nprint(statistics.mean([120.0, 80.0, 40.0]))"


def orders_of(customer: str) -> list[float]:
    """Amounts of a customer's orders, in EUR."""
    return {"Anna": [120.0, 80.0, 40.0]}.get(customer, [])


def answer_of(llm: ChatGeminiCodeExecution, question: str) -> dict[str, Any]:
    """Have the agent under test answer."""
    agent = create_agent(llm, [orders_of], middleware=[CodeExecutionMiddleware()])
    return agent.invoke({"messages": [("user", question)]})


@pytest.mark.gemini_script(
    [
        [{"functionCall": {"name": "orders_of", "args": {"customer": "Anna"}}}],
        [{"executableCode": {"language": "PYTHON", "code": MEAN}}, "On average 80 EUR."],
    ]
)
def test_the_orders_are_looked_up_and_computed_with(
    gemini_code_model: ChatGeminiCodeExecution, gemini_emulator: GeminiEmulator
) -> None:
    state = answer_of(gemini_code_model, QUESTION)
    [run] = code_executions(state["messages"][-1])
    assert run.output == "80.0\n"  # the code of the script was really run
    gemini_emulator.assert_requested(times=2, tools=["functionDeclarations", "codeExecution"])


@pytest.mark.gemini_script([], faults=["quota"])
def test_the_quota_is_named_where_it_is_used_up(gemini_code_model: ChatGeminiCodeExecution) -> None:
    with pytest.raises(RateLimitError, match="RESOURCE_EXHAUSTED"):
        answer_of(gemini_code_model, QUESTION)


def test_the_stand_in_answers_where_there_is_no_script(gemini_code_model: ChatGeminiCodeExecution) -> None:
    state = answer_of(gemini_code_model, "What is 17 * 23?")
    assert "391" in state["messages"][-1].text


def main() -> None:
    """Run these tests, as `pytest examples/testing_an_agent.py` does; or ask the real service the question."""
    parser = argparse.ArgumentParser(description="Tests of an agent, without a network.")
    parser.add_argument("--live", action="store_true", help="ask the real service instead")
    if parser.parse_args().live:
        print(answer_of(ChatGeminiCodeExecution(model=MODEL), QUESTION)["messages"][-1].text)
        return
    here = Path(__file__)
    alone = ["-c", os.devnull, "--rootdir", str(here.parent)]  # whatever project the script lies in
    command = [
        sys.executable,
        "-m",
        "pytest",
        *alone,
        "-v",
        "--no-header",
        "-p",
        "no:cacheprovider",
        here.name,
    ]
    sys.exit(subprocess.run(command, cwd=here.parent, check=False).returncode)


if __name__ == "__main__":
    main()
