"""A table is asked about: a figure, and a plot that is saved as a picture.

`python examples/csv_analysis.py` lets a rule-based stand-in answer on this machine, which is no language model;
the code really runs. With `--live` Gemini answers, reached as the environment says. The former prints:

    What is the mean of the revenue column?

    Files in the working directory:
    - input_file_0.csv: sales 2026.csv; 6 rows; columns: month (text), region (text), units (integer), revenue (number)
        month,region,units,revenue
        2026-01,north,120,2398.80
        2026-01,south,80,1599.20
        2026-02,north,135,2698.65

    user: What is the mean of the revenue column?
    output: mean = 2232.2166666666667
    model: The mean of revenue is 2232.2166666666667.

    user: What is the total revenue for each region?
    output: results = {'north': 7296.35, 'south': 6096.95}
    model: The total of revenue by region: {'north': 7296.35, 'south': 6096.95}.

    user: Plot the revenue as a bar chart by month.
    output: points = 3
    saved: image/png in the folder plots
    model: I have drawn a bar chart of 3 points, titled "Revenue".
"""

from __future__ import annotations

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory

from langchain_codeexec import ChatGeminiCodeExecution, code_executions
from langchain_codeexec.data import data_message, saved_outputs
from langchain_codeexec.emulator import GeminiEmulator

MODEL = "gemini-3-flash-preview"
SALES = """\
month,region,units,revenue
2026-01,north,120,2398.80
2026-01,south,80,1599.20
2026-02,north,135,2698.65
2026-02,south,95,1899.05
2026-03,north,110,2198.90
2026-03,south,130,2598.70
"""
QUESTIONS = (
    "What is the mean of the revenue column?",
    "What is the total revenue for each region?",
    "Plot the revenue as a bar chart by month.",
)


def analyse(llm: ChatGeminiCodeExecution, table: Path, sink: Path) -> None:
    """Ask about a file, and print what the model is told and what it finds."""
    print(data_message(QUESTIONS[0], table).text)
    for question in QUESTIONS:
        answer = llm.invoke([data_message(question, table)])
        print(f"\nuser: {question}")
        for run in code_executions(answer):
            print(f"output: {run.output.strip()}")
        for saved in saved_outputs(answer):
            print(f"saved: {saved['mime_type']} in the folder {sink.name}")
        print(f"model: {answer.text.strip().splitlines()[-1]}")


def main() -> None:
    """Ask whoever the command line asks for."""
    parser = argparse.ArgumentParser(description="Questions about a CSV file, with a plot.")
    parser.add_argument("--live", action="store_true", help="ask the real service")
    parser.add_argument("--save", type=Path, help="folder to keep the plots in")
    options = parser.parse_args()
    with TemporaryDirectory() as folder:
        table = Path(folder) / "sales 2026.csv"
        table.write_text(SALES, encoding="utf-8")
        sink = options.save or Path(folder) / "plots"
        if options.live:
            analyse(ChatGeminiCodeExecution(model=MODEL, output_sink=sink), table, sink)
            return
        with GeminiEmulator() as emulator:
            settings = {"model": MODEL, "vertexai": False, "api_key": "any", "base_url": emulator.url}
            analyse(ChatGeminiCodeExecution(**settings, output_sink=sink), table, sink)


if __name__ == "__main__":
    main()
