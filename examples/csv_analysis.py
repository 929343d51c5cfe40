"""A table is asked about: a figure, and a plot that is saved as a picture.

`python examples/csv_analysis.py` lets a script stand in for the model on this machine; the code really runs. With `--live` Gemini answers, reached as the environment says. The former prints:

    What is the mean of the revenue column?

    Files in the working directory:
    - input_file_0.csv: sales 2026.csv; 6 rows; columns: month (text), region (text), units (integer), revenue (number)
        month,region,units,revenue
        2026-01,north,120,2398.80
        2026-01,south,80,1599.20
        2026-02,north,135,2698.65

    user: What is the mean of the revenue column?
    output: 2232.22
    model: The mean revenue is 2232.22.

    user: What is the total revenue for each region?
    output: {'north': 7296.35, 'south': 6096.95}
    model: The north has a revenue of 7296.35, the south of 6096.95.

    user: Plot the revenue as a bar chart by month.
    output: 3 bars
    saved: image/png in the folder plots
    model: The chart has a bar for each month.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory

from langchain_codeexec import ChatGeminiCodeExecution, code_executions
from langchain_codeexec.data import data_message, saved_outputs
from langchain_codeexec.emulator import GeminiEmulator, ScriptedBrain

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
SCRIPT = """
- - code: |
      import pandas as pd
      sales = pd.read_csv("input_file_0.csv")
      print(sales.revenue.mean().round(2))
  - The mean revenue is 2232.22.
- - code: |
      import pandas as pd
      sales = pd.read_csv("input_file_0.csv")
      print(sales.groupby("region").revenue.sum().round(2).to_dict())
  - The north has a revenue of 7296.35, the south of 6096.95.
- - code: |
      import matplotlib.pyplot as plt, pandas as pd
      months = pd.read_csv("input_file_0.csv").groupby("month").revenue.sum()
      plt.bar(months.index, months)
      plt.show()
      print(len(months), "bars")
  - The chart has a bar for each month.
"""


def analyse(llm: ChatGeminiCodeExecution, table: Path, sink: Path) -> None:
    """Ask about a file, and print what the model gets and what it finds."""
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
    """Ask the model that the command line names."""
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
        with GeminiEmulator(ScriptedBrain.from_yaml(SCRIPT)) as emulator:
            settings = {"model": MODEL, "vertexai": False, "api_key": "any", "base_url": emulator.url}
            analyse(ChatGeminiCodeExecution(**settings, output_sink=sink), table, sink)


if __name__ == "__main__":
    main()
