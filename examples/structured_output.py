r"""An answer in a shape of your own, with the run it rests on.

`python examples/structured_output.py` lets a stand-in answer on this machine, which is no language model;
the code really runs. With `--live` Gemini answers, reached as the environment says. The former prints:

    gemini-3-flash-preview: Invoice(total=49.75)
      computed by 3 lines of code, which printed 'total = 49.75\n'
    gemini-2.5-flash: Invoice(total=49.75)
      computed by 3 lines of code, which printed 'total = 49.75\n'
"""

from __future__ import annotations

import argparse

from pydantic import BaseModel, Field

from langchain_codeexec import ChatGeminiCodeExecution, code_executions
from langchain_codeexec.emulator import GeminiEmulator

MODELS = ("gemini-3-flash-preview", "gemini-2.5-flash")  # the latter takes no schema beside code execution
QUESTION = "What is the total of 12.5, 30 and 7.25?"


class Invoice(BaseModel):
    """What an invoice comes to."""

    total: float = Field(description="Sum of all items.")


def ask(llm: ChatGeminiCodeExecution) -> None:
    """Print the parsed answer and the run behind it."""
    found = llm.with_structured_output(Invoice, include_raw=True).invoke(QUESTION)
    print(f"{llm.model}: {found['parsed']!r}")
    for run in code_executions(found["raw"]):
        print(f"  computed by {len(run.code.splitlines())} lines of code, which printed {run.output!r}")


def main() -> None:
    """Ask the model that the command line names."""
    parser = argparse.ArgumentParser(description="An answer in a shape of your own.")
    parser.add_argument("--live", action="store_true", help="ask the real service")
    if parser.parse_args().live:
        for model in MODELS:
            ask(ChatGeminiCodeExecution(model=model))
        return
    with GeminiEmulator() as emulator:
        for model in MODELS:
            ask(ChatGeminiCodeExecution(model=model, vertexai=False, api_key="any", base_url=emulator.url))


if __name__ == "__main__":
    main()
