"""`python -m tests.benchmarks.fit_planner --data FILE`: fit the weights of `RulePlanner` and judge them.

The file has one JSON object a line: `id`, `question`, `functions` (OpenAI's form), `label` (`functions`,
`code_execution` or `none`) and, where the label is `functions`, `expected_function`. Prints macro recall over
the three labels in repeated cross-validation, where rows about the same function or with the same question
share a fold, and with each source left out, then the weights fitted to all rows as Python source.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from langchain_codeexec.planning import PlanRequest  # noqa: E402 -- the path must be set first
from langchain_codeexec.planning.rules.coverage import fits  # noqa: E402 -- as above
from langchain_codeexec.planning.rules.features import features  # noqa: E402 -- as above
from langchain_codeexec.planning.rules.profiles import profile  # noqa: E402 -- as above
from langchain_codeexec.planning.rules.reading import read  # noqa: E402 -- as above

LABELS = ("functions", "code_execution", "none")
Rows = list[dict[str, Any]]


def figures(row: dict[str, Any]) -> tuple[dict[str, float], str]:
    """The figures of one row, and the function that fits best."""
    reading = read(row["question"])
    found = fits(reading, [profile(f) for f in PlanRequest([], row["functions"]).functions])
    return features(reading, found), found[0].name


def domains(rows: Rows) -> np.ndarray:
    """A number for each row; rows that share the function in question or the question have the same."""
    parent: dict[str, str] = {}

    def root(key: str) -> str:
        while parent.setdefault(key, key) != key:
            key = parent[key]
        return key

    keys = []
    for row in rows:
        borrowed = source(row).startswith("gsm")
        function = row["id"] if borrowed else row.get("expected_function") or row["functions"][0]["name"]
        keys.append(f"function {function}")
        parent[root(keys[-1])] = root(f"question {row['question'].strip().lower()}")
    roots = [root(key) for key in keys]
    return np.array([sorted(set(roots)).index(key) for key in roots])


def source(row: dict[str, Any]) -> str:
    """Where a row is from: its id without the number."""
    return re.sub(r"[_\d-]+$", "", row["id"])


def fit(x: np.ndarray, y: np.ndarray, ridge: float) -> tuple[np.ndarray, np.ndarray]:
    """Multinomial logistic regression by Newton's method; classes weigh the same, figures are standardised."""
    mean, spread = x.mean(0), x.std(0) + 1e-9
    z = np.c_[(x - mean) / spread, np.ones(len(x))]
    classes, width = len(LABELS), z.shape[1]
    balance = (len(y) / (classes * np.bincount(y, minlength=classes).clip(1)))[y]
    wanted = np.eye(classes)[y]
    penalty = np.diag([ridge] * (width - 1) + [1e-6])
    w = np.zeros((width, classes))
    for _ in range(50):
        score = np.exp(z @ w - (z @ w).max(1, keepdims=True))
        p = score / score.sum(1, keepdims=True)
        gradient = z.T @ (balance[:, None] * (p - wanted)) + penalty @ w
        hessian = 1e-6 * np.eye(width * classes)
        for a in range(classes):
            for b in range(classes):
                curve = balance * p[:, a] * ((a == b) - p[:, b])
                block = (z * curve[:, None]).T @ z + (penalty if a == b else 0)
                hessian[a * width : (a + 1) * width, b * width : (b + 1) * width] += block
        step = np.linalg.solve(hessian, gradient.T.ravel()).reshape(classes, width).T
        w -= step
        if np.abs(step).max() < 1e-7:
            break
    slopes = w[:-1] / spread[:, None]
    return slopes, w[-1] - mean @ slopes


def predict(model: tuple[np.ndarray, np.ndarray], x: np.ndarray) -> np.ndarray:
    slopes, intercepts = model
    return (x @ slopes + intercepts).argmax(1)


def recalls(y: np.ndarray, predicted: np.ndarray) -> list[float]:
    return [float((predicted[y == label] == label).mean()) for label in range(len(LABELS)) if (y == label).any()]


def cross_validate(
    x: np.ndarray, y: np.ndarray, domain: np.ndarray, *, ridge: float, repeats: int, folds: int = 10
) -> list[np.ndarray]:
    """What is predicted for each row by a model that has not seen its domain, once for each repeat."""
    runs = []
    for seed in range(repeats):
        fold = np.random.default_rng(seed).integers(0, folds, domain.max() + 1)[domain]
        predicted = np.zeros_like(y)
        for held in range(folds):
            model = fit(x[fold != held], y[fold != held], ridge)
            predicted[fold == held] = predict(model, x[fold == held])
        runs.append(predicted)
    return runs


def source_text(names: list[str], slopes: np.ndarray, intercepts: np.ndarray) -> str:
    """The weights as Python source, relative to `none`."""
    lines = [f'    "always": ({intercepts[0] - intercepts[2]:.2f}, {intercepts[1] - intercepts[2]:.2f}),']
    for name, (functions, code, none) in zip(names, slopes, strict=True):
        lines.append(f'    "{name}": ({functions - none:.2f}, {code - none:.2f}),')
    return "{\n" + "\n".join(lines) + "\n}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--ridge", type=float, default=5.0)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--errors", action="store_true", help="list the rows that the first repeat gets wrong")
    options = parser.parse_args()
    rows = [json.loads(line) for line in options.data.read_text().splitlines() if line.strip()]
    named, chosen = zip(*map(figures, rows), strict=True)
    names = list(named[0])
    x = np.array([[row[name] for name in names] for row in named])
    y = np.array([LABELS.index(row["label"]) for row in rows])
    domain = domains(rows)

    right = [name == row["expected_function"] for name, row in zip(chosen, rows, strict=True) if row.get("expected_function")]
    print(f"{len(rows)} rows, {domain.max() + 1} domains, {len(names)} figures; best function right: {np.mean(right):.3f}")
    runs = cross_validate(x, y, domain, ridge=options.ridge, repeats=options.repeats)
    each = np.array([recalls(y, run) for run in runs])
    print("cross-validated macro recall", f"{each.mean():.4f} +- {each.mean(1).std():.4f};", each.mean(0).round(3))
    sources = np.array([source(row) for row in rows])
    for left in sorted(set(sources)):
        out = sources == left
        predicted = predict(fit(x[~out], y[~out], options.ridge), x[out])
        print(f"  without {left:<18} its recalls {np.round(recalls(y[out], predicted), 3)}")
    model = fit(x, y, options.ridge)
    print("in sample", np.round(recalls(y, predict(model, x)), 3))
    if options.errors:
        for row, predicted, label, name, best in zip(rows, runs[0], y, chosen, named, strict=True):
            if predicted != label:
                shown = " ".join(f"{key}={value:.1f}" for key, value in best.items() if value)
                print(f"{LABELS[label]}->{LABELS[predicted]} {row['id']} | {row['question'][:160]!r} || {name} {shown}")
    print(source_text(names, *model))


if __name__ == "__main__":
    main()
