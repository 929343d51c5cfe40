"""`python -m tests.benchmarks.planner [--data FILE]`: how often a planner chooses rightly, and how fast it is.

The file has one JSON object a line: `question`, `functions` (OpenAI's form) and `label` (`functions`,
`code_execution` or `none`). Without one, the invented requests beside this module are used, which the
weights of `RulePlanner` were fitted to. A plan for both sides counts half for either.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from langchain_core.messages import HumanMessage

from langchain_codeexec.messages.tools import wire_tools
from langchain_codeexec.planning import Plan, PlanRequest, RulePlanner
from tests.benchmarks.planner_rows import ROWS

if TYPE_CHECKING:
    from langchain_codeexec.planning import Planner

LABELS = ("functions", "code_execution", "none")
_TOOLS = 20


def chosen(plan: Plan) -> str:
    """A plan in one word."""
    sides = {
        (True, True): "both",
        (True, False): "code_execution",
        (False, True): "functions",
        (False, False): "none",
    }
    return sides[plan.code_execution, bool(plan.functions)]


def confusions(planner: Planner, rows: list[dict[str, Any]]) -> Counter[tuple[str, str]]:
    """How often each label was answered with each choice."""
    counts: Counter[tuple[str, str]] = Counter()
    for row in rows:
        request = PlanRequest([HumanMessage(row["question"])], row["functions"], model="gemini-2.5-flash")
        counts[row["label"], chosen(planner.plan(request))] += 1
    return counts


def recalls(counts: Counter[tuple[str, str]]) -> dict[str, float]:
    """Share of each label that is answered rightly."""
    found = {}
    for label in LABELS:
        total = sum(count for (right, _), count in counts.items() if right == label)
        half = counts[label, "both"] / 2 if label != "none" else 0
        if total:
            found[label] = (counts[label, label] + half) / total
    return found


def seconds_per_plan(planner: Planner, rows: list[dict[str, Any]]) -> list[float]:
    """Time of each plan with twenty functions declared, in the form the chat model passes them on."""
    functions = {function["name"]: function for row in rows for function in row["functions"]}
    declared = wire_tools(list(functions.values())[:_TOOLS])
    taken = []
    for row in rows:
        request = PlanRequest([HumanMessage(row["question"])], declared, model="gemini-2.5-flash")
        start = time.perf_counter()
        planner.plan(request)
        taken.append(time.perf_counter() - start)
    return taken


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path)
    options = parser.parse_args()
    rows = (
        [json.loads(line) for line in options.data.read_text().splitlines() if line.strip()]
        if options.data
        else ROWS
    )
    planner = RulePlanner()
    counts = confusions(planner, rows)
    by_label = recalls(counts)
    print(f"{len(rows)} rows; macro recall {statistics.mean(by_label.values()):.4f}")
    for label, recall in by_label.items():
        answers = {answer: count for (right, answer), count in sorted(counts.items()) if right == label}
        print(f"  {label:<16}{recall:.4f}  {answers}")
    taken = seconds_per_plan(planner, rows)
    print(
        f"per plan, {_TOOLS} functions: median {statistics.median(taken) * 1e3:.3f} ms, slowest {max(taken) * 1e3:.3f} ms"
    )


if __name__ == "__main__":
    main()
