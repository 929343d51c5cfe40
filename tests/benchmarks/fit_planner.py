"""`python -m tests.benchmarks.fit_planner --data FILE`: fit the weights of `RulePlanner` and judge them.

The file has one JSON object a line: `id`, `question`, `functions` (OpenAI's form), `label` (`functions`,
`code_execution` or `none`) and, where the label is `functions`, `expected_function`.

The model is a conditional logit: each function, code execution and neither are options of one choice, the
utility of a function is linear in `fit_figures` and
`question_figures`, that of code execution in `code_figures`, that of
neither is zero; functions are chosen where their odds together are the highest. Rows are weighed so that each label counts the same. Printed are macro recall in repeated
cross-validation, where rows about the same function or with the same question share a fold, recall on each
source when it is left out, and the weights fitted to all rows as Python source.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from langchain_codeexec.planning import PlanRequest
from langchain_codeexec.planning.rules.coverage import fits
from langchain_codeexec.planning.rules.features import code_figures, evidence, fit_figures, question_figures
from langchain_codeexec.planning.rules.profiles import profile
from langchain_codeexec.planning.rules.reading import read
from tests.benchmarks.planner_rows import ROWS

LABELS = ("functions", "code_execution", "none")
NONE, CODE, FIRST_FUNCTION = 0, 1, 2
Row = dict[str, Any]


@dataclass
class Choices:
    """All rows as choices: `options[row, option, figure]`, `barred[row, option]` is -inf where there is none."""

    options: np.ndarray
    barred: np.ndarray
    wanted: np.ndarray
    label: np.ndarray
    figures: list[str]

    def __getitem__(self, rows: np.ndarray) -> Choices:
        return Choices(
            self.options[rows], self.barred[rows], self.wanted[rows], self.label[rows], self.figures
        )

    def utilities(self, weights: np.ndarray) -> np.ndarray:
        return self.options @ weights + self.barred

    def predicted(self, weights: np.ndarray) -> np.ndarray:
        """The label of the likeliest side, the odds of all functions taken together."""
        utility = self.utilities(weights)
        functions = np.logaddexp.reduce(utility[:, FIRST_FUNCTION:], axis=1)
        return np.stack([functions, utility[:, CODE], utility[:, NONE]], axis=1).argmax(1)

    def recalls(self, predicted: np.ndarray) -> np.ndarray:
        return np.array([(predicted[self.label == one] == one).mean() for one in np.unique(self.label)])


def choices(rows: list[Row]) -> Choices:
    """The rows in figures."""
    read_rows = [_figures(row) for row in rows]
    of_functions, of_code = list(read_rows[0][0][0]), list(read_rows[0][1])
    width = len(of_functions) + len(of_code)
    most = FIRST_FUNCTION + max(len(functions) for functions, _ in read_rows)
    options = np.zeros((len(rows), most, width))
    barred = np.full((len(rows), most), -np.inf)
    wanted = np.zeros(len(rows), int)
    for index, (row, (functions, code)) in enumerate(zip(rows, read_rows, strict=True)):
        options[index, CODE, len(of_functions) :] = list(code.values())
        for place, figures in enumerate(functions, FIRST_FUNCTION):
            options[index, place, : len(of_functions)] = list(figures.values())
        barred[index, : FIRST_FUNCTION + len(functions)] = 0
        names = [function["name"] for function in row["functions"]]
        by_label = {"none": NONE, "code_execution": CODE}
        wanted[index] = by_label.get(row["label"]) or (
            NONE if row["label"] == "none" else FIRST_FUNCTION + names.index(row["expected_function"])
        )
    label = np.array([LABELS.index(row["label"]) for row in rows])
    named = [f"functions {name}" for name in of_functions] + [f"code {name}" for name in of_code]
    return Choices(options, barred, wanted, label, named)


def _figures(row: Row) -> tuple[list[dict[str, float]], dict[str, float]]:
    reading = read(row["question"])
    found = evidence(reading)
    profiles = [profile(function) for function in PlanRequest([], row["functions"]).functions]
    fitting = fits(reading, profiles)
    return [{**fit_figures(fit), **question_figures(found)} for fit in fitting], code_figures(found, fitting)


def domains(rows: list[Row]) -> np.ndarray:
    """A number for each row; rows that share the function in question or the question have the same."""
    parent: dict[str, str] = {}

    def root(key: str) -> str:
        while parent.setdefault(key, key) != key:
            key = parent[key]
        return key

    keys = []
    for row in rows:
        borrowed = source(row).startswith("gsm")  # its functions are there by chance
        function = row["id"] if borrowed else row.get("expected_function") or row["functions"][0]["name"]
        keys.append(f"function {function}")
        parent[root(keys[-1])] = root(f"question {row['question'].strip().lower()}")
    roots = [root(key) for key in keys]
    return np.array([sorted(set(roots)).index(key) for key in roots])


def source(row: Row) -> str:
    """Where a row is from: its id without the number."""
    return re.sub(r"[_\d-]+$", "", row["id"]) if not row["id"].startswith("own_") else "own"


def fit(data: Choices, ridge: float) -> np.ndarray:
    """Weights of the figures by Newton's method; figures are standardised for the penalty."""
    spread = data.options[np.isfinite(data.barred)].std(0).clip(0.05)
    options = data.options / spread
    per_label = np.bincount(data.label, minlength=len(LABELS)).clip(1)
    balance = (len(data.label) / (len(LABELS) * per_label))[data.label]
    penalty = np.array([0.01 if name.endswith(" always") else ridge for name in data.figures])
    weights = np.zeros(len(data.figures))
    chosen = options[np.arange(len(options)), data.wanted]
    for _ in range(30):
        utility = options @ weights + data.barred
        p = np.exp(utility - utility.max(1, keepdims=True))
        p /= p.sum(1, keepdims=True)
        mean = np.einsum("no,nof->nf", p, options)
        gradient = (balance[:, None] * (mean - chosen)).sum(0) + penalty * weights
        spreading = (options * np.sqrt(p * balance[:, None])[:, :, None]).reshape(-1, len(weights))
        hessian = spreading.T @ spreading - (mean * balance[:, None]).T @ mean + np.diag(penalty)
        step = np.linalg.solve(hessian, gradient)
        weights -= step
        if np.abs(step).max() < 1e-6:
            break
    return weights / spread


def cross_validated(
    data: Choices, domain: np.ndarray, *, ridge: float, repeats: int, folds: int = 10
) -> np.ndarray:
    """What is predicted for each row by weights fitted without its domain; one line for each repeat."""
    runs = []
    for seed in range(repeats):
        fold = np.random.default_rng(seed).integers(0, folds, domain.max() + 1)[domain]
        predicted = np.zeros_like(data.label)
        for held in range(folds):
            predicted[fold == held] = data[fold == held].predicted(fit(data[fold != held], ridge))
        runs.append(predicted)
    return np.array(runs)


def source_text(figures: list[str], weights: np.ndarray) -> str:
    """The weights as Python source."""
    tables: dict[str, list[str]] = {"functions": [], "code": []}
    for name, weight in zip(figures, weights, strict=True):
        side, _, figure = name.partition(" ")
        tables[side].append(f'        "{figure}": {weight:.2f},')
    return "\n".join(f"{side.upper()}\n" + "\n".join(lines) for side, lines in tables.items())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--ridge", type=float, default=6.0)
    parser.add_argument("--repeats", type=int, default=10)
    options = parser.parse_args()
    rows = [json.loads(line) for line in options.data.read_text().splitlines() if line.strip()]
    rows += ROWS
    data, domain = choices(rows), domains(rows)
    given = np.array([not source(row).startswith("own") for row in rows])
    print(f"{len(rows)} rows in {domain.max() + 1} domains; {len(data.figures)} figures")
    for what, groups in (("domains held out", domain), ("rows held out", np.arange(len(rows)))):
        runs = cross_validated(data, groups, ridge=options.ridge, repeats=options.repeats)
        each = np.array([data[given].recalls(run[given]) for run in runs])
        own = np.array([data[~given].recalls(run[~given]) for run in runs])
        print(
            f"{what}: macro recall {each.mean():.4f} +- {each.mean(1).std():.4f}, {each.mean(0).round(3)}; invented {own.mean():.3f}"
        )
    sources = np.array([source(row) for row in rows])
    for left in sorted(set(sources)):
        out = sources == left
        predicted = data[out].predicted(fit(data[~out], options.ridge))
        print(f"source held out: {left:<18} {data[out].recalls(predicted).round(3)}")
    weights = fit(data, options.ridge)
    print("in sample:", data[given].recalls(data[given].predicted(weights)).round(3))
    for row, right, own in zip(rows, data.predicted(weights) == data.label, ~given, strict=True):
        if own and not right:
            print("in sample wrong:", row["id"], row["question"])
    print(source_text(data.figures, weights))


if __name__ == "__main__":
    main()
